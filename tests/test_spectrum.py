"""Eigenvalues, gap and relaxation time by hand, against dense linear algebra, and where they are proved."""

import cmath
import math
from pathlib import Path

import numpy as np
import pytest
import reference_chains as chains
from hypothesis import event, given, settings
from random_chains import matrices, window_chains
from scipy.sparse.linalg import eigs

import markovgpt as mg
from markovgpt.analysis import spectrum as module
from markovgpt.analysis.spectrum import leading_eigenvalues, relaxation_time, spectral_gap
from markovgpt.scaled import ScaledArray
from markovgpt.solvers import eigenvalues as eigenvalue_module
from markovgpt.solvers.forgetting import Minorization

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"


def is_matched(values, exact, within):
    """Whether two lists of complex numbers are the same, each as often."""
    left = list(exact)
    for value in values:
        nearest = min(left, key=lambda other: abs(other - value))
        if abs(nearest - value) > within:
            return False
        left.remove(nearest)
    return True


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.3), (0.9, 0.8), (1e-6, 2e-6), (0.5, 0.5)])
def test_two_states_by_hand(a, b):
    # trace 2 - a - b, one eigenvalue 1: the other is 1 - a - b
    chain = mg.SparseChain.from_matrix([[1 - a, a], [b, 1 - b]])
    found = leading_eigenvalues(chain)
    assert found.eigenvalues.tolist() == pytest.approx([1, 1 - a - b], abs=1e-14)
    assert found.proved.tolist() == [True, False]
    assert found.residuals[0] == 0
    gap, time = spectral_gap(chain), relaxation_time(chain)
    exact = 1 - abs(1 - a - b)
    assert gap.lower <= exact * (1 + 1e-9)
    assert exact * (1 - 1e-9) <= gap.upper
    assert gap.value == pytest.approx(exact, rel=1e-9)
    assert time.lower <= 1 / exact * (1 + 1e-9)
    assert 1 / exact * (1 - 1e-9) <= time.upper
    assert time.value == pytest.approx(1 / exact, rel=1e-9)
    assert "an estimate; bounds by powers of the matrix" in gap.method


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_a_cycle_has_the_roots_of_unity_by_proof(d):
    chain = mg.SparseChain.from_matrix(np.roll(np.eye(d), 1, axis=1))
    found = leading_eigenvalues(chain, d)
    assert is_matched(found.eigenvalues, [cmath.exp(2j * math.pi * turn / d) for turn in range(d)], 1e-15)
    assert found.proved.all()
    assert found.eigenvalues[0] == 1
    assert found.method == "graph search on the support"
    assert (spectral_gap(chain).lower, spectral_gap(chain).upper, relaxation_time(chain).value) == (0, 0, math.inf)


def test_a_periodic_class_with_more_has_its_roots_once():
    # 0 -> 1 or 2 -> 0, the way back by 3 at times: P^2 on {0, 3} is [[3/4, 1/4], [1, 0]], so 1 and -1/4 of P^2
    matrix = np.zeros((4, 4))
    matrix[0, 1] = matrix[0, 2] = 0.5
    matrix[1, 0] = 1.0
    matrix[2, 0] = matrix[2, 3] = 0.5
    matrix[3, 1] = 1.0
    chain = mg.SparseChain.from_matrix(matrix)
    found = leading_eigenvalues(chain, 4)
    assert found.eigenvalues.tolist() == pytest.approx([1, -1, 0.5j, -0.5j], abs=1e-12)
    assert found.proved.tolist() == [True, True, False, False]
    assert spectral_gap(chain).upper == 0


def test_each_class_has_its_own():
    # two cycles entered from a state that stays with 1/3
    matrix = np.zeros((6, 6))
    matrix[0, :3] = 1 / 3
    matrix[1, 1] = 1.0
    matrix[2, 3] = matrix[3, 2] = 1.0
    matrix[4, 5] = 1.0
    matrix[5, 0] = 1.0
    found = leading_eigenvalues(mg.SparseChain.from_matrix(matrix), 6)
    assert found.eigenvalues.tolist() == pytest.approx([1, 1, -1, 1 / 3, 0, 0], abs=1e-15)
    assert found.proved.tolist() == [True, True, True, False, True, True]
    assert found.moduli.tolist() == pytest.approx([1, 1, 1, 1 / 3, 0, 0])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(largest=6))
def test_all_eigenvalues_are_those_of_dense_linear_algebra(matrix):
    chain, n = mg.SparseChain.from_matrix(matrix), len(matrix)
    found = leading_eigenvalues(chain, n)
    assert len(found.eigenvalues) == n
    assert is_matched(found.eigenvalues, np.linalg.eigvals(matrix), 2e-3)  # zeros in Jordan blocks of up to five
    assert (np.diff(found.moduli) <= 1e-11).all()
    assert (found.residuals[found.proved] == 0).all()
    on_circle = sum(mg.period(chain, states) for states in mg.recurrent_classes(chain))
    assert int(found.proved[:on_circle].sum()) == on_circle
    assert found.moduli[:on_circle].tolist() == pytest.approx([1] * on_circle, abs=1e-14)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(window_chains(shapes=[(2, 2), (2, 3), (3, 2), (1, 2)]))
def test_gaps_of_windows_are_bounded_or_refused(chain):
    classes = mg.recurrent_classes(chain)
    turning = len(classes) > 1 or mg.period(chain, classes[0]) > 1
    try:
        gap = spectral_gap(chain)
    except mg.NotConverged:
        event("refused")
        assert not turning
        return
    assert (gap.upper == 0) == turning
    if not turning and chain.n_states > 1 and not isinstance(chain.next_token_probs, ScaledArray):
        moduli = np.sort(np.abs(np.linalg.eigvals(chain.to_csr().toarray())))
        assert gap.lower <= 1 - moduli[-2] + 1e-3 if moduli[-2] < 0.01 else gap.lower <= (1 - moduli[-2]) + 1e-12
        assert 1 - moduli[-2] <= gap.upper + 1e-12
        assert gap.lower <= gap.value <= gap.upper


