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
    with pytest.raises(mg.InvalidInput, match=r"after the window '1' .* look for NaN"):
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


def test_the_window_of_a_row_without_a_number_is_named_wherever_it_stands():
    logits = np.zeros((27**3, 27), dtype=np.float32)
    letters = mg.Vocabulary(tuple("abcdefghijklmnopqrstuvwxyz."))
    for spoilt, said in ((np.nan, "nan for token 0"), (np.inf, "inf for token 0"), (-np.inf, "-inf for every token")):
        logits[27**2 + 2 * 27 + 3] = spoilt  # bcd
        with pytest.raises(mg.InvalidInput, match=f"got {said} after the window 'bcd'"):
            mg.greedy_machine(mg.LogitTable(mg.StateSpace(27, 3), logits.copy(), letters))


def test_a_token_ruled_out_is_no_rival():
    machine = mg.greedy_machine(mg.LogitTable(mg.StateSpace(2, 1), np.array([[-np.inf, -5.0], [0.0, -np.inf]])))
    assert machine.token.tolist() == [1, 0]
    assert (machine.smallest_margin, machine.n_tied, len(machine.close_calls)) == (np.inf, 0, 0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_choice_is_close_within_sixteen_roundings_of_the_dtype(dtype):
    unit = float(np.finfo(dtype).eps)  # the spacing above 1 is two roundings
    rows = [[1.0 + 8 * unit, 1.0], [1.0, 1.0 + 10 * unit]]
    machine = mg.greedy_machine(mg.LogitTable(mg.StateSpace(2, 1), np.array(rows, dtype=dtype)))
    assert machine.close_calls.states.tolist() == [0]
    assert machine.close_calls.gaps.tolist() == [8 * unit]
    assert machine.smallest_margin == 8 * unit
    assert machine.token.tolist() == [0, 1]


def test_noise_may_be_given_and_is_no_negative_number():
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[3.0, 2.0, 1.0], [0.0, 9.0, 8.5], [7.0, 0.0, 0.0]]))
    calls = mg.greedy_machine(table, noise=1.0).close_calls
    assert list(zip(calls.states.tolist(), calls.tokens.tolist(), strict=True)) == [(0, 1), (1, 2)]
    for noise in (-1.0, np.nan, np.inf, "0.1", [0.1]):
        with pytest.raises(mg.InvalidInput, match="noise must be a number of nats of at least 0"):
            mg.greedy_machine(table, noise=noise)


def test_gaps_beyond_the_doubles_are_no_close_choices():
    rows = np.array([[1.7e308, 1.7e308, -1.7e308], [0.0, -1.7e308, 1.7e308], [0.0, -1.0, -2.0]])
    machine = mg.greedy_machine(mg.LogitTable(mg.StateSpace(3, 1), rows))
    assert machine.close_calls.summary()["token"] == [1]
    assert (machine.n_tied, machine.smallest_margin) == (1, 0.0)


def test_what_it_says_from_a_prompt_is_a_tail_and_a_loop():
    letters = mg.Vocabulary(("a", "b"))
    table = mg.LogitTable(mg.StateSpace(2, 2), np.eye(2)[[1, 0, 0, 0]], letters)  # 11 -> 10 -> 00 -> 01 -> 10
    machine = mg.greedy_machine(table)
    assert machine.says("bb") == ((0,), (0, 1, 0))
    assert machine.says((0, 1)) == ((), (0, 0, 1))
    assert machine.says(0).for_ever == (1, 0, 0)
    with pytest.raises(mg.InvalidInput, match="tokens must"):
        machine.says((0, 7))
    with pytest.raises(mg.InvalidInput, match=r"start must lie in 0\.\.3"):
        machine.says(4)


def test_sizes_add_up_to_all_windows():
    machine = mg.greedy_machine(table_that_says([0, 0, 1, 1], 2, 2))
    assert machine.cycle_lengths.tolist() == [1, 2, 1]
    assert machine.basin_sizes.tolist() == [1, 2, 1]
    assert (machine.n_cycles, machine.n_states, machine.longest_transient) == (3, 4, 0)


def test_rows_are_read_in_parts(monkeypatch):
    logits = np.random.default_rng(3).normal(size=(2 + 4 + 8 + 16, 2))
    table = mg.LogitTable(mg.StateSpace(2, 4, with_prefixes=True), logits)
    whole = mg.greedy_machine(table, noise=0.5)
    monkeypatch.setattr("markovgpt.analysis.greedy.ENTRIES_AT_ONCE", 6)
    parts = mg.greedy_machine(table, noise=0.5)
    assert whole.next_state.tolist() == parts.next_state.tolist()
    assert whole.close_calls.summary() == parts.close_calls.summary()
    assert (whole.smallest_margin, whole.n_tied) == (parts.smallest_margin, parts.n_tied)


def test_a_machine_that_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.psutil.virtual_memory", lambda: type("Free", (), {"available": 100})())
    with pytest.raises(mg.TooLarge, match="the machine of 1024 states"):
        mg.greedy_machine(table_that_says([0] * 1024, 2, 10))
