"""The data's own chain against counts by hand, by a dictionary, and by what balances."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.chains.counted import count_windows, counted_chain, in_a_row
from markovgpt.demo import TEXT

BABY = tuple(map(int, TEXT))
TEXTS = st.lists(st.integers(0, 2), min_size=1, max_size=40)


def listed(counts):
    """The counts by window."""
    rows = zip(counts.state.tolist(), counts.token.tolist(), counts.count.tolist(), strict=True)
    return {(counts.space.decode(state), token): count for state, token, count in rows}


def by_dictionary(text, L, wrap_around=False):
    """Counts, one place after the other."""
    n = len(text)
    places = range(n) if wrap_around else range(n - L)
    return Counter((tuple(text[(i + j) % n] for j in range(L)), text[(i + L) % n]) for i in places)


def test_the_notebooks_text_counted_by_hand():
    counts = count_windows(BABY, mg.StateSpace(2, 3))
    # 1111 0 1111 0 1111 0: each run of four gives 111 -> 1 and 111 -> 0; two gaps give 110, 101 and 011 -> 1
    expected = {((1, 1, 1), 1): 3, ((1, 1, 1), 0): 3, ((1, 1, 0), 1): 2, ((1, 0, 1), 1): 2, ((0, 1, 1), 1): 2}
    assert listed(counts) == expected
    assert counts.total == 12
    assert np.flatnonzero(counts.seen).tolist() == [3, 5, 6, 7]
    assert counts.window_count.tolist() == [2, 2, 2, 6, 6]
    assert counts.successor.tolist() == [7, 3, 5, 6, 7]
    chain = counted_chain(counts)
    assert [chain.label(state) for state in range(4)] == ["011", "101", "110", "111"]
    assert chain.to_csr().toarray().tolist() == [[0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.5, 0.5]]


@given(TEXTS, st.integers(1, 3), st.booleans())
def test_counts_are_those_of_a_dictionary(text, L, wrap_around):
    if not wrap_around and len(text) <= L:
        return
    counts = count_windows(text, mg.StateSpace(3, L), wrap_around=wrap_around)
    assert listed(counts) == by_dictionary(text, L, wrap_around)
    assert counts.total == (len(text) if wrap_around else len(text) - L)


@given(TEXTS, st.integers(1, 3))
def test_a_circle_lives_where_its_text_does(text, L):
    counts = count_windows(text, mg.StateSpace(3, L), wrap_around=True)
    chain = counted_chain(counts)
    visits = Counter()
    for (window, _), count in by_dictionary(text, L, wrap_around=True).items():
        visits[window] += count
    share = np.array([visits[chain.space.decode(state)] / len(text) for state in range(chain.n_states)])
    assert chain.push(share) == pytest.approx(share, abs=1e-14)
    assert mg.is_irreducible(chain)
    assert mg.stationary_distributions(chain).only().value == pytest.approx(share, rel=1e-9)


@given(TEXTS, st.integers(1, 3))
def test_rows_are_shares(text, L):
    counts = count_windows(text, mg.StateSpace(3, L), wrap_around=True)
    chain, by_window = counted_chain(counts), Counter()
    known = by_dictionary(text, L, wrap_around=True)
    for (window, _), count in known.items():
        by_window[window] += count
    found = {}
    for source, target, probability in zip(*chain.edges(), strict=True):
        found[chain.space.decode(source), chain.space.decode(target)[-1]] = probability
        assert chain.space.decode(source)[1:] == chain.space.decode(target)[:-1]
    assert found == {key: float(Fraction(count, by_window[key[0]])) for key, count in known.items()}


def test_texts_in_a_row_begin_in_the_same_window():
    stream = in_a_row([(1, 2), (2,)], context_length=2)
    assert stream == (0, 0, 1, 2, 0, 0, 2, 0, 0)
    counts = listed(count_windows(stream, mg.StateSpace(3, 2)))
    assert counts == {
        ((0, 0), 1): 1,
        ((0, 0), 2): 1,
        ((0, 1), 2): 1,
        ((1, 2), 0): 1,
        ((2, 0), 0): 2,
        ((0, 2), 0): 1,
    }
    assert in_a_row(iter([()]), 2, start_token=1) == (1, 1, 1, 1)


@given(st.lists(st.lists(st.integers(1, 2), max_size=5), min_size=1, max_size=6), st.integers(1, 3))
def test_texts_in_a_row_are_a_circle_already(texts, L):
    stream = in_a_row(texts, L)
    space = mg.StateSpace(3, L)
    assert listed(count_windows(stream, space)) == listed(count_windows(stream[:-L], space, wrap_around=True))


def test_examples_are_counted_where_they_are_not_ignored():
    inputs, targets = [[0, 1], [0, 1], [1, 1]], [[-1, 1], [-1, 0], [-1, 1]]
    counts = count_windows(None, mg.StateSpace(2, 2), examples=(inputs, targets))
    assert listed(counts) == {((0, 1), 0): 1, ((0, 1), 1): 1, ((1, 1), 1): 1}


def test_what_follows_short_windows_is_counted_with_prefixes():
    inputs, targets = [[0, 1], [1, 1]], [[1, 1], [1, -1]]
    space = mg.StateSpace(2, 2, with_prefixes=True)
    counts = count_windows(None, space, examples=(inputs, targets))
    assert listed(counts) == {((0,), 1): 1, ((1,), 1): 1, ((0, 1), 1): 1}
    assert [space.decode(state) for state in counts.successor.tolist()] == [(0, 1), (1, 1), (1, 1)]
    full = count_windows(BABY, mg.StateSpace(2, 3, with_prefixes=True))
    assert listed(full) == by_dictionary(BABY, 3)


def test_an_end_that_nothing_follows_is_said_and_may_absorb():
    counts = count_windows((0, 0, 1), mg.StateSpace(2, 1), vocabulary=mg.Vocabulary(("a", "b")))
    with pytest.raises(
        mg.InvalidInput, match=r"followed by a token, got 'b' only at the end; count with wrap_around=True, or"
    ):
        counted_chain(counts)
    chain = counted_chain(counts, absorbing_end=True)
    assert [chain.label(state) for state in range(2)] == ["a", "b"]
    assert chain.to_csr().toarray().tolist() == [[0.5, 0.5], [0, 1]]
    first = counted_chain(count_windows((1, 1, 0), mg.StateSpace(2, 1)), absorbing_end=True)
    assert first.to_csr().toarray().tolist() == [[1, 0], [0.5, 0.5]]
    circle = counted_chain(count_windows((0, 0, 1), mg.StateSpace(2, 1), wrap_around=True))
    assert circle.to_csr().toarray().tolist() == [[0.5, 0.5], [1, 0]]


@pytest.mark.parametrize(
    ("tokens", "change", "message"),
    [
        ((0, 1), {}, "at least 3 tokens, got shape"),
        ((), {"wrap_around": True}, "at least 1 tokens, got shape"),
        ((0, 2, 0), {}, r"tokens must lie in 0..1, got 2; check the vocabulary"),
        ((0, -1, 0), {}, r"tokens must lie in 0..1, got -1"),
        ((0.5, 0.5, 0.5), {}, "tokens must be whole numbers, got float64; encode"),
        ("010", {}, "encode a text with its Vocabulary first"),
        (None, {}, "give either tokens or examples"),
        ((0, 1, 0), {"examples": ([[0, 1]], [[-1, 1]])}, "give either tokens or examples"),
        (None, {"examples": ([[0, 1]], [[-1, 1]]), "wrap_around": True}, "got wrap_around; give tokens"),
        (None, {"examples": ([[0, 1]], [[1]])}, r"two arrays \(N, T\) of one shape"),
        (None, {"examples": ([[0, 1, 1]], [[-1, -1, 1]])}, r"with T in 1..2"),
        (None, {"examples": ([[0, 1]], [[1, -1]])}, "follow a window of 2 tokens, got a target after 1; mark it by -1"),
        (None, {"examples": ([[0, 1]], [[-1, -1]])}, "must hold a target to count, got only -1"),
        (None, {"examples": ([[0, -1]], [[-1, 1]])}, r"tokens must lie in 0..1, got -1"),
    ],
)
def test_what_cannot_be_counted_is_refused(tokens, change, message):
    with pytest.raises(mg.InvalidInput, match=message):
        count_windows(tokens, mg.StateSpace(2, 2), **change)


def test_windows_without_numbers_are_refused():
    with pytest.raises(mg.TooLarge, match=r"number below 2\*\*62 / V, got 65\*\*64; give a shorter context"):
        count_windows((0, 1) * 50, mg.StateSpace(65, 64))


@pytest.mark.parametrize(
    ("texts", "L", "start", "message"),
    [
        ([], 2, 0, "texts must hold at least one text, got none"),
        ([(1,)], 0, 0, "context_length must be a whole number of at least 1"),
        ([(1,)], 2, -1, "got 2 and -1"),
    ],
)
def test_rows_of_nothing_are_refused(texts, L, start, message):
    with pytest.raises(mg.InvalidInput, match=message):
        in_a_row(texts, L, start)
