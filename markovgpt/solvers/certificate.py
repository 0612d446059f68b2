"""Rigorous bounds for a computed solution, by conditioning on the end.

The exact x = M x + b, M >= 0, is the least non-negative solution. With y > 0 computed, scale by it: x = y w gives
w = M~ w + b / y with M~ = diag(y)**-1 M diag(y). Let rho bound the relative defect |M y + b - y| / y, rounding
included, and let u >= 0 solve u = M~ u + 1 about. Then y (1 + c rho u) is a super-solution and y (1 - c rho u) a
sub-solution for c > 1, here 3/2; both are tested, outward, in floating point, and a test that fails yields
no bound. A super-solution bounds the least solution from above. A sub-solution bounds it from below because M is
transient: the caller has removed the ends and what cannot reach them. The width is about rho max u; u is the expected
time to the end given that it is reached, so a slow chain has wide bounds, honestly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from markovgpt.scaled import (
    ROUNDING,
    FloatArray,
    Numbers,
    ScaledArray,
    as_floats,
    at_most,
    choose,
    is_positive,
    quotient,
    widen,
)
from markovgpt.sums import TOTAL_ROUNDINGS, dot, total


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Numbers with bounds that hold: lower <= exact <= upper, entry by entry; ``residual`` is rho as computed."""

    value: Numbers
    lower: Numbers
    upper: Numbers
    residual: float
    method: str


def relative_defect(image: Numbers, y: Numbers) -> float:
    """The largest |image / y - 1| where y is above zero."""
    ratio = as_floats(quotient(image, y))
    ratio -= 1
    return float(np.max(np.abs(ratio, out=ratio), where=is_positive(y), initial=0.0))


def enclose(
    apply: Callable[[Numbers], Numbers], y: Numbers, correction: Numbers, roundings: int
) -> tuple[Numbers, Numbers] | None:
    """Lower and upper bounds of the x with x = M x + b, or None where the tests fail.

    Parameters
    ----------
    apply: z -> M z + b, computed with at most ``roundings`` factors within 1 +- 2**-53 in each entry.
    y: (n,) the computed solution; 0 only where x is 0 by structure.
    correction: (n,) about y u, the solution of z = M z + y.

    >>> half = lambda z: z * 0.5 + 1.0                                             # x = x / 2 + 1
    >>> lower, upper = enclose(half, np.array([2.0]), np.array([4.0]), 2)
    >>> bool(lower[0] <= 2.0 <= upper[0]), bool(upper[0] / lower[0] < 1 + 1e-13)
    (True, True)
    """
    live = is_positive(y)
    rho = relative_defect(apply(y), y) + 1.5 * ROUNDING * (roundings + 8)
    slack = as_floats(quotient(correction, y)) * (1.5 * rho)
    if not np.max(slack, initial=0.0) < 0.5:
        return None
    upper, lower = y * (1 + slack), y * (1 - slack)
    image_above = widen(apply(upper), roundings)[1]
    if not (at_most(image_above, upper) | ~live).all():
        return None
    image_below = widen(apply(lower), roundings)[0]
    if not (at_most(lower, image_below) | ~live).all():
        return None
    return lower, upper


def intersect(first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """The tighter of two pairs of bounds, entry by entry."""
    lower = choose(at_most(first[0], second[0]), second[0], first[0])
    upper = choose(at_most(first[1], second[1]), first[1], second[1])
    return lower, upper


def mean_over(begin: FloatArray | None, whole: Enclosure) -> Enclosure:
    """The answer from a start: the mean over its distribution; None leaves every state."""
    if begin is None:
        return whole
    states = np.flatnonzero(begin > 0)
    if len(states) == 1:
        value, lower, upper = (ScaledArray.of(part[int(states[0])]) for part in (whole.value, whole.lower, whole.upper))
        return replace(whole, value=value, lower=lower, upper=upper)
    mean, low, high = (dot(part[states], begin[states]) for part in (whole.value, whole.lower, whole.upper))
    roundings = min(len(states), TOTAL_ROUNDINGS) + 2
    return replace(whole, value=mean, lower=widen(low, roundings)[0], upper=widen(high, roundings)[1])


def at_most_one(whole: Enclosure) -> Enclosure:
    """An enclosure of probabilities: neither the value nor the upper bound is above 1."""
    ones = np.ones(whole.upper.shape)
    value, upper = (choose(at_most(part, ones), part, ones) for part in (whole.value, whole.upper))
    return replace(whole, value=value, upper=upper)


def normalised(found: Enclosure) -> Enclosure:
    """An enclosure over its sum."""
    whole, low, high = (total(part) for part in (found.value, found.lower, found.upper))
    lower = widen(found.lower / high, TOTAL_ROUNDINGS + 1)[0]
    upper = widen(found.upper / low, TOTAL_ROUNDINGS + 1)[1]
    return replace(found, value=found.value / whole, lower=lower, upper=upper)
