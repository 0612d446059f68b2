"""A graph in which every state has one successor or none: trees that lead into cycles, or out.

What is left of a chain at temperature zero, and of any chain when each state keeps its likeliest token alone. Equations
on it are solved exactly in time proportional to the states: trees from their leaves, each cycle closed by what escapes.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.scaled import FloatArray, Numbers, ScaledArray
from markovgpt.sums import scatter_sum

States = NDArray[np.int64]
NEGLIGIBLE = 2.0**-60  # 1 - x and log(1 - x) are 1 and -x to the last digit


@dataclass(frozen=True, eq=False)
class Trees:
    """The states in an order in which all that lead to one, its tree, stand together, that one first.

    Parameters
    ----------
    place: (n,) where each state stands.
    size: (n,) how many states lead to it, itself with them.

    >>> trees = FunctionalGraph.of(np.array([1, 2, 1, 0])).trees      # 3 -> 0 -> 1 <-> 2
    >>> trees.size.tolist(), trees.holds(np.array([0, 0, 1, 2]), np.array([3, 1, 0, 0])).tolist()
    ([2, 3, 1, 1], [True, False, True, False])
    """

    place: NDArray[np.integer[Any]]
    size: NDArray[np.integer[Any]]

    def holds(self, roots: States, states: States) -> NDArray[np.bool_]:
        """Whether each state leads to the root beside it without going around a cycle."""
        behind = self.place[states].astype(np.int64) - self.place[roots]
        return np.asarray((behind >= 0) & (behind < self.size[roots]))


@dataclass(frozen=True, eq=False)
class FunctionalGraph:
    """One successor each.

    Parameters
    ----------
    successor: (n,) states; -1 leads out.
    order: (n,) states; those on no cycle first, each before its successor, then cycle after cycle, in running order
        from its lowest state, ordered by that.
    cycle_starts: (n_cycles + 1,) places in ``order`` where the cycles begin, and its end.
    basin: (n,) the cycle that each state leads into; -1 leads out.

    >>> graph = FunctionalGraph.of(np.array([1, 2, 1, -1]))
    >>> graph.order.tolist(), graph.basin.tolist(), graph.steps.tolist()
    ([0, 3, 1, 2], [0, 0, 0, -1], [1, 0, 0, 0])
    """

    successor: NDArray[np.integer[Any]]
    order: NDArray[np.int32] | States
    cycle_starts: States
    basin: NDArray[np.int32]

    @classmethod
    def of(cls, successor: NDArray[np.integer[Any]]) -> "FunctionalGraph":
        """The order, the cycles and the basins of given successors."""
        small = np.int32 if len(successor) < 2**31 else np.int64
        order, ends = _ordered(successor, np.empty(len(successor), dtype=small))
        basin = np.full(len(successor), -1, dtype=np.int32)
        _fill_basins(successor, order, ends, basin)
        return cls(successor, order, ends, basin)

    @property
    def cycles(self) -> tuple[States, ...]:
        """The states of each cycle, in running order from the lowest."""
        return tuple(self.cycle(index) for index in range(len(self.cycle_starts) - 1))

    def cycle(self, index: int) -> States:
        """The states of one cycle, in running order from the lowest."""
        return self.order[self.cycle_starts[index] : self.cycle_starts[index + 1]].astype(np.int64)

    @cached_property
    def steps(self) -> NDArray[np.integer[Any]]:
        """(n,) steps to the first state on a cycle, or to the last one before leading out."""
        return np.asarray(_steps(self.successor, self.order, int(self.cycle_starts[0])))

    @cached_property
    def basin_sizes(self) -> States:
        """(n_cycles,) how many states lead into each cycle, its own with them."""
        return np.bincount(self.basin[self.basin >= 0], minlength=len(self.cycle_starts) - 1)

    @cached_property
    def is_cyclic(self) -> NDArray[np.bool_]:
        """(n,) which states are on a cycle."""
        found = np.zeros(len(self.successor), dtype=bool)
        found[self.order[self.cycle_starts[0] :]] = True
        return found

    @cached_property
    def trees(self) -> "Trees":
        """What leads to each state without going around a cycle."""
        return Trees(*_nested(self.successor, self.order, int(self.cycle_starts[0])))

    def forward(self, start: Numbers, escape: Numbers, *, in_place: bool = False) -> Numbers:
        """The row x with x[j] = start[j] + sum over i -> j of x[i] (1 - escape[i]); both (n,).

        From every cycle something must escape, and not surely. ``in_place`` makes x of the start.

        >>> loop = FunctionalGraph.of(np.array([1, 0]))
        >>> loop.forward(np.array([1.0, 0.0]), np.array([0.5, 0.0])).tolist()
        [2.0, 1.0]
        """
        if isinstance(start, np.ndarray) and isinstance(escape, np.ndarray):
            x = start if in_place else start.copy()
            _forward(self.successor, self.order, self.cycle_starts, escape, x)
            return x
        return self._scaled_forward(ScaledArray.of(start).copy(), ScaledArray.of(escape))

    def backward(self, gain: Numbers, escape: Numbers) -> Numbers:
        """The column y with y[i] = gain[i] + (1 - escape[i]) y[successor of i]; both (n,).

        >>> loop = FunctionalGraph.of(np.array([1, 0]))
        >>> loop.backward(np.array([1.0, 0.0]), np.array([0.5, 0.0])).tolist()
        [2.0, 2.0]
        """
        if isinstance(gain, np.ndarray) and isinstance(escape, np.ndarray):
            y = gain.copy()
            _backward(self.successor, self.order, self.cycle_starts, escape, y)
            return y
        return self._scaled_backward(ScaledArray.of(gain).copy(), ScaledArray.of(escape))

    def _scaled_forward(self, x: ScaledArray, escape: ScaledArray) -> ScaledArray:
        """The row, tree level after tree level from the leaves, then around each cycle."""
        stay = _complement(escape)
        for level in reversed(self._levels):
            inner = level[self.successor[level] >= 0]
            into, place = np.unique(self.successor[inner], return_inverse=True)
            x[into] = x[into] + scatter_sum(x[inner] * stay[inner], place, len(into))
        for states in self.cycles:
            arrived = ScaledArray.of(np.zeros(1))
            for i in states.tolist():
                arrived = (arrived + x[i : i + 1]) * stay[i]
            carry = arrived / _escaping(escape[states])
            for i in states.tolist():
                x[i : i + 1] = x[i : i + 1] + carry
                carry = x[i : i + 1] * stay[i]
        return x

    def _scaled_backward(self, y: ScaledArray, escape: ScaledArray) -> ScaledArray:
        """The column, around each cycle, then tree level after tree level to the leaves."""
        stay = _complement(escape)
        for states in self.cycles:
            against = states.tolist()[::-1]
            gained = ScaledArray.of(np.zeros(1))
            for i in against:
                gained = gained * stay[i] + y[i : i + 1]
            carry = gained / _escaping(escape[states])
            for i in against:
                carry = y[i : i + 1] + carry * stay[i]
                y[i : i + 1] = carry
        for level in self._levels:
            inner = level[self.successor[level] >= 0]
            y[inner] = y[inner] + y[self.successor[inner]] * stay[inner]
        return y

    @cached_property
    def _levels(self) -> list[States]:
        """The states on no cycle, by their distance from where they lead."""
        trees = self.order[: self.cycle_starts[0]]
        distance = self.steps[trees]
        ordered = trees[np.argsort(distance, kind="stable")].astype(np.int64)
        return np.split(ordered, np.flatnonzero(np.diff(np.sort(distance))) + 1) if len(trees) else []


def _complement(escape: ScaledArray) -> FloatArray:
    """1 - escape."""
    return np.asarray(1 - escape.to_float())


def _escaping(escape: ScaledArray) -> ScaledArray:
    """1 - the product of (1 - escape): what does not come back around a cycle."""
    large = escape.to_float() > NEGLIGIBLE
    logs = ScaledArray.of(-np.log1p(-np.where(large, escape.to_float(), 0.0)))
    total = (logs + escape * np.where(large, 0.0, 1.0)).sum()
    around = float(total.to_float())
    return total if around <= NEGLIGIBLE else ScaledArray.of(-math.expm1(-around))


@compiled
def _ordered(successor, order):  # type: ignore[no-untyped-def]
    """States in an order in which each stands before its successor, then the cycles and where they begin."""
    entered = np.zeros(len(successor), dtype=np.int32)
    for after in successor:
        if after >= 0:
            entered[after] += 1
    tail = 0
    for i in range(len(successor)):
        if entered[i] == 0:
            order[tail] = i
            tail += 1
    head = 0
    while head < tail:
        after = successor[order[head]]
        head += 1
        if after >= 0:
            entered[after] -= 1
            if entered[after] == 0:
                order[tail] = after
                tail += 1
    return order, _list_cycles(successor, entered, order, tail)


@compiled
def _list_cycles(successor, entered, order, tail):  # type: ignore[no-untyped-def]
    """Put the cycles, whose states alone are still entered, behind the others; where each begins, and the end."""
    ends = [np.int64(tail)]
    for i in range(len(successor)):
        if entered[i] > 0:
            state = i
            while entered[state] > 0:
                entered[state] = 0
                order[tail] = state
                tail += 1
                state = successor[state]
            ends.append(np.int64(tail))
    return np.array(ends)


@compiled
def _fill_basins(successor, order, ends, basin):  # type: ignore[no-untyped-def]
    """The index of the cycle that each state leads into."""
    for cycle in range(len(ends) - 1):
        for place in range(ends[cycle], ends[cycle + 1]):
            basin[order[place]] = cycle
    for place in range(ends[0] - 1, -1, -1):
        state = order[place]
        if successor[state] >= 0:
            basin[state] = basin[successor[state]]


@compiled
def _steps(successor, order, n_trees):  # type: ignore[no-untyped-def]
    """Steps to the end of each tree."""
    steps = np.zeros(len(successor), dtype=order.dtype)
    for place in range(n_trees - 1, -1, -1):
        state = order[place]
        after = successor[state]
        if after >= 0:
            steps[state] = steps[after] + 1
    return steps


@compiled
def _nested(successor, order, n_trees):  # type: ignore[no-untyped-def]
    """The place of each state behind the one its tree leads to, and how many states each tree has."""
    n = len(successor)
    size = np.ones(n, dtype=order.dtype)
    for place in range(n_trees):
        state = order[place]
        if successor[state] >= 0:
            size[successor[state]] += size[state]
    place_of, free, begin = np.empty(n, dtype=order.dtype), np.empty(n, dtype=order.dtype), 0
    for place in range(n - 1, -1, -1):  # a state after the one it leads to
        state = order[place]
        if place >= n_trees or successor[state] < 0:
            place_of[state] = begin
            begin += size[state]
        else:
            place_of[state] = free[successor[state]]
            free[successor[state]] += size[state]
        free[state] = place_of[state] + 1
    return place_of, size


@compiled
def _forward(successor, order, ends, escape, x):  # type: ignore[no-untyped-def]
    """The row, in place."""
    for place in range(ends[0]):
        i = order[place]
        if successor[i] >= 0:
            x[successor[i]] += x[i] * (1 - escape[i])
    for cycle in range(len(ends) - 1):
        arrived, logarithm = 0.0, 0.0
        for place in range(ends[cycle], ends[cycle + 1]):
            i = order[place]
            arrived = (arrived + x[i]) * (1 - escape[i])
            logarithm += math.log1p(-escape[i])
        carry = arrived / -math.expm1(logarithm)
        for place in range(ends[cycle], ends[cycle + 1]):
            i = order[place]
            x[i] += carry
            carry = x[i] * (1 - escape[i])


@compiled
def _backward(successor, order, ends, escape, y):  # type: ignore[no-untyped-def]
    """The column, in place."""
    for cycle in range(len(ends) - 1):
        gained, logarithm = 0.0, 0.0
        for place in range(ends[cycle + 1] - 1, ends[cycle] - 1, -1):
            i = order[place]
            gained = gained * (1 - escape[i]) + y[i]
            logarithm += math.log1p(-escape[i])
        carry = gained / -math.expm1(logarithm)
        for place in range(ends[cycle + 1] - 1, ends[cycle] - 1, -1):
            i = order[place]
            carry = y[i] + carry * (1 - escape[i])
            y[i] = carry
    for place in range(ends[0] - 1, -1, -1):
        i = order[place]
        if successor[i] >= 0:
            y[i] += y[successor[i]] * (1 - escape[i])
