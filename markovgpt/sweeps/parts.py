"""The finished groups of a sweep, on disk: a run that was stopped goes on from them.

``parts/`` holds a manifest, which says of what sweep they are, and a file for each group, which counts if its rows are
those that were hashed. When the table is complete it is removed, and ``run.json`` says what was asked.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markovgpt.durable import write_synced
from markovgpt.errors import InvalidInput
from markovgpt.export.record import RECORD
from markovgpt.sweeps.group import Row

PARTS, MANIFEST = "parts", "sweep.json"
UNREADABLE = (OSError, ValueError, KeyError, TypeError)


class Parts:
    """The finished groups, in a folder whose lock the caller holds.

    Parameters
    ----------
    identity: what determines the rows, as json.

    Raises
    ------
    InvalidInput: the folder holds groups of another sweep; what differs is named.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]):
        self._folder, self._identity = folder, as_read(identity)
        file = folder / MANIFEST
        found = _read(file)
        if found is not None:
            require_same(folder.parent, found, self._identity)
        else:
            write_synced(file, json.dumps(self._identity, indent=1) + "\n")

    def rows(self, group: Mapping[str, Any]) -> list[Row] | None:
        """The rows of a group; None where they are not there, or damaged."""
        found = _read(self._file(group))
        if found is None or found.get("sha256") != _hash(found.get("rows")):
            return None
        return list(found["rows"])

    def keep(self, group: Mapping[str, Any], rows: list[Row]) -> None:
        """Write the rows of a group, and see them on the disk."""
        write_synced(self._file(group), json.dumps({"group": group, "sha256": _hash(rows), "rows": rows}) + "\n")

    def _file(self, group: Mapping[str, Any]) -> Path:
        """Where a group is kept."""
        return self._folder / f"{_hash(group)}.json"


def finished(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Whether the folder holds this very sweep, complete and as it was written.

    Raises
    ------
    InvalidInput: it holds the results of something else.
    """
    record = _read(folder / RECORD)
    if record is None:
        return False
    require_same(folder, record.get("settings", {}), as_read(identity))
    files = record.get("files", {})
    return bool(files) and all(_same_bytes(folder / name, digest) for name, digest in files.items())


def require_same(folder: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse what is of another sweep.

    Raises
    ------
    InvalidInput: with what differs.
    """
    differing = [name for name in wanted if found.get(name) != wanted[name]]
    if differing:
        raise InvalidInput(
            f"{folder} must hold this sweep or nothing, got one of another {' and '.join(differing)}; give another "
            "folder, or delete this one"
        )


def as_read(value: Any) -> Any:
    """A value as it comes back from a file of json."""
    return json.loads(json.dumps(value))


def _read(file: Path) -> dict[str, Any] | None:
    """An object of json; None where there is none to read."""
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None
    except UNREADABLE:
        return None


def _hash(value: Any) -> str:
    """The SHA-256 of a value as json."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _same_bytes(file: Path, digest: str) -> bool:
    """Whether a file is the one that was hashed."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest
