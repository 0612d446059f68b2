"""How the files of a result folder were made: ``run.json`` beside them."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORD = "run.json"
PACKAGES = ("markovgpt", "torch", "numpy", "scipy", "networkx", "pandas", "matplotlib")
OF_THE_RUN = ("commit", "seconds", "diagnostics")  # what may differ between two runs that make the same files


def write_record(
    folder: str | Path,
    *,
    command: str,
    settings: Mapping[str, Any],
    seconds: float,
    diagnostics: Mapping[str, Any],
    found: Sequence[str] = (),
    code: str | None = None,
) -> Path:
    """Write ``run.json``: command, settings, what was found, versions, hashes, commit, seconds and diagnostics.

    A run that makes the very files that are there, by the same settings and versions, leaves the record of the run that
    first made them as it is: the record says how these files came about, and a repeated run leaves no trace.

    Parameters
    ----------
    settings: what determines the numbers (sizes, seeds, hashes of weights).
    seconds: wall time of the run.
    diagnostics: what may vary (residuals, method names).
    found: sentences that say what the files show; left out where there are none.
    code: a hash of the code that made the files; left out for None.

    Returns
    -------
    The path of the record.
    """
    place = Path(folder)
    determined = {
        "command": command,
        "settings": dict(settings),
        **({"found": list(found)} if found else {}),
        **({} if code is None else {"code": code}),
        **_surroundings(),
        "files": {
            str(file.relative_to(place)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(place.rglob("*"))
            if file.is_file() and file.name != RECORD
        },
    }
    record = {**determined, "commit": _commit(), "seconds": round(seconds, 2), "diagnostics": dict(diagnostics)}
    text = json.dumps(record, indent=1, default=str) + "\n"
    if _without_run(place) != json.loads(json.dumps(determined, default=str)):
        (place / RECORD).write_text(text, encoding="utf-8")
    return place / RECORD


def outdated(folder: str | Path, *, settings: Mapping[str, Any], code: str) -> str:
    """Why the files of a folder should be made again; nothing where they are what these settings and this code make.

    Parameters
    ----------
    settings: each must be as it was; others that the record has, such as hashes of what was found there, are not asked.
    code: as for `write_record`.

    Returns
    -------
    The first reason: no record, other settings, other code, other versions, or a file that is missing or changed.
    """
    place = Path(folder)
    record = read_record(place)
    if not record:
        return "no record"
    kept, wanted = record.get("settings", {}), json.loads(json.dumps(dict(settings), default=str))
    other = [name for name in wanted if name not in kept or kept[name] != wanted[name]]
    if other:
        return f"other settings: {', '.join(other)}"
    if record.get("code") != code:
        return "other code"
    if any(record.get(name) != value for name, value in _surroundings().items()):
        return "other versions"
    for name, digest in record.get("files", {}).items():
        file = place / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            return f"{name} is missing or changed"
    return ""


def read_record(folder: str | Path) -> dict[str, Any]:
    """The record of a folder; empty where there is none to read."""
    try:
        found = json.loads((Path(folder) / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _surroundings() -> dict[str, Any]:
    """What numbers hang on beside settings and code."""
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "machine": platform.machine(),
    }


def _without_run(folder: Path) -> dict[str, Any]:
    """An existing record without what may differ between equal runs."""
    return {name: value for name, value in read_record(folder).items() if name not in OF_THE_RUN}


def _commit() -> str | None:
    """The commit of the code, where it runs from a checkout."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
