"""Places on paper: nothing covers anything, loops are circles, and the order is the same each time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.graphs.loop_layout import leaving_way, loops_with_tails
from markovgpt.graphs.placed_graph import points_of

SUCCESSORS = st.integers(1, 40).flatmap(lambda k: st.lists(st.integers(0, k - 1), min_size=k, max_size=k))


def placed(successor, diameter=1.0):
    """A graph and its places, a caption of two lines to each loop."""
    graph = FunctionalGraph.of(np.array(successor))
    captions = [(f"loop {loop}", "so many windows") for loop in range(len(graph.cycles))]
    return graph, loops_with_tails(graph, captions, np.ones(len(successor), dtype=np.int64), diameter)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SUCCESSORS, st.sampled_from([1.0, 2.4]))
def test_no_node_covers_another_and_no_caption_a_node(successor, diameter):
    _, places = placed(successor, diameter)
    x, y = places.states.T
    between = np.hypot(x[:, None] - x, y[:, None] - y) + np.eye(len(x)) * 100
    assert between.min() >= 1.3 * diameter
    for caption in places.captions:
        left, right, bottom, top = caption.box
        aside = np.maximum(np.maximum(left - x, x - right), 0), np.maximum(np.maximum(bottom - y, y - top), 0)
        assert np.hypot(*aside).min() >= diameter / 2
    for one in places.captions:
        for other in places.captions:
            apart = [one.box[low] >= other.box[low + 1] or other.box[low] >= one.box[low + 1] for low in (0, 2)]
            assert one is other or any(apart)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(SUCCESSORS)
def test_loops_are_circles_and_each_step_of_a_tail_is_a_ring_nearer(successor):
    graph, places = placed(successor)
    for number, loop in enumerate(graph.cycles):
        # from the loop's centre: three points of a circle, or the middle of two
        points = places.states[loop]
        if len(loop) == 1:
            centre = points[0]
        elif len(loop) == 2:
            centre = points.mean(axis=0)
        else:
            a, b, c = points[:3]
            normal = 2 * np.array([b - a, c - a])
            centre = np.linalg.solve(normal, [b @ b - a @ a, c @ c - a @ a])
        away = np.hypot(*(places.states - centre).T)
        assert np.ptp(away[loop]) < 1e-6
        tails = np.flatnonzero((graph.basin == number) & (graph.steps > 0))
        assert (away[tails] - away[graph.successor[tails]] >= 1.8 - 1e-6).all()


def test_a_loop_runs_clockwise_from_the_top_and_its_arrows_follow_the_circle():
    _, places = placed([1, 2, 3, 0])
    middle = places.states.mean(axis=0)
    assert np.sign((places.states - middle).round(6)).tolist() == [[0, 1], [1, 0], [0, -1], [-1, 0]]
    for way in places.ways:  # bent by half of a quarter turn: they stay as far out as the states
        assert np.hypot(*(points_of(way) - middle).T) == pytest.approx(np.hypot(*(places.states[0] - middle)), rel=0.06)


def test_the_loop_that_most_leads_to_comes_first():
    # 0 alone; 1 and all others
    _, places = placed([0, 1, 1, 1, 1])
    first = places.captions[0]
    assert first.lines[0] == "loop 1"
    assert first.x <= places.captions[1].x or first.y > places.captions[1].y


def test_nothing_stands_where_a_state_comes_back_to_itself():
    _, places = placed([0, 0, 0, 0, 0])
    above = places.states[1:] - places.states[0]
    angle = np.degrees(np.arctan2(above[:, 1], above[:, 0])) % 360
    assert np.abs(angle - 90).min() >= 360 / 5 - 1e-6  # four tails and the arrow share the circle


def test_places_are_the_same_each_time():
    one, other = (placed([1, 2, 0, 0, 4, 4])[1].states.tolist() for _ in range(2))
    assert one == other


def test_an_arrow_leaves_to_the_left_and_one_to_itself_on_that_side():
    way = leaving_way(np.array([1.0, 2.0]), np.array([5.0, 2.0]), 0.5, 45.0)
    half = 0.5 * math.sqrt(0.5)
    assert way[0] == pytest.approx((1 + half, 2 + half))  # above: left, going east
    assert way[-1] == pytest.approx((5 - half, 2 + half))
    assert way[1][1] > way[0][1]
    loop = np.array(leaving_way(np.array([1.0, 2.0]), np.array([1.0, 2.0]), 0.5, 90.0))
    assert (loop[:, 1] > 2).all()
