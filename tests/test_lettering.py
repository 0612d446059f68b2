"""Letters: widths are those that matplotlib draws, and what cannot be shown is shown by its number."""

import matplotlib.pyplot as plt
import pytest

from markovgpt.graphs.lettering import drawable, height_of, lines_of, width_of


@pytest.mark.parametrize("text", ["0(25%)", "Wide WWW", "illiill", "a\\nb", "$x_1$", "é…␣"])
def test_a_text_is_as_wide_as_it_is_drawn(text):
    figure = plt.figure(figsize=(8, 2), dpi=254)
    drawn = figure.text(0.1, 0.5, text, fontsize=9, family="DejaVu Sans", parse_math=False)
    extent = drawn.get_window_extent(figure.canvas.get_renderer())
    plt.close(figure)
    assert width_of(text, 9) == pytest.approx(extent.width / 100, abs=0.04)  # 100 dots a centimetre
    assert height_of(9) > extent.height / 100


def test_sizes_are_points():
    assert width_of("abc", 20) == pytest.approx(2 * width_of("abc", 10))
    assert height_of(72 / 1.2, 2) == pytest.approx(2 * 2.54)  # lines of one inch


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é", "plain é"),
        ("a\nb", "a\\nb"),
        ("\u202e", "\\u202e"),
        ("\x00", "\\x00"),
        ("\U0001f642", "\\U0001f642"),
        ("中", "\\u4e2d"),
        ("x" * 13, "x" * 11 + "…"),
        ("\n" * 13, "\\n" * 5 + "\\…"),
        ("y" * 10**6, "y" * 11 + "…"),
        ("", ""),
    ],
)
def test_what_cannot_be_shown_is_shown_by_its_number_and_what_is_too_long_is_cut(text, shown):
    assert drawable(text, 12) == shown


def test_lines_are_no_wider_than_they_may_be_and_no_word_is_lost():
    text = "one of the many sentences that stand beneath a picture anunbreakablewordthatistoolongforaline so"
    lines = lines_of(text, 3.0, 8)
    assert " ".join(lines) == text
    assert all(width_of(line, 8) <= 3.0 for line in lines if " " in line)
    firsts = [line.split()[0] for line in lines[1:]]
    assert all(width_of(f"{line} {first}", 8) > 3.0 for line, first in zip(lines, firsts, strict=False))
    assert lines_of("", 3.0, 8) == ()
