"""Answers round outward, and their logarithms hold where doubles end."""

import json
from fractions import Fraction

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.result import rounded_down, rounded_up
from markovgpt.scaled import ScaledArray, to_fraction
from markovgpt.solvers.certificate import Enclosure


def exactly(mantissa, exponent):
    """The answer of a number known exactly."""
    number = ScaledArray(mantissa, exponent)
    return mg.Answer.of(Enclosure(number, number, number, 0.0, "given"))


@settings(deadline=None, derandomize=True)
@given(st.floats(0.5, 1, exclude_max=True), st.integers(-3000, 3000))
def test_every_field_encloses_the_number(mantissa, exponent):
    oracles.assert_encloses(exactly(mantissa, exponent), to_fraction(mantissa, exponent))


@pytest.mark.parametrize("exponent", [-1074, -1073, -1050, -1022, 0, 1023])
def test_doubles_round_down_and_up_around_what_they_cannot_hold(exponent):
    number = ScaledArray(np.array([0.75]), exponent)
    exact = to_fraction(0.75, exponent)
    assert Fraction(float(rounded_down(number)[0])) <= exact <= Fraction(float(rounded_up(number)[0]))


def test_what_is_possible_has_an_upper_bound_above_zero():
    answer = exactly(0.5, -5000)
    assert (answer.lower, answer.value, answer.upper) == (0.0, 0.0, 5e-324)
    assert answer.log10 == pytest.approx(-5001 * np.log10(2))


def test_what_is_huge_has_a_finite_lower_bound():
    answer = exactly(0.5, 5000)
    assert (answer.lower, answer.value, answer.upper) == (np.finfo(float).max, np.inf, np.inf)
    assert answer.log10 == pytest.approx(4999 * np.log10(2))


def test_zero_and_one_are_exact_in_every_field():
    assert exactly(0.0, 0).summary() | {"method": "", "residual": 0} == {
        "value": 0.0, "lower": 0.0, "upper": 0.0, "log10": -np.inf, "log10_lower": -np.inf, "log10_upper": -np.inf,
        "method": "", "iterations": 0, "residual": 0,
    }  # fmt: skip
    one = exactly(1.0, 0)
    assert (one.lower, one.upper, one.log10_lower, one.log10, one.log10_upper) == (1, 1, 0, 0, 0)


def test_a_summary_is_plain_and_goes_into_json():
    answer = mg.hitting_probability(mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]]), [1])
    assert json.loads(json.dumps(answer.summary()))["value"] == [1.0, 1.0]


def test_an_answer_shows_its_bounds():
    assert repr(exactly(0.5, 0)).startswith("Answer(0.5 in [0.5, 0.5]")


def test_a_threshold_is_decided_by_the_bounds_and_by_nothing_else():
    tiny = mg.Answer.of(Enclosure(ScaledArray(0.5, -4000), ScaledArray(0.5, -4000), ScaledArray(0.75, -4000), 0.0, ""))
    assert tiny.value == 0
    assert tiny.against(0.0) == "above"  # possible, though no double is as small
    assert tiny.against(5e-324) == "below"
    assert exactly(0.5, 1).against(1.0) == "equal"
    chain = mg.SparseChain.from_matrix([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    never = mg.expected_hitting_time(chain, [2], start=0)
    assert never.against(1e300) == "above"
    assert never.against(np.inf) == "equal"
    assert mg.hitting_probability(chain, [2], start=0).against(0) == "equal"


def test_a_threshold_may_be_a_fraction_that_no_double_holds():
    third = mg.Answer.of(Enclosure(*[ScaledArray.of(1 / 3)] * 3, 0.0, ""))  # the double, which is below
    assert third.against(Fraction(1, 3)) == "below"
    assert third.against(Fraction(1 / 3)) == "equal"
    assert third.against(Fraction(10) ** 400) == "below"
    assert third.against(Fraction(1, 10**400)) == "above"


def test_only_one_number_is_compared_with_a_number():
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]])
    with pytest.raises(mg.InvalidInput, match="an answer must be one number to be compared with a threshold"):
        mg.hitting_probability(chain, [1]).against(0.5)
    with pytest.raises(mg.InvalidInput, match=r"got Answer.* and nan; give start=, and a number"):
        mg.hitting_probability(chain, [1], start=0).against(float("nan"))
