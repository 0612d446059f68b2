"""Means under a stationary distribution, against fractions."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis.row_mean import has_mass, lived_in, mean_under
from markovgpt.analysis.structure import proved


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_the_mean_is_that_of_fractions(matrix, data):
    rows, chain = oracles.exact_rows(matrix), mg.SparseChain.from_matrix(matrix)
    numbers = np.array([data.draw(st.sampled_from([0.0, 1.0, 1e-200, 3.5])) for _ in rows])
    exact = Fraction(0)
    for states in mg.recurrent_classes(chain):
        chance = oracles.hitting(rows, states.tolist())[0]
        for state, share in zip(states.tolist(), oracles.stationary(rows, states.tolist()), strict=True):
            exact += chance * share * Fraction(numbers[state])
    oracles.assert_encloses(mg.Answer.of(mean_under(lived_in(chain, 0), proved(numbers))), exact)


def test_mass_is_decided_by_the_support():
    e = 1e-200
    chain = mg.SparseChain.from_matrix([[1 - e, e, 0, 0], [1 - e, 0, e, 0], [1, 0, 0, 0], [1, 0, 0, 0]])
    lived = lived_in(chain, None)
    assert lived.value[2] == 0
    assert has_mass(lived).tolist() == [True, True, True, False]


def test_what_is_zero_wherever_the_chain_lives_is_zero_by_proof():
    mean = mean_under(lived_in(chains.two_periods(), 4), proved(np.array([5.0, 5.0, 5.0, 0.0, 0.0, 0.0])))
    assert mg.Answer.of(mean).upper == 0
    assert "zero on every state" in mean.method


def test_several_classes_need_a_start():
    with pytest.raises(mg.InvalidInput, match="2 recurrent classes"):
        lived_in(chains.two_periods(), None)
