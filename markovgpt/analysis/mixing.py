"""After how many steps does it no longer matter where the chain began?

    d_s(t) = TV(P^t(s, .), pi) = (1/2) sum_y |P^t(s, y) - pi(y)|,        d(t) = max_s d_s(t)

Both never rise with t, so the first step at which one is at most epsilon, the mixing time, is found by doubling and
bisection, or by following one start. Several recurrent classes never forget which one they are in, and a period d
leaves a start in a recurrent class 1 - 1/d away for ever: infinite by proof.

Source: D. A. Levin, Y. Peres, E. L. Wilmer, Markov Chains and Mixing Times, chapter 4.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start, start_distribution
from markovgpt.analysis.arrivals import MOST_STEPS
from markovgpt.analysis.result import Answer, rounded_down, rounded_up
from markovgpt.analysis.row_mean import lived_in
from markovgpt.analysis.structure import PROOF, class_periods, recurrent_classes
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.scaled import ROUNDING, FloatArray, ScaledArray, as_floats
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.solvers.dense_powers import LOST, MOST_SQUARES, SPILLED, DensePowers, Power
from markovgpt.solvers.eigenvalues import DENSE
from markovgpt.solvers.forgetting import TARGETS, Minorization, common_of_context, common_of_targets, minorizations
from markovgpt.sums import TOTAL_ROUNDINGS, total

LEAST_EPSILON = 1e-300
MOST_TURNING = 4096  # steps that a start is followed where a class has a period, and may turn for ever
LOOKS = (4, 16)  # steps after which the start that is furthest from the likeliest states is looked for


@dataclass(frozen=True)
class MixingTime(Shown):
    """The first step at which the total variation from the long run is at most epsilon.

    Parameters
    ----------
    lower, upper: whole numbers that it is certain to lie between, both included; both infinite where it is, by proof,
        and ``upper`` alone where nothing is proved.
    epsilon: how near to the long run.
    method: how the bounds were found.
    """

    lower: float
    upper: float
    epsilon: float
    method: str

    @property
    def is_exact(self) -> bool:
        """Whether the bounds meet."""
        return self.lower == self.upper

    def summary(self) -> dict[str, Any]:
        """The bounds and where they come from as a plain dict."""
        return {"lower": self.lower, "upper": self.upper, "epsilon": self.epsilon, "method": self.method}


def total_variation_from_stationarity(chain: TransitionOperator, steps: int, *, start: Start | None = None) -> Answer:
    """How far is the chain from its long run after a number of steps?

        (1/2) sum_y |(d P^t)(y) - pi(y)|,    pi the long-run distribution from d

    Parameters
    ----------
    steps: t, at least 0; at most 65,536 in a chain of more than 1,000 states.
    start: a state, a distribution, a window or a text; None for the worst of all states.

    Returns
    -------
    Answer; a lower bound of 0 says that rounding hides the rest.

    Raises
    ------
    InvalidInput: a number of steps outside its range, a start that does not fit the chain, or no start in a chain with
        several recurrent classes, which are listed.
    TooLarge: no start, and more than 1,000 states.
    NotConverged: bounds of the long run that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])          # 3/4 of 0.6^t from the second state
    >>> round(total_variation_from_stationarity(weather, 3).value, 12)
    0.162
    """
    is_small = chain.n_states <= DENSE
    if not is_count(steps) or (steps > MOST_STEPS and not is_small):
        most = "" if is_small else f" and at most {MOST_STEPS}"
        raise InvalidInput(f"steps must be a whole number of at least 0{most}, got {steps}; see mixing_time for bounds")
    begin = None if start is None else start_distribution(chain, start)
    if begin is None and not is_small:
        raise TooLarge(
            f"the worst of all starts needs at most {DENSE} states, got {chain.n_states}; give a start, or ask "
            "mixing_time for bounds"
        )
    limit = lived_in(chain, start).enclosure
    if is_small:
        powers = DensePowers.of(chain, limit)
        power = powers.begin(None if begin is None else begin[None])
        for k in range(int(steps).bit_length()):
            if steps >> k & 1:
                power = powers.times(power, powers.square(k))
        lower, upper = power.distances()
        method = f"powers of the matrix to step {steps}"
    else:
        below, above = next(islice(_followed(chain, begin, limit), steps, None))  # type: ignore[arg-type]
        lower, upper = ScaledArray.of(below), ScaledArray.of(above)
        method = f"{steps} products"
    return Answer.of(at_most_one(Enclosure((lower + upper) * 0.5, lower, upper, limit.residual, method)))


def mixing_time(chain: TransitionOperator, epsilon: float = 0.25, *, start: Start | None = None) -> MixingTime:
    """From which step on is the chain within epsilon of its long run, in total variation?

        min { t : d(t) <= epsilon },    or of d_s(t) for a start s

    Parameters
    ----------
    epsilon: above 0 and below 1; 1e-300 at least.
    start: a state, a distribution, a window or a text; None for the worst of all states.

    Returns
    -------
    MixingTime. Up to 1,000 states, or from one start, the bounds meet unless epsilon is hit within rounding, or the
    chain is too slow. For the worst start of a larger chain the upper bound is what all starts lead to proves
    (`markovgpt.solvers.forgetting`) and the lower one is the mixing time from a bad start.

    Raises
    ------
    InvalidInput: an epsilon outside its range, a start that does not fit the chain.
    NotConverged: bounds of the long run that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])          # 3/4 of 0.6^t is 0.27, 0.162 for t = 2, 3
    >>> found = mixing_time(weather)
    >>> found.lower, found.upper
    (3, 3)
    """
    if not LEAST_EPSILON <= epsilon < 1:
        raise InvalidInput(f"epsilon must be at least {LEAST_EPSILON} and below 1, got {epsilon}; 0.25 is usual")
    begin = None if start is None else start_distribution(chain, start)
    if _never_mixes(chain, epsilon, begin):
        return MixingTime(math.inf, math.inf, epsilon, PROOF)
    limit = lived_in(chain, start).enclosure
    if chain.n_states <= DENSE:
        powers = DensePowers.of(chain, limit)
        begun = powers.begin(None if begin is None else begin[None])
        lower = _first_step(powers, begun, lambda power: not _float(power.distances()[0]) > epsilon)[0]
        upper = _first_step(powers, begun, lambda power: _float(power.distances()[1]) <= epsilon)[1]
        return MixingTime(lower, upper, epsilon, "powers of the matrix")
    if begin is not None:
        return _from_start(chain, begin, limit, epsilon)
    return _worst_of_many(chain, limit, epsilon)


def doeblin_bound(chain: TransitionOperator, steps: int | None = None) -> Minorization:
    """What is sure after some steps whatever the start, and the bound of the mixing time that follows from it?

        alpha = sum_y min_s P^m(s, y),    d(t) <= (1 - alpha)^floor(t / m)

    Parameters
    ----------
    steps: m, at least 1; None takes the context length of a chain over all windows, after which a window is new.

    Returns
    -------
    Minorization: ``common`` is alpha, ``least`` the smallest entry min_(s, y) P^m(s, y) (y among the full windows),
    both lower bounds; ``distance(t)`` bounds d(t), ``steps_within(epsilon)`` the mixing time.

    Raises
    ------
    InvalidInput: no steps for a chain that is not over all windows, or steps below 1.
    TooLarge: steps for more than 1,000 states.

    Over n >= 2 states y alpha is at least n least, so (1 - 2 least)^floor(t / m) bounds d(t) too; where ``least`` is
    over starts in the recurrent class alone, which all starts have reached after m steps, (1 - 2 least)^(floor(t / m)
    - 1) does: ``steps_by_least``. A bound of this form, m the context length, is given for language models by O. Zekri
    and others, "Large language models as Markov chains" (arXiv 2410.02724), whose text could not be consulted here;
    what is said above is proved without it.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> found = doeblin_bound(SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]]), steps=1)
    >>> round(found.common, 12), round(found.least, 12), found.steps_within(0.25)           # 0.6^t
    (0.4, 0.1, 3.0)
    """
    if steps is None:
        if not isinstance(chain, WindowChain):
            raise InvalidInput("a chain that is not over all windows has no context length to take; give steps=")
        return common_of_context(chain)
    if not is_count(steps) or steps < 1:
        raise InvalidInput(f"steps must be a whole number of at least 1, got {steps}; None takes the context length")
    if chain.n_states > DENSE:
        raise TooLarge(f"steps need at most {DENSE} states, got {chain.n_states}; leave steps out, or ask mixing_time")
    return next(islice(common_of_targets(chain, range(chain.n_states)), int(steps) - 1, None))


def _never_mixes(chain: TransitionOperator, epsilon: float, begin: FloatArray | None) -> bool:
    """Whether the support proves that epsilon is never reached."""
    classes = recurrent_classes(chain)
    if begin is None:
        return len(classes) > 1 or epsilon < 1 - 1 / class_periods(chain, classes)[0]
    begun = np.flatnonzero(begin)
    if len(begun) > 1:
        return False
    own = [states for states in classes if states[np.searchsorted(states, begun[0]) % len(states)] == begun[0]]
    return any(epsilon < 1 - 1 / period for period in class_periods(chain, own))


def _float(bound: ScaledArray) -> float:
    """A bound as a double."""
    return float(bound.to_float())


def _first_step(powers: DensePowers, begun: Power, is_done: Callable[[Power], bool]) -> tuple[float, float]:
    """One more than the last step that was seen not to be done, and the first that was seen to be, if any."""
    if is_done(begun):
        return 0, 0
    last, first = begun, math.inf
    for k in range(MOST_SQUARES):
        ahead = powers.times(begun, powers.square(k))
        if is_done(ahead):
            first = ahead.steps
            break
        last = ahead
        if not powers.square(k).is_deflated and powers.square(k).error > LOST:  # too slow for doubles
            return last.steps + 1, first
    for j in range(last.steps.bit_length() - 2, -1, -1):
        ahead = powers.times(last, powers.square(j))
        if is_done(ahead):
            first = min(first, ahead.steps)
        else:
            last = ahead
    return last.steps + 1, first


def _followed(chain: TransitionOperator, begin: FloatArray, limit: Enclosure) -> Iterator[tuple[float, float]]:
    """Bounds of the total variation from the limit after 0, 1, 2, ... steps from a start."""
    low, high = rounded_down(limit.lower), rounded_up(limit.upper)
    slack = 2 * ROUNDING * (TOTAL_ROUNDINGS + 4)
    state = begin
    for steps in count():
        off = 1.25 * ROUNDING * (steps * chain.roundings + 4) if steps else 0.0
        least, most = state * (1 - off), state * (1 + off)
        lowest = max(_positive_part(least - high), _positive_part(low - most))
        highest = min(_positive_part(most - low), _positive_part(high - least))
        yield max(lowest * (1 - slack) - SPILLED, 0.0), min(highest * (1 + slack) + SPILLED, 1.0)
        state = as_floats(chain.push(state))


def _positive_part(difference: FloatArray) -> float:
    """The sum of what is above zero."""
    return float(as_floats(total(np.maximum(difference, 0.0))))


def _from_start(chain: TransitionOperator, begin: FloatArray, limit: Enclosure, epsilon: float) -> MixingTime:
    """The mixing time from one start, step by step."""
    lower, turning = 0, max(class_periods(chain, recurrent_classes(chain))) > 1
    most = MOST_TURNING if turning else MOST_STEPS
    for steps, (below, above) in enumerate(islice(_followed(chain, begin, limit), most + 1)):
        if above <= epsilon:
            return MixingTime(lower, steps, epsilon, f"{steps} products")
        lower = steps + 1 if below > epsilon else lower
    return MixingTime(lower, math.inf, epsilon, f"{most} products, and no end")


def _worst_of_many(chain: TransitionOperator, limit: Enclosure, epsilon: float) -> MixingTime:
    """Bounds for the worst start of a large chain."""
    lived = as_floats(limit.value)
    best = min(minorizations(chain, lived), key=lambda found: found.steps_within(epsilon))
    upper, lower = best.steps_within(epsilon), 0
    for state in _bad_starts(chain, lived):
        for steps, (below, _) in enumerate(_followed(chain, start_distribution(chain, state), limit)):
            if not below > epsilon or steps >= min(upper, MOST_STEPS):
                break
            lower = max(lower, steps + 1)
    method = f"what all starts lead to in {best.steps} steps; at least that of a bad start"
    return MixingTime(lower, int(upper) if upper < math.inf else upper, epsilon, method)


def _bad_starts(chain: TransitionOperator, lived: FloatArray) -> list[int]:
    """Starts that are far from the likeliest states, or stay in them, after a while."""
    inside = np.zeros(chain.n_states)
    inside[np.argsort(-lived, kind="stable")[:TARGETS]] = 1.0
    share, found = float(inside @ lived), []
    for steps in range(1, max(LOOKS) + 1):
        inside = as_floats(chain.pull(inside))
        if steps in LOOKS:
            found.append(int(np.argmax(np.abs(inside - share))))
    return sorted(set(found))
