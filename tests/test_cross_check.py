"""The cross-check asks both sides the same, reads what Storm prints exactly, and says where they are apart."""

import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import markovgpt as mg
from experiments import cross_check
from experiments.cross_check import ALL, Settings, Subject, findings, formula, meet, ours, read_number, shown
from experiments.peers import Absent
from markovgpt.exchange.chain_files import read_chain

# from 1: to 2 with 1/4 + 3/4 * ..., the gambler's chain; 1/13 before 0, as (p/q)**... by hand in reference_chains
GAME = [[1, 0, 0, 0], [0.75, 0, 0.25, 0], [0, 0.75, 0, 0.25], [0, 0, 0, 1]]


@pytest.fixture
def game(tmp_path):
    """The gambler in a file, in rational numbers."""
    labels = {"red": np.arange(4) == 3, "going": np.arange(4) > 0}
    return cross_check.write_exact(mg.SparseChain.from_matrix(GAME), tmp_path / "game.drn", labels, 1)


def test_rational_files_hold_each_row_over_its_sum(game):
    text = game.read_text()
    assert "\t\t0 : 3/4\n\t\t2 : 1/4\n" in text
    found = read_chain(game)
    assert found.chain.to_csr().toarray().tolist() == GAME
    assert (found.initial.tolist(), found.labels["red"].tolist()) == ([False, True, False, False], [False] * 3 + [True])


def test_our_bounds_hold_the_answers_by_hand(game):
    imported = read_chain(game)
    low, high = ours(imported, formula("until", "red", left="going"))
    assert low <= Fraction(1, 13) <= high
    assert high - low < Fraction(1, 10**12)
    low, high = ours(imported, formula("bounded-reach", "red", bound=2))
    assert low <= Fraction(1, 16) <= high
    assert ours(imported, formula("expected-steps", "red")) == (np.inf, np.inf)


def test_the_largest_over_several_starts_is_taken(tmp_path):
    labels, initial = {"red": np.arange(4) == 3}, np.array([False, True, True, False])
    file = mg.write_umb(mg.SparseChain.from_matrix(GAME), tmp_path / "x.umb", labels=labels, initial=initial)
    low, high = ours(read_chain(file), formula("reach", "red"))
    assert low <= Fraction(4, 13) <= high  # from 2


def test_what_storm_prints_is_read_exactly():
    assert [read_number(text) for text in ("1/13", "0.1", "inf", "1")] == [Fraction(1, 13), Fraction(0.1), np.inf, 1]


def storm_that_says(monkeypatch, tmp_path, script):
    """A program in Storm's place."""
    runner = tmp_path / "runner.py"
    runner.write_text(script)
    monkeypatch.setattr(cross_check, "RUNNER", runner)
    monkeypatch.setattr(cross_check, "environment", lambda name: Path(sys.executable))


SAYS = "import json, sys, time\nfor text in json.loads(sys.argv[1])['properties']:\n    print(json.dumps(dict("
ASKED = (formula("until", "red", left="going"), formula("bounded-reach", "red", bound=2))


@pytest.mark.parametrize(
    ("script", "modes", "meets"),
    [
        (SAYS + "property=text, lower='1/13', upper='1/13')))", ["exact", "exact"], ["yes", "no"]),
        (
            SAYS + "property=text, lower='1/13', upper='1/13')), flush=True)\n    time.sleep(9)",
            ["exact", ""],
            ["yes", ""],
        ),
        ("raise SystemExit(3)", ["failed: ", "failed: "], ["", ""]),
    ],
)
def test_each_question_has_a_row_whatever_storm_does(game, tmp_path, monkeypatch, script, modes, meets):
    storm_that_says(monkeypatch, tmp_path, script)
    limits = Settings(exact_seconds=1.0, sound_seconds=0.01)
    rows = list(cross_check.rows_of(Subject("game", game, True, ASKED), tmp_path, limits))
    assert [row["property"] for row in rows] == ['P=? ["going" U "red"]', 'P=? [F<=2 "red"]']
    assert [row["meets"] for row in rows] == meets
    for row, mode in zip(rows, modes, strict=True):
        assert row["mode"].startswith(mode or "over 0.01 s") or row["mode"].startswith("over")


def test_without_storm_the_rows_say_so(game, tmp_path, monkeypatch):
    def environment(name):
        raise Absent("no wheel")

    monkeypatch.setattr(cross_check, "environment", environment)
    rows = list(cross_check.rows_of(Subject("game", game, True, ASKED), tmp_path, Settings()))
    assert {row["mode"] for row in rows} == {"absent: no wheel"}
    assert findings(rows)[2] == "They are apart in none, and 2 of 2 had no answer."


def test_findings_count_what_the_table_shows():
    row = {"chain": "x", "property": "p"}
    rows = [row | {"mode": mode, "meets": meets} for mode, meets in
            [("exact", "yes"), ("exact", "no"), ("sound", "yes"), ("value", "yes"), ("over 1 s", "")]]  # fmt: skip
    assert findings(rows) == [
        "Storm's exact value lies in our interval in 1 of 2 properties.",
        "Its intervals of the sound mode meet ours in 1 of 1; its values without bounds are within a millionth of ours "
        "in 1 of 1.",
        "They are apart in x p, and 1 of 5 had no answer.",
    ]


def test_outside_cases_are_asked_as_their_index_says(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "x.umb").write_bytes(b"")
    nothing = {"name": "x", "left_label": None, "step_bound": None, "property": ""}
    listed = [
        nothing | {"kind": "bounded-reach", "label": "a", "step_bound": 5},
        nothing | {"kind": "expected-reward", "label": "b", "property": 'R{"cost"}=? [F x=1]'},
        nothing | {"kind": "reward-bounded-reach", "label": "c"},
    ]
    (tmp_path / "index.json").write_text(json.dumps(listed))
    (found,) = cross_check.outside(tmp_path)
    assert (found.name, found.exact) == ("x", False)
    assert list(found.properties) == ['P=? [F<=5 "a"]', 'R{"cost"}=? [F "b"]']
    assert len(ALL) == 4


def test_intervals_are_shown_and_compared():
    assert shown(Fraction(1, 8), Fraction(1, 4)) == "[0.125, 0.25]"
    assert meet(np.inf, np.inf, np.inf, np.inf, room=0)
    assert not meet(np.inf, np.inf, 1, 2, room=0)


@pytest.mark.slow
def test_storm_itself_by_hand(game, tmp_path):
    rows = list(cross_check.rows_of(Subject("game", game, True, ASKED), tmp_path, Settings()))
    if rows[0]["mode"].startswith("absent"):
        pytest.skip(rows[0]["mode"])
    assert [(row["mode"], row["meets"]) for row in rows] == [("exact", "yes")] * 2
    assert rows[0]["storm"] == "0.0769230769231"  # 1/13
    assert rows[1]["storm"] == "0.0625"
