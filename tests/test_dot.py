"""State graphs as DOT: Graphviz reads back every state and arrow, and misreads nothing."""

import networkx as nx
import numpy as np
import pygraphviz
import pytest

import markovgpt as mg

AWKWARD = ("a:b", "<b>", 'say "hi"', "back\\slash", "a\\nb", "=cmd()", "</script>", "héé 🙂", "%", "\\N", "[x]", "a;b",
           "{r|s}", "$x$", "x\\", "&amp;")  # fmt: skip


@pytest.fixture
def coin():
    return mg.WindowChain(mg.StateSpace(2, 2), np.array([[0.75, 0.25]] * 4), mg.Vocabulary(("h", "t")))


def parsed(path):
    """The graph as Graphviz itself reads it."""
    return pygraphviz.AGraph(string=path.read_text(encoding="utf-8"))


def unescaped(label):
    """A label as Graphviz shows it: a backslash before each of its own backslashes is no part of it."""
    return label.replace("\\\\", "\\")


def test_graphviz_reads_back_every_state_and_arrow(coin, tmp_path):
    graph = parsed(mg.write_dot(coin, tmp_path / "coin.dot"))
    assert {node.attr["label"] for node in graph.nodes()} == {"hh", "ht", "th", "tt"}
    arrows = {(edge[0], edge[1]): edge.attr["label"] for edge in graph.edges()}
    # hh = 0 leads to hh = 0 and ht = 1; ht = 1 to th = 2 and tt = 3; and so on
    expected = {(f"s{s}", f"s{(2 * s + t) % 4}"): ("h(75%)", "t(25%)")[t] for s in range(4) for t in range(2)}
    assert arrows == expected


def test_marks_are_seen_without_colour(tmp_path):
    # 0 and 1 follow each other mostly, 2 is never left
    chain = mg.SparseChain.from_matrix([[0, 0.75, 0.25], [1, 0, 0], [0, 0, 1]])
    graph = parsed(mg.write_dot(chain, tmp_path / "marks.dot", red=[0], start=1))
    look = [{key: graph.get_node(f"s{s}").attr[key] or "" for key in ("peripheries", "penwidth", "shape", "style")}
            for s in range(3)]  # fmt: skip
    assert [node["peripheries"] for node in look] == ["2", "", ""]
    assert [float(node["penwidth"] or 1) > 2 for node in look] == [False, True, False]
    assert [node["shape"] == "square" for node in look] == [False, False, True]
    assert [node["style"] for node in look] == ["filled"] * 3


@pytest.mark.parametrize("token", AWKWARD)
def test_tokens_come_back_intact(token, tmp_path):
    vocabulary = mg.Vocabulary((token, "z"))
    chain = mg.WindowChain(mg.StateSpace(2, 1), np.full((2, 2), 0.5), vocabulary)
    graph = parsed(mg.write_dot(chain, tmp_path / "token.dot"))
    assert unescaped(graph.get_node("s0").attr["label"]) == vocabulary.show((0,))
    assert {unescaped(edge.attr["label"]) for edge in graph.edges()} == {f"{vocabulary.show((0,))}(50%)", "z(50%)"}


def test_a_view_is_written_with_its_title_and_what_it_leaves_out(tmp_path):
    graph = nx.DiGraph(title="Two classes", left_out="Left out: 3 states.", mass_left_out=0.1)
    graph.add_node(4, label="a…", n_states=3, long_run=0.75, absorbing=True)
    graph.add_node(9, label="b", n_states=1)
    graph.add_edge(9, 4, weight=0.5, token_label="x y")
    read = parsed(mg.write_dot(graph, tmp_path / "view.dot"))
    assert read.graph_attr["label"] == "Two classes\nLeft out: 3 states."
    assert read.get_node("s0").attr["label"] == "a…\n×3 75%"
    assert [(edge[0], edge[1], edge.attr["label"]) for edge in read.edges()] == [("s1", "s0", "x y(50%)")]


def test_files_are_the_same_when_written_twice(coin, tmp_path):
    one, two = (mg.write_dot(coin, tmp_path / name).read_bytes() for name in ("one.dot", "two.dot"))
    assert one == two
    assert one.startswith(b"digraph")


def test_too_many_states_and_strange_layouts_are_refused(coin, tmp_path):
    with pytest.raises(mg.TooLarge, match="at most 150 states, got 151"):
        mg.write_dot(mg.SparseChain.from_matrix(np.eye(151)), tmp_path / "graph.dot")
    with pytest.raises(mg.InvalidInput, match=r"layout must be one of circular, dot, neato, .* got 'spiral'"):
        mg.write_dot(coin, tmp_path / "graph.dot", layout="spiral")
    assert list(tmp_path.iterdir()) == []
