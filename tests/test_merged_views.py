"""Merged views against lumps by brute force in exact fractions, networkx's condensation, and chains by hand."""

from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.graphs import merged_views
from markovgpt.graphs.merged_views import condensation_graph, suffix_graph
from tests.oracles import exact_rows, exact_windows, hitting, visits
from tests.random_chains import matrices, window_chains
from tests.reference_chains import gambler, two_periods, uniform_windows
from tests.test_views import exact_long_run

CLOSE = Fraction(1, 10**10)


def assert_weight(found, exact):
    """A weight is right to ten digits, and so is its logarithm where doubles end."""
    if exact > Fraction(1, 10**300):
        assert abs(Fraction(found["weight"]) / exact - 1) < CLOSE
    assert found["log10_probability"] == pytest.approx(mg.ScaledArray(*two_power(exact)).log10()[()], abs=1e-9)


def two_power(exact):
    """A fraction as a double times a power of two."""
    shift = exact.numerator.bit_length() - exact.denominator.bit_length()
    return float(exact / Fraction(2) ** shift), shift


@settings(max_examples=40, deadline=None, derandomize=True)
@given(window_chains([(2, 2), (2, 3), (3, 2)]), st.data())
def test_the_suffix_quotient_is_the_lump_of_the_long_run(chain, data):
    space, rows = chain.space, exact_windows(chain)
    length = data.draw(st.integers(1, space.context_length))
    start = data.draw(st.integers(0, chain.n_states - 1))
    red = data.draw(st.sampled_from([None, [0], [chain.n_states - 1, 0]]))
    shares = exact_long_run(rows, start)
    lumps = {}
    for state in range(chain.n_states):
        if len(space.decode(state)) >= length:
            lumps.setdefault(space.decode(state)[-length:], []).append(state)
    mass = {suffix: sum(shares[state] for state in states) for suffix, states in lumps.items()}
    small = mg.StateSpace(space.vocab_size, length)
    graph = suffix_graph(chain, length, start=start, red=red)
    assert set(graph) == {small.encode(suffix) for suffix, share in mass.items() if share > 0}
    for node, found in graph.nodes(data=True):
        states = lumps[small.decode(node)]
        assert found["n_states"] == len(states)
        assert found["start"] == (start in states)
        assert found.get("red") == (None if red is None else bool(set(red) & set(states)))
        assert Fraction(found["long_run_lower"]) <= mass[small.decode(node)] <= Fraction(found["long_run_upper"])
    edges = set()
    for node in graph:
        for other in graph:
            flow = sum(shares[i] * rows[i][j] for i in lumps[small.decode(node)] for j in lumps[small.decode(other)])
            if flow:
                edges.add((node, other))
                assert_weight(graph.edges[node, other], flow / mass[small.decode(node)])
                assert graph.edges[node, other]["token"] == small.decode(other)[-1]
    assert set(graph.edges) == edges
    short = sum(len(states) for suffix, states in lumps.items() if mass[suffix] > 0)
    assert graph.graph["mass_left_out"] == 0
    expected = f"Left out: {chain.n_states - short} of {chain.n_states} state"
    assert graph.graph["left_out"].startswith(expected if short < chain.n_states else "")
    assert (graph.graph["left_out"] == "") == (short == chain.n_states)


def test_suffixes_are_shown_with_what_is_before_them():
    chain = mg.WindowChain(mg.StateSpace(2, 2), np.full((4, 2), 0.5), mg.Vocabulary(("a", " ")))
    graph = suffix_graph(chain, 1)
    assert [graph.nodes[node]["label"] for node in graph] == ["…a", "…␣"]
    assert [graph.nodes[node]["text"] for node in graph] == ["a", " "]
    assert graph.graph["title"] == "Windows merged by their newest token, with the probabilities of the long run"
    assert [suffix_graph(chain, 2).nodes[node]["label"] for node in range(4)] == ["aa", "a␣", "␣a", "␣␣"]


