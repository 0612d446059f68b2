"""Windows that go on alike, against what each one says, text after text."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import SPACES, speakers

import markovgpt as mg
from markovgpt.chains.refinement import coarsest_partition, in_order_met
from markovgpt.chains.window_classes import readable_from, rows_after, same_after_any_text, same_ahead


def read(space, state, tokens):
    """The window after some tokens, by writing it down."""
    return space.encode((*space.decode(state), *tokens)[-space.context_length :])


def partition(labels):
    """Labels as the sets of what shares one."""
    return in_order_met(labels, int(labels.max()) + 1)[0].tolist()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(speakers())
def test_windows_share_a_label_if_they_say_the_same_for_ever(speaker):
    space, said = speaker
    words = []
    for state in range(space.n_states):
        word = []
        for _ in range(2 * space.n_states):
            word.append(int(said[state]))
            state = read(space, state, word[-1:])
        words.append(tuple(word))
    labels, bound = same_ahead(space, space.successors(said))
    assert partition(labels) == [list(dict.fromkeys(words)).index(word) for word in words]
    assert labels.max() < bound


@settings(max_examples=150, deadline=None, derandomize=True)
@given(speakers())
def test_windows_share_a_label_if_they_say_the_same_after_any_text(speaker):
    space, said = speaker
    # after L tokens any two windows are the same one
    texts = [text for length in range(space.context_length) for text in product(range(space.vocab_size), repeat=length)]
    heard = [tuple(int(said[read(space, state, text)]) for text in texts) for state in range(space.n_states)]
    labels, bound = same_after_any_text(space, said)
    assert partition(labels) == [list(dict.fromkeys(heard)).index(row) for row in heard]
    assert labels.max() < bound


@pytest.mark.parametrize("with_prefixes", [False, True])
@pytest.mark.parametrize(("vocab_size", "context_length"), [(2, 9), (3, 6), (27, 2)])
def test_larger_spaces_are_refined_to_the_same_classes(vocab_size, context_length, with_prefixes):
    space = mg.StateSpace(vocab_size, context_length, with_prefixes)
    rng = np.random.default_rng(4)
    newest = space.token_from_end(0)
    said = np.where(rng.random(space.n_states) < 0.02, rng.integers(0, vocab_size, space.n_states), newest)
    steps = np.array([[read(space, s, (t,)) for t in range(vocab_size)] for s in range(space.n_states)])
    assert partition(same_after_any_text(space, said)[0]) == coarsest_partition(steps, said).tolist()
    assert partition(same_ahead(space, space.successors(said))[0]) == (
        coarsest_partition(space.successors(said), said).tolist()
    )


@settings(max_examples=30, deadline=None, derandomize=True)
@given(SPACES, st.integers(0, 10**6))
def test_what_can_be_read_from_a_window_is_what_texts_lead_to(space, number):
    start = number % space.n_states
    lengths = range(2 * space.context_length)
    found = {read(space, start, text) for n in lengths for text in product(range(space.vocab_size), repeat=n)}
    assert set(np.flatnonzero(readable_from(space, start)).tolist()) == found


def test_a_short_start_leads_to_what_begins_with_it_until_windows_are_full():
    space = mg.StateSpace(2, 3, with_prefixes=True)
    met = {space.decode(state) for state in np.flatnonzero(readable_from(space, space.encode((1,)))).tolist()}
    assert met == {(1,), (1, 0), (1, 1), *product((0, 1), repeat=3)}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SPACES, st.data())
def test_the_rows_of_some_windows_are_the_labels_of_what_follows(space, data):
    windows = sorted(data.draw(st.sets(st.integers(0, space.n_states - 1), min_size=1)))
    labels = np.random.default_rng(0).permutation(space.n_states)
    expected = [[labels[read(space, window, (token,))] for token in range(space.vocab_size)] for window in windows]
    assert rows_after(space, labels, np.array(windows)).tolist() == expected


def test_rows_that_would_not_fit_are_refused_first(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100)
    with pytest.raises(mg.TooLarge, match="the steps of 64 states on 4 tokens"):
        rows_after(mg.StateSpace(4, 3), np.arange(64), np.arange(64))
