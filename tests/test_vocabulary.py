"""Text to tokens and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.vocabulary import token_ids

AWKWARD = ("\n", " ", "\t", "\x00", "\u202e", "é", "🙂", "</script>", '"', "\\")


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(range(len(AWKWARD)))))
def test_ids_come_back_from_their_text(ids):
    vocabulary = mg.Vocabulary(AWKWARD)
    assert vocabulary.encode(vocabulary.decode(ids)) == tuple(ids)


def test_the_longest_token_that_fits_is_taken():
    assert mg.Vocabulary(("a", "ab", "b", "abc")).encode("abcaba") == (3, 1, 0)


def test_tokens_may_come_in_any_sequence():
    assert mg.Vocabulary("ab") == mg.Vocabulary(["a", "b"]) == mg.Vocabulary(("a", "b"))


def test_characters_are_sorted_and_distinct():
    assert mg.Vocabulary.of_characters("hello").tokens == ("e", "h", "l", "o")


def test_blanks_and_control_characters_are_shown():
    assert mg.Vocabulary(AWKWARD).show((0, 1, 2, 3, 4, 5, 6)) == "\\n␣\\t\\x00\\u202eé🙂"


def test_an_unknown_character_is_named_with_its_place():
    with pytest.raises(mg.InvalidInput, match="got 'x' at place 1 of 'axb'; the tokens are: a b"):
        mg.Vocabulary(("a", "b")).encode("axb")


@pytest.mark.parametrize("token", [-1, 2])
def test_an_id_outside_is_refused(token):
    with pytest.raises(mg.InvalidInput, match=rf"token ids must lie in 0..1, got {token}"):
        mg.Vocabulary(("a", "b")).decode([token])


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ((), "must hold at least one token"),
        (("a", ""), "tokens must be non-empty strings, got ''"),
        (("a", 1), "tokens must be non-empty strings, got 1"),
        (("a", "b", "a"), "tokens must be distinct, got 'a' more than once"),
    ],
)
def test_a_vocabulary_that_cannot_be_read_back_is_refused(tokens, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.Vocabulary(tokens)


def test_token_ids_are_whole_numbers_of_the_vocabulary():
    assert token_ids(np.array([[0, 1]], dtype=np.uint8), 2).dtype == np.int64
    assert token_ids([], 2).shape == (0,)
    assert token_ids([-1, 1], 2, least=-1).tolist() == [-1, 1]
    for wrong, message in (([0, 2], "0..1, got 2; check"), ([-1], "got -1"), ([0.0], "got float64"), ("01", "encode")):
        with pytest.raises(mg.InvalidInput, match=message):
            token_ids(wrong, 2)
    with pytest.raises(mg.InvalidInput, match="got -2"):
        token_ids([-2], 2, least=-1)
