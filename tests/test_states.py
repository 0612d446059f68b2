"""The numbering of windows, by writing all of them down."""

from itertools import product

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.listed_windows import ListedWindows
from markovgpt.chains.states import window_label

SIZES = [(1, 1), (1, 3), (2, 3), (3, 2), (5, 1)]


def all_windows(vocab_size, context_length, with_prefixes):
    lengths = range(1 if with_prefixes else context_length, context_length + 1)
    return [window for length in lengths for window in product(range(vocab_size), repeat=length)]


@pytest.mark.parametrize(("vocab_size", "context_length"), SIZES)
@pytest.mark.parametrize("with_prefixes", [False, True])
def test_windows_are_numbered_by_length_and_then_as_base_v_numbers(vocab_size, context_length, with_prefixes):
    space = mg.StateSpace(vocab_size, context_length, with_prefixes)
    windows = all_windows(vocab_size, context_length, with_prefixes)
    assert space.n_states == len(windows)
    assert [space.encode(window) for window in windows] == list(range(len(windows)))
    assert [space.decode(state) for state in range(len(windows))] == windows


@pytest.mark.parametrize("with_prefixes", [False, True])
def test_tokens_are_found_from_the_end(with_prefixes):
    space = mg.StateSpace(3, 3, with_prefixes)
    for place in range(4):
        expected = [w[-1 - place] if place < len(w) else -1 for w in all_windows(3, 3, with_prefixes)]
        assert space.token_from_end(place).tolist() == expected


def test_windows_of_one_length_come_in_order_and_in_parts():
    space = mg.StateSpace(3, 2)
    assert space.windows(2).tolist() == [list(window) for window in product(range(3), repeat=2)]
    assert np.concatenate([space.windows(2, 0, 4), space.windows(2, 4)]).tolist() == space.windows(2).tolist()


def test_the_baby_gpt_has_8_states_and_14_with_prefixes():
    assert mg.StateSpace(2, 3).n_states == 8
    assert mg.StateSpace(2, 3, with_prefixes=True).n_states == 14


def test_a_space_of_any_size_is_counted_exactly():
    space = mg.StateSpace(65, 64)
    assert space.n_states == 65**64
    window = (64,) * 64
    assert space.encode(window) == 65**64 - 1
    assert space.decode(65**64 - 1) == window


@pytest.mark.parametrize(("window", "shown"), [((0, 1, 1), "011"), ((3, 14, 0), "3,14,0"), ((12,), "12")])
def test_ids_run_together_while_they_are_digits(window, shown):
    assert window_label(window) == shown


def test_labels_show_the_text_of_a_window():
    assert mg.StateSpace(2, 2).label(1, mg.Vocabulary((" ", "\n"))) == "␣\\n"


@pytest.mark.parametrize(
    ("space", "window", "message"),
    [
        (mg.StateSpace(2, 3), (0, 1), "a window must hold 3 tokens, got 2"),
        (mg.StateSpace(2, 3), (0,) * 4, "a window must hold 3 tokens, got 4"),
        (mg.StateSpace(2, 3, with_prefixes=True), (), "a window must hold 1 to 3 tokens, got 0"),
        (mg.StateSpace(2, 3), (0, 1, 2), r"tokens must be whole numbers in 0..1, got 2"),
        (mg.StateSpace(2, 3), (0, -1, 1), r"tokens must be whole numbers in 0..1, got -1"),
        (mg.StateSpace(2, 3), (0, 0.5, 1), r"tokens must be whole numbers in 0..1, got 0.5"),
        (ListedWindows(2, 2, ((0, 1),)), (1, 1), r"the window must be one of the 1 listed, got \(1, 1\)"),
    ],
)
def test_a_window_that_is_no_state_is_refused(space, window, message):
    with pytest.raises(mg.InvalidInput, match=message):
        space.encode(window)


@pytest.mark.parametrize("space", [mg.StateSpace(2, 2), ListedWindows(2, 1, ((0,), (1,), (0, 0), (0, 1)))])
@pytest.mark.parametrize("state", [-1, 4])
def test_a_state_outside_is_refused(space, state):
    with pytest.raises(mg.InvalidInput, match=rf"states must lie in 0..3, got {state}"):
        space.decode(state)


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (2.0, 1), (2, True)])
def test_sizes_that_are_no_counts_are_refused(sizes):
    with pytest.raises(mg.InvalidInput, match="must be a whole number of at least 1"):
        mg.StateSpace(*sizes)


@pytest.mark.parametrize("space", [mg.StateSpace(2, 2), ListedWindows(2, 2, ((0, 0), (0, 1)))])
@pytest.mark.parametrize("state", [1.5, True])
def test_a_state_that_is_no_whole_number_is_refused_not_rounded(space, state):
    with pytest.raises(mg.InvalidInput, match=rf"states must .*got {state}"):
        space.decode(state)


def test_the_fourteen_states_of_the_seed_stand_in_their_order():
    space = mg.StateSpace(2, 3, with_prefixes=True)
    shown = "0 1 00 01 10 11 000 001 010 011 100 101 110 111"
    assert " ".join(space.label(state) for state in range(14)) == shown


@pytest.mark.parametrize("with_prefixes", [False, True])
def test_many_windows_have_the_numbers_that_each_has(with_prefixes):
    space = mg.StateSpace(3, 3, with_prefixes)
    for length in range(space.shortest, 4):
        windows = space.windows(length)[::-1]
        assert space.numbers(windows).tolist() == [space.encode(tuple(window)) for window in windows.tolist()]


@pytest.mark.parametrize(
    ("windows", "message"),
    [([[0, 1, 1], [0, 2, 1]], r"0\.\.1, got 2"), ([[0, -1, 0]], r"0\.\.1, got -1"), ([[0, 1]], "3 tokens, got 2")],
)
def test_many_windows_of_which_one_is_no_state_are_refused(windows, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.StateSpace(2, 3).numbers(np.array(windows))


def test_of_no_windows_there_are_no_numbers():
    assert mg.StateSpace(2, 3).numbers(np.zeros((0, 3), dtype=np.int64)).tolist() == []


@pytest.mark.parametrize("space", [mg.StateSpace(3, 3), mg.StateSpace(3, 3, with_prefixes=True), mg.StateSpace(1, 2)])
def test_a_window_is_followed_by_itself_and_what_it_says_without_its_oldest_token(space):
    said = np.random.default_rng(8).integers(0, space.vocab_size, space.n_states)
    for state, after in enumerate(space.successors(said).tolist()):
        assert space.decode(after) == (*space.decode(state), int(said[state]))[-space.context_length :]
