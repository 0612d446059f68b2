"""Loops before and after, against machines followed step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.greedy_comparison import compare_greedy


def loop_of(table, state):
    """The loop a window leads into, as a set of states, by following it."""
    space = table.space
    for _ in range(2 * space.n_states):
        token = int(np.argmax(table.logits[state]))
        state = space.encode((*space.decode(state), token)[-space.context_length :])
    found = []
    while state not in found:
        found.append(state)
        token = int(np.argmax(table.logits[state]))
        state = space.encode((*space.decode(state), token)[-space.context_length :])
    return tuple(sorted(found)), tuple(found)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from([(2, 1), (2, 2), (2, 3), (3, 2)]), st.integers(0, 10**6), st.floats(0.01, 2.0))
def test_loops_and_basins_are_those_of_walks(shape, seed, size):
    random, space = np.random.default_rng(seed), mg.StateSpace(*shape)
    logits = random.normal(size=(space.n_states, space.vocab_size))
    before, after = (mg.LogitTable(space, part) for part in (logits, logits + size * random.normal(size=logits.shape)))
    found = compare_greedy(before, after)
    ends = [[loop_of(table, state)[1] for state in range(space.n_states)] for table in (before, after)]
    # the same loop from another window of it is the same: turn each to its lowest state
    turned = [[end[end.index(min(end)) :] + end[: end.index(min(end))] for end in side] for side in ends]
    assert found.moved.tolist() == [one != two for one, two in zip(*turned, strict=True)]
    assert found.n_moved == sum(found.moved)
    both = set(turned[0]) & set(turned[1])
    assert {loop.windows for loop in found.stayed} == both
    assert {loop.windows for loop in found.vanished} == set(turned[0]) - both
    assert {loop.windows for loop in found.appeared} == set(turned[1]) - both
    for loop in (*found.stayed, *found.vanished, *found.appeared):
        assert (loop.basin_before, loop.basin_after) == tuple(side.count(loop.windows) for side in turned)
    changed = np.argmax(before.logits, axis=1) != np.argmax(after.logits, axis=1)
    assert found.changed_token.tolist() == changed.tolist()
    sizes = [loop.basin_before for loop in found.vanished]
    assert sizes == sorted(sizes, reverse=True)


def test_a_loop_that_opens_is_shown_as_text():
    letters, space = mg.Vocabulary(("a", "b")), mg.StateSpace(2, 1)
    before = mg.LogitTable(space, np.array([[1.0, 0.0], [1.0, 0.0]]), letters)  # a for ever
    after = mg.LogitTable(space, np.array([[0.0, 1.0], [1.0, 0.0]]), letters)  # b a b a ...
    found = compare_greedy(before, after)
    assert found.summary() == {
        "stayed": [],
        "vanished": [{"loop": "a", "length": 1, "before": 2, "after": 0}],
        "appeared": [{"loop": "ba", "length": 2, "before": 0, "after": 2}],
        "windows_moved": 2,
        "tokens_changed": 1,
    }


def test_identical_tables_keep_everything():
    table = mg.LogitTable(mg.StateSpace(3, 2), np.random.default_rng(1).normal(size=(9, 3)))
    found = compare_greedy(table, table)
    assert (found.vanished, found.appeared, found.n_moved, found.n_changed_tokens) == ((), (), 0, 0)


def test_a_shorter_context_is_refused_or_taken_over_longer_windows():
    short, long = (mg.LogitTable(mg.StateSpace(2, length), np.eye(2)[np.arange(2**length) % 2]) for length in (1, 2))
    with pytest.raises(mg.InvalidInput, match="windows of the same length, got 1 and 2 tokens"):
        compare_greedy(short, long)
    assert compare_greedy(short, long, shared=True).n_moved == 0
