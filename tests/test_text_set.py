"""The probability of one of several texts: by hand, against every text in exact fractions, and by counting a law."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import window_chains

import markovgpt as mg
from markovgpt.analysis.text_set import any_text_probability
from markovgpt.scaled import ScaledArray, to_fraction

COIN = np.array([[0.75, 0.25], [0.5, 0.5]])


def coin(rows=COIN, vocabulary=None):
    """A chain over windows of one token."""
    return mg.WindowChain(mg.StateSpace(2, 1), np.array(rows), vocabulary)


def exactly(number):
    """One number as a fraction."""
    scaled = ScaledArray.of(number)
    return to_fraction(float(scaled.mantissa), int(scaled.exponent)) if scaled.mantissa > 0 else Fraction(0)


def share_of_texts(chain, start, texts, n):
    """The exact share of all texts of n tokens that begin with one of some texts."""
    source, target, weight = chain.edges()
    rows = {}
    for before, after, p in zip(source.tolist(), target.tolist(), range(len(source)), strict=True):
        rows.setdefault(before, {})[chain.space.decode(after)[-1]] = (after, exactly(weight[p]))
    found = Fraction(0)
    for text in product(range(chain.space.vocab_size), repeat=n):
        if not any(text[: len(begin)] == tuple(begin) for begin in texts):
            continue
        state, chance = start, Fraction(1)
        for token in text:
            after, p = rows[state].get(token, (state, Fraction(0)))
            chance *= p / sum(each for _, each in rows[state].values())
            state = after
        found += chance
    return found


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([[0]], 0.75),
        ([[0], [0, 1], [0]], 0.75),  # what begins with another, and what stands there twice
        ([[1, 0], [1]], 0.25),
        ([[0, 1], [1, 0, 0]], 0.75 * 0.25 + 0.25 * 0.5 * 0.75),
    ],
)
def test_by_hand(texts, expected):
    found = any_text_probability(coin(), 0, texts)
    assert found.value == pytest.approx(expected, rel=1e-15)
    assert found.lower <= expected <= found.upper


def test_proofs():
    sure = coin([[1.0, 0.0], [0.5, 0.5]])
    assert any_text_probability(sure, 0, [[1], [0, 1]]).upper == 0
    assert any_text_probability(coin(), 0, [[], [0]]).lower == 1


def test_a_text_below_the_range_of_doubles_still_counts():
    rare = coin([[1.0, 1e-200], [1.0, 1e-200]])
    found = any_text_probability(rare, 0, [[1, 1], [1, 0, 1]])
    assert found.log10 == pytest.approx(-400 + np.log10(2), abs=1e-12)
    assert found.log10_lower < found.log10 < found.log10_upper


def test_texts_as_text_and_one_alone():
    spoken = coin(vocabulary=mg.Vocabulary(("a", "b")))
    alone = mg.continuation_probability(spoken, "b", "ab")
    assert any_text_probability(spoken, "b", ["ab"]).value == alone.value == 0.125
    assert any_text_probability(spoken, "b", iter(["ab", "b"])).value == 0.625


@settings(max_examples=30, deadline=None)
@given(window_chains(), st.data())
def test_against_every_text(chain, data):
    V = chain.space.vocab_size
    texts = data.draw(st.lists(st.lists(st.integers(0, V - 1), min_size=1, max_size=3), min_size=1, max_size=4))
    start = data.draw(st.integers(0, chain.n_states - 1))
    found, exact = any_text_probability(chain, start, texts).enclosure, share_of_texts(chain, start, texts, 3)
    assert exactly(found.lower) <= exact <= exactly(found.upper)
    assert (exact == 0) == (exactly(found.upper) == 0)
    assert exactly(found.upper) - exactly(found.lower) <= exact / 10**9


@pytest.mark.parametrize(
    ("chain", "texts", "message"),
    [
        (coin(), [], "texts must hold at least one, got none"),
        (coin(), ["a"], "a text needs a vocabulary, got 'a'"),
        (coin(), [[2]], r"tokens must be whole numbers in 0\.\.1, got 2"),
    ],
)
def test_refusals(chain, texts, message):
    with pytest.raises(mg.InvalidInput, match=message):
        any_text_probability(chain, 0, texts)


def test_states_that_are_no_windows_are_refused():
    with pytest.raises(mg.InvalidInput, match="windows"):
        any_text_probability(mg.SparseChain.from_matrix(np.eye(2)), 0, [[0]])
