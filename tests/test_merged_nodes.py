"""Flows between groups against sums over the matrix, and what merged nodes and arrows say."""

from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.graphs import merged_nodes
from markovgpt.graphs.marked_states import Marking
from markovgpt.graphs.merged_nodes import Flows, add_flows, add_groups, flows_between
from markovgpt.scaled import ScaledArray
from tests.oracles import exact_windows
from tests.random_chains import window_chains
from tests.reference_chains import uniform_windows


@pytest.mark.parametrize("at_once", [1, 2**21])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(chain=window_chains([(2, 2), (2, 3), (3, 2)]), seed=st.integers(0, 999))
def test_flows_are_the_sums_over_the_matrix(at_once, chain, seed):
    random, n, rows = np.random.default_rng(seed), chain.n_states, exact_windows(chain)
    groups, mass = random.integers(-1, 3, size=n), random.integers(0, 3, size=n).astype(float)
    expected = {}
    for i, row in enumerate(rows):
        for j, chance in enumerate(row):
            if chance and mass[i] and groups[i] >= 0 and groups[j] >= 0:
                key = (int(groups[i]), int(groups[j]), chain.space.decode(j)[-1])
                expected[key] = expected.get(key, Fraction(0)) + Fraction(mass[i]) * chance
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merged_nodes, "EDGES_AT_ONCE", at_once)
        found = flows_between(chain, groups, mass)
    keys = list(zip(found.source.tolist(), found.target.tolist(), found.token.tolist(), strict=True))
    assert keys == sorted(expected)
    amounts = ScaledArray.of(found.amount)
    for place, key in enumerate(keys):
        exact = Fraction(float(amounts.mantissa[place])) * Fraction(2) ** int(amounts.exponent[place])
        assert abs(exact / expected[key] - 1) < Fraction(1, 10**12)


def test_of_states_that_are_no_windows_no_token_flows():
    found = flows_between(mg.SparseChain.from_matrix([[0.5, 0.5], [1, 0]]), np.array([0, 1]), np.ones(2))
    assert found.token.tolist() == [-1, -1, -1]
    nothing = flows_between(mg.SparseChain.from_matrix([[1.0]]), np.array([-1]), np.ones(1))
    assert len(nothing.source) == 0


def test_groups_say_what_their_states_are_marked_with():
    chain = mg.SparseChain.from_matrix([[0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]])  # 3 0 1 2 1 2 ...
    graph = nx.DiGraph()
    add_groups(graph, Marking.of(chain, [2], 3), np.array([0, 0, 2, 2]), {0: 10, 2: 30})
    assert dict(graph.nodes(data=True)) == {
        10: {"n_states": 2, "cycle": True, "red": False, "start": False},
        30: {"n_states": 2, "cycle": True, "red": True, "start": True},
    }
    graph = nx.DiGraph()
    add_groups(graph, Marking.of(chain, None, None), np.array([0, -1, -1, 0]), {0: 0})
    assert graph.nodes[0] == {"n_states": 2, "cycle": False}


def test_arrows_have_their_share_and_name_three_tokens():
    flows = Flows(
        np.array([0, 0, 0, 0, 0, 0, 1]),
        np.array([0, 1, 1, 1, 1, 2, 0]),
        np.array([3, 0, 1, 2, 3, 1, 0]),
        np.array([1.0, 0.5, 0.5, 0.5, 0.5, 1.0, 5.0]),
    )
    graph = nx.DiGraph()
    add_flows(graph, flows, np.array([8.0, 5.0, 0.0]), {0: 7, 1: 8, 2: 9}, mg.Vocabulary(("a", "b", " ", "d")))
    found = {edge: dict(graph.edges[edge]) for edge in graph.edges}
    assert [(edge, data.pop("log10_probability")) for edge, data in found.items()] == [
        ((7, 7), pytest.approx(np.log10(1 / 8))),
        ((7, 8), pytest.approx(np.log10(1 / 4))),
        ((7, 9), pytest.approx(np.log10(1 / 8))),
        ((8, 7), 0.0),
    ]
    assert found == {
        (7, 7): {"weight": 0.125, "token": 3, "token_label": "d"},
        (7, 8): {"weight": 0.25, "token_label": "a, b, ␣, …"},
        (7, 9): {"weight": 0.125, "token": 1, "token_label": "b"},
        (8, 7): {"weight": 1.0, "token": 0, "token_label": "a"},
    }


def test_flows_that_would_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match=r"the flows between groups of 4 states need 2\.7 kB"):  # 4 * 64 + 8 * 300
        flows_between(uniform_windows(2, 2), np.zeros(4, dtype=np.int64), np.ones(4))
