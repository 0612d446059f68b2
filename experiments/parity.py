"""How soon does a small GPT forget its prompt, and does the bound of the textbook see it? Writes results/parity/.

Forty digits, each the parity of the three before (0011 again and again), train the seed notebook's GPT: two tokens,
three of context, the shorter windows included, 14 states. At three temperatures

    table        steps until the total variation from the long run is at most 1e-6, exactly, from the worst start and
                 from each first token; beside them the bounds by what all windows lead to in three steps, the spectral
                 gap and the relaxation time
    distances    the worst total variation after each number of steps, and the bound
    training     over the steps of training: the share of the long run in windows that occur in the forty digits
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from pathlib import Path

import numpy as np
import pandas as pd

import markovgpt as mg
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.counting import occurrence_rate
from markovgpt.analysis.mixing import MixingTime, doeblin_bound, mixing_time, total_variation_from_stationarity
from markovgpt.analysis.result import Answer
from markovgpt.analysis.spectrum import relaxation_time, spectral_gap
from markovgpt.export.figures import DASHES
from markovgpt.export.outward import bounds_in_digits
from markovgpt.export.panels import Curve, Panel, panel_figure
from markovgpt.models.identity import identity_of
from markovgpt.sweeps.group import Row

BITS = mg.Vocabulary(("0", "1"))
CONFIG = mg.GPTConfig(vocab_size=2, context_length=3)
SEED, STEPS, DIGITS, BEGINNING = 1337, 400, 40, (0, 0, 1)
STAGES = (0, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, STEPS)
TEMPERATURES, EPSILON = (0.2, 1.0, 2.0), 1e-6
SHOWN = (*range(1, 10), *(round(10 ** (place / 12)) for place in range(12, 127)))  # steps of the curves
FLOOR = 1e-9  # of the figure


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    steps: int = option(STEPS, "optimiser steps of the model")
    stages: tuple[int, ...] = option(STAGES, "steps after which the training is looked at")
    temperatures: tuple[float, ...] = option(TEMPERATURES, "sampling temperatures")


def parity_digits(n: int = DIGITS) -> tuple[int, ...]:
    """Each digit the parity of the three before.

    >>> "".join(map(str, parity_digits(12)))
    '001100110011'
    """
    digits = list(BEGINNING)
    while len(digits) < n:
        digits.append(sum(digits[-3:]) % 2)
    return tuple(digits[:n])


def trained(steps: int) -> mg.TrainedGPT:
    """The model after some steps; the same seed gives the same steps, however many follow."""
    return mg.train_gpt(parity_digits(), CONFIG, steps=steps, seed=SEED, positions="all", vocabulary=BITS)


def chain_at(table: mg.LogitTable, temperature: float) -> mg.WindowChain:
    """The chain at a temperature."""
    return mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))


def without_shorter(chain: mg.WindowChain) -> mg.WindowChain:
    """The chain over full windows alone, its one recurrent class."""
    full = chain.level(chain.space.context_length)
    return mg.WindowChain(mg.StateSpace(2, 3), chain.next_token_probs[full], chain.vocabulary)


def mixing_row(chain: mg.WindowChain, temperature: float) -> Row:
    """How soon a chain forgets, and what bounds say."""
    worst = mixing_time(chain, EPSILON)
    firsts = {f"from {token}": mixing_time(chain, EPSILON, start=(token,)) for token in range(2)}
    bound, within = doeblin_bound(chain), doeblin_bound(without_shorter(chain))
    return {
        "temperature": f"{temperature:g}",
        "spectral gap": mg.certified_digits(spectral_gap(chain)),
        "relaxation time": mg.certified_digits(relaxation_time(chain)),
        "steps, worst start": whole(worst),
        **{f"steps {name}": whole(found) for name, found in firsts.items()},
        "common after 3 steps": f"{bound.common:.3e}",
        "steps by what is common": many(bound.steps_within(EPSILON)),
        "least entry after 3 steps": f"{within.least:.3e}",
        "steps by the least entry": many(within.steps_by_least(EPSILON)),
    }


def whole(found: MixingTime) -> str:
    """A mixing time: one whole number, or two that it lies between.

    >>> whole(MixingTime(3, 3, 0.25, "")), whole(MixingTime(3, 4, 0.25, ""))
    ('3', '[3, 4]')
    """
    return f"{found.lower:.0f}" if found.is_exact else f"[{found.lower:.0f}, {found.upper:.0f}]"


def many(steps: float) -> str:
    """A bound of a number of steps, rounded up where it is long.

    >>> many(20766.0), many(2.31e17)
    ('20766', '2.31e+17')
    """
    if steps < 1e9 or steps == float("inf"):
        return f"{steps:.0f}"
    return str(Context(prec=3, rounding=ROUND_CEILING).create_decimal(steps)).lower()


def distance_rows(chain: mg.WindowChain, temperature: float) -> list[Row]:
    """The worst total variation after each number of steps, until it is small, and the bound until it is."""
    bound, rows = doeblin_bound(chain), []
    for steps in SHOWN:
        found = total_variation_from_stationarity(chain, steps)
        limit = bound.distance(steps)
        rows.append(
            {
                "temperature": f"{temperature:g}",
                "steps": steps,
                "total variation": mg.certified_digits(found) if found.lower > FLOOR else "",
                "bound": f"{limit:.4e}" if limit > FLOOR else "",
            }
        )
        if found.upper < FLOOR and limit < FLOOR:
            break
    return rows


def training_row(stage: int, temperatures: Sequence[float] = TEMPERATURES) -> Row:
    """What training has come to after some steps."""
    found = trained(stage)
    table = mg.tabulate(found.model)
    loss = f"{found.log[-1]['loss']:.6f}" if found.log else ""
    shares = {f"share at T = {warmth:g}": mg.certified_digits(share_seen(table, warmth)) for warmth in temperatures}
    return {"step": stage, "loss before the last step": loss, **shares}


def share_seen(table: mg.LogitTable, temperature: float) -> Answer:
    """The share of the long run in windows that occur in the forty digits."""
    digits, space = parity_digits(), table.space
    seen = sorted({space.encode(digits[first : first + 3]) for first in range(len(digits) - 2)})
    return occurrence_rate(chain_at(table, temperature), seen, per=1)


def draw_distances(rows: Sequence[Row], path: Path) -> None:
    """The curves; the bounds dashed."""
    frame = pd.DataFrame(rows).replace("", np.nan).astype({"total variation": float, "bound": float})
    curves = {}
    for temperature, own in frame.groupby("temperature", sort=False):
        name = f"T = {temperature}"
        curves[name] = Curve(own["steps"], own["total variation"])
        curves[f"{name}, bound"] = Curve(own["steps"], own["bound"], like=name, dashes=DASHES[1], marks="none")
    panel = Panel(
        curves,
        x_label="steps t",
        y_label="worst total variation",
        logarithmic=("x", "y"),
        levels=(EPSILON,),
        limits={"bottom": FLOOR, "top": 2},
        notes=((0.62, 0.4, "dashed: by what\nall windows lead\nto in 3 steps"),),
    )
    panel_figure([panel], path, panel_inches=2.4)


def draw_training(rows: Sequence[Row], path: Path) -> None:
    """The share of the long run in windows that were seen, over training."""
    steps = [row["step"] for row in rows]
    columns = [name for name in rows[0] if name.startswith("share")]
    shares = {name.removeprefix("share at "): [float(row[name]) for row in rows] for name in columns}
    panel = Panel(
        {name: Curve(steps, share) for name, share in shares.items()},
        x_label="steps of training",
        y_label="share in windows seen",
        limits={"left": 0, "bottom": 0, "top": 1},
    )
    panel_figure([panel], path)


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figures."""
    final = trained(settings.steps)
    table = mg.tabulate(final.model, with_prefixes=True)
    chains = {temperature: chain_at(table, temperature) for temperature in settings.temperatures}
    mixing = [mixing_row(chain, temperature) for temperature, chain in chains.items()]
    distances = [row for temperature, chain in chains.items() for row in distance_rows(chain, temperature)]
    training = [training_row(stage, settings.temperatures) for stage in settings.stages]
    for name, rows in (("table", mixing), ("distances", distances), ("training", training)):
        mg.write_table(rows, folder, name)
    draw_distances(distances, folder / "distances.svg")
    draw_training(training, folder / "training.svg")
    gaps = {f"{temperature:g}": bounds_in_digits(spectral_gap(chain)) for temperature, chain in chains.items()}
    cold, hot = mixing[0], mixing[-1]
    share = f"share at T = {hot['temperature']}"
    return Findings(
        [
            f"At T = {cold['temperature']} the prompt is forgotten to within {EPSILON:g} after "
            f"{cold['steps, worst start']} steps, at T = {hot['temperature']} after {hot['steps, worst start']}.",
            f"At T = {hot['temperature']} what all windows lead to proves {hot['steps by what is common']} steps, the "
            f"least entry {hot['steps by the least entry']}.",
            f"Training takes the share of the long run in windows that were seen from {training[0][share][:6]} to "
            f"{training[-1][share][:6]} at T = {hot['temperature']}.",
        ],
        recorded={
            "digits": BITS.show(parity_digits()),
            "seed": SEED,
            "positions": "all",
            "epsilon": EPSILON,
            "model": identity_of(final.model),
        },
        diagnostics={"loss": final.log[-1]["loss"], "bounds of the gap": gaps},
    )


STUDY = Study(
    "parity",
    "How soon does a small GPT forget its prompt, and does the bound of the textbook see it?",
    Settings(),
    Settings(steps=20, stages=(0, 10, 20), temperatures=(1.0, 2.0)),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
