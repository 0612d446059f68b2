"""What two probabilities add to a divergence, without anything that cancels.

With y the smaller of p and q over the larger, and e = 1 - y,

    ( p log(p / q) - p + q ) / max(p, q)  =  y log y + e     where q is the larger
                                             -log y - e      where p is

Both are at least 0, and 0 only where p = q. Near there, e <= 1/8, they are taken as series in e without a minus sign:

    -log(1 - e) - e = sum_k e**k / k,      (1 - e) log(1 - e) + e = sum_k e**k / (k (k - 1)),     k = 2, 3, ..
"""

from dataclasses import dataclass

import numpy as np

from markovgpt.scaled import FloatArray, Numbers, ScaledArray, as_floats, at_most, choose, is_positive, quotient

NEAR = 0.125  # e up to which a term is taken as a series
POWERS = np.arange(19, 1, -1)  # of it: the next is below 2**-53 of the first
RISING, FALLING = 1.0 / POWERS, 1.0 / (POWERS * (POWERS - 1))
TERM_ROUNDINGS = 256  # of a term; one that is no series loses a factor of 16 twice, at e = 1/8
LARGEST_EXPONENT = 1000  # of numbers whose logarithm is taken of the double that they are


@dataclass(frozen=True, eq=False)
class DivergenceTerms:
    """What each pair of numbers adds to a divergence, all of one shape.

    Parameters
    ----------
    larger: max(p, q).
    gap: |p - q| / max(p, q), within a rounding.
    logarithm: |log(p / q)|, 0 where p or q is.
    forward: (p log(p / q) - p + q) / max(p, q), at least 0, within `TERM_ROUNDINGS`; 0 where q is, though it is
        infinite there.
    backward: the same with p and q exchanged.
    """

    larger: Numbers
    gap: FloatArray
    logarithm: FloatArray
    forward: FloatArray
    backward: FloatArray


def divergence_terms(p: Numbers, q: Numbers) -> DivergenceTerms:
    """What do two probabilities add to a divergence?

    Parameters
    ----------
    p, q: at least 0, both in doubles or both scaled.

    >>> found = divergence_terms(np.array([0.5, 0.0, 0.25]), np.array([0.25, 0.75, 0.25]))
    >>> (found.larger * found.forward).round(12).tolist()              # log(2) / 2 - 1/4; 3/4; nothing
    [0.09657359028, 0.75, 0.0]
    """
    is_smaller = at_most(p, q)
    smaller, larger = choose(is_smaller, p, q), choose(is_smaller, q, p)
    ratio, gap = quotient(smaller, larger), _gap(smaller, larger)
    logarithm = surprise(ratio)
    of_larger, of_smaller = logarithm - gap, gap - as_floats(ratio) * logarithm
    near = gap < NEAR
    e = gap[near]
    logarithm[near] = -np.log1p(-e)
    of_larger[near], of_smaller[near] = (e * e * np.polyval(series, e) for series in (RISING, FALLING))
    of_larger[~is_positive(smaller)] = 0.0
    forward, backward = np.where(is_smaller, of_smaller, of_larger), np.where(is_smaller, of_larger, of_smaller)
    return DivergenceTerms(larger, gap, logarithm, forward, backward)


def surprise(values: Numbers) -> FloatArray:
    """-log of positive numbers of any size, 0 for a zero; near 1 as exact as anywhere.

    >>> surprise(np.array([1.0, 0.0])).tolist(), surprise(ScaledArray(0.5, -(10**9))).round(1).tolist()
    ([0.0, 0.0], 693147181.3)
    """
    if not isinstance(values, ScaledArray):
        return np.asarray(0.0 - np.log(np.where(values > 0, values, 1.0)))
    there = values.mantissa > 0
    plain = there & (np.abs(values.exponent) < LARGEST_EXPONENT)
    beyond = np.log(np.where(there, values.mantissa, 1.0)) + np.where(there, values.exponent, 0) * np.log(2.0)
    return np.asarray(0.0 - np.where(plain, np.log(np.where(plain, values.to_float(), 1.0)), beyond))


def _gap(smaller: Numbers, larger: Numbers) -> FloatArray:
    """(larger - smaller) / larger: numbers within a factor of two are subtracted without an error."""
    if isinstance(smaller, ScaledArray) and isinstance(larger, ScaledArray):
        apart = np.maximum(smaller.exponent - larger.exponent, -1100).astype(np.int32)
        high = larger.mantissa
        low = np.ldexp(smaller.mantissa, np.where(high > 0, apart, 0))
    else:
        low, high = as_floats(smaller), as_floats(larger)
    return np.divide(high - low, high, out=np.zeros(low.shape), where=np.asarray(high > 0))
