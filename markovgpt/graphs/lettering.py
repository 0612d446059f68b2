r"""How wide a text is on paper, and what of it can be set: the font is the one that matplotlib brings along.

It is wider than Helvetica, Arial and LaTeX's own, so what has room in it has room in those.
"""

from functools import cache

from markovgpt.export.figure_text import FAMILY, visible

POINT = 2.54 / 72  # centimetres
HEIGHT = 1.2  # of a line, in sizes of its font


def width_of(text: str, points: float) -> float:
    """How many centimetres a text is wide that has gone through `drawable`.

    >>> width_of("ii", 10) < width_of("mm", 10) == width_of("mm", 20) / 2
    True
    """
    return _unit_width(text) * points * POINT


def height_of(points: float, n_lines: int = 1) -> float:
    """How many centimetres lines of text are high.

    >>> round(height_of(10), 3)
    0.423
    """
    return HEIGHT * points * POINT * n_lines


def drawable(text: str, longest: int) -> str:
    r"""A text as a picture shows it: cut where it is too long, and what the font cannot show by its number.

    >>> drawable("a\nb", 12), drawable("\U0001f642", 12), drawable("abcdef", 4)
    ('a\\nb', '\\U0001f642', 'abc…')
    """
    shown = visible(text[: longest + 1])
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def lines_of(text: str, width: float, points: float) -> tuple[str, ...]:
    """A text broken between its words into lines of at most a width in centimetres, where its words allow.

    >>> lines_of("one two three", width_of("one two", 8), 8)
    ('one two', 'three')
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, points) <= width + 1e-9:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


@cache
def _unit_width(text: str) -> float:
    """The width of a text of size one, in points."""
    from matplotlib.font_manager import FontProperties  # late: matplotlib takes half a second to import
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FAMILY, size=100)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 100
