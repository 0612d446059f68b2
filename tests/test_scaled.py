"""Numbers beyond doubles against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.scaled import (
    ROUNDING,
    ScaledArray,
    choose,
    concatenate,
    largest,
    quotient,
    stack_last,
    to_fraction,
    widen,
)

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
@given(numbers, numbers)
def test_one_operation_is_one_rounding(first, second):
    a, b = scaled([first]), scaled([second])
    x, y = exact(a)[0], exact(b)[0]
    assert close(exact(a * b)[0], x * y, 1)
    assert close(exact(a + b)[0], x + y, 1)
    if y:
        assert close(exact(a / b)[0], x / y, 1)


@settings(deadline=None, derandomize=True)
@given(vectors, st.integers(0, 10**6))
def test_widened_bounds_hold_whatever_the_roundings_were(pairs, roundings):
    array = scaled(pairs)
    for low, high, x in zip(*(exact(part) for part in widen(array, roundings)), exact(array), strict=True):
        assert low <= x * (1 - roundings * U)  # at most (1 - u)**k
        assert x * (1 + Fraction(9, 8) * roundings * U) <= high  # at least (1 - u)**-k


def test_widening_by_too_many_roundings_says_nothing():
    low, high = widen(ScaledArray.of([1.0]), 2**54)
    assert low.to_float()[0] == 0
    assert high.log10()[0] > 10**14


def test_numbers_of_any_size_have_a_logarithm():
    tiny = ScaledArray([0.5, 0.0], [-(10**9), 0])
    assert tiny.log10().tolist() == [pytest.approx(-(10**9 + 1) * np.log10(2), rel=1e-15), -np.inf]
    assert tiny.to_float().tolist() == [0.0, 0.0]
    assert tiny.positive().tolist() == [True, False]


def test_exponentials_of_logarithms_keep_what_is_possible():
    powers = ScaledArray.exp(np.array([-np.inf, 0.0, -1e5]))
    assert powers.positive().tolist() == [False, True, True]
    assert powers.log10()[2] == pytest.approx(-1e5 / np.log(10), rel=1e-12)


def test_sums_along_an_axis_and_products_of_matrices_are_numpys():
    a, b = np.arange(1.0, 7).reshape(2, 3), np.arange(1.0, 13).reshape(3, 4)
    assert ScaledArray.of(a).sum(axis=0).to_float().tolist() == a.sum(axis=0).tolist()
    assert ScaledArray.of(a).sum(axis=-1).to_float().tolist() == a.sum(axis=-1).tolist()
    assert (ScaledArray.of(a) @ b).to_float().tolist() == (a @ b).tolist()
    assert (a * ScaledArray.of(a)).to_float().tolist() == (a * a).tolist()
    assert (1.0 / ScaledArray.of([4.0])).to_float().tolist() == [0.25]


def test_parts_are_joined_chosen_and_stacked():
    one, two = ScaledArray.of([1.0, 2.0]), ScaledArray.of([3.0, 4.0])
    assert concatenate([one, two]).to_float().tolist() == [1, 2, 3, 4]
    assert concatenate([one, np.array([5.0])]).to_float().tolist() == [1, 2, 5]
    assert choose(one <= 1.5, one, two).to_float().tolist() == [1, 4]
    assert stack_last([one, two]).to_float().tolist() == [[1, 3], [2, 4]]


def test_slices_are_written_through():
    array = ScaledArray.zeros(3)
    array[1:] = ScaledArray([0.5, 0.5], [-2000, 2000])
    assert array.log10().round(3).tolist() == [-np.inf, -602.361, 601.759]
    copy = array.copy()
    copy[0] = 1.0
    assert array.to_float()[0] == 0.0


def test_comparison_holds_where_doubles_do_not_reach():
    low, high = ScaledArray([0.5], [-9000]), ScaledArray([0.75], [-9000])
    assert (low <= high).all()
    assert not (high <= low).any()
    assert (ScaledArray.zeros(1) <= low).all()


def test_division_by_zero_is_an_error():
    with pytest.raises(ZeroDivisionError):
        ScaledArray.of([1.0]) / ScaledArray.of([0.0])


@pytest.mark.parametrize("first", [np.asarray, ScaledArray.of])
@pytest.mark.parametrize("second", [np.asarray, ScaledArray.of])
def test_quotients_are_zero_where_the_divisor_is(first, second):
    found = quotient(first(np.array([1.0, 3.0, 0.0])), second(np.array([4.0, 0.0, 2.0])))
    assert ScaledArray.of(found).to_float().tolist() == [0.25, 0, 0]
    table = quotient(first(np.ones((2, 3))), second(np.array([[2.0], [0.0]])))
    assert ScaledArray.of(table).to_float().tolist() == [[0.5] * 3, [0.0] * 3]


def test_quotients_of_single_numbers_and_far_ones():
    assert float(quotient(np.array([1.0, 2.0]).sum(), np.array([4.0]).sum())) == 0.75
    far = quotient(ScaledArray([0.5], [-4000]), ScaledArray([0.5], [3000]))
    assert (far.mantissa.tolist(), far.exponent.tolist()) == ([0.5], [-6999])


@settings(deadline=None, derandomize=True)
@given(vectors)
def test_the_largest_is_the_first_of_the_largest(pairs):
    array = scaled(pairs)
    true = exact(array)
    assert largest(array) == true.index(max(true))
    doubles = np.array([m for m, _ in pairs])
    assert largest(doubles) == doubles.tolist().index(doubles.max())


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(1e-250, 1e250), min_size=1, max_size=6), st.integers(0, 10**12))
def test_bounds_of_doubles_are_doubles_and_hold(values, roundings):
    low, high = widen(np.array(values), roundings)
    assert isinstance(low, np.ndarray)
    assert isinstance(high, np.ndarray)
    for below, x, above in zip(low.tolist(), values, high.tolist(), strict=True):
        assert Fraction(below) <= Fraction(x) * (1 - roundings * U)
        assert Fraction(x) * (1 + Fraction(9, 8) * roundings * U) <= Fraction(above)
        assert above / below < 1 + 4e-16 * (roundings + 4)


def test_doubles_widened_by_too_many_roundings_say_nothing_either():
    low, high = widen(np.array([1.0, 2.0]), np.array([1, 2**54]))
    assert low.to_float().tolist() == [pytest.approx(1, rel=1e-14), 0]
    assert high.log10()[1] > 10**14


def test_axes_are_reversed():
    table = ScaledArray([[0.5, 0.25], [0.0, 0.75]], [[0, -2000], [0, 2000]])
    turned = table.T
    assert turned.mantissa.tolist() == [[0.5, 0.0], [0.5, 0.75]]
    assert turned.exponent.tolist() == [[0, table.exponent[1, 0]], [-2001, 2000]]
