"""Products with a block of windows, in doubles and beyond them, against loops over every transition."""

import numpy as np
import pytest

from markovgpt.chains.sliding import SlidingTable
from markovgpt.scaled import ScaledArray

SHAPES = [(1, 1, 1), (2, 4, 2), (3, 3, 3), (1, 4, 4), (5, 5, 5)]
KINDS = ["doubles", "scaled table", "scaled vector", "with totals", "scaled, with totals"]


def block(shape, kind):
    """A table with zeros, and its transitions as a list: window left, window entered, token, probability."""
    random = np.random.default_rng(sum(shape))
    A, M, V = shape
    weights = random.random(shape) * (random.random(shape) < 0.7)
    weights[..., 0] += 0.1
    totals = weights.sum(axis=2).reshape(-1) if "totals" in kind else None
    transitions = [
        (a * M + m, m * V + t, t, weights[a, m, t] / (1 if totals is None else totals[a * M + m]))
        for a in range(A)
        for m in range(M)
        for t in range(V)
    ]
    given = ScaledArray.of(weights) if kind.startswith("scaled") and "vector" not in kind else weights
    return SlidingTable(given, totals), transitions, random


def vector_of(random, n, kind):
    vector = random.random(n)
    return (ScaledArray.of(vector) if kind == "scaled vector" else vector), vector


def floats(numbers):
    return ScaledArray.of(numbers).to_float()


def likeliest_tokens(transitions, shape):
    """The first of the tokens that each window is most likely followed by."""
    A, M, V = shape
    rows = np.array([probability for *_, probability in transitions]).reshape(A * M, V)
    return rows.argmax(axis=1).tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("leaving_out", [False, True])
def test_products_are_sums_over_transitions(shape, kind, leaving_out):
    table, transitions, random = block(shape, kind)
    A, M, V = shape
    likeliest = likeliest_tokens(transitions, shape)
    mass, plain_mass = vector_of(random, A * M, kind)
    values, plain_values = vector_of(random, M * V, kind)
    pushed, pulled = np.zeros(M * V), np.zeros(A * M)
    for before, after, token, probability in transitions:
        if not leaving_out or likeliest[before] != token:
            pushed[after] += plain_mass[before] * probability
            pulled[before] += probability * plain_values[after]
    push, pull = (table.push_others, table.pull_others) if leaving_out else (table.push, table.pull)
    assert floats(push(mass)) == pytest.approx(pushed, rel=1e-14)
    assert floats(pull(values)) == pytest.approx(pulled, rel=1e-14)


@pytest.mark.parametrize("kind", ["doubles", "scaled table", "with totals", "scaled, with totals"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_likeliest_window_and_what_is_left_beside_it(shape, kind):
    table, transitions, _ = block(shape, kind)
    A, M, V = shape
    rows = np.array([probability for *_, probability in transitions]).reshape(A * M, V)
    tokens = likeliest_tokens(transitions, shape)
    others = [sum(p for t, p in enumerate(row) if t != best) for row, best in zip(rows, tokens, strict=True)]
    assert floats(table.others) == pytest.approx(np.array(others), rel=1e-14)
    into = {(before, token): after for before, after, token, _ in transitions}
    assert table.likeliest.tolist() == [into[window, token] for window, token in enumerate(tokens)]


@pytest.mark.parametrize("kind", ["doubles", "with totals"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_least_that_is_pushed_by_windows_of_one_group(shape, kind):
    table, transitions, random = block(shape, kind)
    A, M, V = shape
    mass = random.random(A * M)
    least = np.full(M * V, np.inf)
    for before, after, _, probability in transitions:
        least[after] = min(least[after], mass[before] * probability)
    assert table.push_least(mass) == pytest.approx(least, rel=1e-14)


def test_the_likeliest_of_tied_tokens_is_the_lowest_in_either_arithmetic():
    weights = np.array([[[0.25, 0.375, 0.375]]])
    for given in (weights, ScaledArray.of(weights)):
        table = SlidingTable(given)
        assert (table.likeliest.tolist(), floats(table.others).tolist()) == ([1], [0.625])


def test_the_likeliest_is_found_by_size_and_not_by_mantissa():
    # 0.5 2**-3000 against 0.75 2**-4000, and what is left beside it is below every double
    table = SlidingTable(ScaledArray([[[0.75, 0.5]]], [[[-4000, -3000]]]))
    assert table.likeliest.tolist() == [1]
    assert (table.others.mantissa.tolist(), table.others.exponent.tolist()) == ([0.75], [-4000])


@pytest.mark.parametrize("kind", KINDS)
def test_flows_between_groups_are_sums_over_transitions(kind):
    table, transitions, random = block((3, 3, 3), kind)
    groups = random.integers(-1, 3, size=9).astype(np.int32)
    mass, plain_mass = vector_of(random, 9, kind)
    values, plain_values = vector_of(random, 9, kind)
    flows = np.zeros((3, 3))
    for before, after, _, probability in transitions:
        if groups[before] >= 0 and groups[after] >= 0:
            flows[groups[before], groups[after]] += plain_mass[before] * probability * plain_values[after]
    assert (groups < 0).any()
    assert floats(table.group_flows(groups, mass, values, 3)) == pytest.approx(flows, rel=1e-13)


def test_products_below_the_doubles_are_kept():
    table = SlidingTable(ScaledArray([[[0.5, 0.5]], [[0.5, 0.5]]], [[[-3000, 1]], [[1, 1]]]))
    assert table.push(np.array([1.0, 0.0])).log10()[0] == pytest.approx(-3001 * np.log10(2), rel=1e-14)
    assert table.pull(np.array([1e-200, 0.0])).log10()[0] == pytest.approx(-3001 * np.log10(2) - 200, rel=1e-14)
    assert (table.shape, table.is_scaled) == ((2, 1, 2), True)
