"""The coarse levels of a window chain: its transitions added up over the oldest token, and put in balance."""

import long_doubles
import numpy as np
import pytest
from random_chains import drawn_chain

import markovgpt as mg
from markovgpt.chains.sliding import SlidingTable
from markovgpt.scaled import ScaledArray, as_floats
from markovgpt.solvers.multigrid import Landscape, Restarted, Reversed
from markovgpt.solvers.suffix_multigrid import Flows


@pytest.mark.parametrize("reverse", [False, True])
def test_windows_that_differ_in_their_oldest_token_are_added_up(reverse):
    random, space = np.random.default_rng(9), mg.StateSpace(3, 6)
    chain = mg.WindowChain.from_logits(mg.LogitTable(space, random.normal(size=(729, 3))))
    matrix, live = long_doubles.window_matrix(chain), random.random(729) > 0.05
    begin, exits = live * random.random(729), chain.pull((~live).astype(float)) * live
    fine = Restarted(Landscape(chain.blocks[-1], live), exits, begin / begin.sum())
    x = np.random.default_rng(2).random(729) * live
    if reverse:
        weights = np.random.default_rng(3).random(729) * live
        fine = Reversed(fine, weights, live * 1.0)
        h = np.where(live, x / np.where(live, weights, 1), 0)
        flows = weights[:, None] * matrix.astype(float) * h[None, :]
    else:
        flows = x[:, None] * matrix.astype(float) * live[None, :]
    _, coarse = fine.aggregated(x)
    assert coarse.between.shape == (3, 81, 3)
    expected = np.zeros((243, 243))
    np.add.at(expected, (np.arange(729)[:, None] % 243, np.arange(729)[None, :] % 243), flows)
    found = np.zeros((243, 243))
    suffix = np.arange(243)
    for token in range(3):
        found[suffix, suffix % 81 * 3 + token] = coarse.between.weights.reshape(243, 3)[:, token]
    assert found == pytest.approx(expected, rel=1e-12)
    assert isinstance(coarse, Flows)
    assert coarse.mass == pytest.approx(x.reshape(3, 243).sum(axis=0), rel=1e-14)


def test_the_factors_of_a_chain_solved_by_elimination_make_it_balanced():
    random = np.random.default_rng(9)
    between, ended, begun = random.random((2, 4, 2)), random.random(8) * 0.1, random.random(8)
    begun *= ended.sum() / begun.sum()
    matrix = np.zeros((8, 8))
    for state in range(8):
        matrix[state, state % 4 * 2 : state % 4 * 2 + 2] = between.reshape(8, 2)[state]
    mass = matrix.sum(axis=1) + ended
    factor = Flows(SlidingTable(between), mass, ended, begun, is_reversed=False).balanced()
    share = begun / begun.sum()
    assert factor @ matrix + (factor @ ended) * share == pytest.approx(factor * mass, rel=1e-13)
    mass = matrix.sum(axis=0) + ended
    factor = Flows(SlidingTable(between), mass, ended, begun, is_reversed=True).balanced()
    assert matrix @ factor + (factor @ ended) * share == pytest.approx(factor * mass, rel=1e-13)


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_masses_in_balance_are_left_alone_on_every_level(monkeypatch, kind, is_reversed):
    monkeypatch.setattr("markovgpt.solvers.suffix_multigrid.BOTTOM", 2)
    matrix = long_doubles.window_matrix(drawn_chain(mg.StateSpace(2, 5), "cold", 3))
    visits = long_doubles.stationary(matrix, np.arange(32)).astype(float)
    flows = (visits[:, None] * matrix).astype(float)
    between = np.zeros((32, 2))
    for token in (0, 1):
        between[:, token] = flows[np.arange(32), np.arange(32) % 16 * 2 + token]
    nothing = kind(np.zeros(32))
    table = SlidingTable(kind(between.reshape(2, 16, 2)))
    factor = as_floats(Flows(table, kind(visits), nothing, nothing, is_reversed).balanced())
    assert factor / factor.mean() == pytest.approx(1, rel=1e-12)
