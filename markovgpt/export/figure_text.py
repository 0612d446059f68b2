"""What is written in a figure: characters that the font has, axes without formulas, legends of any names."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAMILY = "DejaVu Sans"  # which comes with matplotlib
MOST_CHARACTERS = 24  # of a label beside an axis


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
    # late: matplotlib takes half a second to import
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=FAMILY))).get_charmap())


def logarithmic_axis(axes: "Axes", name: str) -> None:
    """Make the axis "x" or "y" logarithmic."""
    from markovgpt.export.powers_of_ten import PowersOfTen  # late: matplotlib takes half a second to import

    getattr(axes, f"set_{name}scale")("log")
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_formatter(PowersOfTen())
    axis.set_minor_formatter(PowersOfTen(labelOnlyBase=False, minor_thresholds=(1, 0.4)))


def legend_above(figure: "Figure", handles: Sequence[Any], names: Sequence[str], columns: int, title: str = "") -> None:
    """A legend above the panels; a name may begin with an underscore, which would hide it."""
    legend = figure.legend(
        handles, [" "] * len(names), loc="outside upper center", ncols=columns, columnspacing=1, title=title or None
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
