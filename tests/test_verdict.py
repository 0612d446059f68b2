"""A verdict is printed with bounds that are rounded outward."""

import json
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg


def test_a_refusal_says_why_before_what():
    verdict = mg.Verdict(False, "expected steps", (), (Fraction(2),), (Fraction(2),), "a bound fails at state 3")
    assert str(verdict).splitlines() == [
        "does not hold, a bound fails at state 3: expected steps",
        "  from the start: [2, 2]",
    ]


def test_many_states_are_cut_short_in_print_and_whole_in_the_summary():
    verdict = mg.Verdict(True, "visits", tuple(range(30)), (Fraction(1),) * 30, (Fraction(2),) * 30)
    lines = str(verdict).splitlines()
    assert lines[1] == "  state 0: [1, 2]"
    assert lines[21:] == ["  ... and 10 more (--json prints all)"]
    assert json.loads(json.dumps(verdict.summary()))["states"] == list(range(30))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.fractions(min_value=0), st.integers(-20_000, 20_000))
def test_decimals_are_rounded_outward(number, power):
    exact = number * Fraction(2) ** power
    found = mg.Verdict(True, "", (), (exact,), (exact,)).summary()
    low, high = Fraction(Decimal(found["lower"][0])), Fraction(Decimal(found["upper"][0]))
    assert low <= exact <= high
    assert high - low <= exact / 10**16
