"""The best walks against all walks, one by one."""

import numpy as np
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.chains import best_walks as module
from markovgpt.chains.best_walks import best_walks, remaining_costs, starting_costs
from markovgpt.chains.least_cost import ListedCosts, surprisals
from markovgpt.chains.operator import Edges


def all_walks(costs, reached, through, begin, most):
    """(cost, states) of every walk of at most so many steps that ends with its first visit of the target."""
    found, growing = [], [(begin[s], (s,)) for s in range(len(begin)) if np.isfinite(begin[s])]
    for steps in range(most + 1):
        found += [walk for walk in growing if reached[walk[1][-1]]]
        longer = [] if steps == most else [walk for walk in growing if through[walk[1][-1]]]
        growing = [
            (cost + float(each), (*states, int(after)))
            for cost, states in longer
            for after, each in zip(*costs.leaving(states[-1]), strict=True)
            if np.isfinite(each)
        ]
    return sorted(found)


def drawn_question(n, data):
    reached = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    avoided = np.array(data.draw(st.lists(st.sampled_from([False, False, False, True]), min_size=n, max_size=n)))
    begin = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.0, 0.5, 2.0, np.inf]), min_size=n, max_size=n)))
    return reached, ~(reached | avoided), begin


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices(largest=4), st.integers(0, 5), st.integers(1, 12), st.data())
def test_the_best_walks_within_a_horizon_are_the_best_of_all(matrix, within, k, data):
    costs = surprisals(mg.SparseChain.from_matrix(matrix))
    reached, through, begin = drawn_question(len(matrix), data)
    compare(costs, reached, through, begin, k, within)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains([(2, 1), (2, 2), (2, 3), (3, 2)]), st.integers(0, 6), st.integers(1, 12), st.data())
def test_the_best_walks_over_windows_are_the_best_of_all(chain, within, k, data):
    reached, through, begin = drawn_question(chain.n_states, data)
    compare(surprisals(chain), reached, through, begin, k, within)


def compare(costs, reached, through, begin, k, within):
    expected = all_walks(costs, reached, through, begin, within)
    found = best_walks(costs, remaining_costs(costs, reached, through, within), reached, begin, k, within)
    assert len(found) == min(k, len(expected))
    assert len({walk.states for walk in found}) == len(found)
    assert [walk.cost for walk in found] == pytest.approx([cost for cost, _ in expected[:k]], rel=1e-11, abs=1e-11)
    known = {states: cost for cost, states in expected}
    for walk in found:
        assert walk.cost == pytest.approx(known[walk.states], rel=1e-11, abs=1e-11)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 30))
def test_without_a_horizon_nothing_cheaper_is_missed(seed, k):
    random = np.random.default_rng(seed)
    n = 4
    costs = surprisals(mg.SparseChain.from_matrix(random.dirichlet(np.full(n, 0.5), size=n)))
    reached, begin = np.arange(n) == 3, np.where(np.arange(n) == 0, 0.0, np.inf)
    found = best_walks(costs, remaining_costs(costs, reached, ~reached), reached, begin, k)
    expected = all_walks(costs, reached, ~reached, begin, 6)
    growing = all_walks(costs, ~reached, ~reached, begin, 0)  # the start
    for _ in range(6):
        growing = [
            (cost + float(each), (*states, int(after)))
            for cost, states in growing
            for after, each in zip(*costs.leaving(states[-1]), strict=True)
            if not reached[after]
        ]
    dearest = min(cost for cost, _ in growing)  # what a walk of more than 6 steps costs at least
    sure = [cost for cost, _ in expected if cost < dearest - 1e-9][:k]
    assert [walk.cost for walk in found[: len(sure)]] == pytest.approx(sure, rel=1e-11)
    assert len(found) == k


def test_of_equals_the_shorter_comes_first():
    # a loop so near to 1 that it costs nothing in doubles: infinitely many walks cost as much as the first
    loop = mg.SparseChain.from_matrix([[1.0, 1e-300], [0.0, 1.0]])
    costs, reached = surprisals(loop), np.array([False, True])
    walks = best_walks(costs, remaining_costs(costs, reached, ~reached), reached, np.array([0.0, np.inf]), 4)
    assert [walk.states for walk in walks] == [(0, 1), (0, 0, 1), (0, 0, 0, 1), (0, 0, 0, 0, 1)]


