"""The entropy rate against values by hand, 60-digit logarithms, and its own definition."""

from pathlib import Path

import decimals
import mpmath
import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.analysis.entropy import entropy_rate, row_entropies

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"


def entropy(row):
    """The entropy of fractions or decimals, in nats; the largest is taken for the complement of the others."""
    numbers = sorted(
        mpmath.mpf(p.numerator) / p.denominator if hasattr(p, "numerator") else mpmath.mpf(str(p)) for p in row if p
    )
    rest = mpmath.fsum(numbers[:-1])
    return -mpmath.fsum(p * mpmath.log(p) for p in numbers[:-1]) - (1 - rest) * mpmath.log1p(-rest)


def assert_between(found, exact):
    """The bounds hold, and the value is near."""
    scale = {"bits": 1 / mpmath.log(2), "nats": 1}
    for unit, factor in scale.items():
        value, lower, upper = (getattr(found, unit + part) for part in ("", "_lower", "_upper"))
        assert lower <= exact * factor <= upper
        assert value == pytest.approx(float(exact * factor), rel=1e-10, abs=1e-305)
    assert found.perplexity_lower <= mpmath.exp(exact) <= found.perplexity_upper


def test_a_fair_coin_has_one_bit():
    found = entropy_rate(mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]]))
    assert found.bits_lower <= 1 <= found.bits_upper
    assert found.bits_upper - found.bits_lower < 1e-12
    assert found.perplexity == pytest.approx(2, rel=1e-14)
    assert found.nats == pytest.approx(np.log(2), rel=1e-14)
    assert found.summary()["bits"] == found.bits


def test_weather_by_hand():
    # pi = (3/4, 1/4): 3/4 h(1/10) + 1/4 h(3/10), with h(1/10) = 0.4689955935892812 and h(3/10) = 0.8812908992306927
    found = entropy_rate(mg.SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]]))
    assert found.bits == pytest.approx(0.75 * 0.4689955935892812 + 0.25 * 0.8812908992306927, rel=1e-13)


def test_uniform_windows_leave_everything_open():
    found = entropy_rate(chains.uniform_windows(3, 3))
    assert found.perplexity_lower <= 3 <= found.perplexity_upper
    assert found.perplexity == pytest.approx(3, rel=1e-13)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices())
def test_the_rate_is_that_of_exact_fractions(matrix):
    rows, chain = oracles.exact_rows(matrix), mg.SparseChain.from_matrix(matrix)
    with mpmath.workdps(60):
        exact = mpmath.mpf(0)
        for states in mg.recurrent_classes(chain):
            chance = oracles.hitting(rows, states.tolist())[0]
            for state, share in zip(states.tolist(), oracles.stationary(rows, states.tolist()), strict=True):
                weight = chance * share
                exact += mpmath.mpf(weight.numerator) / weight.denominator * entropy(rows[state])
        assert_between(entropy_rate(chain, start=0), exact)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains([(2, 1), (2, 2), (2, 3), (3, 2)]))
def test_rows_of_any_size_have_their_entropy(chain):
    found = row_entropies(chain)
    lower, value, upper = (mg.ScaledArray.of(part) for part in (found.lower, found.value, found.upper))
    with mpmath.workdps(80):
        for state, row in enumerate(decimals.window_rows(chain)):
            exact = entropy(row.values())
            low, middle, high = (
                mpmath.mpf(float(part.mantissa[state])) * mpmath.mpf(2) ** int(part.exponent[state])
                if exact
                else mpmath.mpf(float(part.mantissa[state]))
                for part in (lower, value, upper)
            )
            assert low <= exact <= high
            assert abs(middle - exact) <= exact * mpmath.mpf(10) ** -12


def test_almost_certain_rows_keep_their_digits():
    # r = 1e-200: H = -(1 - r) log(1 - r) - r log r = r (1 - log r), to 200 digits
    e = 1e-200
    found = entropy_rate(mg.SparseChain.from_matrix([[1 - e, e], [e, 1 - e]]))
    assert found.nats == pytest.approx(e * (1 + 200 * np.log(10)), rel=1e-13)
    assert found.nats_upper / found.nats_lower < 1 + 1e-12


def test_below_the_doubles_the_entropy_is_tiny_and_possible():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, 1.0], [0.0, 1.0]]))
    found = entropy_rate(mg.WindowChain.from_logits(table, mg.SamplingSettings(1e-4)))
    assert (found.nats, found.nats_lower) == (0.0, 0.0)
    assert 0 < found.nats_upper < 1e-300


def test_at_temperature_zero_nothing_is_open_by_proof():
    logits = np.random.default_rng(1).normal(size=(27, 3))
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(3, 3), logits), mg.SamplingSettings(temperature=0))
    found = entropy_rate(chain, start=0)
    assert (found.bits, found.bits_upper, found.nats_upper) == (0.0, 0.0, 0.0)
    assert (found.perplexity, found.perplexity_lower, found.perplexity_upper) == (1.0, 1.0, 1.0)


def test_transient_windows_do_not_matter():
    found = entropy_rate(mg.SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]))
    assert (found.bits, found.bits_upper) == (0.0, 0.0)


def test_several_classes_are_refused_without_a_start():
    with pytest.raises(mg.InvalidInput, match="got one with 2 recurrent classes"):
        entropy_rate(chains.two_periods())
    assert entropy_rate(chains.two_periods(), start=0).bits_upper == 0


def test_a_start_outside_the_chain_is_refused():
    with pytest.raises(mg.InvalidInput, match=r"start must lie in 0\.\.1, got 2"):
        entropy_rate(chains.slow_exit(), start=2)


@pytest.mark.skipif(not NAMES.exists(), reason="no shared data")
def test_names_have_less_entropy_when_cold():
    table = mg.tabulate(mg.load_model(NAMES))
    rates = [entropy_rate(mg.WindowChain.from_logits(table, mg.SamplingSettings(t))) for t in (0.5, 1.0)]
    assert 0 < rates[0].bits_lower < rates[0].bits_upper < rates[1].bits_lower < rates[1].bits_upper < np.log2(27)
    assert rates[1].bits_upper - rates[1].bits_lower < 1e-9
