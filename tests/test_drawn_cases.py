"""What experiments on speed have in common."""

import numpy as np
import pytest

import markovgpt as mg
from experiments.drawn_cases import SEED, drawn_table, random_chain, twice, within
from experiments.limits import CASES


def test_a_drawn_table_is_the_same_twice_and_of_single_precision():
    one, two = (drawn_table(mg.StateSpace(3, 4)).logits for _ in range(2))
    assert one.dtype == np.float32
    assert np.array_equal(one, two)
    assert len(np.unique(one)) > 200


def test_rows_are_softmaxes_of_normal_numbers():
    chain = random_chain(3, 2, 0.5, np.float64)
    drawn = np.random.default_rng(SEED).standard_normal((9, 3), dtype=np.float32).astype(float)
    weights = np.exp(drawn / 0.5)
    np.testing.assert_allclose(chain.next_token_probs, weights / weights.sum(axis=1, keepdims=True), rtol=1e-12)


def test_it_is_kept_with_as_many_bits_as_asked():
    assert [random_chain(2, 2, 1.0, dtype).next_token_probs.dtype for dtype in (np.float32, np.float64)] == [
        np.float32,
        np.float64,
    ]


def test_an_action_is_timed_twice_and_not_more():
    done = []
    result, seconds = twice(lambda: done.append(1) or len(done))
    assert (result, len(seconds.split(", "))) == (2, 2)
    assert done == [1, 1]


def test_cases_are_left_out_by_their_windows():
    assert {case.vocab_size**case.context_length for case in within(CASES, 2744)} == {8, 2048, 729, 2744}
    with pytest.raises(mg.InvalidInput, match="most_windows must leave a case, got 7; the smallest has 8"):
        within(CASES, 7)
