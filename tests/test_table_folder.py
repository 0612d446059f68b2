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
from markovgpt.chains import table_folder

SLOW_RUN = """
import sys, time, torch
import markovgpt as mg
from markovgpt.chains import table_folder
torch.manual_seed(6)
model = mg.GPT(mg.GPTConfig(3, 10, n_layer=1))
put = table_folder.TableFolder.put
def slowly(self, block, logits):
    put(self, block, logits)
    time.sleep(0.05)
table_folder.TableFolder.put = slowly
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


@pytest.mark.parametrize(
    "blocks", [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(4, marks=pytest.mark.slow)]
)
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
    made, put = [], table_folder.TableFolder.put
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            table_folder.TableFolder, "put", lambda self, block, rows: made.append(block) or put(self, block, rows)
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


@pytest.mark.parametrize("damage", ["truncated", "empty", "missing", "header"])
def test_a_ruined_array_is_told_when_opened_and_made_anew(model, tmp_path, damage):
    mg.tabulate(model, directory=tmp_path)
    whole, file = contents(tmp_path), tmp_path / "logits.npy"
    if damage == "missing":
        file.unlink()
    else:
        kept = {"truncated": 5000, "empty": 0}
        file.write_bytes(whole["logits.npy"][: kept[damage]] if damage in kept else b"x" * len(whole["logits.npy"]))
    with pytest.raises(
        mg.InvalidInput,
        match=r"logits.npy must be the whole array that its manifest describes, got something else; tabulate again",
    ):
        mg.LogitTable.open(tmp_path)
    mg.tabulate(model, directory=tmp_path)
    assert contents(tmp_path) == whole


def test_a_ruined_manifest_is_told(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "of')
    with pytest.raises(
        mg.InvalidInput, match=r"manifest.json must be the manifest of a table, got one that .*; delete it"
    ):
        mg.LogitTable.open(tmp_path)


def test_an_array_of_another_size_than_the_manifest_says_is_told(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    np.save(tmp_path / "logits.npy", np.zeros((2, 3), np.float32))
    with pytest.raises(
        mg.InvalidInput,
        match=r"logits.npy must be the whole array that its manifest describes, got something else; tabulate again",
    ):
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
    with pytest.raises(mg.InvalidInput, match="must hold the table of this model, got one of another, by its answers"):
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
    monkeypatch.setattr(table_folder.shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    with pytest.raises(mg.TooLarge, match="needs 128 bytes of disk, free 100 bytes"):
        mg.tabulate(small, directory=tmp_path)


def test_what_is_there_of_a_table_counts_for_the_disk(model, tmp_path, monkeypatch):
    mg.tabulate(model, directory=tmp_path)
    monkeypatch.setattr(table_folder.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    assert watch_blocks(model, tmp_path) == []


def flip(file, place):
    """Change one bit of a file."""
    with file.open("r+b") as data:
        data.seek(place)
        byte = data.read(1)
        data.seek(place)
        data.write(bytes([byte[0] ^ 1]))


def test_the_only_block_of_a_small_table_is_made_anew(tmp_path):
    small = mg.GPT(mg.GPTConfig(2, 3, n_layer=1))
    mg.tabulate(small, directory=tmp_path)
    whole = contents(tmp_path)
    flip(tmp_path / "logits.npy", 130)
    assert watch_blocks(small, tmp_path) == [0]
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("name", ["logits.npy", "journal.jsonl", "manifest.json"])
def test_a_users_own_file_of_that_name_is_left_alone(model, tmp_path, name):
    np.save(tmp_path / "own.npy", np.arange(5))
    (tmp_path / "own.npy").rename(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(mg.InvalidInput, match=f"{name} must be"):
        mg.tabulate(model, directory=tmp_path)
    assert (tmp_path / name).read_bytes() == before


def test_a_line_of_the_journal_that_was_damaged_costs_its_block_alone(model, tmp_path):
    mg.tabulate(model, directory=tmp_path)
    whole = contents(tmp_path)
    unfinish(tmp_path)
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    lines[4] = lines[4][:20] + lines[5]  # two lines that ran into each other: blocks 3 and 4
    del lines[5]
    lines[2:2] = ["3", "[]", '{"block": "a", "sha256": 3}', '{"block": 99, "sha256": ""}']
    (tmp_path / "journal.jsonl").write_text("\n".join(lines) + "\n")
    assert sorted(watch_blocks(model, tmp_path)) == [3, 4, 8]
    assert contents(tmp_path) == whole


@pytest.mark.parametrize("head", ["", "[]", "{}", '{"identity": {}, "dtype": "nonsense"}', "{"])
def test_a_journal_whose_head_was_damaged_is_told_and_nothing_is_lost(model, tmp_path, head):
    mg.tabulate(model, directory=tmp_path)
    unfinish(tmp_path)
    lines = (tmp_path / "journal.jsonl").read_text().splitlines()
    (tmp_path / "journal.jsonl").write_text("\n".join([head, *lines[1:]]))
    before = contents(tmp_path)
    with pytest.raises(mg.InvalidInput, match=r"journal.jsonl must be the journal of a table, got one that cannot"):
        mg.tabulate(mg.GPT(model.config), directory=tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("stopped_at", ["replace", "unlink", "append"])
def test_a_repair_that_is_killed_loses_nothing(model, tmp_path, monkeypatch, stopped_at):
    mg.tabulate(model, directory=tmp_path)
    whole = contents(tmp_path)
    flip(tmp_path / "logits.npy", 200)

    def stop(*given, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        if stopped_at == "unlink":
            killed.setattr(type(tmp_path), "unlink", stop)
        elif stopped_at == "replace":
            killed.setattr(table_folder.os, "replace", stop)
        else:  # the manifest is gone by then: the journal has to know all the rest
            killed.setattr(table_folder, "append_synced", stop)
        with pytest.raises(KeyboardInterrupt):
            mg.tabulate(model, directory=tmp_path)
    assert watch_blocks(model, tmp_path) == [0]
    assert contents(tmp_path) == whole


def test_a_worker_that_comes_late_writes_nothing(model, tmp_path):
    folders = []
    begun = table_folder.TableFolder.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            table_folder.TableFolder, "__init__", lambda self, *a, **k: folders.append(self) or begun(self, *a, **k)
        )
        mg.tabulate(model, directory=tmp_path)
    before = contents(tmp_path)
    folders[0].put(0, [np.zeros((3**8, 3), np.float32)])
    assert contents(tmp_path) == before


def test_a_block_is_synced_before_the_journal_names_it(model, tmp_path, monkeypatch):
    said, fsync, append = [], os.fsync, table_folder.append_synced
    monkeypatch.setattr(os, "fsync", lambda file: said.append(os.readlink(f"/proc/self/fd/{file}")) or fsync(file))
    monkeypatch.setattr(table_folder, "append_synced", lambda *given: said.append("journal") or append(*given))
    mg.tabulate(model, directory=tmp_path, workers=1)
    named = [place for place, what in enumerate(said) if what == "journal"]
    assert len(named) == 9
    assert all(said[place - 1].endswith("logits.npy.partial") for place in named)


def test_a_damaged_block_does_not_let_another_callable_in(tmp_path):
    def says(number):
        return mg.as_model(lambda windows: np.full((len(windows), 2), number), vocab_size=2, context_length=13)

    mg.tabulate(says(1.0), directory=tmp_path)
    flip(tmp_path / "logits.npy", 130)
    with pytest.raises(mg.InvalidInput, match="got one of another, by its answers"):
        mg.tabulate(says(2.0), directory=tmp_path)
    assert mg.tabulate(says(1.0), directory=tmp_path).logits.min() == 1


def test_a_module_is_known_by_its_answers_beside_its_weights(tmp_path):
    class Scaled(torch.nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.scale, self.weight = scale, torch.nn.Parameter(torch.ones(2))

        def forward(self, windows):
            return self.scale * self.weight.repeat(len(windows), 1)

    def says(scale):
        return mg.as_model(Scaled(scale), vocab_size=2, context_length=3)

    mg.tabulate(says(1.0), directory=tmp_path)
    mg.tabulate(says(1.0), directory=tmp_path)
    with pytest.raises(mg.InvalidInput, match="got one of another, by its answers"):
        mg.tabulate(says(9.0), directory=tmp_path)


def test_a_table_takes_the_vocabulary_it_is_given_later(tmp_path):
    plain = mg.GPT(mg.GPTConfig(2, 3, n_layer=1))
    mg.tabulate(plain, directory=tmp_path)
    plain.vocabulary = mg.Vocabulary(("a", "b"))
    mg.tabulate(plain, directory=tmp_path)
    assert mg.LogitTable.open(tmp_path).vocabulary.tokens == ("a", "b")
