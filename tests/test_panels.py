"""Figures of several panels: names look alike throughout, zeros have their strip, markers are few."""

import math
import xml.etree.ElementTree as ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest

from markovgpt.errors import InvalidInput
from markovgpt.export import panels as module
from markovgpt.export.figures import DASHES, MARKERS, PALETTE
from markovgpt.export.panels import Curve, Panel, apart, panel_figure

STEPS = [1, 2, 3]


@pytest.fixture
def axes(monkeypatch):
    """Draws panels and gives their axes, as they were when the figure was written."""
    kept = []

    def keep(figure, path):
        kept.append(figure)
        return path

    monkeypatch.setattr(module, "saved", keep)

    def draw(*panels, **given):
        panel_figure(panels, "a.svg", **given)
        return kept[-1].axes

    yield draw
    for figure in kept:
        plt.close(figure)


def legend_names(drawn):
    """What the legend of the figure names."""
    return [text.get_text() for legend in drawn[0].figure.legends for text in legend.get_texts()]


def two():
    """Two panels with a name in common."""
    one = Panel({"a": Curve(STEPS, [0.1, 0.2, 0.3]), "b": Curve(STEPS, [0.3, 0.2, 0.1], [0.2] * 3, [0.4] * 3)})
    return one, Panel({"b": Curve(STEPS, [1, 2, 3]), "_c$": Curve(STEPS, [3, 2, 1])}, title="$t$", x_label="x")


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_bytes_when_made_twice(suffix, tmp_path):
    one, two_ = (panel_figure(two(), tmp_path / f"{name}.{suffix}") for name in ("one", "two"))
    assert one.read_bytes() == two_.read_bytes()


def test_text_is_text_and_no_formula(tmp_path):
    path = panel_figure(two(), tmp_path / "a.svg", legend_title="_names", y_label="$y$")
    found = ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")
    assert {"a", "b", "_c$", "$t$", "x", "_names", "$y$"} <= {"".join(text.itertext()) for text in found}


def test_a_name_looks_the_same_in_every_panel(axes):
    first, second = axes(*two())
    assert [line.get_color() for line in first.lines] == list(PALETTE[:2])
    assert [line.get_color() for line in second.lines] == list(PALETTE[1:3])
    assert [line.get_marker() for line in second.lines] == list(MARKERS[1:3])
    assert legend_names([first]) == ["a", "b", "_c$"]


def test_a_name_that_is_alone_in_its_panel_needs_no_legend(axes):
    drawn = axes(Panel({"a": Curve(STEPS, STEPS)}, title="a"), Panel({"b": Curve(STEPS, STEPS)}, title="b"))
    assert legend_names(drawn) == []


def test_a_curve_like_another_has_its_colour_and_no_entry(axes):
    (drawn,) = axes(Panel({"a": Curve(STEPS, STEPS), "bound": Curve(STEPS, STEPS, like="a", dashes="--", marks="none"),
                           "limit": Curve([0], [1], like="a", marks="hollow")}))  # fmt: skip
    whole, bound, limit = drawn.lines
    assert {line.get_color() for line in drawn.lines} == {PALETTE[0]}
    assert (whole.get_linestyle(), bound.get_linestyle(), limit.get_linestyle()) == ("-", "--", "None")
    assert (bound.get_marker(), limit.get_fillstyle(), whole.get_fillstyle()) == ("None", "none", "full")
    assert legend_names([drawn]) == []


def test_a_note_stands_for_an_entry_of_the_legend(axes):
    drawn = axes(Panel({"a": Curve(STEPS, STEPS, note="a"), "b": Curve(STEPS, STEPS)}))
    assert legend_names(drawn) == ["b"]
    assert drawn[0].texts[0].get_color() == PALETTE[0]


def test_bounds_are_a_band(axes):
    (drawn,) = axes(Panel({"a": Curve(STEPS, [1, 2, math.nan], [0.5, 1, 7], [2, 4, 9])}))
    band = drawn.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max(), band[:, 0].max()) == (0.5, 4, 2)


