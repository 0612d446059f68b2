"""The search without a graph finds what the search in a graph finds."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.search import _components, first_states
from markovgpt.scaled import ScaledArray

SPACES = [mg.StateSpace(V, L, prefixes) for V in (1, 2, 3) for L in (1, 2, 4) for prefixes in (False, True)]


@st.composite
def chains(draw):
    space = draw(st.sampled_from(SPACES))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    kept = random.random((space.n_states, space.vocab_size)) < draw(st.sampled_from([0.2, 0.5, 1.0]))
    kept[np.arange(space.n_states), random.integers(space.vocab_size, size=space.n_states)] = True
    weights = kept * random.random(kept.shape)
    probs = weights / weights.sum(axis=1, keepdims=True)
    masks = [random.random(space.n_states) < share for share in (0.2, 0.7)]
    return mg.WindowChain(space, ScaledArray.of(probs) if draw(st.booleans()) else probs), *masks


@settings(deadline=None, max_examples=150)
@given(chains())
def test_both_searches_agree_with_the_one_that_lists_transitions(drawn):
    chain, begin, through = drawn
    found = chain.reaching(begin, through), chain.reached_from(begin, through)
    listed = TransitionOperator.reaching(chain, begin, through), TransitionOperator.reached_from(chain, begin, through)
    assert found[0].tolist() == listed[0].tolist()
    assert found[1].tolist() == listed[1].tolist()


def test_the_masks_that_are_given_stay_as_they_are():
    chain = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.0, 1.0], [0.0, 1.0]]))
    begin, through = np.array([False, True]), np.array([True, True])
    assert chain.reaching(begin, through).tolist() == [True, True]
    assert (begin.tolist(), through.tolist()) == ([False, True], [True, True])


@pytest.mark.parametrize("backward", [True, False])
def test_a_long_way_is_walked_to_its_end(backward):
    # Token 1 after windows with a 1 in the oldest place, 0 after the others: the window turns round and round.
    space = mg.StateSpace(2, 12)
    oldest = space.token_from_end(11)
    chain = mg.WindowChain(space, np.eye(2)[oldest])
    begin = np.zeros(space.n_states, dtype=bool)
    begin[1] = True  # 000000000001, one of twelve rotations
    everywhere = np.ones(space.n_states, dtype=bool)
    found = chain.reaching(begin, everywhere) if backward else chain.reached_from(begin, everywhere)
    assert np.flatnonzero(found).tolist() == [2**place for place in range(12)]


@settings(deadline=None, max_examples=150, derandomize=True)
@given(chains())
def test_components_are_those_of_networkx(drawn):
    chain, *_ = drawn
    labels, closed = chain.strong_components()
    listed = chain.to_networkx()
    found = [set(np.flatnonzero(labels == label).tolist()) for label in range(len(closed))]
    expected = list(nx.strongly_connected_components(listed))
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))
    never_left = {frozenset(states) for states in nx.attracting_components(listed)}
    assert [frozenset(states) in never_left for states in found] == closed.tolist()
    for source, target in listed.edges:
        assert labels[target] <= labels[source]  # what others lead to comes first


def test_what_is_outside_is_in_no_class_that_could_be_written_to():
    # run uncompiled, where a place beyond the end of an array is an error and not a write into other memory
    space, weights = mg.StateSpace(2, 2), np.full((4, 2), 0.5)
    inside = np.array([True, False, False, True])  # 00 and 11 repeat themselves, and are left for 01 and 10
    labels, seen = np.where(inside, -1, 4).astype(np.int32), (~inside).astype(np.int32)
    closed = _components.py_func(weights, first_states(space), inside, labels, seen)
    assert (labels.tolist(), closed.tolist()) == ([0, 4, 4, 1], [False, False])


def test_components_of_a_long_way_need_no_recursion():
    # the oldest token is said again: windows turn, and classes are necklaces
    space = mg.StateSpace(2, 16)
    chain = mg.WindowChain(space, np.eye(2)[space.token_from_end(15)])
    labels, closed = chain.strong_components()
    # necklaces of 16 beads: sum over divisors d of phi(d) 2**(16/d), over 16
    assert len(closed) == (2**16 + 2**8 + 2 * 2**4 + 4 * 2**2 + 8 * 2) // 16
    assert closed.all()
    assert np.unique(labels[[1, 2, 4, 2**15]]).size == 1


def test_a_way_through_every_window_is_one_class():
    # a de Bruijn walk: after each window the other token of the greedy one, until all windows were seen, in a circle
    space, seen, window = mg.StateSpace(2, 10), {0: 0}, 0
    rows = np.zeros((1024, 2))
    for _ in range(1023):
        token = 1 if (window * 2 + 1) % 1024 not in seen else 0
        rows[window, token] = 1
        window = (window * 2 + token) % 1024
        seen[window] = len(seen)
    rows[window, 0] = 1
    assert (rows.sum(axis=1) == 1).all()
    labels, closed = mg.WindowChain(space, rows).strong_components()
    assert (labels.max(), closed.tolist()) == (0, [True])
