"""The k walks of least cost from a start to the first visit of a target. Walks may come back to where they were.

A* search: walks grow from the start in the order of what they have cost and still must cost at least. That remainder is
known exactly beforehand (`markovgpt.chains.least_cost`), so that nothing grows but the beginnings of the answers and of
walks that tie with them: about k times their length. Of the steps that continue a walk the next best waits alone until
the one before it was taken. Costs are added in doubles: walks closer than about 1e-12, relative, may change places.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count, islice
from typing import NamedTuple

import numpy as np

from markovgpt.chains.least_cost import StepCosts
from markovgpt.chains.states import Mask
from markovgpt.errors import TooLarge
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray

MOST_STEPS_TAKEN = 2_000_000
CHECKED_FIRST = 4096  # steps after which memory is looked at, and again whenever they have doubled
BYTES_PER_STEP = 600  # a node, its place in the queue, and its choices, beside 16 for each token
REMEDY = "ask for fewer walks (k)"


class Walk(NamedTuple):
    """The states of a walk, start and target with them, and its cost."""

    states: tuple[int, ...]
    cost: float


class _Node(NamedTuple):
    """The end of a walk that may grow: its state, the walk it continues, its cost and the number of its steps."""

    state: int
    before: "_Node | None"
    cost: float
    steps: int


class _Choices(NamedTuple):
    """The ways to go on from a state, the best first: where to, what the step costs, what the whole rest does."""

    states: list[int]
    costs: list[float]
    rests: list[float]


def remaining_costs(costs: StepCosts, reached: Mask, through: Mask, within: int | None = None) -> list[FloatArray]:
    """The least cost from each state to the target in at most 0, 1, ... ``within`` steps, or for None in any number.

    The list ends early where more steps change nothing; for None it holds one array.

    Raises
    ------
    TooLarge: the arrays would not fit.

    >>> from markovgpt.chains.least_cost import surprisals
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = surprisals(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]))
    >>> [part.round(2).tolist() for part in remaining_costs(coin, np.array([False, True]), np.array([True, False]), 9)]
    [[inf, 0.0], [0.69, 0.0]]
    """
    if within is None:
        return [costs.distances(reached, through)]
    n, layers = len(reached), [np.where(reached, 0.0, np.inf)]
    for step in range(within):
        if step & (step + 1) == 0:  # room for as many again
            require_memory(
                8 * n * (step + 2), f"the least costs of {n} states within {within} steps", "give a smaller within"
            )
        further = costs.one_step_more(layers[-1], reached, through)
        if np.array_equal(further, layers[-1]):
            break
        layers.append(further)
    return layers


def best_walks(
    costs: StepCosts, remaining: list[FloatArray], reached: Mask, begin: FloatArray, k: int, within: int | None = None
) -> tuple[Walk, ...]:
    """The k walks of least cost, or all there are, the cheapest first; of equals the shorter.

    Parameters
    ----------
    remaining: `remaining_costs` for the same target and horizon.
    begin: (n_states,) what it costs to begin in each state; inf where none begins.
    within: most steps; None for any number.

    Raises
    ------
    TooLarge: the walks have more steps than can be looked through.

    >>> from markovgpt.chains.least_cost import surprisals
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = surprisals(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]))
    >>> target = np.array([False, True])
    >>> walks = best_walks(coin, remaining_costs(coin, target, ~target), target, np.array([0.0, np.inf]), 2)
    >>> [walk.states for walk in walks]
    [(0, 1), (0, 0, 1)]
    """
    most = min(k, MOST_STEPS_TAKEN + 1)  # one way begins in the target, every other one takes a step of its own
    return tuple(islice(_walks(costs, remaining, reached, begin, k, within), most))


def _walks(
    costs: StepCosts, remaining: list[FloatArray], reached: Mask, begin: FloatArray, k: int, within: int | None
) -> Iterator[Walk]:
    """The walks in the order of their costs; of the starts only the k that lead to the target most cheaply matter."""
    whole = begin + remaining[-1]
    order = np.argsort(whole, kind="stable")[: min(k, int(np.isfinite(whole).sum()))]
    starts = _Choices(order.tolist(), begin[order].tolist(), whole[order].tolist())
    known: dict[tuple[int, int], _Choices] = {}
    queue: list[tuple[float, int, int, _Node | None, _Choices, int]] = []
    order_of_arrival = count()

    def wait(before: _Node | None, choices: _Choices, rank: int) -> None:
        if rank < len(choices.states):
            spent, steps = (0.0, 0) if before is None else (before.cost, before.steps + 1)
            heappush(queue, (spent + choices.rests[rank], steps, next(order_of_arrival), before, choices, rank))

    wait(None, starts, 0)
    for taken in count(1):
        if not queue:
            return
        _require_room(taken, k)
        _, steps, _, before, choices, rank = heappop(queue)
        wait(before, choices, rank + 1)
        state = choices.states[rank]
        node = _Node(state, before, (0.0 if before is None else before.cost) + choices.costs[rank], steps)
        if reached[state]:
            yield Walk(_states_of(node), node.cost)
            continue
        left = len(remaining) if within is None else within - steps
        layer = min(left, len(remaining)) - 1  # after this step
        if layer >= 0:
            if (state, layer) not in known:
                known[state, layer] = _choices(costs, remaining[layer], state)
            wait(node, known[state, layer], 0)


def _choices(costs: StepCosts, remaining: FloatArray, state: int) -> _Choices:
    """The ways to go on from a state."""
    ahead, each = costs.leaving(state)
    rests = each + remaining[ahead]
    order = np.argsort(rests, kind="stable")[: int(np.isfinite(rests).sum())]
    return _Choices(ahead[order].tolist(), each[order].tolist(), rests[order].tolist())


def _require_room(taken: int, k: int) -> None:
    """Refuse before more steps are taken than there is room or patience for."""
    if taken > MOST_STEPS_TAKEN:
        raise TooLarge(f"the {k} best walks must have at most {MOST_STEPS_TAKEN} steps in all, got more; {REMEDY}")
    if taken >= CHECKED_FIRST and taken & (taken - 1) == 0:
        require_memory(taken * BYTES_PER_STEP, f"{taken} more steps of walks", REMEDY)


def _states_of(end: _Node) -> tuple[int, ...]:
    """The states of a walk by its end."""
    states: list[int] = []
    node: _Node | None = end
    while node is not None:
        states.append(node.state)
        node = node.before
    return tuple(reversed(states))


def starting_costs(begin: FloatArray) -> FloatArray:
    """What it costs to begin in each state of a distribution, in nats.

    >>> starting_costs(np.array([0.0, 1.0])).tolist()
    [inf, 0.0]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(-np.log(begin), 0.0))
