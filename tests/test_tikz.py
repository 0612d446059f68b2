"""TikZ: balanced, every node there before it is used, and nothing that a label could make LaTeX do."""

import re
import shutil
import subprocess

import pytest

from markovgpt.graphs.placed_graph import Arrow, Caption, Node, PlacedGraph
from markovgpt.graphs.tikz import document, tikz_picture, write_tikz_picture

AWKWARD = ("50%", "a&b", "#1", "$x$", "x_1^2", "{", "}", "}{", "\\input{x}", "~", "]", ";", '"hi"', "'", "``", "--",
           "<b>", "|", "new\nline", "\x00", "␣", "…", "é🙂", "\u202e", "=cmd()", ",", "")  # fmt: skip

WAY = ((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.5))


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
    number = r"\(-?\d+\.\d{3}, -?\d+\.\d{3}\)"
    for line in body:
        assert line.endswith(";")
        assert unescaped_braces(line) == 0
        if node := re.match(rf"  \\node\[[^\]]*\](?: \((\w+)\))? at ({number}) \{{(.*)\}};$", line):
            nodes.append((node[1], node[2], node[3]))
            continue
        assert re.match(
            rf"  \\draw\[[^\]]*\] {number}( (--|\.\. controls {number} and {number} \.\.) {number})+;$", line
        )
        arrows.append(re.findall(number, line))
    return nodes, arrows


@pytest.mark.parametrize("label", AWKWARD)
def test_a_label_cannot_break_the_picture(label):
    nodes = (Node(0, 0, label, label, strong=True, doubled=True, square=True, begin=180.0), Node(1.5, -2, "b"))
    arrows = (Arrow(0, 1, WAY, label, place=(1.0, 1.0)), Arrow(1, 1, WAY))
    picture = tikz_picture(PlacedGraph(nodes, arrows, (Caption(0, 0, (label, label)),)))
    assert unescaped_braces(picture) == 0
    found, drawn = structure(picture)
    assert [name for name, _, _ in found if name] == ["s0", "s1"]
    assert len(drawn) == 3  # and the arrow into the start
    assert len(found) == 3 + bool(label)  # the caption, and the label on the arrow if there is one


@pytest.mark.parametrize("line", ["[1]", "*", "[0.1, 0.3] a"])
def test_a_line_of_a_caption_gives_the_break_above_no_options(line):
    picture = tikz_picture(PlacedGraph((Node(0, 0, "a"),), (), (Caption(0, 0, ("first", line)),)))
    assert f"{{first\\\\ {{}}{line}}};" in picture


def test_marks_are_styles_that_the_picture_defines():
    node = Node(0, 0, "a", "3", strong=True, doubled=True, square=True, begin=90.0)
    picture = tikz_picture(PlacedGraph((node,), (), (), (Node(0, -2, "", doubled=True),)))
    used = re.findall(r"\\node\[([^\]]*)\]", picture)
    assert used == ["state, strong, doubled, never left, begin", "state, doubled, key"]
    for style in {*", ".join(used).split(", "), "into"} - {"state"}:
        assert f"{style}/.style=" in picture
    assert "accepting" in picture  # the library's double rim
    assert re.search(r"\\fontsize\{7.2\}\{8.64\}\\selectfont 3\}", picture)
    assert "\\draw[into] (0.000, 1.050) -- (0.000, 0.500);" in picture


def test_places_are_written_in_centimetres_and_arrows_as_they_are_bent():
    nodes = (Node(1.234, -0.5, "a"), Node(3, 4, "b"))
    arrow = Arrow(0, 1, WAY, "x", (0.5, 0.25), width=2.0, colour="#0072B2", dashes=(4.0, 1.5))
    picture = tikz_picture(PlacedGraph(nodes, (arrow, Arrow(0, 1, WAY, "bare")), (), (), 1.7))
    assert "(s0) at (1.234, -0.500) {a}" in picture
    assert "at (0.500, 0.250) {x}" in picture
    assert "bare" not in picture
    assert "draw={rgb,255:red,0;green,114;blue,178}" in picture
    assert "line width=2.00pt" in picture
    assert "dash pattern=on 8.00pt off 3.00pt" in picture
    assert "(0.000, 0.000) .. controls (1.000, 0.000) and (2.000, 0.000) .. (3.000, 0.500);" in picture
    assert "minimum size=1.700cm" in picture
    assert "x=1cm, y=1cm" in picture


def compiled(text, folder):
    """The text of the page that LaTeX makes of a file."""
    (folder / "picture.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "picture.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout.decode(errors="replace")[-1500:]
    return (folder / "picture.pdf").read_bytes()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_a_document_compiles_by_itself_whatever_its_labels_are(tmp_path):
    nodes = tuple(
        Node(
            2.0 * place, 0.0, label, label, place % 2 == 0, place % 3 == 0, place % 5 == 0, 90.0 if place == 3 else None
        )
        for place, label in enumerate(AWKWARD)
    )
    arrows = tuple(
        Arrow(0, 1, WAY, label, (2.0 * place, 2.0), dashes=(4.0, 1.5) if place % 2 else ())
        for place, label in enumerate(AWKWARD)
    )
    keys = (Node(0, -3, "", doubled=True), Arrow(-1, -1, WAY))
    captions = (Caption(0.0, -4.0, AWKWARD), Caption(0.0, -9.0, AWKWARD, centred=False))
    page = compiled(document(tikz_picture(PlacedGraph(nodes, arrows, captions, keys))), tmp_path)
    assert page.startswith(b"%PDF")
    log = (tmp_path / "picture.log").read_text(errors="replace")
    assert "Output written on picture.pdf (1 page" in log
    assert "Missing character" not in log


def test_a_file_holds_a_document_or_the_picture_alone(tmp_path):
    graph = PlacedGraph((Node(0, 0, "é🙂"),), ())
    alone = write_tikz_picture(graph, tmp_path / "alone.tex", standalone=False).read_text(encoding="utf-8")
    whole = write_tikz_picture(graph, tmp_path / "whole.tex", standalone=True).read_text(encoding="utf-8")
    assert alone == tikz_picture(graph)
    assert alone in whole
    assert "{standalone}" in whole.split("\n")[0]
    assert "\\usetikzlibrary{automata,arrows.meta}" in whole
    assert "{é\\textbackslash{}U0001f642}" in whole  # what pdflatex has no letter for, by its number
