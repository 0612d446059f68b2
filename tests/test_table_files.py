"""A table in a folder: the same bytes after any accident."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.chains import table_files

SLOW_RUN = """
import sys, time, torch
import markovgpt as mg
from markovgpt.chains import table_files
torch.manual_seed(6)
model = mg.GPT(mg.GPTConfig(3, 10, n_layer=1))
put = table_files.TableFolder.put
def slowly(self, block, logits):
    put(self, block, logits)
    time.sleep(0.05)
table_files.TableFolder.put = slowly
mg.tabulate(model, directory=sys.argv[1], workers=2)
"""


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        return mg.GPT(mg.GPTConfig(3, 10, n_layer=1))  # 59,049 windows: nine blocks


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def journaled(folder):
    file = folder / "journal.jsonl"
    return max(0, file.read_text().count("\n") - 1) if file.exists() else 0


@pytest.mark.parametrize("with_prefixes", [False, True])
def test_a_table_on_disk_is_the_table_in_memory(model, tmp_path, with_prefixes):
    made = mg.tabulate(model, directory=tmp_path, with_prefixes=with_prefixes)
    assert isinstance(made.logits, np.memmap)
    assert made.logits.tobytes() == mg.tabulate(model, with_prefixes=with_prefixes).logits.tobytes()
    assert np.array_equal(np.load(tmp_path / "logits.npy"), made.logits)
    assert sorted(contents(tmp_path)) == ["lock", "logits.npy", "manifest.json"]


def test_a_table_opens_as_it_was_made(tmp_path):
    model = mg.GPT(mg.GPTConfig(2, 4), mg.Vocabulary(("a", "\n")))
    made = mg.tabulate(model, directory=tmp_path, with_prefixes=True)
    opened = mg.LogitTable.open(tmp_path)
    assert (opened.space, opened.vocabulary, opened.source) == (made.space, made.vocabulary, made.source)
    assert opened.logits.tobytes() == made.logits.tobytes()
    assert not opened.logits.flags.writeable


def test_the_manifest_says_what_the_bytes_depend_on(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["identity"]["torch"] == torch.__version__
    assert (
        manifest["identity"]["method"]
        == "shared prefixes in tiles of 3, 9, 27, 81, 243, 729, 2187, 2187, 2187, 2187 rows"
    )
    assert (manifest["dtype"], manifest["shape"], len(manifest["blocks"])) == ("float32", [59049, 3], 9)


def test_two_undisturbed_runs_leave_the_same_files(model, tmp_path):
    mg.tabulate(model, directory=tmp_path / "a", workers=1)
    mg.tabulate(model, directory=tmp_path / "b", workers=3)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("blocks", [0, 1, 4])
def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_bytes(model, tmp_path, blocks):
    run = subprocess.Popen([sys.executable, "-c", SLOW_RUN, str(tmp_path / "killed")])
    deadline = time.monotonic() + 60
    while journaled(tmp_path / "killed") < blocks or not (tmp_path / "killed" / "journal.jsonl").exists():
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.wait()
    done = journaled(tmp_path / "killed")
    assert blocks <= done < 9
    with pytest.raises(mg.InvalidInput, match="must hold a table of logits, got an unfinished one"):
        mg.LogitTable.open(tmp_path / "killed")
    made = watch_blocks(model, tmp_path / "killed")
    assert len(made) == 9 - done
    mg.tabulate(model, directory=tmp_path / "whole")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def watch_blocks(model, folder):
    """Tabulate, and list the blocks that were made."""
    made, put = [], table_files.TableFolder.put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            table_files.TableFolder, "put", lambda self, block, rows: made.append(block) or put(self, block, rows)
        )
        mg.tabulate(model, directory=folder)
    return made


def test_a_whole_table_is_not_made_again(model, tmp_path):
    assert len(watch_blocks(model, tmp_path)) == 9
    before = contents(tmp_path), (tmp_path / "logits.npy").stat().st_mtime_ns
    assert watch_blocks(model, tmp_path) == []
    assert (contents(tmp_path), (tmp_path / "logits.npy").stat().st_mtime_ns) == before


@pytest.mark.parametrize("block", [0, 5, 8])
def test_a_damaged_block_is_made_anew_and_no_other(model, tmp_path, block):
    mg.tabulate(model, directory=tmp_path)
    whole = contents(tmp_path)
    with (tmp_path / "logits.npy").open("r+b") as file:
        file.seek(128 + block * 3**8 * 3 * 4 + 17)  # a block is 3**8 rows of 3 float32, behind a header of 128 bytes
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    assert watch_blocks(model, tmp_path) == [block]
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("damage", ["truncated", "missing", "header"])
def test_a_ruined_array_is_told_when_opened_and_made_anew(model, tmp_path, damage):
    mg.tabulate(model, directory=tmp_path)
    whole, file = contents(tmp_path), tmp_path / "logits.npy"
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(whole["logits.npy"][:5000] if damage == "truncated" else b"x" * len(whole["logits.npy"]))
    with pytest.raises(mg.InvalidInput, match=r"logits.npy must be a whole array, got: .*; tabulate again"):
        mg.LogitTable.open(tmp_path)
    mg.tabulate(model, directory=tmp_path)
    assert contents(tmp_path) == whole


def test_a_ruined_manifest_is_told(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "of')
    with pytest.raises(mg.InvalidInput, match=r"manifest.json must be the manifest of a table, got: .*; delete it"):
        mg.LogitTable.open(tmp_path)


def test_an_array_of_another_size_than_the_manifest_says_is_told(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    np.save(tmp_path / "logits.npy", np.zeros((2, 3), np.float32))
    with pytest.raises(mg.InvalidInput, match=r"must be float32 of \[59049, 3\], as its manifest says, got float32 of"):
        mg.LogitTable.open(tmp_path)


def test_a_folder_without_a_table_is_told(tmp_path):
    with pytest.raises(mg.InvalidInput, match="must hold a table of logits, got none; make it with tabulate"):
        mg.LogitTable.open(tmp_path)


@pytest.mark.parametrize("finished", [True, False])
def test_the_table_of_other_weights_or_windows_is_refused_and_left_alone(model, tmp_path, finished):
    mg.tabulate(model, directory=tmp_path)
    if not finished:
        unfinish(tmp_path)
    before = contents(tmp_path)
    other = mg.GPT(model.config)
    with pytest.raises(mg.InvalidInput, match="got one of another weights_sha256; give another folder, or delete"):
        mg.tabulate(other, directory=tmp_path)
    with pytest.raises(mg.InvalidInput, match="got one of another space and method"):
        mg.tabulate(model, directory=tmp_path, context_length=9)
    assert contents(tmp_path) == before


def unfinish(folder):
    """Turn a whole table back into one that lacks its last block."""
    manifest = json.loads((folder / "manifest.json").read_text())
    entries = [{"format": manifest["format"], "identity": manifest["identity"], "dtype": manifest["dtype"]}]
    entries += [{"block": block, "sha256": digest} for block, digest in enumerate(manifest["blocks"][:-1])]
    (folder / "journal.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (folder / "logits.npy").rename(folder / "logits.npy.partial")
    (folder / "manifest.json").unlink()


def test_a_journal_line_that_was_cut_off_counts_for_nothing(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    whole = contents(tmp_path)
    unfinish(tmp_path)
    with (tmp_path / "journal.jsonl").open("a") as lines:
        lines.write('{"block": 8, "sha')
    assert watch_blocks(model, tmp_path) == [8]
    assert contents(tmp_path) == whole


def test_a_run_that_was_killed_between_rename_and_manifest_loses_nothing(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    whole = contents(tmp_path)
    unfinish(tmp_path)
    (tmp_path / "logits.npy.partial").rename(tmp_path / "logits.npy")
    assert watch_blocks(model, tmp_path) == [8]
    assert contents(tmp_path) == whole


def test_another_callable_is_known_by_its_answers(tmp_path):
    def says(number):
        return mg.as_model(lambda windows: np.full((len(windows), 2), number), vocab_size=2, context_length=13)

    mg.tabulate(says(1.0), directory=tmp_path)
    assert mg.tabulate(says(1.0), directory=tmp_path).logits.max() == 1
    with pytest.raises(mg.InvalidInput, match="must hold the table of this model, got one whose first block differs"):
        mg.tabulate(says(2.0), directory=tmp_path)
    assert mg.LogitTable.open(tmp_path).logits.max() == 1


def test_a_model_that_changes_its_dtype_is_refused(tmp_path):
    dtypes = iter([np.float32] * 16 + [np.float64] * 99)
    model = mg.as_model(lambda w: np.zeros((len(w), 2), next(dtypes)), vocab_size=2, context_length=13)
    with pytest.raises(mg.InvalidInput, match="the model must give float32 as before, got float64"):
        mg.tabulate(model, directory=tmp_path)


@pytest.mark.parametrize("call", ["pwrite", "fsync"])
def test_a_full_disk_is_said_and_nothing_is_lost(model, tmp_path, monkeypatch, call):
    whole_call, calls = getattr(os, call), []

    def until_full(*given):
        calls.append(call)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole_call(*given)

    with monkeypatch.context() as full:
        full.setattr(os, call, until_full)
        with pytest.raises(mg.TooLarge, match=r"the disk is full: \d of 9 blocks of the table are in .*; free some"):
            mg.tabulate(model, directory=tmp_path, workers=1)
    done = journaled(tmp_path)
    assert done > 0
    assert len(watch_blocks(model, tmp_path)) == 9 - done
    assert mg.LogitTable.open(tmp_path).logits.tobytes() == mg.tabulate(model).logits.tobytes()


def test_a_disk_that_is_too_small_is_refused_before_the_model_is_asked(tmp_path, monkeypatch):
    def never(windows):
        raise AssertionError("the model was asked")

    model = mg.as_model(never, vocab_size=65, context_length=64)
    with pytest.raises(
        mg.TooLarge, match=r"the table in .* needs .* GB of disk, free .*; free some, give another folder"
    ):
        mg.tabulate(model, directory=tmp_path)
    small = mg.as_model(never, vocab_size=2, context_length=3)
    monkeypatch.setattr(table_files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    with pytest.raises(mg.TooLarge, match="needs 128 bytes of disk, free 100 bytes"):
        mg.tabulate(small, directory=tmp_path)


def test_what_is_there_of_a_table_counts_for_the_disk(model, tmp_path, monkeypatch):
    mg.tabulate(model, directory=tmp_path)
    monkeypatch.setattr(table_files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    assert watch_blocks(model, tmp_path) == []
