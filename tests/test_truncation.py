"""Truncation against full sampling: exact small cases, verdicts that bounds prove, numbers below the doubles."""

from fractions import Fraction

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.analysis.result import Answer
from markovgpt.analysis.truncation import TruncatedRisk, likelier_when_truncated
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure


def table_of(weights):
    """A table over windows of one token whose probabilities are in proportion to weights."""
    with np.errstate(divide="ignore"):
        return mg.LogitTable(mg.StateSpace(len(weights), 1), np.log(np.asarray(weights, dtype=np.float64)))


def risk(truncated, full):
    """A risk of which only the bounds matter."""
    answers = [
        Answer.of(Enclosure(ScaledArray.of(low), ScaledArray.of(low), ScaledArray.of(high), 0.0, ""))
        for low, high in (truncated, full)
    ]
    return TruncatedRisk("top_k", 1, *answers)


def test_what_is_cut_is_shared_by_what_is_left():
    # 1 within two steps of 0: at once, or after one step that stays or goes on to 2
    table = table_of([[5, 3, 2], [1, 1, 1], [6, 1, 3]])
    rows = likelier_when_truncated(table, [1], start=0, within=2, top_k=(1, 2), top_p=(0.75,), min_p=(0.5,))
    full = Fraction(3, 10) + Fraction(5, 10) * Fraction(3, 10) + Fraction(2, 10) * Fraction(1, 10)
    # top_k = 2 and min_p = 1/2 leave 5 and 3 after 0; top_p = 3/4 as well, .5 + .3 being the first mass that large
    cut = Fraction(3, 8) + Fraction(5, 8) * Fraction(3, 8)
    assert [(row.setting, row.value) for row in rows] == [("top_k", 1), ("top_k", 2), ("top_p", 0.75), ("min_p", 0.5)]
    assert [row.verdict for row in rows] == ["impossible", "likelier", "likelier", "likelier"]
    for row in rows:
        assert row.full.value == pytest.approx(float(full), rel=1e-14)
    for row in rows[1:]:
        assert row.truncated.value == pytest.approx(float(cut), rel=1e-14)


def test_a_way_that_is_cut_makes_red_less_likely():
    # red has rank 3 after 0, and 1 only leads back
    table = table_of([[5, 3, 2], [1, 0, 0], [0, 1, 0]])
    [row] = likelier_when_truncated(table, [2], start=0, within=3, top_k=(2,))
    assert row.verdict == "impossible"
    # 1 before 2: 3/5 in full; top_k = 2 leaves nothing to avoid
    [row] = likelier_when_truncated(table, [1], start=0, within=None, top_k=(2,), avoiding=[2])
    assert row.verdict == "likelier"
    assert row.full.value == pytest.approx(3 / 5, rel=1e-14)
    assert row.truncated.value == 1.0
    # 1 after 0 in two steps: directly 2/10, over 2 3/10; top_k = 2 cuts the first of them, and 3/8 are left
    table = table_of([[5, 2, 3], [1, 0, 0], [0, 1, 0]])
    [row] = likelier_when_truncated(table, [1], start=0, within=2, top_k=(2,))
    full = 0.2 + 0.3 + 0.5 * 0.2
    assert (row.truncated.value, row.full.value) == (pytest.approx(3 / 8), pytest.approx(full))
    assert row.verdict == "less likely"


def test_temperature_is_shared_and_the_cuts_of_the_settings_are_not():
    table = table_of([[4, 1, 1], [1, 1, 1], [1, 1, 1]])
    settings = mg.SamplingSettings(temperature=2.0, top_k=1, top_p=0.1, min_p=1.0)
    [row] = likelier_when_truncated(table, [1], start=0, within=1, min_p=(0.4,), settings=settings)
    # square roots: 2 1 1, and a ratio of 1/2 is left
    assert (row.truncated.value, row.full.value) == (pytest.approx(1 / 4), pytest.approx(1 / 4))


@pytest.mark.parametrize(
    ("truncated", "full", "verdict"),
    [
        ((0.2, 0.3), (0.1, 0.15), "likelier"),
        ((0.2, 0.3), (0.1, 0.2), "undecided"),
        ((0.1, 0.15), (0.2, 0.3), "less likely"),
        ((0.1, 0.2), (0.2, 0.3), "undecided"),
        ((0.1, 0.4), (0.2, 0.3), "undecided"),
        ((0.2, 0.3), (0.1, 0.4), "undecided"),
        ((0.0, 0.2), (0.1, 0.3), "undecided"),
        ((0.0, 0.0), (0.1, 0.2), "impossible"),
        ((0.0, 0.0), (0.0, 0.0), "impossible"),
        ((1.0, 1.0), (1.0, 1.0), "equal"),
    ],
)
def test_a_verdict_is_what_the_bounds_prove(truncated, full, verdict):
    assert risk(truncated, full).verdict == verdict


def test_verdicts_reach_below_the_doubles():
    small, smaller = (Answer.of(Enclosure(*(ScaledArray(0.5, power),) * 3, 0.0, "")) for power in (-5000, -6000))
    assert TruncatedRisk("top_p", 0.9, small, smaller).verdict == "likelier"
    assert TruncatedRisk("top_p", 0.9, smaller, small).verdict == "less likely"


def test_a_row_is_told_as_a_plain_dict():
    [row] = likelier_when_truncated(table_of([[5, 3, 2]] * 3), [1], start=0, within=1, top_p=(0.4,))
    told = row.summary()
    assert (told["setting"], told["value"], told["verdict"]) == ("top_p", 0.4, "impossible")
    assert (told["truncated_upper"], told["full_lower"]) == (0.0, row.full.lower)


def test_a_question_without_values_or_with_an_impossible_one_is_refused():
    table = table_of([[1, 1], [1, 1]])
    with pytest.raises(mg.InvalidInput, match="top_k, top_p or min_p must hold at least one value, got none"):
        likelier_when_truncated(table, [1], start=0, within=1)
    with pytest.raises(mg.InvalidInput, match=r"top_p must lie in \(0, 1\], got 2"):
        likelier_when_truncated(table, [1], start=0, within=1, top_k=(1,), top_p=(2,))
    with pytest.raises(mg.InvalidInput, match="start must be a state, a window or a text, got None"):
        likelier_when_truncated(table, [1], start=None, within=1, top_k=(1,))
