"""After how many tokens has the target been reached with a given probability?

The probability within n steps is summed step by step. Beyond a few dozen steps the hazard bracket of
`markovgpt.analysis.arrivals` answers every later n at once: the search for n costs no further product.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.arrivals import PLAIN_STEPS, Arrivals
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.reachability import ever_reached
from markovgpt.analysis.structure import PROOF, can_reach, can_stay, reachable_from
from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, is_positive, widen
from markovgpt.shown import Shown
from markovgpt.sums import TOTAL_ROUNDINGS, dot

LONGEST_POWER = 10_000  # quantiles are looked for up to 2**10_000 steps
KNOWN_BITS = 60  # of a quantile: bounds are never as narrow


@dataclass(frozen=True)
class Quantile(Shown):
    """The smallest n with P(T <= n) at least a probability: whole numbers, infinite (math.inf) where none is so late.

    Parameters
    ----------
    probability: what was asked for.
    lower, upper: bounds that hold; both infinite by proof, and ``upper`` alone where bounds do not decide whether the
        probability is ever reached.
    method: how it was found.
    iterations: products with the chain.
    """

    probability: float
    lower: int | float
    upper: int | float
    method: str
    iterations: int

    @property
    def value(self) -> int | float:
        """The number where the bounds decide, else the middle between them; infinite if one is."""
        if self.upper == math.inf:
            return math.inf
        return (int(self.lower) + int(self.upper)) // 2

    def summary(self) -> dict[str, Any]:
        """The numbers and where they come from as a plain dict."""
        names = ("probability", "value", "lower", "upper", "method", "iterations")
        return {name: getattr(self, name) for name in names}


def hitting_quantile(
    chain: TransitionOperator,
    target: Target,
    probability: float,
    *,
    start: Start,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> Quantile:
    """After how many tokens is the target reached with a given probability?

        min { n : P(T <= n) >= probability }

    Parameters
    ----------
    target, avoiding: as for `hitting_probability`. A state in both counts as reached.
    probability: in [0, 1]; 0.5 asks for the median. 1 is decided by the support alone.
    start: a state, a distribution, a window or a text.
    stop_tokens: tokens that end the text when they are written.

    Returns
    -------
    Quantile: equal bounds where those of the probabilities decide; infinite where the target is reached less likely.

    Raises
    ------
    InvalidInput: a probability outside [0, 1], an empty target, a start or a mask that does not fit the chain.
    NotConverged: whether the target is ever reached so likely is asked, and bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> die = SparseChain.from_matrix([[5 / 6, 1 / 6], [0, 1]])
    >>> median = hitting_quantile(die, [1], 0.5, start=0)        # 1 - (5/6)**3 = 0.42, 1 - (5/6)**4 = 0.52
    >>> median.lower, median.upper
    (4, 4)
    """
    if not 0 <= probability <= 1:
        raise InvalidInput(f"probability must lie in [0, 1], got {probability}; 0.5 asks for the median")
    asked, p = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens), float(probability)
    if p == 0:
        return Quantile(p, 0, 0, PROOF, 0)
    return _surely_within(asked) if p == 1 else _search(asked, p)


def _surely_within(asked: Question) -> Quantile:
    """The step at which the target is reached on every path."""
    chain, through, begun = asked.chain, asked.through, asked.departure > 0
    possible = can_reach(chain, asked.reached, through=through)
    may_fail = can_reach(chain, ~possible, through=through)
    if ((may_fail | can_stay(chain, through)) & begun).any():
        return Quantile(1.0, math.inf, math.inf, PROOF, 0)
    alive, steps = through, 0
    while (alive & begun).any():
        alive, steps = through & is_positive(chain.pull(np.where(alive, 1.0, 0.0))), steps + 1
    return Quantile(1.0, steps, steps, PROOF, 0)


class _Anchor(NamedTuple):
    """What is known at a step from the start: bounds of P(T <= step), and of P(alive)."""

    step: int
    within: tuple[ScaledArray, ScaledArray]
    alive: tuple[ScaledArray, ScaledArray]


def _search(asked: Question, p: float) -> Quantile:
    """The quantile of a probability in (0, 1): step by step, then in the hazard bracket."""
    chain, begin, wanted = asked.chain, asked.departure, ScaledArray.of(p)
    live = asked.through & can_reach(chain, asked.reached, through=asked.through)
    live &= reachable_from(chain, begin > 0, through=asked.through)
    walk = Arrivals.of(chain, asked.reached, live, horizon=None, at_once=True)
    earliest, anchors = 0, list[_Anchor]()
    while len(anchors) < walk.period:  # one anchor for each step of a block
        within = _seen(begin, walk.so_far, walk.roundings)
        if wanted <= within[0]:
            return Quantile(p, earliest, walk.steps, f"{walk.steps} products", walk.steps)
        earliest = earliest if wanted <= within[1] else walk.steps + 1
        if walk.steps == PLAIN_STEPS and not wanted <= ever_reached(asked).upper:
            return _never(p, math.inf, walk.steps)
        if not walk.goes_on:
            return _never(p, earliest if wanted <= within[1] else math.inf, walk.steps)
        if walk.is_settled and walk.alive is not None:
            anchors.append(_Anchor(walk.steps, within, _seen(begin, walk.alive, walk.roundings)))
        walk.advance()

    def bounds(n: int) -> tuple[ScaledArray, ScaledArray]:
        """Of P(T <= n), for n from the first anchor on."""
        anchor = anchors[(n - anchors[0].step) % walk.period]
        low, high = walk.later(n - anchor.step)
        below, above = anchor.within[0] + anchor.alive[0] * low, anchor.within[1] + anchor.alive[1] * high
        return widen(below, 2)[0], widen(above, 2)[1]

    known = anchors[-1].step
    certain = _first(lambda n: bool(wanted <= bounds(n)[0]), known)
    possible = _first(lambda n: bool(wanted <= bounds(n)[1]), known)
    earliest = max(earliest, possible[0]) if earliest > known else earliest
    if certain[1] is not None:
        method = f"{walk.steps} products, hazard bracket to step {certain[1]}"
        return Quantile(p, earliest, certain[1], method, walk.steps)
    return _never(p, earliest, walk.steps)


def _never(p: float, earliest: int | float, steps: int) -> Quantile:
    """No step is known at which the target has been reached so likely; the earliest is infinite where there is none."""
    decided = "reached less likely" if earliest == math.inf else "undecided whether it is ever reached so likely"
    return Quantile(p, earliest, math.inf, f"{steps} products, {decided}", steps)


def _first(holds: Callable[[int], bool], known: int) -> tuple[int, int | None]:
    """For something that holds from some n > ``known`` on: an m <= n such that it does not hold at m - 1, and an n.

    The second is None where it does not hold within 2**10,000 steps.
    """
    low, high = 0, LONGEST_POWER
    if not holds(known + 2**high):
        return known + 2**high + 1, None
    while low < high:  # the least power of two at which it holds
        middle = (low + high) // 2
        low, high = (low, middle) if holds(known + 2**middle) else (middle + 1, high)
    before, at = known + (2**low // 2 if low else 0), known + 2**low
    while at - before > 1 + (before >> KNOWN_BITS):
        middle = (before + at) // 2
        before, at = (before, middle) if holds(middle) else (middle, at)
    return before + 1, at


def _seen(begin: FloatArray, numbers: Numbers, roundings: int) -> tuple[ScaledArray, ScaledArray]:
    """Bounds of the mean over the start of numbers with that many roundings."""
    states = np.flatnonzero(begin)
    if len(states) == 1:
        return widen(ScaledArray.of(numbers[int(states[0])]), roundings)
    return widen(dot(begin[states], numbers[states]), roundings + TOTAL_ROUNDINGS + 1)
