"""Figures are vector text, undated, and the same bytes when made twice."""

import math
import xml.etree.ElementTree as ElementTree

import pytest

from markovgpt.errors import InvalidInput
from markovgpt.export.figures import bar_figure, heat_map, line_figure, log10_figure

CURVES = {"one": ([1, 2, 3], [0.1, 0.2, 0.4]), "two": ([1, 2, 3], [0.3, 0.2, 0.1])}
GROUPS = {"before": [0.5, 0.5], "after": [0.25, 0.75]}


def lines(path):
    return line_figure(CURVES, path, x_label="steps n", y_label="P(red)", logarithmic=("x", "y"))


def bars(path):
    return bar_figure(GROUPS, ["00", "01"], path, x_label="window", y_label="share")


def cells(path):
    given = {"columns": ["0.5", "1"], "rows": ["2", "off"], "x_label": "temperature", "y_label": "top-k"}
    return heat_map([[-3.0, -2.0], [-math.inf, -1.0]], path, **given, bar_label="log10 P(red)")


def powers(path):
    numbers = {
        "low": ([1, 2], [-400, -math.inf], [-401, -math.inf], [-399, -math.inf]),
        "one": ([1, 2], *[[-2, -1]] * 3),
    }
    return log10_figure(numbers, path, x_label="temperature", y_label="log10 P(red)")


@pytest.mark.parametrize("make", [lines, bars, cells, powers])
@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_a_figure_is_the_same_bytes_when_made_twice(make, suffix, tmp_path):
    one, two = make(tmp_path / f"one.{suffix}"), make(tmp_path / f"two.{suffix}")
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size > 1000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lines, {"one", "two", "steps n", "P(red)"}),
        (bars, {"before", "after", "00", "01", "window"}),
        (cells, {"0", "0.5", "off", "temperature", "top-k", "log10 P(red)"}),
        (powers, {"low", "one", "P = 0", "-100", "temperature"}),
    ],
)
def test_text_in_a_figure_is_text(make, words, tmp_path):
    root = ElementTree.parse(make(tmp_path / "figure.svg")).getroot()
    written = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert words <= written


def test_pdf_fonts_are_embeddable(tmp_path):
    assert (
        b"/FontType 42" in lines(tmp_path / "figure.pdf").read_bytes()
        or b"/Type0" in (tmp_path / "figure.pdf").read_bytes()
    )


def test_curves_that_could_not_be_told_apart_are_refused(tmp_path):
    curves = {f"a curve with a long name, number {index}": ([1, 2], *[[-index, -1]] * 3) for index in range(25)}
    with pytest.raises(InvalidInput, match="a figure must have at most 24 curves, got 25"):
        log10_figure(curves, tmp_path / "a.svg", x_label="x", y_label="y")
    curves.popitem()
    assert log10_figure(curves, tmp_path / "a.svg", x_label="x", y_label="y").exists()
