"""What would change at temperature zero if a choice that is hardly one fell the other way?

Where the two largest logits of a window are equal, or closer than another order of summation could move them, another
machine may say another token. Each such choice is looked at alone: the machine as it is, but for that one token.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.chains.states import Mask, StateSpace
from markovgpt.shown import Shown

States = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class CloseCalls(Shown):
    """The choices of a greedy machine that could as well have fallen another way, and what that would change.

    A choice is a window and a token that it nearly says. Several of them together may change more.

    Parameters
    ----------
    space: the windows.
    graph: what follows each of them.
    states, tokens: (k,) the windows, ascending, and the tokens they nearly say.
    gaps: (k,) how much larger the logit of the token said is, in nats.

    Every window says 0, and the window 1 nearly says 1:

    >>> graph = FunctionalGraph.of(np.array([0, 0]))
    >>> calls = CloseCalls(StateSpace(2, 1), graph, np.array([1]), np.array([1]), np.array([1e-9]))
    >>> calls.lost.tolist(), calls.closes.tolist(), calls.n_moved.tolist(), calls.cycle(0).tolist()
    ([-1], [True], [1], [1])
    >>> calls.cycle_is_certain.tolist(), calls.is_certain.tolist()
    ([True], [True, False])
    """

    space: StateSpace
    graph: FunctionalGraph
    states: States
    tokens: States
    gaps: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.states)

    @cached_property
    def lost(self) -> States:
        """(k,) the cycle that would be no more, as it runs through the window; -1 if none does."""
        return np.where(self._on_cycle, self.graph.basin[self.states], -1).astype(np.int64)

    @cached_property
    def closes(self) -> Mask:
        """(k,) whether the other token would close a new cycle, through the window."""
        basin = self.graph.basin
        around = basin[self._after] == basin[self.states]
        return np.asarray(np.where(self._on_cycle, around, self.graph.trees.holds(self.states, self._after)))

    @cached_property
    def n_moved(self) -> States:
        """(k,) how many windows would end in another cycle than now."""
        basin, sizes = self.graph.basin, self.graph.basin_sizes
        elsewhere = self.closes | (basin[self._after] != basin[self.states])
        leading = np.where(self._on_cycle, sizes[basin[self.states]], self.graph.trees.size[self.states])
        return np.where(elsewhere, leading, 0).astype(np.int64)

    def cycle(self, index: int) -> States:
        """The states of the cycle that a choice would close, from its window on.

        >>> CloseCalls(
        ...     StateSpace(2, 1), FunctionalGraph.of(np.array([0, 0])), np.array([1]), np.array([0]), np.array([1.0])
        ... ).cycle(0).tolist()                                                     # it would close none
        []
        """
        if not self.closes[index]:
            return np.zeros(0, dtype=np.int64)
        first, found = int(self.states[index]), [int(self.states[index])]
        state = int(self._after[index])
        while state != first:
            found.append(state)
            state = int(self.graph.successor[state])
        return np.array(found, dtype=np.int64)

    @cached_property
    def cycle_is_certain(self) -> Mask:
        """(n_cycles,) which cycles stay whatever falls the other way: all their windows choose clearly."""
        certain = np.ones(len(self.graph.cycle_starts) - 1, dtype=bool)
        certain[self.lost[self.lost >= 0]] = False
        return certain

    @cached_property
    def is_certain(self) -> Mask:
        """(n_states,) from which windows no such choice is met, on the way to the cycle and around it."""
        certain = self.cycle_is_certain[self.graph.basin]
        certain[self.states] = False
        _spread(self.graph.successor, self.graph.order, int(self.graph.cycle_starts[0]), certain)
        return np.asarray(certain)

    @cached_property
    def _after(self) -> States:
        """(k,) where the other tokens lead."""
        return self.space.successors(self.tokens, self.states)

    @cached_property
    def _on_cycle(self) -> Mask:
        """(k,) which of the windows are on a cycle."""
        return np.asarray(self.graph.is_cyclic[self.states])

    def summary(self) -> dict[str, Any]:
        """The choices as plain rows, with the window and the token by their numbers."""
        columns = (self.states, self.tokens, self.gaps, self.lost, self.closes, self.n_moved)
        names = ("state", "token", "gap", "loses_cycle", "closes_cycle", "n_moved")
        return {name: column.tolist() for name, column in zip(names, columns, strict=True)}


@compiled
def _spread(successor, order, n_trees, certain):  # type: ignore[no-untyped-def]
    """Leave certain what leads to what is, in place."""
    for place in range(n_trees - 1, -1, -1):
        state = order[place]
        certain[state] &= certain[successor[state]]
