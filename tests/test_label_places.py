"""Labels of arrows: measured in their font, they lie on nothing, and nothing else is nearer than their own arrow."""

import math
from itertools import pairwise

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.graphs.label_places import labelled
from markovgpt.graphs.placed_graph import (
    Arrow,
    Caption,
    Node,
    PlacedGraph,
    begin_way,
    bent_way,
    head_of,
    label_boxes,
    points_of,
)
from markovgpt.graphs.state_layout import placed_states

POINT = 2.54 / 72


def graph_of(vocab_size, context_length, **options):
    """A state graph of windows with random probabilities, one red, one the start."""
    space = mg.StateSpace(vocab_size, context_length, **options)
    rows = np.random.default_rng(0).dirichlet(np.ones(vocab_size), size=space.n_states)
    chain = mg.WindowChain(space, rows, mg.Vocabulary(tuple("abcdefgh"[:vocab_size])))
    graph = chain.to_networkx()
    graph.nodes[0]["red"] = graph.nodes[space.n_states - 1]["start"] = True
    return graph


def lengthwise(way):
    """Points close along a curve."""
    points = points_of(way)
    return np.concatenate([np.linspace(one, two, 8) for one, two in pairwise(points)])


def distance(box, points):
    """How far the nearest point is from a box, 0 within it."""
    left, right, bottom, top = box
    across = np.maximum(np.maximum(left - points[:, 0], points[:, 0] - right), 0)
    along = np.maximum(np.maximum(bottom - points[:, 1], points[:, 1] - top), 0)
    return float(np.hypot(across, along).min())


def overlap(one, two):
    """Whether two boxes share more than a side."""
    return one[0] < two[1] and two[0] < one[1] and one[2] < two[3] and two[2] < one[3]


def check(placed):
    """Nothing that is written lies on anything."""
    written = [arrow for arrow in placed.arrows if arrow.label and arrow.place is not None]
    boxes = label_boxes(placed)
    lines, heads = [lengthwise(arrow.way) for arrow in placed.arrows], [head_of(arrow) for arrow in placed.arrows]
    middles = np.array([(node.x, node.y) for node in placed.nodes])
    for place, (arrow, box) in enumerate(zip(written, boxes, strict=True)):
        far = np.array([
            min(distance(box, line) - other.width * POINT / 2, distance(box, head))
            for other, line, head in zip(placed.arrows, lines, heads, strict=True)
        ])  # fmt: skip
        assert far.min() > 0
        own = placed.arrows.index(arrow)
        assert far[own] == far.min()
        assert distance(box, middles) > placed.diameter / 2
        assert not any(overlap(box, other) for other in boxes[:place])
        assert not any(overlap(box, caption.box) for caption in placed.captions)
        for node in placed.nodes:
            if node.begin is not None:
                assert distance(box, np.linspace(*begin_way(node, placed.diameter), 50)) > 0.05
    return len(written)


@pytest.mark.parametrize(
    ("vocab_size", "context_length", "options", "least"),
    [
        (2, 3, {}, 16),
        (2, 3, {"with_prefixes": True}, 28),
        (3, 2, {}, 26),
        (3, 3, {}, 60),
        (2, 6, {}, 80),
        (4, 3, {}, 75),
    ],
)
def test_no_label_lies_on_anything_at_any_size(vocab_size, context_length, options, least):
    placed = placed_states(graph_of(vocab_size, context_length, **options))
    assert check(placed) >= least


@pytest.mark.parametrize("layout", ["dot", "neato", "fdp", "twopi", "circo"])
def test_no_label_lies_on_anything_where_graphviz_places_the_states(layout):
    pytest.importorskip("pygraphviz")
    assert check(placed_states(graph_of(2, 3), layout)) >= 12


def test_likely_arrows_choose_first():
    # between two lanes there is room for one label, and above and below them are walls of text
    nodes = tuple(Node(x, y, "a") for y in (0.0, 0.6) for x in (0.0, 6.0))
    walls = tuple(Caption(3.0, y, ("x" * 30,)) for y in (0.95, -0.35))
    for widths in ((0.5, 2.0), (2.0, 0.5)):
        lanes = [
            Arrow(2 * lane, 2 * lane + 1, bent_way((0, 0.6 * lane), (6, 0.6 * lane), 0.25, 0.0), "n" * 14, width=width)
            for lane, width in enumerate(widths)
        ]
        placed = labelled(PlacedGraph(nodes, tuple(lanes), walls, diameter=0.5)).arrows
        assert [arrow.place is not None for arrow in placed] == [width == 2.0 for width in widths]


def test_where_there_is_no_room_there_is_no_label():
    turns = [math.tau * k / 12 for k in range(12)]
    nodes = tuple(Node(0.9 * math.cos(turn), 0.9 * math.sin(turn), "a") for turn in turns)
    arrows = tuple(Arrow(i, (i + 6) % 12, bent_way((nodes[i].x, nodes[i].y), (-nodes[i].x, -nodes[i].y), 0.4, 0.1),
                         "a very long label") for i in range(12))  # fmt: skip
    assert all(arrow.place is None for arrow in labelled(PlacedGraph(nodes, arrows, diameter=0.8)).arrows)
