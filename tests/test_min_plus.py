"""Trees and forests of least cost against all of them, one by one, and against Edmonds' algorithm of networkx."""

from fractions import Fraction
from itertools import pairwise, permutations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.solvers.min_plus import bounds_on_grid, forest_costs, least_costs, tree_costs, unit_of

END = -1


def drawn(K, seed, *, most=6, absent=0.0):
    """Whole costs, small so that many tie; some ways may be missing."""
    random = np.random.default_rng(seed)
    costs = random.integers(0, most + 1, size=(K, K)).astype(np.float64)
    costs[random.random((K, K)) < absent] = np.inf
    np.fill_diagonal(costs, np.inf)
    return costs


def arrives(following, start):
    """Where the choices lead from a start, or None if in circles."""
    at = start
    for _ in range(len(following) + 1):
        if at not in following:
            return at
        at = following[at]
    return None


def forests(costs, out, rooted):
    """(cost, choices) of every forest in which all lead to the end, or to those in ``rooted``, which do not go on."""
    movers = [i for i in range(len(costs)) if i not in rooted]
    for chosen in product([END, *range(len(costs))], repeat=len(movers)):
        following = dict(zip(movers, chosen, strict=True))
        if all(arrives(following, i) is not None for i in movers):
            yield sum(out[i] if j == END else costs[i, j] for i, j in following.items()), following


def every_tree(costs):
    """For each root the least cost of all trees, by trying every choice."""
    nowhere = np.full(len(costs), np.inf)
    return [min(cost for cost, _ in forests(costs, nowhere, {root})) for root in range(len(costs))]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(0, 10**6), st.sampled_from([0.0, 0.3]))
def test_trees_are_the_cheapest_of_all_trees(K, seed, absent):
    costs = drawn(K, seed, absent=absent)
    if nx.is_strongly_connected(nx.from_numpy_array(np.isfinite(costs).astype(int), create_using=nx.DiGraph)):
        assert tree_costs(costs).tolist() == every_tree(costs)


@pytest.mark.parametrize("seed", range(4))
def test_trees_of_many_are_those_of_edmonds(seed):
    costs = drawn(12, seed, most=1000)
    found = tree_costs(costs)
    for root in range(12):
        backward = nx.DiGraph()
        for i, j in permutations(range(12), 2):
            if i != root:
                backward.add_edge(j, i, weight=costs[i, j])
        assert found[root] == nx.minimum_spanning_arborescence(backward).size(weight="weight")


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 4), st.integers(0, 10**6), st.sampled_from([0.0, 0.4]), st.booleans())
def test_forests_are_the_cheapest_of_all_forests(K, seed, absent, free):
    random = np.random.default_rng(seed)
    costs = drawn(K, seed, absent=absent)
    out = random.integers(0, 9, size=K).astype(np.float64)
    gain = np.zeros(K) if free else random.integers(0, 9, size=K).astype(np.float64)
    total, stopped = forest_costs(costs, out, gain)
    assert total == min(cost for cost, _ in forests(costs, out, set()))
    for i in range(K):
        least = np.inf
        for k in range(K):
            for cost, following in forests(costs, out, {k}):
                if arrives(following, i) == k:
                    least = min(least, cost + gain[k])
        assert stopped[i] == least


def test_a_trap_is_what_the_time_is_made_of():
    # a trap of depth 3 beside an exit that costs nothing: of two states, 0 goes out for 0 or into 1 for 0
    total, stopped = forest_costs(np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([0.0, 8.0]), np.zeros(2))
    assert total - stopped[0] == 3.0
    assert total - stopped[1] == 3.0
    # entering the trap for 2 takes as much from the time
    total, stopped = forest_costs(np.array([[0.0, 2.0], [3.0, 0.0]]), np.array([0.0, 8.0]), np.zeros(2))
    assert total - stopped[0] == 1.0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_least_costs_are_those_of_all_ways(K, seed):
    costs = drawn(K, seed, absent=0.3)
    found = least_costs(costs)
    for i, j in product(range(K), repeat=2):
        others = [k for k in range(K) if k not in (i, j)]
        ways = [(i, *over, j) for size in range(len(others) + 1) for over in permutations(others, size)]
        assert found[i, j] == (0 if i == j else min(sum(costs[step] for step in pairwise(way)) for way in ways))


def test_the_unit_of_numbers():
    assert unit_of(np.array([3.0, -0.75, 0.0, -np.inf])) == 0.25
    assert unit_of(np.array([12.0, 8.0])) == 4.0
    assert unit_of(np.array([np.float32(0.1)])) == 2.0**-27  # 13421773 of them
    assert unit_of(np.array([0.0, -np.inf])) == np.inf
    assert unit_of(np.array([5e-324])) == 5e-324


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=5), st.integers(0, 10**7), st.integers(1, 1000))
def test_bounds_hold_and_sums_of_them_are_exact(numbers, roundings, terms):
    found = np.array(numbers)
    lower, upper = bounds_on_grid(found, roundings, 0.0, terms)
    for bound, worst, below in ((lower, 1 - Fraction(1, 2**53), True), (upper, 1 + Fraction(1, 2**53), False)):
        for place, number in enumerate(numbers):
            furthest = Fraction(number) * worst ** min(roundings, 50)
            assert Fraction(bound[place]) <= furthest if below else Fraction(bound[place]) >= furthest
        summed = np.repeat(bound, terms // len(numbers))
        added = 0.0
        for x in summed.tolist():
            added += x
        assert sum(map(Fraction, summed.tolist())) == Fraction(added)
    assert (upper[found == 0] == 0).all()
    wide = 3 * (roundings + 4) * 2.0**-53 * found + found.max() * terms * 2.0**-49 + 2.0**-999
    assert (upper - lower <= wide).all()


def test_where_nothing_was_rounded_bounds_are_the_numbers():
    found = np.array([[0.75, np.inf], [2.0**40, 0.0]])
    lower, upper = bounds_on_grid(found, 10**6, 0.25, 4)
    assert np.array_equal(lower, found)
    assert np.array_equal(upper, found)
    # one unit more in a sum than a double holds
    lower, upper = bounds_on_grid(found, 10**6, 0.25, 2**11)
    assert (lower[1, 0] < found[1, 0]) & (found[1, 0] < upper[1, 0])
    assert lower[0, 1] == upper[0, 1] == np.inf
    assert lower[1, 1] == upper[1, 1] == 0
