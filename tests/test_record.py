"""run.json says how files came about, and a repeated run leaves it alone."""

import hashlib
import json

import pytest

from markovgpt.export import record as module
from markovgpt.export.record import outdated, read_record, write_record


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


def test_what_was_found_and_the_hash_of_the_code_are_kept(folder):
    assert not {"found", "code"} & record(folder).keys()
    write_record(folder, command="c", settings={}, seconds=1, diagnostics={}, found=["It is so."], code="abc")
    assert (read_record(folder)["found"], read_record(folder)["code"]) == (["It is so."], "abc")


@pytest.fixture
def made(folder):
    """A folder with the record of settings seed 1 and code abc."""
    settings = {"seed": 1, "words": ("a", "b"), "weights": "found out on the way"}
    write_record(folder, command="c", settings=settings, seconds=1.0, diagnostics={}, code="abc")
    return folder


def test_what_the_same_settings_and_code_made_is_current(made):
    assert outdated(made, settings={"seed": 1, "words": ("a", "b")}, code="abc") == ""


@pytest.mark.parametrize(
    ("settings", "code", "reason"),
    [
        ({"seed": 2}, "abc", "other settings: seed"),
        ({"seed": 1, "steps": None}, "abc", "other settings: steps"),
        ({"seed": 1}, "abd", "other code"),
    ],
)
def test_other_settings_and_other_code_are_told(made, settings, code, reason):
    assert outdated(made, settings=settings, code=code) == reason


def test_files_that_are_missing_or_changed_are_told(made, monkeypatch):
    (made / "table.csv").write_text("a\n2\n")
    assert outdated(made, settings={}, code="abc") == "table.csv is missing or changed"
    (made / "table.csv").unlink()
    assert outdated(made, settings={}, code="abc") == "table.csv is missing or changed"
    monkeypatch.setattr(module, "PACKAGES", ("numpy",))
    assert outdated(made, settings={}, code="abc") == "other versions"


@pytest.mark.parametrize("text", [None, "{", "[1]"])
def test_without_a_record_all_is_to_be_made(folder, text):
    if text is not None:
        (folder / "run.json").write_text(text)
    assert read_record(folder) == {}
    assert outdated(folder, settings={}, code="abc") == "no record"
