"""Ways to all states against exact fractions, and in both arithmetics."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.scaled import ScaledArray, to_fraction
from markovgpt.solvers.gth import PANEL
from markovgpt.solvers.halving import ways_to_all


@st.composite
def systems(draw):
    """Weights that lead from each state to all, with zeros and sizes down to 1e-100."""
    n = draw(st.integers(1, 7))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    sizes = 10.0 ** -random.choice(draw(st.sampled_from([[0], [0, 3, 12], [0, 30, 100]])), size=(n, n))
    weights = random.integers(1, 1000, size=(n, n)) * sizes * (random.random((n, n)) < 0.5)
    weights[np.arange(n), (np.arange(n) + 1) % n] += random.random(n)  # a cycle through all
    return weights, random.random(n) + 0.1, draw(st.integers(0, n - 1))


def exactly(weights, costs, start):
    """Costs of coming to each state and back to it, in fractions: h = b / out + sum_j a_j h_j / out."""
    n = len(costs)
    a = [
        [Fraction(float(entry)) if i != j else Fraction(0) for j, entry in enumerate(row)]
        for i, row in enumerate(weights)
    ]
    b = [Fraction(float(cost)) for cost in costs]
    arriving, returning = [], []
    for end in range(n):
        rest = [i for i in range(n) if i != end]
        matrix = [[sum(a[i]) * (i == j) - a[i][j] for j in rest] for i in rest]
        way = dict(zip(rest, oracles.solve(matrix, [b[i] for i in rest]), strict=True)) | {end: Fraction(0)}
        arriving.append(way[start])
        returning.append(b[end] + sum(a[end][j] * way[j] for j in rest))
    return arriving, returning


def assert_within(found, exact, roundings):
    for mantissa, exponent, number in zip(found.mantissa, found.exponent, exact, strict=True):
        if number == 0:
            assert mantissa == 0
            continue
        off = abs(to_fraction(float(mantissa), int(exponent)) / number - 1)
        assert off <= Fraction(roundings, 2**53)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(systems(), st.booleans())
def test_ways_are_the_exact_ones_within_the_bound(system, scaled):
    weights, costs, start = system
    found = ways_to_all(ScaledArray.of(weights) if scaled else weights, costs, start)
    arriving, returning = exactly(*system)
    assert_within(found.arriving, arriving, found.roundings)
    assert_within(found.returning, returning, found.roundings)


@pytest.mark.parametrize("n", [PANEL + 1, 2 * PANEL + 1, 150])
def test_more_states_than_a_panel_are_those_of_dense_linear_algebra(n):
    random = np.random.default_rng(n)
    weights, costs, start = random.random((n, n)) ** 4, random.random(n) + 0.1, n // 3
    found = ways_to_all(weights, costs, start)
    out = weights.sum(axis=1) - weights.diagonal()
    for end in (0, start, n - 1):
        rest = np.arange(n) != end
        matrix = np.diag(out) - (weights - np.diag(weights.diagonal()))
        way = np.zeros(n)
        way[rest] = np.linalg.solve(matrix[np.ix_(rest, rest)], costs[rest])
        assert found.arriving.to_float()[end] == pytest.approx(way[start], rel=1e-11)
        assert found.returning.to_float()[end] == pytest.approx(costs[end] + weights[end] @ way, rel=1e-11)


def test_one_state_is_there_already():
    found = ways_to_all(np.array([[1.0]]), np.array([2.0]), 0)
    assert (found.arriving.to_float().tolist(), found.returning.to_float().tolist()) == ([0.0], [2.0])


def test_ways_beyond_the_doubles_have_logarithms():
    # 0 -> 1 -> 2 with 1e-200 each, else back to 0: 2 is reached after 1e400 steps
    e = 1e-200
    found = ways_to_all(np.array([[1, e, 0], [1, 0, e], [1, 0, 0]]), np.ones(3), 0)
    assert found.arriving.log10()[1:] == pytest.approx([200, 400], abs=1e-12)
    assert found.returning.log10() == pytest.approx([0, 200, 400], abs=1e-12)


def test_the_arguments_stay_as_they_are():
    weights, costs = np.array([[0.5, 0.5], [0.25, 0.75]]), np.ones(2)
    ways_to_all(weights, costs, 1)
    assert (weights.tolist(), costs.tolist()) == ([[0.5, 0.5], [0.25, 0.75]], [1, 1])
