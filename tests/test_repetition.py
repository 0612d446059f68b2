"""At least one in many: fractions and sixty digits against the bounds, at any size of chance and number."""

from fractions import Fraction

import mpmath
import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.repetition import at_least_once, expected_lifetime, in_conversations, whole_number
from markovgpt.analysis.result import Answer
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure


def known(mantissa, exponent=0):
    """An answer without any width."""
    number = ScaledArray(mantissa, exponent)
    return Answer.of(Enclosure(number, number, number, 0.0, "given"))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.floats(1e-300, 1, exclude_max=True), st.integers(0, 60))
def test_a_power_of_the_complement_is_taken_exactly(chance, trials):
    oracles.assert_encloses(in_conversations(known(chance), trials), 1 - (1 - Fraction(chance)) ** trials)


@pytest.mark.parametrize("trials", [1, 7, 10**6, 10**15, 10**30])
@pytest.mark.parametrize(
    ("mantissa", "exponent"), [(0.5, 0), (0.75, -17), (0.75, -59), (0.75, -60), (0.9, -80), (0.6, -1000), (0.7, -5000)]
)
def test_at_any_size_the_bounds_hold_and_are_narrow(mantissa, exponent, trials):
    low, high = at_least_once(ScaledArray(mantissa, exponent), trials)
    with mpmath.workdps(3200):
        exact = -mpmath.expm1(trials * mpmath.log1p(-mpmath.ldexp(mpmath.mpf(mantissa), exponent)))
        bounds = [mpmath.ldexp(mpmath.mpf(float(part.mantissa)), int(part.exponent)) for part in (low, high)]
        assert bounds[0] <= exact <= bounds[1]
        assert bounds[1] / bounds[0] - 1 < 1e-14


def test_certainty_and_impossibility_stay_proofs():
    reached = mg.hitting_probability(chains.line(), [5], start=0)
    never = mg.hitting_probability(chains.trap(), [2], start=1)
    for n in (1, 10**15):
        sure = in_conversations(reached, n)
        assert (sure.lower, sure.value, sure.upper, sure.log10_lower) == (1, 1, 1, 0)
        impossible = in_conversations(never, n)
        assert (impossible.lower, impossible.value, impossible.upper) == (0, 0, 0)
    for answer in (reached, never):
        none = in_conversations(answer, 0)
        assert (none.lower, none.value, none.upper) == (0, 0, 0)


def test_a_chance_below_the_doubles_is_multiplied():
    p = Fraction(1e-40) / (Fraction(1e-40) + 1)
    once = mg.hitting_probability(chains.rare_run(), [20], start=0, within=20)  # p**20, 1e-800
    often = in_conversations(once, 10**15)
    assert often.value == 0
    with mpmath.workdps(60):
        exact = 20 * oracles.log10(p) + 15  # less by p**20 * 1e15 / 2 of itself, which is nothing
        assert often.log10_lower <= exact <= often.log10_upper
        assert often.log10_upper - often.log10_lower < 1e-9
    assert "at least one in 1000000000000000 conversations" in often.method


def test_every_start_is_asked_at_once():
    answer = in_conversations(mg.hitting_probability(chains.gambler(), [3]), 2)
    for state, exact in enumerate((Fraction(0), 1 - Fraction(12, 13) ** 2, 1 - Fraction(9, 13) ** 2, Fraction(1))):
        oracles.assert_encloses(answer, exact, state)


def test_a_width_stays_a_width():
    wide = Answer.of(Enclosure(np.array(0.25), np.array(0.125), np.array(0.5), 0.0, "given"))
    answer = in_conversations(wide, 2)
    assert answer.lower == pytest.approx(1 - 0.875**2, rel=1e-14)
    assert answer.value == pytest.approx(1 - 0.75**2, rel=1e-14)
    assert answer.upper == pytest.approx(0.75, rel=1e-14)


@pytest.mark.parametrize(("hazard", "steps"), [(0.5, 3), (1.0, 9), (1e-30, 10**6), (1e-5, 10**9)])
def test_the_expected_lifetime_is_its_sum(hazard, steps):
    low, high = expected_lifetime(ScaledArray.of(hazard), steps)
    with mpmath.workdps(80):
        z = mpmath.mpf(hazard)
        exact = (1 - (1 - z) ** steps) / z
        assert mpmath.mpf(float(low.to_float())) <= exact <= mpmath.mpf(float(high.to_float()))
    assert float(high.to_float() / low.to_float()) < 1 + 1e-14


def test_without_a_hazard_every_step_is_lived():
    low, high = expected_lifetime(ScaledArray.of(0.0), 12)
    assert float(low.to_float()) <= 12 <= float(high.to_float())
    assert float(whole_number(12).to_float()) == 12


@pytest.mark.parametrize("conversations", [-1, 2.5, "ten", True, None])
def test_a_number_of_conversations_that_means_nothing_is_refused(conversations):
    with pytest.raises(mg.InvalidInput, match="conversations must be a whole number of at least 0"):
        in_conversations(known(0.5), conversations)


def test_what_is_no_probability_is_refused():
    for answer in (
        mg.expected_hitting_time(chains.line(), [5], start=0),
        mg.expected_hitting_time(chains.trap(), [2], start=1),
    ):
        with pytest.raises(mg.InvalidInput, match="answer must be a probability"):
            in_conversations(answer, 2)
