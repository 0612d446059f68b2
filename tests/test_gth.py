"""Elimination without subtraction: equations, exact fractions, and its a-priori bound."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.scaled import ScaledArray, to_fraction, widen
from markovgpt.solvers.gth import PANEL, eliminate, stationary_vector


def random_system(n, seed, spread=0.0):
    """Weights of n live states with exits; entries down to 10**-spread, some of them zero."""
    generator = np.random.default_rng(seed)
    weights = generator.random((n, n)) * 10.0 ** -(spread * generator.random((n, n)))
    weights[generator.random((n, n)) < 0.3] = 0.0
    return weights, generator.random(n) * 10.0 ** -(spread * generator.random(n))


def exact_solutions(weights, exits, right):
    """The column and the row solution in fractions."""
    n = len(exits)
    a = [[Fraction(float(weights[i, j])) for j in range(n)] for i in range(n)]
    out = [Fraction(float(exits[i])) + sum(a[i][j] for j in range(n) if j != i) for i in range(n)]
    matrix = [[out[i] if i == j else -a[i][j] for j in range(n)] for i in range(n)]
    transposed = [list(column) for column in zip(*matrix, strict=True)]
    b = [Fraction(float(entry)) for entry in right]
    return oracles.solve(matrix, b), oracles.solve(transposed, b)


def assert_within_bound(computed, exact, roundings):
    low, high = widen(computed, roundings)
    for m, e, mm, ee, x in zip(low.mantissa, low.exponent, high.mantissa, high.exponent, exact, strict=True):
        assert to_fraction(float(m), int(e)) <= x <= to_fraction(float(mm), int(ee))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 7), st.integers(0, 10**6), st.sampled_from([0.0, 3.0, 30.0, 300.0]))
def test_both_solutions_are_within_the_a_priori_bound(n, seed, spread):
    weights, exits = random_system(n, seed, spread)
    right = np.random.default_rng(seed + 1).random(n)
    done = eliminate(weights, exits)
    column, row = exact_solutions(weights, exits, right)
    assert_within_bound(done.harmonic(ScaledArray.of(right)), column, done.roundings)
    assert_within_bound(done.occupation(ScaledArray.of(right)), row, done.roundings)


def test_the_bound_is_small_and_counts_what_its_text_says():
    n = 5
    weights, exits = random_system(n, 1)
    assert eliminate(weights, exits).roundings == 5 * n * (n + 2) + n * (n + 9) // 2


@pytest.mark.parametrize("n", [PANEL - 1, PANEL, PANEL + 1, 3 * PANEL + 5])
def test_panels_solve_the_same_equations(n):
    weights, exits = random_system(n, n)
    np.fill_diagonal(weights, 0.0)
    matrix = np.diag(exits + weights.sum(axis=1)) - weights
    right = np.random.default_rng(n).random(n)
    done = eliminate(weights, exits)
    assert done.harmonic(ScaledArray.of(right)).to_float() == pytest.approx(np.linalg.solve(matrix, right), rel=1e-11)
    assert done.occupation(ScaledArray.of(right)).to_float() == pytest.approx(
        np.linalg.solve(matrix.T, right), rel=1e-11
    )


def test_a_large_scaled_system_solves_the_same_equations_as_in_doubles():
    weights, exits = random_system(PANEL + 9, 4)
    right = ScaledArray.of(np.ones(PANEL + 9))
    doubles = eliminate(weights, exits).harmonic(right)
    beyond = eliminate(ScaledArray.of(weights), ScaledArray.of(exits)).harmonic(right)
    assert (doubles / beyond).to_float() == pytest.approx(1, abs=1e-12)


def test_products_that_leave_the_doubles_are_kept():
    # a path 0 -> 1 -> ... -> 5 -> out of weights 1e-200, back to 0 with 1: out is reached with 1e-1200 a round
    n = 6
    weights = np.zeros((n, n))
    exits = np.zeros(n)
    for state in range(n):
        weights[state, 0] += 1.0 if state else 0.0
        if state + 1 < n:
            weights[state, state + 1] = 1e-200
    exits[n - 1] = 1e-200
    weights[0, 1] = 1.0
    time = eliminate(weights, exits).harmonic(ScaledArray.of(np.ones(n)))
    assert time.log10()[0] == pytest.approx(
        1000 + np.log10(2), abs=1e-9
    )  # five rungs of 1e-200, each round is two steps


def test_a_path_lost_to_underflow_in_doubles_is_found():
    # 0 -> 2 -> 1 with 1e-200 each, every state else ends: in doubles the product would be 0 and nobody would notice
    weights = np.array([[0.0, 0.0, 1e-200], [0.0, 0.0, 0.0], [0.0, 1e-200, 0.0]])
    at_one = eliminate(weights, np.ones(3)).harmonic(ScaledArray.of([0.0, 1.0, 0.0]))
    assert at_one.log10() == pytest.approx([-400, 0, -200], abs=1e-12)


def test_a_self_loop_is_never_read():
    weights, exits = random_system(4, 2)
    other = weights + np.diag([5.0, 0.1, 1e300, 7.0])
    right = ScaledArray.of(np.ones(4))
    same = eliminate(weights, exits).harmonic(right), eliminate(other, exits).harmonic(right)
    assert same[0].to_float().tolist() == same[1].to_float().tolist()


def test_a_state_without_a_way_out_is_refused():
    with pytest.raises(mg.InvalidInput, match="every live state must be able to reach an end"):
        eliminate(np.array([[0.0, 0.0], [0.5, 0.0]]), np.array([0.0, 0.5]))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 8), st.integers(0, 10**6), st.sampled_from([0.0, 30.0, 300.0]), st.booleans())
def test_stationary_vectors_are_the_exact_ones(n, seed, spread, scaled):
    weights, _ = random_system(n, seed, spread)
    weights[np.arange(n), np.arange(1, n + 1) % n] += 1e-3  # a way around
    a = [[Fraction(float(entry)) for entry in row] for row in weights]
    out = [sum(entry for j, entry in enumerate(row) if j != i) for i, row in enumerate(a)]
    balance = [[out[i] if i == j else -a[j][i] for j in range(n)] for i in range(n)]
    balance[-1] = [Fraction(1)] * n
    exact = oracles.solve(balance, [Fraction(0)] * (n - 1) + [Fraction(1)])
    found = ScaledArray.of(stationary_vector(ScaledArray.of(weights) if scaled else weights))
    for m, e, true in zip(found.mantissa, found.exponent, exact, strict=True):
        assert abs(to_fraction(float(m), int(e)) - true) <= true * Fraction(1, 10**13)


def test_a_stationary_vector_of_doubles_stays_one_and_what_is_given_stays_as_it_is():
    weights = np.random.default_rng(3).random((40, 40))
    given = weights.copy()
    found = stationary_vector(weights)
    assert isinstance(found, np.ndarray)
    assert found @ weights == pytest.approx(found * weights.sum(axis=1), rel=1e-12)
    assert (found.sum(), weights.tolist()) == (pytest.approx(1, rel=1e-14), given.tolist())


def test_shares_below_the_doubles_are_kept_and_the_diagonal_is_not_read():
    # 0 -> 1 -> 2 with 1e-200 each, back with 1: shares 1, 1e-200, 1e-400
    weights = np.array([[7.0, 1e-200, 0.0], [1.0, 1e300, 1e-200], [0.0, 1.0, 0.0]])
    assert stationary_vector(weights).log10() == pytest.approx([0, -200, -400], abs=1e-12)


def test_a_chain_that_does_not_lead_everywhere_has_no_stationary_vector():
    with pytest.raises(mg.InvalidInput, match="every live state must be able to reach an end"):
        stationary_vector(np.array([[0.0, 0.5, 0.5], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))


def test_shares_that_leave_the_doubles_step_by_step_are_kept():
    # up with 1e-100, down with 1: each weight is an ordinary one, the shares 1, 1e-100, ..., 1e-400 are not
    weights = np.diag([1e-100] * 4, 1) + np.diag([1.0] * 4, -1)
    found = ScaledArray.of(stationary_vector(weights))
    assert found.log10() == pytest.approx([0, -100, -200, -300, -400], abs=1e-12)
