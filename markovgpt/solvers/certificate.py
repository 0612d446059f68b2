"""Rigorous bounds for a computed solution, by conditioning on the end.

The exact x = M x + b, M >= 0, is the least non-negative solution. With y > 0 computed, scale by it: x = y w gives
w = M~ w + b / y with M~ = diag(y)**-1 M diag(y). Let rho bound the relative defect |M y + b - y| / y, rounding
included, and let u >= 0 solve u = M~ u + 1 about. Then y (1 + 2 rho u) is a super-solution and y (1 - 2 rho u) a
sub-solution, with rho to spare in each row; both are tested, outward, in floating point, and a test that fails yields
no bound. A super-solution bounds the least solution from above. A sub-solution bounds it from below because M is
transient: the caller has removed the ends and what cannot reach them. The width is about rho max u; u is the expected
time to the end given that it is reached, so a slow chain has wide bounds, honestly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from markovgpt.scaled import ROUNDING, ScaledArray, choose, widen


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Numbers with bounds that hold: lower <= exact <= upper, entry by entry; ``residual`` is rho as computed."""

    value: ScaledArray
    lower: ScaledArray
    upper: ScaledArray
    residual: float
    method: str


def relative_defect(image: ScaledArray, y: ScaledArray) -> float:
    """The largest |image / y - 1| where y is above zero."""
    live = y.positive()
    if not live.any():
        return 0.0
    return float(np.max(np.abs((image[live] / y[live]).to_float() - 1)))


def enclose(
    apply: Callable[[ScaledArray], ScaledArray], y: ScaledArray, correction: ScaledArray, roundings: int
) -> tuple[ScaledArray, ScaledArray] | None:
    """Lower and upper bounds of the x with x = M x + b, or None where the tests fail.

    Parameters
    ----------
    apply: z -> M z + b, computed with at most ``roundings`` factors within 1 +- 2**-53 in each entry.
    y: (n,) the computed solution; 0 only where x is 0 by structure.
    correction: (n,) about y u, the solution of z = M z + y.

    >>> half = lambda z: z * 0.5 + ScaledArray.of([1.0])      # x = x / 2 + 1
    >>> lower, upper = enclose(half, ScaledArray.of([2.0]), ScaledArray.of([4.0]), 2)
    >>> bool((lower <= 2.0) & (ScaledArray.of(2.0) <= upper)[0]), bool(((upper / lower).to_float() < 1 + 1e-13)[0])
    (True, True)
    """
    rho = relative_defect(apply(y), y) + 8 * ROUNDING * (roundings + 4)
    live = y.positive()
    u = np.zeros(len(y))
    u[live] = (correction[live] / y[live]).to_float()
    slack = 2 * rho * u
    if not (slack < 0.5).all():
        return None
    upper, lower = y * (1 + slack), y * (1 - slack)
    _, image_above = widen(apply(upper), roundings)
    image_below, _ = widen(apply(lower), roundings)
    if not ((image_above <= upper).all() and (lower <= image_below).all()):
        return None
    return lower, upper


def intersect(
    first: tuple[ScaledArray, ScaledArray], second: tuple[ScaledArray, ScaledArray]
) -> tuple[ScaledArray, ScaledArray]:
    """The tighter of two pairs of bounds, entry by entry."""
    lower = choose(first[0] <= second[0], second[0], first[0])
    upper = choose(first[1] <= second[1], first[1], second[1])
    return lower, upper
