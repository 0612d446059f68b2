"""Files that survive a kill."""

import json
import os
import socket
import subprocess
import sys

import pytest

import markovgpt as mg
from markovgpt.durable import append_synced, replacing, write_at, write_synced, writing

# of the package nothing but this one module is imported: all of it takes seconds
HOLD = """
import sys, time, types
from pathlib import Path
package = types.ModuleType("markovgpt")
package.__path__ = [sys.argv[2]]
sys.modules["markovgpt"] = package
from markovgpt.durable import writing
with writing(Path(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), *mg.__path__], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "holds\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_told_who_the_first_one_is(tmp_path, holder):
    told = rf"one writer at a time, got process {holder.pid} on {socket.gethostname()} at work in it; wait for it"
    with pytest.raises(mg.InvalidInput, match=told), writing(tmp_path):
        pass


def test_the_lock_of_a_killed_writer_is_stale(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert (tmp_path / "writer.json").exists()
    with writing(tmp_path):
        assert json.loads((tmp_path / "writer.json").read_text())["pid"] == os.getpid()
    assert not (tmp_path / "writer.json").exists()


def test_the_lock_is_free_after_a_failure(tmp_path):
    with pytest.raises(KeyError), writing(tmp_path):
        raise KeyError
    with writing(tmp_path):
        pass


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    told = r"directory must be a folder that can be written, got .*file \(.*\); choose another"
    with pytest.raises(mg.InvalidInput, match=told), writing(tmp_path / "file"):
        pass


def test_a_text_replaces_the_old_one_whole(tmp_path):
    file = tmp_path / "text"
    write_synced(file, "old")
    write_synced(file, "new")
    append_synced(file, {"a": 1})
    assert file.read_text() == 'new{"a": 1}\n'
    assert [each.name for each in tmp_path.iterdir()] == ["text"]


def test_a_failed_replacement_leaves_the_old_text(tmp_path, monkeypatch):
    file = tmp_path / "text"
    write_synced(file, "old")
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        write_synced(file, "new")
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["text"]


def test_a_replacement_that_breaks_off_leaves_the_old_file_alone(tmp_path):
    file = tmp_path / "data"
    file.write_bytes(b"old")
    with pytest.raises(TypeError), replacing(file) as stream:
        stream.writelines([b"half of the n", None])
    assert file.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_all_bytes_are_written_where_the_system_takes_only_some(tmp_path, monkeypatch):
    file = os.open(tmp_path / "data", os.O_RDWR | os.O_CREAT)
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, offset: whole(descriptor, data[:3], offset))
    write_at(file, memoryview(b"0123456789"), 2)
    os.close(file)
    assert (tmp_path / "data").read_bytes() == b"\0\0" + b"0123456789"
