"""Tokens that some format would take for something else: every data format gives them back, no picture runs them."""

import json
import re
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pytest
from awkward import AWKWARD

import markovgpt as mg
from markovgpt.graphs.graph_files import unescaped

TOKENS = tuple(dict.fromkeys(token for token in (*AWKWARD, "🙂" * 40, "\ud83d", "x" * 10**6) if token))
N = len(TOKENS)
VOCABULARY = mg.Vocabulary(TOKENS)
ROWS = (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), 7, axis=1)) / 2
CHAIN = mg.WindowChain(mg.StateSpace(N, 1), ROWS, VOCABULARY)
TABLE = mg.LogitTable(mg.StateSpace(N, 1), 9 * ROWS, VOCABULARY)
SHARES = mg.stationary_distributions(CHAIN).only()
LAW = mg.hitting_law(CHAIN, [1], start=0, steps=3)


def from_csv(folder):
    """The cells of a table."""
    return [row["token"] for row in mg.read_table(mg.write_table([{"token": token} for token in TOKENS], folder, "t"))]


def from_graphml(folder):
    """The texts of its nodes."""
    graph = nx.read_graphml(mg.write_graphml(CHAIN, folder / "graph.graphml"), node_type=int)
    return [unescaped(graph.nodes[state]["text"]) for state in range(N)]


def from_gexf(folder):
    """The texts of its nodes."""
    graph = nx.read_gexf(mg.write_gexf(CHAIN, folder / "graph.gexf"), node_type=int)
    return [unescaped(graph.nodes[state]["text"]) for state in range(N)]


def from_json(folder):
    """The texts of a node-link file, as any program writes one from what `state_graph` gives."""
    file = folder / "graph.json"
    file.write_text(json.dumps(nx.node_link_data(mg.state_graph(CHAIN), edges="edges")), encoding="utf-8")
    read = nx.node_link_graph(json.loads(file.read_text(encoding="utf-8")), edges="edges")
    return [read.nodes[state]["text"] for state in range(N)]


@pytest.mark.parametrize("read_back", [from_csv, from_graphml, from_gexf, from_json])
def test_every_data_format_gives_the_tokens_back(tmp_path, read_back):
    found = read_back(tmp_path)
    kept = [token if read_back is not from_csv else token.replace("\ud83d", "\\ud83d") for token in TOKENS]
    assert [place for place, (one, other) in enumerate(zip(found, kept, strict=True)) if one != other] == []


def test_dot_gives_back_how_they_are_printed(tmp_path):
    pygraphviz = pytest.importorskip("pygraphviz")
    small = [token for token in TOKENS if len(token) < 100]  # a graph that is parsed in no time
    n = len(small)
    chain = mg.WindowChain(mg.StateSpace(n, 1), np.roll(np.eye(n), 1, axis=1), mg.Vocabulary(small))
    graph = pygraphviz.AGraph(str(mg.write_dot(chain, tmp_path / "graph.dot")))
    labels = [graph.get_node(f"s{state}").attr["label"].replace("\\\\", "\\") for state in range(n)]
    assert labels == [chain.label(state) for state in range(n)]


def draw_a_machine(path):
    """The smallest machine at temperature zero."""
    return mg.draw_machine(mg.greedy_machine(TABLE).minimised(), path)


def write_moment(path):
    """One picture of an animation, of as many states as one may have."""
    few = mg.WindowChain(mg.StateSpace(27, 1), np.roll(np.eye(27), 1, axis=1), mg.Vocabulary(TOKENS[-27:]))
    return mg.draw_moment([mg.Moment(few, np.full(27, 1 / 27), "</script>$x$")], 0, path)


def write_curves(path):
    """A figure with a legend of tokens, as many as can be told apart."""
    return mg.waiting_time_figure(dict.fromkeys(TOKENS[:24], LAW), path)


def write_training(path):
    """A figure with a panel for each of some columns."""
    return mg.training_figure([{"step": 0, **dict.fromkeys(TOKENS[:6], 0.5)}], path)


PICTURES = {
    "draw": lambda path: mg.draw(CHAIN, path, red=[1], start=0),
    "draw_moment": write_moment,
    "draw_machine": draw_a_machine,
    "matrix_figure": lambda path: mg.matrix_figure(CHAIN, path),
    "stationary_figure": lambda path: mg.stationary_figure({"<b>$x$": SHARES}, CHAIN, path, most=N),
    "mosaic_figure": lambda path: mg.mosaic_figure(SHARES, CHAIN.space, path, label="<b>%", vocabulary=VOCABULARY),
    "waiting_time_figure": write_curves,
    "training_figure": write_training,
}


@pytest.mark.parametrize("name", PICTURES)
def test_no_picture_runs_or_fetches_anything(tmp_path, name):
    root = ElementTree.parse(PICTURES[name](tmp_path / "picture.svg")).getroot()
    tags = {part.tag.rpartition("}")[2] for part in root.iter()}
    assert not tags & {"script", "a", "foreignObject", "iframe", "object", "embed", "b", "img", "animate", "set"}
    for part in root.iter():
        for attribute, value in part.attrib.items():
            assert not attribute.lower().startswith("on")
            if attribute.rpartition("}")[2] == "href":
                assert value.startswith(("#", "data:image/png;base64,"))
    assert root.itertext()


@pytest.mark.parametrize("name", ["draw_moment", "mosaic_figure"])
def test_no_pdf_has_an_action_or_a_link(tmp_path, name):
    pdf = PICTURES[name](tmp_path / "picture.pdf").read_bytes()
    assert not re.search(rb"/(JavaScript|JS|Launch|URI|OpenAction|AA)\b", pdf)


def test_a_card_is_text_however_long_a_token_is():
    for thing in (CHAIN, TABLE, VOCABULARY, SHARES, mg.state_graph(CHAIN), mg.greedy_machine(TABLE)):
        page = thing._repr_html_()
        tags = {part.tag for part in ElementTree.fromstring(page).iter()}
        assert tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "img"}
        assert len(page) < 10**6
