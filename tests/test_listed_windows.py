"""Listed windows and those of pairs."""

import numpy as np

import markovgpt as mg
from markovgpt.chains.listed_windows import ListedWindows, PairWindows


def test_listed_windows_have_the_numbers_of_their_order():
    listed = ListedWindows(3, 3, ((2,), (2, 0), (2, 0, 1)))
    assert listed.n_states == 3
    assert [listed.encode(listed.decode(state)) for state in range(3)] == [0, 1, 2]
    assert listed.token_from_end(1).tolist() == [-1, 2, 0]


def test_pairs_have_the_windows_of_what_they_are_pairs_of():
    pairs = PairWindows(mg.StateSpace(2, 2), np.array([0, 1, 2, 3, 1]))
    assert (pairs.n_states, pairs.vocab_size, pairs.context_length) == (5, 2, 2)
    assert pairs.decode(4) == (0, 1)
    assert pairs.encode((0, 1)) == 1
    assert pairs.token_from_end(0).tolist() == [0, 1, 0, 1, 1]
    assert pairs.token_from_end(1).tolist() == [0, 0, 1, 1, 0]
