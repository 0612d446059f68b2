"""Which method answers, by the size and the kind of the chain."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.solvers import live_system


def random_walk(n):
    """A chain that moves one up or down with even chances; both ends are never left."""
    matrix = np.zeros((n, n))
    inner = np.arange(1, n - 1)
    matrix[inner, inner - 1] = matrix[inner, inner + 1] = 0.5
    matrix[0, 0] = matrix[-1, -1] = 1.0
    return mg.SparseChain.from_matrix(matrix)


@pytest.mark.parametrize(
    ("limit", "filled", "method"),
    [(1000, 30, "GTH elimination"), (10, 30, "sparse elimination"), (10, 0, "multigrid by matching")],
)
def test_every_method_gives_the_same_answers(monkeypatch, limit, filled, method):
    monkeypatch.setattr(live_system, "ELIMINATED", limit)
    monkeypatch.setattr("markovgpt.solvers.sparse_solver.MOST_FILLED", filled)
    monkeypatch.setattr("markovgpt.solvers.matching.BOTTOM", 8)
    n = 41  # from state k: P(top first) = k / 40, expected steps k (40 - k)
    chain, k = random_walk(n), np.arange(n)
    top = mg.hitting_probability(chain, [n - 1])
    assert top.value == pytest.approx(k / 40, rel=1e-10)
    assert (top.lower <= k / 40).all()
    assert (k / 40 <= top.upper).all()
    steps = mg.expected_hitting_time(chain, [0, n - 1])
    assert steps.value == pytest.approx(k * (40 - k), rel=1e-10)
    assert mg.expected_hitting_time(chain, [0, n - 1], start=13).value == pytest.approx(13 * 27, rel=1e-10)
    assert method in steps.method
    # visits from the middle, 20, to j before an end: 2 * min(j, 40 - j) * 20 / 40
    visits = mg.expected_visits(chain, [0, n - 1], 20)
    assert visits.value == pytest.approx(np.minimum(k, 40 - k), rel=1e-10)


@pytest.mark.parametrize("filled", [30, 0])
def test_a_large_recurrent_class_of_a_list_of_transitions(monkeypatch, filled):
    monkeypatch.setattr(live_system, "ELIMINATED", 10)
    monkeypatch.setattr("markovgpt.solvers.sparse_solver.MOST_FILLED", filled)
    monkeypatch.setattr("markovgpt.solvers.matching.BOTTOM", 8)
    n = 60  # a reflected walk, up with 1/4 and down with 3/4: pi falls by 3 from one state to the next
    matrix = np.diag(np.full(n - 1, 0.25), 1) + np.diag(np.full(n - 1, 0.75), -1)
    matrix[0, 0], matrix[-1, -1] = 0.75, 0.25
    found = mg.stationary_distributions(mg.SparseChain.from_matrix(matrix)).only()
    exact = 3.0 ** -np.arange(n) / (3.0 ** -np.arange(n)).sum()
    assert found.value == pytest.approx(exact, rel=1e-11)
    assert (found.lower <= exact * (1 + 1e-13)).all()
    assert (exact * (1 - 1e-13) <= found.upper).all()
    assert "GTH" not in found.method


def test_windows_of_one_token_are_answered_as_a_list_of_transitions(monkeypatch):
    monkeypatch.setattr(live_system, "ELIMINATED", 2)
    monkeypatch.setattr(live_system, "ELIMINATED_WINDOWS", 2)
    rows = np.full((5, 5), 0.125) + np.eye(5) * 0.375
    chain = mg.WindowChain(mg.StateSpace(5, 1), rows)
    times = mg.expected_hitting_time(chain, [0])
    assert "sparse elimination" in times.method
    assert times.value == pytest.approx([0, 8, 8, 8, 8], rel=1e-13)  # the target has 1/8 from anywhere else
    shares = mg.stationary_distributions(chain).only()
    assert "sparse elimination" in shares.method
    assert shares.value == pytest.approx(0.2, rel=1e-13)