@pytest.mark.parametrize("coupling", [1e-2, 1e-5, 1e-8, 1e-9])
def test_a_gap_of_nearly_uncoupled_parts_is_right_to_three_digits(coupling):
    gap = spectral_gap(chains.nearly_uncoupled(coupling))
    exact = 7 * coupling / 3  # between the pairs, as in test_dense_powers
    assert gap.value == pytest.approx(exact, rel=max(1e-3, 3 * coupling))
    assert gap.lower <= exact * (1 + 10 * coupling)
    assert exact * (1 - 10 * coupling) <= gap.upper
    assert gap.upper < 1.1 * gap.lower


def test_a_gap_below_rounding_is_refused_and_not_called_zero():
    with pytest.raises(mg.NotConverged, match=r"must be told from rounding, got one below .*; it is not 0: ask"):
        spectral_gap(chains.nearly_uncoupled(1e-17))


def test_one_state_and_what_forgets_at_once():
    one = mg.SparseChain.from_matrix([[1.0]])
    assert (spectral_gap(one).value, leading_eigenvalues(one).eigenvalues.tolist()) == (1, [1])
    gap = spectral_gap(chains.uniform_windows(2, 3))
    assert gap.lower > 0.99
    assert gap.upper == 1


def test_shorter_windows_add_zeros_by_proof():
    logits = np.random.default_rng(5).normal(size=(14, 2))
    with_prefixes = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 3, with_prefixes=True), logits))
    full = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 3), logits[6:]))
    found, less = leading_eigenvalues(with_prefixes, 14), leading_eigenvalues(full, 8)
    assert int((found.proved & (found.moduli == 0)).sum()) == 6
    assert found.eigenvalues[:3].tolist() == pytest.approx(less.eigenvalues[:3].tolist(), abs=1e-9)
    assert spectral_gap(with_prefixes).value == pytest.approx(spectral_gap(full).value, rel=1e-9)


def test_temperature_zero_is_answered_by_proof():
    logits = np.random.default_rng(3).normal(size=(8, 2))
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 3), logits), mg.SamplingSettings(temperature=0))
    found = leading_eigenvalues(chain, 8)
    assert found.proved.all()
    assert is_matched(found.eigenvalues, np.linalg.eigvals(chain.to_csr().toarray()), 1e-3)
    assert {round(modulus, 12) for modulus in found.moduli} <= {0.0, 1.0}


def test_large_chains_have_a_lower_bound_and_the_same_estimate(monkeypatch):
    logits = np.random.default_rng(7).normal(size=(64, 2))
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 6), logits))
    close = spectral_gap(chain)
    monkeypatch.setattr(module, "DENSE", 10)
    monkeypatch.setattr(eigenvalue_module, "DENSE", 10)
    wide = spectral_gap(chain)
    assert wide.value == pytest.approx(close.value, rel=1e-9)
    assert 0 < wide.lower <= close.upper
    assert wide.upper == 1
    assert wide.method.startswith("Arnoldi iteration, an estimate; at least what all starts lead to in")
    time = relaxation_time(chain)
    assert 1 - 1e-12 <= time.lower <= 1 / close.value <= time.upper
    slow = mg.SparseChain.from_matrix(
        np.kron(chains.nearly_uncoupled(1e-14).to_csr().toarray(), np.full((4, 4), 1 / 4))
    )
    with pytest.raises(mg.NotConverged, match=r"must be told from rounding, got about .* or more"):
        spectral_gap(slow)


def test_no_lower_bound_is_no_upper_bound_of_the_time(monkeypatch):
    monkeypatch.setattr(module, "DENSE", 10)
    monkeypatch.setattr(module, "minorizations", lambda chain, lived: [Minorization(3, 0.0, 0.0)])
    logits = np.random.default_rng(7).normal(size=(64, 2))
    time = relaxation_time(mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 6), logits)))
    assert time.upper == math.inf
    assert time.lower == pytest.approx(1)


@pytest.mark.parametrize("k", [0, -1, 1.5, True, None])
def test_a_number_that_is_none_is_refused(k):
    with pytest.raises(mg.InvalidInput, match=r"k must be a whole number of at least 1, got .*; 6 is usual"):
        leading_eigenvalues(chains.gambler(), k)


def test_a_summary_is_plain():
    told = leading_eigenvalues(mg.SparseChain.from_matrix([[0.5, 0.5], [0.25, 0.75]])).summary()
    assert told["real"] == pytest.approx([1, 0.25])
    assert told["proved"] == [True, False]
    assert set(told) == {"real", "imaginary", "residuals", "proved", "method"}


@pytest.mark.skipif(not NAMES.is_dir(), reason="no shared data here")
def test_a_model_of_names_forgets_by_the_same_rate_in_sparse_linear_algebra():
    table = mg.tabulate(mg.load_model(NAMES))
    chain = mg.WindowChain.from_logits(table)
    found = leading_eigenvalues(chain, 3)
    assert found.eigenvalues[0] == 1
    assert found.residuals.max() < 1e-12
    listed = np.sort(np.abs(eigs(chain.to_csr().T.tocsr(), 3, which="LM", return_eigenvectors=False)))[::-1]
    assert found.moduli.tolist() == pytest.approx(listed.tolist(), rel=1e-10)
    gap = spectral_gap(chain)
    assert gap.lower > 0.02
    assert gap.value == pytest.approx(1 - found.moduli[1], rel=1e-9)
