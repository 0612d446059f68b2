"""Numbers as colours: logarithms, signs, and what has no number."""

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from markovgpt.analysis.reachability import expected_hitting_time
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.errors import InvalidInput
from markovgpt.export.raster import colour_bar, colouring, draw_cells, drawn_numbers, marks_of, pixels
from markovgpt.scaled import ScaledArray


def test_logarithms_are_right_below_the_doubles():
    tiny = ScaledArray([0.5, 0.0], [-3999, 0])
    assert drawn_numbers(tiny, log=True) == pytest.approx([-4000 * math.log10(2), -math.inf])
    assert drawn_numbers(tiny, log=False).tolist() == [0.0, 0.0]


def test_an_answer_is_drawn_by_its_own_logarithms():
    coin = SparseChain.from_matrix([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    times = expected_hitting_time(coin, [1])
    assert drawn_numbers(times, log=False).tolist() == [2.0, 0.0, math.inf]
    assert drawn_numbers(times, log=True) == pytest.approx([math.log10(2), -math.inf, math.inf])


@pytest.mark.parametrize(
    ("values", "log", "message"),
    [
        ([0.5, math.nan], True, "values must be numbers of at least 0, got nan; log=False draws negative ones"),
        ([0.5, -1.0], True, r"got -1\.0; log=False draws negative ones"),
        ([0.5, math.nan], False, "values must be numbers, got nan; draw what is impossible as -inf"),
    ],
)
def test_what_is_no_number_is_refused(values, log, message):
    with pytest.raises(InvalidInput, match=message):
        drawn_numbers(values, log=log)


def test_numbers_of_both_signs_are_coloured_evenly_about_zero():
    both = colouring(np.array([-1.0, 4.0]), log=False)
    assert (both.norm.vmin, both.norm.vmax, both.cmap.name) == (-4, 4, "coolwarm")
    logs = colouring(np.array([-1.0, 4.0, -math.inf, math.inf]), log=True)
    assert (logs.norm.vmin, logs.norm.vmax, logs.cmap.name) == (-1, 4, "cividis")
    assert colouring(np.array([-math.inf]), log=True) is None


def test_the_impossible_is_transparent_and_the_infinite_black():
    numbers = np.array([[0.0, 1.0], [-math.inf, math.inf]])
    found = pixels(numbers, colouring(numbers, log=False))
    cividis = mpl.colormaps["cividis"]
    assert found[0].tolist() == [list(cividis(0.0, bytes=True)), list(cividis(1.0, bytes=True))]
    assert found[1].tolist() == [[0, 0, 0, 0], [0, 0, 0, 255]]
    assert pixels(np.array([-math.inf]), None).tolist() == [[0, 0, 0, 0]]
    assert [mark.get_label() for mark in marks_of(numbers)] == ["impossible", "infinite"]
    assert marks_of(numbers[0]) == []


def test_a_ground_is_hatched_only_where_it_shows():
    figure, axes = plt.subplots()
    draw_cells(axes, np.full((2, 3, 4), 255, dtype=np.uint8), 1, 5)
    assert (len(axes.patches), axes.images[0].get_extent()) == (0, [1, 4, 7, 5])
    draw_cells(axes, np.zeros((2, 3, 4), dtype=np.uint8), 1, 5)
    assert axes.patches[0].get_bbox().bounds == (1, 5, 3, 2)
    assert axes.patches[0].get_hatch() == "////"
    colours = colouring(np.array([2.0, 3.0]), log=False)
    bar = figure.add_axes((0.9, 0.1, 0.05, 0.8))
    colour_bar(figure, bar, colours)
    assert bar.get_ylim() == (2, 3)
    plt.close(figure)
