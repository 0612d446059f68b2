"""What a close choice would change, against machines that are made anew with that one token changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.close_calls import CloseCalls
from markovgpt.chains.functional_graph import FunctionalGraph


def loops_and_ends(successor):
    """The cycles of a map as sets of states, and the cycle each state ends in, by walking."""
    ends = []
    for state in range(len(successor)):
        for _ in range(len(successor)):
            state = successor[state]
        loop = [state]
        while successor[loop[-1]] != state:
            loop.append(successor[loop[-1]])
        ends.append(frozenset(loop))
    return set(ends), ends


def following(space, state, token):
    """The window a token leads to, from its tokens."""
    longer = (*space.decode(state), token)
    return space.encode(longer[-space.context_length :])


SPACES = (mg.StateSpace(2, 3), mg.StateSpace(3, 2), mg.StateSpace(2, 2, with_prefixes=True), mg.StateSpace(4, 1))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(SPACES), st.data())
def test_one_token_changed_changes_what_it_is_said_to(space, data):
    V, n = space.vocab_size, space.n_states
    said = data.draw(st.lists(st.integers(0, V - 1), min_size=n, max_size=n))
    choices = [(state, token) for state in range(n) for token in range(V) if token != said[state]]
    successor = [following(space, state, said[state]) for state in range(n)]
    states, tokens = (np.array(part) for part in zip(*choices, strict=True))
    calls = CloseCalls(space, FunctionalGraph.of(np.array(successor)), states, tokens, np.zeros(len(choices)))
    loops, ends = loops_and_ends(successor)
    for index, (state, token) in enumerate(choices):
        otherwise = [*successor[:state], following(space, state, token), *successor[state + 1 :]]
        new_loops, new_ends = loops_and_ends(otherwise)
        lost = loops - new_loops
        assert (calls.lost[index] >= 0) == bool(lost)
        if lost:
            assert {frozenset(calls.graph.cycles[calls.lost[index]].tolist())} == lost
        made = new_loops - loops
        assert bool(calls.closes[index]) == bool(made)
        assert {frozenset(calls.cycle(index).tolist())} - {frozenset()} == made
        assert calls.n_moved[index] == sum(a != b for a, b in zip(ends, new_ends, strict=True))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_certain_is_what_no_choice_is_met_from(data):
    space = mg.StateSpace(2, 3)
    said = data.draw(st.lists(st.integers(0, 1), min_size=8, max_size=8))
    close = sorted(data.draw(st.sets(st.integers(0, 7))))
    successor = [following(space, state, said[state]) for state in range(8)]
    others = np.array([1 - said[state] for state in close], dtype=np.int64)
    graph = FunctionalGraph.of(np.array(successor))
    calls = CloseCalls(space, graph, np.array(close, dtype=np.int64), others, np.zeros(len(close)))
    for state in range(8):
        met, at = set(), state
        for _ in range(9):
            met.add(at)
            at = successor[at]
        assert calls.is_certain[state] == met.isdisjoint(close)
    for index, states in enumerate(graph.cycles):
        assert calls.cycle_is_certain[index] == set(states.tolist()).isdisjoint(close)


def test_a_tie_that_decides_between_two_loops():
    # 0 and 1 each say themselves; 2 says 0 and ties with 1; 3 says 2
    logits = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [1.0, 1.0, 0, 0], [0, 0, 1.0, 0]])
    calls = mg.greedy_machine(mg.LogitTable(mg.StateSpace(4, 1), logits)).close_calls
    assert calls.summary() == {
        "state": [2],
        "token": [1],
        "gap": [0.0],
        "loses_cycle": [-1],
        "closes_cycle": [False],
        "n_moved": [2],
    }
    assert calls.cycle_is_certain.all()
    assert calls.is_certain.tolist() == [True, True, False, False]


def test_no_close_choice_leaves_everything_certain():
    calls = mg.greedy_machine(mg.LogitTable(mg.StateSpace(2, 1), np.eye(2))).close_calls
    assert len(calls) == 0
    assert calls.is_certain.all()
    assert calls.n_moved.tolist() == []


def test_every_choice_of_a_table_of_equals_is_close():
    calls = mg.greedy_machine(mg.LogitTable(mg.StateSpace(3, 2), np.zeros((9, 3), dtype=np.float32))).close_calls
    assert len(calls) == 18
    assert not calls.is_certain.any()


def test_too_many_close_choices_are_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.analysis.greedy.BYTES_PER_CALL", 10**15)
    with pytest.raises(mg.TooLarge, match="choices within noise"):
        mg.greedy_machine(mg.LogitTable(mg.StateSpace(3, 2), np.zeros((9, 3))))
