"""The law of the waiting time until the target is reached, step by step.

It is followed forward, one distribution pushed: every number is a sum of products of non-negatives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.arrivals import MOST_STEPS, forward
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.result import Answer
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.errors import InvalidInput
from markovgpt.scaled import ScaledArray, concatenate, quotient, stack_last, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.sums import TOTAL_ROUNDINGS, total


@dataclass(frozen=True, eq=False, repr=False)
class HittingLaw(Shown):
    """When the target is reached; every answer has one entry for each step t = 0 .. n.

    Parameters
    ----------
    probability: P(T = t).
    within: P(T <= t).
    alive: P(T > t, and the text has not ended).
    hazard: P(T = t | T >= t, and the text had not ended before); 0 where nothing is alive.
    """

    probability: Answer
    within: Answer
    alive: Answer
    hazard: Answer

    def summary(self) -> dict[str, Any]:
        """The four answers as plain dicts."""
        return {name: getattr(self, name).summary() for name in ("probability", "within", "alive", "hazard")}


def hitting_law(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start,
    steps: int,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> HittingLaw:
    """How likely is it that the target is reached at each step, for the first time?

        P(T = t),    T = min { t >= 0 : X_t in target, and X_s not in avoiding for every s < t }

    Parameters
    ----------
    target, avoiding: as for `hitting_probability`. A state in both counts as reached.
    start: a state, a distribution, a window or a text.
    steps: the last t, at least 0 and at most 65,536.
    stop_tokens: tokens that end the text when they are written.

    Returns
    -------
    HittingLaw, answers with arrays (steps + 1,); exactly 0 where no path leads.

    Raises
    ------
    InvalidInput: a number of steps outside its range, an empty target, a start or a mask that does not fit the chain.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])
    >>> law = hitting_law(coin, [1], start=0, steps=3)
    >>> law.probability.value.tolist(), law.alive.value.tolist(), law.hazard.value.tolist()
    ([0.0, 0.5, 0.25, 0.125], [1.0, 0.5, 0.25, 0.125], [0.0, 0.5, 0.5, 0.5])
    """
    if not is_count(steps) or steps > MOST_STEPS:
        raise InvalidInput(
            f"steps must be a whole number in 0..{MOST_STEPS}, got {steps}; "
            "for later steps see hitting_probability within n, and quasi_stationary"
        )
    asked = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    one_state = np.count_nonzero(asked.departure) == 1
    sums = _followed(asked, int(steps))
    probability, within, alive = (
        _filled(parts, int(steps) + 1, last) for parts, last in zip(sums, (0, 1, 0), strict=True)
    )
    before = ScaledArray.of(concatenate([ScaledArray.of(np.ones(1)), alive[:-1]]))
    hazard = ScaledArray.of(quotient(probability, before))
    taken = len(sums[0]) - 1
    roundings = np.arange(int(steps) + 1) * (asked.chain.roundings + 1) + TOTAL_ROUNDINGS + 1
    return HittingLaw(
        probability=_bounded(probability, roundings, one_state, taken),
        within=_bounded(within, roundings, one_state, taken),
        alive=_bounded(alive, roundings, one_state, taken),
        hazard=_bounded(hazard, 2 * roundings + 1, one_state, taken),
    )


def _followed(asked: Question, steps: int) -> tuple[list[ScaledArray], list[ScaledArray], list[ScaledArray]]:
    """For each step, as long as anything is alive: what arrives, all that has arrived, and what is alive."""
    arriving, arrived, alive = list[ScaledArray](), list[ScaledArray](), list[ScaledArray]()
    for entered, mass in forward(asked, steps + 1):
        arriving.append(entered)
        arrived.append(arrived[-1] + entered if arrived else entered)
        alive.append(ScaledArray.of(total(mass)))
        if not alive[-1].positive():
            break
    return arriving, arrived, alive


def _bounded(numbers: ScaledArray, roundings: NDArray[np.int64], one_state: bool, steps: int) -> Answer:
    """The numbers of each step as an answer; from one state, nothing was added up at step 0."""
    lower, upper = widen(numbers, roundings)
    if one_state:
        lower[0] = upper[0] = numbers[0]
    return Answer.of(at_most_one(Enclosure(numbers, lower, upper, 0.0, f"{steps} products")), iterations=steps)


def _filled(parts: list[ScaledArray], size: int, last: int) -> ScaledArray:
    """The numbers of each step; after the last step that was taken, 0 or what came last."""
    rest = ScaledArray.of(np.full(size - len(parts), float(last))) * parts[-1]
    return ScaledArray.of(concatenate([stack_last(parts), rest]))
