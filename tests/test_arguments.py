"""Targets and starts in every form people give them."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.analysis.arguments import start_distribution, target_mask


@pytest.fixture
def bits():
    return mg.WindowChain(mg.StateSpace(2, 2), np.full((4, 2), 0.5), mg.Vocabulary(("0", "1")))


@pytest.fixture
def plain():
    return mg.SparseChain.from_matrix(np.eye(3))


@pytest.mark.parametrize(
    "target",
    [
        [1, 3],
        np.array([1, 3]),
        [False, True, False, True],
        "1",
        ["01", "11"],
        ("1",),
        mg.red_tokens((0, 1), (1, 1)),
        mg.red_strings("1", vocabulary=mg.Vocabulary(("0", "1"))),
        lambda window: window[-1] == 1,
    ],
)
def test_a_target_is_a_mask_states_or_a_text(bits, target):
    assert target_mask(bits, target).tolist() == [False, True, False, True]  # 01 and 11 end with 1


@pytest.mark.parametrize("start", [2, np.int64(2), (1, 0), [1, 0], "10", np.array([0.0, 0.0, 1.0, 0.0])])
def test_a_start_is_a_state_a_window_a_text_or_a_distribution(bits, start):
    assert start_distribution(bits, start).tolist() == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([], "target must mark at least one of the 4 states, got none"),
        ([False] * 4, "target must mark at least one of the 4 states, got none"),
        ([True, False], r"a target mask must have the shape \(4,\), got \(2,\)"),
        ([4], r"target states must lie in 0..3, got 4"),
        ([-1], r"target states must lie in 0..3, got -1"),
        ([0.5], "target must be a bool mask, state numbers or a text, got float64 numbers"),
        ("2", "red text must be made of the vocabulary's characters, got '2' in '2'"),
        ("", "red texts must be one or more, none of them empty"),
        (["0", ""], "red texts must be one or more, none of them empty"),
        (lambda window: False, "target must mark at least one of the 4 states, got none"),
        (lambda window: window[0], "a target function must answer True or False for each window"),
        (mg.red_tokens((2,)), "tokens must be whole numbers in 0..1, got 2"),
        (
            mg.red_strings("a", vocabulary=mg.Vocabulary(("a",))),
            "was made for a vocabulary of 1 tokens, got a chain over 2",
        ),
        ("000", "target must be seen in a window of 2 tokens here, got 000"),
    ],
)
def test_a_target_that_means_nothing_is_refused(bits, target, message):
    with pytest.raises(mg.InvalidInput, match=message):
        target_mask(bits, target)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (4, r"start must lie in 0..3, got 4"),
        (-1, r"start must lie in 0..3, got -1"),
        ("0", "a window must hold 2 tokens, got 1"),
        ((0, 2), r"tokens must be whole numbers in 0..1, got 2"),
        (np.array([0.5, 0.5]), r"a start distribution must be \(4,\) non-negative numbers"),
        (np.array([0.5, 0.6, 0.0, 0.0]), r"sum to 1, got shape \(4,\) and sum 1.1"),
        (np.array([1.5, -0.5, 0.0, 0.0]), "non-negative numbers"),
        (np.array([np.nan, 0.0, 0.0, 1.0]), "non-negative numbers"),
        ([0.5, 0.5], "give a distribution as a numpy array of floats"),
        (True, "start must be a state, a distribution, a window of token ids or a text"),
    ],
)
def test_a_start_that_means_nothing_is_refused(bits, start, message):
    with pytest.raises(mg.InvalidInput, match=message):
        start_distribution(bits, start)


def test_texts_need_a_chain_over_windows(plain):
    with pytest.raises(mg.InvalidInput, match="a pattern of tokens needs a chain over windows, got one without"):
        target_mask(plain, "a")
    with pytest.raises(mg.InvalidInput, match="a start window or text needs a chain over windows"):
        start_distribution(plain, "a")


def test_texts_need_a_vocabulary():
    chain = mg.WindowChain(mg.StateSpace(2, 1), np.full((2, 2), 0.5))
    with pytest.raises(mg.InvalidInput, match="a text start needs a vocabulary, got '0' without one"):
        start_distribution(chain, "0")
    with pytest.raises(mg.InvalidInput, match="a text target needs a vocabulary, got '0' without one"):
        target_mask(chain, "0")
