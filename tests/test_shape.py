"""The overview and the condensation, against networkx and chains whose classes can be counted by hand."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import reference_chains as chains
from hypothesis import given, settings
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.analysis.shape import chain_shape, condensation

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"


def assert_is_networkxs(chain):
    """Classes, sizes, and which leads to which, as networkx finds them in the graph."""
    graph = chain.to_networkx()
    expected, found = nx.condensation(graph), condensation(chain)
    number = {node: found.graph["class_of"][min(members)] for node, members in expected.nodes(data="members")}
    assert sorted(number.values()) == list(found.nodes)
    assert nx.relabel_nodes(expected, number).edges == found.edges
    never_left = {min(states) for states in nx.attracting_components(graph)}
    for node, members in expected.nodes(data="members"):
        seen = found.nodes[number[node]]
        assert (seen["first_state"], seen["size"]) == (min(members), len(members))
        assert seen["recurrent"] == (min(members) in never_left) == (found.out_degree(number[node]) == 0)
        inside = graph.subgraph(members)
        assert (seen["period"] == 1) == (inside.number_of_edges() > 0 and nx.is_aperiodic(inside))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices())
def test_the_condensation_of_a_matrix_is_networkxs(matrix):
    assert_is_networkxs(mg.SparseChain.from_matrix(matrix))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(window_chains())
def test_the_condensation_of_windows_is_networkxs(chain):
    assert_is_networkxs(chain)


@pytest.mark.slow
def test_a_hundred_thousand_edges_are_networkxs():
    random, space = np.random.default_rng(3), mg.StateSpace(6, 6)  # 46,656 windows
    rows = np.zeros((space.n_states, 6))
    rows[np.arange(space.n_states), random.integers(6, size=space.n_states)] = 0.5
    rows[np.arange(space.n_states), random.integers(6, size=space.n_states)] += 0.5
    rows /= rows.sum(axis=1, keepdims=True)
    assert_is_networkxs(mg.WindowChain(space, rows))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains())
def test_the_overview_says_what_the_lists_say(chain):
    found = chain_shape(chain)
    classes = mg.communicating_classes(chain)
    assert found.first_states.tolist() == [states[0] for states in classes]
    assert found.sizes.tolist() == [len(states) for states in classes]
    assert found.periods.tolist() == [mg.period(chain, states) for states in classes]
    assert all((found.class_of[states] == number).all() for number, states in enumerate(classes))
    recurrent = [states.tolist() for states in mg.recurrent_classes(chain)]
    assert [states.tolist() for states, kept in zip(classes, found.recurrent, strict=True) if kept] == recurrent


def test_two_closed_classes_of_two_periods():
    found = chain_shape(chains.two_periods())
    assert found.summary() == {
        "states": 6,
        "classes": 3,
        "recurrent_classes": 2,
        "transient_classes": 1,
        "transient_states": 1,
        "absorbing_states": 0,
        "irreducible": False,
        "aperiodic": False,
        "recurrent_periods": {"2": 1, "3": 1},
        "largest_recurrent": [
            {"first_state": 3, "states": 3, "period": 3},
            {"first_state": 1, "states": 2, "period": 2},
        ],
    }
    graph = condensation(chains.two_periods())
    assert sorted(graph.edges) == [(0, 1), (0, 2)]
    assert graph.graph["class_of"].tolist() == [0, 1, 1, 2, 2, 2]


def test_a_gambler_ends_in_one_of_two_states():
    found = chain_shape(chains.gambler())
    assert found.absorbing_states.tolist() == [0, 3]
    assert found.transient_states.tolist() == [1, 2]
    assert found.is_aperiodic
    assert not found.is_irreducible
    assert found.periods.tolist() == [1, 2, 1]  # 1 and 2 lead to each other alone


def test_uniform_windows_are_one_class():
    found = chain_shape(chains.uniform_windows(3, 3))
    assert found.is_irreducible
    assert found.is_aperiodic
    assert (found.sizes.tolist(), found.periods.tolist()) == ([27], [1])
    prefixes = mg.WindowChain(mg.StateSpace(2, 3, with_prefixes=True), np.full((14, 2), 0.5))
    assert chain_shape(prefixes).periods.tolist() == [0] * 6 + [1]
    assert sorted(condensation(prefixes).edges) == [(0, 2), (0, 3), (1, 4), (1, 5), (2, 6), (3, 6), (4, 6), (5, 6)]


def test_windows_that_turn_are_necklaces():
    # the oldest token is said again: with 4 beads of 2 colours 0000, 1111, 0101, and 0001, 0011, 0111 with 4 turns
    space = mg.StateSpace(2, 4)
    found = chain_shape(mg.WindowChain(space, np.eye(2)[space.token_from_end(3)]))
    assert dict(zip(found.first_states.tolist(), found.periods.tolist(), strict=True)) == {
        0: 1, 1: 4, 3: 4, 5: 2, 7: 4, 15: 1,
    }  # fmt: skip
    assert found.absorbing_states.tolist() == [0, 15]
    assert found.summary()["recurrent_periods"] == {"1": 2, "2": 1, "4": 3}


def test_a_graph_that_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10**4)
    with pytest.raises(mg.TooLarge, match=r"100 classes as a graph need 130\.0 kB.*chain_shape"):
        condensation(mg.SparseChain.from_matrix(np.eye(100)))
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 5500)
    with pytest.raises(mg.TooLarge, match=r"3 classes and 2 edges between them as a graph need 4\.9 kB"):
        condensation(chains.two_periods())


@pytest.mark.skipif(not NAMES.exists(), reason="the real inputs are not beside this checkout")
@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 2), (0.0, None)])
def test_the_real_names_are_networkxs(temperature, top_k):
    model = mg.load_model(NAMES)
    settings = mg.SamplingSettings(temperature=temperature, top_k=top_k)
    assert_is_networkxs(mg.WindowChain.from_model(model, settings))
