"""Bounds by a tree of texts: every text one by one, the merged chain, what is counted, what is refused."""

import math
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest

import markovgpt as mg
from experiments import token_tree
from experiments.token_tree import bounds_of_tree

V, L = 3, 2
RNG = np.random.default_rng(7)
TABLE = {window: RNG.dirichlet(np.ones(V)) for length in (1, 2) for window in product(range(V), repeat=length)}


def rows(windows):
    return np.array([TABLE[window] for window in windows])


def by_brute_force(start, red, n):
    """Every text of n more tokens, in fractions of the exactly normalised rows."""
    total = Fraction(0)
    for tokens in product(range(V), repeat=n):
        text, mass = list(start), Fraction(1)
        for token in tokens:
            row = [Fraction(float(p)) for p in TABLE[tuple(text[-L:])]]
            mass *= row[token] / sum(row)
            text.append(token)
        shown = "".join(map(str, text))
        total += mass * ("".join(map(str, red)) in shown)
    return total


@pytest.mark.parametrize("red", [(1,), (1, 2), (2, 2, 2), (0, 1, 0, 1)])
@pytest.mark.parametrize("at_once", [1, 5])
def test_bounds_hold_at_every_moment_and_meet(red, at_once):
    exact = by_brute_force((0,), red, 5)
    asked = {"within": 5, "context_length": L, "most_prefixes": 10**4, "at_once": at_once, "roundings": 8}
    found = list(bounds_of_tree(rows, (0,), red, **asked))
    for bounds in found:
        assert Fraction(bounds.lower) <= exact <= Fraction(bounds.upper)
    assert found[-1].width < 1e-13
    assert all(after.width <= before.width + 1e-15 for before, after in pairwise(found))
    assert found[-1].windows <= len(TABLE)


def test_the_heaviest_prefix_comes_first():
    asked = []

    def coin(windows):
        asked.extend(windows)
        return np.full((len(windows), 2), [0.1, 0.9])

    list(bounds_of_tree(coin, (0,), (0, 0), within=3, context_length=9, most_prefixes=4))
    assert asked == [(0,), (0, 1), (0, 1, 1), (0, 1, 0)]  # .9, .81, then .09 before 00 is red at .1


def test_a_window_is_asked_once():
    calls = []

    def coin(windows):
        calls.extend(windows)
        return np.full((len(windows), 2), 0.5)

    *_, last = bounds_of_tree(coin, (0,), (1, 1, 1, 1), within=6, context_length=1, most_prefixes=10**3)
    assert sorted(calls) == [(0,), (1,)]
    # texts of k < 6 more tokens without 1111: 1, 2, 4, 8, 15, 29
    assert (last.windows, last.prefixes) == (2, 59)


def test_zero_horizon_and_a_red_start():
    def never(windows):
        raise AssertionError("nothing to ask")

    *_, last = bounds_of_tree(never, (0,), (1,), within=0, context_length=1, most_prefixes=9)
    assert (last.lower, last.upper) == (0.0, 0.0)
    *_, last = bounds_of_tree(never, (0, 1, 0), (1,), within=3, context_length=1, most_prefixes=9)
    assert last.lower > 1 - 1e-14
    assert last.upper == 1.0


def test_what_is_tiny_stays_in_the_upper_bound():
    def rare(windows):
        return np.tile([1.0, 1e-200], (len(windows), 1))

    *_, last = bounds_of_tree(rare, (0,), (1, 1), within=2, context_length=1, most_prefixes=99)
    assert last.lower == 0.0
    assert 1e-290 <= last.upper < 2e-290  # 1e-400 itself is below every double
    assert token_tree.TINY == 1e-290


def test_the_last_bounds_are_those_of_the_budget():
    coin = lambda windows: np.full((len(windows), 2), 0.5)  # noqa: E731
    found = list(bounds_of_tree(coin, (0,), (1, 1), within=30, context_length=1, most_prefixes=11, at_once=4))
    assert [bounds.prefixes for bounds in found] == [0, 1, 2, 4, 8, 11]
    assert math.isclose(found[0].width, 1.0, rel_tol=1e-12)


@pytest.mark.parametrize(
    "wrong", [{"start": ()}, {"red": ()}, {"within": -1}, {"context_length": 0}, {"most_prefixes": 0}, {"at_once": 0}]
)
def test_refusals(wrong):
    asked = {"start": (0,), "red": (1,), "within": 1, "context_length": 1, "most_prefixes": 1, "at_once": 1, **wrong}
    with pytest.raises(mg.InvalidInput, match="start and red must hold a token, and the numbers be 1 at least"):
        next(bounds_of_tree(rows, **asked))
