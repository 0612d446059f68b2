"""What goes on for long against eigenvalues of sixty digits and chains solved by hand."""

from fractions import Fraction

import mpmath
import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis import arrivals
from markovgpt.analysis.quasi_stationary import quasi_stationary


def by_eigenvalues(matrix, n_live, target):
    """1 - rho, the share of the ends that is the target, and the left eigenvector, on the first states."""
    rows = oracles.exact_rows(matrix)
    with mpmath.workdps(60):
        p = mpmath.matrix([[mpmath.mpf(x.numerator) / x.denominator for x in row] for row in rows])
        values, left = mpmath.eig(p[:n_live, :n_live], left=True, right=False)
        top = max(range(n_live), key=lambda k: mpmath.re(values[k]))
        x = [mpmath.re(left[top, j]) for j in range(n_live)]
        x = [part / sum(x) for part in x]
        leaving = [sum(x[i] * p[i, j] for i in range(n_live)) for j in range(n_live, len(rows))]
        return 1 - mpmath.re(values[top]), leaving[target - n_live] / sum(leaving), [float(part) for part in x]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from([1e-1, 1e-5, 1e-12]))
def test_rates_are_those_of_the_largest_eigenvalue(seed, small):
    generator = np.random.default_rng(seed)
    matrix = generator.random((6, 6)) + 0.05
    matrix[:, 4:] *= small
    matrix[4:] = np.eye(6)[4:]
    matrix /= matrix.sum(axis=1, keepdims=True)
    rate, share, x = by_eigenvalues(matrix, 4, 4)
    found = quasi_stationary(mg.SparseChain.from_matrix(matrix), [4])
    assert found.rate.lower <= rate <= found.rate.upper
    assert found.rate.value == pytest.approx(float(rate), rel=1e-10)
    assert found.rate.upper / found.rate.lower - 1 < 1e-9
    assert found.target_share.lower <= share <= found.target_share.upper
    assert found.target_share.upper / found.target_share.lower - 1 < 1e-9
    assert found.distribution == pytest.approx([*x, 0, 0], rel=1e-10)
    assert found.residual < 1e-14


@pytest.mark.parametrize(("p", "loss"), [(8e-23, 0.0), (1e-300, 0.0), (1e-22, 3e-22), (0.25, 0.25)])
def test_a_rate_of_any_size_keeps_its_digits(p, loss):
    chain = mg.SparseChain.from_matrix([[1 - p - loss, p, loss], [0, 1, 0], [0, 0, 1]])
    found = quasi_stationary(chain, [1], start=0, avoiding=[2])
    weights = [Fraction(1 - p - loss), Fraction(p), Fraction(loss)]
    oracles.assert_encloses(found.rate, (weights[1] + weights[2]) / sum(weights))
    oracles.assert_encloses(found.target_share, weights[1] / (weights[1] + weights[2]))
    assert found.rate.upper / found.rate.lower - 1 < 1e-10
    assert found.distribution.tolist() == [1, 0, 0]


def test_a_run_of_1e_800_has_its_rate():
    found = quasi_stationary(chains.rare_run(), [20])
    p = Fraction(1e-40) / (Fraction(1e-40) + 1)
    # the ends are renewals with mean (1 - p**20) / ((1 - p) p**20): the rate is its inverse, within a factor 1 + 1e-700
    with mpmath.workdps(60):
        exact = 20 * oracles.log10(p) + oracles.log10(1 - p)
        assert found.rate.log10_lower <= exact <= found.rate.log10_upper
    assert found.rate.value == 0
    assert found.distribution[:2].tolist() == [1, pytest.approx(1e-40)]
    assert found.distribution[5] == pytest.approx(1e-200, rel=1e-9)


@pytest.mark.parametrize("leak", [0.36, 1e-6, 1e-20, 1e-40])
def test_a_round_of_two_is_taken_at_once(leak):
    # two steps are survived with 1 - p, so one with its root; x0 = x1 sqrt(1 - p)
    chain = mg.SparseChain.from_matrix([[0, 1, 0], [1 - leak, 0, leak], [0, 0, 1]])
    p = Fraction(leak) / (Fraction(leak) + Fraction(1 - leak))
    for start in (None, 0, 1):
        found = quasi_stationary(chain, [2], start=start)
        with mpmath.workdps(80):
            root = mpmath.sqrt(1 - mpmath.mpf(p.numerator) / p.denominator)
            rate = mpmath.mpf(p.numerator) / p.denominator / (1 + root)
            assert found.rate.lower <= rate <= found.rate.upper
            assert found.rate.upper / found.rate.lower - 1 < 1e-10
            assert found.distribution == pytest.approx([float(root / (1 + root)), float(1 / (1 + root)), 0], rel=1e-12)
        assert "hazards over 2 steps" in found.method
        assert found.residual < 1e-12


