"""Red masks against Python's own string search."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.listed_windows import ListedWindows

LETTERS = mg.Vocabulary(("a", "b", "."))
SPACES = [mg.StateSpace(3, 3), mg.StateSpace(3, 3, with_prefixes=True), ListedWindows(3, 3, ((0,), (0, 1), (2, 0, 1)))]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("pattern", ["a", "ab", "aa", "ab.", "..."])
def test_masks_are_string_search(space, pattern):
    texts = [LETTERS.decode(space.decode(state)) for state in range(space.n_states)]
    assert mg.ending_with(space, pattern, LETTERS).tolist() == [text.endswith(pattern) for text in texts]
    assert mg.containing(space, pattern, LETTERS).tolist() == [pattern in text for text in texts]


def test_tokens_and_text_mark_the_same_windows():
    space = mg.StateSpace(3, 2)
    assert mg.ending_with(space, (0, 2)).tolist() == mg.ending_with(space, "a.", LETTERS).tolist()
    assert mg.containing(space, np.array([1])).tolist() == mg.containing(space, "b", LETTERS).tolist()


@pytest.mark.parametrize("mark", [mg.ending_with, mg.containing])
@pytest.mark.parametrize(
    ("pattern", "vocabulary", "message"),
    [
        ("", LETTERS, "a pattern must hold at least one token, got none"),
        ((), None, "a pattern must hold at least one token, got none"),
        ("ab.a", LETTERS, "red must fit in the window of 3 tokens, got 4 tokens: 'ab.a'"),
        ((0, 1, 2, 0), None, "red must fit in the window of 3 tokens, got 4 tokens: '0,1,2,0'"),
        ("abc", LETTERS, "got 'c' at place 2 of 'abc'"),
        ((3,), None, r"tokens must be whole numbers in 0..2, got 3"),
        ((-1,), None, r"tokens must be whole numbers in 0..2, got -1"),
        ((0.5,), None, r"tokens must be whole numbers in 0..2, got 0.5"),
        ("a", None, "a text pattern needs a vocabulary, got 'a' without one; give token ids instead"),
    ],
)
def test_a_pattern_that_marks_nothing_sensible_is_refused(mark, pattern, vocabulary, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mark(mg.StateSpace(3, 3), pattern, vocabulary)


def windows_accepted(pattern, space):
    automaton = pattern.compiled(space.vocab_size)
    return automaton.accepting[automaton.states_of(space)].tolist()


def test_red_texts_are_the_windows_that_end_with_one_of_them():
    space = SPACES[1]
    expected = mg.ending_with(space, "ab", LETTERS) | mg.ending_with(space, "..", LETTERS)
    assert windows_accepted(mg.red_strings("ab", "..", vocabulary=LETTERS), space) == expected.tolist()
    assert windows_accepted(mg.red_tokens((0, 1), np.array([2, 2])), space) == expected.tolist()
    assert windows_accepted(mg.red_regex(r"ab|\.\.", LETTERS), space) == expected.tolist()


def test_a_text_may_begin_and_end_inside_tokens():
    syllables = mg.Vocabulary(("s", "e", "x", "se", "xy", "yes", "exes"))
    space = mg.StateSpace(7, 2)
    texts = [syllables.decode(space.decode(state)) for state in range(space.n_states)]
    newest = [syllables.tokens[space.decode(state)[-1]] for state in range(space.n_states)]
    # the newest token completes it: the word ends inside that token, or at its end
    expected = [
        any(text[: len(text) - back].endswith("sex") for back in range(len(last)))
        for text, last in zip(texts, newest, strict=True)
    ]
    assert any(expected)
    assert windows_accepted(mg.red_strings("sex", vocabulary=syllables), space) == expected


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mg.red_strings(vocabulary=LETTERS), "red texts must be one or more, none of them empty, got ()"),
        (lambda: mg.red_strings("a", "", vocabulary=LETTERS), "none of them empty"),
        (lambda: mg.red_strings("abx", vocabulary=LETTERS), "got 'x' in 'abx'; they are: '.ab'"),
        (mg.red_tokens, "red tokens must be one or more sequences, none of them empty"),
        (lambda: mg.red_tokens((1,), ()), "none of them empty"),
        (lambda: mg.red_tokens(1), "red tokens must be one or more sequences"),
        (lambda: mg.red_tokens((1.5,)).compiled(3), "tokens must be whole numbers in 0..2, got 1.5"),
        (lambda: mg.red_strings("a", vocabulary=LETTERS).compiled(5), "'a' was made for a vocabulary of 3 tokens"),
    ],
)
def test_a_pattern_of_nothing_is_refused(make, message):
    with pytest.raises(mg.InvalidInput, match=message):
        make()


def test_patterns_say_what_they_are():
    assert str(mg.red_strings("a", "b", vocabulary=LETTERS)) == "'a' or 'b'"
    assert str(mg.red_tokens((0, 1), (2,))) == "tokens 0,1 or 2"
    assert repr(mg.red_regex("a+", LETTERS)) == "/a+/"


@pytest.mark.parametrize(
    "make",
    [lambda: mg.red_strings("a", vocabulary=None), lambda: mg.red_regex("a", None), lambda: mg.red_regex("a", "ab")],
)
def test_a_model_without_a_vocabulary_has_no_red_texts(make):
    with pytest.raises(mg.InvalidInput, match=r"red texts and expressions need a vocabulary, got .*; give one"):
        make()
