"""Drawing a chain or a view of it: what is asked for is marked, and what does not fit is refused before anything."""

import xml.etree.ElementTree as ElementTree

import networkx as nx
import numpy as np
import pytest

import markovgpt as mg
from markovgpt.graphs.views import state_graph


@pytest.fixture
def coin():
    return mg.WindowChain(mg.StateSpace(2, 2), np.array([[0.75, 0.25]] * 4), mg.Vocabulary(("h", "t")))


def words(path):
    """The words of a picture."""
    root = ElementTree.parse(path).getroot()
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_chain_is_drawn_with_its_labels_and_marks(coin, tmp_path):
    drawn = words(mg.draw(coin, tmp_path / "coin.svg", red="ht", start=2))
    expected = ["hh", "ht", "th", "tt", *["h(75%)", "t(25%)"] * 4, "red", "start", "on a cycle of temperature zero"]
    assert sorted(drawn) == sorted([*expected, "All 4 states"])


def test_a_view_is_drawn_as_the_chain_is(coin, tmp_path):
    one = mg.draw(coin, tmp_path / "chain.svg", red=[1], start=2).read_bytes()
    assert mg.draw(state_graph(coin, red=[1], start=2), tmp_path / "view.svg").read_bytes() == one
    graph = state_graph(coin)
    marked = mg.draw(graph, tmp_path / "marked.svg", red=np.array([False, True, False, False]), start=2)
    assert marked.read_bytes() == one
    assert "red" not in graph.nodes[1]  # what is given is left as it is


@pytest.mark.parametrize(("suffix", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_drawn_in_every_format_the_same_twice(coin, tmp_path, suffix, begins):
    one, two = (mg.draw(coin, tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert one.startswith(begins)


@pytest.mark.parametrize("layout", ["dot", "neato", "circo"])
def test_the_layout_is_chosen_by_name(coin, tmp_path, layout):
    pytest.importorskip("pygraphviz")
    ring = mg.draw(coin, tmp_path / "ring.svg")
    other = mg.draw(coin, tmp_path / "other.svg", layout=layout)
    assert ring.read_bytes() != other.read_bytes()
    assert {"hh", "ht", "th", "tt", "All 4 states"} <= set(words(ring)) & set(words(other))


def test_tikz_holds_what_the_picture_holds(coin, tmp_path):
    whole = mg.write_tikz(coin, tmp_path / "coin.tex", red=[1]).read_text(encoding="utf-8")
    alone = mg.write_tikz(coin, tmp_path / "alone.tex", red=[1], standalone=False).read_text(encoding="utf-8")
    assert alone.startswith("\\begin{tikzpicture}")
    assert alone in whole
    assert whole.startswith("\\documentclass")
    assert alone.count("{h(75\\%)}") == alone.count("{t(25\\%)}") == 4


def test_chains_below_the_doubles_are_drawn(tmp_path):
    cold = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, -2000.0], [-2000.0, 0.0]])))
    assert sorted(words(mg.draw(cold, tmp_path / "cold.svg"))).count("1(3e-869)") == 1


def test_what_cannot_be_drawn_is_refused(coin, tmp_path):
    for thing in ([[0.5, 0.5], [0.5, 0.5]], nx.Graph([(0, 1)]), nx.MultiDiGraph([(0, 1)]), nx.DiGraph()):
        with pytest.raises(mg.InvalidInput, match="must be of a chain or a directed graph with at least one node, got"):
            mg.draw(thing, tmp_path / "graph.svg")
    with pytest.raises(mg.InvalidInput, match=r"must end in .svg, .pdf or .png, got 'graph.bmp'"):
        mg.draw(coin, tmp_path / "graph.bmp")
    with pytest.raises(mg.TooLarge, match="at most 150 states, got 151"):
        mg.draw(mg.SparseChain.from_matrix(np.eye(151)), tmp_path / "graph.svg")
    with pytest.raises(mg.InvalidInput, match=r"layout must be one of circular, dot, .* got 'spiral'; circular is"):
        mg.write_tikz(coin, tmp_path / "graph.tex", layout="spiral")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("red", [[True], [0, 1, 0, 1]])
def test_red_that_does_not_fit_a_graph_is_refused(coin, tmp_path, red):
    with pytest.raises(mg.InvalidInput, match=r"red must be a bool mask of shape \(4,\) over the nodes of the graph"):
        mg.draw(state_graph(coin), tmp_path / "graph.svg", red=red)


def test_a_start_that_is_no_state_is_refused(coin, tmp_path):
    with pytest.raises(mg.InvalidInput, match="start must be a node of the graph, got 4"):
        mg.draw(state_graph(coin), tmp_path / "graph.svg", start=4)
    with pytest.raises(mg.InvalidInput, match="start"):
        mg.draw(coin, tmp_path / "graph.svg", start=4)
