"""A graph whose nodes, arrows and labels have their places on paper: what every way to draw it shares.

Lengths are centimetres, widths of lines and sizes of letters points. A layout makes one (`ring_layout`, `loop_layout`,
`graphviz_layout`), `label_places` finds room for what stands on its arrows, `picture` and `tikz` draw it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from markovgpt.graphs.lettering import height_of, width_of
from markovgpt.scaled import FloatArray

GREY, BLUE = "#8a8a8a", "#2b6ca3"
BEGIN = 0.55  # length of the small arrow that leads into where it begins
SMALL = 0.72  # size of a note beneath a label
HEAD = (0.16, 0.035, 0.42)  # length of an arrow's head, and of that for each point of width; its half width to that
SAMPLES = 41  # points of each piece of a curve

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, right, bottom and top
Way = tuple[Point, ...]  # 3 k + 1 control points of a cubic Bezier curve in k pieces


@dataclass(frozen=True)
class Node:
    """A state: where it is, what stands in it, and beneath that in small; how it is marked.

    Parameters
    ----------
    strong: filled: on a loop. doubled: a double rim: red. square: absorbing.
    begin: the angle from which a small arrow leads into it, in degrees, where it is the start; its rim is bold.
    share: of a disc within it, in [0, 1], where there is one.
    """

    x: float
    y: float
    label: str
    note: str = ""
    strong: bool = False
    doubled: bool = False
    square: bool = False
    begin: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Arrow:
    """An arrow between nodes by their numbers.

    Parameters
    ----------
    way: the control points, from rim to rim.
    place: the middle of its label, where that has a place.
    dashes: lengths on and off, in widths of the line; none is a solid line.
    """

    source: int
    target: int
    way: Way
    label: str = ""
    place: Point | None = None
    width: float = 0.8
    colour: str = GREY
    dashes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Caption:
    """Lines of text around a place, or to the right of it."""

    x: float
    y: float
    lines: tuple[str, ...]
    points: float = 10.0
    centred: bool = True

    @property
    def box(self) -> Box:
        """Left, right, bottom and top."""
        width = max((width_of(line, self.points) for line in self.lines), default=0.0)
        half = height_of(self.points, len(self.lines)) / 2
        left = self.x - width / 2 if self.centred else self.x
        return left, left + width, self.y - half, self.y + half


@dataclass(frozen=True)
class PlacedGraph:
    """What is drawn.

    Parameters
    ----------
    captions: texts beside the graph: titles, what belongs to a loop, what is left out.
    keys: what the marks mean: nodes and arrows that are no part of the graph.
    diameter: of the nodes; that of the keys' is `KEY`.
    points, arrow_points: sizes of the letters in nodes and on arrows.
    """

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    captions: tuple[Caption, ...] = ()
    keys: tuple[Node | Arrow, ...] = ()
    diameter: float = 1.0
    points: float = 10.0
    arrow_points: float = 8.0

    @property
    def box(self) -> Box:
        """Left, right, bottom and top of all that is drawn."""
        boxes = [caption.box for caption in self.captions]
        for node in self.nodes:
            reach = self.diameter / 2
            boxes.append((node.x - reach, node.x + reach, node.y - reach, node.y + reach))
            if node.begin is not None:
                ends = begin_way(node, self.diameter)
                boxes.append((*_ends(x for x, _ in ends), *_ends(y for _, y in ends)))
        for arrow in self.arrows:
            points = points_of(arrow.way)
            boxes.append((*_ends(points[:, 0]), *_ends(points[:, 1])))
        boxes += label_boxes(self)
        if not boxes:
            return 0.0, 1.0, 0.0, 1.0
        left, right, bottom, top = zip(*boxes, strict=True)
        return min(left), max(right), min(bottom), max(top)


SQUARE = 0.88  # side of a square node, in diameters
INNER_RIM = 0.86  # diameter of the inner one of two rims, in diameters
KEY = 0.42  # diameter of the nodes of a legend


def label_boxes(graph: PlacedGraph) -> list[Box]:
    """Left, right, bottom and top of each label that has a place, in the order of the arrows."""
    half = height_of(graph.arrow_points) / 2
    return [
        (x - width / 2, x + width / 2, y - half, y + half)
        for arrow in graph.arrows
        if arrow.label and arrow.place is not None
        for (x, y), width in [(arrow.place, width_of(arrow.label, graph.arrow_points))]
    ]


def points_of(way: Way) -> FloatArray:
    """Points along a curve, (41, 2) for each of its pieces.

    >>> points_of(((0, 0), (1, 0), (2, 0), (3, 0)))[[0, 20, 40]].round(2).tolist()
    [[0.0, 0.0], [1.5, 0.0], [3.0, 0.0]]
    """
    control = np.array(way, dtype=np.float64)
    t = np.linspace(0, 1, SAMPLES)[:, None]
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    pieces = [
        np.asarray(sum(weight * point for weight, point in zip(weights, control[first : first + 4], strict=True)))
        for first in range(0, len(control) - 1, 3)
    ]
    return np.concatenate(pieces)


def head_of(arrow: Arrow) -> FloatArray:
    """The corners of an arrow's head, (3, 2): its point first."""
    way = np.array(arrow.way, dtype=np.float64)
    tip, length = way[-1], head_length(arrow.width)
    path = points_of(arrow.way)
    far = np.hypot(*(path - tip).T)
    behind = path[np.flatnonzero(far >= length)[-1]] if (far >= length).any() else path[0]
    along = (tip - behind) / max(float(np.hypot(*(tip - behind))), 1e-9)
    aside = HEAD[2] * length * np.array([-along[1], along[0]])
    return np.array([tip, tip - length * along + aside, tip - length * along - aside])


