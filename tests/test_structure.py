"""Classes and periods against networkx."""

from math import gcd, lcm

import networkx as nx
import numpy as np
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.structure import (
    absorbing_states,
    can_reach,
    can_stay,
    class_periods,
    common_period,
    cyclic_classes,
    reachable_from,
    transient_classes,
    transient_states,
)


@st.composite
def supports(draw):
    """A random chain with few transitions a row."""
    n = draw(st.integers(1, 8))
    rows = [draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=3)) for _ in range(n)]
    matrix = np.zeros((n, n))
    for state, targets in enumerate(rows):
        matrix[state, list(targets)] = 1 / len(targets)
    return mg.SparseChain.from_matrix(matrix)


def sets_of(classes):
    return {frozenset(states.tolist()) for states in classes}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(supports())
def test_classes_are_networkxs(chain):
    graph = chain.to_networkx()
    assert sets_of(mg.communicating_classes(chain)) == set(map(frozenset, nx.strongly_connected_components(graph)))
    assert sets_of(mg.recurrent_classes(chain)) == set(map(frozenset, nx.attracting_components(graph)))
    assert mg.is_irreducible(chain) == nx.is_strongly_connected(graph)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(supports())
def test_periods_are_the_gcd_of_all_cycles(chain):
    graph = chain.to_networkx()
    for states in mg.communicating_classes(chain):
        lengths = [len(cycle) for cycle in nx.simple_cycles(graph.subgraph(states.tolist()))]
        assert mg.period(chain, states) == (np.gcd.reduce(lengths) if lengths else 0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(supports())
def test_transient_and_absorbing_states_are_what_no_attractor_holds(chain):
    graph = chain.to_networkx()
    lasting = set().union(*nx.attracting_components(graph))
    assert transient_states(chain).tolist() == sorted(set(graph) - lasting)
    assert sets_of(transient_classes(chain)) == {
        frozenset(states) for states in nx.strongly_connected_components(graph) if not states & lasting
    }
    assert absorbing_states(chain).tolist() == [i for i in graph if list(graph.successors(i)) == [i]]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(supports())
def test_cyclic_classes_are_visited_in_turn(chain):
    graph = chain.to_networkx()
    for states in mg.communicating_classes(chain):
        found = cyclic_classes(chain, states)
        assert sorted(state for visited in found for state in visited.tolist()) == states.tolist()
        assert len(found) == max(1, mg.period(chain, states))
        assert found[0][0] == states[0]
        turn = {state: place for place, visited in enumerate(found) for state in visited.tolist()}
        for source, target in graph.subgraph(states.tolist()).edges:
            assert turn[target] == (turn[source] + 1) % len(found)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(supports(), st.data())
def test_the_common_period_is_that_of_what_is_left(chain, data):
    live = np.array([data.draw(st.booleans()) for _ in range(chain.n_states)])
    graph = chain.to_networkx().subgraph(np.flatnonzero(live).tolist())
    parts = [graph.subgraph(states) for states in nx.strongly_connected_components(graph)]
    lengths = [[len(cycle) for cycle in nx.simple_cycles(part)] for part in parts]
    assert common_period(chain, live) == lcm(*(gcd(*some) for some in lengths if some))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(supports(), st.data())
def test_reaching_is_networkxs(chain, data):
    n = chain.n_states
    target = np.array([data.draw(st.booleans()) for _ in range(n)])
    through = np.array([data.draw(st.booleans()) for _ in range(n)])
    graph = chain.to_networkx()
    allowed = nx.DiGraph([(i, j) for i, j in graph.edges if through[i] or target[i]])
    allowed.add_nodes_from(range(n))
    expected = {i for i in range(n) if target[i] or any(target[j] for j in nx.descendants(allowed, i))}
    assert set(np.flatnonzero(can_reach(chain, target, through=through))) == expected
    leaving = nx.DiGraph([(i, j) for i, j in graph.edges if through[i]])
    leaving.add_nodes_from(range(n))
    expected = set(np.flatnonzero(target)) | {j for i in np.flatnonzero(target) for j in nx.descendants(leaving, i)}
    assert set(np.flatnonzero(reachable_from(chain, target, through=through))) == expected


def test_two_closed_classes_have_their_own_periods():
    chain = chains.two_periods()
    closed = mg.recurrent_classes(chain)
    assert [states.tolist() for states in closed] == [[1, 2], [3, 4, 5]]
    assert [mg.period(chain, states) for states in closed] == [2, 3]
    assert [states.tolist() for states in mg.communicating_classes(chain)] == [[0], [1, 2], [3, 4, 5]]
    assert not mg.is_irreducible(chain)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(supports())
def test_periods_of_several_classes_are_those_of_their_cycles(chain):
    graph, classes = chain.to_networkx(), mg.communicating_classes(chain)
    cycles = [list(map(len, nx.simple_cycles(graph.subgraph(states.tolist())))) for states in classes]
    assert class_periods(chain, classes) == [gcd(*lengths) for lengths in cycles]
    assert class_periods(chain, classes[1:]) == [gcd(*lengths) for lengths in cycles[1:]]


def test_periods_of_classes_of_windows():
    swinging = np.array([[0.0, 1.0], [1.0, 0], [0, 1.0], [1.0, 0.0]])
    for rows, expected in ((swinging, [0, 2, 0]), ([[0.5, 0.5], [1.0, 0], [0, 1.0], [0.5, 0.5]], [1, 2, 1])):
        chain = mg.WindowChain(mg.StateSpace(2, 2), np.array(rows))
        assert class_periods(chain, mg.communicating_classes(chain)) == expected


def test_full_windows_of_an_untruncated_model_are_one_aperiodic_class():
    chain = chains.uniform_windows(2, 4)
    assert mg.is_irreducible(chain)
    assert mg.period(chain, range(16)) == 1


def test_prefix_windows_are_transient():
    space = mg.StateSpace(2, 3, with_prefixes=True)
    chain = mg.WindowChain(space, np.full((14, 2), 0.5))
    assert [states.tolist() for states in mg.recurrent_classes(chain)] == [list(range(6, 14))]


def test_a_transition_below_the_doubles_is_a_transition():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, -1.0], [0.0, -1.0]]))
    cold = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=1e-4))
    assert mg.is_irreducible(cold)
    assert not mg.is_irreducible(mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0)))


