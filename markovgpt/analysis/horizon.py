"""What happens within n steps, for any n.

With Q the chain on live states (neither reached nor lost), f_k = Q^k r the probability of entering the target at step k
+ 1 exactly, S_k = Q^k 1 that of being live after k steps:

    P(T <= n) = sum_{k < n} f_k

summed forward: every term is a product of non-negatives. For n beyond a few dozen the tail is bracketed by the hazard,
which is tighter than the roundings of many products. If m <= f_k / S_k <= M over the live states (the chance of the
target in the next step, given alive), then by the mediant inequality so it stays at every later step, and likewise the
chance of any end, mt <= (S_k - S_{k+1}) / S_k <= Mt. Hence

    F_k + S_k m (1 - (1 - Mt)^(n-k)) / Mt  <=  P(T <= n)  <=  F_k + S_k M (1 - (1 - mt)^(n-k)) / mt

Where what survives is periodic, the same holds with d steps, the common period, in place of one.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from markovgpt.analysis.arguments import Start, start_distribution
from markovgpt.analysis.question import Question
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import can_reach, common_period
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, is_count
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray, choose, concatenate, is_positive, widen
from markovgpt.solvers.certificate import Enclosure, at_most_one

Bounded = tuple[ScaledArray, ...]  # value, lower and upper bound
PLAIN_STEPS = 64  # up to here every step is taken; beyond, the hazard bracket may end the sum early
MOST_STEPS = 65_536
LONGEST_BLOCK = 64
MOST_LISTED = 5_000_000  # transitions of survivors among which a period is looked for
NARROW = 1e-13  # hazards that agree so well end the sum


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
    solved, steps = _first_visit(chain, asked.reached, asked.through, last - first)
    for _ in range(first):  # before step `first` only what is to be avoided counts
        solved = tuple(ScaledArray.of(_on(~asked.avoided, chain.pull(chain.with_room(part)))) for part in solved)
    value, lower, upper = solved
    if first:
        lower, upper = widen(lower, first * chain.roundings)[0], widen(upper, first * chain.roundings)[1]
    part = at_most_one(asked.answered(Enclosure(value, lower, upper, 0.0, "")))
    method = f"{steps + first} products"
    if steps + first < last:
        wide = ", wide: what survives is periodic or splits" if steps == MOST_STEPS else ""
        method += f", hazard bracket to step {last}{wide}"
    return Answer.of(replace(part, method=method), iterations=steps + first)


def _first_visit(chain: TransitionOperator, reached: Mask, through: Mask, horizon: int) -> tuple[Bounded, int]:
    """Value, lower and upper bound of the probability of a first visit within the horizon, and the steps taken."""
    live = through & can_reach(chain, reached, through=through)
    arriving, alive, leaving = (np.where(mask, 1.0, 0.0) for mask in (reached, live, ~live))
    vectors: list[Numbers] = [arriving] if horizon <= PLAIN_STEPS else [arriving, alive, leaving]
    so_far, block = ScaledArray.of(arriving), _Block.of(chain, live, horizon)
    for k in range(1, min(horizon, MOST_STEPS) + 1):
        survived = vectors[1:2]  # S_(k-1)
        vectors = [_on(live, chain.pull(chain.with_room(vector))) for vector in vectors]
        so_far = so_far + vectors[0]
        if not is_positive(vectors[0]).any() and block.steps == 1:  # nothing arrives now, nor ever after
            return _rounded(chain, so_far, so_far, k), horizon
        hazards = block.after(k, survived, vectors) if survived and k < horizon else None
        if hazards is not None and (k + block.steps > MOST_STEPS or _is_narrow(hazards)):
            low, high = _tail_factors(hazards, (horizon - k) // block.steps, 4 * k * chain.roundings)
            tail = ScaledArray.of(vectors[1])
            return _rounded(chain, so_far + tail * low, so_far + tail * high, k), k
    return _rounded(chain, so_far, so_far, horizon), horizon


@dataclass(eq=False)
class _Block:
    """As many steps at once as bring what survives back to where it was: what arrives and leaves meanwhile.

    Blocks end at steps from which whole blocks lead to the horizon, and are looked at when their number has doubled.
    """

    steps: int
    horizon: int
    looked_at: int = PLAIN_STEPS // 2
    survived: Numbers | None = None
    arrived: Numbers | None = None
    left: Numbers | None = None

    @classmethod
    def of(cls, chain: TransitionOperator, live: Mask, horizon: int) -> "_Block":
        """Blocks for what survives on live states; steps one by one where these have too many transitions to list."""
        if horizon <= PLAIN_STEPS or not live.any() or live.sum() * chain.largest_row > MOST_LISTED:
            return cls(1, horizon)
        period = common_period(chain, live)
        return cls(period if period <= LONGEST_BLOCK else 1, horizon)

    def after(self, k: int, survived: list[Numbers], vectors: list[Numbers]) -> ScaledArray | None:
        """The hazards of a block that ends with step k, if one does that is looked at."""
        if (self.horizon - k + 1) % self.steps == 0:  # step k is the first of a block
            self.survived, self.arrived, self.left = survived[0], vectors[0], vectors[2]
        elif self.survived is None or self.arrived is None or self.left is None:
            return None
        else:
            self.arrived, self.left = self.arrived + vectors[0], self.left + vectors[2]
        ends = (self.horizon - k) % self.steps == 0
        if not ends or (k < 2 * self.looked_at and k + self.steps <= MOST_STEPS):
            return None
        self.looked_at = k
        return _hazards(self.arrived, self.left, self.survived)


def _hazards(arriving: Numbers, leaving: Numbers, survived: Numbers) -> ScaledArray:
    """The least and greatest chance, given alive, to arrive (m, M) and to leave (mt, Mt) in the next step."""
    alive = is_positive(survived)
    base = ScaledArray.of(survived)[alive]
    found = []
    for part in (arriving, leaving):
        ratio = ScaledArray.of(part)[alive] / base
        order = np.lexsort((ratio.mantissa, ratio.exponent))
        found += [ratio[order[:1]], ratio[order[-1:]]]
    return ScaledArray.of(concatenate(found))


def _is_narrow(hazards: ScaledArray) -> bool:
    """Whether the least and the greatest hazard agree as well as products of doubles can say."""
    low, high = hazards[[0, 2]], hazards[[1, 3]]
    return bool((high <= low * (1 + NARROW)).all())


def _tail_factors(hazards: ScaledArray, steps: int, roundings: int) -> tuple[ScaledArray, ScaledArray]:
    """Bounds of P(arrive in the next ``steps``) / P(alive now), from the hazards (m, M, mt, Mt)."""
    low, high = widen(hazards, roundings)
    shortest = _expected_lifetime(high[3], steps)[0]
    longest = _expected_lifetime(low[2], steps)[1]
    return low[0] * shortest, high[1] * longest


def _expected_lifetime(hazard: ScaledArray, steps: int) -> tuple[ScaledArray, ScaledArray]:
    """Bounds of (1 - (1 - z)^n) / z, the expected steps alive out of n under a constant hazard z."""
    z = min(float(hazard.to_float()), 1.0)
    if z * steps < 2.0**-60:  # n (1 - n z / 2) <= it <= n
        return widen(ScaledArray.of(float(steps)), 2)[0] * (1 - 2.0**-59), widen(ScaledArray.of(float(steps)), 2)[1]
    whole = 1.0 if z == 1 else -math.expm1(steps * math.log1p(-z))
    return widen(ScaledArray.of(whole) / ScaledArray.of(z), 16)


def _rounded(chain: TransitionOperator, lower: ScaledArray, upper: ScaledArray, steps: int) -> Bounded:
    """The middle, and the bounds widened by the roundings of that many products and additions."""
    roundings = steps * (chain.roundings + 1) + 4
    ones = ScaledArray.of(np.ones(chain.n_states))
    upper = choose(upper <= ones, upper, ones)  # a bracket that says nothing is [0, 1]
    middle = (lower + upper) * 0.5
    exact = lower.positive() & (steps == 0)
    below, above = widen(lower, roundings)[0], widen(upper, roundings)[1]
    return middle, choose(exact, lower, below), choose(exact, upper, above)


def _on(mask: Mask, values: Numbers) -> Numbers:
    """The values on a mask, 0 elsewhere."""
    return values * np.where(mask, 1.0, 0.0)


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
