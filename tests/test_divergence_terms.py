"""Terms of a divergence and logarithms, against fifty digits."""

import math

import mpmath as mp
import numpy as np
import pytest

from markovgpt.analysis.divergence_terms import NEAR, TERM_ROUNDINGS, divergence_terms, surprise
from markovgpt.scaled import ROUNDING, ScaledArray

POWERS = 10.0 ** -np.arange(1, 16)
EDGE = 1 - NEAR + np.array([-1e-3, -1e-9, 0, 1e-9, 1e-3])  # on both sides of where the series ends
RATIOS = np.concatenate([1 + POWERS, 1 - POWERS, EDGE, 1 / EDGE, [1e-300, 1e-3, 0.5, 0.75, 1.25, 2.0, 1e3, 1e300]])


def exactly(p, q):
    """p log(p/q) - p + q over the larger."""
    with mp.workdps(60):
        p, q = mp.mpf(p), mp.mpf(q)
        return (p * mp.log(p / q) - p + q) / max(p, q)


@pytest.mark.parametrize("p", [1.0, 0.3])
@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_terms_are_exact_relative_to_themselves(kind, p):
    q = p * RATIOS
    found = divergence_terms(kind(np.full(len(q), p)), kind(q))
    for place, other in enumerate(q.tolist()):
        assert abs(mp.mpf(found.forward[place]) / exactly(p, other) - 1) < TERM_ROUNDINGS * ROUNDING
        assert abs(mp.mpf(found.backward[place]) / exactly(other, p) - 1) < TERM_ROUNDINGS * ROUNDING
        with mp.workdps(60):
            logarithm = abs(mp.log(mp.mpf(p) / mp.mpf(other)))
        assert found.logarithm[place] == pytest.approx(float(logarithm), rel=1e-14)
        assert found.gap[place] == pytest.approx(abs(p - other) / max(p, other), rel=1e-15)


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_zeros_and_equals(kind):
    found = divergence_terms(kind(np.array([0.0, 0.5, 0.0, 0.5])), kind(np.array([0.5, 0.0, 0.0, 0.5])))
    assert found.forward.tolist() == [1, 0, 0, 0]  # the second is infinite, and left out
    assert found.backward.tolist() == [0, 1, 0, 0]
    assert found.logarithm.tolist() == [0, 0, 0, 0]
    assert found.gap.tolist() == [1, 1, 0, 0]


def test_numbers_beyond_doubles_have_their_terms():
    p, q = ScaledArray([0.5, 0.5], [-5000, -9000]), ScaledArray([0.75, 0.5], [-5000, -5000])
    found = divergence_terms(p, q)
    assert found.forward.tolist() == pytest.approx([float(exactly(2, 3)), 1.0], rel=1e-15)
    assert found.backward[1] == pytest.approx(4000 * math.log(2) - 1, rel=1e-15)


def test_surprise_is_exact_relative_to_itself_on_both_sides_of_one():
    for kind in (np.asarray, ScaledArray.of):
        for one, found in zip(RATIOS.tolist(), surprise(kind(RATIOS)).tolist(), strict=True):
            with mp.workdps(60):
                assert abs(mp.mpf(found) / -mp.log(mp.mpf(one)) - 1) < 4 * ROUNDING
    assert surprise(ScaledArray([0.5, 0.0], [5000, 0])).tolist() == pytest.approx([-4999 * math.log(2), 0], rel=1e-15)
