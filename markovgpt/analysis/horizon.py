"""What happens within n steps, for any n.

The probability of a first visit within n steps is a sum of arrivals, on live states that are neither reached nor lost:
see `markovgpt.analysis.arrivals`.
"""

from dataclasses import replace

import numpy as np

from markovgpt.analysis.arguments import Start, start_distribution
from markovgpt.analysis.arrivals import MOST_STEPS, Arrivals, forward, on
from markovgpt.analysis.question import Question
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import can_reach, proved
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, is_count
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray, choose, is_positive, widen
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.sums import TOTAL_ROUNDINGS

FORWARD_STEPS = 256  # up to here one vector from the start is less work than three from everywhere
Bounded = tuple[ScaledArray, ...]  # value, lower and upper bound


def transient_distribution(chain: TransitionOperator, start: Start, steps: int) -> Answer:
    """Where is the chain after a number of steps?

        d_n = d_0 P^n

    Parameters
    ----------
    start: a state, a distribution, a window or a text.
    steps: n, at least 0 and at most 65,536.

    Returns
    -------
    Answer, arrays (n_states,); exactly 0 where no path of n steps leads.

    Raises
    ------
    InvalidInput: a start that does not fit the chain, or a number of steps outside its range.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])
    >>> transient_distribution(coin, 0, 3).value.tolist()
    [0.125, 0.875]
    """
    begin = start_distribution(chain, start)
    if not is_count(steps) or steps > MOST_STEPS:
        raise InvalidInput(
            f"steps must be a whole number in 0..{MOST_STEPS}, got {steps}; for the limit see long_run_distribution"
        )
    state: Numbers = begin
    for _ in range(steps):
        state = chain.push(chain.with_room(state))
    value = ScaledArray.of(state)
    bounds = widen(value, steps * chain.roundings) if steps else (value, value)
    return Answer.of(at_most_one(Enclosure(value, *bounds, 0.0, f"{steps} products")), iterations=steps)


def bounded_hitting(asked: Question, within: int | tuple[int, int]) -> Answer:
    """The answer of `hitting_probability` with a horizon.

    Raises
    ------
    InvalidInput: a horizon that is no whole number of at least 0, or no interval.
    """
    chain, (first, last) = asked.chain, _interval(within)
    certain = _certain(asked, first, last)
    if asked.begin is not None and certain[asked.begin > 0].all():
        return Answer.of(proved(np.ones(())))
    if asked.begin is not None and last <= FORWARD_STEPS:
        return _followed(asked, first, last)
    one = ScaledArray.of(np.ones(chain.n_states))
    solved, steps, goes_on = _first_visit(chain, asked.reached, asked.through, last - first)
    for _ in range(first):  # before step `first` only what is to be avoided counts
        solved = tuple(ScaledArray.of(on(~asked.avoided, chain.pull(chain.with_room(part)))) for part in solved)
    value, lower, upper = solved
    if first:
        lower, upper = widen(lower, first * chain.roundings)[0], widen(upper, first * chain.roundings)[1]
    value, lower, upper = (choose(certain, one, part) for part in (value, lower, upper))
    part = at_most_one(asked.answered(Enclosure(value, lower, upper, 0.0, "")))
    method = f"{steps + first} products"
    if goes_on and steps + first < last:
        wide = ", wide: what survives is periodic or splits" if steps >= MOST_STEPS else ""
        method += f", hazard bracket to step {last}{wide}"
    return Answer.of(replace(part, method=method), iterations=steps + first)


def _certain(asked: Question, first: int, last: int) -> Mask:
    """The states from which every path has reached the target at a step of an interval: what the support alone says."""
    lingering = ~asked.reached  # a path can be here after k steps that has not
    for _ in range(min(last - first, MOST_STEPS)):
        before, lingering = lingering, ~asked.reached & (asked.avoided | _leads_to(asked, lingering))
        if np.array_equal(before, lingering):
            break
    for _ in range(first):  # before the interval begins only what is to be avoided counts
        before, lingering = lingering, asked.avoided | _leads_to(asked, lingering)
        if np.array_equal(before, lingering):
            break
    return ~lingering


def _leads_to(asked: Question, states: Mask) -> Mask:
    """The states from which some state can be reached in one step."""
    return is_positive(asked.chain.pull(np.where(states, 1.0, 0.0)))


def _followed(asked: Question, first: int, last: int) -> Answer:
    """The same from one start, which one vector follows step by step; beyond some steps the bracket takes fewer."""
    arrived, through = ScaledArray.zeros(()), asked.through if first == 0 else ~asked.avoided
    if not (can_reach(asked.chain, asked.reached, through=through) & (asked.start_values > 0)).any():
        return Answer.of(proved(arrived))
    for arriving, alive in forward(asked, last - first + 1, delay=first):
        arrived = arrived + arriving
        if not is_positive(alive).any():
            break
    bounds = widen(arrived, last * (asked.chain.roundings + 1) + TOTAL_ROUNDINGS + 1)
    if last == 0 and np.count_nonzero(asked.start_values) == 1:  # nothing was added up
        bounds = (arrived, arrived)
    found = asked.at_entries(Enclosure(arrived, *bounds, 0.0, f"{last} products"))
    return Answer.of(at_most_one(found), iterations=last)


def _first_visit(chain: TransitionOperator, reached: Mask, through: Mask, horizon: int) -> tuple[Bounded, int, bool]:
    """Value and bounds of P(first visit within the horizon), the steps that were taken, and whether more can come."""
    live = through & can_reach(chain, reached, through=through)
    walk = Arrivals.of(chain, reached, live, horizon=horizon, at_once=True)
    walk.run(horizon)
    lower, upper = walk.summed(horizon)
    ones = ScaledArray.of(np.ones(chain.n_states))
    exact = lower.positive() & (walk.steps == 0)
    upper = choose(upper <= ones, upper, ones)  # a bracket that says nothing is [0, 1]
    middle = (lower + upper) * 0.5
    below, above = widen(lower, walk.roundings)[0], widen(upper, walk.roundings)[1]
    return (middle, choose(exact, lower, below), choose(exact, upper, above)), walk.steps, walk.goes_on


def _interval(within: int | tuple[int, int]) -> tuple[int, int]:
    """The first and the last step of a horizon."""
    given = within if isinstance(within, tuple | list) else (0, within)
    if len(given) != 2 or not all(map(is_count, given)) or given[0] > given[1]:
        raise InvalidInput(
            f"within must be a whole number n of at least 0, or (a, b) with 0 <= a <= b, got {within}; "
            "leave it out to ask about ever"
        )
    if given[0] > MOST_STEPS:
        raise InvalidInput(
            f"an interval must begin at step {MOST_STEPS} at the latest, got {given[0]}; "
            "ask for within=n, which has no such limit"
        )
    return int(given[0]), int(given[1])
