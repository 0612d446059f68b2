"""Finished groups outlive a run, count only whole, and belong to one sweep."""

import json

import pytest

import markovgpt as mg
from markovgpt.export.record import write_record
from markovgpt.sweeps.parts import Parts, finished

IDENTITY = {"version": "1", "grid": {"reds": ("a",)}}
GROUP = {"model": "m", "temperature": 0.5}
ROWS = [{"value": "0.5"}]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "parts").mkdir()
    Parts(tmp_path / "parts", IDENTITY).keep(GROUP, ROWS)
    return tmp_path / "parts"


def test_a_group_comes_back_to_the_same_sweep(folder):
    again = Parts(folder, IDENTITY)
    assert again.rows(GROUP) == ROWS
    assert again.rows({**GROUP, "temperature": 0.6}) is None


@pytest.mark.parametrize("damage", ["cut", "changed", "other"])
def test_a_damaged_group_does_not_count(folder, damage):
    [file] = [file for file in folder.iterdir() if file.name != "sweep.json"]
    text = file.read_text()
    file.write_text({"cut": text[:-9], "changed": text.replace("0.5", "0.7"), "other": "[]"}[damage])
    assert Parts(folder, IDENTITY).rows(GROUP) is None


def test_another_sweep_is_refused_by_what_differs(folder):
    with pytest.raises(
        mg.InvalidInput, match="must hold this sweep or nothing, got one of another grid; give another folder"
    ):
        Parts(folder, {**IDENTITY, "grid": {"reds": ("b",)}})


def test_a_sweep_is_finished_while_its_files_are_those_that_were_written(tmp_path):
    assert not finished(tmp_path, IDENTITY)
    (tmp_path / "sweep.csv").write_text("a\n")
    settings = json.loads(json.dumps(IDENTITY))
    write_record(tmp_path, command="markovgpt sweep", settings=settings, seconds=1, diagnostics={})
    assert finished(tmp_path, IDENTITY)
    with pytest.raises(mg.InvalidInput, match="another version"):
        finished(tmp_path, {**IDENTITY, "version": "2"})
    (tmp_path / "sweep.csv").write_text("b\n")
    assert not finished(tmp_path, IDENTITY)
