"""TikZ: balanced, every node there before it is used, and nothing that a label could make LaTeX do."""

import re

import pytest

from markovgpt.graphs.placed_graph import Arrow, Caption, Node, PlacedGraph
from markovgpt.graphs.tikz import tikz_picture

AWKWARD = ("50%", "a&b", "#1", "$x$", "x_1^2", "{", "}", "}{", "\\input{x}", "~", "]", ";", '"hi"', "'", "``", "--",
           "<b>", "|", "new\nline", "\x00", "␣", "…", "é🙂", "\u202e", "=cmd()", ",", "")  # fmt: skip


def unescaped_braces(text):
    """Opening less closing braces, those behind a backslash not counted; -1 where one closes too early."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text.replace("\\\\", "")):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return -1
    return depth


def structure(picture):
    """The nodes and arrows of a picture, read line by line; every line must be one or the other."""
    nodes, arrows = [], []
    head, *rest, last, nothing = picture.split("\n")
    assert (head, last, nothing) == ("\\begin{tikzpicture}[", "\\end{tikzpicture}", "")
    body = rest[next(place for place, line in enumerate(rest) if line.endswith("]")) + 1 :]
    for line in body:
        assert line.endswith(";")
        assert unescaped_braces(line) == 0
        if node := re.match(r"  \\node\[[^\]]*\](?: \((\w+)\))? at \((-?\d+\.\d\d), (-?\d+\.\d\d)\) \{(.*)\};$", line):
            nodes.append((node[1], node[4]))
            continue
        arrow = re.match(r"  \\draw\[[^\]]*\] \((\w+)\) to\[[^\]]*\] \((\w+)\);$", line)
        assert arrow, line
        assert {arrow[1], arrow[2]} <= {name for name, _ in nodes}  # there before it is used
        arrows.append((arrow[1], arrow[2]))
    return nodes, arrows


@pytest.mark.parametrize("label", AWKWARD)
def test_a_label_cannot_break_the_picture(label):
    nodes = (Node(0, 0, label, label, strong=True, doubled=True, begin=True), Node(1.5, -2, "b"))
    picture = tikz_picture(PlacedGraph(nodes, (Arrow(0, 1, label), Arrow(1, 1)), (Caption(0, 0, (label, label)),)))
    assert unescaped_braces(picture) == 0
    found, arrows = structure(picture)
    assert [name for name, _ in found if name] == ["s0", "s1"]
    assert arrows == [("s0", "s1"), ("s1", "s1")]
    assert len(found) == 3 + bool(label)  # the caption, and the label on the arrow if there is one


@pytest.mark.parametrize("line", ["[1]", "*", "[0.1, 0.3] a"])
def test_a_line_of_a_caption_gives_the_break_above_no_options(line):
    picture = tikz_picture(PlacedGraph((Node(0, 0, "a"),), (), (Caption(0, 0, ("first", line)),)))
    assert f"{{first\\\\ {{}}{line}}};" in picture


def test_marks_are_styles_that_the_picture_defines():
    picture = tikz_picture(PlacedGraph((Node(0, 0, "a", "3", True, True, True),), (Arrow(0, 0, strong=True),)))
    used = re.findall(r"\\(?:node|draw)\[([^\]]*)\]", picture)
    assert used == ["state, strong, doubled, begin", "loop way"]
    for style in ", ".join(used).split(", "):
        assert f"{style}/.style=" in picture
    assert "\\\\[-2pt]{\\tiny 3}" in picture


def test_places_are_written_in_centimetres_and_arrows_as_bent():
    nodes = (Node(1.234, -0.5, "a"), Node(3, 4, "b"))
    picture = tikz_picture(PlacedGraph(nodes, (Arrow(0, 1, bend=-20), Arrow(1, 1, bend=90)), (), 1.7))
    assert "(s0) at (1.23, -0.50) {a}" in picture
    assert "(s0) to[bend left=-20] (s1)" in picture
    assert "(s1) to[out=105, in=75, looseness=6] (s1)" in picture
    assert "minimum size=1.70cm" in picture
    assert "x=1cm, y=1cm" in picture
