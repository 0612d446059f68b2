"""Where the labels of arrows stand: beside their own, on nothing, and nearer to it than to any other arrow.

Nodes, captions and arrows are drawn into a raster that says how many of them are at each point; how much lies within a
box is then four sums. Likely arrows choose first; for some of the others there may be no room.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from markovgpt.graphs.lettering import POINT, height_of, width_of
from markovgpt.graphs.placed_graph import Arrow, PlacedGraph, begin_way, head_of, points_of
from markovgpt.scaled import FloatArray

DOTS, FINEST = 900, 0.02  # of the raster: across the longer side, and the least size of one
OWN = (0.04, 0.08, 0.13)  # centimetres between a label and its arrow, at most
MARGINS = (0.24, 0.17, 0.12, 0.08)  # between a label and anything else: what is looked for, and the least
NEARER = 0.04  # how much nearer its own arrow is than any other
EDGE = 1.5  # centimetres around the nodes in which labels may stand too
FIRST = 0.36  # where along its arrow a label stands best
BLOCKED = 10**6
ROOMS = (1.0, 1.3, 1.7)  # sizes that are tried while a label has no place


def labelled(graph: PlacedGraph) -> PlacedGraph:
    """The graph with a place for the label of each arrow for which there is room.

    >>> from markovgpt.graphs.placed_graph import Node, bent_way
    >>> two = (Node(0, 0, "a"), Node(4, 0, "b"))
    >>> arrow = Arrow(0, 1, bent_way((0, 0), (4, 0), 0.5, 0.0), "x(50%)")
    >>> x, y = labelled(PlacedGraph(two, (arrow,))).arrows[0].place
    >>> 1 < x < 2, 0.2 < abs(y) < 0.4
    (True, True)
    """
    raster = _Raster(graph)
    placed = list(graph.arrows)
    for index in sorted(range(len(placed)), key=lambda number: -graph.arrows[number].width):
        arrow = placed[index]
        if arrow.label:
            placed[index] = replace(arrow, place=raster.place_for(index, arrow))
    return replace(graph, arrows=tuple(placed))


def roomiest(at: Callable[[float], PlacedGraph]) -> PlacedGraph:
    """The smallest of some sizes of a layout at which each label has a place, or that at which most have.

    Parameters
    ----------
    at: the layout with so many times as much room as usual.
    """
    best = labelled(at(ROOMS[0]))
    for room in ROOMS[1:]:
        if n_bare(best):
            best = min(best, labelled(at(room)), key=n_bare)
    return best


def n_bare(graph: PlacedGraph) -> int:
    """How many arrows have no room for their label."""
    return sum(1 for arrow in graph.arrows if arrow.label and arrow.place is None)


class _Raster:
    """What is drawn at each point of the paper, and the labels that have found their places."""

    def __init__(self, graph: PlacedGraph) -> None:
        left, right, bottom, top = graph.box
        self.low = np.array([left - EDGE, bottom - EDGE])
        extent = np.array([right + EDGE, top + EDGE]) - self.low
        self.dot = max(FINEST, float(extent.max()) / DOTS)
        self.shape = tuple(np.ceil(extent / self.dot).astype(int) + 1)
        self.points = graph.arrow_points
        counts = np.zeros(self.shape, dtype=np.int64)
        self.own = [self._dots_of(arrow) for arrow in graph.arrows]
        for dots in self.own:
            counts[dots[:, 0], dots[:, 1]] += 1
        for node in graph.nodes:
            self._block(counts, node.x, node.y, graph.diameter / 2, round_=not node.square)
            if node.begin is not None:
                dots = self._dots(np.linspace(*begin_way(node, graph.diameter), 200))
                counts[dots[:, 0], dots[:, 1]] = BLOCKED
        for caption in graph.captions:
            box = np.array(caption.box).reshape(2, 2)
            first, last = self._index(box[:, 0]), self._index(box[:, 1])
            counts[first[0] : last[0] + 1, first[1] : last[1] + 1] = BLOCKED
        self.sums = np.pad(counts.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        self.taken = np.zeros((0, 4))  # middles, and half of widths and heights

    def place_for(self, index: int, arrow: Arrow) -> tuple[float, float] | None:
        """The best place for a label, if there is one; it is taken then."""
        half = np.array([width_of(arrow.label, self.points), height_of(self.points)]) / 2
        middles, gaps, cost = _candidates(arrow, half)
        kept = np.argsort(cost, kind="stable")
        kept = kept[self._count(middles[kept], half) == 0]  # neither its own arrow
        middles, gaps = middles[kept], gaps[kept]
        for margin in MARGINS:
            wide = half + margin
            clear = self._count(middles, wide) == self._own(index, middles, wide)
            apart = np.abs(middles[:, None] - self.taken[:, :2]) >= wide + self.taken[:, 2:]
            found = np.flatnonzero((gaps + NEARER <= margin) & clear & apart.any(axis=2).all(axis=1))
            if len(found):
                x, y = middles[found[0]]
                self.taken = np.concatenate([self.taken, [[x, y, *half]]])
                return float(x), float(y)
        return None

    def _index(self, points: FloatArray) -> NDArray[np.int64]:
        """The dots in which points lie."""
        found = np.floor((points - self.low) / self.dot).astype(np.int64)
        return np.asarray(np.clip(found, 0, np.array(self.shape) - 1))

    def _dots(self, points: FloatArray) -> NDArray[np.int64]:
        """The dots that points touch, none twice."""
        found = self._index(points)
        return np.stack(np.unravel_index(np.unique(found @ [self.shape[1], 1]), self.shape), axis=1)

    def _dots_of(self, arrow: Arrow) -> NDArray[np.int64]:
        """The dots that an arrow and its head touch; a bold line is as wide as it is."""
        path = _dense(points_of(arrow.way), self.dot / 2)
        along = np.gradient(path, axis=0)
        aside = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), 1e-12)[:, None]
        reach = arrow.width * POINT / 2
        sides = [path + shift * aside for shift in np.linspace(-reach, reach, 2 + int(2 * reach / self.dot))]
        tip, one, two = head_of(arrow)
        head = _dense(np.array([tip, one, two, tip]), self.dot / 2)
        return self._dots(np.concatenate([*sides, head]))

    def _block(self, counts: NDArray[np.int64], x: float, y: float, radius: float, *, round_: bool) -> None:
        """Nothing may stand on a node."""
        first, last = self._index(np.array([x - radius, y - radius])), self._index(np.array([x + radius, y + radius]))
        across, up = (np.arange(first[axis], last[axis] + 1) for axis in (0, 1))
        far = [self.low[axis] + (part + 0.5) * self.dot - at for axis, part, at in ((0, across, x), (1, up, y))]
        within = np.hypot(far[0][:, None], far[1]) <= radius + self.dot if round_ else np.True_
        part = counts[first[0] : last[0] + 1, first[1] : last[1] + 1]
        part[np.broadcast_to(within, part.shape)] = BLOCKED

    def _bounds(self, middles: FloatArray, half: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first and the last dots of boxes."""
        return self._index(middles - half), self._index(middles + half)

    def _count(self, middles: FloatArray, half: FloatArray) -> NDArray[np.int64]:
        """How much is drawn within boxes."""
        (a, b), (c, d) = (bound.T for bound in self._bounds(middles, half))
        return np.asarray(self.sums[c + 1, d + 1] - self.sums[a, d + 1] - self.sums[c + 1, b] + self.sums[a, b])

    def _own(self, index: int, middles: FloatArray, half: FloatArray) -> NDArray[np.int64]:
        """How much of one arrow lies within boxes."""
        first, last = self._bounds(middles, half)
        dots = self.own[index]
        return np.asarray(((dots >= first[:, None]) & (dots <= last[:, None])).all(axis=2).sum(axis=1))


