"""`markovgpt export`: files of a chain that is known by hand, and files made of files."""

import json
import re
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from outside_files import COIN_DRN, COIN_MATRIX
from umb_files import naive

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains.margins import Cuts
from markovgpt.commands import export
from markovgpt.commands.options import Made
from markovgpt.exchange.chain_files import read_chain


@pytest.fixture
def coin(monkeypatch):
    """After 00 and 01 a 1 is likelier, after 10 and 11 a 0: at temperature zero 01 and 10 follow each other."""
    logits = np.log([[0.25, 0.75], [0.75, 0.25], [0.25, 0.75], [0.75, 0.25]])
    table = mg.LogitTable(mg.StateSpace(2, 2), logits, mg.Vocabulary(("0", "1")))
    made = Made(mg.WindowChain.from_logits(table), mg.SamplingSettings(), table, Cuts(4, 0, 0, 1.0))
    monkeypatch.setattr(export, "chain_of", lambda given: made)
    return made.chain


ASKED = ["--red", "11", "--red", "00", "--start", "01", "--stop", "1"]


def test_a_model_is_exported_with_its_labels(coin, tmp_path, capsys):
    file = tmp_path / "coin.umb"
    assert cli.main(["export", "MODEL", "--as", "umb", "--out", str(file), *ASKED, "--json"]) == 0
    labels = {"red": [0, 3], "start": [1], "stop": [1, 3], "attractors": [1, 2]}  # windows 00 01 10 11
    rows, initial, borne, rewards = naive(file.read_bytes())
    assert (initial, borne, rewards) == ([1], labels, {})
    assert [sorted(row) for row in rows] == [[0, 1], [2, 3], [0, 1], [2, 3]]
    assert float(rows[1][2]) == pytest.approx(0.75)
    assert json.loads(capsys.readouterr().out) == {
        "question": "export",
        "file": str(file),
        "as": "umb",
        "states": 4,
        "initial": 1,
        "labels": {name: len(states) for name, states in labels.items()},
    }


def test_token_ids_say_the_same(coin, tmp_path, capsys):
    one, two = tmp_path / "1.umb", tmp_path / "2.umb"
    ids = ["--red-tokens", "1,1", "--red-tokens", "0,0", "--start-tokens", "0,1", "--stop-tokens", "1"]
    for file, asked in ((one, ASKED), (two, ids)):
        assert cli.main(["export", "MODEL", "--as", "umb", "--out", str(file), *asked]) == 0
    assert one.read_bytes() == two.read_bytes()
    assert capsys.readouterr().out == f"{one}\n{two}\n"


def test_left_out_every_window_is_initial(coin, tmp_path):
    file = tmp_path / "coin.drn"
    assert cli.main(["export", "MODEL", "--as", "drn", "--out", str(file)]) == 0
    found = read_chain(file)
    assert found.initial.all()
    assert set(found.labels) == {"attractors"}


@pytest.mark.parametrize(
    ("ending", "kind", "red", "start"),
    [
        ("dot", "dot", "peripheries=2", "penwidth=2.5"),
        ("tex", "tikz", "state, doubled", ", begin]"),
        ("graphml", "graphml", None, None),
        ("gexf", "gexf", None, None),
        ("svg", "svg", None, None),
    ],
)
def test_graphs_mark_red_and_the_start(coin, tmp_path, ending, kind, red, start):
    file = tmp_path / f"coin.{ending}"
    assert cli.main(["export", "MODEL", "--as", kind, "--out", str(file), *ASKED]) == 0
    text = file.read_text()
    if red is not None:
        nodes = [line for line in text.splitlines() if re.match(r"\s*(s\d \[|\\node\[.*\(s\d\))", line)]
        assert [line.count(red) for line in nodes] == [1, 0, 0, 1]
        assert [line.count(start) for line in nodes] == [0, 1, 0, 0]
    if kind in ("graphml", "gexf"):
        graph = {"graphml": nx.read_graphml, "gexf": nx.read_gexf}[kind](file)
        begins = {"graphml": "start", "gexf": "is_start"}[kind]
        assert [graph.nodes[state]["red"] for state in "0123"] == [True, False, False, True]
        assert [graph.nodes[state][begins] for state in "0123"] == [False, True, False, False]


@pytest.mark.parametrize(("kind", "ending"), [("umb", "umb"), ("drn", "drn"), ("prism", "tra"), ("storm", "tra")])
def test_files_are_made_of_files(tmp_path, kind, ending, capsys):
    given, file = tmp_path / "given.drn", tmp_path / f"made.{ending}"
    given.write_text(COIN_DRN)
    assert cli.main(["export", str(given), "--as", kind, "--out", str(file)]) == 0
    one, two = read_chain(given), read_chain(file)
    assert two.chain.to_csr().toarray().tolist() == COIN_MATRIX
    for part in ("labels", "rewards"):
        known, found = dict(getattr(one, part)), dict(getattr(two, part))
        found.pop("deadlock", None)  # explicit files of PRISM always declare it
        assert {name: values.tolist() for name, values in known.items()} == {
            name: values.tolist() for name, values in found.items()
        }


@pytest.mark.parametrize("asked", [["--red", "1"], ["--start-tokens", "0"], ["--temperature", "0.5"], ["--stop", "1"]])
def test_a_file_has_its_labels_and_probabilities(tmp_path, capsys, asked):
    given = tmp_path / "given.drn"
    given.write_text(COIN_DRN)
    assert cli.main(["export", str(given), "--as", "umb", "--out", str(tmp_path / "x.umb"), *asked]) == 2
    said = "sampling settings" if "temp" in asked[0] else asked[0]
    assert f"a chain file has its labels and probabilities, got {said} beside" in capsys.readouterr().err
    assert not (tmp_path / "x.umb").exists()


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        (["--as", "svg", "--out", "x.png"], 2, "--out must end in .svg for --as svg, got 'x.png'; rename it"),
        (["--as", "umb", "--out", "x.umb", "--red", "111"], 2, "--red must be seen in a window of 2 tokens here"),
        (["--as", "umb", "--out", "x.umb", "--stop", ""], 2, "--stop must hold at least one token"),
        (["--as", "umb", "--out", "none/x.umb"], 2, "No such file or directory"),
    ],
)
def test_what_cannot_be_is_refused(coin, tmp_path, monkeypatch, capsys, asked, code, told):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "MODEL", *asked]) == code
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_graph_too_large_to_be_seen_is_refused(tmp_path, capsys):
    given, n = tmp_path / "given.umb", 151
    mg.write_umb(mg.SparseChain.from_matrix(np.eye(n)), given, labels={}, initial=[True] * n)
    assert cli.main(["export", str(given), "--as", "dot", "--out", str(tmp_path / "x.dot")]) == 4
    assert "a drawing must have at most 150 states, got 151" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "name"), [("umb", "chain.umb"), ("storm", "chain.tra"), ("tikz", "chain.tex")])
def test_a_file_without_a_name_is_called_chain(coin, tmp_path, monkeypatch, kind, name):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "MODEL", "--as", kind]) == 0
    assert Path(name).is_file()
