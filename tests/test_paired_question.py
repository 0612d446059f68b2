"""One question on two chains: the same states, each with its own numbers, and answers that are those of each alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import drawn_chain

import markovgpt as mg
from markovgpt.analysis.paired_question import pose_on_both
from markovgpt.analysis.reachability import ever_reached


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(["cold", "truncated", "zeros", "scaled"]),
    st.sampled_from(["truncated", "zeros"]),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_answers_are_those_of_each_chain_alone(one, two, listed, seed):
    space = mg.StateSpace(2, 2)
    pair = [drawn_chain(space, one, seed), drawn_chain(space, two, seed + 1)]
    if listed:
        pair = [mg.SparseChain(chain.edges(), 4, None, space) for chain in pair]
    red = mg.red_tokens((1, 0, 1), (0, 0, 0, 1))
    asked = pose_on_both(*pair, red, start=2)
    assert asked[0].chain.n_states == asked[1].chain.n_states
    assert [asked[0].chain.label(s) for s in range(asked[0].chain.n_states)] == [
        asked[1].chain.label(s) for s in range(asked[1].chain.n_states)
    ]
    for chain, question in zip(pair, asked, strict=True):
        alone = mg.hitting_probability(chain, red, start=2)
        assert mg.Answer.of(ever_reached(question)).log10 == pytest.approx(alone.log10, rel=1e-12)
        rows = question.chain.pull(np.ones(question.chain.n_states))
        assert mg.ScaledArray.of(rows).to_float() == pytest.approx(1, rel=1e-14)


def test_a_text_that_windows_show_needs_no_other_states():
    space = mg.StateSpace(2, 2)
    pair = [drawn_chain(space, "cold", seed) for seed in (1, 2)]
    was, now = pose_on_both(*pair, mg.red_tokens((1, 1)), start=0)
    assert (was.chain, now.chain) == tuple(pair)


def test_chains_of_different_sizes_are_refused():
    with pytest.raises(mg.InvalidInput, match="must have the same states, got 1 and 2"):
        pose_on_both(mg.SparseChain.from_matrix([[1.0]]), mg.SparseChain.from_matrix(np.eye(2)), [0], start=0)


def test_what_would_not_fit_is_refused(monkeypatch):
    pair = [drawn_chain(mg.StateSpace(2, 2), "cold", seed) for seed in (1, 2)]
    real = mg.red_tokens((1, 0, 1))
    monkeypatch.setattr("markovgpt.analysis.paired_question.require_memory", _refuse)
    with pytest.raises(mg.TooLarge, match="ask about a shorter pattern"):
        pose_on_both(*pair, real, start=0)


def _refuse(n_bytes, what, remedy):
    assert n_bytes == 9 * 8
    raise mg.TooLarge(f"{what}; {remedy}")
