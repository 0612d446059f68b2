"""Do chains do near temperature zero what their logit gaps say? Writes results/near_zero/.
Two systems: the baby GPT of the seed notebook, trained as the demo trains it, and an untrained GPT whose weights are
made larger, so that it has several cycles at temperature zero. For each, exponents by trees and forests of least costs
(`markovgpt.analysis.near_zero`, `markovgpt.analysis.arrival_exponents`) beside the exact distributions, times and
probabilities at low temperatures, as T ln 1/p and T ln of them:

    table      each exponent at each temperature; ``over T`` is the difference to the limit in temperatures: bounded,
               so that the difference falls like T
    cycles     of both: how deep each is, its cheapest way out and where that leads, and its exponent in the long run
    limits     the curves and their limits
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

import markovgpt as mg
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.arrival_exponents import arrival_exponents
from markovgpt.analysis.cycle_barriers import CycleBarriers, cycle_barriers
from markovgpt.analysis.near_zero import escapes, long_run_near_zero, way_out, window_exponent
from markovgpt.demo import SEED, STEPS, TEXT, baby_gpt
from markovgpt.export.figures import COLUMN_INCHES, DASHES, MARKERS, PALETTE, STYLE

TEMPERATURES = (0.2, 0.1, 0.05, 0.02)
DRAWN = {"vocab_size": 3, "context_length": 4, "tied": False}
DRAWN_SEED, FACTOR = 19, 5.0
LN10, WIDEST = math.log(10), 1e-6
MOST_OVER_T = 25.0  # V**n forests at most: far more than there are of about least cost

Row = dict[str, Any]
Bounds = tuple[float, float]  # of a natural logarithm


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    temperatures: tuple[float, ...] = option(TEMPERATURES, "low temperatures, falling")
    steps: int = option(STEPS, "optimiser steps of the baby GPT")


@dataclass(frozen=True)
class Check:
    """An exponent, and how its quantity is had exactly: bounds of its logarithm, by a chain and its distribution.

    Parameters
    ----------
    name: what tends to the limit.
    limit: its exponent, which the cost of a tree or a forest gives.
    sign: 1 for a time, which grows; -1 for a probability.
    logarithm: of a chain and its stationary distribution.
    """

    name: str
    limit: float
    sign: int
    logarithm: Callable[[mg.WindowChain, mg.Answer], Bounds]


def drawn_gpt() -> mg.LogitTable:
    """The table of a model whose weights are drawn, all of them made larger by one factor."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(DRAWN_SEED)
        model = mg.GPT(mg.GPTConfig(**DRAWN), mg.Vocabulary(("a", "b", "c"))).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(FACTOR)
    return mg.tabulate(model)


def in_the_long_run(states: Sequence[int], chain: mg.WindowChain, stationary: mg.Answer) -> Bounds:
    """ln of the stationary probability of some states."""
    both = [np.asarray(part)[list(states)] for part in (stationary.log10_lower, stationary.log10_upper)]
    lower, upper = (float(part.max() + np.log10((10.0 ** (part - part.max())).sum())) * LN10 for part in both)
    return lower, upper


def time_until(target: Sequence[int], start: int, chain: mg.WindowChain, stationary: mg.Answer) -> Bounds:
    """ln of the expected steps."""
    found = mg.expected_hitting_time(chain, list(target), start=start)
    return found.log10_lower * LN10, found.log10_upper * LN10


def one_before(
    target: Sequence[int], avoiding: Sequence[int], start: int, chain: mg.WindowChain, stationary: mg.Answer
) -> Bounds:
    """ln of the probability to reach one before the other."""
    found = mg.hitting_probability(chain, list(target), start=start, avoiding=list(avoiding))
    return found.log10_lower * LN10, found.log10_upper * LN10


def checks_of(table: mg.LogitTable, barriers: CycleBarriers) -> list[Check]:
    """Everything that is asked of a system: its cycles, its rarest window, and what lies between its cycles."""
    long_run, cycles = long_run_near_zero(barriers), [states.tolist() for states in barriers.attractors]
    found = [
        Check(f"T ln 1/pi(cycle {label})", float(limit), -1, partial(in_the_long_run, states))
        for label, limit, states in zip(barriers.labels, long_run.exponents.value, cycles, strict=True)
    ]
    every = [window_exponent(table, barriers, long_run, state).value for state in range(table.space.n_states)]
    rarest, home = int(np.argmax(every)), cycles[long_run.winners[0][0]][0]
    window = table.space.label(rarest, table.vocabulary)
    found.append(Check(f"T ln 1/pi(window {window})", every[rarest], -1, partial(in_the_long_run, [rarest])))
    limit = arrival_exponents(table, [rarest], start=home).time.value
    found.append(Check(f"T ln E[time to window {window}]", limit, 1, partial(time_until, [rarest], home)))
    for escape, label, states in zip(escapes(barriers), barriers.labels, cycles, strict=True):
        others = sorted(state for part in cycles if part is not states for state in part)
        if others:
            leave = partial(time_until, others, states[0])
            found.append(Check(f"T ln E[time to leave {label}]", escape.depth.value, 1, leave))
    for index, label in enumerate(barriers.labels[1:], start=1):
        away, first = cycles[index], cycles[0][0]
        limit = arrival_exponents(table, away, start=first).time.value
        name = f"T ln E[time from {barriers.labels[0]} to {label}]"
        found.append(Check(name, limit, 1, partial(time_until, away, first)))
    if len(cycles) > 2:
        first, last = barriers.labels[0], barriers.labels[-1]
        start = cycles[1][0]
        limit = arrival_exponents(table, cycles[-1], start=start, avoiding=cycles[0]).probability.value
        name = f"T ln 1/P({last} before {first}, from {barriers.labels[1]})"
        found.append(Check(name, limit, -1, partial(one_before, cycles[-1], cycles[0], start)))
    return found


