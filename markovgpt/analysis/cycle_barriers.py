"""What must be paid in logits to get from one cycle of the greedy machine to another?

Just above temperature 0 a chain stays for long near one cycle, and goes on to another at a cost: that of a token is its
gap below the largest logit of its row. Where largest logits tie, a softmax takes each of them with its share at any
temperature, however low, and never decides for the lowest id: what is then never left for nothing are the closed
communicating classes of the steps without a gap, the attractors here. Without ties they are the greedy cycles; with
them, an attractor holds one such cycle or several, and a cycle that a tie leads out of belongs to none.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.barriers import Barrier, barrier_of, gaps_along
from markovgpt.analysis.greedy import greedy_machine
from markovgpt.analysis.result import Answer
from markovgpt.chains.least_cost import StepCosts, WindowCosts
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.search import components
from markovgpt.chains.states import Mask, is_count
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.min_plus import bounds_on_grid, least_costs, unit_of

ROWS_AT_ONCE = 2**12  # rows of logits looked at for their last bits
MOST_TRANSITIONS = 2 * 10**10  # looked at by all searches together: some quarter of an hour
MATRICES = 12  # K x K arrays, at most, at a time
REMEDY = "give a shorter context length (tabulate), which has fewer cycles"

States = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class CycleBarriers(Shown):
    """What it costs at least to get from one attractor to another, in nats times temperature.

    Parameters
    ----------
    attractors: the states of each, ascending; ordered by their first state.
    labels: what is written on each: its greedy cycles.
    cycles: for each the greedy cycles that it holds, as indices of `GreedyMachine.cycles`.
    n_cycles_left: greedy cycles that a tie leads out of for nothing: in no attractor.
    costs: an answer (K, K), entry (i, j) from i to j; infinite where nothing leads there. Ways may pass others.
    direct_lower, direct_upper: (K, K) bounds of the costs of ways that pass no other attractor; inf on the diagonal.
    exact: whether nothing was rounded, so that bounds meet and equal costs are equal.
    """

    attractors: tuple[States, ...]
    labels: tuple[str, ...]
    cycles: tuple[tuple[int, ...], ...]
    n_cycles_left: int
    costs: Answer
    direct_lower: FloatArray
    direct_upper: FloatArray
    exact: bool

    def require_index(self, index: int) -> None:
        """Refuse an index that is none of an attractor."""
        if not is_count(index) or index >= len(self.attractors):
            raise InvalidInput(
                f"an attractor must be a number in 0..{len(self.attractors) - 1}, got {index}; see labels for the order"
            )

    def summary(self) -> dict[str, Any]:
        """The attractors and the costs as a plain dict."""
        named = {"labels": list(self.labels), "cycles": [list(found) for found in self.cycles]}
        states = [found.tolist() for found in self.attractors]
        costs = self.costs.summary()
        return {"attractors": states, **named, "n_cycles_left": self.n_cycles_left, "costs": costs, "exact": self.exact}


def cycle_barriers(table: LogitTable) -> CycleBarriers:
    """What does the way from each cycle of temperature zero to each other cost at least?

        W(i, j) = min over the ways from i to j of sum over their tokens of (largest logit - logit of the token)

    Ways begin anywhere in i and end anywhere in j: within an attractor every step is free.

    Raises
    ------
    InvalidInput: logits that are no numbers.
    TooLarge: the gaps of all windows, or the costs between all pairs, would not fit, or take too long.

    Method: closed classes of the graph of free steps; a search from each backward (`markovgpt.chains.least_cost`) that
    passes no other; and all pairs of these by Floyd and Warshall, exact on a grid of powers of two. Bounds count the
    roundings of the longest way there can be; float32 logits have so few bits that mostly nothing is rounded.

    0 stays for nothing, and so does 1; to leave 0 costs 2, to leave 1 costs 1:

    >>> from markovgpt.chains.states import StateSpace
    >>> found = cycle_barriers(LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]])))
    >>> found.labels, found.costs.value.tolist(), found.exact
    (('0', '1'), [[0.0, 2.0], [1.0, 0.0]], True)
    """
    costs = window_gaps(table)
    found = attractors(costs)
    K, n = len(found), table.space.n_states
    require_memory(8 * MATRICES * K * K, f"the costs between {K} cycles", REMEDY)
    lower, upper = bounded_costs(table, costs, direct_costs(costs, found, found))
    for part in (lower, upper):
        np.fill_diagonal(part, np.inf)
    method = f"{K} searches over {n} states"
    whole = answer_between(least_costs(lower), least_costs(upper), method)
    machine = greedy_machine(table)
    home = np.full(n, -1, dtype=np.int64)
    for index, states in enumerate(found):
        home[states] = index
    homes = [int(home[states[0]]) for states in machine.cycles]
    cycles = tuple(tuple(cycle for cycle, at in enumerate(homes) if at == index) for index in range(K))
    labels = tuple(" | ".join(machine.cycle_label(cycle) for cycle in inside) for inside in cycles)
    exact = bool(np.array_equal(lower, upper))
    return CycleBarriers(found, labels, cycles, homes.count(-1), whole, lower, upper, exact)


def way_between(table: LogitTable, barriers: CycleBarriers, source: int, target: int) -> Barrier:
    """By which text does one get from one attractor to another most cheaply? Of equals by a shortest.

    Raises
    ------
    InvalidInput: an index that is none.

    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]))
    >>> way = way_between(table, cycle_barriers(table), 0, 1)
    >>> way.energy.value, way.tokens
    (2.0, (1,))
    """
    barriers.require_index(source)
    barriers.require_index(target)
    begin, reached = (_mask(table.space.n_states, [barriers.attractors[index]]) for index in (source, target))
    return cheapest_way(table, window_gaps(table), begin, reached)


def window_gaps(table: LogitTable) -> WindowCosts:
    """What every token of every window costs.

    Raises
    ------
    InvalidInput: logits that are no numbers.
    """
    found = gaps_along(WindowChain.from_logits(table), table)
    if not isinstance(found, WindowCosts):
        raise InvalidInput("the costs of all windows must be a table, got a list; give the table of a model")
    return found


def attractors(costs: WindowCosts) -> tuple[States, ...]:
    """What is never left for nothing: the closed classes of the steps without a gap, ordered by their first state.

    Both tokens of 1 tie, and 0 stays: the cycle of 1 alone, which the lowest id would not even see, is left.

    >>> from markovgpt.chains.states import StateSpace
    >>> found = attractors(WindowCosts(StateSpace(2, 1), np.array([[0.0, 1.0], [0.0, 0.0]])))
    >>> [states.tolist() for states in found]
    [[0]]
    """
    labels, closed = components(costs.space, (costs.table == 0).astype(np.float32))
    inside = np.flatnonzero(closed[labels])
    order = inside[np.argsort(labels[inside], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return tuple(sorted(groups, key=lambda states: int(states[0])))


def direct_costs(costs: WindowCosts, ends: Sequence[States], sources: Sequence[States]) -> FloatArray:
    """(sources, ends) the least cost of a step or more from any state of a source to an end, past no other end.

    Raises
    ------
    TooLarge: the searches would take too long, or their numbers would not fit.

    >>> from markovgpt.chains.states import StateSpace
    >>> three = WindowCosts(StateSpace(3, 1), np.array([[0.0, 1.0, 9.0], [3.0, 0.0, 2.0], [0.0, 0.0, 0.0]]))
    >>> both = [np.array([0]), np.array([1])]
    >>> direct_costs(three, both, [*both, np.array([2])]).tolist()      # 1 -> 2 -> 0 is cheaper than 1 -> 0
    [[0.0, 1.0], [2.0, 0.0], [0.0, 0.0]]
    """
    n, V = costs.table.shape
    if len(ends) * n * V > MOST_TRANSITIONS:
        raise TooLarge(
            f"searches must look at {MOST_TRANSITIONS:.0e} transitions at most, got {len(ends)} of {n} states x {V} "
            f"tokens; {REMEDY}"
        )
    leaving = np.concatenate(sources)
    starts = np.cumsum([0, *(len(states) for states in sources[:-1])])
    require_memory(
        24 * len(leaving) * V + 8 * len(sources) * len(ends) + 32 * n,
        f"the steps from {len(leaving)} states x {V} tokens",
        REMEDY,
    )
    after = np.stack([costs.leaving(state)[0] for state in leaving.tolist()])
    through, found = ~_mask(n, ends), np.empty((len(sources), len(ends)))
    for column, states in enumerate(ends):
        ahead = costs.distances(_mask(n, [states]), through)
        step = (costs.table[leaving] + ahead[after]).min(axis=1)
        found[:, column] = np.minimum.reduceat(step, starts)
    return found


def bounded_costs(table: LogitTable, costs: WindowCosts, found: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bounds of least costs of ways, sums of as many as there are of which are exact."""
    rows = range(0, table.space.n_states, ROWS_AT_ONCE)
    unit = min(unit_of(table.logits[first : first + ROWS_AT_ONCE]) for first in rows)
    lower, upper = bounds_on_grid(found, len(costs.table) + 2, unit, sum(found.shape) + 2)
    return lower.copy(), upper.copy()


