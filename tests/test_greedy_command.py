"""The command `greedy`, on machines that are known by hand; see `test_cli` for models and refusals."""

import json

import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.commands import greedy

LETTERS = mg.Vocabulary(("a", "b"))


@pytest.fixture
def asked(monkeypatch, capsys):
    """Ask about a table; the lines on stdout, or the object with --json."""

    def ask(logits, *arguments, code=0, context_length=2):
        table = mg.LogitTable(mg.StateSpace(2, context_length), np.asarray(logits, dtype=float), LETTERS)
        monkeypatch.setattr(greedy, "table_of", lambda given: table)
        assert cli.main(["greedy", "MODEL", *arguments]) == code
        out, err = capsys.readouterr()
        ask.err = err
        return json.loads(out) if "--json" in arguments else out.splitlines()

    return ask


ROTATES = [[1.0, 0], [1, 0], [0, 1], [0, 1]]  # says its oldest token: aa, ab <-> ba, bb
WANDERS = [[0.0, 1], [1, 0], [1, 0], [1, 0]]  # bb -> ba -> aa -> ab -> ba


def test_loops_come_as_text_with_their_basins_the_largest_first(asked):
    assert asked(ROTATES) == [
        "'ab' for ever (2 windows), from 2 of 4 windows",
        "'a' for ever (1 window), from 1 of 4 windows",
        "'b' for ever (1 window), from 1 of 4 windows",
        "longest way into a loop: 0 tokens",
        "windows with tied logits: 0; smallest margin 1 nats",
    ]


def test_a_start_says_a_tail_and_then_its_loop(asked):
    line = "from here 'a' once, then 'aba' for ever"
    assert asked(WANDERS, "--start", "bb")[0] == line
    assert asked(WANDERS, "--start-tokens", "1,1")[0] == line
    assert asked(WANDERS, "--start", "bb", "--json")["says"] == {"once": "a", "for_ever": "aba", "certain": True}
    tied = [[1.0, 1], [1, 0], [0, 1], [0, 1]]
    assert asked(tied, "--start", "aa")[0].endswith("for ever, unless a close choice on the way falls otherwise")


def test_json_says_all(asked):
    found = asked(WANDERS, "--json")
    assert found["loops"] == [{"loop": "baa", "length": 3, "basin": 4, "certain": True}]
    assert (found["n_tied"], found["smallest_margin"], found["longest_transient"]) == (0, 1.0, 1)
    assert (found["close_choices"], found["windows_certain"], found["states"]) == (0, 4, 4)
    assert found["settings"]["temperature"] == 0


def test_what_a_close_choice_would_change_is_said(asked):
    tied = [[1.0, 1], [1, 0], [0, 1], [0, 1]]  # aa says a, and ties with b
    lines = asked(tied)
    assert "'a' for ever (1 window), from 1 of 4 windows, which a close choice could undo" in lines
    assert lines[-1] == "choices within noise: 1; one falling the other way would undo 1 loop and close 0 new"
    wide = asked(ROTATES, "--noise", "1", "--json")
    assert (wide["close_choices"], wide["windows_certain"]) == (4, 0)
    assert wide["loops_lost_by_one"] == ["a", "ab", "b"]
    # ab -> bb and ba -> aa stay there; aa -> ab -> ba -> ab and bb alike: nothing new closes
    assert (wide["n_closed_by_one"], wide["loops_closed_by_one"]) == (0, [])
    closing = asked([[1.0, 0], [1, 0], [1, 0], [1, 1 - 1e-9]], "--noise", "1e-6", "--json")  # bb nearly says b
    assert closing["loops_closed_by_one"] == ["b"]


def test_the_smallest_machine_is_written_three_ways(asked, tmp_path):
    name = str(tmp_path / "new folder" / "machine")
    lines = asked(WANDERS, "--minimise", name)
    assert lines[-1] == f"smallest machine: 3 states; {name}.dot, {name}.tex, {name}.svg"
    assert "digraph" in (tmp_path / "new folder" / "machine.dot").read_text()
    assert r"\begin{tikzpicture}" in (tmp_path / "new folder" / "machine.tex").read_text()
    assert "<svg" in (tmp_path / "new folder" / "machine.svg").read_text()
    found = asked(WANDERS, "--minimise", name, "--start", "bb", "--json")
    assert found["smallest"]["states"] == 3
    assert found["smallest"]["only_loops"] is False
    assert asked(WANDERS, "--minimise", name, "--reading", "--json")["smallest"]["states"] >= 3


def test_a_machine_too_large_to_draw_is_drawn_by_its_loops(asked, tmp_path):
    name = str(tmp_path / "machine")
    drawn = np.eye(2)[np.random.default_rng(1).integers(0, 2, 2**12)]  # few loops, long ways into them
    found = asked(drawn, "--minimise", name, "--json", context_length=12)["smallest"]
    assert found["states"] > 150
    assert found["only_loops"] is True
    assert f"so {name}.dot has the whole and the others its loops" in asked.err
    lines = (tmp_path / "machine.dot").read_text().splitlines()
    assert sum("->" in line for line in lines) == found["states"]
    rotating = np.eye(2)[[0] * 128 + [1] * 128]  # says its oldest token: every window is on a loop
    asked(rotating, "--minimise", name, code=4, context_length=8)
    assert "150" in asked.err


def test_reading_without_a_machine_to_write_is_refused(asked):
    asked(WANDERS, "--reading", code=2)
    assert "--reading is about the machine that --minimise writes" in asked.err


@pytest.mark.parametrize("arguments", [["--start", "abc"], ["--start-tokens", "0,7"], ["--noise", "-1"]])
def test_bad_arguments_are_refused(asked, arguments):
    asked(WANDERS, *arguments, code=2)
    assert asked.err.startswith("markovgpt: ")
