"""Hashes of code and of files change when these do, and only then."""

import pytest

import markovgpt as mg
from experiments import provenance
from experiments.provenance import code_of, digest_of, imported_by


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package, an experiment that imports another, and a third one."""
    for name, text in {
        "markovgpt/a.py": "x = 1\n",
        "markovgpt/__init__.pyi": "from .a import x\n",
        "markovgpt/explorer/page.py": "x = 1\n",
        "markovgpt/explorer/js/page.js": "const x = 1;\n",
        "experiments/one.py": "import numpy\nfrom experiments import two\n",
        "experiments/two.py": "from experiments.three import x\nfrom experiments import one\n",
        "experiments/three.py": "import experiments.four\n",
        "experiments/four.py": "",
        "experiments/five.py": "import markovgpt\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


def test_imports_are_followed(house):
    assert imported_by("one") == {"one", "two", "three", "four"}
    assert imported_by("five") == {"five"}


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("markovgpt/a.py", True),
        ("markovgpt/__init__.pyi", True),
        ("markovgpt/explorer/page.py", False),
        ("experiments/four.py", True),
        ("experiments/five.py", False),
    ],
)
def test_the_code_is_the_package_and_what_is_imported(house, file, changes):
    before = code_of("one")
    (house / file).write_text("y = 2\n")
    assert (code_of("one") != before) is changes


@pytest.mark.parametrize("file", ["markovgpt/explorer/page.py", "markovgpt/explorer/js/page.js"])
def test_a_room_that_is_entered_counts_with_all_its_files(house, file):
    before = code_of("one", ["explorer"])
    (house / file).write_text("y = 2\n")
    assert code_of("one", ["explorer"]) != before
    assert code_of("one", ["commands"]) == code_of("one")


def test_a_digest_is_of_names_and_contents(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "in").mkdir(parents=True)
        (folder / "in" / "a").write_text("a")
    assert digest_of([one]) == digest_of([two])
    (two / "in" / "a").rename(two / "in" / "b")
    assert digest_of([one]) != digest_of([two])
    assert digest_of([one / "in" / "a"]) != digest_of([one])
    with pytest.raises(mg.InvalidInput, match="a path must be that of a file or a folder"):
        digest_of([tmp_path / "none"])
