"""The effective number of states against values by hand, 60-digit logarithms, and its own bounds."""

from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis.effective import effective_number, effective_states
from markovgpt.analysis.result import Answer
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure


def perplexity(shares):
    """exp of the entropy of fractions, in 60 digits."""
    with mpmath.workdps(60):
        numbers = [mpmath.mpf(p.numerator) / p.denominator for p in map(Fraction, shares) if p]
        return mpmath.exp(-mpmath.fsum(p * mpmath.log(p) for p in numbers))


def known(*shares):
    """A distribution without an error."""
    return Enclosure(*[np.array(shares, dtype=float)] * 3, 0.0, "known")


def test_three_in_turn_are_three():
    found = effective_states(mg.SparseChain.from_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]]))
    assert found.lower <= 3 <= found.upper
    assert found.upper - found.lower < 1e-10


def test_one_that_is_never_left_is_one_by_proof():
    found = effective_states(mg.SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]))
    assert (found.lower, found.value, found.upper) == (1, 1, 1)


def test_a_start_decides_between_classes():
    chain = mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    # 1/2 at 1, a quarter at each of 2 and 3: 2^(1/2 + 1/2 + 1/2)
    assert effective_states(chain, start=0).value == pytest.approx(2**1.5, rel=1e-12)
    assert effective_states(chain, start=2).value == pytest.approx(2, rel=1e-12)
    with pytest.raises(mg.InvalidInput, match="2 recurrent classes"):
        effective_states(chain)


def test_bounds_hold_where_the_top_lies_inside():
    # -x log x is largest at 1/e = 0.3679: between 0.3 and 0.5 it reaches it, though it is less at both ends
    wide = replace(known(0.4), lower=np.array([0.3]), upper=np.array([0.5]))
    found = effective_number(Answer.of(wide))
    assert found.upper == pytest.approx(np.exp(np.exp(-1)), rel=1e-9)
    assert found.lower == pytest.approx(np.exp(0.5 * np.log(2)), rel=1e-9)


def test_bounds_hold_on_the_side_that_rises():
    # e^(-x log x) is 10^(1/10) at 1/10 and 5^(1/5) at 1/5, both below 1/e
    rising = replace(known(0.15), lower=np.array([0.1]), upper=np.array([0.2]))
    found = effective_number(Answer.of(rising))
    assert (found.lower, found.upper) == (pytest.approx(10**0.1, rel=1e-9), pytest.approx(5**0.2, rel=1e-9))


def test_shares_below_the_doubles_count():
    shares = ScaledArray(np.array([0.5, 0.5, 0.5]), np.array([0, 0, -3000]))
    found = effective_number(Answer.of(Enclosure(shares, shares, shares, 0.0, "known")))
    assert found.lower <= 2 <= found.upper
    assert found.value == pytest.approx(2, rel=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices())
def test_it_holds_the_exact_number(matrix):
    chain = mg.SparseChain.from_matrix(matrix)
    for states in mg.recurrent_classes(chain):
        exact = perplexity(oracles.stationary(oracles.exact_rows(matrix), states.tolist()))
        found = effective_states(chain, start=int(states[0]))
        assert found.lower <= exact <= found.upper
        assert found.value == pytest.approx(float(exact), rel=1e-9)
