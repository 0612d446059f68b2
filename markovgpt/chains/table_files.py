"""A table of logits as a folder: ``logits.npy``, one array that maps into memory, and ``manifest.json``, what it is.

While it is made, blocks are written into ``logits.npy.partial``; a block counts once it is synced and its SHA-256
stands in ``journal.jsonl``. The array is renamed when it is whole, and the manifest comes last: a reader sees all of it
or none. A run that was killed goes on from the journal, and ends with the same bytes. A lock keeps a second writer out.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.durable import append_synced, sync_folder, write_at, write_synced
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.memory import shown_bytes

LOGITS, PARTIAL, JOURNAL, MANIFEST = "logits.npy", "logits.npy.partial", "journal.jsonl", "manifest.json"
FORMAT = "markovgpt logit table 1"


def require_disk(folder: Path, n_bytes: int) -> None:
    """Refuse, before anything is written, a table that the disk cannot hold beside what is there of it.

    Raises
    ------
    TooLarge: with both sizes and the remedy.
    """
    there = sum((folder / name).stat().st_blocks * 512 for name in (LOGITS, PARTIAL) if (folder / name).exists())
    free = shutil.disk_usage(folder).free
    if n_bytes - there > free:
        raise TooLarge(
            f"the table in {folder} needs {shown_bytes(n_bytes - there)} of disk, free {shown_bytes(free)}; free some, "
            "give another folder, or a shorter context length"
        )


def open_table(folder: Path) -> tuple[dict[str, Any], NDArray[np.floating[Any]]]:
    """The manifest of a whole table, and its logits, mapped into memory: nothing is read.

    Raises
    ------
    InvalidInput: no table, an unfinished one, or an array of another size than the manifest says.
    """
    manifest = _read_manifest(folder)
    if manifest is None:
        state = "an unfinished one" if (folder / JOURNAL).exists() else "none"
        raise InvalidInput(f"{folder} must hold a table of logits, got {state}; make it with tabulate(directory=)")
    try:
        logits = np.load(folder / LOGITS, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{folder / LOGITS} must be a whole array, got: {error}; tabulate again") from error
    if [*logits.shape] != manifest["shape"] or str(logits.dtype) != manifest["dtype"]:
        raise InvalidInput(
            f"{folder / LOGITS} must be {manifest['dtype']} of {manifest['shape']}, as its manifest says, got "
            f"{logits.dtype} of {[*logits.shape]}; tabulate again"
        )
    return manifest, logits


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest, where there is one."""
    file = folder / MANIFEST
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(f"the format {found['format']!r}")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{file} must be the manifest of a table, got: {error}; delete it, or its folder") from error
    return dict(found)