def cheapest_way(table: LogitTable, costs: WindowCosts, begin: Mask, reached: Mask) -> Barrier:
    """A cheapest way from any state of ``begin``, of these one of the fewest tokens; energy inf where there is none.

    Method: a search backward, and one forward, breadth first, along the steps that lose nothing.
    """
    remaining = costs.distances(reached, ~reached)
    least = float(np.min(remaining, where=begin, initial=np.inf))
    if least == np.inf:
        zero = np.zeros(())
        return Barrier(Answer.of(Enclosure(zero, zero, zero, 0.0, "no way leads there"), infinite=True), (), (), 0)
    states = _shortest(costs, remaining, np.flatnonzero(begin & (remaining == least)), reached)
    return barrier_of(table, costs, states, least, len(remaining))


def answer_between(lower: FloatArray, upper: FloatArray, method: str) -> Answer:
    """Numbers by their bounds, which are inf where they are infinite by proof; the value lies in the middle."""
    infinite = np.isinf(lower)
    below, above = (np.where(infinite, 0.0, part) for part in (lower, upper))
    return Answer.of(Enclosure(below + (above - below) / 2, below, above, 0.0, method), infinite=infinite)


def _shortest(costs: StepCosts, remaining: FloatArray, first: States, reached: Mask) -> tuple[int, ...]:
    """The fewest states from the first ones to those reached, each step costing just what then remains less."""
    before: dict[int, int] = dict.fromkeys(first.tolist(), -1)
    queue = deque(before)
    while not reached[queue[0]]:
        state = queue.popleft()
        after, each = costs.leaving(state)
        for further in after[each + remaining[after] == remaining[state]].tolist():
            if further not in before:
                before[further] = state
                queue.append(further)
    states = [queue[0]]
    while before[states[-1]] >= 0:
        states.append(before[states[-1]])
    return tuple(reversed(states))


def _mask(n: int, groups: Sequence[States]) -> Mask:
    """The states of all groups."""
    found = np.zeros(n, dtype=bool)
    for states in groups:
        found[states] = True
    return found
