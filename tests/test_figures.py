"""Figures are vector text, undated, and the same bytes when made twice."""

import math
import xml.etree.ElementTree as ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest

from markovgpt.errors import InvalidInput
from markovgpt.export import figures
from markovgpt.export.figures import ZeroStrip, bar_figure, heat_map, line_figure, log10_figure

CURVES = {"one": ([1, 2, 3], [0.1, 0.2, 0.4]), "two": ([1, 2, 3], [0.3, 0.2, 0.1])}
GROUPS = {"before": [0.5, 0.5], "after": [0.25, 0.75]}


def lines(path):
    return line_figure(CURVES, path, x_label="steps n", y_label="P(red)", logarithmic=("x", "y"))


def bars(path):
    return bar_figure(GROUPS, ["00", "01"], path, x_label="window", y_label="share")


def bounded_bars(path):
    heights = {"_": [0.5, 0.0], "$a$": [0.25, 1e-5]}
    bounds = {"_": ([0.4, 0.0], [0.6, 0.0]), "$a$": ([0.2, 1e-6], [0.3, 1e-4])}
    return bar_figure(heights, ["_1_", "$01$"], path, x_label="x", y_label="y", bounds=bounds, logarithmic=True)


def cells(path):
    given = {"columns": ["0.5", "1"], "rows": ["2", "off"], "x_label": "temperature", "y_label": "top-k"}
    return heat_map([[-3.0, -2.0], [-math.inf, -1.0]], path, **given, bar_label="log10 P(red)")


def powers(path):
    numbers = {
        "low": ([1, 2], [-400, -math.inf], [-401, -math.inf], [-399, -math.inf]),
        "one": ([1, 2], *[[-2, -1]] * 3),
    }
    return log10_figure(numbers, path, x_label="temperature", y_label="log10 P(red)")


@pytest.mark.parametrize("make", [lines, bars, bounded_bars, cells, powers])
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
        (bounded_bars, {"_", "$a$", "_1_", "$01$", "0", "10⁻⁵", "0.1"}),
        (cells, {"0", "0.5", "off", "temperature", "top-k", "log10 P(red)"}),
        (powers, {"low", "one", "P = 0", "-100", "temperature"}),
    ],
)
def test_text_in_a_figure_is_text(make, words, tmp_path):
    root = ElementTree.parse(make(tmp_path / "figure.svg")).getroot()
    written = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert words <= written


def test_bars_have_their_bounds_and_zeros_are_written(monkeypatch):
    kept = []
    monkeypatch.setattr(figures, "saved", lambda figure, path: kept.append(figure.axes[0]))
    bounded_bars("a.svg")
    axes = kept[0]
    assert axes.get_yscale() == "log"
    assert [bar.get_height() for bar in axes.patches] == [0.5, 0.0, 0.25, 1e-5]
    segments = [segment[:, 1].tolist() for lines in axes.collections for segment in lines.get_segments()]
    assert segments == [pytest.approx(ends) for ends in ([0.4, 0.6], [0, 0], [0.2, 0.3], [1e-6, 1e-4])]
    zero = next(text for text in axes.texts if text.get_text() == "0")
    assert zero.xy[0] == pytest.approx(1 - 0.2)  # the second label's first bar
    plt.close(axes.figure)


def test_many_bars_take_the_page_and_long_labels_are_turned(monkeypatch):
    kept = []
    monkeypatch.setattr(figures, "saved", lambda figure, path: kept.append(figure))
    for labels in (["1"] * 20, ["1"] * 21, ["123"] * 20):
        bar_figure({"": [1.0] * len(labels)}, labels, "a.svg", x_label="x", y_label="y")
    turned = [figure.axes[0].get_xticklabels()[0].get_rotation() for figure in kept]
    assert ([figure.get_figwidth() for figure in kept], turned) == ([3.4, 7.0, 3.4], [0, 0, 90])
    for figure in kept:
        plt.close(figure)


def test_no_number_along_an_axis_lies_in_the_strip_of_zeros():
    strip = ZeroStrip.below(np.array([-4.85, -2.0, -math.inf]))
    assert (strip.middle, strip.half) == pytest.approx((-4.85 - 0.12 * 2.85, 0.06 * 2.85))
    figure, axes = plt.subplots()
    axes.set_ylim(-5.5, -1.5)
    axes.set_yticks([-5, -4, -3, -2])
    strip.draw(axes)
    assert axes.get_yticks().tolist() == pytest.approx([strip.middle, -4, -3, -2])
    plt.close(figure)


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
