"""Foreign files are read as data; nothing in them runs."""

import argparse
import json
import os
import pickle

import pytest
import torch

import markovgpt as mg
from markovgpt.models import files
from markovgpt.models.files import load_torch_file, read_json, read_plain_pickle


class Hostile:
    """Its pickle runs a command when it is loaded."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_read(tmp_path, protocol):
    values = {"itos": {0: "\n", 1: "é"}, "n": [1, 2.5, None, True, "x" * 300]}
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(values, protocol=protocol))
    assert read_plain_pickle(tmp_path / "plain.pkl") == values


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path):
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Hostile(tmp_path / "ran")))
    with pytest.raises(mg.InvalidInput, match=r"must be a pickle of plain values, got: it asks for posix.mkdir"):
        read_plain_pickle(tmp_path / "evil.pkl")
    assert not (tmp_path / "ran").exists()


def test_a_hostile_torch_file_is_refused_and_not_run(tmp_path):
    torch.save({"model": Hostile(tmp_path / "ran"), "model_args": {}}, tmp_path / "evil.pt")
    with pytest.raises(mg.InvalidInput, match=r"must be a torch file of tensors and plain values.*trust=True"):
        mg.load_model(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_trust_unpickles_what_is_otherwise_refused(tmp_path):
    torch.save(argparse.Namespace(answer=42), tmp_path / "own.pt")
    with pytest.raises(mg.InvalidInput, match="trust=True"):
        load_torch_file(tmp_path / "own.pt")
    assert load_torch_file(tmp_path / "own.pt", trust=True).answer == 42


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x04", b"cos\nsystem\n(S'true'\ntR."])
@pytest.mark.parametrize("read", [read_plain_pickle, load_torch_file])
def test_damaged_files_are_named(tmp_path, content, read):
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(mg.InvalidInput, match=r"damaged must be a .*"):
        read(tmp_path / "damaged")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_a_truncated_torch_file_is_refused(tmp_path, keep):
    torch.save({"w": torch.zeros(1000)}, tmp_path / "whole.pt")
    content = (tmp_path / "whole.pt").read_bytes()
    (tmp_path / "part.pt").write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(mg.InvalidInput, match=r"part.pt must be a torch file"):
        load_torch_file(tmp_path / "part.pt")


def test_a_missing_or_huge_pickle_is_refused(tmp_path, monkeypatch):
    with pytest.raises(mg.InvalidInput, match="got no such file"):
        read_plain_pickle(tmp_path / "missing.pkl")
    monkeypatch.setattr(files, "LARGEST_PICKLE", 3)
    (tmp_path / "large.pkl").write_bytes(pickle.dumps("large"))
    with pytest.raises(mg.InvalidInput, match="must be at most 16 MiB"):
        read_plain_pickle(tmp_path / "large.pkl")


def test_a_config_is_a_json_object(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"a": 1}))
    assert read_json(tmp_path / "config.json", dict, "a json object", "copy it anew") == {"a": 1}
    (tmp_path / "config.json").write_text("3")
    with pytest.raises(mg.InvalidInput, match="must hold a json object, got int"):
        read_json(tmp_path / "config.json", dict, "a json object", "copy it anew")
