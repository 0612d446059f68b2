"""Few digits of numbers that are certified in many."""

import pytest

from experiments.few_digits import in_few_digits


@pytest.mark.parametrize(
    ("number", "few"),
    [("0.0123456789", "0.0123"), ("4.0983e-17", "4.10e-17"), ("1", "1"), ("0", "0"), ("[0.9, 1.1]", "[0.9, 1.1]")],
)
def test_few_digits_are_those_of_the_number(number, few):
    assert in_few_digits(number) == few
