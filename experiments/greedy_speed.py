"""How long does the machine of temperature zero take, and making it smaller? Writes results/greedy_speed/.

Each row is a fresh process, so that its peak of memory is its own: what importing takes and the table itself are left
out. Every time is taken twice, the second run beside the first. Two tables stand for what can be met: one whose logits
are drawn, with few cycles and long ways into them, and one that says its oldest token, where every window lies on a
cycle and none can be folded into another.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import markovgpt as mg
from experiments.drawn_cases import SEED, drawn_table, rows_of, twice
from markovgpt.export.record import write_record
from markovgpt.memory import peak_bytes

FOLDER = Path("results/greedy_speed")


@dataclass(frozen=True)
class Case:
    """A size, the kind of table, and whether the machine that reads any token is made too."""

    vocab_size: int
    context_length: int
    rotates: bool
    reading: bool = True


CASES = (
    Case(2, 3, rotates=False),
    Case(27, 4, rotates=False),
    Case(27, 4, rotates=True),
    Case(27, 5, rotates=False),
    Case(27, 5, rotates=True),
    Case(10, 8, rotates=False, reading=False),
)


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
    machine = whole_machine(table)
    row = {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "windows": f"{machine.n_states:,}",
        "table": "says its oldest token" if case.rotates else "drawn",
        "cycles": f"{machine.n_cycles:,}",
        "longest transient": f"{machine.longest_transient:,}",
        "close choices": f"{len(machine.close_calls):,}",
        "machine (s)": twice(lambda: whole_machine(table)),
        "smallest (s)": twice(machine.minimised),
        "its states": f"{machine.minimised().n_states:,}",
        "smallest that reads (s)": "",
        "its states too": "",
    }
    if case.reading:
        row["smallest that reads (s)"] = twice(lambda: machine.minimised(reading=True))
        row["its states too"] = f"{machine.minimised(reading=True).n_states:,}"
    row["peak MB beside the table"] = f"{(peak_bytes() - baseline) / 1e6:,.0f}"
    return row


def main() -> None:
    """Measure every case in a process of its own, and write the table."""
    began = time.perf_counter()
    rows = rows_of("experiments.greedy_speed", CASES)
    mg.write_table(rows, FOLDER, "table")
    write_record(
        FOLDER,
        command="python -m experiments.greedy_speed",
        settings={"cases": [asdict(case) for case in CASES], "seed": SEED},
        seconds=time.perf_counter() - began,
        diagnostics={},
    )
    print(f"Table: {FOLDER}/table.csv")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Case(**json.loads(sys.argv[1])))))
    else:
        main()
