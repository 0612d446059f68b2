"""The live part of a chain: what stays, what leaves, and what is solved."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.solvers.direct import DirectSystem, stationary_by_elimination


@pytest.fixture
def system():
    # live 0 and 2; 1 is an end
    chain = mg.SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0.125, 0.75, 0.125]])
    return DirectSystem.of(chain, np.array([True, False, True]))


def test_the_live_part_keeps_its_weights_without_self_loops(system):
    assert system.states.tolist() == [0, 2]
    assert (system.inside.source.tolist(), system.inside.target.tolist()) == ([0, 1], [1, 0])
    assert system.inside.probability.tolist() == [0.25, 0.125]
    assert system.exits.tolist() == [0.25, 0.75]
    assert system.totals.to_float().tolist() == [1.0, 1.0]


def test_column_and_row_solutions_satisfy_their_equations(system):
    # out = (0.5, 0.875): 0.5 y0 - 0.25 y2 = 1, -0.125 y0 + 0.875 y2 = 1; determinant 0.40625;
    # y0 = 1.125 / det, y2 = 0.625 / det
    y = system.harmonic(np.array([1.0, 7.0, 1.0]))  # what is gained off the live states is not read
    assert y.value.to_float() == pytest.approx([1.125 / 0.40625, 0, 0.625 / 0.40625], rel=1e-14)
    # 0.5 x0 - 0.125 x2 = 1, -0.25 x0 + 0.875 x2 = 0: x0 = 0.875 / det, x2 = 0.25 / det
    x = system.occupation(np.array([1.0, 0.0, 0.0]))
    assert x.value.to_float() == pytest.approx([0.875 / 0.40625, 0, 0.25 / 0.40625], rel=1e-14)
    for solved in (x, y):
        assert (solved.lower <= solved.value).all()
        assert (solved.value <= solved.upper).all()
        assert solved.residual < 1e-15


def test_an_absorbing_state_has_all_the_mass():
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])
    found = stationary_by_elimination(chain, np.array([False, True]))
    assert found.lower.tolist() == found.upper.tolist() == [0.0, 1.0]
