"""run.json says how files came about, and a repeated run leaves it alone."""

import hashlib
import json

import pytest

from markovgpt.export.record import write_record


def record(folder, *, seed=1, seconds=1.0):
    """Write a record and read it back."""
    file = write_record(folder, command="make it", settings={"seed": seed}, seconds=seconds, diagnostics={"r": seconds})
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "table.csv").write_text("a\n1\n")
    return tmp_path


def test_the_record_holds_what_makes_the_files_again(folder):
    found = record(folder)
    assert found["command"] == "make it"
    assert found["settings"] == {"seed": 1}
    assert found["files"] == {"table.csv": hashlib.sha256(b"a\n1\n").hexdigest()}
    assert {"python", "torch", "numpy", "scipy", "markovgpt"} <= found["versions"].keys()
    assert found["seconds"] == 1.0
    assert "commit" in found


def test_a_run_that_makes_the_same_files_leaves_the_record_alone(folder):
    assert record(folder, seconds=1.0) == record(folder, seconds=2.0)


@pytest.mark.parametrize("change", ["file", "settings", "damage"])
def test_a_run_that_makes_something_else_writes_a_new_record(folder, change):
    record(folder, seconds=1.0)
    if change == "file":
        (folder / "table.csv").write_text("a\n2\n")
    if change == "damage":
        (folder / "run.json").write_text("{")
    found = record(folder, seed=2 if change == "settings" else 1, seconds=2.0)
    assert found["seconds"] == 2.0
