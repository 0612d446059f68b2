"""Rows and columns of window chains, prefixes included, against dense censoring in long doubles."""

from functools import cache

import long_doubles
import numpy as np
import pytest
from random_chains import drawn_chain

import markovgpt as mg
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.multigrid import Restarted, Solution
from markovgpt.solvers.multigrid_solver import MultigridSolver

CASES = [
    (shape, prefixes, kind)
    for shape in [(2, 5), (3, 3), (27, 2)]
    for prefixes in (False, True)
    for kind in ("cold", "scaled")
    if (shape, kind) != ((27, 2), "scaled")
]
ACCURATE = 1e-11


@cache
def matrix_of(shape, prefixes, kind):
    """The matrix of a case, for all who ask."""
    matrix = long_doubles.window_matrix(drawn_chain(mg.StateSpace(*shape, with_prefixes=prefixes), kind, 6))
    matrix.setflags(write=False)
    return matrix


def case(shape, prefixes, kind):
    """A chain, its matrix, and live states: those from which one of some ends can be reached."""
    chain = drawn_chain(mg.StateSpace(*shape, with_prefixes=prefixes), kind, 6)
    ends = np.zeros(chain.n_states, dtype=bool)
    ends[[1, -1, -5]] = True
    return chain, matrix_of(shape, prefixes, kind), chain.reaching(ends, ~ends) & ~ends


def listed(chain):
    """The same chain as a list of transitions."""
    return mg.SparseChain(chain.edges(), chain.n_states)


@pytest.mark.parametrize("chain_of", [lambda chain: chain, listed], ids=["windows", "list"])
@pytest.mark.parametrize(("shape", "prefixes", "kind"), CASES)
def test_rows_are_visits_before_the_end(shape, prefixes, kind, chain_of):
    chain, matrix, live = case(shape, prefixes, kind)
    start = np.where(np.arange(chain.n_states) % 3 == 0, 0.5, 0) * live
    live &= chain.reached_from(start > 0, live)
    found = MultigridSolver(chain_of(chain), live).row(start)
    assert long_doubles.relative_error(found, long_doubles.row(matrix, live, start)) < ACCURATE


@pytest.mark.parametrize("chain_of", [lambda chain: chain, listed], ids=["windows", "list"])
@pytest.mark.parametrize(("shape", "prefixes", "kind"), CASES)
def test_columns_are_what_is_gained_before_the_end(shape, prefixes, kind, chain_of):
    chain, matrix, live = case(shape, prefixes, kind)
    gain = (np.arange(chain.n_states) % 4 + 0.25) * live
    found = MultigridSolver(chain_of(chain), live).column(gain)
    assert long_doubles.relative_error(found, long_doubles.column(matrix, live, gain)) < ACCURATE


@pytest.mark.parametrize("chain_of", [lambda chain: chain, listed], ids=["windows", "list"])
@pytest.mark.parametrize(("shape", "prefixes", "kind"), CASES)
def test_stationary_vectors_are_zero_off_the_class(shape, prefixes, kind, chain_of):
    chain, matrix, _ = case(shape, prefixes, kind)
    for states in mg.recurrent_classes(chain):
        live = np.zeros(chain.n_states, dtype=bool)
        live[states] = True
        found = MultigridSolver(chain_of(chain), live).stationary()
        assert long_doubles.relative_error(found, long_doubles.stationary(matrix, states)) < ACCURATE


@pytest.mark.parametrize("prefixes", [False, True])
def test_visits_from_anywhere_are_about_those_of_a_uniform_start(prefixes):
    chain, matrix, live = case((3, 3), prefixes, "cold")
    full = live & (np.arange(chain.n_states) >= chain.space.first_state(3))
    found = long_doubles.longs(MultigridSolver(chain, live).visits())
    exact = long_doubles.row(matrix, full, full / full.sum())
    assert found[full] == pytest.approx(exact[full].astype(float), rel=0.05)  # it is only looked at
    assert not found[~full].any()


def test_a_guess_changes_nothing_but_the_way():
    chain, _, live = case((3, 3), True, "cold")
    solver, start = MultigridSolver(chain, live), live / live.sum()
    row, column = solver.row(start), solver.column(live * 1.0)
    for factor in (1.0, np.where(np.arange(chain.n_states) % 2, 5.0, 0.2)):
        assert solver.row(start, guess=row * factor) == pytest.approx(row, rel=ACCURATE)
        assert solver.column(live * 1.0, guess=column * factor) == pytest.approx(column, rel=ACCURATE)


