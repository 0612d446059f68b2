"""Red masks against Python's own string search."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.states import ListedWindows

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