def test_a_cycle_with_chords_of_the_same_beat_keeps_its_period():
    # a cycle of 12 with chords that jump 4 on: cycle lengths are 12 - 3 k, their divisor 3; one jump of 3 breaks it
    matrix = np.roll(np.eye(12), 1, axis=1) + np.roll(np.eye(12), 4, axis=1)
    chain = mg.SparseChain.from_matrix(matrix / 2)
    assert mg.period(chain, range(12)) == 3
    assert [visited.tolist() for visited in cyclic_classes(chain, range(12))] == [
        [0, 3, 6, 9],
        [1, 4, 7, 10],
        [2, 5, 8, 11],
    ]
    matrix[0, 3] = 1
    broken = mg.SparseChain.from_matrix(matrix / matrix.sum(axis=1, keepdims=True))
    assert mg.period(broken, range(12)) == 1
    assert [visited.tolist() for visited in cyclic_classes(broken, range(12))] == [list(range(12))]


def test_a_greedy_machine_is_cycles_and_what_leads_to_them():
    # after 1 always 1, after 2 always 0, after 0 always 2: one absorbing state, one cycle of two
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0))
    assert [states.tolist() for states in mg.recurrent_classes(chain)] == [[0, 2], [1]]
    assert [mg.period(chain, states) for states in mg.recurrent_classes(chain)] == [2, 1]
    assert absorbing_states(chain).tolist() == [1]
    assert transient_states(chain).size == 0
    assert transient_classes(chain) == ()


def test_classes_that_would_not_fit_are_refused_as_a_list(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10**4)
    with pytest.raises(mg.TooLarge, match=r"100 classes of 100 states need 23\.2 kB.*chain_shape"):
        mg.communicating_classes(mg.SparseChain.from_matrix(np.eye(100)))


@pytest.mark.parametrize("states", [[0, 1], [1], [], [0, 1, 2, 3, 4, 5], [6], [-1], [1, 2, 6]])
def test_the_period_of_what_is_no_class_is_refused(states):
    with pytest.raises(mg.InvalidInput, match="states must be one communicating class"):
        mg.period(chains.two_periods(), states)
    with pytest.raises(mg.InvalidInput, match="states must be one communicating class"):
        cyclic_classes(chains.two_periods(), states)


def test_staying_for_ever_needs_a_cycle_within():
    chain = chains.two_periods()
    everywhere = np.ones(6, dtype=bool)
    assert can_stay(chain, everywhere).all()
    without_two = everywhere & (np.arange(6) != 2)  # 1 leads to 2 only, 0 also to the cycle of 3, 4 and 5
    assert np.flatnonzero(can_stay(chain, without_two)).tolist() == [0, 3, 4, 5]
    assert not can_stay(chains.line(), np.arange(6) < 5).any()
    assert np.flatnonzero(can_stay(chains.rare_run(), np.arange(21) < 20)).tolist() == list(range(20))


@pytest.mark.parametrize("states", [np.array([True, True, False]), [0.9, 1.2]])
def test_a_mask_is_not_taken_for_the_states_0_and_1(states):
    chain = mg.SparseChain.from_matrix([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    for question in (mg.period, cyclic_classes):
        with pytest.raises(mg.InvalidInput, match=r"states must be a class by its state numbers, got (bool|float64)"):
            question(chain, states)
