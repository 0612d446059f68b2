"""What is written in a figure: characters that the font has, powers of ten without formulas, legends of any names."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import LogFormatter

FAMILY = "DejaVu Sans"  # which comes with matplotlib
MOST_CHARACTERS = 24  # of a label beside an axis
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def legible(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""Text as a figure can show it: the newest end of a long one, and escapes for what the font does not have.

    >>> legible("a" * 30, 5), legible("1\n2"), legible("\u4e2d")
    ('…aaaa', '1\\n2', '\\u4e2d')
    """
    return visible(text if len(text) <= most else "…" + text[len(text) - most + 1 :])


def visible(text: str) -> str:
    r"""Text in which what the font cannot show, or nobody can see, is its number.

    >>> visible("a\n\u4e2d")
    'a\\n\\u4e2d'
    """
    glyphs = _glyphs()
    return "".join(
        character
        if character.isprintable() and ord(character) in glyphs
        else character.encode("unicode_escape").decode()
        for character in text
    )


@cache
def _glyphs() -> frozenset[int]:
    """The characters that the font can show."""
    return frozenset(get_font(findfont(FontProperties(family=FAMILY))).get_charmap())


def power_of_ten(exponent: int) -> str:
    """A power of ten, with raised digits.

    >>> power_of_ten(-12)
    '10⁻¹²'
    """
    return "10" + str(exponent).translate(RAISED)


class PowersOfTen(LogFormatter):
    """Numbers along a logarithmic axis: powers of ten with raised digits, and between them what there is room for."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """One number; empty where it gets none."""
        if not super().__call__(x, pos):
            return ""
        mantissa, exponent = f"{x:.0e}".split("e")
        if 0.01 <= x <= 1000:
            return f"{x:g}"
        return power_of_ten(int(exponent)) if mantissa == "1" else f"{mantissa}·{power_of_ten(int(exponent))}"


def logarithmic_axis(axes: Axes, name: str) -> None:
    """Make the axis "x" or "y" logarithmic."""
    getattr(axes, f"set_{name}scale")("log")
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_formatter(PowersOfTen())
    axis.set_minor_formatter(PowersOfTen(labelOnlyBase=False, minor_thresholds=(1, 0.4)))


def legend_above(figure: Figure, handles: Sequence[Any], names: Sequence[str], columns: int, title: str = "") -> None:
    """A legend above the panels; a name may begin with an underscore, which would hide it."""
    legend = figure.legend(
        handles, [" "] * len(names), loc="outside upper center", ncols=columns, columnspacing=1, title=title or None
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
