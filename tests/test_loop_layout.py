"""Places on paper: nothing covers anything, loops are circles, and the order is the same each time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.graphs.placed_graph import (
    CHARACTER,
    LINE,
    Arrow,
    Node,
    PlacedGraph,
    bent_free,
    curve,
    label_places,
    loops_with_tails,
)

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
        half = CHARACTER * max(map(len, caption.lines)) / 2, LINE * len(caption.lines) / 2
        aside = np.maximum(np.abs(x - caption.x) - half[0], 0), np.maximum(np.abs(y - caption.y) - half[1], 0)
        assert np.hypot(*aside).min() >= diameter / 2
    for one in places.captions:
        for other in places.captions:
            wide = CHARACTER * (max(map(len, one.lines)) + max(map(len, other.lines))) / 2
            assert one is other or abs(one.x - other.x) >= wide or abs(one.y - other.y) >= 2 * LINE


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
    assert places.bend.tolist() == [45.0] * 4  # half of a quarter turn


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


def test_a_curve_begins_and_ends_at_its_nodes_and_leaves_to_the_left():
    way = curve(np.array([1.0, 2.0]), np.array([5.0, 2.0]), 45.0)
    assert way[[0, -1]].tolist() == [[1.0, 2.0], [5.0, 2.0]]
    assert way[10] == pytest.approx([3.0, 2 + 0.75 * 0.3915 * 4 * math.sin(math.radians(45))])  # above: left going east


def test_an_arrow_goes_around_the_nodes_it_does_not_join():
    states = np.array([[0.0, 0.0], [2.0, 0.3], [4.0, 0.0]])  # one a little above the straight way
    bent = bent_free(states, Arrow(0, 2), 1.0)
    assert np.hypot(*(curve(states[0], states[2], bent.bend) - states[1]).T).min() > 0.5
    assert bent.bend < 0
    around = bent_free(states[:2], Arrow(0, 0), 1.0)
    assert 90 <= around.bend % 360 <= 270  # away from the node to its right


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(2, 6))
def test_labels_on_arrows_cover_no_node_and_no_other_label(k):
    turns = np.arange(k) * 2 * math.pi / k
    nodes = tuple(Node(4 * math.cos(turn), 4 * math.sin(turn), "a") for turn in turns)
    arrows = tuple(Arrow(i, j, f"{i}{j}", bend=20.0) for i in range(k) for j in range(k) if i != j)
    places = np.array(label_places(PlacedGraph(nodes, arrows)))
    boxes = [(*place, CHARACTER * 2 * 0.7, 0.35) for place in places] + [(node.x, node.y, 1.0, 1.0) for node in nodes]
    for one in range(len(arrows)):
        for other in range(one):
            apart = [abs(boxes[one][axis] - boxes[other][axis]) for axis in (0, 1)]
            sizes = [(boxes[one][axis + 2] + boxes[other][axis + 2]) / 2 for axis in (0, 1)]
            assert apart[0] >= sizes[0] or apart[1] >= sizes[1]


def test_a_label_moves_along_its_arrow_where_another_stands_in_the_middle():
    corners = tuple(Node(x, y, "a") for x, y in ((0, 0), (6, 6), (0, 6), (6, 0)))
    one, other = label_places(PlacedGraph(corners, (Arrow(0, 1, "abc"), Arrow(2, 3, "abc"))))
    assert one == pytest.approx((3.0, 3.0))
    assert abs(other[0] + other[1] - 6) < 1e-9  # still on its own diagonal
    assert abs(other[1] - 3) >= 0.35