def test_a_suffix_that_is_one_state_and_is_never_left_is_absorbing():
    ends = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.5, 0.5], [0.0, 1.0]]))
    assert suffix_graph(ends, 1).nodes[1]["absorbing"]
    longer = mg.WindowChain(mg.StateSpace(2, 2), np.array([[0.5, 0.5], [0, 1], [0.5, 0.5], [0, 1]]))
    assert not suffix_graph(longer, 1).nodes[1]["absorbing"]  # it is two states
    assert suffix_graph(longer, 2).nodes[3]["absorbing"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_the_condensation_is_that_of_exact_fractions(matrix, data):
    chain, rows, n = mg.SparseChain.from_matrix(matrix), exact_rows(matrix), len(matrix)
    start = data.draw(st.one_of(st.none(), st.integers(0, n - 1)))
    begins = range(n) if start is None else [start]
    classes = [states.tolist() for states in mg.communicating_classes(chain)]
    listed = nx.DiGraph((i, j) for i in range(n) for j in range(n) if rows[i][j])
    assert {frozenset(states) for states in classes} == set(map(frozenset, nx.strongly_connected_components(listed)))
    reached = set().union(*({i} | nx.descendants(listed, i) for i in begins))
    graph = condensation_graph(chain, start=start)
    assert set(graph) == {node for node, states in enumerate(classes) if states[0] in reached}
    closed = [node for node, states in enumerate(classes) if not nx.descendants(listed, states[0]) - set(states)]
    ended = [state for node in closed for state in classes[node]]
    stays = [visits(rows, ended, i) for i in begins]
    mean = [sum(of[i] for of in stays) / len(begins) for i in range(n)]
    edges = set()
    for node, found in graph.nodes(data=True):
        states = classes[node]
        assert found["n_states"] == len(states)
        assert found["recurrent"] == (node in closed)
        assert found["absorbing"] == (node in closed and len(states) == 1)
        end = sum(hitting(rows, states)[i] for i in begins) / len(begins) if node in closed else Fraction(0)
        assert Fraction(found["long_run_lower"]) <= end <= Fraction(found["long_run_upper"])
        assert ("absorption" in found) == (node in closed)
        if node in closed:
            assert end > 1e-300 or found["absorption"] <= 1e-300
            assert end < 1e-300 or abs(Fraction(found["absorption"]) / end - 1) < CLOSE
            continue
        out = {
            other: sum(mean[i] * rows[i][j] for i in states for j in classes[other]) for other in graph if other != node
        }
        for other, flow in out.items():
            if flow:
                edges.add((node, other))
                assert_weight(graph.edges[node, other], flow / sum(out.values()))
    assert set(graph.edges) == edges
    assert graph.graph["mass_left_out"] == 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(window_chains([(2, 2), (2, 3), (3, 2)]))
def test_the_condensation_of_windows_is_the_one_of_the_analysis(chain):
    graph, known = condensation_graph(chain, chain.n_states), mg.condensation(chain)
    assert set(graph) == set(known)
    assert set(graph.edges) == set(known.edges)
    for node, found in graph.nodes(data=True):
        expected = known.nodes[node]
        assert (found["n_states"], found["recurrent"], found["period"]) == (
            expected["size"],
            expected["recurrent"],
            expected["period"],
        )
    for source, target, found in graph.edges(data=True):
        pairs = [
            chain.space.decode(j)[-1]
            for i, j in chain.to_networkx().edges
            if (known.graph["class_of"][i], known.graph["class_of"][j]) == (source, target)
        ]
        assert found.get("token") == (pairs[0] if len(set(pairs)) == 1 else None)


def test_the_condensation_by_hand():
    graph = condensation_graph(gambler(), start=1)  # classes {0}, {1, 2}, {3}; from 1: 12/13 and 1/13
    assert [graph.nodes[node]["label"] for node in graph] == ["0", "1, …", "3"]
    assert graph.edges[1, 0]["weight"] == pytest.approx(12 / 13, rel=1e-12)
    assert graph.edges[1, 2]["weight"] == pytest.approx(1 / 13, rel=1e-12)
    assert graph.graph == {"title": "All 3 communicating classes from 1", "left_out": "", "mass_left_out": 0.0}
    two = condensation_graph(gambler(), 2, start=1)
    assert set(two) == {0, 2}
    assert two.graph["title"] == "2 of 3 communicating classes from 1"
    assert two.graph["left_out"] == "Left out: 1 class of 2 states with none of the long run."
    one = condensation_graph(gambler(), 1, start=1, red=[3])
    assert dict(one.nodes(data="red")) == {0: False}
    assert one.graph["left_out"] == "Left out: 2 classes of 3 states with at most 0.0770 of the long run."
    assert 1 / 13 <= one.graph["mass_left_out"] <= 1 / 13 * (1 + 1e-12)
    assert condensation_graph(uniform_windows(2, 2)).graph["title"] == "The 1 communicating class, from any state"


def test_what_is_sure_by_the_support_stays_sure():
    graph = condensation_graph(mg.SparseChain.from_matrix([[0.5, 0.5, 0], [0, 0, 1], [0, 1, 0]]))
    assert [graph.nodes[1][name] for name in ("long_run_lower", "absorption", "long_run_upper")] == [1, 1, 1]


def test_merged_views_refuse_what_makes_no_sense(monkeypatch):
    with pytest.raises(mg.InvalidInput, match="needs a chain over windows, got one without"):
        suffix_graph(gambler(), 1, start=1)
    with pytest.raises(mg.InvalidInput, match=r"length must be a whole number in 1..2, got 3"):
        suffix_graph(uniform_windows(2, 2), 3)
    with pytest.raises(mg.TooLarge, match="got 16,384 states; show a part of it"):
        suffix_graph(uniform_windows(2, 14), 14)
    with pytest.raises(mg.InvalidInput, match="k must be a whole number of at least 1, got 0"):
        condensation_graph(two_periods(), 0)
    model = mg.as_model(lambda windows: (np.arange(10**4) == windows[:, -1:]) * 9.0, vocab_size=10**4, context_length=5)
    part = mg.reachable_chain(model, mg.SamplingSettings(0.0), (3,))
    assert list(suffix_graph(part, 4)) == [3_0003_0003_0003]
    with pytest.raises(mg.TooLarge, match=r"numbers below 2\*\*62, got 5 of 10000 tokens; give a smaller length"):
        suffix_graph(part, 5)
    monkeypatch.setattr(merged_views, "MOST_STATES", 1)
    with pytest.raises(mg.TooLarge, match="at most 1 recurrent classes, got 2; chain_shape has"):
        condensation_graph(two_periods())


def test_windows_that_are_too_short_in_the_long_run_are_refused_or_left_out():
    space = mg.StateSpace(2, 2, with_prefixes=True)
    chain = mg.with_absorbing(mg.WindowChain(space, np.full((6, 2), 0.5)), [0])  # the text 0 alone ends there
    with pytest.raises(mg.InvalidInput, match="got 2, with shorter ones alone; give a smaller one"):
        suffix_graph(chain, 2, start=0)
    graph = suffix_graph(chain, 2, start=np.array([0.5, 0.5, 0, 0, 0, 0]))
    assert graph.graph["left_out"] == "Left out: 2 of 6 states with at most 0.501 of the long run."
    assert 0.5 <= graph.graph["mass_left_out"] < 0.5 + 1e-12
