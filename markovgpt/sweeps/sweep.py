"""A grid of questions, one model pass a checkpoint, shared out among processes, resumable, into one tidy table."""

import hashlib
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markovgpt.chains.logits import tabulate
from markovgpt.chains.plan import plan_of
from markovgpt.chains.states import is_count
from markovgpt.chains.table_files import read_manifest
from markovgpt.durable import writing
from markovgpt.errors import InvalidInput
from markovgpt.export.record import write_record
from markovgpt.export.tables import write_parquet, write_table
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.threads import torch_threads
from markovgpt.sweeps.crew import Job, answer_all, job_of, workers_that_fit
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.group import Row
from markovgpt.sweeps.parts import PARTS, Parts, as_read, finished
from markovgpt.sweeps.pictures import draw_sweep

FORMAT, NAME, TABLES = "markovgpt sweep 1", "sweep", "tables"
SECONDS_BETWEEN_NOTES = 10.0

Models = Mapping[str, NextTokenModel | str | Path] | Sequence[str | Path]
_log = logging.getLogger(__name__)


def sweep(
    models: Models,
    grid: SweepGrid,
    folder: str | Path,
    *,
    workers: int | None = None,
    with_prefixes: bool = False,
    context_length: int | None = None,
    directory: str | Path | None = None,
    memory_budget: int | None = None,
    progress: bool = False,
) -> Path:
    """How likely is each red from each start, under every combination of settings, for every checkpoint?

    Parameters
    ----------
    models: name -> a model or the path of one; or paths, which are then the names.
    grid: the settings and the questions.
    folder: where the results go, made if need be: ``sweep.csv`` and ``sweep.tex``, ``sweep.parquet`` where pyarrow is,
        ``sweep.svg`` where something varies, and ``run.json``. A run that was stopped leaves ``parts/``, from which the
        same call goes on; a folder that holds the very sweep is taken as it is.
    workers: processes, of one thread each; None takes the cores, or as many as fit in memory.
    with_prefixes, context_length: as for `tabulate`.
    directory: where the tables of logits are kept for other uses; None keeps them until the sweep is done.
    memory_budget: bytes that may be taken; None allows 3/4 of what is free.
    progress: whether to show how the tables come along on stderr, where that is a terminal.

    Returns
    -------
    The path of the csv: a row for each checkpoint, setting, red and start, with the probability in certified digits,
    its bounds rounded outward, and the same of its decimal logarithm.

    Raises
    ------
    InvalidInput: what a model cannot be asked, a folder with something else in it, workers below 1.
    TooLarge: a table or a question would not fit.
    NotConverged: a question whose bounds were not found; what is finished is kept.

    Method: each checkpoint is tabulated once, into a file that all processes map into memory; each group (a checkpoint
    and a setting) builds its chain once. The rows are the same bytes for any number of processes.

    >>> import tempfile
    >>> from markovgpt.models.module_model import as_model
    >>> import numpy as np
    >>> coin = as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=2)
    >>> with tempfile.TemporaryDirectory() as place:
    ...     file = sweep({"coin": coin}, SweepGrid(reds=[(1, 1)], starts=[(0, 0)], within=3), place)
    ...     print(file.read_text().splitlines()[1].split(",")[7:13])        # 3 of 8 ways to toss
    ['11', '00', '3', '0.375000000000', '0.374999', '0.375001']
    """
    from markovgpt.models.identity import identity_of, is_known_by_its_weights  # late: torch takes a second to import

    if workers is not None and (not is_count(workers) or workers < 1):
        raise InvalidInput(f"workers must be a whole number of at least 1, got {workers}; None takes the cores")
    place, began = Path(folder), time.perf_counter()
    named = _named(models)
    spaces = {name: plan_of(model, with_prefixes, context_length).space for name, model in named.items()}
    for name, model in named.items():
        grid.check(model, spaces[name])
    most = min(workers_that_fit(workers or torch_threads(), space, memory_budget) for space in spaces.values())
    described = {name: {"space": asdict(spaces[name]), **identity_of(model)} for name, model in named.items()}
    identity = {
        "format": FORMAT,
        "version": version("markovgpt"),
        "models": described,
        "grid": grid.as_json(),
    }
    if finished(place, identity) and all(map(is_known_by_its_weights, named.values())):
        return _complete(place)
    with writing(place / PARTS) as parts_folder:
        tables = parts_folder / TABLES if directory is None else Path(directory)
        parts = Parts(parts_folder, identity)
        where = {name: tables / _digest(described[name]) for name in named}
        for name, model in named.items():
            tabulate(
                model,
                with_prefixes=with_prefixes,
                context_length=context_length,
                directory=where[name],
                memory_budget=memory_budget,
                progress=progress,
            )
        identity["logits"] = logits = {name: _logits_digest(table) for name, table in where.items()}
        if not finished(place, identity):
            jobs = [
                (job_of(where[name], name, settings, grid), {"model": name, "logits": logits[name], **settings})
                for name in named
                for settings in map(asdict, grid.settings)
            ]
            _write(_all_rows(parts, jobs, most), place)
    shutil.rmtree(place / PARTS)
    write_record(
        place,
        command="markovgpt sweep",
        settings=as_read(identity),
        seconds=time.perf_counter() - began,
        diagnostics={"workers": most},
    )
    return place / f"{NAME}.csv"


