"""Token automata against plain search in what was read."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.chains.automaton import TokenAutomaton, aho_corasick, joined, minimised, over_tokens
from markovgpt.chains.listed_windows import ListedWindows

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), min_size=1, max_size=4)


def accepted(automaton, text):
    """Whether the automaton accepts after each token of a text."""
    state, found = 0, []
    for token in text:
        state = automaton.next_state[state, token]
        found.append(bool(automaton.accepting[state]))
    return found


def distinguishable(automaton, longest):
    """How many states differ in what they accept of some text up to a length: Myhill and Nerode's count."""

    def behaviour(state):
        seen = [bool(automaton.accepting[state])]
        for length in range(1, longest + 1):
            for text in itertools.product(range(automaton.vocab_size), repeat=length):
                place = state
                for token in text:
                    place = automaton.next_state[place, token]
                seen.append(bool(automaton.accepting[place]))
        return tuple(seen)

    return len({behaviour(state) for state in range(automaton.n_states)})


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SEQUENCES, st.lists(st.integers(0, 2), max_size=12))
def test_it_accepts_whenever_a_sequence_was_just_read(sequences, text):
    found = accepted(aho_corasick(sequences, 3), text)
    for end in range(1, len(text) + 1):
        assert found[end - 1] == any(text[:end][-len(word) :] == word for word in sequences)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEQUENCES)
def test_no_smaller_automaton_does_the_same(sequences):
    automaton = aho_corasick(sequences, 3)
    assert distinguishable(automaton, 4) == automaton.n_states


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text("ab", min_size=1, max_size=4), st.lists(st.integers(0, 4), max_size=7))
def test_every_way_to_cut_a_text_into_tokens_counts(word, tokens):
    spellings = ["a", "b", "ab", "ba", "bab"]
    letters = aho_corasick([["ab".index(letter) for letter in word]], 2)
    automaton = over_tokens(letters, [["ab".index(letter) for letter in token] for token in spellings])
    found, text = accepted(automaton, tokens), ""
    for place, token in enumerate(tokens):
        before, text = text, text + spellings[token]
        ends = range(len(before) + 1, len(text) + 1)
        assert found[place] == any(text[:end].endswith(word) for end in ends)


def test_memory_is_how_many_tokens_say_the_state():
    assert aho_corasick([(0,)], 2).memory == 1
    assert aho_corasick([(0, 1, 0)], 2).memory == 3
    assert aho_corasick([(0, 1, 0), (1, 1)], 2).memory == 3
    ever = TokenAutomaton(np.array([[1, 0], [1, 1]], dtype=np.int32), np.array([False, True]))
    assert ever.memory is None  # a 0 was read at any time
    always = TokenAutomaton(np.array([[0, 0]], dtype=np.int32), np.array([True]))
    assert always.memory == 0


@pytest.mark.parametrize(
    "space", [mg.StateSpace(3, 2), mg.StateSpace(3, 2, with_prefixes=True), ListedWindows(3, 2, ((0,), (2, 1)))]
)
def test_windows_are_read_from_the_oldest_token_on(space):
    automaton = aho_corasick([(0, 1), (2, 2, 1)], 3)
    for state, found in enumerate(automaton.states_of(space).tolist()):
        expected = 0
        for token in space.decode(state):
            expected = automaton.next_state[expected, token]
        assert found == expected


def test_several_automata_read_along_together():
    automata = [aho_corasick([(0, 1)], 2), aho_corasick([(1, 1, 1)], 2), aho_corasick([(0,)], 2)]
    following, parts = joined(automata)
    whole, single = 0, [0, 0, 0]
    for token in (0, 1, 1, 1, 0, 1, 0, 0):
        whole = following[whole, token]
        single = [automaton.next_state[state, token] for automaton, state in zip(automata, single, strict=True)]
        assert [part[whole] for part in parts] == single


def test_states_are_numbered_as_they_are_met_from_the_first():
    scattered = TokenAutomaton(np.array([[3, 0], [1, 1], [2, 2], [3, 2]], dtype=np.int32), np.array([0, 1, 1, 0]) > 0)
    assert minimised(scattered).next_state.tolist() == [[1, 0], [1, 2], [2, 2]]


def test_a_text_of_thousands_of_letters_is_made_smaller_at_once(monkeypatch):
    rounds = []
    unique = np.unique
    monkeypatch.setattr(np, "unique", lambda *given, **named: rounds.append(1) or unique(*given, **named))
    assert aho_corasick([[0, 1] * 500], 2).n_states == 1001
    assert len(rounds) < 10  # where a round for each letter would take minutes for a long one


def test_states_from_which_nothing_is_ever_accepted_are_one():
    stuck = TokenAutomaton(np.array([[1, 2], [3, 3], [2, 3], [3, 2]], dtype=np.int32), np.array([1, 0, 0, 0]) > 0)
    assert minimised(stuck).next_state.tolist() == [[1, 1], [1, 1]]
    never = TokenAutomaton(np.array([[1, 0], [0, 1]], dtype=np.int32), np.array([False, False]))
    assert minimised(never).next_state.tolist() == [[0, 0]]


@given(SEQUENCES, st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_the_newest_tokens_show_the_state_if_it_is_the_same_after_any_before_them(sequences, length):
    automaton = aho_corasick(sequences, 3)
    after = np.arange(automaton.n_states)[:, None]
    for _ in range(length):
        after = automaton.next_state[after].reshape(automaton.n_states, -1)
    assert automaton.is_shown_by(length) == bool((after == after[0]).all())


def test_an_automaton_that_would_not_fit_is_refused_first(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10_000_000)
    with pytest.raises(mg.TooLarge, match="an automaton of 1 sequences over 50257 tokens"):
        aho_corasick([range(1000)], 50257)
