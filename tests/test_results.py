"""What lies in results/: every figure can be read, and every record is of the files beside it."""

import hashlib
import json
from pathlib import Path

import pytest

RESULTS = Path(__file__).parents[1] / "results"
FIGURES = sorted(RESULTS.glob("*/*.svg"))
RECORDS = sorted(RESULTS.glob("*/run.json"))
BULK = {".npy", ".safetensors"}  # made again by their experiment, never kept in the repository (.gitignore), as model/


@pytest.mark.parametrize("figure", FIGURES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_figure_shows_markup(figure):
    assert "mathdefault" not in figure.read_text(encoding="utf-8")  # powers of ten are written out


@pytest.mark.parametrize("record", RECORDS, ids=lambda file: file.parent.name)
def test_a_record_is_of_the_files_beside_it(record):
    said = json.loads(record.read_text(encoding="utf-8"))
    kept = {name: digest for name, digest in said["files"].items() if not _is_bulk(record.parent / name)}
    assert len(kept) >= 2
    for name, digest in kept.items():
        assert hashlib.sha256((record.parent / name).read_bytes()).hexdigest() == digest
    assert len(said["found"]) == 3
    assert {"command", "settings", "seconds", "versions", "commit"} <= set(said)
    assert (record.parent / "table.csv").exists()
    assert (record.parent / "table.tex").exists()


def _is_bulk(file):
    return file.suffix in BULK or file.parent.name == "model"
