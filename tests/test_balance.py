"""Groups put in balance with each other, by hand."""

import numpy as np
import pytest

from markovgpt.scaled import ScaledArray, as_floats
from markovgpt.solvers.balance import balance, factor_of, grouped


def test_two_groups_are_balanced_by_their_one_ratio():
    # 0.1 flows from 0 to 1 and 0.3 back: 0 must weigh three times as much for its mass
    x, imbalance = balance(
        np.array([0.5, 0.25, 0.25]), np.array([0, 1, 1], dtype=np.int32), np.array([[9, 0.1], [0.3, 9]])
    )
    assert x == pytest.approx([0.75, 0.125, 0.125], rel=1e-15)
    assert imbalance == pytest.approx(2)


def test_groups_in_balance_are_left_alone():
    given = np.array([0.5, 0.5])
    x, imbalance = balance(given, np.array([0, 1], dtype=np.int32), np.array([[0.0, 0.1], [0.1, 0.0]]))
    assert (x.tolist(), imbalance) == ([0.5, 0.5], 0.0)


def test_groups_without_mass_stay_without():
    groups = np.array([0, 1, 2], dtype=np.int32)
    for kind in (np.asarray, ScaledArray.of):
        x, _ = balance(kind(np.array([0.5, 0.0, 0.5])), groups, kind(np.array([[0, 0, 0.1], [0, 0, 0], [0.2, 0, 0]])))
        assert as_floats(x) == pytest.approx([2 / 3, 0, 1 / 3], rel=1e-15)


def test_flows_below_the_doubles_are_balanced():
    flows = ScaledArray([[0, 0.5], [0.5, 0]], [[0, -3000], [-3001, 0]])
    x, _ = balance(ScaledArray.of([0.5, 0.5]), np.array([0, 1], dtype=np.int32), flows)
    assert x.to_float() == pytest.approx([1 / 3, 2 / 3], rel=1e-14)


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_sums_over_groups_leave_out_what_is_in_none(kind):
    found = grouped(kind(np.array([1.0, 2.0, 4.0, 8.0])), np.array([1, -1, 1, 0], dtype=np.int32), 3)
    assert as_floats(found).tolist() == [8, 5, 0]


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_masses_times_factors_are_in_balance(kind):
    random = np.random.default_rng(4)
    flows, mass = random.random((5, 5)), random.random(5)
    flows[:, 2] = flows[2] = mass[2] = 0
    factor = as_floats(factor_of(kind(flows), kind(mass)))
    assert factor[2] == 0
    flowing = factor[:, None] * flows
    assert flowing.sum(axis=0) == pytest.approx(flowing.sum(axis=1), rel=1e-13)
    assert (factor * mass).sum() == pytest.approx(1, rel=1e-13)


def test_flows_that_were_lost_are_an_error_and_no_factor():
    # nothing comes back from 1, though both have a mass
    with pytest.raises(FloatingPointError, match="lost below the range of doubles"):
        factor_of(np.array([[0.0, 0.5], [0.0, 0.0]]), np.array([0.5, 0.5]))
    with pytest.raises(FloatingPointError, match="left the range of doubles"):
        factor_of(np.array([[0.0, 1e-300], [1e300, 0.0]]), np.array([1e-20, 1e20]))
    found = factor_of(ScaledArray.of([[0.0, 1e-300], [1e300, 0.0]]), ScaledArray.of([1e-20, 1e20]))
    assert (found[1] / found[0]).log10() == pytest.approx(-600, abs=1e-9)
