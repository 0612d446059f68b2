"""Sums of non-negative numbers, doubles or scaled, that round few times however many terms there are."""

import math

import numpy as np
from numpy.typing import NDArray

from markovgpt.scaled import (
    SMALLEST_SAFE,
    ZERO_EXPONENT,
    Numbers,
    ScaledArray,
    as_floats,
    is_positive,
    shifted,
)

SUMMED_AT_ONCE = 256
TOTAL_ROUNDINGS = SUMMED_AT_ONCE + 1


def total(values: Numbers) -> Numbers:
    """The sum of a vector, within TOTAL_ROUNDINGS roundings however many terms there are.

    >>> float(total(np.ones(1000)))
    1000.0
    """
    if isinstance(values, ScaledArray):
        if not len(values):
            return ScaledArray.of(np.zeros(()))
        top = values.exponent.max()
        return ScaledArray(as_floats(total(shifted(values, top))), top)
    whole = len(values) // SUMMED_AT_ONCE * SUMMED_AT_ONCE
    parts = values[:whole].reshape(-1, SUMMED_AT_ONCE).sum(axis=1)
    return np.asarray(math.fsum([*parts.tolist(), *values[whole:].tolist()]))


def dot(x: Numbers, y: Numbers) -> ScaledArray:
    """The sum of the products of two vectors, within TOTAL_ROUNDINGS + 1 roundings; nothing is lost below the doubles.

    >>> float(dot(np.array([1e-200, 0.0]), np.array([1e-200, 1.0])).log10().round(9))
    -400.0
    """
    products = x * y
    if isinstance(products, np.ndarray) and (is_positive(x) & is_positive(y) & (products < SMALLEST_SAFE)).any():
        products = ScaledArray.of(x) * y
    return ScaledArray.of(total(products))


def scatter_sum(values: Numbers, places: NDArray[np.int64], size: int) -> Numbers:
    """The vector of a size whose entry i is the sum of the values with place i; k terms round k - 1 times.

    >>> scatter_sum(np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), 3)
    array([2., 0., 5.])
    """
    if isinstance(values, np.ndarray):
        return np.asarray(np.bincount(places, weights=values, minlength=size), dtype=np.float64)
    top = np.full(size, ZERO_EXPONENT, dtype=np.int64)
    np.maximum.at(top, places, values.exponent)
    return ScaledArray(np.bincount(places, weights=shifted(values, top[places]), minlength=size), top)


def exact_sum(values: Numbers) -> Numbers:
    """The sum of a vector with one rounding in all, however many terms."""
    if isinstance(values, np.ndarray):
        return np.asarray(math.fsum(values.tolist()))
    top = values.exponent.max()
    return ScaledArray(math.fsum(shifted(values, top).tolist()), top)