class TableFolder:
    """A table under construction. The lock is held by the caller.

    Parameters
    ----------
    shape: (n_states, V).
    identity: what determines the bytes, as json.
    about: what else the manifest tells.
    n_blocks: number of blocks.
    rows_of: the first state and the number of rows of each part of a block.

    Raises
    ------
    InvalidInput: the folder holds a table of another identity.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int],
        identity: Mapping[str, Any],
        about: Mapping[str, Any],
        n_blocks: int,
        rows_of: Callable[[int], list[tuple[int, int]]],
    ):
        self._folder, self._shape, self._identity, self._about = folder, shape, identity, about
        self._n_blocks, self._rows_of = n_blocks, rows_of
        self._lock = Lock()
        self._hashes: dict[int, str] = {}
        self._dtype: np.dtype[Any] | None = None
        self._file, self._offset, self._whole = -1, 0, False
        self._take_over()

    def _take_over(self) -> None:
        """Keep what an earlier run left: blocks whose bytes are still those that were written."""
        manifest = _read_manifest(self._folder)
        file = self._folder / (LOGITS if (self._folder / LOGITS).exists() else PARTIAL)
        if manifest is None:
            found, dtype = self._read_journal()
        else:
            self._check_identity(manifest)
            found, dtype = dict(enumerate(manifest["blocks"])), manifest["dtype"]
        if found and self._open(file, np.dtype(dtype)):
            self._hashes = {block: digest for block, digest in found.items() if self._hash_on_disk(block) == digest}
        self._whole = manifest is not None and file.name == LOGITS and len(self._hashes) == self._n_blocks
        if self._whole:
            return
        (self._folder / MANIFEST).unlink(missing_ok=True)
        if self._hashes:
            os.replace(file, self._folder / PARTIAL)
            self._write_journal()
        else:
            self.close()
            for name in (LOGITS, PARTIAL, JOURNAL):
                (self._folder / name).unlink(missing_ok=True)

    def _check_identity(self, found: Mapping[str, Any]) -> None:
        """Refuse a table of something else."""
        differing = [name for name in self._identity if found["identity"].get(name) != self._identity[name]]
        if differing:
            raise InvalidInput(
                f"{self._folder} must hold the table that is asked for, got one of another {' and '.join(differing)}"
                "; give another folder, or delete this one"
            )

    def _read_journal(self) -> tuple[dict[int, str], str]:
        """The blocks an unfinished run has synced, and the dtype; a last line that was cut off counts for nothing."""
        try:
            lines = (self._folder / JOURNAL).read_text(encoding="utf-8").split("\n")[:-1]
            entries = [json.loads(line) for line in lines]
        except (OSError, ValueError):
            return {}, ""
        if not entries:
            return {}, ""
        self._check_identity(entries[0])
        return {entry["block"]: entry["sha256"] for entry in entries[1:]}, entries[0]["dtype"]

    def _write_journal(self) -> None:
        """The journal anew: what the table is, and the blocks that count."""
        entries = [
            {"format": FORMAT, "identity": self._identity, "dtype": str(self._dtype)},
            *({"block": block, "sha256": digest} for block, digest in self._hashes.items()),
        ]
        write_synced(self._folder / JOURNAL, "".join(json.dumps(entry) + "\n" for entry in entries))

    def _create(self, dtype: np.dtype[Any]) -> None:
        """Make the array's file in its full length, and the journal."""
        np.lib.format.open_memmap(self._folder / PARTIAL, mode="w+", dtype=dtype, shape=self._shape)
        self._open(self._folder / PARTIAL, dtype)
        self._write_journal()

    def _open(self, file: Path, dtype: np.dtype[Any]) -> bool:
        """Open the array's file; whether it is one of the right size."""
        try:
            mapped = np.load(file, mmap_mode="r")
        except (OSError, ValueError):
            return False
        if mapped.shape != self._shape or mapped.dtype != dtype:
            return False
        self._dtype, self._offset, self._file = dtype, mapped.offset, os.open(file, os.O_RDWR)
        return True

    @property
    def missing(self) -> list[int]:
        """The blocks that are still to be made, and the first one of a model that only its answers identify."""
        unseen = self._identity.get("weights_sha256") is None
        return [block for block in range(self._n_blocks) if block not in self._hashes or (unseen and block == 0)]

    def put(self, block: int, logits: Sequence[NDArray[np.floating[Any]]]) -> None:
        """Write a block, sync it, and enter it in the journal.

        Raises
        ------
        InvalidInput: logits of another dtype than the table's.
        TooLarge: the disk is full; what was written before stays.
        """
        with self._lock:
            if self._dtype is None:
                self._create(logits[0].dtype)
        if any(part.dtype != self._dtype for part in logits):
            raise InvalidInput(f"the model must give {self._dtype} as before, got {logits[0].dtype}; fix its dtype")
        if block in self._hashes:
            self._confirm(block, logits)
            return
        digest = hashlib.sha256()
        try:
            for (first, _), part in zip(self._rows_of(block), logits, strict=True):
                data = np.ascontiguousarray(part).data.cast("B")
                digest.update(data)
                write_at(self._file, data, self._offset + first * self._row_bytes)
            os.fsync(self._file)
            with self._lock:
                append_synced(self._folder / JOURNAL, {"block": block, "sha256": digest.hexdigest()})
                self._hashes[block] = digest.hexdigest()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise TooLarge(
                f"the disk is full: {len(self._hashes)} of {self._n_blocks} blocks of the table are in {self._folder}; "
                "free some space and run again, which goes on from there"
            ) from error

    def _confirm(self, block: int, logits: Sequence[NDArray[np.floating[Any]]]) -> None:
        """Refuse another model than the one that made a block."""
        if hashlib.sha256(b"".join(part.tobytes() for part in logits)).hexdigest() != self._hashes[block]:
            raise InvalidInput(
                f"{self._folder} must hold the table of this model, got one whose first block differs; give another "
                "folder, or delete this one"
            )

    def finish(self) -> NDArray[np.floating[Any]]:
        """Rename the whole array, write the manifest, and map the array into memory."""
        self.close()
        if self._whole:
            return open_table(self._folder)[1]
        os.replace(self._folder / PARTIAL, self._folder / LOGITS)
        sync_folder(self._folder)
        manifest = {
            "format": FORMAT,
            "identity": self._identity,
            "dtype": str(self._dtype),
            "shape": [*self._shape],
            **self._about,
            "blocks": [self._hashes[block] for block in range(self._n_blocks)],
        }
        write_synced(self._folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        (self._folder / JOURNAL).unlink(missing_ok=True)
        return open_table(self._folder)[1]

    def close(self) -> None:
        """Close the array's file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @property
    def _row_bytes(self) -> int:
        """Bytes of one row."""
        return self._shape[1] * np.dtype(self._dtype).itemsize

    def _hash_on_disk(self, block: int) -> str | None:
        """The SHA-256 of a block as it is in the file; None for a block there is not."""
        if not 0 <= block < self._n_blocks:
            return None
        digest = hashlib.sha256()
        for first, count in self._rows_of(block):
            digest.update(os.pread(self._file, count * self._row_bytes, self._offset + first * self._row_bytes))
        return digest.hexdigest()
