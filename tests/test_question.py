"""A question as masks and a start on the chain that answers it."""

import numpy as np
import pytest
import reference_chains as chains

import markovgpt as mg
from markovgpt.analysis.question import posed


def test_masks_and_a_start_are_those_of_the_chain():
    chain = chains.gambler()
    asked = posed(chain, [3], start=1, avoiding=[0])
    assert asked.chain is chain
    assert np.flatnonzero(asked.reached).tolist() == [3]
    assert np.flatnonzero(asked.avoided).tolist() == [0]
    assert np.flatnonzero(asked.through).tolist() == [1, 2]
    assert asked.begin.tolist() == [0, 1, 0, 0]


def test_a_question_that_needs_a_start_says_so():
    assert posed(chains.gambler(), [3], start=1).departure.tolist() == [0, 1, 0, 0]
    with pytest.raises(mg.InvalidInput, match="start must be given, got None"):
        _ = posed(chains.gambler(), [3]).departure
