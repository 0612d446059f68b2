"""The temperature-zero machine against hand-made machines and a walk that is followed step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg


def table_that_says(tokens, vocab_size, context_length, *, with_prefixes=False):
    """A table whose largest logit in each row is the given token."""
    space = mg.StateSpace(vocab_size, context_length, with_prefixes)
    return mg.LogitTable(space, np.eye(vocab_size)[np.asarray(tokens)])


def test_the_machine_that_repeats_its_oldest_token_rotates_its_window():
    # 00 -> 00, 01 -> 10 -> 01, 11 -> 11
    machine = mg.greedy_machine(table_that_says([0, 0, 1, 1], 2, 2))
    assert machine.next_state.tolist() == [0, 2, 1, 3]
    assert [states.tolist() for states in machine.cycles] == [[0], [1, 2], [3]]
    assert machine.basin.tolist() == [0, 1, 1, 2]
    assert machine.transient_length.tolist() == [0, 0, 0, 0]


def test_a_machine_that_always_says_one_falls_into_one_loop_after_three_steps():
    machine = mg.greedy_machine(table_that_says([1] * 8, 2, 3))
    assert [states.tolist() for states in machine.cycles] == [[7]]
    # steps until 111: 000 takes 3, 001 takes 2, 010 takes 3, 011 takes 1, ...
    assert machine.transient_length.tolist() == [3, 2, 3, 1, 3, 2, 3, 0]
    assert machine.cycle_label(0) == "1"


def test_prefix_windows_grow_into_full_ones():
    # states 0, 1, 00, 01, 10, 11; every window says 1: 0 -> 01 -> 11, 1 -> 11
    machine = mg.greedy_machine(table_that_says([1] * 6, 2, 2, with_prefixes=True))
    assert machine.next_state.tolist() == [3, 5, 3, 5, 3, 5]
    assert machine.transient_length.tolist() == [2, 1, 2, 1, 2, 0]


def test_ties_go_to_the_lowest_token_and_are_counted():
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[1.0, 2.0, 2.0], [0.5, 0.0, 0.25], [3.0, 3.0, 3.0]]))
    machine = mg.greedy_machine(table)
    assert machine.token.tolist() == [1, 0, 0]
    assert machine.n_tied == 2
    assert machine.smallest_margin == 0.0


def test_the_smallest_margin_is_the_gap_of_the_two_best_logits():
    machine = mg.greedy_machine(mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, 3.0], [0.75, 0.0]])))
    assert machine.smallest_margin == 0.75
    assert machine.n_tied == 0


def test_one_token_is_one_loop():
    machine = mg.greedy_machine(mg.LogitTable(mg.StateSpace(1, 3), np.zeros((1, 1))))
    assert [states.tolist() for states in machine.cycles] == [[0]]
    assert machine.smallest_margin == np.inf


def test_a_row_that_is_no_number_is_refused():
    with pytest.raises(mg.InvalidInput, match=r"in row 1; look for NaN in the weights"):
        mg.greedy_machine(mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, 1.0], [np.nan, 0.0]])))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2), min_size=27, max_size=27))
def test_a_walk_followed_step_by_step_enters_the_cycle_it_is_said_to(tokens):
    machine = mg.greedy_machine(table_that_says(tokens, 3, 3))
    cyclic = {int(state): index for index, states in enumerate(machine.cycles) for state in states}
    for start in range(27):
        state, steps, seen = start, 0, []
        while state not in seen:
            seen.append(state)
            state = (state * 3 + tokens[state]) % 27
        first_on_cycle = seen.index(state)
        loop = seen[first_on_cycle:]
        while seen[steps] not in loop:
            steps += 1
        assert machine.transient_length[start] == steps
        assert {cyclic[state] for state in loop} == {machine.basin[start]}
        assert len(loop) == len(machine.cycles[machine.basin[start]])


def test_the_machine_is_the_chain_at_temperature_zero():
    logits = np.random.default_rng(3).normal(size=(16, 2))
    table = mg.LogitTable(mg.StateSpace(2, 4), logits)
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0))
    source, target, probability = chain.edges()
    machine = mg.greedy_machine(table)
    assert target.tolist() == machine.next_state[source].tolist()
    assert probability.tolist() == [1.0] * 16
    classes = {tuple(sorted(states.tolist())) for states in machine.cycles}
    assert {tuple(states.tolist()) for states in mg.recurrent_classes(chain)} == classes
