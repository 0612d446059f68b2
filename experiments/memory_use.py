"""How much of its window does a model use? Writes results/memory_use/.

Asked of the seed's baby GPT (2 tokens, 3 of context) and of models of names:

    table    at several temperatures, for each m the bits per token that the best chain of order m loses, and its
             answer to a red question beside the model's own; all with certified bounds
    lumped   at temperature 1, how few states are left by exact lumping and by lumping within epsilon, and what these
             still say for certain; where there are at most 20,000 windows

``memory_MODEL.svg`` are drawn from the table.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import markovgpt as mg
from experiments.few_digits import in_few_digits
from experiments.names_models import SMALL_STEPS, STEPS, model_at
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.arguments import start_state
from markovgpt.analysis.interval_lumping import approximate_lumping
from markovgpt.analysis.lumping import coarsest_lumping
from markovgpt.analysis.memory_order import MemoryUse, memory_use
from markovgpt.demo import RED, START, baby_gpt
from markovgpt.export.outward import bounds_in_digits
from markovgpt.export.panels import Curve, Panel, panel_figure
from markovgpt.models.identity import identity_of

TEMPERATURES = (1.5, 1.0, 0.5, 0.25, 0.1)
EPSILONS = (0.5, 0.2, 0.1, 0.05)
WITHIN, MOST_LUMPED = 20, 20_000

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "checkpoint of a model of names; none: those that are trained here")
    context_lengths: tuple[int, ...] = option((3, 4), "of the models that are trained here")
    steps: int = option(STEPS, "optimiser steps of the models that are trained here")
    temperatures: tuple[float, ...] = option(TEMPERATURES, "sampling temperatures")
    epsilons: tuple[float, ...] = option(EPSILONS, "of the lumping, in total variation")
    red: str = option("die", "what a model of names is asked about")


@dataclass(frozen=True)
class Asked:
    """A model's table and its question: how likely is a red text within 20 tokens of a start?"""

    name: str
    table: mg.LogitTable
    red: str
    start: str
    weights: str

    def chain(self, temperature: float) -> mg.WindowChain:
        """The chain at a temperature."""
        return mg.WindowChain.from_logits(self.table, mg.SamplingSettings(temperature))


def asked_of(settings: Settings) -> list[Asked]:
    """The baby GPT, and the models of names.

    Raises
    ------
    InvalidInput: a model that is none of names.
    """
    trained = baby_gpt().model
    found = [Asked("baby GPT", mg.tabulate(trained), RED, START, identity_of(trained)["weights_sha256"])]
    for length in settings.context_lengths if settings.model is None else (None,):
        model = model_at(settings.model, length or 0, settings.steps)
        start, weights = "\n" * model.context_length, identity_of(model)["weights_sha256"]
        found.append(Asked(f"names, context {model.context_length}", mg.tabulate(model), settings.red, start, weights))
    return found


def rows_of(name: str, temperature: float, found: MemoryUse, red: str) -> Rows:
    """The rows of one temperature, the whole window last."""
    rows: Rows = []
    whole = ("0", "0", "0")
    for order in range(len(found.orders) + 1):
        loss = found.orders[order] if order < len(found.orders) else None
        lost = whole if loss is None else (mg.certified_digits(loss.lost_bits), *bounds_in_digits(loss.lost_bits))
        answer = found.answer if loss is None else loss.answer
        ratio = None if loss is None else loss.ratio
        rows.append(
            {
                "model": name,
                "temperature": f"{temperature:g}",
                "order": order,
                "states": found.chain(order).n_states,
                **dict(zip(("bits lost", "bits lower", "bits upper"), lost, strict=True)),
                "red": red,
                f"P(red within {WITHIN})": mg.certified_digits(answer),
                **dict(zip(("P lower", "P upper"), bounds_in_digits(answer), strict=True)),
                "times the model's": "1" if loss is None else "" if ratio is None else mg.certified_digits(ratio),
            }
        )
    return rows


