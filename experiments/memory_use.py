"""How much of its window does a model use? Writes results/memory_use/, a folder for each size of model.

    python -m experiments.memory_use             the seed's baby GPT, 2 tokens and 3 of context
    python -m experiments.memory_use MODEL       the path of a checkpoint over letters and the end of the line

    table    at several temperatures, for each m the bits per token that the best chain of order m loses, and its
             answer to a red question beside the model's own; all with certified bounds
    lumped   at temperature 1, how few states are left by exact lumping and by lumping within epsilon, and what these
             still say for certain; where there are at most 20,000 windows

``memory.svg`` is drawn from the table.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import markovgpt as mg
from experiments.names_models import names_model
from markovgpt.analysis.arguments import start_state
from markovgpt.analysis.interval_lumping import approximate_lumping
from markovgpt.analysis.lumping import coarsest_lumping
from markovgpt.analysis.memory_order import MemoryUse, memory_use
from markovgpt.demo import RED, START, baby_gpt
from markovgpt.export.outward import bounds_in_digits
from markovgpt.export.panels import Curve, Panel, panel_figure
from markovgpt.export.record import write_record
from markovgpt.models.identity import identity_of

FOLDER = Path("results/memory_use")
TEMPERATURES = (1.5, 1.0, 0.5, 0.25, 0.1)
EPSILONS = (0.5, 0.2, 0.1, 0.05)
WITHIN, MOST_LUMPED = 20, 20_000

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """A model's table and its question: how likely is a red text within 20 tokens of a start?"""

    table: mg.LogitTable
    red: str
    start: str
    weights: str

    def chain(self, temperature: float) -> mg.WindowChain:
        """The chain at a temperature."""
        return mg.WindowChain.from_logits(self.table, mg.SamplingSettings(temperature))

    @property
    def folder(self) -> Path:
        """Where its results go."""
        space = self.table.space
        return FOLDER / f"{space.vocab_size}_tokens_context_{space.context_length}"


def opened(arguments: Sequence[str]) -> Asked:
    """The baby GPT, or the model of names that is given.

    Raises
    ------
    InvalidInput: more than one path, or a model that is none of names.
    """
    if len(arguments) > 1:
        raise mg.InvalidInput(
            f"the command must name one checkpoint or none, got {len(arguments)}; leave it out for the baby GPT"
        )
    if not arguments:
        trained = baby_gpt().model
        return Asked(mg.tabulate(trained), RED, START, identity_of(trained)["weights_sha256"])
    model = names_model(arguments[0])
    return Asked(mg.tabulate(model), "die", "\n" * model.context_length, identity_of(model)["weights_sha256"])


def rows_of(temperature: float, found: MemoryUse, red: str) -> Rows:
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
                "temperature": f"{temperature:g}",
                "order": order,
                "states": found.chain(order).n_states,
                **dict(zip(("bits lost", "bits lower", "bits upper"), lost, strict=True)),
                f"P({red} within {WITHIN})": mg.certified_digits(answer),
                **dict(zip(("P lower", "P upper"), bounds_in_digits(answer), strict=True)),
                "times the model's": "1" if loss is None else "" if ratio is None else mg.certified_digits(ratio),
            }
        )
    return rows


def lumped(asked: Asked) -> Rows:
    """Sizes and answers of lumps that keep the newest token and red apart."""
    chain = asked.chain(1.0)
    space = chain.space
    red = mg.ending_with(space, asked.red, chain.vocabulary)
    labels = space.token_from_end(0) + space.vocab_size * red
    exact = coarsest_lumping(chain, labels)
    start = start_state(chain, asked.start)
    own = mg.hitting_probability(exact.quotient, exact.of_blocks(red), start=int(exact.block_of[start]), within=WITHIN)
    found = [("exact", exact.n_blocks, "0", own)]
    for epsilon in EPSILONS:
        near = approximate_lumping(chain, labels, epsilon)
        answer = near.hitting_probability(red, start=start, within=WITHIN)
        found.append((f"{epsilon:g}", near.n_blocks, f"{near.largest_tv:.3g}", answer))
    return [
        {
            "epsilon": epsilon,
            "states": chain.n_states,
            "blocks": blocks,
            "largest tv": tv,
            **dict(zip(("P lower", "P upper"), bounds_in_digits(answer), strict=True)),
        }
        for epsilon, blocks, tv, answer in found
    ]


def draw(table: Path, path: Path) -> None:
    """The bits lost, and below them the answers over the model's own, against the tokens remembered."""
    frame = pd.read_csv(table)
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


def main(arguments: Sequence[str]) -> None:
    """Make the tables and the figures."""
    began = time.perf_counter()
    asked = opened(arguments)
    rows: Rows = []
    for temperature in TEMPERATURES:
        found = memory_use(asked.chain(temperature), target=asked.red, start=asked.start, within=WITHIN)
        rows += rows_of(temperature, found, asked.red)
        print(f"temperature {temperature:g} after {time.perf_counter() - began:.0f} s", flush=True)
    table = mg.write_table(rows, asked.folder, "table")
    if asked.table.space.n_states <= MOST_LUMPED:
        mg.write_table(lumped(asked), asked.folder, "lumped")
    draw(table, asked.folder / "memory.svg")
    write_record(
        asked.folder,
        command="python -m experiments.memory_use" + (" MODEL" if arguments else ""),
        settings={
            "weights_sha256": asked.weights,
            "temperatures": TEMPERATURES,
            "epsilons": EPSILONS,
            "red": asked.red,
            "start": asked.start,
            "within": WITHIN,
        },
        seconds=time.perf_counter() - began,
        diagnostics={},
    )
    hot = [row for row in rows if row["temperature"] == "1"]
    print(
        "Bits lost per token at temperature 1: " + ", ".join(f"{row['order']}: {row['bits lost'][:6]}" for row in hot)
    )
    print(f"Table: {table}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except mg.MarkovGPTError as refusal:
        sys.exit(str(refusal))
