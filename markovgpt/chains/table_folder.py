"""A table of logits under construction, on disk: the same bytes after any accident.

Blocks are written into ``logits.npy.partial``; a block counts once it is synced and its SHA-256 stands in the journal.
The array is renamed when it is whole, and the manifest comes last: a reader sees all of it or none. What an earlier run
left is taken over block by block, where the bytes are still those that were written.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.table_files import (
    FORMAT,
    JOURNAL,
    LOGITS,
    MANIFEST,
    PARTIAL,
    Manifest,
    mapped,
    open_table,
    read_journal,
    read_manifest,
)
from markovgpt.durable import append_synced, sync_folder, write_at, write_synced
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.memory import shown_bytes


def require_disk(folder: Path, n_bytes: int) -> None:
    """Refuse, before anything is written, a table that the disk cannot hold beside what is there of it.

    Raises
    ------
    TooLarge: with both sizes and the remedy.
    """
    there = sum((folder / name).stat().st_blocks * 512 for name in (LOGITS, PARTIAL) if (folder / name).exists())
    nearest = next((place for place in (folder, *folder.absolute().parents) if place.is_dir()), Path())
    free = shutil.disk_usage(nearest).free
    if n_bytes - there > free:
        raise TooLarge(
            f"the table in {folder} needs {shown_bytes(n_bytes - there)} of disk, free {shown_bytes(free)}; free some, "
            "give another folder, or a shorter context length"
        )


class TableFolder:
    """A table under construction. The lock of the folder is held by the caller.

    Parameters
    ----------
    wanted: the manifest the table will have, its dtype and blocks still unknown.
    n_blocks: number of blocks.
    rows_of: the first state and the number of rows of each part of a block.
    confirm: whether the identity leaves open which model it is, so that a kept block has to be answered again.

    Raises
    ------
    InvalidInput: the folder holds a table of another identity, or files of these names that are no table's.
    """

    def __init__(
        self,
        folder: Path,
        wanted: Manifest,
        n_blocks: int,
        rows_of: Callable[[int], list[tuple[int, int]]],
        *,
        confirm: bool,
    ):
        self._folder, self._wanted, self._n_blocks, self._rows_of = folder, wanted, n_blocks, rows_of
        self._lock = Lock()
        self._hashes: dict[int, str] = {}
        self._file, self._offset, self._whole, self._closed = -1, 0, False, False
        self._take_over()
        self.to_confirm = [min(self._hashes)] if confirm and self._hashes else []

    @property
    def missing(self) -> list[int]:
        """The blocks that are still to be made."""
        return [block for block in range(self._n_blocks) if block not in self._hashes]

    def put(self, block: int, logits: Sequence[NDArray[np.floating[Any]]]) -> None:
        """Write a block, sync it, and enter it in the journal; one writer at a time.

        Raises
        ------
        InvalidInput: logits of another dtype than the table's, or other ones than those that are to be confirmed.
        TooLarge: the disk is full; what was written before stays.
        """
        parts = [np.ascontiguousarray(part) for part in logits]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(part.data.cast("B"))
        with self._lock, self._told_when_full():
            if self._closed:  # an interrupted run has ended, and its last worker comes late
                return
            if block in self._hashes:
                self._check_answer(block, digest.hexdigest())
                return
            if self._file < 0:
                self._create(parts[0].dtype)
            require_dtype(self._wanted.dtype, parts)
            for (first, _), part in zip(self._rows_of(block), parts, strict=True):
                write_at(self._file, part.data.cast("B"), self._offset + first * self._row_bytes)
            os.fsync(self._file)
            append_synced(self._folder / JOURNAL, {"block": block, "sha256": digest.hexdigest()})
            self._hashes[block] = digest.hexdigest()

    def finish(self) -> NDArray[np.floating[Any]]:
        """Rename the whole array, write the manifest, and map the array into memory."""
        self.close()
        with self._told_when_full():
            if not self._whole:
                os.replace(self._folder / PARTIAL, self._folder / LOGITS)
                sync_folder(self._folder)
            text = replace(self._wanted, blocks=tuple(self._hashes[block] for block in range(self._n_blocks))).text()
            if not self._whole or (self._folder / MANIFEST).read_text(encoding="utf-8") != text:
                write_synced(self._folder / MANIFEST, text)
        (self._folder / JOURNAL).unlink(missing_ok=True)
        return open_table(self._folder)[1]

    def close(self) -> None:
        """Close the array's file; what comes later is not written."""
        with self._lock:
            self._closed = True
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _take_over(self) -> None:
        """Keep the blocks of an earlier run, in an order in which a kill loses none of them."""
        manifest = read_manifest(self._folder)
        journal = read_journal(self._folder) if manifest is None else None
        if manifest is not None:
            identity, dtype, found = manifest.identity, manifest.dtype, dict(enumerate(manifest.blocks))
        elif journal is not None:
            identity, dtype, found = journal
        elif (self._folder / LOGITS).exists():
            raise InvalidInput(
                f"{self._folder / LOGITS} must be an array that tabulate wrote, got one without a manifest; give "
                "another folder"
            )
        else:
            return
        self._check_identity(identity)
        self._wanted = replace(self._wanted, dtype=dtype)
        file = self._folder / (LOGITS if (self._folder / LOGITS).exists() else PARTIAL)
        if self._open(file):
            self._hashes = {block: digest for block, digest in found.items() if self._hash_on_disk(block) == digest}
        self._whole = manifest is not None and file.name == LOGITS and len(self._hashes) == self._n_blocks
        if self._whole:
            return
        if self._hashes:
            self._write_journal()
            os.replace(file, self._folder / PARTIAL)
        else:
            self._start_again()
        (self._folder / MANIFEST).unlink(missing_ok=True)

    def _start_again(self) -> None:
        """Nothing of the table is left."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        for name in (LOGITS, PARTIAL, JOURNAL):
            (self._folder / name).unlink(missing_ok=True)

    def _check_identity(self, found: dict[str, Any]) -> None:
        """Refuse a table of something else."""
        wanted = self._wanted.identity
        differing = [name for name in wanted if found.get(name) != wanted[name]]
        if differing:
            raise InvalidInput(
                f"{self._folder} must hold the table that is asked for, got one of another {' and '.join(differing)}; "
                "give another folder, or delete this one"
            )

    def _check_answer(self, block: int, digest: str) -> None:
        """Refuse another model than the one that made a block."""
        if digest != self._hashes[block]:
            raise InvalidInput(
                f"{self._folder} must hold the table of this model, got one of another, by its answers; give another "
                "folder, or delete this one"
            )

    def _create(self, dtype: np.dtype[Any]) -> None:
        """Make the array's file in its full length, and the journal."""
        self._wanted = replace(self._wanted, dtype=dtype)
        shape = (self._wanted.space.n_states, self._wanted.space.vocab_size)
        np.lib.format.open_memmap(self._folder / PARTIAL, mode="w+", dtype=dtype, shape=shape)
        self._write_journal()
        self._open(self._folder / PARTIAL)

    def _open(self, file: Path) -> bool:
        """Open the array's file; whether it is the array of this table."""
        array = mapped(file, self._wanted)
        if array is not None:
            self._offset, self._file = array.offset, os.open(file, os.O_RDWR)
        return array is not None

    def _write_journal(self) -> None:
        """The journal anew: what the table is, and the blocks that count."""
        lines = [
            {"format": FORMAT, "identity": self._wanted.identity, "dtype": str(self._wanted.dtype)},
            *({"block": block, "sha256": digest} for block, digest in self._hashes.items()),
        ]
        write_synced(self._folder / JOURNAL, "".join(json.dumps(line) + "\n" for line in lines))

    @property
    def _row_bytes(self) -> int:
        """Bytes of one row."""
        return self._wanted.space.vocab_size * self._wanted.dtype.itemsize

    def _hash_on_disk(self, block: int) -> str | None:
        """The SHA-256 of a block as it is in the file; None for a block there is not."""
        if not 0 <= block < self._n_blocks:
            return None
        digest = hashlib.sha256()
        for first, count in self._rows_of(block):
            digest.update(os.pread(self._file, count * self._row_bytes, self._offset + first * self._row_bytes))
        return digest.hexdigest()

    @contextmanager
    def _told_when_full(self) -> Iterator[None]:
        """Say that the disk is full, and what to do."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise TooLarge(
                f"the disk is full: {len(self._hashes)} of {self._n_blocks} blocks of the table are in {self._folder}; "
                "free some space and run again, which goes on from there"
            ) from error


def require_dtype(expected: np.dtype[Any], logits: Sequence[NDArray[np.floating[Any]]]) -> None:
    """Refuse logits of another dtype than those before them.

    Raises
    ------
    InvalidInput: with both dtypes.
    """
    for part in logits:
        if part.dtype != expected:
            raise InvalidInput(f"the model must give {expected} as before, got {part.dtype}; fix its dtype")
