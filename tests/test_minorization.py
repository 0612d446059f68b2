"""Bounds from what all windows lead to: they hold the exact distribution, or there are none."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.result import Answer
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.iterative import width
from markovgpt.solvers.minorization import enclose_by_minorization

SHAPES = [(2, 1), (2, 2), (2, 3), (3, 2), (4, 1)]


def drawn(shape, prefixes, seed, spread=1.0):
    """A chain in which every token can follow, and its exact stationary distribution."""
    space = mg.StateSpace(*shape, with_prefixes=prefixes)
    weights = np.exp(np.random.default_rng(seed).normal(size=(space.n_states, space.vocab_size)) * spread)
    chain = mg.WindowChain(space, weights / weights.sum(axis=1, keepdims=True))
    return chain, exact_of(chain)


def exact_of(chain):
    """The stationary distribution of the full windows as fractions, 0 on shorter ones."""
    full = list(range(chain.level(chain.space.context_length).start, chain.n_states))
    return [Fraction(0)] * full[0] + oracles.stationary(oracles.exact_windows(chain), full)


def as_doubles(exact):
    return np.array([float(share) for share in exact])


def assert_holds(enclosure, exact):
    for low, share, high in zip(enclosure.lower.tolist(), exact, enclosure.upper.tolist(), strict=True):
        assert Fraction(low) <= share <= Fraction(high)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.booleans(), st.integers(0, 10**6), st.sampled_from([0.3, 1.0, 3.0]))
def test_bounds_hold_the_exact_distribution_and_are_narrow(shape, prefixes, seed, spread):
    chain, exact = drawn(shape, prefixes, seed, spread)
    found = enclose_by_minorization(chain, as_doubles(exact))
    if spread < 3:
        assert found is not None
        assert width(found) < 1e-9
    if found is not None:
        assert_holds(found, exact)
        for state in np.flatnonzero(as_doubles(exact)):
            oracles.assert_encloses(Answer.of(found), exact[state], state)
        assert found.method == f"suffix multigrid, bounded by what all windows lead to in {shape[1]} steps"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.sampled_from(SHAPES),
    st.integers(0, 10**6),
    st.sampled_from([1e-12, 1e-6, 1e-3, 0.03, 0.3]),
    st.sampled_from([1e-5, 1.0, 1e5]),
)
def test_bounds_hold_however_far_off_the_vector_is_and_whatever_its_sum(shape, seed, off, size):
    chain, exact = drawn(shape, prefixes=False, seed=seed, spread=0.5)
    noise = 1 + off * np.random.default_rng(seed + 1).uniform(-1, 1, len(exact))
    found = enclose_by_minorization(chain, as_doubles(exact) * noise * size)
    if found is not None:
        assert isinstance(found, Enclosure)
        assert_holds(found, exact)
        assert float(found.value.sum()) == pytest.approx(1, rel=1e-13)
        assert width(found) > off / 1000  # no narrower than what is wrong with it


def test_half_a_percent_off_makes_bounds_of_percents():
    chain, exact = drawn((2, 3), prefixes=True, seed=4, spread=0.3)
    found = enclose_by_minorization(chain, as_doubles(exact) * (1 + 0.005 * np.sin(np.arange(len(exact)))))
    assert found is not None
    assert 0.01 < width(found) < 1
    assert_holds(found, exact)


def test_the_formula_on_two_tokens():
    # each token follows with 1/2: F = 1/4, x = 1/4, so c s = 1 and the bounds are those of rounding alone
    chain = mg.WindowChain(mg.StateSpace(2, 2), np.full((4, 2), 0.5))
    found = enclose_by_minorization(chain, np.full(4, 0.25))
    assert width(found) < 1e-13
    assert_holds(found, [Fraction(1, 4)] * 4)


def test_an_impossible_token_leaves_nothing_to_say():
    rows = np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])  # 10 is followed by 0 alone
    chain = mg.WindowChain(mg.StateSpace(2, 2), rows)
    x = as_doubles(exact_of(chain))
    assert (x > 0).all()
    assert enclose_by_minorization(chain, x) is None
    assert enclose_by_minorization(chain, np.array([0.5, 0.25, 0.25, 0.0])) is None


@pytest.mark.parametrize("chance", [1e-9, 1e-15, 1e-17, 1e-160])
def test_rarely_left_windows_leave_less_to_say_and_then_nothing(chance):
    # 00 and 11 repeat but for a chance: from 00 only chance**2 comes to 11 in two steps
    rows = np.array([[1 - chance, chance], [0.5, 0.5], [0.5, 0.5], [chance, 1 - chance]])
    chain = mg.WindowChain(mg.StateSpace(2, 2), rows)
    exact = exact_of(chain)
    found = enclose_by_minorization(chain, as_doubles(exact))
    assert (found is None) == (chance < 1e-14)
    if found is not None:
        assert_holds(found, exact)
        assert 1e-7 < width(found) < 1e-4


def test_vectors_that_are_far_off_or_beyond_the_doubles_say_nothing():
    chain, exact = drawn((2, 3), prefixes=False, seed=1)
    x = as_doubles(exact)
    assert enclose_by_minorization(chain, ScaledArray.of(x)) is None
    for far in (1e-200, 1e-290, 1e-302):  # one entry far too small: its defect is the reciprocal
        assert enclose_by_minorization(chain, np.where(np.arange(8) == 3, far, x)) is None
    scaled = mg.WindowChain(chain.space, ScaledArray.of(chain.next_token_probs))
    assert enclose_by_minorization(scaled, x) is None
