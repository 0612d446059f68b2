"""The compiled products are the products."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.chains import streaming

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
def test_both_products_are_what_numpy_says(monkeypatch, shape, dtype, alone):
    monkeypatch.setattr(streaming, "ALONE", alone)  # 0: shared among the cores however small
    A, M, V = shape
    table, values, mass = drawn(A, M, V).astype(dtype), drawn(M, V), drawn(A, M)
    wide = table.astype(np.float64)
    assert streaming.pull(table, values) == pytest.approx((wide * values).sum(axis=2), rel=1e-14)
    assert streaming.push(table, mass) == pytest.approx((mass[:, :, None] * wide).sum(axis=0), rel=1e-14)


@settings(deadline=None)
@given(st.integers(1, 12), st.data())
def test_a_sum_of_non_negatives_is_within_its_roundings(V, data):
    numbers = st.floats(0, 1, allow_subnormal=False).map(lambda x: x if x > 1e-100 else 0.0)
    table = np.array(data.draw(st.lists(numbers, min_size=V, max_size=V))).reshape(1, 1, V)
    values = np.array(data.draw(st.lists(numbers, min_size=V, max_size=V))).reshape(1, V)
    exact = sum(Fraction(p) * Fraction(f) for p, f in zip(table.ravel(), values.ravel(), strict=True))
    found = Fraction(float(streaming.pull(table, values)[0, 0]))
    assert abs(found - exact) <= (V + 1) * Fraction(1, 2**53) * exact
    found = Fraction(float(streaming.push(table.reshape(V, 1, 1), values.reshape(V, 1))[0, 0]))
    assert abs(found - exact) <= (V + 1) * Fraction(1, 2**53) * exact


def test_what_is_not_contiguous_and_what_is_infinite_come_through():
    table, values = drawn(3, 4, 3), drawn(3, 4).T
    values[1, 2] = np.inf
    found = streaming.pull(table, values)
    assert np.isinf(found[:, 1]).all()
    assert np.isfinite(found[:, [0, 2, 3]]).all()
    assert np.isnan(streaming.pull(np.zeros((1, 1, 1)), np.array([[np.inf]]))).all()  # 0 x infinity is nobody's zero


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alone", [0, 10**9])
def test_a_token_of_each_window_can_be_left_out_of_both_products(monkeypatch, shape, dtype, alone):
    monkeypatch.setattr(streaming, "ALONE", alone)
    A, M, V = shape
    table, values, mass = drawn(A, M, V).astype(dtype), drawn(M, V), drawn(A, M)
    left_out = np.random.default_rng(1).integers(V, size=(A, M)).astype(np.int16)
    wide = table.astype(np.float64) * (np.arange(V) != left_out[:, :, None])
    given = values.copy(), mass.copy()
    values.setflags(write=False)
    mass.setflags(write=False)
    assert streaming.pull(table, values, left_out) == pytest.approx((wide * values).sum(axis=2), rel=1e-14)
    assert streaming.push(table, mass, left_out) == pytest.approx((mass[:, :, None] * wide).sum(axis=0), rel=1e-14)
    assert (values.tolist(), mass.tolist()) == (given[0].tolist(), given[1].tolist())


def test_what_is_left_out_may_be_infinite():
    values = np.array([[np.inf, 4.0]])
    found = streaming.pull(np.array([[[0.25, 0.75]]]), values, np.array([[0]], dtype=np.int16))
    assert (found.tolist(), values.tolist()) == ([[3.0]], [[np.inf, 4.0]])
