"""Places on paper: curves, heads and boxes are where geometry has them."""

import math

import numpy as np
import pytest

from markovgpt.graphs.lettering import width_of
from markovgpt.graphs.placed_graph import (
    Arrow,
    Caption,
    Node,
    PlacedGraph,
    begin_way,
    begun,
    bent_way,
    head_of,
    label_boxes,
    loop_way,
    points_of,
)

CURVE = ((0.0, 0.0), (1.0, 2.0), (3.0, -1.0), (4.0, 0.5))


def halved(control, t):
    """A point of a cubic curve by de Casteljau's halving."""
    points = np.array(control)
    while len(points) > 1:
        points = points[:-1] * (1 - t) + points[1:] * t
    return points[0]


def test_points_of_a_curve_are_those_of_de_casteljau():
    points = points_of(CURVE)
    assert len(points) == 41
    for place in range(0, 41, 5):
        assert points[place] == pytest.approx(halved(CURVE, place / 40))


def test_a_curve_in_pieces_has_the_points_of_each():
    other = (CURVE[-1], (5.0, 2.0), (6.0, 2.0), (7.0, 0.0))
    both = points_of((*CURVE, *other[1:]))
    assert both == pytest.approx(np.concatenate([points_of(CURVE), points_of(other)]))


def test_an_arrow_leaves_and_enters_at_the_rims_and_bends_to_the_right():
    way = bent_way((0, 0), (4, 0), 0.5, 0.25)
    assert np.hypot(*np.array(way[0])) == pytest.approx(0.5)
    assert np.hypot(*(np.array(way[-1]) - (4, 0))) == pytest.approx(0.5)
    assert points_of(way)[20][0] == pytest.approx(2.0)
    assert -1.0 < points_of(way)[20][1] < -0.4  # going east, right is south; the control point is one lower
    assert bent_way((0, 0), (4, 0), 0.5, 0.0)[0] == pytest.approx((0.5, 0.0))


def test_a_loop_begins_and_ends_on_its_rim_and_lies_on_its_side():
    way = np.array(loop_way((1.0, 2.0), 0.5, 90.0))
    assert np.hypot(*(way[[0, -1]] - (1, 2)).T) == pytest.approx([0.5, 0.5])
    assert (points_of(way)[:, 1] > 2.4 - 1e-9).all()
    assert points_of(way)[20][0] == pytest.approx(1.0)


def test_a_head_points_where_the_arrow_goes():
    tip, one, two = head_of(Arrow(0, 1, ((0, 0), (1, 0), (2, 0), (3, 0)), width=1.0))
    assert tip.tolist() == [3.0, 0.0]
    assert one[0] == two[0] < 3
    assert one[1] == -two[1] > 0


def test_the_box_holds_all_that_is_drawn():
    node = Node(0.0, 0.0, "a", begin=180.0)
    arrow = Arrow(0, 0, loop_way((0.0, 0.0), 0.5, 90.0), "label", place=(0.0, 3.0))
    graph = PlacedGraph((node,), (arrow,), (Caption(0.0, -4.0, ("x",)), Caption(2.0, 0.0, ("y" * 9,), centred=False)))
    left, right, bottom, top = graph.box
    assert left == pytest.approx(begin_way(node, 1.0)[0][0])
    assert right == pytest.approx(2.0 + width_of("y" * 9, 10.0))
    assert -4.5 < bottom < -4.0
    assert 3.0 < top < 3.5
    assert label_boxes(graph)[0][1] == pytest.approx(width_of("label", 8.0) / 2)
    assert PlacedGraph((), ()).box == (0.0, 1.0, 0.0, 1.0)


def test_the_arrow_into_the_start_comes_from_where_nothing_is():
    # a state in the middle of a ring of seven, one place of eight free, at 225 degrees
    turns = [math.radians(45 * k) for k in range(8) if k != 5]
    nodes = (Node(0, 0, "m", begin=180.0), *(Node(1.5 * math.cos(turn), 1.5 * math.sin(turn), "") for turn in turns))
    assert begun(PlacedGraph(nodes, ())).nodes[0].begin == 225.0
    looped = PlacedGraph((Node(0, 0, "m", begin=180.0),), (Arrow(0, 0, loop_way((0, 0), 0.5, 180.0)),))
    assert abs(begun(looped).nodes[0].begin - 180.0) > 60
