"""How long does the machine of temperature zero take, and making it smaller? Writes results/greedy_speed/.

Each row is a fresh process, so that its peak of memory is its own: what importing takes and the table itself are left
out. Every time is taken twice, the second run beside the first. Two tables stand for what can be met: one whose logits
are drawn, with few cycles and long ways into them, and one that says its oldest token, where every window lies on a
cycle and none can be folded into another.
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
    """A size, the kind of table, and whether the machine that reads any token is made too."""

    vocab_size: int
    context_length: int
    rotates: bool
    reading: bool = True


LEAST_SECONDS = 0.01  # that the table tells apart from nothing
CASES = (
    Case(2, 3, rotates=False),
    Case(27, 4, rotates=False),
    Case(27, 4, rotates=True),
    Case(27, 5, rotates=False),
    Case(27, 5, rotates=True),
    Case(10, 8, rotates=False, reading=False),
)


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    most_windows: int = option(10**8, "leave out larger cases; there are some of 8 to 10^8 windows")


def table_of(case: Case) -> mg.LogitTable:
    """The logits of a case, in float32."""
    space = mg.StateSpace(case.vocab_size, case.context_length)
    if not case.rotates:
        return drawn_table(space)
    logits = np.zeros((space.n_states, case.vocab_size), dtype=np.float32)
    oldest = np.arange(space.n_states) // case.vocab_size ** (case.context_length - 1)
    logits[np.arange(space.n_states), oldest] = 1.0
    return mg.LogitTable(space, logits)


def whole_machine(table: mg.LogitTable) -> mg.GreedyMachine:
    """The machine with its cycles, basins, transients and close calls, all of which are looked at."""
    machine = mg.greedy_machine(table)
    assert int(machine.basin_sizes.sum()) == machine.n_states
    assert int(machine.transient_length.min()) == 0
    return machine


def measure(case: Case) -> dict[str, str]:
    """Make the machines of a case, and say what that took."""
    warm = mg.greedy_machine(table_of(Case(2, 3, rotates=False)))  # compiled, or read from where that is kept
    for reading in (False, True):
        warm.minimised(reading=reading)
    table = table_of(case)
    baseline = peak_bytes()
    machine, of_machine = twice(lambda: whole_machine(table))
    n_smallest, of_smallest = twice(lambda: machine.minimised().n_states)
    row = {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "windows": f"{machine.n_states:,}",
        "table": "says its oldest token" if case.rotates else "drawn",
        "cycles": f"{machine.n_cycles:,}",
        "longest transient": f"{machine.longest_transient:,}",
        "close choices": f"{len(machine.close_calls):,}",
        "machine (s)": of_machine,
        "smallest (s)": of_smallest,
        "its states": f"{n_smallest:,}",
        "smallest that reads (s)": "",
        "its states too": "",
    }
    if case.reading:
        n_reading, row["smallest that reads (s)"] = twice(lambda: machine.minimised(reading=True).n_states)
        row["its states too"] = f"{n_reading:,}"
    row["peak MB beside the table"] = f"{(peak_bytes() - baseline) / 1e6:,.0f}"
    return row


def seconds_of(cell: str) -> float:
    """The smaller of two times.

    >>> seconds_of("0.25, 0.10")
    0.1
    """
    return min(map(float, cell.split(", ")))


def make(settings: Settings, folder: Path) -> Findings:
    """Measure every case in a process of its own."""
    cases = within(CASES, settings.most_windows)
    rows = list(each_in_a_process(measure, cases))
    mg.write_table(rows, folder, "table")
    drawn = [(windows_of(case), row) for case, row in zip(cases, rows, strict=True) if not case.rotates]
    windows = [size for size, _ in drawn]
    curves = {
        name: (windows, [max(seconds_of(row[f"{name} (s)"]), LEAST_SECONDS) for _, row in drawn])
        for name in ("machine", "smallest")
    }
    line_figure(curves, folder / "seconds.svg", x_label="windows", y_label="seconds", logarithmic=("x", "y"))
    largest = max(zip(cases, rows, strict=True), key=lambda pair: windows_of(pair[0]))[1]
    folded = next(row for case, row in zip(reversed(cases), reversed(rows), strict=True) if not case.rotates)
    cyclic = [row for case, row in zip(cases, rows, strict=True) if case.rotates]
    return Findings(
        [
            f"The machine of {largest['windows']} windows takes {seconds_of(largest['machine (s)']):.2f} s, with all "
            "its cycles, basins and close calls.",
            f"Of {folded['windows']} windows with drawn logits its smallest form has {folded['its states']} states, "
            f"found in {seconds_of(folded['smallest (s)']):.2f} s more.",
            f"Where every window lies on a cycle none of {cyclic[-1]['windows']} can be folded into another."
            if cyclic
            else "No table was asked about in which every window lies on a cycle.",
        ]
    )


STUDY = Study(
    "greedy_speed",
    "How long does the machine of temperature zero take, and making it smaller?",
    Settings(),
    Settings(most_windows=1000),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
