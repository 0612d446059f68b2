"""The rows of one group, against answers by hand and against the questions asked one by one."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.group import rows_of

COIN = mg.LogitTable(mg.StateSpace(2, 2), np.zeros((4, 2)), mg.Vocabulary(("a", "b")))
GENERATOR = np.random.default_rng(3)
RANDOM = mg.LogitTable(mg.StateSpace(3, 2), GENERATOR.normal(size=(9, 3)), mg.Vocabulary(("a", "b", "\n")))


def test_a_coin_by_hand():
    # of three tosses 3 of 8 show b twice in a row from aa; from ab, all but aaa, aab and aba
    grid = SweepGrid(reds=["bb"], starts=["aa", (0, 1)], within=3)
    first, second = rows_of(COIN, "coin", mg.SamplingSettings(), grid)
    assert first["model"] == "coin"
    assert (first["temperature"], first["top_k"], first["red"], first["start"], first["within"]) == (
        "1",
        "off",
        "bb",
        "aa",
        3,
    )
    assert (first["value"], first["lower"], first["upper"]) == ("0.375000000000", "0.374999", "0.375001")
    assert (second["start"], second["value"]) == ("ab", "0.625000000000")
    assert first["n_states"] == 4


def test_a_set_is_reached_by_any_of_its_texts():
    # from ab within 1: a makes ba, b makes bb
    grid = SweepGrid(reds=[("ba", "bb"), ("bb",)], starts=["ab"], within=1)
    rows = rows_of(COIN, "coin", mg.SamplingSettings(), grid)
    assert [(row["red"], row["value"]) for row in rows] == [("ba or bb", "1"), ("bb", "0.500000000000")]


@pytest.mark.parametrize("within", [None, 7, 100])
@pytest.mark.parametrize("starts", [["ab"], ["ab", "b\n", "\n\n"]])
def test_the_rows_are_the_questions_one_by_one(within, starts):
    settings = mg.SamplingSettings(temperature=0.5, top_k=2)
    rows = rows_of(RANDOM, "random", settings, SweepGrid(reds=["bb", "a"], starts=starts, within=within))
    chain = mg.WindowChain.from_logits(RANDOM, settings)
    place = iter(rows)
    for red in ("bb", "a"):
        for start in starts:
            row, answer = next(place), mg.hitting_probability(chain, red, start=start, within=within)
            assert row["value"] == mg.certified_digits(answer)
            assert float(row["lower"]) <= answer.lower <= answer.upper <= float(row["upper"])
            assert float(row["log10_lower"]) <= answer.log10_lower
            assert answer.log10_upper <= float(row["log10_upper"])
            assert row["method"] == answer.method
            assert row["start"] == start.replace("\n", "\\n")


def test_a_stop_token_ends_the_text():
    # ba needs a b before its a, and b is the end
    grid = SweepGrid(reds=["ba"], starts=["aa"], within=5, stop_tokens=[1])
    [row] = rows_of(COIN, "coin", mg.SamplingSettings(), grid)
    assert (row["stop"], row["value"]) == ("b", "0")


def test_a_start_may_end_with_a_stop_token_that_ends_nothing():
    # after ab: aa at once, with 1/4; with the first b the text has ended
    grid = SweepGrid(reds=["aa"], starts=["ab"], within=5, stop_tokens=[1])
    [row] = rows_of(COIN, "coin", mg.SamplingSettings(), grid)
    assert row["value"] == "0.250000000000"


def test_a_text_longer_than_the_window_and_many_starts():
    # aaa of three tosses has 1/8, whatever came before that is no a; after ba two more do: 1/4
    grid = SweepGrid(reds=["aaa", (0, 0, 0)], starts=["bb", "ab", (0, 1), "ba"], within=3)
    found = [row["value"] for row in rows_of(COIN, "coin", mg.SamplingSettings(), grid)]
    assert found == [*["0.125000000000"] * 3, "0.250000000000"] * 2


def test_what_is_far_below_the_doubles_is_written_all_the_same():
    # b after a, at temperature 1/1000 and a gap of 1: e**-1000, twice
    table = mg.LogitTable(mg.StateSpace(2, 2), np.tile([[1.0, 0.0]], (4, 1)), mg.Vocabulary(("a", "b")))
    [row] = rows_of(table, "cold", mg.SamplingSettings(0.001), SweepGrid(reds=["bb"], starts=["aa"], within=2))
    log10 = -2000 / np.log(10)
    assert float(row["log10_lower"]) <= log10 <= float(row["log10_upper"])
    assert row["lower"].endswith("e-869")
    assert row["value"].endswith("e-869")