def lumped(asked: Asked, epsilons: Sequence[float] = EPSILONS) -> Rows:
    """Sizes and answers of lumps that keep the newest token and red apart."""
    chain = asked.chain(1.0)
    space = chain.space
    red = mg.ending_with(space, asked.red, chain.vocabulary)
    labels = space.token_from_end(0) + space.vocab_size * red
    exact = coarsest_lumping(chain, labels)
    start = start_state(chain, asked.start)
    own = mg.hitting_probability(exact.quotient, exact.of_blocks(red), start=int(exact.block_of[start]), within=WITHIN)
    found = [("exact", exact.n_blocks, "0", own)]
    for epsilon in epsilons:
        near = approximate_lumping(chain, labels, epsilon)
        answer = near.hitting_probability(red, start=start, within=WITHIN)
        found.append((f"{epsilon:g}", near.n_blocks, f"{near.largest_tv:.3g}", answer))
    return [
        {
            "model": asked.name,
            "epsilon": epsilon,
            "states": chain.n_states,
            "blocks": blocks,
            "largest tv": tv,
            **dict(zip(("P lower", "P upper"), bounds_in_digits(answer), strict=True)),
        }
        for epsilon, blocks, tv, answer in found
    ]


def draw(table: Path, name: str, path: Path) -> None:
    """Of one model the bits lost, and below them the answers over the model's own, against the tokens remembered."""
    frame = pd.read_csv(table)
    frame = frame[frame["model"] == name]
    asked = (("bits lost", "bits lost\nper token", ()), ("times the model's", "P(red) over\nthe model's", (1.0,)))
    panels = []
    for column, label, levels in asked:
        numbers = pd.to_numeric(frame[column], errors="coerce")  # where not one digit is certain there is none
        curves = {
            f"T = {temperature:g}": Curve(own["order"], own["y"].where(own["y"] > 0))
            for temperature, own in frame.assign(y=numbers).groupby("temperature", sort=False)
        }
        ticks = range(frame["order"].max() + 1)
        panels.append(Panel(curves, y_label=label, logarithmic=("y",), levels=levels, ticks=ticks))
    panel_figure(panels, path, panel_inches=1.4, x_label="tokens remembered")


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figures."""
    models = asked_of(settings)
    rows: Rows = []
    for asked in models:
        for temperature in settings.temperatures:
            found = memory_use(asked.chain(temperature), target=asked.red, start=asked.start, within=WITHIN)
            rows += rows_of(asked.name, temperature, found, asked.red)
        print(f"{asked.name} is done", flush=True)
    table = mg.write_table(rows, folder, "table")
    small = [asked for asked in models if asked.table.space.n_states <= MOST_LUMPED]
    lumps = [row for asked in small for row in lumped(asked, settings.epsilons)]
    mg.write_table(lumps, folder, "lumped")
    for asked in models:
        draw(table, asked.name, folder / f"memory_{asked.name.replace(', ', '_').replace(' ', '_')}.svg")
    last, hot = models[-1].name, f"{settings.temperatures[0]:g}"
    lost = {row["order"]: row["bits lost"] for row in rows if (row["model"], row["temperature"]) == (last, hot)}
    orders = sorted(lost)
    exact = [row for row in lumps if row["epsilon"] == "exact"][-1]
    near = [row for row in lumps if row["model"] == exact["model"]][1]
    return Findings(
        [
            f"At T = {hot} the model of {last} loses {in_few_digits(lost[orders[-2]])} bits a token with {orders[-2]} "
            f"tokens of memory, {in_few_digits(lost[0])} with none.",
            f"At T = 1 exact lumping leaves {exact['blocks']:,} of {exact['states']:,} windows of {exact['model']}.",
            f"Lumping rows within {near['epsilon']} of total variation leaves {near['blocks']:,}, and P(red within "
            f"{WITHIN}) between {near['P lower']} and {near['P upper']}, which is from {exact['P lower']} to "
            f"{exact['P upper']}.",
        ],
        recorded={"weights_sha256": {asked.name: asked.weights for asked in models}, "within": WITHIN},
    )


STUDY = Study(
    "memory_use",
    "How much of its window does a model use?",
    Settings(),
    Settings(context_lengths=(2,), steps=SMALL_STEPS, temperatures=(1.0,), epsilons=(0.2,), red="di"),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
