"""How long does the shape of a chain take: classes, periods, entropy rate? Writes results/shape_speed/.

Each row is a fresh process, so that its peak of memory is its own: what importing takes, the logits and the chain are
left out. Every time is taken twice, the second run beside the first. Logits are drawn; top_k leaves so many tokens of
each row, so that there are classes to be found: the likeliest alone leads into loops, two or three leave windows that
nothing leads to. What needs a long run is asked where every token stays.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import markovgpt as mg
from experiments.apart import each_in_a_process
from experiments.drawn_cases import drawn_table, twice, windows_of, within
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import line_figure
from markovgpt.memory import peak_bytes


@dataclass(frozen=True)
class Case:
    """A size, how many tokens are left, and whether the long run is asked about."""

    vocab_size: int
    context_length: int
    top_k: int | None
    long_run: bool = False


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    most_windows: int = option(2 * 10**7, "leave out larger cases; there are some of 81 to 14,348,907 windows")


LEAST_SECONDS = 0.01  # that the table tells apart from nothing
CASES = (
    Case(3, 4, 2, long_run=True),
    Case(27, 3, None, long_run=True),
    Case(27, 4, 2, long_run=True),
    Case(27, 4, None, long_run=True),
    Case(27, 5, 1),
    Case(27, 5, 2),
)


def chain_of(case: Case) -> mg.WindowChain:
    """The chain of drawn logits, in single precision."""
    table = drawn_table(mg.StateSpace(case.vocab_size, case.context_length))
    return mg.WindowChain.from_logits(table, mg.SamplingSettings(top_k=case.top_k), dtype=np.float32)


def measure(case: Case) -> dict[str, str]:
    """Ask one chain, and say what that took."""
    mg.chain_shape(chain_of(Case(3, 3, 2)))  # compiled, or read from where that is kept
    chain = chain_of(case)
    baseline = peak_bytes()
    shape, seconds = twice(lambda: mg.chain_shape(chain))
    row = {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "windows": f"{chain.n_states:,}",
        "top_k": "off" if case.top_k is None else str(case.top_k),
        "classes": f"{shape.n_classes:,}",
        "recurrent": str(int(shape.recurrent.sum())),
        "largest": f"{int(shape.sizes.max()):,}",
        "classes and periods (s)": seconds,
    }
    found = np.flatnonzero(shape.recurrent)
    start = int(shape.first_states[found[0]])
    asked = case.long_run and len(found) == 1
    row["entropy rate (s)"] = twice(lambda: mg.entropy_rate(chain, start=start))[1] if asked else ""
    row["peak MB beside the chain"] = f"{(peak_bytes() - baseline) / 1e6:,.0f}"
    return row


def make(settings: Settings, folder: Path) -> Findings:
    """Measure every case in a process of its own."""
    cases = within(CASES, settings.most_windows)
    rows = list(each_in_a_process(measure, cases))
    mg.write_table(rows, folder, "table")
    best = {
        name: [
            (windows_of(case), max(min(map(float, row[f"{name} (s)"].split(", "))), LEAST_SECONDS))
            for case, row in zip(cases, rows, strict=True)
            if row[f"{name} (s)"]
        ]
        for name in ("classes and periods", "entropy rate")
    }
    curves = {name: tuple(zip(*sorted(points), strict=True)) for name, points in best.items() if points}
    line_figure(curves, folder / "seconds.svg", x_label="windows", y_label="seconds", logarithmic=("x", "y"))
    largest, slowest = max(best["classes and periods"])
    entropies = best["entropy rate"] or [(0, 0.0)]
    many = max(rows, key=lambda row: int(row["classes"].replace(",", "")))
    return Findings(
        [
            f"The classes and periods of {largest:,} windows are found in {slowest:.2f} s.",
            f"The certified entropy rate of {max(entropies)[0]:,} windows takes {max(entropies)[1]:.2f} s.",
            f"The most classes, {many['classes']} of {many['windows']} windows, are there with top_k {many['top_k']}.",
        ]
    )


STUDY = Study(
    "shape_speed",
    "How long does the shape of a chain take: classes, periods, entropy rate?",
    Settings(),
    Settings(most_windows=1000),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
