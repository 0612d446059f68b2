"""Numbers as files write them: what is read is exact, what is rounded is nearest, what is written comes back."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.exchange.written_numbers import LONGEST, exact, read_back, rounded, sum_minus_one


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", Fraction(1)),
        ("0.10", Fraction(1, 10)),
        ("1e-05", Fraction(1, 100_000)),
        ("2.5E+1", Fraction(25)),
        ("7/21", Fraction(1, 3)),
        ("1e-400", Fraction(1, 10**400)),
        ("1" + "0" * 5000 + "/3" + "0" * 5000, Fraction(1, 3)),  # more digits than Python's int takes from a text
    ],
)
def test_decimals_and_fractions_are_read_exactly(text, value):
    assert exact(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "-0.5", "+1", "nan", "inf", "0,5", "0x1p-1", "1_0", ".5", "1.", "1e", "1/0", "1/2/3", "1/-2", "0.5/2"),
        *("1e-9999999", "$0", "[0.1,0.2]", "p+1", "١"),
    ],
)
def test_anything_else_is_no_number(text):
    assert exact(text) is None


@pytest.mark.parametrize("begin", ["0.", "1/", ""])
def test_numbers_of_more_letters_than_anyone_writes_are_none(begin):
    longest = begin + "3" * (LONGEST - len(begin))
    assert exact(longest)
    assert exact(longest + "3") is None


@given(st.lists(st.fractions(0, 1, max_denominator=10**6), max_size=12))
def test_sums_minus_one_are_those_of_fractions(values):
    above, below = sum_minus_one(values)
    assert Fraction(above, below) == sum(values, Fraction(0)) - 1


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 200))
def test_rounding_a_double_over_a_power_of_two_changes_nothing(value, power):
    mantissa, exponent = rounded(Fraction(value) / 2**power)
    assert Fraction(mantissa) * Fraction(2) ** exponent == Fraction(value) / 2**power
    assert mantissa == 0 or 0.5 <= mantissa < 1


@given(st.integers(1, 10**30), st.integers(1, 10**30), st.integers(0, 3000))
@example(2**53 + 1, 2**54, 0)  # halfway: to the even neighbour
@example(2**54 - 1, 1, 0)  # up to the next power of two
def test_rounding_is_to_the_nearest_of_53_bits(above, below, power):
    value = Fraction(above, below * 2**power)
    mantissa, exponent = rounded(value)
    units = Fraction(mantissa) * 2**53  # a whole number of 53 bits
    off = value / Fraction(2) ** (exponent - 53) - units
    assert 2**52 <= units < 2**53
    assert units.denominator == 1
    assert abs(off) < Fraction(1, 2) or (abs(off) == Fraction(1, 2) and units.numerator % 2 == 0)


@given(st.integers(2**52, 2**53 - 1), st.integers(-5000, 40))
@example(2**53 - 1, -1073)  # a double below the normal ones
@example(2**52, -999)
def test_what_is_written_comes_back(units, exponent):
    text = read_back(units / 2**53, exponent)
    assert rounded(exact(text)) == (units / 2**53, exponent)
    assert len(text.split("e")[0].replace(".", "").strip("0")) <= 17  # digits that count


def test_a_number_that_no_decimal_exponent_holds_is_refused():
    assert rounded(exact(read_back(0.75, -3_000_000))) == (0.75, -3_000_000)
    with pytest.raises(
        mg.InvalidInput, match=r"at least 2\*\*-3000000, got about 2\*\*-3000001; raise the temperature"
    ):
        read_back(0.75, -3_000_001)