def test_zeros_stand_in_a_strip_below(axes):
    curve = Curve(STEPS, [-300, -math.inf, -200], [-math.inf, -math.inf, -201], [-299, -math.inf, -199])
    (drawn,) = axes(Panel({"a": curve}, log10=True))
    line, zeros = drawn.lines
    assert zeros.get_xdata().tolist() == [2]
    middle = -300 - 0.12 * 100
    assert zeros.get_ydata() == pytest.approx([middle])
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]
    assert drawn.get_ylim()[0] == pytest.approx(middle - 6)
    assert drawn.yaxis.get_major_formatter()(middle) == "P = 0"
    assert all(tick >= -300 for tick in drawn.get_yticks()[1:])
    assert drawn.patches[0].get_hatch() == "////"
    band = np.concatenate([path.vertices for path in drawn.collections[0].get_paths()])
    assert band[:, 1].min() == pytest.approx(middle)  # a lower bound of 0 reaches the strip
    (without,) = axes(Panel({"a": Curve(STEPS, [-3, -2, -1])}, log10=True))
    assert not without.patches


def test_the_lowest_panel_of_each_column_shows_the_numbers_of_its_axis(axes):
    one, other = two()
    drawn = axes(one, other, one, columns=2)
    assert [each.xaxis.get_tick_params()["labelbottom"] for each in drawn[:3]] == [False, True, True]
    assert not drawn[3].axison


def test_few_points_of_a_long_curve_are_marked(axes):
    (drawn,) = axes(Panel({"a": Curve(range(1000), range(1000))}))
    assert drawn.lines[0].get_markevery() == 50
    (short,) = axes(Panel({"a": Curve(range(20), range(20))}))
    assert short.lines[0].get_markevery() == 1


def test_axes_follow_the_panel(axes):
    first, second, third = axes(
        Panel({"a": Curve(STEPS, [1e-9, 1e-3, 1], note="here")}, logarithmic=("y",), levels=(0.1,),
              notes=((0.5, 0.5, "$n$"),), limits={"bottom": 1e-10, "left": 0}, ticks=(1, 3)),
        Panel({"a": Curve(STEPS, STEPS)}),
        Panel({"a": Curve([1, 9], STEPS[:2])}),
        columns=2,
        share_x=False,
    )[:3]  # fmt: skip
    assert (first.get_yscale(), second.get_yscale()) == ("log", "linear")
    assert (first.get_ylim()[0], first.get_xlim()[0]) == (1e-10, 0)
    assert first.get_xticks().tolist() == [1, 3]
    assert first.lines[0].get_ydata()[0] == 0.1
    assert [text.get_text() for text in first.texts] == ["here", "$n$"]
    assert first.texts[1].get_transform() == first.transAxes
    assert third.get_xlim()[1] > second.get_xlim()[1]


def test_refusals():
    with pytest.raises(InvalidInput, match="a figure must have at least one panel, got none; give one for each"):
        panel_figure([], "a.svg")
    curves = {str(name): Curve([1], [1]) for name in range(len(PALETTE) * len(DASHES) + 1)}
    with pytest.raises(InvalidInput, match="a figure must have at most 24 curves, got 25"):
        panel_figure([Panel(curves)], "a.svg")


@pytest.mark.parametrize(
    ("heights", "wanted"),
    [
        ([0.0, 5.0], [0.0, 5.0]),
        ([5.0, 5.0], [4.0, 6.0]),
        ([1.0, 0.0, 10.0], [1.5, -0.5, 10.0]),
        ([0.0, 1.0, 2.0], [-1.0, 1.0, 3.0]),
    ],
)
def test_notes_are_moved_apart_as_little_as_can_be(heights, wanted):
    np.testing.assert_allclose(apart(np.array(heights), 2.0), wanted)


def test_notes_of_curves_that_end_together_do_not_overlap(axes):
    ends = {"low": 0.0, "lower": -0.01, "far": 9.0}
    (drawn,) = axes(Panel({name: Curve([0, 1], [0, end], note=name) for name, end in ends.items()}))
    boxes = {text.get_text(): text.get_window_extent() for text in drawn.texts}
    assert boxes["lower"].y1 <= boxes["low"].y0 < boxes["low"].y1 <= boxes["far"].y0
