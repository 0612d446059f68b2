"""Two chains side by side, against fractions, 60-digit logarithms, and answers by hand."""

from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis.comparison import compare_chains
from markovgpt.demo import baby_gpt

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"


def long_run(rows, start):
    """The long-run distribution from a start, in fractions."""
    found = [Fraction(0)] * len(rows)
    for states in closed_classes(rows):
        chance = oracles.hitting(rows, states)[start]
        for state, share in zip(states, oracles.stationary(rows, states), strict=True):
            found[state] = chance * share
    return found


def closed_classes(rows):
    """The recurrent classes, by who leads to whom."""
    n = len(rows)
    reaches = [{j for j in range(n) if i in oracles.leads_to(rows, {j}, set(range(n)))} for i in range(n)]
    return sorted({tuple(sorted(reaches[i])) for i in range(n) if all(i in reaches[j] for j in reaches[i])})


def exact_kl_rate(pi, rows, others):
    """The KL rate in bits; None where it is infinite."""
    whole = mpmath.mpf(0)
    for share, row, other in zip(pi, rows, others, strict=True):
        for p, q in zip(row, other, strict=True):
            if share and p and not q:
                return None
            if share and p:
                weight = share * p
                whole += mpmath.mpf(weight.numerator) / weight.denominator * mpmath.log(as_mpf(p / q), 2)
    return whole


def as_mpf(fraction):
    """A fraction to as many digits as are in use."""
    return mpmath.mpf(fraction.numerator) / fraction.denominator


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(largest=4), matrices(largest=4), st.booleans(), st.integers(0, 10**6))
def test_rates_and_shifts_are_those_of_fractions(one, two, near, seed):
    n = min(len(one), len(two))
    pair = [one[:n, :n].copy(), two[:n, :n].copy()]
    if near:
        pair[1] = pair[0] * np.exp(0.1 * np.random.default_rng(seed).normal(size=(n, n)))
    for matrix in pair:
        matrix[matrix.sum(axis=1) == 0, 0] = 1
        matrix /= matrix.sum(axis=1, keepdims=True)
    rows = [oracles.exact_rows(matrix) for matrix in pair]
    lived = [long_run(part, 0) for part in rows]
    found = compare_chains(*map(mg.SparseChain.from_matrix, pair), start=0)
    with mpmath.workdps(700):
        for rate, pi, side in ((found.kl_rate, lived[0], rows), (found.kl_rate_back, lived[1], rows[::-1])):
            exact = exact_kl_rate(pi, *side)
            if exact is None:
                assert (rate.bits.value, rate.bits.lower) == (np.inf, np.inf)
                assert rate.n_infinite == sum(
                    bool(share and any(p and not q for p, q in zip(*both, strict=True)))
                    for share, both in zip(pi, zip(*side, strict=True), strict=True)
                )
                assert rate.example is not None
            else:
                assert rate.bits.lower <= exact <= rate.bits.upper
                assert rate.bits.value == pytest.approx(float(exact), rel=1e-9, abs=1e-24)
    shift = sum(abs(a - b) for a, b in zip(*lived, strict=True)) / 2
    assert found.stationary_shift.lower <= shift <= found.stationary_shift.upper
    assert found.stationary_shift.value == pytest.approx(float(shift), abs=1e-11)
    varied = [sum(abs(p - q) for p, q in zip(*both, strict=True)) / 2 for both in zip(*rows, strict=True)]
    mean = sum(share * part for share, part in zip(lived[0], varied, strict=True))
    assert found.mean_total_variation.lower <= mean <= found.mean_total_variation.upper
    assert varied[found.worst_state] >= max(varied) - Fraction(1, 10**12)
    assert found.n_gained == sum(p == 0 < q for both in zip(*rows, strict=True) for p, q in zip(*both, strict=True))
    change = found.stationary_change
    for state in range(n):
        assert change.lower[state] <= lived[1][state] - lived[0][state] <= change.upper[state]


def two_states(p, q):
    """0 leaves with p, 1 with q."""
    return mg.SparseChain.from_matrix([[1 - p, p], [q, 1 - q]])


def test_two_states_by_hand():
    # pi = (1/2, 1/2) and (1/3, 2/3); only the row of 1 differs, (1/2, 1/2) against (1/4, 3/4)
    found = compare_chains(two_states(0.5, 0.5), two_states(0.5, 0.25))
    assert found.kl_rate.bits.value == pytest.approx(0.5 * (0.5 * np.log2(2) + 0.5 * np.log2(2 / 3)), rel=1e-12)
    assert found.kl_rate_back.bits.value == pytest.approx(
        2 / 3 * (0.25 * np.log2(0.5) + 0.75 * np.log2(1.5)), rel=1e-12
    )
    assert found.stationary_shift.value == pytest.approx(1 / 6, rel=1e-12)
    assert (found.worst_state, found.identical, found.n_gained, found.n_lost) == (1, False, 0, 0)
    assert found.entropy_before.bits == pytest.approx(1, rel=1e-12)
    assert found.entropy_after.bits == pytest.approx(1 / 3 + 2 / 3 * (2 - 0.75 * np.log2(3)), rel=1e-12)
    summary = found.summary()
    assert summary["kl_rate"]["value"] == found.kl_rate.bits.value
    assert summary["worst_window"]["window"] == "1"
    assert summary["entropy_after"]["bits"] == found.entropy_after.bits