def test_a_round_below_the_doubles_has_its_rate():
    # 0 and 1 alternate; from 1 to 2 with 1e-200 and from there to the target with 1e-200, else back to 1: each two
    # steps end with 1e-400, and one step with half of that, within a factor 1 + 1e-199
    chain = mg.SparseChain.from_matrix([[0, 1, 0, 0], [1, 0, 1e-200, 0], [0, 1, 0, 1e-200], [0, 0, 0, 1]])
    found = quasi_stationary(chain, [3])
    assert "hazards over 2 steps" in found.method
    exact = 2 * oracles.log10(Fraction(1e-200)) - oracles.log10(Fraction(2))
    assert found.rate.log10_lower <= exact <= found.rate.log10_upper
    assert found.distribution == pytest.approx([0.5, 0.5, 5e-201, 0], rel=1e-12)


def test_the_few_that_go_on_are_not_lost():
    # from 0 every text ends at once; the share of 1e-200 that begins at 1 goes on with 1e-200
    matrix = [[0, 0, 0.5, 0.5], [0, 1e-200, 0.5, 0.5], [0, 0, 1, 0], [0, 0, 0, 1]]
    found = quasi_stationary(mg.SparseChain.from_matrix(matrix), [2], start=np.array([1.0, 1e-200, 0, 0]))
    assert found.distribution.tolist() == [0, 1, 0, 0]


def test_what_cannot_reach_the_target_any_more_has_ended():
    # 0 stays with 1/2, is red with 1/4, and falls with 1/4 into 1, which goes on for ever
    found = quasi_stationary(chains.trap(), [2])
    oracles.assert_encloses(found.rate, Fraction(1, 2))
    oracles.assert_encloses(found.target_share, Fraction(1, 2))
    assert found.distribution.tolist() == [1, 0, 0]


def test_survivors_that_split_have_wide_bounds_that_say_so(monkeypatch):
    monkeypatch.setattr(arrivals, "MOST_STEPS", 256)
    chain = mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 1 - 1e-6, 0, 1e-6], [0, 0, 1 - 1e-3, 1e-3], [0, 0, 0, 1]])
    found = quasi_stationary(chain, [3])
    assert "wide: what survives splits or mixes slowly" in found.method
    assert found.rate.lower <= 1e-6 < 1e-3 <= found.rate.upper * (1 + 1e-12)
    assert "wide" not in quasi_stationary(chain, [3], start=1).method
    assert quasi_stationary(chain, [3], start=2).rate.value == pytest.approx(1e-3, rel=1e-10)


def test_the_hazard_of_the_law_tends_to_the_rate():
    chain = chains.uniform_windows(2, 4)
    red = mg.ending_with(chain.space, (1, 1, 1))
    found = quasi_stationary(chain, red, start=(0, 0, 0, 0))
    # windows without 111 grow like the tribonacci constant: rho = 1.839286755214161 / 2
    assert found.rate.value == pytest.approx(1 - 1.839286755214161132551852564653286600424178746097592 / 2, rel=1e-12)
    assert found.target_share.value == pytest.approx(1, rel=1e-12)
    assert found.distribution @ np.where(red, 1.0, 0.0) == 0


def test_stop_tokens_are_ends_too():
    chain = chains.uniform_windows(4, 2)
    found = quasi_stationary(chain, mg.ending_with(chain.space, (1,)), stop_tokens=[2, 3])
    assert found.rate.value == pytest.approx(3 / 4, rel=1e-12)
    assert found.target_share.value == pytest.approx(1 / 3, rel=1e-12)


def test_the_summary_holds_both_rates():
    summary = quasi_stationary(chains.trap(), [2]).summary()
    assert list(summary) == ["rate", "target_share", "distribution", "residual", "method"]
    assert summary["distribution"] == [1, 0, 0]


@pytest.mark.parametrize(
    ("chain", "target", "start"),
    [(chains.line(), [5], None), (chains.trap(), [2], 1), (chains.trap(), [2], 2), (chains.trap(), [0, 1, 2], None)],
)
def test_what_cannot_go_on_is_refused(chain, target, start):
    with pytest.raises(mg.InvalidInput, match="a quasi-stationary law needs texts that can go on for ever"):
        quasi_stationary(chain, target, start=start)
