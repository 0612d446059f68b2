"""How fast does the time until the target grow as the temperature falls, and its probability before something else?

As T -> 0, with the attractors of temperature zero that lie outside of all ends (`markovgpt.analysis.cycle_barriers`)
and the least costs between them and the ends,

    T log E[steps until the target]             ->  F - G
    -T log P(target before what is avoided)     ->  G' - F

F is the least cost of a forest of ways that leads every attractor to the ends; in G one attractor stays where it is, on
the way from the start, and in G' the way from the start ends in the target. The cheapest way does not tell the time:
beside a target that is reached for nothing, a trap of depth 3 that is entered for nothing makes it about exp(3 / T).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target, start_distribution, target_mask
from markovgpt.analysis.cycle_barriers import answer_between, attractors, bounded_costs, direct_costs, window_gaps
from markovgpt.analysis.result import Answer
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray
from markovgpt.shown import Shown
from markovgpt.solvers.min_plus import forest_costs

Bounds = tuple[FloatArray, FloatArray]
Interval = tuple[NDArray[np.float64], NDArray[np.float64]]  # one number's bounds
INSTEAD = "its energy_barrier"
NOTHING, NEVER = (np.zeros(()), np.zeros(())), (np.full((), np.inf), np.full((), np.inf))


@dataclass(frozen=True, eq=False, repr=False)
class ArrivalExponents(Shown):
    """What happens to the time until a target, and to its probability, as the temperature falls to 0.

    Parameters
    ----------
    time: the limit of T log E[steps until the target]; infinite where it may never be reached.
    probability: the limit of -T log P(the target is reached, before what is avoided); infinite where it cannot be.
    n_traps: how many attractors there are outside of the target and of what is avoided, that the start leads to.
    """

    time: Answer
    probability: Answer
    n_traps: int

    def summary(self) -> dict[str, Any]:
        """The two exponents as a plain dict."""
        return {"time": self.time.summary(), "probability": self.probability.summary(), "n_traps": self.n_traps}


def arrival_exponents(
    table: LogitTable, target: Target, *, start: Start, avoiding: Target | None = None
) -> ArrivalExponents:
    """How fast do the expected time until the target, and its probability, change as the temperature falls to 0?

    Parameters
    ----------
    target, avoiding, start: as for `hitting_probability`, the target to be seen in a window; of a start distribution
        every possible state.

    Raises
    ------
    InvalidInput: a start in the target alone, and what `hitting_probability` refuses.
    TooLarge: the gaps of all windows, or the searches from all attractors, would not fit or take too long.

    Method: a search backward from each attractor and each end, and min-plus elimination for lower and upper bounds of
    what they find, exact on a grid of powers of two.

    From 2 both others are free: 1 is red, 0 a trap that is left for 3.

    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(3, 1), np.array([[5.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]))
    >>> found = arrival_exponents(table, [1], start=2)
    >>> found.time.value, found.probability.value
    (3.0, 0.0)
    """
    chain = WindowChain.from_logits(table)
    reached = target_mask(chain, target, instead=INSTEAD)
    nothing = np.zeros(chain.n_states, dtype=bool)
    avoided = nothing if avoiding is None else target_mask(chain, avoiding, "avoiding", instead=INSTEAD) & ~reached
    begin = start_distribution(chain, start) > 0
    if not (begin & ~reached).any():
        raise InvalidInput(
            "start must lie outside of the target, got one within; there the time is 0 and the probability 1, at any "
            "temperature"
        )
    del chain
    costs = window_gaps(table)
    traps = [states for states in attractors(costs) if not (reached | avoided)[states].any()]
    starts = [np.array([state]) for state in np.flatnonzero(begin & ~reached & ~avoided).tolist()]
    sure, hopeless = bool((begin & reached).any()), bool((begin & avoided).any())
    if not starts:
        return _answered(NEVER, NOTHING if sure else NEVER, 0)
    ends = [np.flatnonzero(part) for part in (reached, avoided) if part.any()]
    found = direct_costs(costs, [*traps, *ends], [*traps, *starts])
    return _of(bounded_costs(table, costs, found), len(traps), sure=sure, hopeless=hopeless)


def _of(bounds: Bounds, n_traps: int, *, sure: bool, hopeless: bool) -> ArrivalExponents:
    """The exponents by bounds of the costs: rows of traps and starts, columns of traps, of the target, of what ends.

    Parameters
    ----------
    sure, hopeless: whether some start is in the target, or in what is avoided.
    """
    visited, leading = _visited(bounds[0], n_traps), _leading(bounds[0], n_traps)
    live = visited & leading
    lost = hopeless or bool((visited & ~leading).any()) or _is_avoided(bounds[0], visited)
    time, probability = NEVER, NOTHING
    if not lost:
        (least, nearest), (most, furthest) = (_forests(part, live, in_target=False) for part in bounds)
        time = np.asarray((least - furthest).max()), np.asarray((most - nearest).max())
    if not sure:
        (least, nearest), (most, furthest) = (_forests(part, live, in_target=True) for part in bounds)
        probability = np.asarray((nearest - most).min()), np.asarray((furthest - least).min())
    return _answered(time, probability, int(visited.sum()))


def _answered(time: Interval, probability: Interval, n_traps: int) -> ArrivalExponents:
    """The exponents, which are never below 0."""
    answers = [
        answer_between(np.maximum(lower, 0.0), np.maximum(upper, 0.0), f"forests of {n_traps} traps")
        for lower, upper in (time, probability)
    ]
    return ArrivalExponents(answers[0], answers[1], n_traps)


def _forests(costs: FloatArray, live: Mask, *, in_target: bool) -> tuple[float, FloatArray]:
    """F, and for each start the least G: its way stops at a trap for nothing, or must lead to the target."""
    n_traps = len(live)
    others = np.concatenate([~live, np.ones(costs.shape[1] - n_traps, dtype=bool)])  # where a way ends
    between = costs[:n_traps][live]
    target = between[:, n_traps]
    gain = target if in_target else np.zeros(len(between))
    total, stopped = forest_costs(between[:, :n_traps][:, live], between[:, others].min(axis=1), gain)
    begin = costs[n_traps:]
    own = begin[:, n_traps] if in_target else np.zeros(len(begin))
    ahead = (begin[:, :n_traps][:, live] + (stopped - total)).min(axis=1, initial=np.inf)
    return total, np.asarray(total + np.minimum(own, ahead))


def _visited(costs: FloatArray, n_traps: int) -> Mask:
    """The traps that some start leads to."""
    possible = np.isfinite(costs[:, :n_traps])
    found, seen = np.asarray(possible[n_traps:].any(axis=0)), np.zeros(n_traps, dtype=bool)
    while not np.array_equal(found, seen):
        seen, found = found, np.asarray(found | possible[:n_traps][found].any(axis=0))
    return found


def _leading(costs: FloatArray, n_traps: int) -> Mask:
    """The traps that lead to the target."""
    possible = np.isfinite(costs[:n_traps])
    found, seen = possible[:, n_traps], np.zeros(n_traps, dtype=bool)
    while not np.array_equal(found, seen):
        seen, found = found, found | possible[:, :n_traps][:, found].any(axis=1)
    return found


def _is_avoided(costs: FloatArray, visited: Mask) -> bool:
    """Whether what is to be avoided can be reached from a start."""
    n_traps = len(visited)
    rows = np.concatenate([visited, np.ones(len(costs) - n_traps, dtype=bool)])
    return bool(np.isfinite(costs[rows, n_traps + 1 :]).any())
