"""The merged chain beside a tree of texts: one question by hand, what is refused, and the whole experiment in small."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

import markovgpt as mg
from experiments import merged_or_tree
from experiments.merged_or_tree import STUDY, Settings, compared, curve_rows, sentences_of, table_row, windows_asked
from experiments.study import run

COINS = mg.WindowChain(mg.StateSpace(2, 2), np.full((4, 2), 0.5))


def test_coins_by_hand():
    # 11 within 3 from 00: 011, 110, 111 of 8
    found = compared(COINS, (1, 1), (0, 0), 1.0, 3, 100)
    assert found.merged.lower <= 3 / 8 <= found.merged.upper
    assert found.calls == 3  # 00, 01, 10; 11 is red
    assert (found.tree[-1].prefixes, found.tree[-1].windows) == (6, 3)
    row = table_row("coins", found)
    assert (row["P, merged"], row["calls, merged"]) == ("0.375000000000", "3")
    assert row["calls until a factor of 2"] == "3"
    points = [(each["prefixes"], each["calls"]) for each in curve_rows("coins", found)]
    assert points == [(0, 0), (1, 1), (2, 1), (4, 2), (6, 3)]  # 00 again, then 01, 00 again, 01 again, 10


def test_an_unfinished_tree_has_no_calls_to_show():
    found = compared(COINS, (1, 1), (0, 0), 1.0, 12, 4)
    assert table_row("coins", found)["calls until a factor of 2"] == "more"


@pytest.mark.parametrize(
    ("questions", "says"),
    [
        ([(3, 100), (12, 4)], "6 prefixes at most the tree knows P to a factor of 2 in 1 of 2 questions, with 3 calls"),
        ([(12, 4)], "4 prefixes at most the tree knows P to a factor of 2 in 0 of 1 questions."),
    ],
)
def test_the_first_sentence_says_what_the_tree_needed(questions, says):
    found = [compared(COINS, (1, 1), (0, 0), 1.0, within, most) for within, most in questions]
    long = [{"L": 2, "texts": 4, "windows": 4, "P, merged": "0.5"}]
    assert says in sentences_of({"names": found, "three tokens": found}, long)[0]


def test_windows_asked_by_hand():
    red = np.array([False, True, False, False])  # 01
    assert [windows_asked(COINS, 3, red, steps) for steps in range(4)] == [1, 2, 3, 3]  # 11; 10; 00; then only red


def test_answers_that_contradict_each_other_are_refused(monkeypatch):
    wrong = [SimpleNamespace(lower=0.5, upper=0.6)]
    monkeypatch.setattr(merged_or_tree, "bounds_of_tree", lambda *_, **__: wrong)
    with pytest.raises(mg.MarkovGPTError, match="the bounds of both ways must meet"):
        compared(COINS, (1, 1), (0, 0), 1.0, 3, 100)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"horizons": ()}, "must hold one each"),
        ({"horizons": (0,)}, "must be at least 1"),
        ({"most_prefixes": 0}, "must be at least 1"),
    ],
)
def test_settings_refuse(wrong, says):
    with pytest.raises(mg.InvalidInput, match=says):
        Settings(**wrong)


@pytest.mark.slow
def test_all_of_it_in_small(tmp_path, capsys):
    assert run(STUDY, ["--small", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("On names the merged chain answers every horizon with 676 calls at most")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert {row["model"] for row in rows} == {"names", "three tokens"}
    assert (tmp_path / "width.svg").exists()
