"""A question as masks and a start on the chain that answers it."""

import numpy as np
import reference_chains as chains

from markovgpt.analysis.question import posed


def test_masks_and_a_start_are_those_of_the_chain():
    chain = chains.gambler()
    asked = posed(chain, [3], start=1, avoiding=[0])
    assert asked.chain is chain
    assert np.flatnonzero(asked.reached).tolist() == [3]
    assert np.flatnonzero(asked.avoided).tolist() == [0]
    assert np.flatnonzero(asked.through).tolist() == [1, 2]
    assert asked.begin.tolist() == [0, 1, 0, 0]
