"""Textbook recipes in doubles: right on easy chains, against fractions, and honest about what they cannot compute."""

from fractions import Fraction

import numpy as np
import pytest

from experiments.recipes import RECIPES, by_hand
from tests.oracles import exact_rows, expected_reward

# 0 -> 1 with 1/2, 1 -> 2 with 1/4, back to 0 otherwise
THREE = np.array([[0.5, 0.5, 0.0], [0.75, 0.0, 0.25], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "eig"])
def test_times_by_hand(recipe):
    # t0 = 2 + t1, t1 = 1 + 3/4 t0: t0 = 12, t1 = 10
    np.testing.assert_allclose(RECIPES[recipe](THREE, 2), [12, 10, 0], rtol=1e-12)


@pytest.mark.parametrize("recipe", RECIPES)
def test_times_against_fractions(recipe):
    matrix = np.random.default_rng(3).dirichlet(np.ones(5), size=5)
    rows = exact_rows(matrix)
    for target in range(5):
        exact = expected_reward(rows, [Fraction(1)] * 5, [target])
        np.testing.assert_allclose(RECIPES[recipe](matrix, target), [float(time) for time in exact], rtol=1e-10)


def test_a_singular_system_gives_no_number():
    stuck = np.array([[1.0, 0.0], [0.5, 0.5]])  # 0 never leads to 1; I - Q is [0]
    for recipe in ("inv(I - Q)", "solve(I - Q)"):
        assert np.isnan(RECIPES[recipe](stuck, 1)[0])


def test_windows_slide():
    # V = 2, L = 2: from window ab to b0 and b1
    logits = np.log(np.array([[1.0, 3.0], [1.0, 1.0], [3.0, 1.0], [1.0, 3.0]]))
    expected = [[0.25, 0.75, 0, 0], [0, 0, 0.5, 0.5], [0.75, 0.25, 0, 0], [0, 0, 0.25, 0.75]]
    np.testing.assert_allclose(by_hand(logits, 1.0), expected, rtol=1e-12)
    np.testing.assert_allclose(by_hand(logits, 0.5)[0, :2], [0.1, 0.9], rtol=1e-12)
