"""Hitting times as the temperature falls: two windows by a closed form, what recipes are told, the whole in small."""

import math

import numpy as np
import pytest

import markovgpt as mg
from experiments.hardest import exponent_of, hardest_of
from experiments.hitting_times import (
    STUDY,
    Settings,
    failed,
    last_right,
    outcome,
    published_rows,
    recipe_rows,
    rows_of,
    word_row,
)
from experiments.recipes import RECIPES
from experiments.study import run

# a stays with gap 2, b with gap 1: the largest time is 1 + e**(2/T), from a to b
TABLE = mg.LogitTable(mg.StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]), mg.Vocabulary(("a", "b")))
TEMPERATURES = (1.0, 0.6, 0.1, 0.05)


@pytest.fixture(scope="module")
def hardest():
    return [hardest_of(TABLE, temperature, [0, 1]) for temperature in TEMPERATURES]


def test_rows_by_hand(hardest):
    rows = rows_of("two", TABLE, hardest, exponent_of(TABLE))
    logs = [math.log1p(math.exp(2 / T)) for T in TEMPERATURES]
    for row, T, log in zip(rows, TEMPERATURES, logs, strict=True):
        assert (row["T"], row["from"], row["to"], row["limit"]) == (f"{T:g}", "a", "b", "2.000000")
        assert float(row["T ln E"]) == pytest.approx(T * log, abs=1e-6)
        assert float(row["ln E - limit/T"]) == pytest.approx(log - 2 / T, abs=1e-5)
    assert rows[0]["E"].startswith(f"{1 + math.exp(2):.9f}"[:9])
    assert (rows[0]["slope"], rows[0]["second difference"], rows[1]["second difference"]) == ("", "", "")
    slopes = [(logs[k + 1] - logs[k]) / (1 / TEMPERATURES[k + 1] - 1 / TEMPERATURES[k]) for k in range(3)]
    assert [float(row["slope"]) for row in rows[1:]] == pytest.approx(slopes, abs=1e-6)
    assert float(rows[2]["second difference"]) == pytest.approx(2 * (slopes[1] - slopes[0]) / (10 - 1), rel=1e-2)


def test_recipes_are_right_where_it_is_easy_and_wrong_where_it_is_not(hardest):
    rows = recipe_rows("two", TABLE, hardest)
    assert not any(failed(rows[0][name]) for name in ("inv(I - Q)", "solve(I - Q)", "eig"))
    assert (rows[3]["inv(I - Q)"], rows[3]["solve(I - Q)"]) == ("no number",) * 2  # 1 - p has lost all of e**-40


def test_what_a_recipe_is_told(hardest):
    exact = hardest[0].answer
    assert outcome(exact.value * 1.25, exact) == "2e-01"
    assert (outcome(-1.0, exact), outcome(0.0, exact)) == ("negative", "negative")
    assert (outcome(math.inf, exact), outcome(math.nan, exact)) == ("infinite", "no number")
    huge = hardest_of(TABLE, 0.002, [0, 1]).answer  # e**1000
    assert outcome(1e300, huge) == "1e+00"
    assert [failed(text) for text in ("9e-03", "2e-02", "negative", "infinite")] == [False, True, True, True]


def test_from_where_on_a_recipe_fails():
    rows = [{"T": T, "r": text} for T, text in (("1", "1e-9"), ("0.5", "1e-3"), ("0.2", "negative"), ("0.1", "1e-3"))]
    assert last_right(rows, "r") == "0.5"
    assert last_right(rows[:2], "r") is None
    assert last_right(rows[2:], "r") == ""


def test_the_published_value_stands_beside_ours(hardest):
    fails = [{"T": text, **dict.fromkeys(RECIPES, error)} for text, error in (("0.2", "1e-03"), ("0.1", "2e-01"))]
    rows = published_rows([hardest, hardest], [fails, fails[:1]], [8, 81])
    assert [(row["windows"], row["published"]) for row in rows[:2]] == [("8", "not given"), ("81", "105,595")]
    ends = [(row["windows"], row["published"], row["ours"]) for row in rows[2:]]
    n = len(RECIPES)
    assert ends[:n] == [("8", "below T = 0.12", "below T = 0.2")] * n
    assert ends[n:] == [("81", "below T = 0.12", "nowhere")] * n
    assert all("weights of its own, not published" in row["source"] for row in rows)
    assert float(rows[0]["ours"]) == pytest.approx(1 + math.exp(2 / 0.6), rel=1e-9)


def test_the_least_likely_window():
    row, found, _ = word_row(TABLE, 0.5)
    # pi(b) = p / (p + q) with p = 1 / (1 + e**4), q = 1 / (1 + e**2)
    p, q = 1 / (1 + math.exp(4)), 1 / (1 + math.exp(2))
    assert (row["least likely window"], row["worst start"], row["limit"]) == ("b", "a", "2.000000")
    assert float(row["its share in the long run"]) == pytest.approx(p / (p + q), rel=1e-9)
    assert found.ln == pytest.approx(-math.log(p), rel=1e-12)


@pytest.mark.parametrize("wrong", [(0.5,), (0.5, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_settings_refuse(wrong):
    with pytest.raises(mg.InvalidInput, match="must be two at least, above 0 and falling"):
        Settings(temperatures=wrong)


@pytest.mark.slow
def test_all_of_it_in_small(tmp_path, capsys):
    assert run(STUDY, ["--small", "--out", str(tmp_path)]) == 0
    assert "ln E becomes a line in 1/T" in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.glob("*.csv")) == [
        "published.csv",
        "recipes.csv",
        "table.csv",
        "words.csv",
    ]
