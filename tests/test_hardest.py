"""The largest expected hitting time over all pairs, against fractions, and its exponent by hand."""

import math

import numpy as np
import pytest

import markovgpt as mg
from experiments.hardest import Hardest, chain_at, exponent_of, hardest_of
from tests.oracles import assert_encloses, exact_windows, expected_reward

# a stays with gap 2, b with gap 1: each is left with p = 1 / (1 + e**(2/T)) and q = 1 / (1 + e**(1/T))
TABLE = mg.LogitTable(mg.StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]), mg.Vocabulary(("a", "b")))


def test_two_windows_by_hand():
    found = hardest_of(TABLE, 0.5, [0, 1])
    assert (found.start, found.target) == (0, 1)
    assert found.ln == pytest.approx(math.log1p(math.exp(4)), rel=1e-12)
    assert hardest_of(TABLE, 0.5, [0]).ln == pytest.approx(math.log1p(math.exp(2)), rel=1e-12)
    assert exponent_of(TABLE).value == 2.0


def test_all_pairs_against_fractions():
    logits = np.random.default_rng(5).normal(size=(9, 3)) * 2
    table = mg.LogitTable(mg.StateSpace(3, 2), logits)
    found = hardest_of(table, 0.7, range(9))
    rows = exact_windows(chain_at(table, 0.7))
    times = {target: expected_reward(rows, [1] * 9, [target]) for target in range(9)}
    most, target, start = max((time, t, s) for t, column in times.items() for s, time in enumerate(column))
    assert_encloses(found.answer, most)
    assert (found.target, found.start) == (target, start)


def test_beyond_the_range_of_doubles():
    found = hardest_of(TABLE, 0.002, [0, 1])  # 1 + e**1000
    assert found.ln == pytest.approx(1000, abs=1e-6)
    assert (found.start, found.target) == (0, 1)


def test_a_logarithm_that_is_not_known_is_refused():
    class Wide:
        log10_lower, log10_upper = 1.0, 2.0

    with pytest.raises(mg.MarkovGPTError, match=r"ln E at temperature 0.1 must be known to 1e-06, got \[2.3"):
        _ = Hardest(0.1, Wide(), 0, 1).ln
