"""Elimination as a solver of excursions: its solutions satisfy their equations, by hand."""

import numpy as np
import pytest
from reference_chains import gambler

import markovgpt as mg
from markovgpt.scaled import as_floats
from markovgpt.solvers.elimination_solver import EliminationSolver


@pytest.fixture
def solver():
    return EliminationSolver(gambler(), np.array([False, True, True, False]))


def test_columns_and_rows_of_the_gambler(solver):
    # tosses from 1 and 2: t1 = 1 + t2 / 4, t2 = 1 + 3 t1 / 4, so 20/13 and 28/13
    assert as_floats(solver.column(np.ones(4))) == pytest.approx([0, 20 / 13, 28 / 13, 0])
    # visits from 1: v1 = 1 + 3 v2 / 4, v2 = v1 / 4, so 16/13 and 4/13
    assert as_floats(solver.row(np.array([0.0, 1.0, 0.0, 0.0]))) == pytest.approx([0, 16 / 13, 4 / 13, 0])
    # from 2: 12/13 and 16/13; begun anywhere, the mean of both
    assert as_floats(solver.visits()) == pytest.approx([0, 14 / 13, 10 / 13, 0])


def test_the_stationary_distribution_of_a_class():
    chain = mg.SparseChain.from_matrix([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0], [0.0, 0.5, 0.5]])
    found = EliminationSolver(chain, np.array([True, True, False])).stationary()
    assert as_floats(found) == pytest.approx([0.75, 0.25, 0.0])