def dash_lengths(arrow: Arrow) -> tuple[float, ...]:
    """The lengths of an arrow's dashes and gaps, in points: those of a fine line are not finer still.

    >>> [dash_lengths(Arrow(0, 1, (), width=width, dashes=(4.0, 1.0))) for width in (2.0, 0.5)]
    [(8.0, 2.0), (4.0, 1.0)]
    """
    return tuple(length * max(arrow.width, 1.0) for length in arrow.dashes)


def head_length(width: float) -> float:
    """How long the head of an arrow of a width is."""
    return HEAD[0] + HEAD[1] * width


def begin_way(node: Node, diameter: float) -> tuple[Point, Point]:
    """The ends of the small arrow that leads into where it begins."""
    turn = math.radians(node.begin or 0.0)
    along, reach = (math.cos(turn), math.sin(turn)), diameter / 2
    far = reach + BEGIN
    return (node.x + far * along[0], node.y + far * along[1]), (node.x + reach * along[0], node.y + reach * along[1])


def begun(graph: PlacedGraph) -> PlacedGraph:
    """The graph with the small arrow into its start where least comes near it."""
    nodes = [
        node if node.begin is None else replace(node, begin=_free_angle(graph, place))
        for place, node in enumerate(graph.nodes)
    ]
    return replace(graph, nodes=tuple(nodes))


def _free_angle(graph: PlacedGraph, number: int) -> float:
    """The angle, in degrees, at which least comes near a node."""
    node = graph.nodes[number]
    near = [np.array([(other.x, other.y) for place, other in enumerate(graph.nodes) if place != number]).reshape(-1, 2)]
    near += [points_of(arrow.way) for arrow in graph.arrows]
    loops = [arrow.way for arrow in graph.arrows if arrow.source == arrow.target == number]
    near += [
        np.linspace((node.x, node.y), way[1], 9)[4:] / 2 + np.linspace((node.x, node.y), way[2], 9)[4:] / 2
        for way in loops
    ]  # nor within a loop
    things = np.concatenate(near)

    def room(angle: float) -> float:
        way = np.linspace(*begin_way(Node(node.x, node.y, "", begin=angle), graph.diameter), 5)[:4]
        return float(np.hypot(*(way[:, None] - things).transpose(2, 0, 1)).min(initial=np.inf))

    return float(max((180.0, *range(0, 360, 15)), key=room))


def loop_way(place: Sequence[float], radius: float, angle: float) -> Way:
    """An arrow from a node back to itself, on the side of an angle in degrees."""
    (x, y), out = map(float, place), math.radians(angle)
    turns, far = (out + 0.6, out + 0.55, out - 0.55, out - 0.6), (1.0, 3.0, 3.0, 1.0)
    return tuple(
        (x + radius * away * math.cos(turn), y + radius * away * math.sin(turn))
        for turn, away in zip(turns, far, strict=True)
    )


def bent_way(begin: Sequence[float], end: Sequence[float], radius: float, bend: float) -> Way:
    """An arrow from rim to rim, whose middle is half of a bend, in lengths of its chord, to the right of that."""
    first, last = np.array(begin, dtype=np.float64), np.array(end, dtype=np.float64)
    along = last - first
    middle = (first + last) / 2 + bend * np.array([along[1], -along[0]])
    first = first + radius * (middle - first) / np.hypot(*(middle - first))
    last = last + radius * (middle - last) / np.hypot(*(middle - last))
    control = (first, first + 2 / 3 * (middle - first), last + 2 / 3 * (middle - last), last)
    return tuple((float(x), float(y)) for x, y in control)


def _ends(values: object) -> tuple[float, float]:
    """The least and the largest of some numbers."""
    numbers = np.fromiter(values, dtype=np.float64)  # type: ignore[call-overload]
    return float(numbers.min()), float(numbers.max())
