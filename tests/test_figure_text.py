"""What is written in figures: raised digits for powers, escapes for what the font lacks, names as they are."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from markovgpt.export.figure_text import legend_above, legible, logarithmic_axis
from markovgpt.export.figures import STYLE
from markovgpt.export.powers_of_ten import PowersOfTen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$x_1$", "$x_1$"),
        ("\U000e0001", "\\U000e0001"),  # a tag nothing shows
        ("\u4e2d", "\\u4e2d"),
        ("a" * 24, "a" * 24),
        ("b" + "a" * 24, "\N{HORIZONTAL ELLIPSIS}" + "a" * 23),  # the newest end stays
        ("\t", "\\t"),
    ],
)
def test_text_is_shown_as_the_font_can(text, shown):
    assert legible(text) == shown


def written(axes):
    """The numbers along the y axis, without those that get none."""
    axes.figure.draw_without_rendering()
    return [text.get_text() for text in axes.get_yticklabels(which="both") if text.get_text()]


def test_a_logarithmic_axis_has_numbers_and_no_formulas():
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots()
        axes.plot([1, 2], [1e-9, 1])
        logarithmic_axis(axes, "y")
        wide = written(axes)
        axes.set_ylim(2e-5, 8e-5)
        narrow = written(axes)
        plt.close(figure)
    assert {"10⁻⁸", "0.01", "1"} <= set(wide)
    assert "3·10⁻⁵" in narrow
    assert not any("$" in text for text in wide + narrow)


def test_the_x_axis_is_the_one_that_is_asked_for():
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots()
        logarithmic_axis(axes, "x")
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
        assert isinstance(axes.xaxis.get_major_formatter(), PowersOfTen)
        plt.close(figure)


def test_a_legend_shows_names_as_they_are():
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(layout="constrained")
        lines = axes.plot([1, 2], [[1, 2], [2, 1]])
        legend_above(figure, lines, ["_", "$a$"], 2, "token")
        legend = figure.legends[0]
        assert [text.get_text() for text in legend.get_texts()] == ["_", "$a$"]
        assert legend.get_title().get_text() == "token"
        plt.close(figure)
