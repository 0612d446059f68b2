"""UMB archives, read back by other code: the same chain, laid out as Storm lays it out."""

import io
import json
import os
import struct
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_chains import drawn_chain, matrices
from test_drn import FOLDERS, case_file

import markovgpt as mg

COIN = [[0.25, 0.75], [0.0, 1.0]]


def members(file):
    """The files in an archive, gzipped or not, by their names."""
    with tarfile.open(file) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive if entry.isfile()}


def numbers(data, code):
    """Little-endian numbers of 8 bytes: Q counts, d doubles."""
    return list(struct.unpack(f"<{len(data) // 8}{code}", data))


def bits(data, count):
    """The states whose bit is set."""
    assert len(data) == 8 * -(-count // 64)
    whole = int.from_bytes(data, "little")
    assert whole < 2**count
    return [state for state in range(count) if whole >> state & 1]


def transitions(found):
    """The transitions in the files of an archive."""
    bounds = numbers(found["choice-to-branches.bin"], "Q")
    targets, values = (
        numbers(found[f"branch-to-{what}.bin"], code) for what, code in (("target", "Q"), ("probability", "d"))
    )
    return [
        (state, targets[place], values[place])
        for state in range(len(bounds) - 1)
        for place in range(bounds[state], bounds[state + 1])
    ]


def marks(found, kind, of="states"):
    """The annotations of one kind by the names people give them."""
    described = json.loads(found["index.json"])["annotations"].get(kind, {})
    return {
        about.get("alias", plain): found[f"annotations/{kind}/{plain}/{of}/values.bin"]
        for plain, about in described.items()
        if of in about["applies-to"]
    }


def test_an_archive_byte_by_byte(tmp_path):
    chain = mg.SparseChain.from_matrix(COIN)
    file = mg.write_umb(chain, tmp_path / "coin.umb", labels={"red": [False, True]}, initial=[True, False],
                        rewards={"cost": [0.5, 0]})  # fmt: skip
    assert members(file) == {
        "index.json": members(file)["index.json"],
        "state-is-initial.bin": b"\x01" + bytes(7),
        "choice-to-branches.bin": struct.pack("<3Q", 0, 2, 3),
        "branch-to-target.bin": struct.pack("<3Q", 0, 1, 1),
        "branch-to-probability.bin": struct.pack("<3d", 0.25, 0.75, 1.0),
        "annotations/aps/red/states/values.bin": b"\x02" + bytes(7),
        "annotations/rewards/cost/states/values.bin": struct.pack("<2d", 0.5, 0),
    }
    assert json.loads(members(file)["index.json"]) == {
        "format-version": 1,
        "format-revision": 0,
        "file-data": {"tool": "markovgpt"},
        "transition-system": {
            "time": "discrete",
            "#players": 0,
            "#states": 2,
            "#initial-states": 1,
            "#choices": 2,
            "#choice-actions": 0,
            "#branches": 3,
            "#branch-actions": 0,
            "#observations": 0,
            "branch-probability-type": {"type": "double", "size": 64},
        },
        "annotations": {
            "aps": {"red": {"alias": "red", "applies-to": ["states"], "type": {"type": "bool", "size": 1}}},
            "rewards": {"cost": {"alias": "cost", "applies-to": ["states"], "type": {"type": "double", "size": 64}}},
        },
    }


@given(st.data())
def test_a_chain_is_read_back_bit_for_bit(tmp_path_factory, data):
    chain = mg.SparseChain.from_matrix(data.draw(matrices(largest=70)))
    n = chain.n_states
    mask = st.lists(st.booleans(), min_size=n, max_size=n)
    names = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda name: name != "init")
    labels, initial = data.draw(st.dictionaries(names, mask, max_size=3)), data.draw(mask.filter(any))
    file = mg.write_umb(chain, tmp_path_factory.mktemp("umb") / "chain.umb", labels=labels, initial=initial)
    found = members(file)
    source, target, probability = (part.tolist() for part in chain.edges())
    assert transitions(found) == list(zip(source, target, probability, strict=True))
    assert bits(found["state-is-initial.bin"], n) == np.flatnonzero(initial).tolist()
    borne = {name: bits(values, n) for name, values in marks(found, "aps").items()}
    assert borne == {name: np.flatnonzero(mask).tolist() for name, mask in labels.items()}


@pytest.mark.parametrize(
    ("names", "plain"),
    [
        (["red", "t_p1-b"], ["red", "t_p1-b"]),
        (["Red", "two words", "é", "../../x", "a/b"], [f"alias-{place}" for place in range(5)]),
        (["alias-1", "X", "alias-x"], ["alias-0", "alias-1", "alias-x"]),  # a name that looks like an alias gets one
        (["x" * 60, "x" * 61, "red\n"], ["x" * 60, "alias-1", "alias-2"]),
    ],
)
def test_awkward_names_go_by_an_alias(tmp_path, names, plain):
    file = mg.write_umb(mg.SparseChain.from_matrix([[1.0]]), tmp_path / "x.umb", initial=[True],
                        labels={name: [True] for name in names})  # fmt: skip
    index = json.loads(members(file)["index.json"])
    assert {name: about["alias"] for name, about in index["annotations"]["aps"].items()} == dict(
        zip(plain, names, strict=True)
    )
    assert {name for name in members(file) if "aps" in name} == {
        f"annotations/aps/{name}/states/values.bin" for name in plain
    }


