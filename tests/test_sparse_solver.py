"""Sparse elimination against exact fractions, far beyond the doubles too."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices
from reference_chains import rare_run

import markovgpt as mg
from markovgpt.scaled import ScaledArray, to_fraction
from markovgpt.solvers import sparse_solver
from markovgpt.solvers.sparse_solver import FilledError, SparseSolver

ROUNDED = Fraction(1, 10**14)


def fractions_of(numbers):
    """Doubles or scaled numbers exactly."""
    scaled = ScaledArray.of(numbers)
    pairs = zip(scaled.mantissa.tolist(), scaled.exponent.tolist(), strict=True)
    return [to_fraction(mantissa, int(exponent)) if mantissa else Fraction(0) for mantissa, exponent in pairs]


def assert_close(found, exact):
    for number, true in zip(fractions_of(found), exact, strict=True):
        assert abs(number - true) <= true * ROUNDED


def live_states(rows, ends):
    """The states outside of given ones from which one of these is reached."""
    return sorted(oracles.leads_to(rows, ends, set(range(len(rows))) - set(ends)) - set(ends))


def mask_of(n, states):
    return np.isin(np.arange(n), states)


def exact_column(rows, live, gain):
    solved = oracles.solve(oracles.identity_minus(rows, live), [Fraction(gain[i]) for i in live])
    return [dict(zip(live, solved, strict=True)).get(i, Fraction(0)) for i in range(len(rows))]


def exact_row(rows, live, start):
    transposed = [list(column) for column in zip(*oracles.identity_minus(rows, live), strict=True)]
    solved = oracles.solve(transposed, [Fraction(start[i]) for i in live])
    return [dict(zip(live, solved, strict=True)).get(i, Fraction(0)) for i in range(len(rows))]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_rows_and_columns_are_exact_to_rounding(matrix, data):
    n, rows, chain = len(matrix), oracles.exact_rows(matrix), mg.SparseChain.from_matrix(matrix)
    live = live_states(rows, {data.draw(st.integers(0, n - 1))})
    solver = SparseSolver(chain, mask_of(n, live))
    vector = np.array([data.draw(st.sampled_from([0.0, 0.25, 1.0, 1e-200])) for _ in range(n)]) * solver.live
    assert_close(solver.row(vector), exact_row(rows, live, vector.tolist()))
    assert_close(solver.column(vector), exact_column(rows, live, vector.tolist()))
    assert_close(solver.column(ScaledArray.of(vector)), exact_column(rows, live, vector.tolist()))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(matrices())
def test_stationary_distributions_are_exact_to_rounding(matrix):
    n, rows, chain = len(matrix), oracles.exact_rows(matrix), mg.SparseChain.from_matrix(matrix)
    for states in mg.recurrent_classes(chain):
        members = [int(state) for state in states]
        shares = dict(zip(members, oracles.stationary(rows, members), strict=True))
        found = SparseSolver(chain, mask_of(n, members)).stationary()
        assert_close(found, [shares.get(i, Fraction(0)) for i in range(n)])


def test_times_above_the_doubles_and_visits_below_them():
    # from each state one further with 1e-40, else back to the start; the last is the end
    chain = rare_run(1e-40, 20)
    rows, live = oracles.exact_rows(chain.to_csr().toarray()), list(range(20))
    solver = SparseSolver(chain, mask_of(21, live))
    times = solver.column(np.where(solver.live, 1.0, 0.0))
    assert isinstance(times, ScaledArray)
    assert times.log10()[0] == pytest.approx(800, abs=1e-9)
    assert_close(times, exact_column(rows, live, [1] * 20))
    start = np.where(np.arange(21) == 0, 1.0, 0.0)
    visits = solver.row(start)
    assert_close(visits, exact_row(rows, live, [1] + [0] * 19))
    assert_close(solver.visits(), exact_row(rows, live, (solver.live / solver.live.sum()).tolist()))
    gain = np.where(np.arange(21) == 19, 1e-40, 0.0)  # avoiding every return to 0
    inner = list(range(1, 20))
    chances = SparseSolver(chain, mask_of(21, inner)).column(gain)
    assert chances.log10()[1] == pytest.approx(-760, abs=1e-9)
    assert_close(chances, exact_column(rows, inner, gain.tolist()))


def test_shares_below_the_doubles():
    # a run of 1e-40 each, begun again at its end: the last state has 1e-800 of the time
    matrix = rare_run(1e-40, 20).to_csr().toarray()
    matrix[20] = np.eye(21)[0]
    rows = oracles.exact_rows(matrix)
    found = SparseSolver(mg.SparseChain.from_matrix(matrix), np.ones(21, dtype=bool)).stationary()
    assert found.log10()[20] == pytest.approx(-800, abs=1e-9)
    assert_close(found, oracles.stationary(rows, list(range(21))))


def test_windows_are_solved_too():
    chain = mg.WindowChain(mg.StateSpace(2, 2), np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0], [0.125, 0.875]]))
    rows, live = oracles.exact_rows(chain.to_csr().toarray()), [0, 1, 2]
    solver = SparseSolver(chain, mask_of(4, live))
    assert_close(solver.column(solver.live * 1.0), exact_column(rows, live, [1, 1, 1, 0]))
    assert_close(solver.row(solver.live * 0.5), exact_row(rows, live, [0.5, 0.5, 0.5, 0]))


def test_what_fills_in_is_refused_and_a_line_is_not(monkeypatch):
    n = 60
    random = np.random.default_rng(0)
    dense = random.random((n, n)) + 0.1
    dense = mg.SparseChain.from_matrix(dense / dense.sum(axis=1, keepdims=True))
    line = np.diag(np.full(n - 1, 0.5), 1) + np.diag(np.full(n - 1, 0.5), -1)
    line[0, 0] = line[-1, -1] = 0.5
    live = np.arange(n) < n - 1
    monkeypatch.setattr(sparse_solver, "MOST_FILLED", 10)
    assert SparseSolver(mg.SparseChain.from_matrix(line), live).is_affordable
    filled = SparseSolver(dense, live)
    assert not filled.is_affordable
    with pytest.raises(FilledError):
        filled.column(live * 1.0)
