"""Sampling and forward passes, on a model whose answers are known."""

import numpy as np
import pytest

import markovgpt as mg
from experiments.sorting_check import by_forward_passes, check_row, how_many_wrong, probabilities_after


class Coin:
    """A model that says a letter at fixed odds."""

    vocab_size, context_length, vocabulary = 2, 3, None

    def __init__(self, logit=0.0):
        self.logit = logit

    def next_token_logits(self, windows):
        return np.tile([0.0, self.logit], (len(windows), 1))


def test_probabilities_are_those_of_the_logits_over_the_temperature():
    found = probabilities_after(Coin(np.log(9.0)), np.array([[0, 1], [1, 1], [0, 1]]), 2.0)
    assert found == pytest.approx(np.tile([0.25, 0.75], (3, 1)))  # 9 to 1 is 3 to 1 at T = 2


def test_the_right_output_is_a_product():
    inputs = np.array([[0, 0], [1, 0], [1, 1]])
    assert by_forward_passes(Coin(np.log(3.0)), inputs, 1.0) == pytest.approx([1 / 16, 3 / 16, 9 / 16])


def test_three_of_four_outputs_are_wrong():
    wrong = how_many_wrong(Coin(), 1.0, 4000)
    assert abs(wrong - 3000) < 5 * np.sqrt(4000 * 3 / 16)


def test_the_row_says_both():
    table = mg.LogitTable(mg.StateSpace(2, 3, with_prefixes=True), np.zeros((14, 2)))
    row = check_row(Coin(), table, 1.0, 1000)
    assert row["exact"] == "0.75"
    assert row["in it"] == "yes"
    assert row["largest relative difference"] == "below 1e-15"
    low, high = map(float, row["99 % interval of P(wrong)"].split(" to "))
    assert low < int(row["wrong"]) / 1000 < high
    logits = np.zeros((14, 2))
    logits[2:6, 0] = np.log(9.0)  # the first letter is A in nine of ten, and right for three inputs of four
    tilted = mg.LogitTable(table.space, logits)
    assert check_row(Coin(), tilted, 1.0, 1000)["exact"] == "0.65"
    assert check_row(Coin(), tilted, 1.0, 1000)["in it"] == "no"
