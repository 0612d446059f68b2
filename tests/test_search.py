"""The search without a graph finds what the search in a graph finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.chains.operator import TransitionOperator
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
