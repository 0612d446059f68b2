"""Pictures of machines: every state and step is there, marked as what it is, and nothing covers anything."""

import re
import shutil
import xml.etree.ElementTree as ElementTree

import numpy as np
import pygraphviz
import pytest

import markovgpt as mg
from markovgpt.analysis.moore import machine_of_chain, smallest_machine
from markovgpt.graphs.machine_graph import (
    draw_machine,
    machine_graph,
    placed_machine,
    reading_arrows,
    write_machine_dot,
    write_machine_tikz,
)

AWKWARD = ("a:b", "<b>", 'say "hi"', "back\\slash", "a&b", "</font>", "=cmd()", "héé 🙂", "%", "\\N")


@pytest.fixture
def spelling():
    """Says 110 110 ... over two tokens; the windows 00 and 10 are one state."""
    return smallest_machine(mg.StateSpace(2, 2), [1, 1, 1, 0], vocabulary=mg.Vocabulary(("a", "b")))


@pytest.fixture
def tailed():
    """Counts to 3 and stays there, over windows of one token: a tail of 0, 1 and 2 into a loop of 3."""
    return smallest_machine(mg.StateSpace(4, 1), [1, 2, 3, 3], start=0)


def parsed(machine, **options):
    """The graph as Graphviz itself reads it."""
    return pygraphviz.AGraph(string=machine_graph(machine, **options).source)


def boxes(machine):
    """The middles and sizes of what Graphviz draws, after it has placed it, in points."""
    graph = parsed(machine)
    graph.layout(prog="dot" if machine.is_reading else "neato")
    return {
        node: (*map(float, node.attr["pos"].rstrip("!").split(",")), 72 * float(node.attr["width"]),
               72 * float(node.attr["height"]))
        for node in graph.nodes()
    }  # fmt: skip


def test_graphviz_reads_back_every_state_and_step(spelling):
    graph = parsed(spelling)
    # states: 00 and 10 say b, then 01 says b, then 11 says a
    labels = [graph.get_node(f"s{state}").attr["label"] for state in range(3)]
    shown = [re.fullmatch(r"<?(.)<br/><font [^>]*>(\d)</font>>?", label).groups() for label in labels]
    assert shown == [("b", "2"), ("b", "1"), ("a", "1")]
    assert {(edge[0], edge[1]) for edge in graph.edges()} == {("s0", "s1"), ("s1", "s2"), ("s2", "s0")}
    assert graph.get_node("c0").attr["label"] == "bab\n4 windows"  # from its lowest window, ab, on


def test_loops_are_seen_at_a_glance_and_so_is_where_it_begins(tailed):
    graph = parsed(tailed)
    filled = [graph.get_node(f"s{state}").attr["fillcolor"] != "white" for state in range(tailed.n_states)]
    # it says 1, 2, 3, 3, ...: the windows 2 and 3 both say 3 for ever
    assert filled == [False, False, True]
    bold = {(edge[0], edge[1]) for edge in graph.edges() if float(edge.attr["penwidth"] or 1) > 2}
    assert bold == {("s2", "s2")}
    assert float(graph.get_node("s0").attr["penwidth"]) > 1


def test_a_target_that_has_just_been_reached_is_a_double_circle():
    chain = mg.WindowChain(mg.StateSpace(2, 2), np.eye(2)[[1, 1, 1, 0]])
    machine = machine_of_chain(chain, target=[3])
    graph = parsed(machine)
    doubled = [graph.get_node(f"s{state}").attr["shape"] == "doublecircle" for state in range(3)]
    assert doubled == [False, False, True]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_that_is_drawn_covers_anything(seed):
    rng = np.random.default_rng(seed)
    space = mg.StateSpace(3, 3)
    machine = smallest_machine(space, rng.integers(0, 3, 27), vocabulary=mg.Vocabulary(("a", "bcd", "e" * 20)))
    drawn = list(boxes(machine).values())
    for one in range(len(drawn)):
        for other in range(one):
            apart = [abs(drawn[one][axis] - drawn[other][axis]) for axis in (0, 1)]
            sizes = [(drawn[one][axis + 2] + drawn[other][axis + 2]) / 2 for axis in (0, 1)]
            assert np.hypot(*apart) >= min(sizes) or apart[0] >= sizes[0] or apart[1] >= sizes[1]


def test_loops_alone_are_drawn_when_asked(tailed):
    placed = placed_machine(tailed, only_loops=True)
    assert [(node.label, node.note) for node in placed.nodes] == [("3", "2")]
    assert placed.captions[0].lines == ("3", "4 windows")  # all that lead into it


def test_a_machine_that_reads_shows_what_is_read_on_each_arrow(spelling):
    reading = smallest_machine(mg.StateSpace(2, 2), [1, 1, 1, 0], reading=True, vocabulary=spelling.vocabulary)
    arrows = {(arrow.source, arrow.target): (arrow.label, arrow.width > 2) for arrow in reading_arrows(reading)}
    assert arrows == {
        (0, 0): ("a", False),
        (0, 1): ("b", True),
        (1, 0): ("a", False),
        (1, 2): ("b", True),
        (2, 0): ("a", True),
        (2, 2): ("b", False),
    }
    graph = parsed(reading)
    drawn = {(edge[0], edge[1]): edge.attr["label"] for edge in graph.edges()}
    assert drawn == {(f"s{source}", f"s{target}"): label for (source, target), (label, _) in arrows.items()}


