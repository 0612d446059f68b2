"""What experiments on speed have in common."""

import numpy as np

import markovgpt as mg
from experiments.drawn_cases import drawn_table, twice


def test_a_drawn_table_is_the_same_twice_and_of_single_precision():
    one, two = (drawn_table(mg.StateSpace(3, 4)).logits for _ in range(2))
    assert one.dtype == np.float32
    assert np.array_equal(one, two)
    assert len(np.unique(one)) > 200


def test_an_action_is_timed_twice():
    done = []
    assert len(twice(lambda: done.append(1)).split(", ")) == 2
    assert done == [1, 1]