def test_the_same_chain_gives_the_same_bytes(tmp_path):
    chain = mg.SparseChain.from_matrix(COIN)
    one, two = (
        mg.write_umb(chain, tmp_path / name, labels={}, initial=[True, True]).read_bytes()
        for name in ("1.umb", "2.umb")
    )
    assert one == two


def test_a_chain_is_written_part_by_part_to_the_same_bytes(tmp_path, monkeypatch):
    chain = drawn_chain(mg.StateSpace(3, 3, with_prefixes=True), "zeros", 5)  # 39 states
    listed = mg.SparseChain(chain.edges(), 39)
    said = {"labels": {"red": np.arange(39) % 2 == 0}, "initial": np.arange(39) == 1}
    one = mg.write_umb(listed, tmp_path / "1.umb", **said).read_bytes()
    monkeypatch.setattr("markovgpt.exchange.umb.LEAST_BLOCK", 5)
    assert mg.write_umb(chain, tmp_path / "2.umb", **said).read_bytes() == one
    found = members(tmp_path / "2.umb")
    source, target, probability = (part.tolist() for part in chain.edges())
    assert transitions(found) == list(zip(source, target, probability, strict=True))
    with tarfile.open(tmp_path / "3.umb", "w") as archive:  # as another program packs the same files
        for name, data in found.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    assert (tmp_path / "3.umb").read_bytes() == one


def test_a_chain_over_windows_is_written_in_its_own_numbers(tmp_path):
    chain = mg.WindowChain(mg.StateSpace(2, 2), np.array([[0.75, 0.25]] * 4))
    file = mg.write_umb(chain, tmp_path / "w.umb", labels={}, initial=[True] * 4)
    # 00 = 0 and 10 = 2 lead to 00 and 01; 01 = 1 and 11 = 3 to 10 and 11
    ends = {0: (0, 1), 1: (2, 3), 2: (0, 1), 3: (2, 3)}
    assert transitions(members(file)) == [
        (state, end, value) for state in range(4) for end, value in zip(ends[state], (0.75, 0.25), strict=True)
    ]


def test_probabilities_that_would_read_as_impossible_are_refused(tmp_path):
    logits = np.array([[0.0, 50.0]] * 4)
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 2), logits), mg.SamplingSettings(0.01))
    with pytest.raises(
        mg.InvalidInput,
        match=r"must hold every possible transition, got a probability of 10\*\*-2171\.5 from state 0 to 0; write_drn",
    ):
        mg.write_umb(chain, tmp_path / "x.umb", labels={}, initial=[True] * 4)
    assert list(tmp_path.iterdir()) == []


def test_masks_that_do_not_fit_are_refused_before_writing(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"the label 'red' must be a bool mask of shape \(2,\)"):
        mg.write_umb(
            mg.SparseChain.from_matrix(COIN), tmp_path / "x.umb", labels={"red": [True]}, initial=[True, False]
        )
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_archive(tmp_path, monkeypatch):
    chain, file = mg.SparseChain.from_matrix(COIN), tmp_path / "x.umb"
    old = mg.write_umb(chain, file, labels={}, initial=[True, False]).read_bytes()
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        mg.write_umb(chain, file, labels={}, initial=[True, True])
    assert file.read_bytes() == old
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_outside_cases_are_laid_out_as_storm_does(folder, tmp_path):
    case = mg.read_drn(case_file(folder, ".drn"))
    rewards = {name or "default": earned for name, earned in case.rewards.items()}  # as Storm names it in .umb
    file = mg.write_umb(case.chain, tmp_path / "x.umb", labels=case.labels, initial=case.initial, rewards=rewards)
    ours, theirs = members(file), members(folder / f"{folder.name}.umb")
    for name in ("state-is-initial", "choice-to-branches", "branch-to-target", "branch-to-probability"):
        assert ours[f"{name}.bin"] == theirs[f"{name}.bin"]
    one, other = (json.loads(found["index.json"]) for found in (ours, theirs))
    assert one["transition-system"] == other["transition-system"]
    assert (one["format-version"], one["format-revision"]) == (other["format-version"], other["format-revision"])
    assert marks(ours, "aps") == marks(theirs, "aps")
    for kind in ("aps", "rewards"):
        known = {about.get("alias", name): about for name, about in other["annotations"].get(kind, {}).items()}
        for about in one["annotations"][kind].values():
            assert about["type"] == known[about["alias"]]["type"]
    for name, values in marks(ours, "rewards").items():
        parts = [
            numbers(found[name], "d") for of in ("states", "choices") if name in (found := marks(theirs, "rewards", of))
        ]
        # Storm misreads the last bit of a reward that follows another in .drn, and wrote that to .umb
        assert numbers(values, "d") == pytest.approx([sum(amounts) for amounts in zip(*parts, strict=True)], rel=1e-15)
