"""What stands around a graph: its title above, and below what its marks and arrows mean and what is left out."""

from collections.abc import Sequence
from dataclasses import replace

from markovgpt.graphs.lettering import drawable, height_of, lines_of, width_of
from markovgpt.graphs.placed_graph import BEGIN, KEY, Arrow, Caption, Node, PlacedGraph

TITLE, SMALL_PRINT = 10.0, 7.5  # points
AIR = 0.35  # centimetres between the graph and what stands around it, and between entries
STROKE = 0.9  # length of the sample of an arrow
NARROWEST = 7.0  # width of lines beneath a small graph
LONGEST = 2000  # characters of a title or sentence
Entry = tuple[Node | Arrow, str]  # a mark, at any place, and what it means


def with_legend(
    graph: PlacedGraph, entries: Sequence[Entry], *, title: str = "", sentences: Sequence[str] = ()
) -> PlacedGraph:
    """The graph with a title, a legend of the marks that occur, and sentences in small print; empty ones are left out.

    >>> one = PlacedGraph((Node(0, 0, "a"),), ())
    >>> [caption.lines for caption in with_legend(one, [(Node(0, 0, ""), "state")], title="One").captions]
    [('One',), ('state',)]
    """
    left, right, bottom, top = graph.box
    width = max(right - left, NARROWEST)
    left = (left + right - width) / 2
    captions, keys = list(graph.captions), list(graph.keys)
    if title:
        lines = lines_of(drawable(title, LONGEST), width, TITLE)
        captions.append(Caption(left, top + AIR + height_of(TITLE, len(lines)) / 2, lines, TITLE, centred=False))
    across, down = 0.0, bottom - AIR - KEY / 2
    for mark, text in entries:
        shown = drawable(text, 60)
        before = STROKE if isinstance(mark, Arrow) else KEY + (BEGIN if mark.begin is not None else 0.0)
        wide = before + 0.12 + width_of(shown, SMALL_PRINT)
        if across and across + wide > width:
            across, down = 0.0, down - KEY - 0.1
        x = left + across
        keys.append(
            replace(mark, way=_straight(x, down))
            if isinstance(mark, Arrow)
            else replace(mark, x=x + before - KEY / 2, y=down)
        )
        captions.append(Caption(x + before + 0.12, down, (shown,), SMALL_PRINT, centred=False))
        across += wide + AIR
    at = down - KEY / 2 - AIR / 3 if entries else bottom - AIR
    for sentence in filter(None, sentences):
        lines = lines_of(drawable(sentence, LONGEST), width, SMALL_PRINT)
        high = height_of(SMALL_PRINT, len(lines))
        captions.append(Caption(left, at - high / 2, lines, SMALL_PRINT, centred=False))
        at -= high + 0.08
    return replace(graph, captions=tuple(captions), keys=tuple(keys))


def _straight(x: float, y: float) -> tuple[tuple[float, float], ...]:
    """A short way to the right."""
    return tuple((x + STROKE * part / 3, y) for part in range(4))
