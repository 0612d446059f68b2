"""What a text is like that has gone on for long without the target, and how fast such texts end.

With Q the chain on live states, from which the target can be reached but has not been, and l_k = Q^(k-1) l what leaves
at step k: where Q is irreducible, the chance that a text still goes on after n steps falls like rho^n, rho the largest
eigenvalue of Q, and its state is distributed as the quasi-stationary x = x Q / rho. The rate 1 - rho = x . l is never
formed as a difference: by the mediant inequality it lies between the least and the greatest l_(k+1) / Q^k 1 over the
live states for every k, and the share of the ends that is the target between those of f_k / l_k, f_k being what enters
the target at step k. Where what survives has a period d, the same holds of d steps at once, and
1 - rho = -expm1(log1p(-z) / d).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.arrivals import Arrivals, extremes, on
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.repetition import NEGLIGIBLE, ROUNDINGS
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import can_reach, can_stay, reachable_from
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, as_floats, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.sums import total

WIDE = 1e-6  # bounds that differ by more are said to be wide


@dataclass(frozen=True, eq=False, repr=False)
class QuasiStationary(Shown):
    """A text that has gone on for long, as it is at each further token.

    Parameters
    ----------
    rate: the chance that it ends with the next token (the mean over a round, where it is periodic): what goes on after
        n tokens falls like (1 - rate)**n. Certified.
    target_share: the share of these ends that is the target, the others being what was to be avoided, or states that
        cannot lead to the target any more. Certified.
    distribution: (n_states,) where it is, an estimate: sums to 1, 0 off the live states.
    residual: of the estimate, sum of |x Q / |x Q| - x|.
    """

    rate: Answer
    target_share: Answer
    distribution: FloatArray
    residual: float

    @property
    def method(self) -> str:
        """How the rate was bounded."""
        return self.rate.method

    def summary(self) -> dict[str, Any]:
        """The numbers and where they come from as a plain dict."""
        return {
            "rate": self.rate.summary(),
            "target_share": self.target_share.summary(),
            "distribution": self.distribution.tolist(),
            "residual": self.residual,
            "method": self.method,
        }


def quasi_stationary(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> QuasiStationary:
    """How fast do texts end that have gone on for long, and what are they like?

        1 - rate = lim P(T > n + 1 and not ended) / P(T > n and not ended),    x_j = lim P(X_n = j | T > n, not ended)

    Parameters
    ----------
    target, avoiding: as for `hitting_probability`. A state in both counts as reached. What cannot reach the target
        any more counts as ended.
    start: a state, a distribution, a window or a text: only what can be reached from there; None for every state.
    stop_tokens: tokens that end the text when they are written.

    Returns
    -------
    QuasiStationary. Where what survives splits into parts that do not lead to each other, the bounds hold for each of
    them, and stay wide; the method says so.

    Raises
    ------
    InvalidInput: nothing can go on for ever before the target, an empty target, a start or a mask that does not fit
        the chain.

    Method: products with Q until the least and the greatest hazard agree, or 65,536 of them; then as many forward.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[4, 2, 1, 1], [2, 4, 1, 1], [0, 0, 8, 0], [0, 0, 0, 8]] / np.array(8.0))
    >>> found = quasi_stationary(chain, [2])
    >>> [round(part.value, 12) for part in (found.rate, found.target_share)], found.distribution.round(12).tolist()
    ([0.25, 0.5], [0.5, 0.5, 0.0, 0.0])
    """
    asked = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    live = _live(asked)
    walk = Arrivals.of(asked.chain, asked.reached, live, horizon=None, at_once=False)
    while not walk.is_settled:
        walk.advance()
    rate, share = _ending(walk)
    distribution, residual = _long_alive(asked, live, walk.steps, walk.period)
    return QuasiStationary(
        Answer.of(rate, iterations=walk.steps), Answer.of(share, iterations=walk.steps), distribution, residual
    )


def _live(asked: Question) -> Mask:
    """The states where the walk is before it ends; refused where it cannot go on for ever."""
    live = asked.through & can_reach(asked.chain, asked.reached, through=asked.through)
    if asked.begin is not None:
        live &= reachable_from(asked.chain, asked.begin > 0, through=live)
    staying = can_stay(asked.chain, live)
    if not staying.any():
        raise InvalidInput(
            "a quasi-stationary law needs texts that can go on for ever before the target, got none; the waiting time "
            "is bounded, or the target is never reached: ask hitting_law"
        )
    return live


def _ending(walk: Arrivals) -> tuple[Enclosure, Enclosure]:
    """The rate per step, and the share of the ends that arrive, from the last block."""
    block, roundings = walk.block, 4 * walk.steps * walk.chain.roundings
    hazards = walk.hazards[[2, 3]]
    shares = hazards if block is None else extremes(block.arrived, block.left)
    method = f"{walk.steps} products, hazards over {walk.period} steps" if walk.period > 1 else f"{walk.steps} products"
    if not (hazards[1] <= hazards[0] * (1 + WIDE) and shares[1] <= shares[0] * (1 + WIDE)):
        method += ", wide: what survives splits or mixes slowly"
    least, greatest = widen(hazards[0], roundings)[0], widen(hazards[1], roundings)[1]
    rate = _per_step(least, walk.period)[0], _per_step(greatest, walk.period)[1]
    share = widen(shares[0], roundings)[0], widen(shares[1], roundings)[1]
    return _between(*rate, method), _between(*share, method)


def _between(lower: ScaledArray, upper: ScaledArray, method: str) -> Enclosure:
    """A chance between two bounds, about in the middle."""
    return at_most_one(Enclosure((lower + upper) * 0.5, lower, upper, 0.0, method))


def _per_step(hazard: ScaledArray, steps: int) -> tuple[ScaledArray, ScaledArray]:
    """Bounds of 1 - (1 - z)**(1/d), for a hazard z of d steps."""
    z = float(hazard.to_float())
    if steps == 1 or z >= 1:
        return hazard, hazard
    if z < NEGLIGIBLE:
        return widen(hazard / float(steps), 4)
    return widen(ScaledArray.of(-np.expm1(np.log1p(-z) / steps)), ROUNDINGS)


def _long_alive(asked: Question, live: Mask, steps: int, period: int) -> tuple[FloatArray, float]:
    """About where a walk is that is still alive after many steps, in the mean over a round, and the residual."""

    def onward(mass: Numbers) -> tuple[Numbers, float]:
        """A step later, given alive, and the logarithm of the chance to be."""
        moved = on(live, asked.chain.push(asked.chain.with_room(mass)))
        kept = total(moved)
        return moved / kept, float(ScaledArray.of(kept).log10())

    begun = np.where(live, 1.0, 0.0) if asked.begin is None else asked.begin * live
    mass: Numbers = begun / begun.sum()
    for _ in range(steps):
        mass = onward(mass)[0]
    logs, last = list[float](), mass
    for _ in range(period):
        last, log = onward(last)
        logs.append(log)
    mean, weight = mass, 0.0
    for log in logs[:-1]:  # the part at each step of a round weighs 1 / rho times the part before
        mass, _ = onward(mass)
        weight += log - sum(logs) / period
        mean = mean + mass * 10.0**weight
    mean = mean / total(mean)
    return as_floats(mean), float(np.abs(as_floats(onward(mean)[0]) - as_floats(mean)).sum())
