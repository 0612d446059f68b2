"""What is the least cost of a way to the target, where every transition has a cost of at least 0?

    D(s) = 0 on the target,    D(s) = min over t of cost(s, t) + D(t) elsewhere

and with at most n steps D_n from D_(n-1) by the same equation: a product with a matrix in which min and + stand for +
and *. With cost = -log p the least cost is the likeliest way; other costs are other questions. An infinite cost means
impossible. Over all windows no transition is listed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from markovgpt.chains.compiled import compiled
from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.states import Mask, StateSpace
from markovgpt.chains.streaming import over_rows
from markovgpt.chains.window_chain import WindowChain
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, quotient
from markovgpt.sums import scatter_sum

ROWS_AT_ONCE = 2**12  # rows whose costs are made at a time
ROUNDS = 64  # of steps from all windows at once; where shorter ways are still found then, Dijkstra's order is quicker
BYTES_PER_STATE = 48  # the distance, the place in the queue, and the queue, beside the costs
LN2 = float(np.log(2))

States = NDArray[np.int64]


class StepCosts(Protocol):
    """What each possible transition costs."""

    def distances(self, reached: Mask, through: Mask) -> FloatArray:
        """D (n_states,): the least cost of a way to ``reached`` that leaves only states in ``through``, else inf."""

    def one_step_more(self, values: FloatArray, reached: Mask, through: Mask) -> FloatArray:
        """D_(n+1) of D_n, as `distances`."""

    def leaving(self, state: int) -> tuple[States, FloatArray]:
        """The states that a state leads to, and what each step costs; some may be infinite."""


@dataclass(frozen=True, eq=False)
class WindowCosts:
    """Costs of the tokens after every window.

    Parameters
    ----------
    space: which windows.
    table: (n_states, V) float64, at least 0; inf where a token is impossible.

    >>> costs = WindowCosts(StateSpace(2, 1), np.array([[1.0, 5.0], [2.0, np.inf]]))
    >>> costs.distances(np.array([False, True]), np.array([True, False])).tolist()
    [5.0, 0.0]
    >>> states, each = costs.leaving(1)
    >>> states.tolist(), each.tolist()
    ([0, 1], [2.0, inf])
    """

    space: StateSpace
    table: FloatArray

    @cached_property
    def _firsts(self) -> States:
        """The first state of each window length."""
        lengths = range(self.space.shortest, self.space.context_length + 1)
        return np.array([self.space.first_state(length) for length in lengths], dtype=np.int64)

    def distances(self, reached: Mask, through: Mask) -> FloatArray:
        """As `StepCosts.distances`.

        Method: `one_step_more` until nothing changes; where the cheapest ways are long, E. W. Dijkstra, Numer. Math. 1
        (1959) 269-271, on a binary heap. Both add up a way from its end, and so come to the same numbers.
        """
        values = np.where(reached, 0.0, np.inf)
        for _ in range(ROUNDS):
            further = self.one_step_more(values, reached, through)
            if np.array_equal(further, values):
                return values
            values = further
        return np.asarray(_distances(self.table, self._firsts, np.flatnonzero(reached), through))

    def one_step_more(self, values: FloatArray, reached: Mask, through: Mask) -> FloatArray:
        """As `StepCosts.one_step_more`."""
        V, ends, found = self.space.vocab_size, [*self._firsts.tolist(), self.space.n_states], []
        last = len(self._firsts) - 1
        for level in range(last + 1):
            after = min(level + 1, last)
            block = self.table[ends[level] : ends[level + 1]].reshape(V if level == last else 1, -1, V)
            out = np.empty(block.shape[:2])
            ahead = values[ends[after] : ends[after + 1]].reshape(-1, V)
            over_rows(_least_ahead, block.shape[1], block.size, block, ahead, out)
            found.append(out.reshape(-1))
        return np.where(reached, 0.0, np.where(through, np.concatenate(found), np.inf))

    def leaving(self, state: int) -> tuple[States, FloatArray]:
        """As `StepCosts.leaving`."""
        V, level = self.space.vocab_size, int(np.searchsorted(self._firsts, state, side="right")) - 1
        after = min(level + 1, len(self._firsts) - 1)
        length = after + self.space.shortest
        first = int(self._firsts[after]) + (state - int(self._firsts[level])) * V % V**length
        return np.arange(first, first + V), self.table[state]


@dataclass(frozen=True, eq=False)
class ListedCosts:
    """Costs of listed transitions.

    Parameters
    ----------
    edges: the transitions, sorted by source, at least one from every state.
    costs: float64, one for each, at least 0.
    size: number of states.

    >>> line = Edges(np.array([0, 1]), np.array([1, 1]), np.ones(2))
    >>> ListedCosts(line, np.array([3.0, 0.0]), 2).distances(np.array([False, True]), np.array([True, False])).tolist()
    [3.0, 0.0]
    """

    edges: Edges
    costs: FloatArray
    size: int

    def distances(self, reached: Mask, through: Mask) -> FloatArray:
        """As `StepCosts.distances`. Method: `scipy.sparse.csgraph.dijkstra` against the arrows."""
        allowed = through[self.edges.source] & ~reached[self.edges.source] & np.isfinite(self.costs)
        backward = csr_array(
            (self.costs[allowed], (self.edges.target[allowed], self.edges.source[allowed])), shape=(self.size,) * 2
        )
        return np.asarray(dijkstra(backward, indices=np.flatnonzero(reached), min_only=True))

    def one_step_more(self, values: FloatArray, reached: Mask, through: Mask) -> FloatArray:
        """As `StepCosts.one_step_more`."""
        ahead = np.minimum.reduceat(self.costs + values[self.edges.target], self._starts[:-1])
        return np.where(reached, 0.0, np.where(through, ahead, np.inf))

    def leaving(self, state: int) -> tuple[States, FloatArray]:
        """As `StepCosts.leaving`."""
        row = slice(int(self._starts[state]), int(self._starts[state + 1]))
        return self.edges.target[row], self.costs[row]

    @cached_property
    def _starts(self) -> States:
        """Where each state's transitions begin, and the end of the list."""
        return np.searchsorted(self.edges.source, np.arange(self.size + 1))


