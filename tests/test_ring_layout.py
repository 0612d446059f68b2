"""The circle: every state has its place, arrows run from rim to rim around the others, neighbours stand together."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from markovgpt.graphs.placed_graph import points_of
from markovgpt.graphs.ring_layout import ring_layout, way_around

SLIDING = {
    (V, L): [(s, (s * V + t) % V**L) for s in range(V**L) for t in range(V)]
    for V, L in ((2, 2), (2, 3), (3, 2), (3, 3), (4, 3), (2, 6))
}


def chords(places, arrows):
    """How long the straight ways between the states are, together, where the circle has radius 1."""
    around = places / np.hypot(*places[0])
    return sum(float(np.hypot(*(around[source] - around[target]))) for source, target in arrows)


@pytest.mark.parametrize("arrows", SLIDING.values(), ids=map(str, SLIDING))
def test_states_stand_apart_on_the_circle_and_arrows_run_from_rim_to_rim(arrows):
    n = max(max(arrow) for arrow in arrows) + 1
    places, ways = ring_layout(n, arrows, 0.8)
    assert np.hypot(*places.T) == pytest.approx(np.full(n, np.hypot(*places[0])))
    apart = np.hypot(*(places[:, None] - places[None]).T) + 99 * np.eye(n)
    assert apart.min() > 1.6 * 0.8
    assert set(ways) == set(arrows)
    for (source, target), way in ways.items():
        assert np.hypot(*(np.array(way[0]) - places[source])) == pytest.approx(0.4)
        assert np.hypot(*(np.array(way[-1]) - places[target])) == pytest.approx(0.4)


@pytest.mark.parametrize("arrows", SLIDING.values(), ids=map(str, SLIDING))
def test_arrows_go_around_the_states_that_they_do_not_join(arrows):
    n = max(max(arrow) for arrow in arrows) + 1
    places, ways = ring_layout(n, arrows)
    for pair, way in ways.items():
        others = np.delete(places, list(pair), axis=0)
        assert np.hypot(*(points_of(way)[:, None] - others).transpose(2, 0, 1)).min() > 0.55


def test_a_circle_with_more_room_is_larger():
    one, two = (ring_layout(8, SLIDING[2, 3], room=room)[0] for room in (1.0, 1.5))
    assert two == pytest.approx(1.5 * one)


def test_both_directions_between_two_states_bend_apart():
    _, ways = ring_layout(2, [(0, 1), (1, 0)])
    one, two = points_of(ways[0, 1])[20], points_of(ways[1, 0])[20]
    assert one[0] * two[0] < 0
    assert abs(one[0] - two[0]) > 0.2


def test_an_arrow_that_has_to_give_way_keeps_off_the_arrow_back():
    # a third state stands where the arrow from left to right would pass
    places = np.array([[0.0, 0.0], [6.0, 0.0], [3.0, -0.6]])
    bend, way = way_around(places, 0, 1, 1.0, None)
    back, way_back = way_around(places, 1, 0, 1.0, bend)
    assert abs(bend + back) >= 0.2
    between = np.hypot(*(points_of(way)[20] - points_of(way_back)[20]))
    assert between > 0.5
    assert min(np.hypot(*(points_of(each) - places[2]).T).min() for each in (way, way_back)) > 0.5


def test_states_that_follow_each_other_stand_side_by_side():
    order = [0, 3, 1, 4, 2]
    places, _ = ring_layout(5, list(zip(order, [*order[1:], order[0]], strict=True)))
    radius = np.hypot(*places[0])
    steps = [np.hypot(*(places[a] - places[b])) for a, b in pairwise(order)]
    assert steps == pytest.approx([2 * radius * np.sin(np.pi / 5)] * 4)


@pytest.mark.parametrize("seed", range(4))
def test_no_change_of_two_states_shortens_the_arrows(seed):
    rng = np.random.default_rng(seed)
    arrows = sorted({(int(s), int(t)) for s, t in rng.integers(0, 7, (14, 2)) if s != t})
    places, _ = ring_layout(7, arrows)
    least = chords(places, arrows)
    for one, two in permutations(range(7), 2):
        changed = places.copy()
        changed[[one, two]] = changed[[two, one]]
        assert chords(changed, arrows) > least - 1e-9
    assert least <= chords(ring_layout(7, [])[0], arrows) + 1e-9


def test_one_state_and_no_arrows_have_a_place_too():
    places, ways = ring_layout(1, [(0, 0)])
    assert places.tolist() == [[0, 0]]
    assert list(ways) == [(0, 0)]
    assert ring_layout(3, [])[1] == {}
