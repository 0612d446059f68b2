"""What one pass over a table finds is what numpy finds."""

from fractions import Fraction

import numpy as np
import pytest

from markovgpt.chains import scans, streaming

SHAPES = [
    (1, 1, 1),
    (2, 1, 2),
    (3, 5, 3),
    (5, 25, 5),
    (9, 9, 9),
    (10, 100, 10),
    (27, 30, 27),
    (1, 700, 3),
    (2, 4100, 12),
]


def drawn(*shape):
    return np.random.default_rng(sum(shape)).random(shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alone", [0, 10**9])
def test_the_greediest_token_and_the_sum_of_the_others(monkeypatch, shape, dtype, alone):
    monkeypatch.setattr(streaming, "ALONE", alone)
    table = np.round(drawn(*shape), 1).astype(dtype)  # with ties
    tokens, rest = scans.greediest(table)
    assert tokens.tolist() == table.argmax(axis=2).tolist()
    others = table.astype(np.float64) * (np.arange(shape[2]) != tokens[:, :, None])
    assert rest == pytest.approx(others.sum(axis=2), rel=1e-14)


def test_what_is_beside_the_greediest_is_summed_and_never_a_difference():
    tokens, rest = scans.greediest(np.array([[[1.0, 1e-300, 0.0]]]))
    assert (tokens.tolist(), rest.tolist()) == ([[0]], [[1e-300]])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alone", [0, 10**9])
def test_the_smallest_number_above_zero_is_found_wherever_it_stands(monkeypatch, shape, alone):
    monkeypatch.setattr(streaming, "ALONE", alone)
    table = drawn(*shape) + 0.5
    for place in (0, table.size // 2, table.size - 1):
        changed = table.copy()
        changed.flat[place] = 1e-310
        assert scans.smallest(changed) == 1e-310
    assert scans.smallest(np.zeros(shape)) == np.inf


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alone", [0, 10**9])
@pytest.mark.parametrize("n_groups", [1, 3, 40])
def test_flows_between_groups_are_what_numpy_says(monkeypatch, shape, dtype, alone, n_groups):
    monkeypatch.setattr(streaming, "ALONE", alone)
    A, M, V = shape
    random = np.random.default_rng(3)
    table, values, mass = drawn(A, M, V).astype(dtype), drawn(M, V), drawn(A, M)
    leaving = random.integers(-1, n_groups, size=(A, M)).astype(np.int32)
    entering = random.integers(-1, n_groups, size=(M, V)).astype(np.int32)
    each = mass[:, :, None] * table.astype(np.float64) * values
    pairs = np.broadcast_to(leaving[:, :, None], each.shape), np.broadcast_to(entering, each.shape)
    counted = (pairs[0] >= 0) & (pairs[1] >= 0)
    expected = np.zeros((n_groups, n_groups))
    np.add.at(expected, (pairs[0][counted], pairs[1][counted]), each[counted])
    found = scans.group_flows(table, leaving, entering, mass, values, n_groups)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("n", [1, 255, 256, 257, 10_000])
@pytest.mark.parametrize("n_groups", [1, 3, 500])
def test_sums_over_groups_are_what_counting_says(n, n_groups):
    random = np.random.default_rng(n)
    values, groups = random.random(n), random.integers(-1, n_groups, size=n).astype(np.int32)
    inside = groups >= 0
    expected = np.bincount(groups[inside], weights=values[inside], minlength=n_groups)
    assert scans.group_sums(values, groups, n_groups) == pytest.approx(expected, rel=1e-13)


def test_sums_over_a_large_group_do_not_round_once_a_term():
    n = 2**20
    values = np.full(n, 0.1)
    found = Fraction(float(scans.group_sums(values, np.zeros(n, dtype=np.int32), 1)[0]))
    assert abs(found / (n * Fraction(0.1)) - 1) < 2000 * Fraction(1, 2**53)


def test_the_least_product_is_taken_over_the_oldest_tokens(monkeypatch):
    for alone in (0, 10**9):
        monkeypatch.setattr(streaming, "ALONE", alone)
        table, mass = drawn(3, 9, 3), drawn(3, 9)
        expected = (mass[:, :, None] * table).min(axis=0)
        assert scans.push_least(table, mass) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("place", [0, 5, 26])
def test_one_zero_is_found_wherever_it_stands(place):
    table = np.ones((3, 3, 3))
    assert scans.all_positive(table)
    table.flat[place] = 0
    assert not scans.all_positive(table)
