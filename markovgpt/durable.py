"""Files that survive a kill: written, synced, renamed, and by one writer at a time."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from markovgpt.errors import InvalidInput

LOCK, WRITER = "lock", "writer.json"


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """Hold the folder's lock, which the system frees if this process dies; the folder is made if need be.

    Raises
    ------
    InvalidInput: a file in the folder's place, or another writer, who is named.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise InvalidInput(
            f"{folder} must have one writer at a time, got {_read_writer(folder)} at work in it; wait for it, or give "
            "another folder"
        ) from None
    except OSError as error:
        raise InvalidInput(
            f"directory must be a folder that can be written, got {folder} ({error.strerror}); choose another"
        ) from error
    try:
        (folder / WRITER).write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}), encoding="utf-8")
        yield folder
    finally:
        (folder / WRITER).unlink(missing_ok=True)
        lock.release()


def _read_writer(folder: Path) -> str:
    """Who holds the lock."""
    try:
        writer = json.loads((folder / WRITER).read_text(encoding="utf-8"))
        return f"process {writer['pid']} on {writer['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"


def write_at(file: int, data: memoryview, offset: int) -> None:
    """Write all of the data at a place of a file."""
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def append_synced(file: Path, entry: Mapping[str, Any]) -> None:
    """Add a line of json to a file, and see it on the disk."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(entry) + "\n")
        lines.flush()
        os.fsync(lines.fileno())


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """Replace a file by what is written here, so that readers see the old or the new one, and a failure the old one."""
    temporary = file.with_name(file.name + ".tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def write_synced(file: Path, text: str) -> None:
    """Replace a file by a text, so that readers see the old or the new one."""
    with replacing(file) as stream:
        stream.write(text.encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """See a folder's names on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
