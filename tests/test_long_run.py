"""The share of time spent in some states: several classes, periods, and what the support decides."""

from fractions import Fraction

import numpy as np
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import assert_encloses, exact_rows, hitting, leads_to, stationary
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.analysis.long_run import long_run_probability, never_left


def closed_classes(rows):
    """The recurrent classes: a state is in one if whatever it leads to leads back to it."""
    n = len(rows)
    after = [{j for j in range(n) if i in leads_to(rows, {j}, set(range(n)))} for i in range(n)]
    return sorted({tuple(sorted(after[i])) for i in range(n) if all(i in after[j] for j in after[i])})


def exact_share(rows, target):
    """sum_C P_i(end in C) pi_C(target), in fractions."""
    shares = [Fraction(0)] * len(rows)
    for states in closed_classes(rows):
        inside = sum(p for i, p in zip(states, stationary(rows, states), strict=True) if i in target)
        for i, ends in enumerate(hitting(rows, states)):
            shares[i] += ends * inside
    return shares


def test_two_cycles_of_different_periods_are_weighed_by_where_the_walk_ends():
    # 1/4 ends in the cycle 1-2, 3/4 in 3-4-5: state 2 has 1/4 * 1/2, states 3 and 4 have 3/4 * 2/3
    found = long_run_probability(chains.two_periods(), [2, 3, 4], start=0)
    assert_encloses(found, Fraction(1, 8) + Fraction(1, 2))
    assert found.upper - found.lower < 1e-12
    assert_encloses(long_run_probability(chains.two_periods(), [2, 3, 4]), Fraction(1, 2), place=1)


def test_the_support_decides_what_is_sure_and_what_is_impossible():
    trap = chains.trap()
    for target, expected in (([0], 0), ([1, 2], 1), ([0, 1, 2], 1)):
        found = long_run_probability(trap, target, start=0)
        assert found.lower == found.value == found.upper == expected
    everywhere = long_run_probability(trap, [2])
    assert everywhere.lower[[1, 2]].tolist() == everywhere.upper[[1, 2]].tolist() == [0, 1]
    assert long_run_probability(trap, [0]).upper.tolist() == [0, 0, 0]
    with pytest.raises(mg.InvalidInput, match="target must mark at least one of the 3 states, got none"):
        long_run_probability(trap, [])


def test_classes_that_are_not_reached_are_not_solved():
    found = long_run_probability(chains.two_periods(), [2, 4], start=1)  # never comes to 3, 4, 5
    assert_encloses(found, Fraction(1, 2))


@settings(max_examples=30, deadline=None)
@given(matrices(), st.data())
def test_the_bounds_hold_the_exact_share(matrix, data):
    n = len(matrix)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    exact = exact_share(exact_rows(matrix), target)
    chain = mg.SparseChain.from_matrix(matrix)
    everywhere = long_run_probability(chain, sorted(target))
    for state in range(n):
        assert_encloses(everywhere, exact[state], place=state)
        assert_encloses(long_run_probability(chain, sorted(target), start=state), exact[state])


@settings(max_examples=15, deadline=None)
@given(window_chains())
def test_it_is_the_mass_of_the_long_run_distribution(chain):
    target = np.arange(chain.n_states) % 2 == 0
    lived = mg.long_run_distribution(chain, 0)
    found = long_run_probability(chain, target, start=0)
    assert found.lower <= lived.upper[target].sum() * (1 + 1e-12)
    assert lived.lower[target].sum() * (1 - 1e-12) <= found.upper


@settings(max_examples=30, deadline=None)
@given(matrices(), st.data())
def test_what_is_never_left_leads_only_to_itself_and_back(matrix, data):
    n = len(matrix)
    inside = data.draw(st.sets(st.integers(0, n - 1)))
    expected = {i for states in closed_classes(exact_rows(matrix)) if set(states) <= inside for i in states}
    mask = np.isin(np.arange(n), sorted(inside))
    assert set(np.flatnonzero(never_left(mg.SparseChain.from_matrix(matrix), mask)).tolist()) == expected
