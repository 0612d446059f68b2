"""A certificate holds the exact solution or says nothing, whatever solution it is given."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.scaled import ScaledArray, to_fraction
from markovgpt.solvers.certificate import Enclosure, at_most_one, enclose, intersect, mean_over, relative_defect


def fixed_point(n, seed):
    """M >= 0 with row sums below 1 and b >= 0, the exact solution of x = M x + b, and the map z -> M z + b."""
    generator = np.random.default_rng(seed)
    matrix = generator.random((n, n)) / n * generator.choice([0.5, 0.9, 0.999])
    right = generator.random(n) * (generator.random(n) < 0.5)
    right[0] = 0.25
    rows = [[Fraction(int(i == j)) - Fraction(float(matrix[i, j])) for j in range(n)] for i in range(n)]
    exact = oracles.solve(rows, [Fraction(float(b)) for b in right])

    def apply(z):
        return (ScaledArray.of(matrix) * z[None, :]).sum(axis=1) + ScaledArray.of(right)

    def inverse(b):
        return ScaledArray.of(np.linalg.solve(np.eye(n) - matrix, b))

    return apply, inverse, np.array([float(x) for x in exact]), exact, right


def holds(bounds, exact):
    """Whether bounds hold the exact solution, compared exactly."""
    low, high = bounds
    pairs = zip(low.mantissa, low.exponent, high.mantissa, high.exponent, exact, strict=True)
    return all(to_fraction(float(a), int(b)) <= x <= to_fraction(float(c), int(d)) for a, b, c, d, x in pairs)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_a_good_solution_is_certified_tightly(n, seed):
    apply, inverse, solution, exact, _ = fixed_point(n, seed)
    bounds = enclose(apply, ScaledArray.of(solution), inverse(solution), n + 2)
    assert bounds is not None
    assert holds(bounds, exact)
    assert ((bounds[1] / bounds[0]).to_float() - 1).max() < 1e-9


FAULTS = {
    "a wrong sign": lambda y: y * (1 - 2e-3 * np.sin(np.arange(len(y)) + 1)),
    "a stale entry": lambda y: np.where(np.arange(len(y)) == 0, y * 1.5, y),
    "an early stop": lambda y: y * 0.9,
    "one digit": lambda y: y * (1 + 1e-9),
    "a lost entry": lambda y: np.where(np.arange(len(y)) == 0, y * 1e-12, y),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", range(20))
def test_a_faulty_solution_is_never_certified_wrongly(fault, seed):
    apply, inverse, solution, exact, _ = fixed_point(4, seed)
    faulty = FAULTS[fault](solution)
    bounds = enclose(apply, ScaledArray.of(faulty), inverse(faulty), 6)
    assert bounds is None or holds(bounds, exact)


@pytest.mark.parametrize("factor", [0.0, 0.1, 0.4])
def test_a_correction_that_is_too_small_certifies_nothing(factor):
    apply, inverse, solution, exact, _ = fixed_point(4, 3)
    bounds = enclose(apply, ScaledArray.of(solution), inverse(solution) * factor, 6)
    assert bounds is None or holds(bounds, exact)
    assert factor or bounds is None


def test_the_defect_is_the_largest_relative_one():
    y = ScaledArray.of([2.0, 0.0, 4.0])
    assert relative_defect(ScaledArray.of([2.0, 5.0, 5.0]), y) == 0.25
    assert relative_defect(y, ScaledArray.zeros(3)) == 0.0


def test_the_tighter_of_two_bounds_is_taken_entry_by_entry():
    first = ScaledArray.of([1.0, 2.0]), ScaledArray.of([4.0, 3.0])
    second = ScaledArray.of([2.0, 1.0]), ScaledArray.of([3.0, 5.0])
    lower, upper = intersect(first, second)
    assert (lower.to_float().tolist(), upper.to_float().tolist()) == ([2.0, 2.0], [3.0, 3.0])


def test_probabilities_are_capped_at_one_and_times_are_not():
    high = ScaledArray.of(np.array([0.5, 1.5]))
    capped = at_most_one(Enclosure(high, high, high, 0.0, ""))
    assert (capped.value.to_float().tolist(), capped.upper.to_float().tolist()) == ([0.5, 1.0], [0.5, 1.0])


def test_a_mean_over_a_start_encloses_the_exact_mean():
    parts = ScaledArray.of(np.array([0.1, 0.7, 0.3]))
    start = np.array([0.25, 0.5, 0.25])
    mean = mean_over(start, Enclosure(parts, parts, parts, 0.0, ""))
    exact = sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(start, (0.1, 0.7, 0.3), strict=True))
    low, high = (to_fraction(float(part.mantissa), int(part.exponent)) for part in (mean.lower, mean.upper))
    assert low <= exact <= high
    assert high / low < 1 + Fraction(1, 10**14)


@pytest.mark.parametrize("side", [+1, -1])
def test_each_bound_is_put_to_its_own_test(side):
    # x = x / 2 + 1, but on one side of the solution 2 a step leads further away than a bound can be
    def apply(z):
        return z * 0.5 + 1 + side * 1e-9 * (side * z > side * 2.0)

    assert enclose(lambda z: z * 0.5 + 1, np.array([2.0]), np.array([4.0]), 2) is not None
    assert enclose(apply, np.array([2.0]), np.array([4.0]), 2) is None
