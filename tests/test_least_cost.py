"""Least costs against Bellman's equation, relaxation in plain loops, and costs that are known by hand."""

from fractions import Fraction
from unittest.mock import patch

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.chains import least_cost
from markovgpt.chains.least_cost import ListedCosts, WindowCosts, surprisals
from markovgpt.scaled import ScaledArray


def masks(n, data):
    reached = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    return reached, np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n))) & ~reached


def relaxed(costs, reached, through, sweeps):
    """D_0, D_1, ... by the definition, one state and one successor after the other."""
    values = [0.0 if hit else np.inf for hit in reached]
    for _ in range(sweeps):
        before = list(values)
        for state in np.flatnonzero(through & ~reached):
            targets, each = costs.leaving(int(state))
            values[state] = min(float(c) + before[t] for t, c in zip(targets.tolist(), each, strict=True))
    return values


@pytest.mark.parametrize("rounds", [0, 2, least_cost.ROUNDS])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(window_chains(), st.data())
def test_least_costs_over_windows_are_those_of_plain_relaxation(rounds, chain, data):
    n = chain.n_states
    reached, through = masks(n, data)
    costs = surprisals(chain)
    assert isinstance(costs, WindowCosts)
    expected = relaxed(costs, reached, through, n)
    with patch.object(least_cost, "ROUNDS", rounds):
        found = costs.distances(reached, through)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert costs.one_step_more(np.array(relaxed(costs, reached, through, 3)), reached, through) == pytest.approx(
        relaxed(costs, reached, through, 4), rel=1e-12, abs=1e-12
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains(), st.data())
def test_windows_and_their_list_cost_the_same(chain, data):
    reached, through = masks(chain.n_states, data)
    listed = surprisals(mg.SparseChain(chain.edges(), chain.n_states))
    assert isinstance(listed, ListedCosts)
    windows = surprisals(chain)
    found = windows.distances(reached, through)
    assert found == pytest.approx(listed.distances(reached, through), rel=1e-12, abs=1e-12)
    ahead = [costs.one_step_more(found, reached, through) for costs in (windows, listed)]
    assert ahead[0] == pytest.approx(ahead[1], rel=1e-12, abs=1e-12)
    assert found == pytest.approx(ahead[0], rel=1e-12, abs=1e-12)  # Bellman's equation


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_what_a_step_costs_is_the_surprisal_of_the_exact_normalisation(matrix, data):
    costs = surprisals(mg.SparseChain.from_matrix(matrix))
    rows = oracles.exact_rows(matrix)
    for state in range(len(matrix)):
        for target, cost in zip(*costs.leaving(state), strict=True):
            nats = -float(oracles.log10(rows[state][target])) * np.log(10)
            assert cost == pytest.approx(nats, rel=1e-12, abs=1e-12)


def test_costs_below_the_doubles_are_those_of_the_exponents():
    weights = ScaledArray(np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[1, -5000], [-5000, 1]]))
    costs = surprisals(mg.WindowChain(mg.StateSpace(2, 1), weights))
    assert costs.leaving(0)[1] == pytest.approx([0.0, 5001 * np.log(2)])


def test_rows_of_single_numbers_are_normalised():
    probs = np.array([[0.1, 0.9], [0.3, 0.7]], dtype=np.float32)
    exact = [Fraction(float(x)) for x in probs[0]]
    costs = surprisals(mg.WindowChain(mg.StateSpace(2, 1), probs))
    assert costs.leaving(0)[1][1] == pytest.approx(-np.log(float(exact[1] / sum(exact))), rel=1e-14)


def test_a_sure_step_costs_nothing_and_is_a_step():
    reached, through = np.arange(6) == 5, np.arange(6) < 5
    costs = surprisals(chains.line())
    assert costs.distances(reached, through).tolist() == [0.0] * 6
    # 11 only follows itself, 10 leads to 00, and 00 to the target 01
    loops = WindowCosts(mg.StateSpace(2, 2), np.array([[0.0, 0.0], [0.0, 0.0], [0.0, np.inf], [np.inf, 0.0]]))
    found = loops.distances(np.array([False, True, False, False]), np.array([True, False, True, True]))
    assert found.tolist() == [0.0, 0.0, 0.0, np.inf]


def test_a_long_way_is_found_to_its_end():
    n = 5000
    matrix = np.zeros((n, n))
    matrix[np.arange(n - 1), np.arange(1, n)] = 0.5
    matrix[np.arange(n - 1), 0] += 0.5
    matrix[-1, -1] = 1
    found = surprisals(mg.SparseChain.from_matrix(matrix)).distances(np.arange(n) == n - 1, np.arange(n) < n - 1)
    assert found == pytest.approx(np.arange(n - 1, -1, -1) * np.log(2), rel=1e-12)


@pytest.mark.parametrize("shape", [(2, 9), (3, 5), (9, 3)])
@pytest.mark.parametrize("with_prefixes", [False, True])
def test_many_states_wait_in_their_order(shape, with_prefixes, monkeypatch):
    random, space = np.random.default_rng(3), mg.StateSpace(*shape, with_prefixes)
    costs = WindowCosts(space, random.exponential(size=(space.n_states, space.vocab_size)) ** 3)
    reached = random.random(space.n_states) < 0.01
    reached[-1] = True
    through = ~reached & (random.random(space.n_states) < 0.9)
    in_rounds = costs.distances(reached, through)
    monkeypatch.setattr(least_cost, "ROUNDS", 0)
    found = costs.distances(reached, through)
    assert found.tobytes() == in_rounds.tobytes()
    # the heap pops each state once, in the order of its cost, or states come too late and keep a cost too high
    assert found == pytest.approx(costs.one_step_more(found, reached, through), rel=1e-14)
    assert np.isfinite(found).sum() > space.n_states / 2
    relaxed_to_the_end = np.where(reached, 0.0, np.inf)
    for _ in range(100):
        relaxed_to_the_end = costs.one_step_more(relaxed_to_the_end, reached, through)
    assert found == pytest.approx(relaxed_to_the_end, rel=1e-13)


def test_costs_that_would_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10**5)
    chain = chains.uniform_windows(2, 14)
    with pytest.raises(mg.TooLarge, match=r"the costs of 16384 states x 2 tokens need .*; give a shorter context"):
        surprisals(chain)


def test_a_table_is_made_some_rows_at_a_time(monkeypatch):
    monkeypatch.setattr(least_cost, "ROWS_AT_ONCE", 3)
    logits = np.arange(16.0).reshape(8, 2)
    assert least_cost.costs_of_windows(mg.StateSpace(2, 3), lambda rows: logits[rows]).table.tolist() == logits.tolist()
