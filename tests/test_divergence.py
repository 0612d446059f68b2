"""Differences of rows, against 60-digit logarithms of exact fractions."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import exact_rows
from random_chains import drawn_chain, matrices

import markovgpt as mg
from markovgpt.analysis.divergence import row_divergence


def exact_kl(p, q):
    """KL of two rows of fractions, without infinite terms: sum p log(p/q) - p + q, to 60 digits."""
    with mpmath.workdps(150):
        return mpmath.fsum(exact_term(a, b) for a, b in zip(p, q, strict=True) if b)


def exact_term(p, q):
    """p log(p/q) - p + q for q > 0."""
    if not p:
        return as_mpf(q)
    gap = as_mpf((p - q) / q)
    if abs(gap) < mpmath.mpf(10) ** -60:
        return as_mpf(q) * gap**2 / 2  # the next term is 1e-60 of it
    logarithm = mpmath.log(as_mpf(p / q)) if 2 * p < q else mpmath.log1p(gap)
    return as_mpf(q) * (as_mpf(p / q) * logarithm - gap)


def as_mpf(fraction):
    """A fraction to as many digits as are in use."""
    return mpmath.mpf(fraction.numerator) / fraction.denominator


def number(values, place):
    """One number of an array, exactly."""
    scaled = mg.ScaledArray.of(values)
    return mpmath.ldexp(mpmath.mpf(float(scaled.mantissa[place])), int(max(scaled.exponent[place], -(10**8))))


def assert_rows(found, rows_p, rows_q):
    """Every bound holds."""
    with mpmath.workdps(150):
        for place, (p, q) in enumerate(zip(rows_p, rows_q, strict=True)):
            for enclosure, exact in ((found.kl, exact_kl(p, q)), (found.kl_back, exact_kl(q, p))):
                low, value, high = (number(getattr(enclosure, part), place) for part in ("lower", "value", "upper"))
                assert low <= exact <= high
                assert low <= value <= high
                # an ulp of each probability moves the sum by about the root of it
                assert high - low <= mpmath.mpf(10) ** -12 * (exact + mpmath.sqrt(exact)) + mpmath.mpf(10) ** -26
            total = sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2
            varied = found.total_variation
            assert varied.lower[place] <= total <= varied.upper[place]
            assert found.n_gained[place] == sum(a == 0 and b > 0 for a, b in zip(p, q, strict=True))
            assert found.n_lost[place] == sum(b == 0 and a > 0 for a, b in zip(p, q, strict=True))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(matrices(), st.integers(0, 10**6), st.sampled_from([1.0, 1e-2, 1e-6, 1e-9, 1e-13]))
def test_rows_nearly_or_quite_different_have_their_divergence(matrix, seed, size):
    random = np.random.default_rng(seed)
    other = matrix * np.exp(size * random.normal(size=matrix.shape))
    if size == 1.0 and len(matrix) > 1:
        other[0] = random.permutation(other[0])
    other /= other.sum(axis=1, keepdims=True)
    pair = [mg.SparseChain.from_matrix(part) for part in (matrix, other)]
    assert_rows(row_divergence(*pair), exact_rows(matrix), exact_rows(other))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.sampled_from(["cold", "truncated", "zeros", "periodic", "scaled"]),
    st.sampled_from(["cold", "truncated", "zeros", "periodic", "scaled"]),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_windows_of_any_kind_have_their_divergence(one, two, prefixes, seed):
    space = mg.StateSpace(3, 2, with_prefixes=prefixes)
    pair = drawn_chain(space, one, seed), drawn_chain(space, two, seed + 1)
    rows = [exact_rows(chain.next_token_probs) for chain in pair]
    assert_rows(row_divergence(*pair), *rows)


def test_by_hand():
    # P = (1/2, 1/2), Q = (1/4, 3/4): KL = 1/2 log 2 + 1/2 log 2/3, back = 1/4 log 1/2 + 3/4 log 3/2, TV = 1/4
    one = mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    two = mg.SparseChain.from_matrix([[0.25, 0.75], [0.5, 0.5]])
    found = row_divergence(one, two)
    assert found.kl.value[0] == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3), rel=1e-13)
    assert found.kl_back.value[0] == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5), rel=1e-13)
    assert found.total_variation.value.tolist() == [0.25, 0.0]
    assert found.same.tolist() == [False, True]
    assert (found.kl.upper[1], found.total_variation.upper[1]) == (0.0, 0.0)


def test_gained_and_lost_transitions_are_counted_and_shown():
    one = mg.SparseChain.from_matrix([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    two = mg.SparseChain.from_matrix([[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]])
    found = row_divergence(one, two)
    assert (found.n_gained.tolist(), found.n_lost.tolist()) == ([1, 0, 1], [1, 0, 0])
    assert (found.gained.tolist(), found.lost.tolist()) == ([[0, 2], [2, 0]], [[0, 1]])
    assert not found.identical


def test_a_row_that_was_moved_by_an_ulp_is_not_called_the_same():
    table = np.full((2, 2), 0.5)
    other = table.copy()
    other[0, 0] = np.nextafter(0.5, 1)
    space = mg.StateSpace(2, 1)
    found = row_divergence(mg.WindowChain(space, table), mg.WindowChain(space, other))
    assert found.same.tolist() == [False, True]
    exact = exact_kl([Fraction(1, 2)] * 2, exact_rows(other)[0])
    assert mpmath.mpf(found.kl.lower[0]) <= exact <= mpmath.mpf(found.kl.upper[0])
    assert found.kl.upper[0] < 1e-25


def test_identical_chains_do_not_differ_by_proof():
    chain = drawn_chain(mg.StateSpace(3, 2), "cold", 3)
    found = row_divergence(chain, chain)
    assert found.identical
    for part in (found.kl, found.kl_back, found.total_variation):
        assert not mg.ScaledArray.of(part.upper).positive().any()


def test_what_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100)
    one = mg.SparseChain.from_matrix([[1.0]])
    with pytest.raises(mg.TooLarge, match="differences between 1 states need 200 bytes"):
        row_divergence(one, one)
