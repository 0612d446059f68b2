"""One front door: what a file is of is told by what is in it, and every format gives the same chain."""

import gzip
import lzma
import os
import re

import numpy as np
import pytest
from outside_files import COIN_DRN, COIN_LAB, COIN_MATRIX, COIN_SREW, COIN_TRA, COIN_TRA_STORM
from test_drn import FOLDERS, case_file
from umb_files import MATRIX, archive

import markovgpt as mg
from markovgpt.exchange.chain_files import WRITERS, kind_of, read_chain, write_chain

KNOWN = [
    (archive(), "umb"),
    (gzip.compress(archive(), mtime=0), "umb"),
    (lzma.compress(archive()), "umb"),
    (COIN_DRN.encode(), "drn"),
    (b"\xef\xbb\xbf" + COIN_DRN.replace("\n", "\r\n").encode(), "drn"),
    (b"\n" + COIN_DRN.encode(), "drn"),
    (gzip.compress(COIN_DRN.encode(), mtime=0), "drn"),
    (COIN_TRA.encode(), "prism"),
    (COIN_TRA_STORM.encode(), "prism"),
    (gzip.compress(COIN_TRA.encode(), mtime=0), "prism"),
]


@pytest.mark.parametrize(("data", "kind"), KNOWN)
@pytest.mark.parametrize("name", ["coin", "coin.umb", "coin.drn", "coin.tra.gz"])
def test_the_content_says_what_a_file_is(tmp_path, data, kind, name):
    file = tmp_path / name
    file.write_bytes(data)
    assert kind_of(file) == kind
    read = read_chain(file)
    assert read.chain.to_csr().toarray().tolist() == (MATRIX if kind == "umb" else COIN_MATRIX)


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"{}", b"digraph {}", b"\x1f\x8bdamaged", b"\xfd7zXZ\0damaged", b"3"])
def test_another_content_is_told_by_the_name_or_by_nobody(tmp_path, data):
    for name, kind in (("x.umb", "umb"), ("x.drn", "drn"), ("x.drn.gz", "drn"), ("x.TRA", "prism"), ("x.txt", None)):
        file = tmp_path / name
        file.write_bytes(data)
        assert kind_of(file) == kind
        told = "must be a chain in a .umb, .drn or .tra file, got something else" if kind is None else ", got "
        with pytest.raises(mg.InvalidInput, match=told):
            read_chain(file)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"x.drn must be a file that can be read, got No such file"):
        read_chain(tmp_path / "x.drn")
    with pytest.raises(mg.InvalidInput, match=r"must be a file that can be read, got Is a directory"):
        kind_of(tmp_path)


def test_labels_and_rewards_lie_beside_transitions(tmp_path):
    (tmp_path / "coin.tra").write_text(COIN_TRA)
    assert read_chain(tmp_path / "coin.tra").labels == {}
    (tmp_path / "coin.lab").write_text(COIN_LAB)
    (tmp_path / "coin.cost.srew").write_bytes(gzip.compress(COIN_SREW.encode(), mtime=0))
    (tmp_path / "coin.srew").write_text(COIN_SREW)
    (tmp_path / "coin2.other.srew").write_text("none of it")
    found = read_chain(tmp_path / "coin.tra")
    assert found.labels["red"].tolist() == [False, True, True]
    assert {name: earned.tolist() for name, earned in found.rewards.items()} == {
        "": [0.5, 0, 0.25],
        "cost": [0.5, 0, 0.25],
    }


def test_what_is_asked_for_reaches_the_reader(tmp_path):
    short = "@type: DTMC\n@nr_states\n2\n@model\nstate 0 init\n\taction 0\n\t\t0 : 0.5\nstate 1\n\taction 0\n"
    for name, text in (("x.tra", "2 1\n0 0 0.5\n"), ("x.drn", short)):
        file = tmp_path / name
        file.write_text(text)
        found = read_chain(file, normalise=True, fix_deadlocks=True)
        assert (found.normalised.tolist(), found.fixed_deadlocks.tolist()) == ([0], [1])
    file = tmp_path / "x.umb"
    file.write_bytes(archive(_3=np.array([0.5, 0.25, 0, 1, 0]).tobytes()))
    found = read_chain(file, normalise=True, fix_deadlocks=True)
    assert (found.normalised.tolist(), found.fixed_deadlocks.tolist()) == ([0], [2])


@pytest.mark.parametrize("ending", [".umb", ".drn", ".DRN", ".tra"])
def test_the_name_says_how_a_chain_is_written(tmp_path, ending):
    chain = mg.SparseChain.from_matrix(MATRIX)
    said = {"labels": {"red": [False, True, True]}, "initial": [True, False, False], "rewards": {"cost": [0.5, 0, 1]}}
    file = write_chain(chain, tmp_path / f"coin{ending}", **said)
    assert kind_of(file) == {".tra": "prism"}.get(ending, ending.lower()[1:])
    found = read_chain(file)
    assert found.chain.to_csr().toarray().tolist() == MATRIX
    assert (found.labels["red"].tolist(), found.rewards["cost"].tolist()) == ([False, True, True], [0.5, 0, 1])


def test_another_ending_is_refused(tmp_path):
    told = re.escape("the name of a chain file must end in .umb or .drn or .tra, got 'x.txt'; rename it")
    with pytest.raises(mg.InvalidInput, match=told):
        write_chain(mg.SparseChain.from_matrix(MATRIX), tmp_path / "x.txt", labels={}, initial=[True] * 3)


SMALL = [folder for folder in FOLDERS if folder.name not in ("egl_5_2", "nand_20_1", "brp_16_60_deep")]


@pytest.mark.parametrize("folder", SMALL, ids=lambda folder: folder.name)
def test_outside_cases_are_the_same_chain_in_every_format(folder):
    one, *others = (read_chain(case_file(folder, ending)) for ending in (".umb", ".drn", ".tra"))
    for other in others:
        for mine, theirs in zip(one.chain.edges(), other.chain.edges(), strict=True):
            assert np.array_equal(mine, theirs)
        assert np.array_equal(one.initial, other.initial)
        for name, mask in one.labels.items():
            assert np.array_equal(mask, other.labels.get(name, np.zeros(len(mask), dtype=bool)))


@pytest.mark.parametrize("kind", ["prism", "storm"])
def test_names_of_rewards_come_back(tmp_path, kind):
    given = {"=cmd()": [1, 0, 0.5], "two words": [0, 2, 0], "two_words": [0, 0, 3]}
    coin = mg.SparseChain.from_matrix(COIN_MATRIX)
    file = WRITERS[kind](coin, tmp_path / "coin.tra", labels={}, initial=[True, False, False], rewards=given)
    assert {name: values.tolist() for name, values in read_chain(file).rewards.items()} == given
    (tmp_path / "coin._cmd__.srew").unlink()
    with pytest.raises(
        mg.InvalidInput, match=r"coin.tra must have beside it the rewards that the file .names.json rena"
    ):
        read_chain(file)


def test_what_can_be_read_only_once_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(
            mg.InvalidInput, match=r"must be a file that stays, got a pipe or a device; save it to a file"
        ):
            read_chain(place)
