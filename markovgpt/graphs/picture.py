"""A placed graph as a picture: vector text, the same bytes when made twice, nothing in a label read as a formula."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markovgpt.errors import InvalidInput
from markovgpt.export.figure_text import FAMILY
from markovgpt.export.figures import STYLE
from markovgpt.graphs.placed_graph import (
    INNER_RIM,
    KEY,
    SMALL,
    SQUARE,
    Arrow,
    Box,
    Caption,
    Node,
    PlacedGraph,
    begin_way,
    dash_lengths,
    head_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Circle, Rectangle

AROUND = 0.2  # centimetres of white
CENTIMETRES = 2.54  # of an inch
DOTS_PER_INCH = 200
INK, RED, FILL, DISC = "#222222", "#b2182b", "#dcdcdc", "#a6cee3"
RIM, BOLD, INNER = 0.8, 2.4, 0.8  # points of a rim, of the start's, and of the inner one of two
LOOK = {
    **STYLE,
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": [FAMILY],
    "hatch.linewidth": 0.5,
}
UNDATED: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}


def write_picture(graph: PlacedGraph, path: str | Path, box: Box | None = None) -> Path:
    """Draw what has places; the name's ending says the format: .svg, .pdf or .png. Returns the path.

    Parameters
    ----------
    box: the left, right, bottom and top of the paper, where that is not to be what is drawn.

    Raises
    ------
    InvalidInput: another ending.
    """
    import matplotlib as mpl  # late: it takes half a second to import
    import matplotlib.pyplot as plt

    file = checked_name(path)
    with mpl.rc_context(LOOK):
        figure = picture(graph, box)
        figure.savefig(file, dpi=DOTS_PER_INCH, metadata=UNDATED[file.suffix.lower()])
        plt.close(figure)
    return file


def checked_name(path: str | Path) -> Path:
    """The path, or a refusal where its ending is no format of a picture."""
    file = Path(path)
    if file.suffix.lower() not in UNDATED:
        raise InvalidInput(
            f"a drawing's name must end in .svg, .pdf or .png, got {file.name!r}; for .dot and .tex see write_dot and "
            "write_tikz"
        )
    return file


def picture(graph: PlacedGraph, box: Box | None = None) -> "Figure":
    """A placed graph as a figure of its own size, or of a given box, drawn under the look of `LOOK`."""
    import matplotlib.pyplot as plt  # late: matplotlib takes half a second to import

    left, right, bottom, top = graph.box if box is None else box
    sides = (left - AROUND, right + AROUND), (bottom - AROUND, top + AROUND)
    figure = plt.figure(figsize=tuple((high - low) / CENTIMETRES for low, high in sides))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=sides[0], ylim=sides[1])
    axes.axis("off")
    for arrow in graph.arrows:
        _draw_arrow(axes, arrow)
        if arrow.label and arrow.place is not None:
            _write(axes, arrow.place[0], arrow.place[1], arrow.label, graph.arrow_points)
    for node in graph.nodes:
        _draw_node(axes, node, graph.diameter, graph.points)
    for key in graph.keys:
        if isinstance(key, Arrow):
            _draw_arrow(axes, key)
        else:
            _draw_node(axes, key, KEY, graph.points)
    for caption in graph.captions:
        _draw_caption(axes, caption)
    return figure


def _draw_arrow(axes: "Axes", arrow: Arrow) -> None:
    """A curve up to its head, and the head."""
    from matplotlib.patches import PathPatch, Polygon  # late: matplotlib takes half a second to import
    from matplotlib.path import Path as Curve

    head = head_of(arrow)
    base = (head[1] + head[2]) / 2
    control = [*arrow.way[:-1], tuple(base)]
    codes = [Curve.MOVETO, *[Curve.CURVE4] * (len(control) - 1)]
    lengths = tuple(length / arrow.width for length in dash_lengths(arrow))  # matplotlib counts in widths
    dashes: Any = (0, lengths) if lengths else "solid"
    axes.add_patch(
        PathPatch(
            Curve(control, codes),
            facecolor="none",
            edgecolor=arrow.colour,
            linewidth=arrow.width,
            linestyle=dashes,
            capstyle="butt",
            zorder=2,
        )
    )
    axes.add_patch(Polygon(head, closed=True, facecolor=arrow.colour, edgecolor="none", zorder=2.1))


def _draw_node(axes: "Axes", node: Node, diameter: float, points: float) -> None:
    """A circle or a square with its marks, what stands in it, and the arrow into the start."""
    from matplotlib.patches import Circle  # late: matplotlib takes half a second to import

    rim: dict[str, Any] = {
        "facecolor": FILL if node.strong else "white",
        "edgecolor": RED if node.doubled else INK,
        "linewidth": RIM if node.begin is None else BOLD,
        "zorder": 3,
    }
    axes.add_patch(_outline(node, diameter / 2, rim))
    if node.doubled:
        inner = {**rim, "facecolor": "none", "linewidth": INNER}
        axes.add_patch(_outline(node, INNER_RIM * diameter / 2, inner))
    if node.share is not None:
        disc = Circle((node.x, node.y), diameter / 2 * math.sqrt(node.share), facecolor=DISC, linewidth=0, zorder=4)
        axes.add_patch(disc)
    if node.begin is not None:
        begin, end = begin_way(node, diameter)
        way = tuple((begin[0] + part * (end[0] - begin[0]) / 3, begin[1] + part * (end[1] - begin[1]) / 3)
                    for part in range(4))  # fmt: skip
        _draw_arrow(axes, Arrow(-1, -1, way, width=1.2, colour=INK))
    ink = RED if node.doubled else INK
    if node.note:
        _write(axes, node.x, node.y, node.label, points, ink, "bottom")
        _write(axes, node.x, node.y - 0.03, node.note, SMALL * points, ink, "top")
    else:
        _write(axes, node.x, node.y, node.label, points, ink)


def _outline(node: Node, reach: float, look: dict[str, Any]) -> "Circle | Rectangle":
    """The rim of a node."""
    from matplotlib.patches import Circle, Rectangle  # late: matplotlib takes half a second to import

    if node.square:
        half = SQUARE * reach
        return Rectangle((node.x - half, node.y - half), 2 * half, 2 * half, **look)
    return Circle((node.x, node.y), reach, **look)


def _write(
    axes: "Axes", x: float, y: float, text: str, points: float, ink: str = INK, at: str = "center_baseline"
) -> None:
    """One line of text."""
    axes.text(x, y, text, ha="center", va=at, fontsize=points, color=ink, zorder=5)


def _draw_caption(axes: "Axes", caption: Caption) -> None:
    """Lines of text."""
    side, words = "center" if caption.centred else "left", "\n".join(caption.lines)
    axes.text(caption.x, caption.y, words, ha=side, va="center", fontsize=caption.points, color=INK, zorder=5)
