"""How long do many settings take? Writes results/sweep_speed/.

P(sex within 200 tokens) from empty lines, of a model of names, under several temperatures and top_k that cut off
little: all of them by a sweep with two processes; and those of the first temperatures alone by a sweep with one process
and with two, and by the plain Python API, one question after the other. Each is a fresh process and makes the table of
logits itself; the answers of all ways must be the same.
"""

import csv
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import markovgpt as mg
from experiments.apart import in_a_process
from experiments.names_models import SMALL_STEPS, STEPS, model_at
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import bar_figure
from markovgpt.models.identity import identity_of
from markovgpt.models.threads import torch_threads
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.sweep import sweep

TEMPERATURES = tuple(tenths / 10 for tenths in range(6, 16))
TOP_KS = (None, 26, 25, 24, 23, 22, 21, 20, 19, 18)
ALONE = "one by one"
WAYS = ("1", "2", ALONE)  # processes of a sweep, or none


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "checkpoint of a model of names; none: one that is trained here")
    context_length: int = option(4, "of the model that is trained here")
    steps: int = option(STEPS, "optimiser steps of the model that is trained here")
    red: str = option("sex", "what is asked about")
    within: int = option(200, "tokens")
    temperatures: tuple[float, ...] = option(TEMPERATURES, "sampling temperatures")
    top_ks: tuple[int | None, ...] = option(TOP_KS, "tokens left, each with each temperature")
    compared: int = option(1, "temperatures, the first ones, for which every way is measured")
    target_seconds: float = option(300.0, "what all settings should take")

    def __post_init__(self) -> None:
        if not 1 <= self.compared <= len(self.temperatures):
            raise mg.InvalidInput(
                f"compared must be from 1 to {len(self.temperatures)} temperatures, got {self.compared}"
            )

    def opened(self) -> mg.NextTokenModel:
        """The model."""
        return model_at(self.model, self.context_length, self.steps)

    def grid(self, model: mg.NextTokenModel) -> SweepGrid:
        """The questions, from a window full of ends of lines."""
        start = "\n" * model.context_length
        asked = {"within": self.within, "temperatures": self.temperatures, "top_ks": self.top_ks}
        return SweepGrid(reds=[self.red], starts=[start], **asked)


def values_by(given: dict[str, Any], way: str) -> list[str]:
    """The answers in their order, by one of the ways; the settings as json has them."""
    path = given["model"]
    settings = Settings(**given | {"model": None if path is None else Path(path)})
    model = settings.opened()
    asked = settings.grid(model)
    if way == ALONE:
        table, found = mg.tabulate(model), []
        for setting in asked.settings:
            chain = mg.WindowChain.from_logits(table, setting)
            answer = mg.hitting_probability(chain, settings.red, start=asked.starts[0], within=settings.within)
            found.append(mg.certified_digits(answer))
        return found
    with tempfile.TemporaryDirectory() as folder:
        file = sweep({"model": model}, asked, Path(folder) / "sweep", workers=int(way))
        with file.open(newline="", encoding="utf-8") as lines:
            return [row["value"] for row in csv.DictReader(lines)]


def timed(settings: Settings, way: str) -> tuple[list[str], float]:
    """The answers of `values_by` from a fresh process, and the seconds from its start to its end."""
    given = asdict(settings) | {"model": None if settings.model is None else str(settings.model)}
    began = time.perf_counter()
    return in_a_process(values_by, given, way), time.perf_counter() - began


def row_of(way: str, n_settings: int, seconds: float, of_one: float | None, target: float | None) -> dict[str, str]:
    """What the table says of one way; what there is nothing to compare to is left empty."""
    return {
        "asked": f"{ALONE}, Python API" if way == ALONE else f"sweep, {way} process{'es'[: 2 * (way != '1')]}",
        "settings": str(n_settings),
        "seconds": f"{seconds:.0f}",
        "seconds a setting": f"{seconds / n_settings:.2f}",
        "target seconds": "" if target is None else f"{target:g}",
        "of the target": "" if target is None else f"{seconds / target:.2f}",
        "times faster than 1 process": "" if of_one is None else f"{of_one / seconds:.2f}",
    }


def make(settings: Settings, folder: Path) -> Findings:
    """Measure each way.

    Raises
    ------
    MarkovGPTError: two ways gave other answers.
    """
    model = settings.opened()
    answers, in_all = timed(settings, "2")
    rows = [row_of("2", len(answers), in_all, None, settings.target_seconds)]
    print(" | ".join(rows[-1].values()), flush=True)
    few = replace(settings, temperatures=settings.temperatures[: settings.compared])
    seconds: dict[str, float] = {}
    for way in WAYS:
        found, seconds[way] = timed(few, way)
        if found != answers[: len(found)]:
            raise mg.MarkovGPTError(f"every way must give the same answers, got others by {way}")
        rows.append(row_of(way, len(found), seconds[way], seconds[WAYS[0]], None))
        print(" | ".join(rows[-1].values()), flush=True)
    mg.write_table(rows, folder, "table")
    labels = [row["asked"] for row in rows[1:]]
    bars = {"seconds": list(seconds.values())}
    bar_figure(bars, labels, folder / "seconds.svg", x_label="how it is asked", y_label="seconds")
    one, two, alone = (f"{each:.0f}" for each in seconds.values())
    return Findings(
        [
            f"{len(answers)} settings of one word take {in_all:.0f} s in two processes.",
            f"{len(found)} of them take {one} s in one process, {two} s in two, and {alone} s one by one in Python.",
            f"All three ways give the same digits, {answers[0]} under the first setting.",
        ],
        recorded={"weights_sha256": identity_of(model)["weights_sha256"], "cores": torch_threads()},
    )


STUDY = Study(
    "sweep_speed",
    "How long do many settings take?",
    Settings(),
    Settings(
        context_length=2, steps=SMALL_STEPS, red="se", within=20, temperatures=(1.0,), top_ks=(None, 20), compared=1
    ),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
