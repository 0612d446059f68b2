"""Eigenvalues of a class by both ways, against numpy's and by hand."""

import numpy as np
import pytest
import reference_chains as chains
from scipy.sparse.linalg import ArpackNoConvergence

import markovgpt as mg
from markovgpt.errors import NotConverged
from markovgpt.scaled import ScaledArray
from markovgpt.solvers import eigenvalues as module
from markovgpt.solvers.eigenvalues import Block, eigenvalues


def drawn(n, seed=0):
    """A random chain of n states with its stationary distribution."""
    weights = np.random.default_rng(seed).random((n, n)) ** 3
    chain = mg.SparseChain.from_matrix(weights / weights.sum(axis=1, keepdims=True))
    return chain, mg.stationary_distributions(chain).only().value


@pytest.mark.parametrize("dense", [1000, 10])
def test_both_ways_agree_with_numpy(dense, monkeypatch):
    monkeypatch.setattr(module, "DENSE", dense)
    chain, lived = drawn(60)
    values, residuals, way = eigenvalues(Block(chain, np.arange(60), lived), 5)
    assert way == ("QR algorithm" if dense == 1000 else "Arnoldi iteration")
    exact = np.linalg.eigvals(chain.to_csr().toarray())
    exact = exact[np.argsort(-np.abs(exact))][1:6]
    for value in exact[:4]:
        assert min(abs(value - found) for found in values) < 1e-10
    assert max(residuals[:4]) < 1e-10


def test_part_of_a_chain_is_its_block():
    # 1 <-> 2 within a chain in which they are left to 3 and never entered: [[0, 1/2], [1/2, 0]], so 1/2 and -1/2
    chain = mg.SparseChain.from_matrix([[1, 0, 0], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    block = Block(chain, np.array([1, 2]), None)
    assert block.matrix().tolist() == [[0, 0.5], [0.5, 0]]
    assert block.times(np.array([1.0, -2.0])).tolist() == [-1, 0.5]
    values, residuals, _ = eigenvalues(block, 2)
    assert sorted(value.real for value in values) == pytest.approx([-0.5, 0.5])
    assert max(residuals) < 1e-15


def test_a_scaled_chain_is_multiplied_with_either_sign():
    plain = mg.WindowChain(mg.StateSpace(2, 1), np.array([[1.0, 0.0], [0.25, 0.75]]))
    scaled = mg.WindowChain(
        mg.StateSpace(2, 1), ScaledArray(np.array([[1.0, 0.5], [0.25, 0.75]]), np.array([[0, -3000], [0, 0]]))
    )
    signed = np.array([1.0, -2.0])
    assert Block(scaled, np.arange(2), None).pull(signed) == pytest.approx(plain.pull(signed))


def test_the_same_chain_gives_the_same_digits(monkeypatch):
    monkeypatch.setattr(module, "DENSE", 10)
    chain, lived = drawn(80)
    first, second = (eigenvalues(Block(chain, np.arange(80), lived), 4)[0] for _ in range(2))
    assert first == second


def test_what_is_all_nilpotent_is_found_near_zero(monkeypatch):
    monkeypatch.setattr(module, "DENSE", 10)
    chain = chains.uniform_windows(2, 7)
    values, residuals, _ = eigenvalues(Block(chain, np.arange(128), np.full(128, 1 / 128)), 3)
    assert max(map(abs, values)) < 0.05  # zeros in Jordan blocks of up to seven
    assert max(residuals) < 1e-12


def test_no_convergence_is_said_with_the_residual(monkeypatch):
    def stopped(operator, k, **_):
        raise ArpackNoConvergence("no", np.array([0.5 + 0j]), np.eye(60, dtype=complex)[:, :1])

    monkeypatch.setattr(module, "DENSE", 10)
    monkeypatch.setattr(module, "eigs", stopped)
    chain, lived = drawn(60)
    with pytest.raises(NotConverged, match=r"must find 5 eigenvalues of 60 states, got a breakdown or too few") as said:
        eigenvalues(Block(chain, np.arange(60), lived), 5)
    column = chain.to_csr().toarray()[:, 0]
    column[0] -= 0.5
    assert said.value.residual == pytest.approx(np.linalg.norm(column))


def test_what_would_not_fit_is_refused(monkeypatch):
    chain, lived = drawn(60)
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match=r"eigenvectors of 60 states need"):
        eigenvalues(Block(chain, np.arange(60), lived), 5)
    monkeypatch.setattr(module, "DENSE", 10)
    with pytest.raises(mg.TooLarge, match=r"44 vectors over 60 states need .* ask for fewer eigenvalues"):
        eigenvalues(Block(chain, np.arange(60), lived), 5)
