"""Differences and ratios against fractions, and what is refused."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis.change import Change, are_identical, red_changes
from markovgpt.solvers.certificate import Enclosure


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(largest=4), matrices(largest=4), st.data())
def test_bounds_hold_the_difference_and_the_ratio_of_fractions(one, two, data):
    n = min(len(one), len(two))
    pair = []
    for matrix in (one[:n, :n].copy(), two[:n, :n].copy()):
        matrix[matrix.sum(axis=1) == 0, 0] = 1
        pair.append(matrix / matrix.sum(axis=1, keepdims=True))
    target, start = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n - 1))
    was, now = (oracles.hitting(oracles.exact_rows(matrix), [target])[start] for matrix in pair)
    found = red_changes(*map(mg.SparseChain.from_matrix, pair), {"it": [target]}, start=start)["it"]
    assert Fraction(found.lower) <= now - was <= Fraction(found.upper)
    assert found.lower <= found.value <= found.upper
    if was:
        oracles.assert_encloses(found.ratio, now / was)
    else:
        assert (found.ratio is None) == (now == 0)
        assert now == 0 or found.ratio.value == np.inf


def pair():
    """A trap that catches 1/2 before and 3/4 after."""
    return [mg.SparseChain.from_matrix([[0, p, 1 - p], [0, 1, 0], [0, 0, 1]]) for p in (0.5, 0.75)]


def test_several_targets_have_their_names():
    found = red_changes(*pair(), {"trap": [1], "rest": np.array([False, False, True]), "both": [1, 2]}, start=0)
    assert list(found) == ["trap", "rest", "both"]
    assert [change.value for change in found.values()] == [0.25, -0.25, 0.0]
    assert [change.ratio.value for change in found.values()] == pytest.approx([1.5, 0.5, 1.0], rel=1e-14)
    assert (found["both"].lower, found["both"].upper) == (0.0, 0.0)  # 1 by proof in both
    summary = found["trap"].summary()
    assert summary["before"]["value"] == 0.5
    assert summary["difference"]["lower"] <= 0.25 <= summary["difference"]["upper"]
    assert summary["ratio"]["value"] == pytest.approx(1.5, rel=1e-14)


def test_texts_are_their_own_names():
    letters = mg.Vocabulary(("a", "b"))
    chains = [mg.WindowChain(mg.StateSpace(2, 1), np.array([[p, 1 - p], [0.5, 0.5]]), letters) for p in (0.5, 0.25)]
    found = red_changes(*chains, ["ab", "bb"], start="a", within=2)
    # b first in one of two tokens: 1/2 + 1/4 before, 3/4 + 3/16 after; bb: 1/4 before, 3/8 after
    assert {name: change.value for name, change in found.items()} == pytest.approx({"ab": 3 / 16, "bb": 1 / 8})


def test_below_the_doubles_the_ratio_remains():
    chains = [
        mg.SparseChain.from_matrix([[0, 1e-200, 0, 1], [0, 0, x, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
        for x in (1e-250, 4e-250)
    ]
    change = red_changes(*chains, {"red": [2]}, start=0)["red"]
    assert change.value == 0
    assert change.lower < 0 < change.upper < 1e-300
    assert change.ratio.value == pytest.approx(4, rel=1e-12)


def test_what_became_possible_has_an_infinite_ratio():
    before, after = mg.SparseChain.from_matrix(np.eye(2)), mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]])
    change = red_changes(before, after, {"red": [1]}, start=0)["red"]
    assert (change.value, change.ratio.value) == (1.0, np.inf)
    assert red_changes(before, before, {"red": [1]}, start=0)["red"].ratio is None
    assert red_changes(before, before, {"red": [1]}, start=0)["red"].summary()["ratio"] is None


def test_identical_chains_change_nothing_by_proof():
    chain, again = (mg.SparseChain.from_matrix([[0.5, 0.3, 0.2], [0, 1, 0], [0, 0, 1]]) for _ in range(2))
    change = red_changes(chain, again, {"red": [1]}, start=0)["red"]
    assert (change.lower, change.value, change.upper) == (0.0, 0.0, 0.0)
    assert (change.ratio.lower, change.ratio.upper) == (1.0, 1.0)
    assert are_identical(chain, again)
    assert not are_identical(*pair())


def test_differences_of_many_states_are_arrays():
    was, now = (mg.hitting_probability(chain, [1]) for chain in pair())
    change = Change(was, now)
    assert change.value.tolist() == [0.25, 0.0, 0.0]
    assert (change.lower <= change.value).all()
    assert (change.value <= change.upper).all()
    assert "ratio" not in change.summary()


def test_wide_bounds_make_a_wide_difference():
    wide = [mg.Answer.of(Enclosure(*map(np.asarray, part), 0.0, "")) for part in ((0.5, 0.4, 0.7), (0.6, 0.5, 0.9))]
    change = Change(*wide)
    assert (change.lower, change.upper) == pytest.approx((-0.2, 0.5))
    assert Fraction(change.lower) < Fraction(0.5) - Fraction(0.7)
    assert Fraction(change.upper) > Fraction(0.9) - Fraction(0.4)


def test_bad_input_is_refused():
    with pytest.raises(mg.InvalidInput, match="targets must be named, or a list of texts, at least one, got 'ab'"):
        red_changes(*pair(), "ab", start=0)
    with pytest.raises(mg.InvalidInput, match=r"at least one, got \{\}"):
        red_changes(*pair(), {}, start=0)
    with pytest.raises(mg.InvalidInput, match="must have the same states, got 3 and 1"):
        red_changes(pair()[0], mg.SparseChain.from_matrix([[1.0]]), {"red": [0]}, start=0)
