"""How the files of a result folder were made: ``run.json`` beside them."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORD = "run.json"
PACKAGES = ("markovgpt", "torch", "numpy", "scipy", "networkx", "pandas", "matplotlib")
OF_THE_RUN = ("commit", "seconds", "diagnostics")  # what may differ between two runs that make the same files


def write_record(
    folder: str | Path, *, command: str, settings: Mapping[str, Any], seconds: float, diagnostics: Mapping[str, Any]
) -> Path:
    """Write ``run.json``: command, settings, versions, the files' SHA-256, commit, seconds and diagnostics.

    A run that makes the very files that are there, by the same settings and versions, leaves the record of the run that
    first made them as it is: the record says how these files came about, and a repeated run leaves no trace.

    Parameters
    ----------
    settings: what determines the numbers (sizes, seeds, hashes of weights).
    seconds: wall time of the run.
    diagnostics: what may vary (residuals, method names).

    Returns
    -------
    The path of the record.
    """
    place = Path(folder)
    determined = {
        "command": command,
        "settings": dict(settings),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "machine": platform.machine(),
        "files": {
            str(file.relative_to(place)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(place.rglob("*"))
            if file.is_file() and file.name != RECORD
        },
    }
    record = {**determined, "commit": _commit(), "seconds": round(seconds, 2), "diagnostics": dict(diagnostics)}
    text = json.dumps(record, indent=1, default=str) + "\n"
    if _without_run(place / RECORD) != json.loads(json.dumps(determined, default=str)):
        (place / RECORD).write_text(text, encoding="utf-8")
    return place / RECORD


def _without_run(file: Path) -> dict[str, Any] | None:
    """An existing record without what may differ between equal runs; None where there is none to read."""
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {name: value for name, value in found.items() if name not in OF_THE_RUN}


def _commit() -> str | None:
    """The commit of the code, where it runs from a checkout."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