def test_only_so_many_steps_are_taken_as_the_walks_have(monkeypatch):
    taken = []
    monkeypatch.setattr(module, "_require_room", lambda steps, k: taken.append(steps))
    chain = chains.uniform_windows(3, 5)
    costs, reached = surprisals(chain), mg.ending_with(chain.space, (0, 1, 2, 0, 1))
    for within in (None, 10):
        taken.clear()
        remaining = remaining_costs(costs, reached, ~reached, within)
        begin = np.where(np.arange(chain.n_states) == 0, 0.0, np.inf)
        walks = best_walks(costs, remaining, reached, begin, 3, within)
        assert len(taken) <= 2 * sum(len(walk.states) for walk in walks) * 3  # three tokens tie everywhere


def test_layers_end_where_more_steps_change_nothing():
    costs, reached = surprisals(chains.line()), np.arange(6) == 5
    layers = remaining_costs(costs, reached, ~reached, 10**9)
    assert len(layers) == 6
    assert layers[3].tolist() == [np.inf, np.inf, 0, 0, 0, 0]


def test_a_start_costs_what_it_is_surprising():
    assert starting_costs(np.array([0.25, 0.0, 0.75])) == pytest.approx([np.log(4), np.inf, np.log(4 / 3)])


def test_a_very_long_walk_is_one_walk():
    n = 20_000
    costs, reached = ring(n), np.arange(n) == n - 1
    walk = best_walks(costs, [np.zeros(n)], reached, np.where(np.arange(n) == 0, 0.0, np.inf), 1)[0]
    assert walk.states == tuple(range(n))


def ring(n):
    """0 -> 1 -> ... -> n - 1 -> 0, each step without cost."""
    states = np.arange(n)
    return ListedCosts(Edges(states, (states + 1) % n, np.ones(n)), np.zeros(n), n)


def test_more_steps_than_allowed_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_STEPS_TAKEN", 50)
    chain = chains.gambler()
    costs, reached = surprisals(chain), np.arange(4) == 3
    begin = np.where(np.arange(4) == 1, 0.0, np.inf)
    with pytest.raises(mg.TooLarge, match=r"the 99 best walks must have at most 50 steps in all, got more; ask for"):
        best_walks(costs, remaining_costs(costs, reached, ~reached), reached, begin, 99)


def test_more_walks_than_any_machine_counts_are_all_there_are():
    chain = chains.uniform_windows(2, 1)
    costs, reached, begin = surprisals(chain), np.array([False, True]), np.array([0.0, np.inf])
    remaining = remaining_costs(costs, reached, ~reached, 3)
    walks = best_walks(costs, remaining, reached, begin, 10**30, 3)
    assert [walk.states for walk in walks] == [(0, 1), (0, 0, 1), (0, 0, 0, 1)]


def test_steps_and_layers_that_would_not_fit_are_refused(monkeypatch):
    chain = chains.gambler()
    costs, reached = surprisals(chain), np.arange(4) == 3
    remaining, begin = remaining_costs(costs, reached, ~reached), np.where(np.arange(4) == 1, 0.0, np.inf)
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100)
    monkeypatch.setattr(module, "CHECKED_FIRST", 1)
    with pytest.raises(mg.TooLarge, match=r"more steps of walks need .*; ask for fewer walks"):
        best_walks(costs, remaining, reached, begin, 99)
    with pytest.raises(mg.TooLarge, match=r"the least costs of 4 states within 9 steps need .*; give a smaller within"):
        remaining_costs(costs, reached, ~reached, 9)


def test_all_walks_of_the_oracle_are_all():
    # two tokens, first visit of token 1 from token 0 within 3 steps: 1, 01, 001
    coin = surprisals(chains.uniform_windows(2, 1))
    walks = all_walks(coin, np.array([False, True]), np.array([True, False]), np.array([0.0, np.inf]), 3)
    assert [states for _, states in walks] == [(0, 1), (0, 0, 1), (0, 0, 0, 1)]
