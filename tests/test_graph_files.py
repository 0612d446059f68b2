"""GraphML and GEXF: whatever stands in a graph comes back as networkx reads it, and XML itself takes the file."""

import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.graphs.graph_files import escaped, unescaped, write_gexf, write_graphml
from markovgpt.graphs.merged_views import condensation_graph, suffix_graph
from markovgpt.graphs.views import heaviest_states, state_graph
from tests.random_chains import window_chains
from tests.reference_chains import gambler, uniform_windows

AWKWARD = (
    *("a:b", "<b>", 'say "hi"', "it's", "back\\slash", "new\nline", "\r\n", "\t", "=cmd()", "</script>", "héé 🙂", "%"),
    *("\\N", "]]>", "\x00", "\x01", "\x1b[0m", "\x85", "\ufffe", "\uffff", "\ud800", "&amp;", "&", " ", "  a ", "␣"),
    *("_x", "_x0000_", "_x005F_", "_x_", "_", "__x", "_x0041\n", "<!--", "<![CDATA[", "\u2028", "\U0001fffe", "\u202e"),
)
FORMATS = [(write_graphml, nx.read_graphml), (write_gexf, nx.read_gexf)]


def read_back(graph, read, file):
    """The graph as networkx reads its file, texts unescaped, what GEXF adds or renames undone."""
    found = read(file, node_type=int)
    for data in (*found.nodes.values(), *found.edges.values()):
        data.pop("id", None)
        if "is_start" in data:
            data["start"] = data.pop("is_start")
        data.update({name: unescaped(value) for name, value in data.items() if isinstance(value, str)})
    assert found.is_directed()
    assert dict(found.nodes(data=True)) == dict(graph.nodes(data=True))
    kinds = [[type(value) for _, value in sorted(data.items())] for data in found.nodes.values()]
    assert kinds == [[type(value) for _, value in sorted(graph.nodes[node].items())] for node in found]
    assert {(s, t): data for s, t, data in found.edges(data=True)} == {
        (s, t): data for s, t, data in graph.edges(data=True)
    }
    return found


@pytest.mark.parametrize(("write", "read"), FORMATS)
def test_awkward_tokens_come_back_intact(write, read, tmp_path):
    n = len(AWKWARD)
    chain = mg.WindowChain(mg.StateSpace(n, 1), np.full((n, n), 1 / n), mg.Vocabulary(AWKWARD))
    graph = state_graph(chain, red=[1], start=0, long_run=True)
    assert [graph.nodes[node]["text"] for node in range(n)] == list(AWKWARD)
    read_back(graph, read, write(graph, tmp_path / "graph"))


@pytest.mark.parametrize(("write", "read"), FORMATS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tokens=st.lists(st.text(st.characters(), min_size=1, max_size=4), min_size=1, max_size=3, unique=True))
@example(tokens=["\ud83d", "\ude42", "🙂"])
def test_any_tokens_come_back_intact(write, read, tmp_path, tokens):
    n = len(tokens)
    chain = mg.WindowChain(mg.StateSpace(n, 2), np.full((n * n, n), 1 / n), mg.Vocabulary(tuple(tokens)))
    graph = state_graph(chain)
    read_back(graph, read, write(chain, tmp_path / "graph"))
    labels = [*tokens, *["x" * i for i in range(n * n - n)]]
    listed = state_graph(mg.SparseChain.from_matrix(np.eye(n * n), labels=labels))  # as they are, and an empty one
    read_back(listed, read, write(listed, tmp_path / "graph"))


@settings(max_examples=300, derandomize=True)
@given(
    st.text(st.sampled_from("_x0041F5\n\x00ax"), max_size=12), st.text(st.sampled_from("_x0041F5\n\x00ax"), max_size=12)
)
def test_no_two_texts_are_escaped_the_same(one, other):
    assert unescaped(escaped(one)) == one
    assert (escaped(one) == escaped(other)) == (one == other)


def test_ordinary_texts_stand_as_they_are():
    for text in ("the cat", "snake_case", "a_X", "…␣", "100 %", "<b>"):
        assert escaped(text) == text


@pytest.mark.parametrize(("write", "read"), FORMATS)
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=window_chains([(2, 2), (3, 2)]))
def test_every_view_comes_back(write, read, tmp_path, chain):
    for graph in (
        state_graph(chain, red=[0], start=1, long_run=True),
        heaviest_states(chain, 2, start=0),
        suffix_graph(chain, 1, start=0),
        condensation_graph(chain, start=0),
    ):
        found = read_back(graph, read, write(graph, tmp_path / "graph"))
        if write is write_graphml:
            assert {
                name: unescaped(value) if isinstance(value, str) else value for name, value in found.graph.items()
            } == {
                **graph.graph,
                "node_default": {},
                "edge_default": {},
            }


@pytest.mark.parametrize(("write", "_read"), FORMATS)
def test_files_are_the_same_when_written_twice(write, _read, tmp_path, monkeypatch):
    first = write(gambler(), tmp_path / "first", red=[3], start=1).read_bytes()
    monkeypatch.setattr(time, "strftime", lambda *_: "1999-12-31")
    assert write(gambler(), tmp_path / "second", red=[3], start=1).read_bytes() == first


def test_graphml_spells_truths_as_xml_does(tmp_path):
    file = write_graphml(mg.SparseChain.from_matrix(np.eye(2), labels=["True", "False"]), tmp_path / "graph", red=[0])
    tree, name = ElementTree.parse(file), "{http://graphml.graphdrawing.org/xmlns}"
    truths = {key.get("id") for key in tree.iter(f"{name}key") if key.get("attr.type") == "boolean"}
    assert len(truths) == 3  # red, absorbing, cycle
    data = [(data.get("key") in truths, data.text) for data in tree.iter(f"{name}data")]
    assert {text for truth, text in data if truth} == {"true", "false"}
    assert {"True", "False"} <= {text for truth, text in data if not truth}


def test_gexf_says_what_is_shown_and_what_is_left_out(tmp_path):
    file = write_gexf(heaviest_states(uniform_windows(2, 2), 3), tmp_path / "graph.gexf")
    meta = ElementTree.parse(file).find("{http://www.gexf.net/1.2draft}meta")
    assert meta.attrib == {}
    assert [part.text for part in meta] == [
        "markovgpt",
        "The 3 states with most of the long run. Left out: 1 of 4 states with at most 0.251 of the long run",
    ]


@pytest.mark.parametrize(("write", "_read"), FORMATS)
def test_what_a_file_cannot_hold_is_refused_and_the_old_file_kept(write, _read, tmp_path):
    file = tmp_path / "graph"
    file.write_text("before")
    for value, kind in (
        (np.zeros(2), "ndarray"),
        (None, "NoneType"),
        (float("nan"), "float"),
        (np.float64(1), "float64"),
    ):
        graph = nx.DiGraph()
        graph.add_node(0, odd=value)
        with pytest.raises(mg.InvalidInput, match=f"got {kind} for odd of node 0; leave it out"):
            write(graph, file)
    with pytest.raises(mg.InvalidInput, match="got ndarray for class_of of the graph"):
        write(mg.condensation(gambler()), file)
    with pytest.raises(mg.InvalidInput, match="red and start are marked when a graph is made"):
        write(state_graph(gambler()), file, red=[1])
    with pytest.raises(mg.TooLarge, match="got 16,384 states; show a part of it"):
        write(uniform_windows(2, 14), file)
    assert file.read_text() == "before"
    assert [path.name for path in Path(tmp_path).iterdir()] == ["graph"]