def test_a_shrinking_support_is_infinite_only_where_the_chain_comes_back():
    before, after = two_states(0.5, 0.5), two_states(1.0, 0.5)  # 0 no longer stays
    found = compare_chains(before, after)
    assert (found.kl_rate.bits.value, found.kl_rate.n_infinite, found.kl_rate.example) == (np.inf, 1, ("0", "0"))
    assert found.kl_rate_back.bits.upper < 1
    assert (found.n_lost, found.lost, found.n_gained, found.gained) == (1, (("0", "0"),), 0, ())
    # the same loss in a transient window does not matter
    passing = [mg.SparseChain.from_matrix([first, [0, 1, 0], [0, 1, 0]]) for first in ([0, 0.5, 0.5], [0, 1, 0])]
    assert compare_chains(*passing).kl_rate.bits.upper == 0
    assert compare_chains(*passing).n_lost == 1


def test_identical_chains_are_all_zeros_by_proof():
    first, second = (two_states(0.3, 0.2) for _ in range(2))
    found = compare_chains(first, second)
    assert found.identical
    for answer in (found.kl_rate.bits, found.kl_rate_back.bits, found.mean_total_variation, found.stationary_shift):
        assert (answer.lower, answer.value, answer.upper) == (0.0, 0.0, 0.0)
    assert not found.stationary_change.upper.any()
    assert not found.total_variation.upper.any()
    assert found.entropy_after == found.entropy_before
    several = compare_chains(chains.two_periods(), chains.two_periods())
    assert several.kl_rate.bits.upper == 0


def test_chains_with_several_classes_are_compared_from_a_start():
    pair = chains.two_periods(), mg.SparseChain.from_matrix(np.eye(6))
    found = compare_chains(*pair)
    with pytest.raises(mg.InvalidInput, match="2 recurrent classes"):
        _ = found.kl_rate
    assert "2 recurrent classes" in found.summary()["long_run"]
    assert "kl_rate" not in found.summary()
    assert found.total_variation.value.tolist() == [1.0] * 6
    begun = compare_chains(*pair, start=0)
    assert begun.stationary_shift.value == pytest.approx(1.0)
    assert begun.kl_rate.n_infinite == 5


def test_windows_and_tokens_are_named():
    letters = mg.Vocabulary(("a", "b"))
    tables = np.full((4, 2), 0.5), np.array([[0.5, 0.5], [0, 1.0], [0.5, 0.5], [0.5, 0.5]])
    found = compare_chains(*(mg.WindowChain(mg.StateSpace(2, 2), table, letters) for table in tables))
    assert found.lost == (("ab", "a"),)
    assert found.kl_rate.example == ("ab", "a")
    assert found.summary()["worst_window"] == {"window": "ab", "total_variation": 0.5} | {
        name: getattr(found.total_variation, name)[1] for name in ("lower", "upper")
    }


def test_chains_of_other_spaces_are_refused_or_shared():
    short, long = (chains.uniform_windows(2, length) for length in (1, 2))
    with pytest.raises(mg.InvalidInput, match="windows of the same length, got 1 and 2"):
        compare_chains(short, long)
    assert compare_chains(short, long, shared=True).identical


def test_training_changes_a_baby_gpt():
    pair = [mg.WindowChain.from_model(baby_gpt(steps).model) for steps in (0, 50)]
    found = compare_chains(*pair)
    assert 0 < found.kl_rate.bits.lower <= found.kl_rate.bits.upper < 10
    assert found.entropy_after.bits_upper < found.entropy_before.bits_lower
    assert 0 < found.stationary_shift.lower <= found.stationary_shift.upper <= 1
    # from the definition, with the distributions of a long power iteration
    tables = [chain.next_token_probs for chain in pair]
    pi = np.full(8, 1 / 8)
    for _ in range(5000):
        pi = pair[0].push(pi)
    expected = float((pi[:, None] * tables[0] * np.log2(tables[0] / tables[1])).sum())
    assert found.kl_rate.bits.value == pytest.approx(expected, rel=1e-9)


@pytest.mark.skipif(not NAMES.exists(), reason="no shared data")
def test_names_at_two_temperatures():
    table = mg.tabulate(mg.load_model(NAMES))
    found = compare_chains(*(mg.WindowChain.from_logits(table, mg.SamplingSettings(t)) for t in (1.0, 0.7)))
    summary = found.summary()
    assert 0 < summary["kl_rate"]["lower"] <= summary["kl_rate"]["value"] <= summary["kl_rate"]["upper"] < 1
    assert found.entropy_after.bits_upper < found.entropy_before.bits_lower
    assert (found.n_gained, found.n_lost) == (0, 0)
    assert found.kl_rate.bits.upper / found.kl_rate.bits.lower < 1 + 1e-8


@pytest.mark.parametrize("start", [7, -1, (0, 5), "a"])
def test_a_start_that_does_not_fit_is_refused_at_once(start):
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0.25, 0.75]])
    with pytest.raises(mg.InvalidInput, match="start"):
        mg.compare_chains(chain, chain, start=start)
