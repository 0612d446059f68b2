"""Margins and their counts, by hand."""

import math

import numpy as np
import pytest

from markovgpt.chains.margins import Cuts, Margins


def test_a_tie_is_a_gap_of_nothing_between_two_tokens():
    margins = Margins(3)
    margins.between(np.array([2.0, 1.0, 0.5]), np.array([1.0, 1.0, 0.5 - 1e-7]))
    assert margins.tied.tolist() == [False, True, False]
    assert margins.cuts() == Cuts(3, 1, 1, 0.0)


def test_a_number_on_its_threshold_is_narrow_and_no_tie():
    margins = Margins(2)
    margins.against(np.array([[0.1, 0.9], [0.25, 0.9]]), 0.25)
    assert margins.smallest.tolist() == [pytest.approx(0.6), 0.0]
    assert margins.cuts() == Cuts(2, 0, 1, 0.0)


def test_each_row_has_its_own_threshold_and_keeps_its_nearest_cut():
    margins = Margins(2)
    margins.against(np.array([[0.5], [0.5]], dtype=np.float32), np.array([[0.4], [1.0]], dtype=np.float32))
    margins.between(np.array([1.0, 1.0]), np.array([0.9, 0.0]))
    assert margins.smallest == pytest.approx([0.1, 0.5])


def test_the_margin_is_relative_to_a_small_threshold():
    margins = Margins(1)
    margins.against(np.array([[1.5e-9]]), 1e-9)
    assert margins.cuts() == Cuts(1, 0, 0, pytest.approx(0.5))


@pytest.mark.parametrize(("stays", "goes"), [(1.0, -np.inf), (-np.inf, -np.inf), (1.0, np.inf)])
def test_where_nothing_is_cut_off_there_is_no_margin(stays, goes):
    margins = Margins(1)
    margins.between(np.array([stays]), np.array([goes]))
    assert margins.cuts() == Cuts(1, 0, 0, math.inf)


def test_no_rows_and_no_numbers_are_counted_as_none():
    margins = Margins(1)
    margins.against(np.empty((1, 0)), 0.5)
    assert margins.cuts() == Cuts(1, 0, 0, math.inf)
    assert Cuts.joined([]) == Margins(0).cuts() == Cuts(0, 0, 0, math.inf)


def test_blocks_are_joined():
    assert Cuts.joined([Cuts(2, 1, 0, 0.5), Cuts(3, 1, 2, 0.25)]) == Cuts(5, 2, 2, 0.25)
