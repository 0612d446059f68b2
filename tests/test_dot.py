"""State graphs: every state and arrow is there, nothing is misread by Graphviz, and pictures come out."""

import importlib
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pygraphviz
import pytest

import markovgpt as mg
from markovgpt.graphs.dot import percent, state_graph

AWKWARD = ("a:b", "<b>", 'say "hi"', "back\\slash", "new\nline", "", "=cmd()", "</script>", "héé 🙂", "%", "\\N")


@pytest.fixture
def coin():
    return mg.WindowChain(mg.StateSpace(2, 2), np.array([[0.75, 0.25]] * 4), mg.Vocabulary(("h", "t")))


@pytest.fixture(params=["program", "wheel"])
def renderer(request, monkeypatch):
    """Both ways to draw; the program's is skipped where it is not installed."""
    if request.param == "wheel":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif shutil.which("dot") is None:
        pytest.skip("no dot program on this machine")


def parsed(chain, **marks):
    """The graph as Graphviz itself reads it."""
    return pygraphviz.AGraph(string=state_graph(chain, **marks).source)


def test_graphviz_reads_back_every_state_and_arrow(coin):
    graph = parsed(coin)
    assert {node.attr["label"] for node in graph.nodes()} == {"hh", "ht", "th", "tt"}
    arrows = {(edge[0], edge[1]): edge.attr["label"] for edge in graph.edges()}
    # hh = 0 leads to hh = 0 and ht = 1; ht = 1 to th = 2 and tt = 3; and so on
    expected = {(f"s{s}", f"s{(2 * s + t) % 4}"): ("h(75%)", "t(25%)")[t] for s in range(4) for t in range(2)}
    assert arrows == expected


def test_red_and_start_are_seen_without_colour(coin):
    graph = parsed(coin, red=np.array([True, False, False, False]), start=2)
    assert graph.get_node("s0").attr["shape"] == "doublecircle"
    assert graph.get_node("s1").attr["shape"] in (None, "", "circle")
    assert float(graph.get_node("s2").attr["penwidth"]) > 1


def test_awkward_labels_come_back_intact():
    chain = mg.SparseChain.from_matrix(np.eye(len(AWKWARD)), labels=AWKWARD)
    svg = ElementTree.fromstring(_svg(chain))
    drawn = {"".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    for label in AWKWARD:
        if label and label != "new\nline":
            assert label in drawn


def _svg(chain):
    """The drawing by the wheel."""
    return pygraphviz.AGraph(string=state_graph(chain).source).draw(format="svg", prog="dot")


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.5, "50%"), (1.0, "100%"), (0.9999, ">99%"), (1e-300, "<1%"), (0.0, "<1%"), (0.994, "99%"), (0.006, "1%")],
)
def test_percentages_leave_zero_and_hundred_to_what_is_certain(probability, shown):
    assert percent(probability) == shown


@pytest.mark.usefixtures("renderer")
@pytest.mark.parametrize(("suffix", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_drawn_in_every_format(coin, tmp_path, suffix, begins):
    assert mg.draw(coin, tmp_path / f"graph.{suffix}").read_bytes().startswith(begins)


def test_dot_files_are_the_same_when_written_twice(coin, tmp_path):
    one, two = (mg.write_dot(coin, tmp_path / name).read_bytes() for name in ("one.dot", "two.dot"))
    assert one == two
    assert one.startswith(b"digraph")


def test_without_graphviz_drawing_is_refused_with_the_remedy(coin, tmp_path, monkeypatch):
    def missing(name, *rest):
        raise ImportError(name)

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(mg.InvalidInput, match=r"drawing needs Graphviz.*pip install 'markovgpt\[render\]'"):
        mg.draw(coin, tmp_path / "graph.svg")
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(coin, tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"must end in .svg, .png or .pdf, got 'graph.bmp'"):
        mg.draw(coin, tmp_path / "graph.bmp")


def test_too_many_states_are_refused(tmp_path):
    chain = mg.SparseChain.from_matrix(np.eye(151))
    with pytest.raises(mg.TooLarge, match="at most 150 states, got 151"):
        mg.draw(chain, tmp_path / "graph.svg")


@pytest.mark.parametrize("red", [[True], [0, 1, 0, 1]])
def test_a_red_mask_that_does_not_fit_is_refused(coin, red):
    with pytest.raises(mg.InvalidInput, match=r"red must be a bool mask of shape \(4,\)"):
        state_graph(coin, red=red)


def test_the_layout_is_chosen_by_name(coin, tmp_path):
    circular, layered = (mg.draw(coin, tmp_path / f"{name}.svg", layout=name) for name in ("circo", "dot"))
    assert circular.read_bytes() != layered.read_bytes()
    with pytest.raises(mg.InvalidInput, match="layout must be one of circo, dot, neato, fdp, twopi, got 'spiral'"):
        mg.write_dot(coin, tmp_path / "graph.dot", layout="spiral")


def test_a_start_outside_the_chain_is_refused(coin):
    with pytest.raises(mg.InvalidInput, match=r"start must lie in 0..3, got 4"):
        state_graph(coin, start=4)


@pytest.mark.parametrize(("label", "shown"), [("\x00", "\\\\x00"), ("a\nb", "a\\\\nb"), ("\u202e", "\\\\u202e")])
def test_what_cannot_be_seen_in_a_label_is_shown_by_its_number(label, shown):
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]], [label, "end"])
    assert f'label="{shown}"' in state_graph(chain).source
    assert len(parsed(chain).nodes()) == 2
