"""Every experiment by one command: what is up to date is left, a failure stops nothing, and progress is told."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import pytest

from experiments import all as module
from experiments.all import Work, duration, expected_seconds, has_study, last_line, main, names_of_all, to_be_made
from experiments.study import Findings, Study
from markovgpt.export.record import write_record

CODE = "abc"


@pytest.fixture
def three(tmp_path, monkeypatch):
    """Three experiments, of which two are there: one up to date, one of other code; and what is run."""
    monkeypatch.chdir(tmp_path)
    settings = SimpleNamespace
    studies = {
        name: Study(name, "Which?", settings, settings, lambda *_: Findings([]), records=name != "own")
        for name in ("current", "old", "own")
    }
    monkeypatch.setattr(module, "names_of_all", lambda: sorted(studies))
    monkeypatch.setattr(module, "study_of", studies.__getitem__)
    monkeypatch.setattr(module, "settings_as_json", lambda settings: {"n": 1})
    monkeypatch.setattr(module, "code_of", lambda name, enters: CODE)
    monkeypatch.setattr(module, "refill_readme", lambda: None)
    for name, code in (("current", CODE), ("old", "abd")):
        for place in (Path("results") / name, Path("build/small") / name):
            place.mkdir(parents=True)
            (place / "table.csv").write_text(name)
            write_record(place, command="c", settings={"n": 1}, seconds=40.0, diagnostics={}, code=code)
    ran = []

    def run(command, stdout, stderr):
        ran.append(command[2:])
        stdout.write("Traceback\n\nit broke\n\n" if command[2] == "experiments.broken" else "fine\n")
        return SimpleNamespace(returncode=int(command[2] == "experiments.broken"))

    monkeypatch.setattr(subprocess, "run", run)
    return SimpleNamespace(ran=ran, studies=studies)


def test_what_is_up_to_date_is_left(three):
    lines = []
    assert main(["--at-once", "1"], say=lines.append) == 0
    assert three.ran == [["experiments.old"], ["experiments.own"]]
    assert lines[:2] == [
        "current: up to date",
        "2 to make, about 1 min 10 s",
    ]  # 40 s the last time, 30 s of which nothing is known
    assert lines[2].startswith("1 of 2  old: 0 s (other code); about 30 s left")
    assert lines[3].startswith("2 of 2  own: 0 s (always made)")
    assert lines[4].startswith("2 made, 0 failed")


def test_a_changed_file_is_made_again(three):
    Path("results/current/table.csv").write_text("other")
    assert to_be_made("current", small=False, force=False) == Work("current", "table.csv is missing or changed", 40.0)
    assert to_be_made("current", small=True, force=False) is None


@pytest.mark.parametrize(
    ("words", "ran"),
    [
        (["--only", "own"], [["experiments.own"]]),
        (["--only", "current"], []),
        (["--only", "current", "--force"], [["experiments.current"]]),
        (["--only", "old", "--small"], [["experiments.old", "--small"]]),
    ],
)
def test_flags_say_what_is_made(three, words, ran):
    assert main(words, say=lambda line: None) == 0
    assert three.ran == ran


def test_a_failure_stops_nothing_and_is_told_at_the_end(three):
    three.studies["broken"] = Study("broken", "Which?", SimpleNamespace, SimpleNamespace, lambda *_: Findings([]))
    lines = []
    assert main(["--force", "--at-once", "1"], say=lines.append) == 1
    assert [command[0].removeprefix("experiments.") for command in three.ran] == ["current", "old", "broken", "own"]
    assert "3 of 4  broken: failed: exit code 1, it broke; about 30 s left" in lines
    assert lines[-1] == "failed: broken: exit code 1, it broke; its words are in build/logs/broken.log"
    assert last_line(Path("build/logs/own.log")) == "fine"


def test_those_whose_tables_hold_seconds_are_made_alone_and_last(three, monkeypatch):
    for name in ("current", "old"):
        three.studies[name] = replace(three.studies[name], alone=True)
    three.studies["other"] = three.studies["own"]
    meeting, at_work, beside = Barrier(2), [], {}

    def make(work, *, small):
        at_work.append(work.name)
        if work.name in ("other", "own"):
            meeting.wait(timeout=10)  # breaks unless the two are made at once
        time.sleep(0.05)  # so that another could begin
        beside[work.name] = len(at_work)
        at_work.remove(work.name)
        return 0

    monkeypatch.setattr(module, "make", make)
    assert main(["--force"], say=lambda line: None) == 0
    assert list(beside)[2:] == ["current", "old"]
    assert [beside["current"], beside["old"]] == [1, 1]
    assert to_be_made("old", small=True, force=True) == Work("old", "asked for", 40.0, alone=False)


def test_an_experiment_that_cannot_be_imported_is_one_that_failed(three):
    three.studies["zero"] = None
    lines = []
    assert main(["--only", "zero", "own"], say=lines.append) == 1
    assert three.ran == [["experiments.own"]]
    assert lines[-1].startswith("failed: zero: AttributeError")


def test_an_interruption_is_told(three, monkeypatch, capsys):
    def interrupted(*command, **given):
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupted)
    assert main(["--force"], say=lambda line: None) == 130
    assert "the same command goes on from here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "nobody"], "--only must name experiments, got nobody; there are current, old, own"),
        (["--at-once", "0"], "--at-once must be at least 1, got 0"),
    ],
)
def test_wrong_words_are_refused(three, capsys, words, said):
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_the_readme_is_filled_after_a_whole_run_only(three, monkeypatch):
    filled = []
    monkeypatch.setattr(module, "refill_readme", lambda: filled.append(1))
    main(["--small"], say=lambda line: None)
    assert filled == []
    main([], say=lambda line: None)
    assert filled == [1]


def test_experiments_are_the_files_with_a_study(tmp_path):
    (tmp_path / "one.py").write_text("STUDY = 1\n")
    (tmp_path / "two.py").write_text("def f():\n    STUDY = 1\n")
    assert (has_study(tmp_path / "one.py"), has_study(tmp_path / "two.py")) == (True, False)
    assert "state_sizes" in names_of_all()
    assert not {"study", "all", "apart"} & set(names_of_all())


def test_the_rest_is_estimated_from_the_last_time():
    works = [Work("a", "", 5.0), Work("b", "", None), Work("c", "", 7.0, alone=True)]
    assert (expected_seconds(works, 1), expected_seconds(works, 2)) == (42, 24.5)
    assert (duration(59.6), duration(3700)) == ("1 min 0 s", "61 min 40 s")
