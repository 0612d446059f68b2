"""Levels of joined states: what is joined, and the factors that put their flows in balance."""

import numpy as np
import pytest

from markovgpt.scaled import ScaledArray, as_floats
from markovgpt.solvers import matching
from markovgpt.solvers.matching import ListedFlows, Matching


def matching_of(matrix):
    """The matching of a dense matrix, and its entries as a list."""
    source, target = np.nonzero(matrix)
    return Matching(source, target, np.log(matrix[source, target]), len(matrix)), matrix[source, target]


def ring(n, back=0.1, stay=0.2):
    """On to the next state for the most part, sometimes back, sometimes far away."""
    random = np.random.default_rng(n)
    matrix = np.eye(n, k=1) + np.eye(n, k=1 - n) + back * (np.eye(n, k=-1) + np.eye(n, k=n - 1)) + stay * np.eye(n)
    matrix[np.arange(n), random.integers(n, size=n)] += 0.05
    return matrix / matrix.sum(axis=1, keepdims=True)


def test_states_are_joined_with_the_strongest_neighbour_that_is_alone(monkeypatch):
    monkeypatch.setattr(matching, "BOTTOM", 2)
    # 0 prefers itself, then 3; 1 prefers 0, which is taken, then 2; 4 finds none alone and joins 1's group
    matrix = np.zeros((5, 5))
    matrix[0, [0, 1, 3]] = 0.6, 0.1, 0.3
    matrix[1, [0, 2]] = 0.9, 0.1
    matrix[2, [4, 0]] = 0.5, 0.5
    matrix[3, 2] = 1.0
    matrix[4, [1, 0]] = 0.8, 0.2
    levels = matching_of(matrix)[0].levels
    assert levels[0].group.tolist() == [0, 1, 1, 0, 1]
    assert list(zip(levels[0].source.tolist(), levels[0].target.tolist(), strict=True)) == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]


def test_every_level_lists_the_transitions_between_its_groups(monkeypatch):
    monkeypatch.setattr(matching, "BOTTOM", 4)
    found, values = matching_of(ring(60))
    source, target, size = found.source, found.target, 60
    dense = np.zeros((60, 60))
    dense[source, target] = values
    assert len(found.levels) > 2
    for level in found.levels:
        n_groups = int(level.group.max()) + 1
        assert set(level.group.tolist()) == set(range(n_groups))
        assert n_groups <= 0.9 * size
        member = (level.group[:, None] == np.arange(n_groups)).astype(float)
        dense = member.T @ dense @ member
        assert (level.source[level.place] == level.group[source]).all()
        assert (level.target[level.place] == level.group[target]).all()
        listed = np.bincount(level.place, values, minlength=len(level.source))
        assert listed == pytest.approx(dense[level.source, level.target], rel=1e-13)
        assert np.count_nonzero(dense) == len(level.source)
        source, target, values, size = level.source, level.target, listed, n_groups
    assert size <= 4


def test_nothing_to_join_is_left_to_elimination(monkeypatch):
    monkeypatch.setattr(matching, "BOTTOM", 2)
    assert matching_of(np.eye(5))[0].levels == []


def flows_of(matrix, is_reversed, kind=np.asarray):
    """Flows with an end and a start at any masses, as they are listed, and dense in the direction they run."""
    random, n = np.random.default_rng(5), len(matrix)
    found, values = matching_of(matrix)
    ended, begun = random.random(n) * 0.1, random.random(n)
    begun *= ended.sum() / begun.sum()
    mass = matrix.sum(axis=0 if is_reversed else 1) + ended
    listed = ListedFlows(found, 0, kind(values), kind(mass), kind(ended), kind(begun), is_reversed)
    return listed, (matrix.T if is_reversed else matrix), mass, ended, begun


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_elimination_at_the_bottom_puts_all_in_balance(is_reversed, kind):
    listed, running, mass, ended, begun = flows_of(ring(12), is_reversed, kind)
    factor = as_floats(listed.balanced())
    assert factor @ running + (factor @ ended) * begun / begun.sum() == pytest.approx(factor * mass, rel=1e-13)


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_flows_in_balance_are_left_alone_on_every_level(monkeypatch, is_reversed, kind):
    monkeypatch.setattr(matching, "BOTTOM", 2)
    listed, running, mass, ended, begun = flows_of(ring(40), is_reversed)
    monkeypatch.setattr(matching, "BOTTOM", 128)
    exact = listed.balanced()
    assert exact @ running + (exact @ ended) * begun / begun.sum() == pytest.approx(exact * mass, rel=1e-12)
    monkeypatch.setattr(matching, "BOTTOM", 2)
    fresh, values = matching_of(ring(40))
    assert len(fresh.levels) > 2
    start = fresh.target if is_reversed else fresh.source
    begun = begun * (exact @ ended) / begun.sum()
    again = ListedFlows(
        fresh, 0, kind(values * exact[start]), kind(mass * exact), kind(ended * exact), kind(begun), is_reversed
    )
    factor = as_floats(again.balanced())
    assert factor / factor.mean() == pytest.approx(1, rel=1e-11)
