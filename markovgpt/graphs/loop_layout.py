"""The places of a graph of loops with tails.

Lengths are centimetres, angles degrees. A loop is a circle that runs clockwise from the top; what leads into it stands
outside, one ring for each step. Loops stand in rows, those that most leads to first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.graphs.placed_graph import Caption, Way, loop_way
from markovgpt.scaled import FloatArray

SPACING = 1.8  # of the middles of nodes, in diameters
GAP = 1.0  # between loops, and below the one that a caption belongs to
SLACK = 0.3915  # how far the control points of an arrow lie along it, as TikZ has it


@dataclass(frozen=True, eq=False)
class Places:
    """Where states stand, (k, 2); the arrow that leaves each; and the captions, one a loop."""

    states: FloatArray
    ways: tuple[Way, ...]
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
            rim = math.degrees(
                math.asin(diameter / 4 / radius[round_trip[0]])
            )  # the loop's circle leaves a state there
            bend[round_trip] = np.minimum(onward % 360, 120.0) / 2 - rim
        caption, box = _boxed(states[members], float(radius[round_trip[0]]), captions[cycle], diameter)
        blocks.append((members, box))
        texts.append(caption)
    placed = []
    for (members, _), caption, shift in zip(blocks, texts, _in_rows([box for _, box in blocks]), strict=True):
        states[members] += shift
        placed.append(replace(caption, x=caption.x + float(shift[0]), y=caption.y + float(shift[1])))
    ways = [
        leaving_way(states[state], states[after], diameter / 2, float(bend[state]))
        for state, after in enumerate(graph.successor.tolist())
    ]
    return Places(states, tuple(ways), tuple(placed))


def leaving_way(begin: FloatArray, end: FloatArray, radius: float, bend: float) -> Way:
    """An arrow that leaves so many degrees to the left; back to its own state, on that side.

    >>> leaving_way(np.array([0.0, 0.0]), np.array([4.0, 0.0]), 0.5, 0.0)[::3]
    ((0.5, 0.0), (3.5, 0.0))
    """
    if (begin == end).all():
        return loop_way(begin.tolist(), radius, bend)
    direction, turn = math.atan2(*(end - begin)[::-1]), math.radians(bend)
    out = np.array([math.cos(direction + turn), math.sin(direction + turn)])
    back = -np.array([math.cos(direction - turn), math.sin(direction - turn)])
    first, last = begin + radius * out, end + radius * back
    slack = SLACK * float(np.hypot(*(last - first)))
    control = (first, first + slack * out, last + slack * back, last)
    return tuple((round(float(x), 9), round(float(y), 9)) for x, y in control)


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
    leftmost, rightmost, lowest, highest = Caption(0.0, 0.0, lines).box
    width, height = rightmost - leftmost, highest - lowest
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
