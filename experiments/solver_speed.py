"""How fast are rare texts solved, beside whom? Writes results/solver_speed/.

The expected time until a model of names writes a text, certified, against every peer that offers it. All have one
thread each; peers are asked for 1e-6 only, ours is as narrow as it comes. Ours is timed after a call that compiles, as
theirs without importing, and neither with loading; ours is the best of some runs, a peer's time is of one. What else
is measured of solvers: `experiments.streaming_speed`, `experiments.slow_mixing`, `experiments.large_chains`.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import markovgpt as mg
from experiments import peers
from experiments.names_models import SMALL_STEPS, STEPS, model_at
from experiments.peer_runner import PEERS
from experiments.restarted import by_multigrid, until
from experiments.study import Findings, Study, option, run
from markovgpt.chains.states import Mask
from markovgpt.export.figures import bar_figure
from markovgpt.models.identity import identity_of
from markovgpt.models.threads import one_torch_thread
from markovgpt.scaled import as_floats

PEER_TOLERANCE, ROUNDS, OURS = 1e-6, 5, "markovgpt"


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "checkpoint of a model of names; none: one that is trained here")
    context_length: int = option(3, "of the model that is trained here")
    steps: int = option(STEPS, "optimiser steps of the model that is trained here")
    red: str = option("sex", "the text that is waited for, from a window of ends of lines")
    temperatures: tuple[float, ...] = option((1.0, 0.25), "sampling temperatures")
    limits: tuple[float, ...] = option((40.0, 3.0), "seconds of each peer, for each temperature")
    peers: tuple[str, ...] = option(tuple(PEERS), "who is asked beside us, each in an environment of its own")

    def __post_init__(self) -> None:
        if len(self.limits) != len(self.temperatures):
            raise mg.InvalidInput(
                f"limits must be as many as temperatures, {len(self.temperatures)}, got {len(self.limits)}; "
                "give one each"
            )


def red_and_start(chain: mg.WindowChain, settings: Settings) -> tuple[Mask, int]:
    """The windows that end with the text, and the one of ends of lines."""
    return mg.ending_with(chain.space, settings.red, chain.vocabulary), 0


def rare_rows(table: mg.LogitTable, settings: Settings) -> list[dict[str, str]]:
    """The expected time until a text, by us and by the peers."""
    found = []
    for temperature, limit in zip(settings.temperatures, settings.limits, strict=True):
        chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))
        answers = {OURS: certified(chain, settings), "markovgpt, not certified": uncertified(chain, settings)}
        with tempfile.TemporaryDirectory() as folder:
            asked_of_peers(chain, settings, Path(folder))
            for name in settings.peers:
                answers[name] = peers.ask(
                    name, "expected_time", Path(folder), tolerance=PEER_TOLERANCE, limit_seconds=limit
                )
        offered = {name: answer for name, answer in answers.items() if answer["status"] != "not offered"}
        made = [beside(temperature, name, answer, answers[OURS]) for name, answer in offered.items()]
        print(*(" | ".join(row.values()) for row in made), sep="\n", flush=True)
        found += made
    return found


def asked_of_peers(chain: mg.WindowChain, settings: Settings, folder: Path) -> None:
    """The chain and the question in files."""
    nowhere = np.zeros(chain.n_states, dtype=bool)
    red, start = red_and_start(chain, settings)
    peers.write_chain(chain, folder, start=start, red=red, avoided=nowhere)


def certified(chain: mg.WindowChain, settings: Settings) -> dict[str, Any]:
    """Our answer in the form of a peer's."""
    red, start = red_and_start(chain, settings)
    answer, seconds = timed(chain, lambda fresh: mg.expected_hitting_time(fresh, red, start=start))
    width = peers.relative_width(answer.lower, answer.upper)
    return {"status": "answered", "value": answer.value, "width": width, "seconds": seconds}


def uncertified(chain: mg.WindowChain, settings: Settings) -> dict[str, Any]:
    """The same by multigrid alone, 1 / (x . r), without bounds."""
    red, first = red_and_start(chain, settings)
    start = np.arange(chain.n_states) == first

    def steps(fresh: mg.WindowChain) -> float:
        problem = until(fresh, start, red)
        return float(as_floats(1 / problem.killed(by_multigrid(fresh, problem)[0].x)))

    value, seconds = timed(chain, steps)
    return {"status": "answered", "value": value, "width": None, "seconds": seconds}


def timed(chain: mg.WindowChain, question: Callable[[mg.WindowChain], Any]) -> tuple[Any, float]:
    """The answer and the smallest of some times on one thread, each on a chain that nothing was asked of before."""
    times = []
    with one_torch_thread():
        for _ in range(ROUNDS + 1):
            fresh = replace(chain)
            began = time.perf_counter()
            answer = question(fresh)
            times.append(time.perf_counter() - began)
    return answer, min(times[1:])  # the first compiles


def beside(temperature: float, name: str, answer: dict[str, Any], ours: dict[str, Any]) -> dict[str, str]:
    """What the table says of one answer; what a peer did not say is left empty."""
    answered = answer["status"] == "answered"
    return {
        "temperature": str(temperature),
        "by": name,
        "status": answer["status"],
        "expected steps": f"{answer['value']:.12g}" if answered else "",
        "relative width": "" if answer["width"] is None else f"{answer['width']:.1e}",
        "relative difference to ours": f"{answer['value'] / ours['value'] - 1:.1e}" if answered else "",
        "seconds": f"{answer['seconds']:.3g}" if answered else "",
        "times our seconds": f"{answer['seconds'] / ours['seconds']:.3g}" if answered else "",
    }


def make(settings: Settings, folder: Path) -> Findings:
    """Ask us and the peers."""
    model = model_at(settings.model, settings.context_length, settings.steps)
    rows = rare_rows(mg.tabulate(model), settings)
    mg.write_table(rows, folder, "table")
    hot = [row for row in rows if row["temperature"] == rows[0]["temperature"] and row["seconds"]]
    bars = {"log10 of the seconds": [float(np.log10(max(float(row["seconds"]), 1e-4))) for row in hot]}
    bar_figure(bars, [row["by"] for row in hot], folder / "seconds.svg", x_label="by", y_label="log10 seconds")
    ours = rows[0]
    theirs = [row for row in rows if not row["by"].startswith(OURS)]
    answered = [row for row in theirs if row["status"] == "answered"]
    bounded = [row for row in answered if row["relative width"]]
    least = min((float(row["times our seconds"]) for row in bounded), default=None)
    fastest = (
        "no peer that gives bounds answered"
        if least is None
        else f"peers with bounds take {least:.3g} times that or more"
    )
    return Findings(
        [
            f"At T = {ours['temperature']} the expected {ours['expected steps']} tokens until {settings.red} are "
            f"certified to {ours['relative width']} in {ours['seconds']} s; {fastest}.",
            f"{len(answered)} of {len(theirs)} questions to peers were answered within their limits.",
            f"At T = {rows[-1]['temperature']} the expected tokens are "
            f"{[row for row in rows if row['by'] == OURS][-1]['expected steps']}.",
        ],
        recorded={
            "weights_sha256": identity_of(model)["weights_sha256"],
            "tolerance of peers": PEER_TOLERANCE,
            "rounds": ROUNDS,
            "pins": peers.PINS,
        },
    )


STUDY = Study(
    "solver_speed",
    "How fast is the time until a rare text solved, and beside whom?",
    Settings(),
    Settings(context_length=2, steps=SMALL_STEPS, red="se", temperatures=(1.0,), limits=(1.0,), peers=()),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
