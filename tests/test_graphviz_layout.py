"""Graphviz's places: states apart, arrows from rim to rim, by the program or the wheel, and a remedy without both."""

import importlib
import shutil

import numpy as np
import pytest

from markovgpt.errors import InvalidInput
from markovgpt.graphs.graphviz_layout import ENGINES, graphviz_layout
from markovgpt.graphs.placed_graph import points_of

ARROWS = [(s, (2 * s + t) % 8) for s in range(8) for t in range(2)]


@pytest.mark.parametrize("engine", ENGINES)
def test_states_stand_apart_and_arrows_lead_from_rim_to_rim(engine):
    places, ways = graphviz_layout(8, ARROWS, 0.9, engine)
    apart = np.hypot(*(places[:, None] - places[None]).T) + 99 * np.eye(8)
    assert apart.min() > 1.2 * 0.9
    assert set(ways) == set(ARROWS)
    for (source, target), way in ways.items():
        assert np.hypot(*(np.array(way[0]) - places[source])) == pytest.approx(0.45, abs=0.03)
        assert np.hypot(*(np.array(way[-1]) - places[target])) == pytest.approx(0.45, abs=0.03)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_arrow_and_the_one_back_are_two_lines(engine):
    _, ways = graphviz_layout(3, [(0, 1), (1, 0), (1, 2)], 1.0, engine)
    one, two = points_of(ways[0, 1]), points_of(ways[1, 0])
    assert np.hypot(*(one[len(one) // 2] - two[len(two) // 2])) > 0.15


def test_dot_shows_what_flows_where():
    path = [(0, 1), (1, 2), (2, 3)]
    down = graphviz_layout(4, path, 1.0, "dot")[0]
    assert (np.diff(down[:, 1]) < -1).all()
    right = graphviz_layout(4, path, 1.0, "dot", sideways=True)[0]
    assert (np.diff(right[:, 0]) > 1).all()
    wide = graphviz_layout(4, path, 1.0, "dot", 2.0)[0]
    assert np.ptp(wide[:, 1]) > 1.3 * np.ptp(down[:, 1])


def test_the_wheel_places_where_there_is_no_program(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert len(graphviz_layout(2, [(0, 1)], 1.0, "dot")[0]) == 2


def test_without_graphviz_the_layout_is_refused_with_the_remedy(monkeypatch):
    def missing(name, *rest):
        raise ImportError(name)

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(
        InvalidInput, match=r"layout dot needs Graphviz.*pip install 'markovgpt\[render\]', or take .*ci"
    ):
        graphviz_layout(2, [(0, 1)], 1.0, "dot")
