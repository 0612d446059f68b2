"""The smallest machines against hand-made ones, automata-lib, and what every window says, word after word."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from automata.fa.dfa import DFA
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import speakers

import markovgpt as mg
from markovgpt.analysis.moore import MooreMachine, machine_of_chain, smallest_machine
from markovgpt.models.module_model import as_model

DATA = Path(__file__).parents[2] / "shared" / "data"


def slide(space, window, token):
    """A window after a token, written down."""
    return (*window, token)[-space.context_length :]


def words(space, said, window, n):
    """The next n tokens from a window, followed step by step."""
    found = []
    for _ in range(n):
        found.append(int(said[space.encode(window)]))
        window = slide(space, window, found[-1])
    return tuple(found)


def chain_that_says(space, said, vocabulary=None):
    """The chain in which each window says one token."""
    return mg.WindowChain(space, np.eye(space.vocab_size)[said], vocabulary)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(speakers())
def test_the_machine_says_what_every_window_says(speaker):
    space, said = speaker
    machine = smallest_machine(space, said)
    n = 2 * space.n_states
    heard = {state: words(space, said, space.decode(state), n) for state in range(space.n_states)}
    for state, expected in heard.items():
        assert machine.says(int(machine.state_of[state]), n) == expected
    assert machine.n_states == len(set(heard.values()))  # two states that said the same would be one
    assert machine.n_folded.sum() == space.n_states


@settings(max_examples=60, deadline=None, derandomize=True)
@given(speakers())
def test_the_machine_that_reads_says_what_every_window_says_after_any_text(speaker):
    space, said = speaker
    machine = smallest_machine(space, said, reading=True)
    heard = {}
    for state in range(space.n_states):
        heard[state] = []
        for length in range(space.context_length + 1):
            for text in product(range(space.vocab_size), repeat=length):
                at, window = int(machine.state_of[state]), space.decode(state)
                for token in text:
                    at, window = int(machine.next_state[at, token]), slide(space, window, token)
                heard[state].append(int(said[space.encode(window)]))
                assert machine.output[at] == heard[state][-1]
    assert machine.n_states == len({tuple(row) for row in heard.values()})


@settings(max_examples=40, deadline=None, derandomize=True)
@given(speakers())
def test_automata_lib_finds_no_smaller_machine_that_reads(speaker):
    space, said = speaker
    start = space.n_states - 1
    machine = smallest_machine(space, said, reading=True, start=start)
    letters, shows = range(space.vocab_size), [f"says {token}" for token in range(space.vocab_size)]
    dead = dict.fromkeys([*letters, *shows], "no")
    as_dfa = DFA(
        states={*range(space.n_states), "yes", "no"},
        input_symbols={*letters, *shows},
        transitions={
            **{
                state: {
                    **{token: space.encode(slide(space, space.decode(state), token)) for token in letters},
                    **{show: "yes" if show == f"says {said[state]}" else "no" for show in shows},
                }
                for state in range(space.n_states)
            },
            "yes": dead,
            "no": dead,
        },
        initial_state=start,
        final_states={"yes"},
    )
    smallest = as_dfa.minify(retain_names=False)
    assert len(smallest.states) == machine.n_states + 2
    # and it is the same machine: walk both at once
    pairs, waiting = {machine.begin: smallest.initial_state}, [machine.begin]
    while waiting:
        state = waiting.pop()
        row = smallest.transitions[pairs[state]]
        assert row[f"says {machine.output[state]}"] in smallest.final_states
        for token in letters:
            after = int(machine.next_state[state, token])
            if after not in pairs:
                pairs[after] = row[token]
                waiting.append(after)
            assert pairs[after] == row[token]
    assert len(set(pairs.values())) == machine.n_states


@settings(max_examples=60, deadline=None, derandomize=True)
@given(speakers())
def test_hopcroft_finds_the_machine_of_the_chain(speaker):
    space, said = speaker
    one, other = smallest_machine(space, said), machine_of_chain(chain_that_says(space, said))
    for name in ("output", "next_state", "state_of", "representative"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(speakers(), st.integers(0, 10**6))
def test_from_a_start_only_what_is_reachable_is_left(speaker, number):
    space, said = speaker
    start = number % space.n_states
    machine = smallest_machine(space, said, start=start)
    met, window = [], space.decode(start)
    while space.encode(window) not in met:
        met.append(space.encode(window))
        window = slide(space, window, said[met[-1]])
    assert np.flatnonzero(machine.state_of >= 0).tolist() == sorted(met)
    assert machine.n_states == len({words(space, said, space.decode(state), 2 * len(said)) for state in met})
    assert machine.says(machine.begin, 20) == words(space, said, space.decode(start), 20)
    same = machine_of_chain(chain_that_says(space, said), start=start)
    assert (same.next_state.tolist(), same.begin) == (machine.next_state.tolist(), machine.begin)
    assert same.state_of.tolist() == machine.state_of.tolist()


def test_a_model_that_says_110_for_ever_has_three_states():
    # three tokens of context; after 11 it says 0, else 1: 000 001 010 011 100 101 110 111
    said = [1, 1, 1, 0, 1, 1, 1, 0]
    machine = smallest_machine(mg.StateSpace(2, 3), said)
    # x01 says 1 0 1 1 0 ..., x00 and x10 say 1 1 0 ..., x11 says 0 1 1 ...; so there is no tail
    assert machine.state_of.tolist() == [0, 1, 0, 2, 0, 1, 0, 2]
    assert machine.n_folded.tolist() == [4, 2, 2]
    assert [states.tolist() for states in machine.cycles] == [[0, 1, 2]]
    assert (machine.cycle_label(0), machine.says(2, 4), machine.window_label(1)) == ("0 1 1", (0, 1, 1, 0), "001")
    # whatever is read, only the newest two tokens count, and of 00 and 10 only the 0
    reading = smallest_machine(mg.StateSpace(2, 3), said, reading=True)
    assert reading.next_state.tolist() == [[0, 1], [0, 2], [0, 2]]
    assert reading.successor.tolist() == machine.next_state.tolist()


def test_a_tail_into_a_loop_is_folded_as_far_as_what_it_says():
    # every window says 1, but 000 says 0: from 000 for ever 0; from 001 on for ever 1
    machine = smallest_machine(mg.StateSpace(2, 3), [0, 1, 1, 1, 1, 1, 1, 1], start=1)
    assert (machine.n_states, machine.begin, machine.says(0, 3)) == (1, 0, (1, 1, 1))
    # from 100 it says 0, and 0 for ever: one state, though two windows
    machine = smallest_machine(mg.StateSpace(2, 3), [0, 1, 1, 1, 0, 1, 1, 1], start=4)
    assert (machine.n_states, machine.n_folded.tolist(), machine.label(0)) == (1, [2], "0")
    # 011 says 0, and so do 110, 100 and 000, where it stays
    machine = smallest_machine(mg.StateSpace(2, 3), [0, 0, 1, 0, 0, 0, 0, 0], start=3)
    assert (machine.n_states, machine.n_folded.tolist()) == (1, [4])


def test_a_tail_that_says_something_else_stays_a_tail():
    # 00 says 1, 01 says 0, 10 says 0 -> 00: loop 00 01 10 says 1 0 0; 11 says 1: loop
    machine = smallest_machine(mg.StateSpace(2, 2, with_prefixes=True), [1, 0, 1, 0, 0, 1])
    # 0 says 1, 01 says 0, 10 says 0, 00 says 1: as 00 does. 1 says 0, 10 says 0, ...: as 01 does
    assert machine.state_of.tolist() == [0, 1, 0, 1, 2, 3]
    assert [states.tolist() for states in machine.cycles] == [[0, 1, 2], [3]]


def test_a_machine_that_rotates_its_window_cannot_be_made_smaller():
    space = mg.StateSpace(3, 4)
    for reading in (False, True):
        assert smallest_machine(space, np.arange(81) // 27, reading=reading).n_states == 81


def test_one_token_is_one_state():
    for prefixes in (False, True):
        space = mg.StateSpace(1, 3, prefixes)
        for reading in (False, True):
            machine = smallest_machine(space, np.zeros(space.n_states, dtype=int), reading=reading)
            assert (machine.n_states, machine.says(0, 2)) == (1, (0, 0))


def test_words_are_printed_with_the_vocabulary():
    machine = smallest_machine(mg.StateSpace(2, 2), [1, 1, 1, 0], vocabulary=mg.Vocabulary((" ", "b")))
    assert (machine.label(1), machine.cycle_label(0), machine.window_label(2)) == ("b", "b␣b", "bb")


def test_a_red_text_longer_than_the_window_is_told_apart():
    # it says abbabb..., and abbabba does not fit in its window of two
    vocabulary = mg.Vocabulary(("a", "b"))
    chain = chain_that_says(mg.StateSpace(2, 2), [1, 1, 1, 0], vocabulary)
    machine = machine_of_chain(chain, target="abbabba", start=(0, 1))
    seen, state = [], machine.begin
    for _ in range(12):
        seen.append((int(machine.output[state]), bool(machine.completed[state])))
        state = int(machine.next_state[state])
    # the text: ab|babbabbabba..; red is complete when abbabba has been written, first after 5 more tokens
    text = "ab"
    for token, completed in seen:
        assert completed == text.endswith("abbabba")
        text += "ab"[token]
    assert [completed for _, completed in seen].index(True) == 5
    # a tail of the first two occurrences folded: afterwards one loop of three
    assert [len(states) for states in machine.cycles] == [3]
    assert machine.completed[machine.cycles[0]].sum() == 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(speakers(), st.lists(st.integers(0, 2), min_size=1, max_size=5), st.integers(0, 10**6))
def test_with_a_target_the_machine_says_when_it_is_complete(speaker, pattern, number):
    space, said = speaker
    pattern = [token % space.vocab_size for token in pattern]
    chain = chain_that_says(space, said)
    if len(pattern) <= space.context_length and not mg.ending_with(space, pattern).any():
        return
    machine = machine_of_chain(chain, target=mg.red_tokens(pattern))
    start = number % space.n_states
    text, state = list(space.decode(start)), int(machine.state_of[start])
    for _ in range(2 * space.n_states + 6):
        assert bool(machine.completed[state]) == (text[-len(pattern) :] == pattern)
        assert machine.output[state] == said[space.encode(tuple(text[-space.context_length :]))]
        text.append(int(machine.output[state]))
        state = int(machine.next_state[state])


def test_far_too_many_windows_are_a_machine_of_what_is_reachable():
    def echo(windows):
        return np.eye(3)[np.asarray(windows)[:, 0]]  # says its oldest token again

    chain = mg.reachable_chain(
        as_model(echo, vocab_size=3, context_length=60), mg.SamplingSettings(temperature=0), (0, 1, 2, 1) * 15
    )
    machine = machine_of_chain(chain, start=0)
    assert (machine.n_states, machine.says(0, 5)) == (4, (0, 1, 2, 1, 0))


def test_where_a_chain_was_cut_off_nothing_is_said():
    def counts(windows):
        return np.eye(5)[(np.asarray(windows)[:, -1] + 1) % 5]

    model = as_model(counts, vocab_size=5, context_length=2)
    chain = mg.reachable_chain(model, mg.SamplingSettings(temperature=0), (0,), within=3)
    machine = machine_of_chain(chain, start=0)
    assert machine.says(machine.begin, 100) == (1, 2, 3)
    assert machine.label(3) == ""


def test_a_state_of_several_successors_is_refused_by_name():
    probs = np.eye(2)[[0, 1, 1, 0]]
    probs[2] = 0.5
    chain = mg.WindowChain(mg.StateSpace(2, 2), probs, mg.Vocabulary(("x", "y")))
    with pytest.raises(mg.InvalidInput, match=r"one successor, got 2 of state 2 \('yx'\); take the chain at temp"):
        machine_of_chain(chain)
    assert machine_of_chain(chain, start=0).n_states == 1  # which never comes by


def test_a_chain_without_windows_is_refused():
    with pytest.raises(mg.InvalidInput, match="got a chain without windows"):
        machine_of_chain(mg.SparseChain.from_matrix(np.eye(2)))


@pytest.mark.parametrize(
    ("token", "start", "said"),
    [
        ([0, 1, 0], None, r"for each of 4 windows, got int64 of \(3,\)"),
        ([0, 1, 0, 2], None, r"must hold a whole number in 0..1"),
        ([0, 1, 0, -1], None, r"must hold a whole number in 0..1"),
        ([0.0, 1, 0, 1], None, r"got float64"),
        ([0, 1, 0, 1], 4, r"start must lie in 0..3, got 4"),
        ([0, 1, 0, 1], -1, r"start must lie in 0..3, got -1"),
        ([0, 1, 0, 1], True, r"start must lie in 0..3, got True"),
    ],
)
def test_what_is_no_machine_of_windows_is_refused(token, start, said):
    with pytest.raises(mg.InvalidInput, match=said):
        smallest_machine(mg.StateSpace(2, 2), token, start=start)


def test_a_question_outside_the_machine_is_refused():
    machine = smallest_machine(mg.StateSpace(2, 2), [0, 1, 0, 1])
    with pytest.raises(mg.InvalidInput, match=rf"states must lie in 0..{machine.n_states - 1}, got 9"):
        machine.says(9, 1)
    with pytest.raises(mg.InvalidInput, match="n must be a whole number of at least 0, got -1"):
        machine.says(0, -1)


def test_what_would_not_fit_is_refused_first(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match="the classes of 81 windows"):
        smallest_machine(mg.StateSpace(3, 4), np.zeros(81, dtype=int))


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not here")
def test_a_real_model_of_names_says_what_its_machines_say():
    table = mg.tabulate(mg.load_model(DATA / "hf_names_ctx3"))
    greedy = mg.greedy_machine(table)
    machine = smallest_machine(table.space, greedy.token, vocabulary=table.vocabulary)
    assert isinstance(machine, MooreMachine)
    rng = np.random.default_rng(2)
    for state in rng.integers(0, table.space.n_states, 50).tolist():
        expected = words(table.space, greedy.token, table.space.decode(state), 60)
        assert machine.says(int(machine.state_of[state]), 60) == expected
    assert len(machine.cycles) == len(greedy.cycles)
    loops = machine_of_chain(mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0)))
    assert loops.state_of.tolist() == machine.state_of.tolist()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2), min_size=27, max_size=27), st.booleans())
def test_a_loop_is_called_as_the_greedy_machine_calls_it(said, reading):
    table = mg.LogitTable(mg.StateSpace(3, 3), np.eye(3)[said])
    machine = mg.greedy_machine(table)
    smallest = machine.minimised(reading=reading)
    labels = {machine.cycle_label(index) for index in range(machine.n_cycles)}
    assert {smallest.cycle_label(index) for index in range(len(smallest.cycles))} == labels
