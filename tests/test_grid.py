"""A grid is every combination, checked before anything is computed."""

import json

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.sweeps.grid import SweepGrid

ASKED = {"reds": ["a"], "starts": ["b"], "within": 3}


def test_the_settings_are_all_combinations_the_last_fastest():
    grid = SweepGrid(**ASKED, temperatures=[0.5, 1.0], top_ps=[0.9, None])
    assert [(one.temperature, one.top_p) for one in grid.settings] == [(0.5, 0.9), (0.5, None), (1, 0.9), (1, None)]


def test_a_grid_comes_back_from_json():
    grid = SweepGrid(reds=["a", (0, 1), ("a", "b")], starts=[(0, 1)], within=None, top_ks=np.array([1, 2]))
    assert SweepGrid(**json.loads(json.dumps(grid.as_json()))) == grid


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"temperatures": []}, "temperatures must hold at least one value, got none; leave it out, or give one"),
        ({"reds": []}, "reds must hold at least one value, got none; give one"),
        ({"starts": ()}, "starts must hold at least one value, got none"),
        ({"reds": "ab"}, "reds must be a list of values, got 'ab'; put it in a list"),
        ({"reds": [3]}, "a red must be a text, token ids or several texts, got 3"),
        ({"starts": [3]}, "a start must be a text or token ids, got 3; see StateSpace.decode"),
        ({"reds": [""]}, "a red must hold at least one token, got none"),
        ({"reds": [("a", "")]}, "a red must hold at least one token, got none"),
        ({"top_ks": [2, None, 2]}, "top_ks must be distinct, got 2 more than once"),
        ({"temperatures": [-1.0]}, "temperature must be at least 0"),
        ({"top_ps": [2.0]}, r"top_p must lie in \(0, 1\]"),
        ({"engines": ["abacus"]}, "engine must be one of"),
        ({"within": -1}, "within must be a whole number of at least 0, got -1"),
    ],
)
def test_what_means_nothing_is_refused(changed, message):
    with pytest.raises(mg.InvalidInput, match=message):
        SweepGrid(**{**ASKED, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reds": ["x"]}, "text must be made of the vocabulary's tokens, got 'x'"),
        ({"reds": [("a", "x")]}, "text must be made of the vocabulary's tokens, got 'x'"),
        ({"reds": [(0, 7)]}, "tokens must be whole numbers in 0..1, got 7"),
        ({"starts": ["b"]}, "a window must hold 2 tokens, got 1"),
        ({"top_ks": [3]}, "top_k must be at most the vocabulary's 2 tokens"),
        ({"stop_tokens": [2]}, "tokens must be whole numbers in 0..1, got 2"),
    ],
)
def test_what_a_model_cannot_be_asked_is_refused(changed, message):
    model = mg.as_model(
        lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=2, vocabulary=mg.Vocabulary("ab")
    )
    grid = SweepGrid(**{**ASKED, "starts": ["bb"], **changed})
    with pytest.raises(mg.InvalidInput, match=message):
        grid.check(model, mg.StateSpace(2, 2))


def test_a_text_needs_a_vocabulary():
    model = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=2)
    with pytest.raises(mg.InvalidInput, match="a text needs a vocabulary, got 'a' without one"):
        SweepGrid(**ASKED).check(model, mg.StateSpace(2, 2))