def _candidates(arrow: Arrow, half: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middles where a label could stand beside its arrow, how far from it, and how much is against each."""
    points = points_of(arrow.way)
    n = len(points)
    along = np.arange(n // 10, n - n // 10)
    step = points[np.minimum(along + 1, n - 1)] - points[along - 1]
    aside = np.stack([step[:, 1], -step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-12)[:, None]
    middles, gaps, cost = [], [], []
    for gap in OWN:
        reach = np.abs(aside) @ half + gap + arrow.width * POINT / 2
        for side in (1, -1):
            gaps.append(np.full(len(along), gap))
            middles.append(points[along] + side * reach[:, None] * aside)
            cost.append(np.abs(along / n - FIRST) + 2 * gap + (0.02 if side < 0 else 0))
    return np.concatenate(middles), np.concatenate(gaps), np.concatenate(cost)


def _dense(points: FloatArray, step: float) -> FloatArray:
    """Points along a line of straight pieces, no further apart than a step."""
    lengths = np.hypot(*np.diff(points, axis=0).T)
    at = np.concatenate([[0.0], lengths.cumsum()])
    where = np.linspace(0, at[-1], max(2, int(at[-1] / step) + 2))
    return np.stack([np.interp(where, at, points[:, axis]) for axis in (0, 1)], axis=1)
