"""What is said about the states of a chain that goes out."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.exchange.annotations import annotations

START = [True, False]


def test_lists_become_arrays():
    said = annotations(2, {"red": [False, True]}, START, {"cost": [1, 0]})
    assert said.labels["red"].tolist() == [False, True]
    assert said.initial.tolist() == [True, False]
    assert said.rewards["cost"].tolist() == [1.0, 0.0]
    assert said.rewards["cost"].dtype == np.float64
    assert annotations(2, {}, START, None).rewards == {}


@pytest.mark.parametrize("name", ["", "init"])
def test_init_is_no_label_of_its_own(name):
    with pytest.raises(mg.InvalidInput, match=f"a label must have a name other than init, got '{name}'; the states to"):
        annotations(2, {name: START}, START, None)


@pytest.mark.parametrize("mask", [[True], [0, 1], [[True, False]], "red"])
def test_a_mask_that_does_not_fit_is_refused(mask):
    with pytest.raises(mg.InvalidInput, match=r"the label 'red' must be a bool mask of shape \(2,\), got"):
        annotations(2, {"red": mask}, START, None)
    with pytest.raises(mg.InvalidInput, match=r"initial must be a bool mask of shape \(2,\), got"):
        annotations(2, {}, mask, None)


def test_a_chain_starts_somewhere():
    with pytest.raises(
        mg.InvalidInput, match="initial must mark at least one of the 2 states, got none; mark the start"
    ):
        annotations(2, {}, [False, False], None)


@pytest.mark.parametrize("rewards", [[1.0], [1.0, -1.0], [np.nan, 0], [np.inf, 0], ["a", "b"], 3])
def test_rewards_that_do_not_fit_are_refused(rewards):
    with pytest.raises(
        mg.InvalidInput, match=r"the rewards 'cost' must be 2 finite numbers of at least 0, got .*; give one"
    ):
        annotations(2, {}, START, {"cost": rewards})
