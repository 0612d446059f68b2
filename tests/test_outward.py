"""Bounds in few digits hold: never inside those they were rounded from, at any exponent."""

from fractions import Fraction

import numpy as np
import pytest

from markovgpt.analysis.result import Answer
from markovgpt.export.outward import bounds_in_digits, log10_bounds
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure


def answer(lower, upper, *, infinite=False):
    """An answer between two numbers, each a double or a mantissa and an exponent of two."""
    low, high = (
        ScaledArray(np.array(part[0]), np.array(part[1], dtype=np.int64))
        if isinstance(part, tuple)
        else ScaledArray.of(np.array(part))
        for part in (lower, upper)
    )
    return Answer.of(Enclosure(low, low, high, 0.0, "by hand"), infinite=infinite)


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (0.0, 0.0, ("0", "0")),
        (1.0, 1.0, ("1", "1")),
        (0.5, 0.5, ("0.5", "0.5")),
        (0.1234564, 0.1234566, ("0.123456", "0.123457")),
        (0.99999999, 1.0, ("0.999999", "1")),
        (0.9999991, 0.9999999, ("0.999999", "1.00000")),
        (1.2345678e-9, 1.2345678e-9, ("1.23456e-9", "1.23457e-9")),
        ((0.75, -1998), (0.75, -1998), ("2.61294e-602", "2.61295e-602")),  # 0.75 2**-1998 = 2.612942954...e-602
    ],
)
def test_bounds_are_rounded_outward(lower, upper, expected):
    assert bounds_in_digits(answer(lower, upper)) == expected


def test_they_enclose_what_they_were_rounded_from():
    generator = np.random.default_rng(5)
    for mantissa, exponent in zip(generator.uniform(0.5, 1, 100), generator.integers(-4000, 1, 100), strict=True):
        exact = Fraction(float(mantissa)) * Fraction(2) ** int(exponent)
        found = answer((mantissa, exponent), (mantissa, exponent))
        lower, upper = map(Fraction, bounds_in_digits(found))
        assert lower <= exact <= upper
        assert upper - lower <= exact * Fraction(1, 10**5)


@pytest.mark.parametrize("exponent", [-3, -900, -4000])
def test_more_digits_than_are_computed_hold_as_well(exponent):
    exact = Fraction(3, 4) * Fraction(2) ** exponent
    lower, upper = map(Fraction, bounds_in_digits(answer((0.75, exponent), (0.75, exponent)), 45))
    assert lower <= exact <= upper
    assert upper - lower <= exact * Fraction(1, 10**29)


def test_logarithms_are_rounded_outward_too():
    assert log10_bounds(answer(2.0**-1, 2.0**-1)) == ("-0.301030", "-0.301029")  # log10 2 = 0.30102999566
    assert log10_bounds(answer(0.0, 0.0)) == ("-inf", "-inf")
    assert log10_bounds(answer(1.0, 1.0)) == ("0.000000", "0.000000")


def test_what_is_infinite_is_said():
    assert bounds_in_digits(answer(1.0, 1.0, infinite=True)) == ("inf", "inf")
