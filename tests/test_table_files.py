"""The files of a table, read with distrust."""

import json

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.table_files import Manifest, read_manifest

SPACE = {"vocab_size": 2, "context_length": 1, "with_prefixes": False}


@pytest.fixture
def folder(tmp_path):
    mg.tabulate(mg.GPT(mg.GPTConfig(2, 3, n_layer=1)), directory=tmp_path)
    return tmp_path


def change(folder, **fields):
    """Change what stands in the manifest."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **fields}))


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "markovgpt logit table 99"},
        {"identity": None},
        {"identity": []},
        {"identity": {}},
        {"identity": {"space": {"vocab_size": 0, "context_length": 1}}},
        {"dtype": "nonsense"},
        {"shape": [1, 2]},
        {"shape": None},
        {"vocabulary": 3},
        {"model": {"format": "nanogpt"}},
        {"blocks": None},
    ],
)
def test_a_manifest_of_something_else_is_told_by_both(folder, fields):
    change(folder, **fields)
    told = (
        r"manifest.json must be the manifest of a table, got one that cannot be read \(.*\); delete it, or its folder"
    )
    with pytest.raises(mg.InvalidInput, match=told):
        mg.LogitTable.open(folder)
    with pytest.raises(mg.InvalidInput, match=told):
        mg.tabulate(mg.GPT(mg.GPTConfig(2, 3, n_layer=1)), directory=folder)


def test_blocks_that_are_missing_from_a_manifest_are_made_again(folder):
    model = mg.GPT(mg.GPTConfig(2, 3, n_layer=1))
    mg.tabulate(model, directory=folder / "table")
    change(folder / "table", blocks=[])
    assert mg.tabulate(model, directory=folder / "table").logits.tobytes() == mg.tabulate(model).logits.tobytes()


def test_a_manifest_comes_back_as_it_was(tmp_path):
    source = mg.tabulate(mg.GPT(mg.GPTConfig(2, 1))).source
    manifest = Manifest({"space": SPACE}, np.dtype("float32"), mg.Vocabulary(("a", "b")), source, ("00", "ff"))
    (tmp_path / "manifest.json").write_text(manifest.text())
    found = read_manifest(tmp_path)
    assert found.text() == manifest.text()
    assert (found.space, found.vocabulary, found.model) == (mg.StateSpace(2, 1), manifest.vocabulary, source)


@pytest.mark.parametrize("place", ["file", "file/below", "missing"])
def test_a_place_without_a_table_is_told(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(mg.InvalidInput, match="must hold a table of logits, got none; make it with tabulate"):
        mg.LogitTable.open(tmp_path / place)


def test_an_archive_in_the_arrays_place_is_told(folder):
    with (folder / "logits.npy").open("wb") as file:
        np.savez(file, a=np.zeros(3))
    with pytest.raises(mg.InvalidInput, match=r"logits.npy must be the whole array"):
        mg.LogitTable.open(folder)
