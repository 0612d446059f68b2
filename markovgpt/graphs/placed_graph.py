"""A small graph whose nodes have places on paper, and the places of a graph of loops with tails.

Lengths are centimetres, angles degrees. A loop is a circle that runs clockwise from the top; what leads into it stands
outside, one ring for each step. Loops stand in rows, those that most leads to first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.scaled import FloatArray

SPACING = 1.8  # of the middles of nodes, in diameters
GAP = 1.0  # between loops, and below the one that a caption belongs to
LINE = 0.5  # height of a line of text
CHARACTER = 0.26  # width of a character, roughly
BY_PREFERENCE = (10, 9, 11, 8, 12, 7, 13, 6, 14, 5, 15, 4, 16)  # points of an arrow where its label may stand


@dataclass(frozen=True)
class Node:
    """A state: where it is, what stands in it, and beneath that in small; how it is marked.

    ``strong`` is what the picture is about, ``doubled`` is red, ``begin`` is where it begins.
    """

    x: float
    y: float
    label: str
    note: str = ""
    strong: bool = False
    doubled: bool = False
    begin: bool = False


@dataclass(frozen=True)
class Arrow:
    """An arrow between nodes by their numbers; bent to its left by so many degrees, for a self-loop where it points."""

    source: int
    target: int
    label: str = ""
    strong: bool = False
    bend: float = 0.0


@dataclass(frozen=True)
class Caption:
    """Lines of text around a place."""

    x: float
    y: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class PlacedGraph:
    """What is drawn.

    Parameters
    ----------
    diameter: of the nodes.
    """

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    captions: tuple[Caption, ...] = ()
    diameter: float = 1.0


@dataclass(frozen=True, eq=False)
class Places:
    """Where states stand, (k, 2); how far each arrow is bent, (k,); and the captions, one a loop."""

    states: FloatArray
    bend: FloatArray
    captions: tuple[Caption, ...]


def loops_with_tails(
    graph: FunctionalGraph, captions: Sequence[tuple[str, ...]], weight: NDArray[np.int64], diameter: float = 1.0
) -> Places:
    """Places for states that have one successor each.

    Parameters
    ----------
    captions: the lines that belong to each loop: in its middle where there is room, else below.
    weight: (k,) what orders the loops: those whose basins weigh most come first.

    The middles of nodes are at least 1.8 diameters apart, along a ring and from ring to ring.

    >>> two = FunctionalGraph.of(np.array([1, 0]))
    >>> loops_with_tails(two, [("ab",)], np.array([1, 1])).states.round(2).tolist()
    [[0.5, -0.5], [0.5, -2.3]]
    """
    states, bend = np.zeros((len(weight), 2)), np.zeros(len(weight))
    order = np.argsort(-np.bincount(graph.basin, weight, minlength=len(captions)), kind="stable")
    blocks, texts = [], []
    for cycle in order.tolist():
        members = np.flatnonzero(graph.basin == cycle)
        angle = _angles(graph, cycle)
        radius = _radii(graph, members, angle, SPACING * diameter)
        turn = np.radians(angle)
        states[members] = radius[members, None] * np.column_stack([np.sin(turn), np.cos(turn)])[members]
        round_trip = graph.cycles[cycle]
        if len(round_trip) == 1:
            bend[round_trip] = 90.0
        else:
            onward = np.roll(angle[round_trip], -1) - angle[round_trip]
            bend[round_trip] = np.minimum(onward % 360, 120.0) / 2
        caption, box = _boxed(states[members], float(radius[round_trip[0]]), captions[cycle], diameter)
        blocks.append((members, box))
        texts.append(caption)
    placed = []
    for (members, _), caption, shift in zip(blocks, texts, _in_rows([box for _, box in blocks]), strict=True):
        states[members] += shift
        placed.append(Caption(caption.x + shift[0], caption.y + shift[1], caption.lines))
    return Places(states, bend, tuple(placed))


def curve(begin: FloatArray, end: FloatArray, bend: float) -> FloatArray:
    """Points along an arrow, (21, 2), as TikZ bends it: a Bezier curve that leaves ``bend`` degrees to the left.

    >>> curve(np.array([0.0, 0.0]), np.array([2.0, 0.0]), 0.0)[10].round(2).tolist()
    [1.0, 0.0]
    """
    if (begin == end).all():
        turns = np.radians(bend + np.linspace(-60, 60, 21))
        return np.asarray(begin + 0.9 * np.column_stack([np.cos(turns), np.sin(turns)]))
    along = end - begin
    length, direction = math.hypot(*along), math.atan2(along[1], along[0])
    out, back = direction + math.radians(bend), direction + math.pi - math.radians(bend)
    first = begin + 0.3915 * length * np.array([math.cos(out), math.sin(out)])
    second = end + 0.3915 * length * np.array([math.cos(back), math.sin(back)])
    t = np.linspace(0, 1, 21)[:, None]
    return np.asarray((1 - t) ** 3 * begin + 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t**2 * second + t**3 * end)


def bent_free(states: FloatArray, arrow: Arrow, diameter: float) -> Arrow:
    """An arrow, bent so that it keeps as far from the nodes it does not join as a few bends allow."""
    others = np.delete(states, [arrow.source, arrow.target], axis=0)
    if not len(others):
        return replace(arrow, bend=90.0 if arrow.source == arrow.target else 20.0)

    def free(bend: float) -> float:
        way = curve(states[arrow.source], states[arrow.target], bend)
        return float(min(np.hypot(*(way[:, None] - others).transpose(2, 0, 1)).min(), diameter))

    bends = range(90, 450, 45) if arrow.source == arrow.target else (20, 30, 40, 50, -20, -30, -40, 60)
    return replace(arrow, bend=float(max(bends, key=free)))


def label_places(graph: PlacedGraph) -> list[tuple[float, float]]:
    """Where the label of each arrow stands: on it, and on no node or other label if any of its places is free.

    >>> two = PlacedGraph((Node(0, 0, "a"), Node(0, 4, "b")), (Arrow(0, 1, "x"), Arrow(1, 0, "y")))
    >>> [round(y, 1) for _, y in label_places(two)]
    [2.0, 2.4]
    """
    middles = np.array([(node.x, node.y) for node in graph.nodes])
    taken = [(node.x, node.y, graph.diameter, graph.diameter) for node in graph.nodes]
    taken += [
        (text.x, text.y, CHARACTER * max(map(len, text.lines)), LINE * len(text.lines)) for text in graph.captions
    ]
    found = []
    for arrow in graph.arrows:
        way = curve(middles[arrow.source], middles[arrow.target], arrow.bend)
        width = CHARACTER * len(arrow.label) * 0.7
        x, y = min((way[place] for place in BY_PREFERENCE), key=lambda at: _covered((*at, width, 0.35), taken))
        found.append((float(x), float(y)))
        if arrow.label:
            taken.append((float(x), float(y), width, 0.35))
    return found


def _covered(box: tuple[float, ...], taken: Sequence[tuple[float, ...]]) -> float:
    """How much of a box (middle, width and height) others cover."""
    boxes = np.array(taken)
    sides = [
        np.minimum(box[axis] + box[axis + 2] / 2, boxes[:, axis] + boxes[:, axis + 2] / 2)
        - np.maximum(box[axis] - box[axis + 2] / 2, boxes[:, axis] - boxes[:, axis + 2] / 2)
        for axis in (0, 1)
    ]
    return float((np.maximum(sides[0], 0) * np.maximum(sides[1], 0)).sum())


def _angles(graph: FunctionalGraph, cycle: int) -> FloatArray:
    """Where around the loop each state stands, clockwise from the top; leaves that lead to one state get equal room."""
    k = len(graph.successor)
    on_cycle = graph.cycles[cycle]
    trees = [state for state in graph.order[: graph.cycle_starts[0]].tolist() if graph.basin[state] == cycle]
    below = np.zeros(k, dtype=np.int64)
    for state in trees:
        below[graph.successor[state]] += max(1, below[state])
    leaves = np.maximum(below, 1)
    alone = len(on_cycle) == 1  # then one more place is kept free, at the top, for the arrow back to itself
    share = leaves[on_cycle] + leaves[on_cycle].mean()  # half alike, half by what leads into it
    wide = 360.0 * share / share.sum()
    room, taken, angle = np.zeros(k), np.zeros(k), np.zeros(k)
    at = -wide[0] / 2
    for state, sector in zip(on_cycle.tolist(), wide.tolist(), strict=True):
        angle[state] = at + sector / 2
        room[state] = sector / (leaves[state] + alone)
        taken[state] = room[state] / 2 if alone else at
        at += sector
    for state in reversed(trees):
        parent = graph.successor[state]
        room[state], taken[state] = room[parent], taken[parent]
        angle[state] = taken[state] + room[state] * leaves[state] / 2
        taken[parent] += room[state] * leaves[state]
    return angle


def _radii(graph: FunctionalGraph, members: NDArray[np.int64], angle: FloatArray, step: float) -> FloatArray:
    """How far from the middle each state stands: a step a ring, and so far out that states have room beside others."""
    depth = graph.steps
    alone = int((depth[members] == 0).sum()) == 1
    least = 0.0
    for ring in range(int(alone), int(depth[members].max()) + 1):
        around = np.sort(angle[members[depth[members] == ring]] % 360)
        between = np.diff(np.append(around, around[0] + 360)).min()
        if between < 180:
            least = max(least, step / (2 * math.sin(math.radians(between) / 2)) - ring * step)
        elif ring == 0:
            least = step / 2
    return np.where((depth == 0) & alone, 0.0, least + depth * step)


def _boxed(
    states: FloatArray, radius: float, lines: tuple[str, ...], diameter: float
) -> tuple[Caption, tuple[float, ...]]:
    """The caption of a loop around 0, and the left, right, bottom and top of all."""
    width, height = CHARACTER * max(map(len, lines), default=0), LINE * len(lines)
    left, right = states[:, 0].min() - diameter / 2, states[:, 0].max() + diameter / 2
    bottom, top = states[:, 1].min() - diameter / 2, states[:, 1].max() + diameter / 2
    if radius == 0:
        top = max(top, 1.6 * diameter)  # the arrow back to itself
    if math.hypot(width, height) / 2 < radius - diameter / 2 - 0.2:
        return Caption(0.0, 0.0, lines), (left, right, bottom, top)
    middle = float(left + right) / 2
    below = Caption(middle, float(bottom) - GAP / 2 - height / 2, lines)
    sides = min(left, middle - width / 2), max(right, middle + width / 2)
    return below, (*map(float, sides), float(bottom) - GAP / 2 - height, float(top))


def _in_rows(boxes: Sequence[tuple[float, ...]]) -> list[FloatArray]:
    """How far to move each box so that they stand in rows, about as wide as high."""
    area = sum((right - left + GAP) * (top - bottom + GAP) for left, right, bottom, top in boxes)
    widest = max([1.5 * math.sqrt(area), *(right - left + GAP for left, right, _, _ in boxes)])
    moves: list[FloatArray] = []
    row: list[tuple[float, tuple[float, ...]]] = []
    across = down = 0.0
    for box in [*boxes, None]:
        if row and (box is None or across + box[1] - box[0] > widest):
            highest = max(top for _, (_, _, _, top) in row)
            moves += [np.array([shift, down - highest]) for shift, _ in row]
            down -= highest - min(bottom for _, (_, _, bottom, _) in row) + GAP
            across, row = 0.0, []
        if box is not None:
            row.append((across - box[0], box))
            across += box[1] - box[0] + GAP
    return moves
