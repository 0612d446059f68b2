"""What the page is asked at first: token ids of whatever was given, and refusals in a sentence."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.explorer.asked import Asked, asked_of

AB = mg.Vocabulary(("a", "b"))
SPACE = mg.StateSpace(2, 2)


def test_what_is_not_said_is_the_usual():
    assert asked_of(SPACE) == Asked(mg.SamplingSettings(), (), (0, 0), 10, 1337)


@pytest.mark.parametrize("red", ["ab", ["ab"], (0, 1), [(0, 1)], np.array([0, 1])])
def test_one_pattern_is_told_from_several(red):
    assert asked_of(SPACE, AB, red=red).red == ((0, 1),)


def test_several_patterns():
    assert asked_of(SPACE, AB, red=["ab", (1,)], start="ba").red == ((0, 1), (1,))


@pytest.mark.parametrize("start", ["ba", (1, 0), np.array([1, 0])])
def test_a_start_is_a_window(start):
    assert asked_of(SPACE, AB, start=start).start == (1, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"settings": mg.SamplingSettings(typical_p=0.5)}, "settings must be among temperature, .* got typical_p"),
        ({"horizon": 0}, "horizon must be a whole number from 1 to 100000, got 0"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, got -1"),
        ({"red": "aba"}, "red must fit in the window of 2 tokens, got 3"),
        ({"red": ""}, "a pattern must hold at least one token"),
        ({"start": "a"}, "start must hold 2 tokens, as many as a window of the page, got 1; write what comes before"),
        ({"start": "aba"}, "start must hold 2 tokens, .*, got 3; .* keep the newest tokens"),
        ({"start": (0, 2)}, r"tokens must be whole numbers in 0\.\.1, got 2"),
        ({"start": "c"}, "text must be made of the vocabulary's tokens"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(mg.InvalidInput, match=message):
        asked_of(SPACE, AB, **given)


def test_texts_need_a_vocabulary():
    for given in ({"red": "a"}, {"start": "aa"}):
        with pytest.raises(mg.InvalidInput, match=r"text .*needs a vocabulary, got .* without one; give token ids"):
            asked_of(SPACE, **given)
