"""Pictures: every word is there as it is, marks are shapes, and the same bytes come out twice."""

import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from markovgpt.errors import InvalidInput
from markovgpt.graphs.picture import write_picture
from markovgpt.graphs.placed_graph import Arrow, Caption, Node, PlacedGraph

WAY = ((0.5, 0.0), (1.0, 0.5), (2.0, 0.5), (2.5, 0.0))
GRAPH = PlacedGraph(
    (Node(0, 0, "$a$", "50%", doubled=True), Node(3, 0, "b_1", square=True, strong=True, begin=0.0, share=0.25)),
    (Arrow(0, 1, WAY, "x(50%)", (1.5, 1.0), dashes=(4.0, 1.5)), Arrow(1, 0, WAY, "nowhere")),
    (Caption(0, -2, ("<b> & \\frac{1}{2}", "^_%")),),
    (Node(0, -3, "", doubled=True), Arrow(-1, -1, WAY)),
)


def words(path):
    """The words of a picture."""
    root = ElementTree.parse(path).getroot()
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def curves(path):
    """How many closed rims, straight and round, a picture has."""
    text = path.read_text(encoding="utf-8")
    return text.count("\nC ")


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_pictures_are_the_same_bytes_when_made_twice(tmp_path, suffix):
    one, two = (write_picture(GRAPH, tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert one[:5] in (b"<?xml", b"%PDF-", b"\x89PNG\r")


def test_words_are_text_and_nothing_in_them_is_read_as_a_formula(tmp_path):
    drawn = words(write_picture(GRAPH, tmp_path / "graph.svg"))
    assert sorted(drawn) == sorted(["$a$", "50%", "b_1", "x(50%)", "<b> & \\frac{1}{2}", "^_%"])


def test_fonts_are_embedded_so_that_they_can_be_edited(tmp_path):
    pdf = write_picture(GRAPH, tmp_path / "graph.pdf").read_bytes()
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    assert b"/Type3" not in pdf
    assert b"/CreationDate" not in pdf


def test_each_mark_adds_a_shape(tmp_path):
    def drawn(**marks):
        return write_picture(PlacedGraph((Node(0, 0, "a", **marks),), ()), tmp_path / "node.svg").read_text()

    plain, double, square = drawn(), drawn(doubled=True), drawn(square=True)
    assert double.count("<path") == plain.count("<path") + 1
    assert square.count("\nC ") < plain.count("\nC ")
    assert drawn(begin=90.0).count("<path") == plain.count("<path") + 2  # a line and its head
    assert "stroke-width: 2.4" in drawn(begin=90.0)
    assert drawn(share=0.5).count("<path") == plain.count("<path") + 1
    assert "#dcdcdc" in drawn(strong=True)


def test_dashes_are_as_long_as_they_are_given(tmp_path):
    arrow = Arrow(0, 1, WAY, width=2.0, dashes=(4.0, 1.5))
    svg = write_picture(PlacedGraph((), (arrow,)), tmp_path / "arrow.svg").read_text()
    assert "stroke-dasharray: 8,3" in svg
    thin = Arrow(0, 1, WAY, width=0.5, dashes=(4.0, 1.5))
    assert "stroke-dasharray: 4,1.5" in write_picture(PlacedGraph((), (thin,)), tmp_path / "thin.svg").read_text()


def test_a_picture_is_as_large_as_what_is_drawn_or_as_it_is_told(tmp_path):
    with Image.open(write_picture(PlacedGraph((Node(0, 0, "a"),), ()), tmp_path / "one.png")) as image:
        assert image.size == (round(1.4 / 2.54 * 200), round(1.4 / 2.54 * 200))  # a node and the white around it
    with Image.open(write_picture(GRAPH, tmp_path / "box.png", (0.0, 2.14, 0.0, 2.14))) as image:
        assert image.size == (200, 200)


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"must end in .svg, .pdf or .png, got 'graph.bmp'; for .dot and .tex see"):
        write_picture(GRAPH, tmp_path / "graph.bmp")
    assert list(tmp_path.iterdir()) == []
