"""Sums against exact fractions, of doubles and beyond."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.scaled import (
    ROUNDING,
    ScaledArray,
    to_fraction,
)
from markovgpt.sums import TOTAL_ROUNDINGS, dot, exact_sum, scatter_sum, total

numbers = st.tuples(st.floats(0, 1, allow_subnormal=False), st.integers(-5000, 5000))
vectors = st.lists(numbers, min_size=1, max_size=12)
U = Fraction(ROUNDING)


def scaled(pairs):
    """A ScaledArray of (mantissa, exponent) pairs."""
    return ScaledArray([m for m, _ in pairs], [e for _, e in pairs])


def exact(array):
    """A ScaledArray as a list of fractions."""
    return [
        to_fraction(float(m), int(e)) if m else Fraction(0) for m, e in zip(array.mantissa, array.exponent, strict=True)
    ]


def close(computed, true, roundings):
    """Whether a number is within so many roundings; a sum may have dropped terms of 2**-1000 of it."""
    return abs(computed - true) <= true * roundings * U * Fraction(1000001, 1000000)


@settings(deadline=None, derandomize=True)
@given(vectors)
def test_a_sum_of_k_terms_rounds_fewer_than_k_times(pairs):
    array = scaled(pairs)
    true = sum(exact(array))
    assert close(exact(array.sum().reshape(1))[0], true, len(pairs))
    assert close(exact(exact_sum(array).reshape(1))[0], true, 1)


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_scattered_sums_are_loops(kind):
    values, places = np.array([1.0, 2.0, 4.0, 8.0]), np.array([3, 0, 3, 1])
    found = scatter_sum(kind(values), places, 5)
    assert ScaledArray.of(found).to_float().tolist() == [2.0, 8.0, 0.0, 5.0, 0.0]


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 5000])
@pytest.mark.parametrize("kind", ["double", "scaled"])
def test_totals_round_no_more_however_many_terms_there_are(n, kind):
    values = np.random.default_rng(n).random(n) * 10.0 ** np.random.default_rng(n + 1).integers(-20, 20, n)
    given = values if kind == "double" else ScaledArray(values, 3000)
    found = total(given)
    assert isinstance(found, ScaledArray) == (kind == "scaled")
    number = ScaledArray.of(found)
    assert number.shape == ()
    true = sum((Fraction(x) for x in values.tolist()), Fraction(0)) * (1 if kind == "double" else Fraction(2) ** 3000)
    exactly = to_fraction(float(number.mantissa), int(number.exponent)) if n else Fraction(0)
    assert close(exactly, true, TOTAL_ROUNDINGS)


@settings(deadline=None, derandomize=True)
@given(vectors, st.data())
def test_products_of_vectors_are_within_their_roundings(pairs, data):
    other = data.draw(st.lists(numbers, min_size=len(pairs), max_size=len(pairs)))
    x, y = scaled(pairs), scaled(other)
    true = sum(a * b for a, b in zip(exact(x), exact(y), strict=True))
    assert close(exact(dot(x, y).reshape(1))[0], true, TOTAL_ROUNDINGS + 1)


def test_a_product_of_vectors_that_leaves_the_doubles_is_found_by_itself():
    x, y = np.array([1e-200, 1e-160, 0.0]), np.array([1e-200, 1e-160, 5.0])
    assert dot(x, y).log10() == pytest.approx(-320, abs=1e-12)
    assert dot(np.array([1e-200]), ScaledArray.of([1e-200])).log10() == pytest.approx(-400, abs=1e-12)
    assert dot(np.array([0.0]), np.array([1.0])).to_float() == 0