def test_a_rough_answer_is_within_its_tolerance_times_the_time_to_the_end():
    chain, matrix, live = case((3, 3), False, "cold")
    gain = live * 1.0
    rough = MultigridSolver(chain, live).column(gain, 1e-2)
    exact = long_doubles.column(matrix, live, gain)
    assert long_doubles.relative_error(rough, exact) < 1e-2 * float(exact.max())


def test_prefixes_alone_are_answered_without_a_full_window():
    # 0 and 1 begin a text; every text of two tokens is an end
    chain = drawn_chain(mg.StateSpace(2, 2, with_prefixes=True), "cold", 1)
    live = np.array([True, True, False, False, False, False])
    solver = MultigridSolver(chain, live)
    assert solver.row(np.array([0.25, 0.75, 0, 0, 0, 0])).tolist() == [0.25, 0.75, 0, 0, 0, 0]
    assert solver.column(np.array([2.0, 3.0, 0, 0, 0, 0])).tolist() == [2, 3, 0, 0, 0, 0]
    assert solver.visits().tolist() == [0] * 6


def test_a_class_that_is_one_cycle_is_uniform_in_either_arithmetic():
    # the oldest token is said again: 001 -> 010 -> 100 -> 001
    rows = np.eye(2)[[0, 0, 0, 0, 1, 1, 1, 1]]
    for table in (rows, ScaledArray.of(rows)):
        live = np.zeros(8, dtype=bool)
        live[[1, 2, 4]] = True
        found = MultigridSolver(mg.WindowChain(mg.StateSpace(2, 3), table), live).stationary()
        assert ScaledArray.of(found).to_float().tolist() == [0, 1 / 3, 1 / 3, 0, 1 / 3, 0, 0, 0]


def test_what_leaves_the_doubles_is_solved_scaled():
    n = 9
    chain = mg.WindowChain(mg.StateSpace(2, n), np.tile([1 - 1e-60, 1e-60], (2**n, 1)))
    found = MultigridSolver(chain, np.ones(2**n, dtype=bool)).stationary()
    assert isinstance(found, ScaledArray)
    assert found.log10()[[0, 1, 2**n - 1]] == pytest.approx([0, -60, -540], abs=1e-9)


def test_doubles_that_products_would_leave_are_not_trusted(monkeypatch):
    chain, _, live = case((2, 5), False, "cold")
    asked = []

    def solve(fine, x, tolerance):
        asked.append(isinstance(x, ScaledArray))
        y = x if asked[-1] else np.where(np.arange(len(x)) == np.flatnonzero(live)[0], 1e-305, x)
        return Solution(y, 0.0, 0.0, 1)

    monkeypatch.setattr("markovgpt.solvers.multigrid_solver.solve", solve)
    assert isinstance(MultigridSolver(chain, live).row(live / live.sum()), ScaledArray)
    assert asked == [False, True]


def test_an_overflow_in_doubles_is_asked_again_scaled(monkeypatch):
    chain, matrix, live = case((2, 5), False, "cold")
    whole = Restarted.smoothed

    def smoothed(self, x):
        if not isinstance(x, ScaledArray):
            raise FloatingPointError("numbers left the range of doubles")
        return whole(self, x)

    monkeypatch.setattr(Restarted, "smoothed", smoothed)
    found, start = MultigridSolver(chain, live).row(live / live.sum()), live / live.sum()
    assert isinstance(found, ScaledArray)
    assert long_doubles.relative_error(found, long_doubles.row(matrix, live, start)) < ACCURATE


def test_a_small_start_or_gain_loses_no_state_below_the_doubles():
    # token 1 has 1e-90: from 001 over 010 and 100 to 000, the end; 011 is visited with 1e-90 of the start
    rows = np.tile([1.0, 1e-90], (8, 1))
    chain, live = mg.WindowChain(mg.StateSpace(2, 3), rows), np.arange(8) > 0
    visits = ScaledArray.of(MultigridSolver(chain, live).row((np.arange(8) == 1) * 1e-250))
    assert visits.log10()[[1, 2, 3, 4]] == pytest.approx([-250, -250, -340, -250], rel=1e-12)
    gained = ScaledArray.of(MultigridSolver(chain, live).column((np.arange(8) == 7) * 1e-250))  # 111 alone pays
    assert gained.log10()[[1, 3, 7]] == pytest.approx([-430, -340, -250], rel=1e-12)