def rows_of(name: str, table: mg.LogitTable, temperatures: Sequence[float] = TEMPERATURES) -> list[Row]:
    """Each exponent at each temperature.

    Raises
    ------
    MarkovGPTError: a quantity is not known to six decimals, or does not come near its limit.
    """
    checks, rows = checks_of(table, cycle_barriers(table)), []
    for temperature in temperatures:
        chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))
        stationary = mg.stationary_distributions(chain).only()
        for check in checks:
            lower, upper = sorted(check.sign * temperature * end for end in check.logarithm(chain, stationary))
            exact = (lower + upper) / 2
            over = (exact - check.limit) / temperature
            if not (upper - lower < WIDEST and abs(over) < MOST_OVER_T):
                raise mg.MarkovGPTError(
                    f"{check.name} must be known to {WIDEST:.0e} and come to {check.limit:.6f}, got [{lower}, {upper}] "
                    f"at temperature {temperature}"
                )
            rows.append(
                {
                    "system": name,
                    "quantity": check.name,
                    "T": temperature,
                    "exact": shown(exact),
                    "limit": shown(check.limit),
                    "difference": shown(exact - check.limit),
                    "over T": shown(over, 3),
                }
            )
    order = [check.name for check in checks]
    return sorted(rows, key=lambda row: (order.index(row["quantity"]), -row["T"]))


def shown(number: float, digits: int = 6) -> str:
    """A number for the table; there is no -0.

    >>> shown(-1e-9), shown(0.5, 2)
    ('0.000000', '0.50')
    """
    return f"{round(number, digits) + 0.0:.{digits}f}"


def cycles_of(name: str, table: mg.LogitTable) -> list[Row]:
    """The cycles of a system."""
    barriers = cycle_barriers(table)
    long_run, rows = long_run_near_zero(barriers), []
    for escape, label in zip(escapes(barriers), barriers.labels, strict=True):
        index = escape.attractor
        rows.append(
            {
                "system": name,
                "cycle": label,
                "windows": len(barriers.attractors[index]),
                "depth": shown(escape.depth.value),
                "way out": way_out(table, barriers, index).text or "",
                "leads to": ", ".join(barriers.labels[other] for other in escape.leads_to),
                "long run": shown(long_run.exponents.value[index]),
                "remains": "yes" if any(index in winners for winners in long_run.winners) else "no",
            }
        )
    return rows


def draw_limits(rows: Sequence[Row], path: Path) -> None:
    """The curves of the drawn model's cycles, and of the times to leave them, with their limits at temperature 0."""
    frame = pd.DataFrame(rows).astype({"T": float, "exact": float, "limit": float})
    own = frame[frame["system"] == frame["system"].iloc[-1]]
    kinds = {"T ln 1/pi(cycle ": "T ln 1/pi(cycle)", "T ln E[time to leave ": "T ln E[time to leave the cycle]"}
    with mpl.rc_context(STYLE):
        figure, panels = plt.subplots(1, 2, figsize=(2 * COLUMN_INCHES, 2.6), layout="constrained")
        for axes, (start, label) in zip(panels, kinds.items(), strict=True):
            for index, (name, one) in enumerate(
                own[own["quantity"].str.startswith(start)].groupby("quantity", sort=False)
            ):
                colour, limit = PALETTE[index], one["limit"].iloc[0]
                cycle = str(name).removeprefix(start).rstrip(")]")
                axes.plot(one["T"], one["exact"], color=colour, marker=MARKERS[index], label=cycle)
                ends = [0, one["T"].iloc[-1]], [limit, one["exact"].iloc[-1]]
                axes.plot(*ends, color=colour, linestyle=DASHES[2])
                axes.plot(0, limit, color=colour, marker=MARKERS[index], fillstyle="none", markersize=7, clip_on=False)
            axes.set(xlabel="temperature T", ylabel=label, xlim=(0, frame["T"].max() * 1.04))
            axes.set_ylim(bottom=0)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, title="cycle (hollow: the limit)", loc="outside upper center", ncols=4)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figure."""
    systems = {"baby GPT": mg.tabulate(baby_gpt(settings.steps).model), "drawn GPT": drawn_gpt()}
    rows = [row for name, table in systems.items() for row in rows_of(name, table, settings.temperatures)]
    cycles = [row for name, table in systems.items() for row in cycles_of(name, table)]
    mg.write_table(rows, folder, "table")
    mg.write_table(cycles, folder, "cycles")
    draw_limits(rows, folder / "limits.svg")
    coldest = min(settings.temperatures)
    off = max(abs(float(row["over T"])) for row in rows if row["T"] == coldest)
    own = [row for row in cycles if row["system"] == "drawn GPT"]
    kept = ", ".join(row["cycle"] for row in own if row["remains"] == "yes")
    rarest = max(own, key=lambda row: float(row["long run"]))
    deeper = sum(float(row["depth"]) > float(rarest["depth"]) for row in own)
    return Findings(
        [
            f"At T = {coldest:g} every quantity is within {off:.2f} T of the limit that its logit gaps give.",
            f"Of the {len(own)} cycles of the drawn model the long run keeps {kept} as T falls to 0.",
            f"Depth alone does not decide: the least likely of them is {rarest['cycle']}, and deeper are {deeper}.",
        ],
        recorded={"text": TEXT, "seed": SEED, "drawn": {**DRAWN, "seed": DRAWN_SEED, "factor": FACTOR}},
        diagnostics={"largest difference over T at the coldest": off},
    )


STUDY = Study(
    "near_zero",
    "Do chains do near temperature zero what their logit gaps say?",
    Settings(),
    Settings(temperatures=(0.2, 0.1)),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
