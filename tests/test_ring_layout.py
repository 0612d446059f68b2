"""The layout of moving graphs: every ring and arrow has its place, and no number lies on an arrow."""

from itertools import pairwise

import numpy as np
import pytest

from markovgpt.graphs.ring_layout import GAP, LINE, LONGEST, ROOM, distances, points_of, ring_layout

SLIDING = {
    (V, L): [(s, (s * V + t) % V**L) for s in range(V**L) for t in range(V)] for V, L in ((2, 2), (2, 3), (3, 2))
}


def sampled(curve):
    """A thousand points of a cubic curve, by de Casteljau's halving."""
    found = []
    for t in np.linspace(0, 1, 1000):
        points = curve
        while len(points) > 1:
            points = points[:-1] * (1 - t) + points[1:] * t
        found.append(points[0])
    return np.array(found)


def test_points_of_a_curve_are_those_of_de_casteljau():
    curve = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, -1.0], [4.0, 0.5]])
    points = points_of(curve)
    assert points[[0, -1]].tolist() == [[0.0, 0.0], [4.0, 0.5]]
    for point in points:
        assert np.hypot(*(sampled(curve) - point).T).min() < 0.01


@pytest.mark.parametrize("arrows", SLIDING.values(), ids=map(str, SLIDING))
def test_rings_stand_apart_on_the_circle_and_arrows_run_from_ring_to_ring(arrows):
    n = max(max(arrow) for arrow in arrows) + 1
    layout = ring_layout(n, arrows)
    assert np.hypot(*layout.places.T) == pytest.approx(np.ones(n))
    apart = np.hypot(*(layout.places[:, None] - layout.places[None]).T) + 9 * np.eye(n)
    assert apart.min() > 2.2 * layout.radius
    assert set(layout.curves) == set(arrows)
    for (source, target), curve in layout.curves.items():
        assert np.hypot(*(curve[0] - layout.places[source])) == pytest.approx(layout.radius)
        assert np.hypot(*(curve[-1] - layout.places[target])) == pytest.approx(1.12 * layout.radius)


@pytest.mark.parametrize("arrows", SLIDING.values(), ids=map(str, SLIDING))
def test_no_number_lies_on_an_arrow_a_ring_or_another_number(arrows):
    n = max(max(arrow) for arrow in arrows) + 1
    layout = ring_layout(n, arrows)
    drawn = np.concatenate([sampled(curve) for curve in layout.curves.values()])
    assert layout.numbers
    half = np.array([0.049 * LONGEST / 2, LINE])
    for arrow, middle in layout.numbers.items():
        outside = np.maximum(np.abs(drawn - middle) - half, 0)
        assert np.hypot(*outside.T).min() > 0.7 * GAP  # between the points of the layout an arrow bends a little
        near = np.maximum(np.abs(layout.places - middle) - half, 0)
        assert np.hypot(*near.T).min() > layout.radius
        own = np.hypot(*np.maximum(np.abs(sampled(layout.curves[arrow]) - middle) - half, 0).T).min()
        assert own < 3 * GAP  # and it stands beside its own arrow
        assert (np.abs(middle) + half < ROOM).all()
        for other in layout.numbers:
            assert other == arrow or (np.abs(layout.numbers[other] - middle) > 2 * half).any()


def test_the_seeds_graph_shows_all_its_sixteen_numbers():
    assert len(ring_layout(8, SLIDING[2, 3]).numbers) == 16


def test_both_directions_between_two_states_bend_apart():
    layout = ring_layout(2, [(0, 1), (1, 0)])
    one, two = points_of(layout.curves[0, 1])[20], points_of(layout.curves[1, 0])[20]
    assert one[0] * two[0] < 0
    assert abs(one[0] - two[0]) > 0.2


def test_states_that_follow_each_other_stand_side_by_side():
    order = [0, 3, 1, 4, 2]
    layout = ring_layout(5, list(zip(order, [*order[1:], order[0]], strict=True)))
    steps = [np.hypot(*(layout.places[a] - layout.places[b])) for a, b in pairwise(order)]
    assert steps == pytest.approx([2 * np.sin(np.pi / 5)] * 4)


def test_one_state_and_no_arrows_have_a_place_too():
    alone = ring_layout(1, [(0, 0)])
    assert alone.places.tolist() == [[0, 0]]
    assert list(alone.numbers) == [(0, 0)]
    assert ring_layout(3, []).curves == {}


def test_a_distance_is_0_within_the_box():
    assert distances(np.zeros(2), np.array([[0.0, 0.0], [0.0, LINE + 1.0]])) == pytest.approx([0, 1])
