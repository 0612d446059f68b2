"""Powers of a matrix against powers of fractions, and the bounds of |lambda_2| against eigenvalues known by hand."""

import math
from fractions import Fraction

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.errors import TooLarge
from markovgpt.solvers.dense_powers import DensePowers, norm_of


def powers_of(chain):
    """The powers of a chain with one long run."""
    return DensePowers.of(chain, mg.stationary_distributions(chain).only().enclosure)


def product(left, right):
    """The product of two matrices of fractions."""
    columns = list(zip(*right, strict=True))
    return [[sum(x * y for x, y in zip(row, column, strict=True)) for column in columns] for row in left]


def exactly(number):
    """A scaled number as a fraction."""
    return Fraction(float(number.mantissa)) * Fraction(2) ** int(number.exponent) if number.mantissa else Fraction(0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices(largest=4), st.integers(0, 4), st.integers(0, 4))
def test_powers_are_within_their_error_of_the_exact_ones(matrix, first, second):
    chain = mg.SparseChain.from_matrix(matrix)
    classes = mg.recurrent_classes(chain)
    if len(classes) > 1:
        return
    rows = oracles.exact_rows(matrix)
    states = classes[0].tolist()
    share = dict(zip(states, oracles.stationary(rows, states), strict=True))
    lived = [share.get(i, Fraction(0)) for i in range(len(rows))]
    powers = powers_of(chain)
    found = powers.times(powers.times(powers.begin(), powers.square(first)), powers.square(second))
    squares = [rows]
    for _ in range(4):
        squares.append(product(squares[-1], squares[-1]))
    exact = [[x - p for x, p in zip(row, lived, strict=True)] for row in product(squares[first], squares[second])]
    assert found.steps == 2**first + 2**second
    unit = Fraction(2) ** found.scale
    off = max(
        sum(abs(Fraction(float(y)) * unit - x) for x, y in zip(row, own, strict=True))
        for row, own in zip(exact, found.matrix, strict=True)
    )
    assert off <= Fraction(found.error) * unit
    assert math.ldexp(found.error, found.scale) < 1e-11
    distance = max(sum(map(abs, row)) for row in exact) / 2
    lower, upper = found.distances()
    assert exactly(lower) <= distance <= exactly(upper)


@pytest.mark.parametrize("a", [0.5, 0.1, 1e-3, 1e-6, 1e-9, 1e-12])
@pytest.mark.parametrize("b", [0.25, 1e-3])
def test_two_states_have_1_minus_a_minus_b(a, b):
    a, b = a * 0.99, b * a
    low, high = powers_of(mg.SparseChain.from_matrix([[1 - a, a], [b, 1 - b]])).log_modulus()
    gap = Fraction(a) / (Fraction(1 - a) + Fraction(a)) + Fraction(b) / (Fraction(1 - b) + Fraction(b))
    assert -math.expm1(high) <= float(gap) <= -math.expm1(low)
    if gap > 1e-8:
        assert (high - low) / float(gap) < 2e-3


@pytest.mark.parametrize("coupling", [1e-3, 1e-6, 1e-9, 1e-11, 1e-13])
def test_nearly_uncoupled_pairs_are_resolved(coupling):
    # aggregated: out of A with c pi0 / piA = c / 3, out of B with 3c pi2 / piB = 2c: the gap is 7c/3 (1 + O(c))
    low, high = powers_of(chains.nearly_uncoupled(coupling)).log_modulus()
    gap = 7 * coupling / 3
    assert -math.expm1(high) <= gap * (1 + 10 * coupling)
    assert gap * (1 - 10 * coupling) <= -math.expm1(low)
    if coupling > 1e-10:
        assert (high - low) / gap < 0.05


def test_complex_and_negative_eigenvalues_are_enclosed():
    # a lazy walk round 5 states: (1 + w) / 2, of modulus cos(pi / 5) = 0.809...
    turning = np.roll(np.eye(5), 1, axis=1)
    low, high = powers_of(mg.SparseChain.from_matrix((np.eye(5) + turning) / 2)).log_modulus()
    assert low <= math.log(math.cos(math.pi / 5)) <= high
    assert high - low < 1e-4
    low, high = powers_of(mg.SparseChain.from_matrix([[0.25, 0.75], [0.75, 0.25]])).log_modulus()
    assert low <= math.log(0.5) <= high
    assert high - low < 1e-5


def test_what_is_forgotten_at_once_has_no_second_eigenvalue():
    low, high = powers_of(chains.uniform_windows(2, 3)).log_modulus()
    assert low == -math.inf or low < math.log(1e-3)
    assert high < math.log(1e-3)


def test_a_chain_too_slow_for_doubles_proves_nothing():
    high = powers_of(mg.SparseChain.from_matrix([[1 - 1e-16, 1e-16], [1e-17, 1]])).log_modulus()[1]
    assert -math.expm1(min(high, 0)) < 1e-14


def test_powers_far_below_the_doubles_keep_an_exponent():
    powers = powers_of(mg.SparseChain.from_matrix([[0.75, 0.25], [0.25, 0.75]]))
    power = powers.times(powers.begin(), powers.square(12))
    for bound in power.distances():
        assert float(bound.log10()) == pytest.approx(-4097 * math.log10(2), abs=1e-3)  # 2**-4096 / 2


def test_rows_are_followed_alone():
    powers = powers_of(mg.SparseChain.from_matrix([[0.75, 0.25], [0.25, 0.75]]))
    begun = powers.begin(np.array([[0.5, 0.5]]))
    assert float(begun.distances()[1].to_float()) < 1e-12
    assert powers.times(begun, powers.square(1)).matrix.shape == (1, 2)


def test_the_norm_is_the_largest_row_sum_of_absolute_values():
    assert norm_of(np.array([[1.0, -2.0], [0.5, 0.25]])) == pytest.approx(3)


def test_what_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10_000)
    with pytest.raises(TooLarge, match=r"powers of 14 x 14 probabilities need .* give one start"):
        DensePowers.of(mg.SparseChain.from_matrix(np.full((14, 14), 1 / 14)), None)
