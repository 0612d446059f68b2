"""How long do a hundred settings take? Writes results/sweep_speed/.

    python -m experiments.sweep_speed MODEL        the path of a checkpoint over letters and the end of the line

P(sex within 200 tokens) from empty lines, under 10 temperatures x 10 top_k, none of which makes it impossible to names:
by a sweep with one process and with two, and by the plain Python API, one question after the other. Each is a fresh
process and makes the table of logits itself; the answers of all three must be the same.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import markovgpt as mg
from experiments.names_models import names_model, path_given
from markovgpt.export.record import write_record
from markovgpt.models.identity import identity_of
from markovgpt.models.threads import torch_threads
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.sweep import sweep

FOLDER = Path("results/sweep_speed")
RED, WITHIN, TARGET_SECONDS = "sex", 200, 300
TEMPERATURES = tuple(tenths / 10 for tenths in range(6, 16))
TOP_KS = (None, 26, 25, 24, 23, 22, 21, 20, 19, 18)
ALONE = "one by one"
WAYS = ("1", "2", ALONE)  # processes of a sweep, or none


def grid(model: mg.NextTokenModel) -> SweepGrid:
    """The hundred questions, from a window full of ends of lines."""
    start = "\n" * model.context_length
    return SweepGrid(reds=[RED], starts=[start], within=WITHIN, temperatures=TEMPERATURES, top_ks=TOP_KS)


def values_by(path: str, way: str) -> list[str]:
    """The answers in their order, by one of the ways."""
    model = names_model(path)
    asked = grid(model)
    if way == ALONE:
        table, found = mg.tabulate(model), []
        for settings in asked.settings:
            chain = mg.WindowChain.from_logits(table, settings)
            answer = mg.hitting_probability(chain, RED, start=asked.starts[0], within=WITHIN)
            found.append(mg.certified_digits(answer))
        return found
    with tempfile.TemporaryDirectory() as folder:
        file = sweep({"model": model}, asked, Path(folder) / "sweep", workers=int(way))
        with file.open(newline="", encoding="utf-8") as lines:
            return [row["value"] for row in csv.DictReader(lines)]


def in_a_process(path: str, way: str) -> tuple[list[str], float]:
    """The answers of `values_by` from a fresh process, and the seconds from its start to its end."""
    command, began = [sys.executable, "-m", "experiments.sweep_speed", json.dumps([path, way])], time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout), time.perf_counter() - began


def row_of(way: str, n_settings: int, seconds: float, of_one: float) -> dict[str, str]:
    """What the table says of one way."""
    return {
        "asked": f"{ALONE}, Python API" if way == ALONE else f"sweep, {way} process{'es'[: 2 * (way != '1')]}",
        "settings": str(n_settings),
        "seconds": f"{seconds:.0f}",
        "seconds a setting": f"{seconds / n_settings:.2f}",
        "target seconds": str(TARGET_SECONDS),
        "of the target": f"{seconds / TARGET_SECONDS:.2f}",
        "times faster than 1 process": f"{of_one / seconds:.2f}",
    }


def main(arguments: Sequence[str]) -> None:
    """Measure each way, and write the table.

    Raises
    ------
    MarkovGPTError: two ways gave other answers.
    """
    began, path = time.perf_counter(), path_given(arguments, "experiments.sweep_speed")
    model, rows, answers, of_one = names_model(path), [], [], 0.0
    for way in WAYS:
        found, seconds = in_a_process(path, way)
        answers, of_one = answers or found, of_one or seconds
        if found != answers:
            raise mg.MarkovGPTError(f"every way must give the same answers, got others by {way}")
        rows.append(row_of(way, len(found), seconds, of_one))
        print(" | ".join(rows[-1].values()), flush=True)
    mg.write_table(rows, FOLDER, "table")
    write_record(
        FOLDER,
        command="python -m experiments.sweep_speed MODEL",
        settings={
            "weights_sha256": identity_of(model)["weights_sha256"],
            "grid": grid(model).as_json(),
            "cores": torch_threads(),
        },
        seconds=time.perf_counter() - began,
        diagnostics={},
    )
    print(f"Table: {FOLDER}/table.csv")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("["):
        print(json.dumps(values_by(*json.loads(sys.argv[1]))))
    else:
        try:
            main(sys.argv[1:])
        except mg.MarkovGPTError as refusal:
            sys.exit(str(refusal))
