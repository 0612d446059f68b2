"""Periods, phases and links over windows, against the same from listed transitions, networkx and cycles by hand."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import window_chains

import markovgpt as mg
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.periodicity import links, phases

SHAPES = [(1, 1), (1, 3), (2, 1), (2, 3), (3, 2), (2, 5)]


def rotating(n_tokens, context_length):
    """The oldest token is said again: windows turn, and classes are necklaces."""
    space = mg.StateSpace(n_tokens, context_length)
    return mg.WindowChain(space, np.eye(n_tokens)[space.token_from_end(context_length - 1)])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(window_chains(SHAPES), st.data())
def test_phases_are_those_of_the_listed_transitions(chain, data):
    random = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    within = random.random(chain.n_states) < data.draw(st.sampled_from([0.5, 1.0]))
    labels, closed = chain.strong_components(within)
    listed_labels, listed_closed = TransitionOperator.strong_components(chain, within)
    pairs = set(zip(labels.tolist(), listed_labels.tolist(), strict=True))
    assert len(pairs) == len(set(labels.tolist())) == len(set(listed_labels.tolist()))  # the same classes, renamed
    assert {(closed[one], listed_closed[other]) for one, other in pairs if one >= 0} <= {(True, True), (False, False)}
    assert (labels >= 0).tolist() == (listed_labels >= 0).tolist() == within.tolist()
    found, listed = chain.phases(labels), TransitionOperator.phases(chain, labels)
    assert found[0].tolist() == listed[0].tolist()
    assert found[1].tolist() == listed[1].tolist()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(window_chains(SHAPES))
def test_periods_are_networkxs(chain):
    labels, closed = chain.strong_components()
    periods, where = chain.phases(labels)
    graph = chain.to_networkx()
    for label in range(len(closed)):
        inside = graph.subgraph(np.flatnonzero(labels == label).tolist())
        if inside.number_of_edges() == 0:
            assert periods[label] == 0
            continue
        assert (periods[label] == 1) == nx.is_aperiodic(inside)
        for source, target in inside.edges:
            assert where[target] == (where[source] + 1) % periods[label]
        assert where[min(inside)] == 0


@settings(max_examples=100, deadline=None, derandomize=True)
@given(window_chains(SHAPES))
def test_links_are_the_edges_of_networkxs_condensation(chain):
    labels, _ = chain.strong_components()
    expected = nx.condensation(chain.to_networkx())
    named = {node: labels[min(members)] for node, members in expected.nodes(data="members")}
    pairs = sorted((int(named[source]), int(named[target])) for source, target in expected.edges)
    for found in (chain.links(labels), TransitionOperator.links(chain, labels)):
        assert list(zip(*map(np.ndarray.tolist, found), strict=True)) == pairs


def test_necklaces_turn_by_the_length_of_their_shortest_repeat():
    chain = rotating(2, 12)
    labels, _ = chain.strong_components()
    periods, where = chain.phases(labels)
    for word, period in [
        ("0" * 12, 1),
        ("01" * 6, 2),
        ("001" * 4, 3),
        ("0111" * 3, 4),
        ("001011" * 2, 6),
        ("1" * 11 + "0", 12),
    ]:
        state = int(word, 2)
        assert periods[labels[state]] == period
        turned = int(word[1:] + word[0], 2)
        assert where[turned] == (where[state] + 1) % period


def test_a_state_of_no_class_has_no_phase():
    labels = np.array([-1, 0], dtype=np.int32)
    found = phases(mg.StateSpace(2, 1), np.array([[0.5, 0.5], [0.5, 0.5]]), labels)
    assert (found[0].tolist(), found[1].tolist()) == ([1], [-1, 0])
    nothing = phases(mg.StateSpace(2, 1), np.array([[0.5, 0.5], [0.5, 0.5]]), np.full(2, -1, dtype=np.int32))
    assert (nothing[0].tolist(), nothing[1].tolist()) == ([], [-1, -1])


def test_links_that_would_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10)
    with pytest.raises(mg.TooLarge, match=r"1 transitions between 2 classes need 64 bytes.*chain_shape"):
        links(mg.StateSpace(2, 1), np.array([[0.5, 0.5], [0.0, 1.0]]), np.array([1, 0], dtype=np.int32))
