"""The command that draws: each view on a chain that is known by hand; see `test_cli` for models."""

import json
import xml.etree.ElementTree as ElementTree

import networkx as nx
import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains.margins import Cuts
from markovgpt.commands import draw as drawing
from markovgpt.commands.draw import FILES, PICTURES, VIEWS
from markovgpt.commands.options import Made

ROWS = [[0.5, 0.5], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]  # of aa, ab, ba, bb: the long run has 2/5, 1/5, 1/5, 1/5


@pytest.fixture(autouse=True)
def four_windows(monkeypatch):
    """Windows of two tokens out of a and b."""
    with np.errstate(divide="ignore"):
        table = mg.LogitTable(mg.StateSpace(2, 2), np.log(np.array(ROWS)), mg.Vocabulary(("a", "b")))
    made = Made(mg.WindowChain.from_logits(table), mg.SamplingSettings(), table, Cuts(4, 0, 0, 1.0))
    monkeypatch.setattr(drawing, "chain_of", lambda given: made)


def drawn(capsys, tmp_path, *arguments, name="graph.graphml"):
    """What is printed, and the graph that is written."""
    file = tmp_path / name
    assert cli.main(["draw", "MODEL", "--out", str(file), "--json", *arguments]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["file"] == str(file)
    return said, nx.read_graphml(file, node_type=int)


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        ([], {"aa", "ab", "ba", "bb"}),
        (["--view", "heaviest", "--states", "1"], {"aa"}),
        (["--view", "red", "--red", "ab"], {"aa", "ab"}),
        (["--view", "red", "--red", "ab", "--steps", "2"], {"aa", "ab", "ba"}),
        (["--view", "red", "--red", "ab", "--steps", "0"], {"ab"}),
        (["--view", "ways", "--red", "bb", "--start", "aa", "--ways", "1"], {"aa", "ab", "bb"}),
        (["--view", "suffix", "--length", "1"], {"…a", "…b"}),
        (["--view", "suffix", "--length", "2"], {"aa", "ab", "ba", "bb"}),
        (["--view", "condensation"], {"aa, …"}),
    ],
)
def test_each_view_shows_its_part(capsys, tmp_path, arguments, labels):
    said, graph = drawn(capsys, tmp_path, *arguments)
    assert {found["label"] for _, found in graph.nodes(data=True)} == labels
    assert said["view"] == (arguments[1] if arguments else "whole")
    assert (said["states"], said["steps"]) == (len(graph), graph.number_of_edges())


def test_marks_are_those_that_were_asked_for(capsys, tmp_path):
    _, graph = drawn(capsys, tmp_path, "--red-tokens", "1,1", "--red-tokens", "0,1", "--start-tokens", "0,0")
    assert [node for node in graph if graph.nodes[node]["red"]] == [1, 3]
    assert [node for node in graph if graph.nodes[node]["start"]] == [0]


def test_unlikely_steps_are_left_out_and_counted(capsys, tmp_path):
    said, graph = drawn(capsys, tmp_path, "--least", "0.6")
    assert set(graph.edges) == {(1, 3), (2, 0), (3, 2)}
    assert said["left_out"] == "Left out: 2 of 5 steps, less likely than 0.6."
    said, graph = drawn(capsys, tmp_path, "--view", "heaviest", "--states", "3", "--least", "0.6")
    assert said["left_out"].endswith("of the long run; 2 of 3 steps, less likely than 0.6.")


@pytest.mark.parametrize("ending", [*PICTURES, *FILES])
def test_the_ending_says_what_is_written(capsys, tmp_path, ending):
    file = tmp_path / f"graph{ending}"
    assert cli.main(["draw", "MODEL", "--out", str(file), "--red", "ab", "--start", "bb"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    first = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG", ".dot": b"digraph", ".tex": b"\\documentclass"}
    assert file.read_bytes().startswith(first.get(ending, b"<"))
    if ending in FILES:
        ElementTree.parse(file)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--out", "graph.gif"], "--out must end in .svg, .pdf, .png, .dot, .tex, .graphml, .gexf, got 'graph.gif'"),
        (["--out", "g.gexf", "--layout", "dot"], "--layout must be of a picture, got it with .gexf"),
        (["--view", "heaviest", "--length", "2"], "--length must go with --view suffix, got --view heaviest"),
        (["--states", "3"], "--states must go with --view heaviest, red, condensation, got --view whole"),
        (["--view", "red"], "--view red must have a red, got none; give --red TEXT"),
        (["--view", "ways", "--red", "bb"], "--view ways must have a start, got none; give --start TEXT"),
        (["--least", "0"], "least must be a probability above 0, got 0.0"),
        (["--view", "suffix", "--length", "3"], "length must be a whole number in 1..2, got 3"),
        (["--view", "heaviest", "--states", "0"], "must be a whole number of at least 1, got 0"),
    ],
)
def test_what_does_not_go_together_is_refused(capsys, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in arguments else ["--out", "graph.svg"]
    assert cli.main(["draw", "MODEL", *out, *arguments]) == 2
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_whole_too_large_for_a_picture_is_refused_with_what_to_do_in_this_command(capsys, tmp_path, monkeypatch):
    chain = mg.WindowChain(mg.StateSpace(2, 8), np.full((256, 2), 0.5))
    made = Made(chain, mg.SamplingSettings(), None, Cuts(256, 0, 0, 1.0))
    monkeypatch.setattr(drawing, "chain_of", lambda given: made)
    assert cli.main(["draw", "MODEL", "--out", str(tmp_path / "graph.svg")]) == 4
    assert "got 256; take another --view, a shorter --context-length, or a file" in capsys.readouterr().err
    assert cli.main(["draw", "MODEL", "--out", str(tmp_path / "graph.graphml")]) == 0


def test_the_help_names_every_view_and_ending(capsys):
    with pytest.raises(SystemExit):
        cli.main(["draw", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert all(f"{name}, {shows}" in said for name, (shows, _) in VIEWS.items())
    assert ".svg, .pdf, .png, .dot, .tex, .graphml, .gexf" in said