def test_the_most_common_step_is_else_and_long_lists_are_cut():
    # over nine tokens, windows of one: 0 says 0, the next four say 1, the last four say 2
    machine = smallest_machine(mg.StateSpace(9, 1), [0, 1, 1, 1, 1, 2, 2, 2, 2], reading=True)
    labels = {(arrow.source, arrow.target): arrow.label for arrow in reading_arrows(machine)}
    assert [labels[0, target] for target in range(3)] == ["0", "else", "5 6 7 +1"]


@pytest.mark.parametrize("token", AWKWARD)
def test_awkward_tokens_come_back_intact(token):
    machine = smallest_machine(mg.StateSpace(2, 1), [1, 0], vocabulary=mg.Vocabulary((token, "z")), reading=True)
    for drawn in (machine, smallest_machine(machine.space, [1, 0], vocabulary=machine.vocabulary)):
        graph = pygraphviz.AGraph(string=machine_graph(drawn).source)
        svg = ElementTree.fromstring(graph.draw(format="svg", prog="dot"))
        texts = ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]
        assert texts.count(machine.vocabulary.show((0,))) >= 1 + drawn.is_reading


def test_long_tokens_and_loops_are_cut_in_the_picture():
    vocabulary = mg.Vocabulary(("a" * 100, "b"))
    placed = placed_machine(smallest_machine(mg.StateSpace(2, 1), [1, 0], vocabulary=vocabulary))
    assert {len(node.label) for node in placed.nodes} == {12, 1}
    assert len(placed.captions[0].lines[0]) == 48


def test_too_many_states_are_refused_with_a_remedy():
    machine = smallest_machine(mg.StateSpace(152, 1), [*range(1, 152), 151])
    assert machine.n_states == 151
    with pytest.raises(mg.TooLarge, match=r"at most 150 states, got 151; draw the loops alone \(only_loops=True\)"):
        placed_machine(machine)
    assert len(placed_machine(machine, only_loops=True).nodes) == 1
    loops = smallest_machine(mg.StateSpace(151, 1), np.arange(151))
    with pytest.raises(mg.TooLarge, match=r"got 151; restrict the machine to what is reachable from a prompt"):
        placed_machine(loops, only_loops=True)


@pytest.mark.parametrize("reading", [False, True])
def test_every_format_is_written_the_same_twice(tmp_path, reading):
    machine = smallest_machine(mg.StateSpace(2, 3), [1, 1, 1, 0, 1, 0, 1, 0], reading=reading)
    for write, name, begins in (
        (write_machine_dot, "dot", b"digraph"),
        (write_machine_tikz, "tex", b"\\documentclass"),
        (draw_machine, "svg", b"<?xml"),
    ):
        one, two = (write(machine, tmp_path / f"{copy}.{name}").read_bytes() for copy in ("one", "two"))
        assert one == two
        assert one.startswith(begins)
    tex = (tmp_path / "one.tex").read_text(encoding="utf-8")
    n_arrows = len(reading_arrows(machine)) if reading else machine.n_states
    assert tex.count("\\draw[->") == n_arrows
    alone = write_machine_tikz(machine, tmp_path / "alone.tex", standalone=False).read_text(encoding="utf-8")
    assert alone.startswith("\\begin{tikzpicture}")
    assert alone in tex
    assert tex.count("\\node[on arrow]") == (n_arrows if reading else 0)


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_are_drawn_by_the_wheel_where_there_is_no_program(spelling, tmp_path, suffix, begins, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert draw_machine(spelling, tmp_path / f"machine.{suffix}").read_bytes().startswith(begins)


def test_another_ending_is_refused(spelling, tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"must end in .svg, .pdf or .png, got 'machine.bmp'"):
        draw_machine(spelling, tmp_path / "machine.bmp")


def test_a_machine_that_reads_with_many_arrows_is_written_but_not_drawn(tmp_path):
    # what is said tells all windows of two of 20 tokens apart by the newest: 20 states, each with 20 steps
    said = np.tile(np.arange(20), 20)
    machine = smallest_machine(mg.StateSpace(20, 2), said, reading=True)
    assert machine.n_states == 20
    with pytest.raises(mg.TooLarge, match="must have at most 250 arrows, got 400; draw the loops alone"):
        draw_machine(machine, tmp_path / "dense.svg")
    text = write_machine_dot(machine, tmp_path / "dense.dot").read_text()
    assert text.count("->") == 400
    draw_machine(machine, tmp_path / "dense.svg", only_loops=True)


def test_a_machine_of_any_size_is_written_as_dot(tmp_path):
    rotating = smallest_machine(mg.StateSpace(2, 8), [0] * 128 + [1] * 128)
    text = write_machine_dot(rotating, tmp_path / "large.dot").read_text()
    assert text.count("->") == 256
    assert len(re.findall(r"^\ts\d+ \[label=", text, flags=re.MULTILINE)) == 256