def _complete(place: Path) -> Path:
    """The csv that is there."""
    _log.info("%s is complete", place / f"{NAME}.csv")
    return place / f"{NAME}.csv"


def _write(rows: Sequence[Row], place: Path) -> None:
    """The tables and the figure."""
    write_table(rows, place, NAME)
    write_parquet(rows, place, NAME)
    draw_sweep(rows, place / f"{NAME}.svg")


def _all_rows(parts: Parts, jobs: Sequence[tuple[Job, dict[str, Any]]], workers: int) -> list[Row]:
    """The rows of every group in their order; those that are missing are answered and kept."""
    found = [parts.rows(group) for _, group in jobs]
    missing = [place for place, rows in enumerate(found) if rows is None]
    began = last = time.perf_counter()
    done = 0
    if missing:
        _log.info("%d of %d settings to do, %d process(es)", len(missing), len(jobs), min(workers, len(missing)))

    def keep(place: int, rows: list[Row]) -> None:
        nonlocal last, done
        index = missing[place]
        parts.keep(jobs[index][1], rows)
        found[index] = rows
        done, now = done + 1, time.perf_counter()
        if now - last > SECONDS_BETWEEN_NOTES and done < len(missing):
            last = now
            left = (now - began) / done * (len(missing) - done)
            _log.info("%d of %d settings, about %.0f s left", len(jobs) - len(missing) + done, len(jobs), left)

    if missing:
        answer_all([jobs[place][0] for place in missing], keep, workers)
    return [row for rows in found for row in rows or ()]


def _named(models: Models) -> dict[str, NextTokenModel]:
    """The models by name, loaded where paths are given.

    Raises
    ------
    InvalidInput: no models, or a path twice.
    """
    from markovgpt.models.checkpoints import load_model  # late: torch takes a second to import

    given: Mapping[str, NextTokenModel | str | Path]
    if isinstance(models, Mapping):
        given = models
    else:
        given = {str(path): path for path in ([models] if isinstance(models, str | Path) else models)}
        if not isinstance(models, str | Path) and len(given) < len(models):
            raise InvalidInput("models must be distinct, got a path more than once; keep one of them")
    if not given:
        raise InvalidInput("models must hold at least one checkpoint, got none; give the path of one")
    return {name: load_model(model) if isinstance(model, str | Path) else model for name, model in given.items()}


def _digest(identity: Mapping[str, Any]) -> str:
    """A short name for a table."""
    return hashlib.sha256(repr(sorted(identity.items())).encode()).hexdigest()[:16]


def _logits_digest(table: Path) -> str:
    """The SHA-256 of a table's blocks: what the model said."""
    manifest = read_manifest(table)
    return hashlib.sha256("".join(manifest.blocks if manifest else ()).encode()).hexdigest()
