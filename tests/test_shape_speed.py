"""The experiment on shapes measures what it says."""

import numpy as np

import markovgpt as mg
from experiments.shape_speed import CASES, Case, chain_of, measure


def test_a_drawn_chain_has_as_many_tokens_as_are_left():
    chain = chain_of(Case(5, 3, 2))
    assert chain.next_token_probs.dtype == np.float32
    assert set(np.count_nonzero(chain.next_token_probs, axis=1).tolist()) == {2}
    assert np.array_equal(chain.next_token_probs, chain_of(Case(5, 3, 2)).next_token_probs)


def test_more_than_ten_million_windows_are_among_the_cases():
    assert max(case.vocab_size**case.context_length for case in CASES) == 14_348_907


def test_a_row_is_the_shape_of_its_chain():
    row = measure(Case(3, 4, 2, long_run=True))
    shape = mg.chain_shape(chain_of(Case(3, 4, 2)))
    assert row["windows"] == "81"
    assert (row["classes"], row["recurrent"]) == (str(shape.n_classes), str(int(shape.recurrent.sum())))
    assert len(row["classes and periods (s)"].split(", ")) == 2
    assert measure(Case(3, 4, 1))["entropy rate (s)"] == ""