def surprisals(chain: TransitionOperator) -> StepCosts:
    """The cost -log p of every transition, in nats, p being the exact normalisation of what is stored.

    Raises
    ------
    TooLarge: the costs of all transitions would not fit.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])
    >>> surprisals(coin).leaving(0)[1].round(6).tolist()
    [0.693147, 0.693147]
    """
    if isinstance(chain, WindowChain):
        return costs_of_windows(chain.space, lambda rows: _row_surprisals(chain.next_token_probs[rows]))
    edges = chain.edges()
    sums = scatter_sum(edges.probability, edges.source, chain.n_states)
    return ListedCosts(edges, _nats(quotient(edges.probability, sums[edges.source])), chain.n_states)


def costs_of_windows(space: StateSpace, rows_of: Callable[[slice], FloatArray]) -> WindowCosts:
    """A table of costs, made some rows at a time.

    Raises
    ------
    TooLarge: it would not fit.

    >>> costs_of_windows(StateSpace(2, 1), lambda rows: np.ones((2, 2))[rows]).table.tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    n, V = space.n_states, space.vocab_size
    require_memory(
        8 * n * V + BYTES_PER_STATE * n, f"the costs of {n} states x {V} tokens", "give a shorter context length"
    )
    table = np.empty((n, V))
    for first in range(0, n, ROWS_AT_ONCE):
        rows = slice(first, min(first + ROWS_AT_ONCE, n))
        table[rows] = rows_of(rows)
    return WindowCosts(space, table)


def _row_surprisals(rows: Any) -> FloatArray:
    """-log of rows of probabilities over their sums."""
    weights = rows if isinstance(rows, ScaledArray) else np.asarray(rows, dtype=np.float64)
    return _nats(quotient(weights, weights.sum(axis=1).reshape(-1, 1)))


def _nats(probability: Numbers) -> FloatArray:
    """-log p, never below 0; inf for 0."""
    with np.errstate(divide="ignore"):
        if isinstance(probability, ScaledArray):
            exponent = np.where(probability.positive(), probability.exponent, 0)
            logarithm = np.log(probability.mantissa) + exponent * LN2
        else:
            logarithm = np.log(probability)
    return np.asarray(np.maximum(-logarithm, 0.0))


@compiled
def _least_ahead(costs, values, out, first, stop):  # type: ignore[no-untyped-def]
    """min_t c[a, m, t] + f[m, t] over a range of m."""
    A, _, V = costs.shape
    for m in range(first, stop):
        for a in range(A):
            least = np.inf
            for t in range(V):
                cost = costs[a, m, t] + values[m, t]
                least = cost if cost < least else least
            out[a, m] = least


@compiled
def _distances(costs, firsts, reached, through):  # type: ignore[no-untyped-def]
    """The least cost to the states reached, settled from the nearest on; ``place`` is where a state waits in the heap.

    A full window (m, t) is preceded by (a, m) for every token a, and by the prefix m; a prefix (w, t) by w alone.
    """
    n, V = costs.shape
    full = firsts[-1]
    M = (n - full) // V
    distance, heap, place = np.full(n, np.inf), np.empty(n, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    size = len(reached)
    for i in range(size):
        distance[reached[i]], heap[i], place[reached[i]] = 0.0, reached[i], i
    while size > 0:
        state = heap[0]
        size -= 1
        heap[0] = heap[size]
        place[heap[0]] = 0
        _sink(distance, heap, place, size)
        level = len(firsts) - 1
        while state < firsts[level]:
            level -= 1
        window = state - firsts[level]
        if state >= full:
            for a in range(V):
                before = full + a * M + window // V
                size = _nearer(costs, through, distance, heap, place, size, before, state, window % V)
        if level > 0:
            before = firsts[level - 1] + window // V
            size = _nearer(costs, through, distance, heap, place, size, before, state, window % V)
    return distance


@compiled
def _nearer(  # type: ignore[no-untyped-def]
    costs, through, distance, heap, place, size, before, state, token
):
    """Take the way over ``state`` where it is the cheapest yet; the number of states that wait."""
    cost = costs[before, token] + distance[state]
    if not (cost < distance[before] and through[before]):
        return size
    if place[before] < 0:
        place[before] = size
        size += 1
    distance[before] = cost
    child = place[before]
    while child > 0:
        above = (child - 1) // 2
        if distance[heap[above]] <= cost:
            break
        heap[child] = heap[above]
        place[heap[child]] = child
        child = above
    heap[child] = before
    place[before] = child
    return size


@compiled
def _sink(distance, heap, place, size):  # type: ignore[no-untyped-def]
    """Move the first of the heap down to where it belongs."""
    state, above = heap[0], 0
    while 2 * above + 1 < size:
        child = 2 * above + 1
        if child + 1 < size and distance[heap[child + 1]] < distance[heap[child]]:
            child += 1
        if distance[state] <= distance[heap[child]]:
            break
        heap[above] = heap[child]
        place[heap[above]] = above
        above = child
    heap[above] = state
    place[state] = above
