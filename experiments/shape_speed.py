"""How long does the shape of a chain take: classes, periods, entropy, gap? Writes results/shape_speed/.

Each row is a fresh process, so that its peak of memory is its own: what importing takes, the logits and the chain are
left out. Every time is taken twice, the second run beside the first. Logits are drawn; top_k leaves so many tokens of
each row, so that there are classes to be found: the likeliest alone leads into loops, two or three leave windows that
nothing leads to. What needs a long run is asked where every token stays.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import markovgpt as mg
from markovgpt.export.record import write_record
from markovgpt.memory import peak_bytes

FOLDER = Path("results/shape_speed")
SEED = 1337
ROWS_AT_ONCE = 10**6


@dataclass(frozen=True)
class Case:
    """A size, how many tokens are left, and whether the long run is asked about."""

    vocab_size: int
    context_length: int
    top_k: int | None
    long_run: bool = False


CASES = (
    Case(27, 3, None, long_run=True),
    Case(27, 4, 2, long_run=True),
    Case(27, 4, None, long_run=True),
    Case(27, 5, 1),
    Case(27, 5, 2),
    Case(27, 5, 3),
)


def chain_of(case: Case) -> mg.WindowChain:
    """The chain of drawn logits, in single precision."""
    space = mg.StateSpace(case.vocab_size, case.context_length)
    generator = np.random.default_rng(SEED)
    logits = np.empty((space.n_states, case.vocab_size), dtype=np.float32)
    for first in range(0, space.n_states, ROWS_AT_ONCE):
        rows = logits[first : first + ROWS_AT_ONCE]
        rows[:] = generator.standard_normal(rows.shape, dtype=np.float32)
    settings = mg.SamplingSettings(top_k=case.top_k)
    return mg.WindowChain.from_logits(mg.LogitTable(space, logits), settings, dtype=np.float32)


def twice(action: Callable[[], object]) -> str:
    """The seconds of an action, the first run and the second."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return f"{seconds[0]:.2f}, {seconds[1]:.2f}"


def measure(case: Case) -> dict[str, str]:
    """Ask one chain, and say what that took."""
    mg.chain_shape(chain_of(Case(3, 3, 2)))  # compiled, or read from where that is kept
    chain = chain_of(case)
    baseline = peak_bytes()
    shape = mg.chain_shape(chain)
    row = {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "windows": f"{chain.n_states:,}",
        "top_k": "off" if case.top_k is None else str(case.top_k),
        "classes": f"{shape.n_classes:,}",
        "recurrent": str(int(shape.recurrent.sum())),
        "largest": f"{int(shape.sizes.max()):,}",
        "classes and periods (s)": twice(lambda: mg.chain_shape(chain)),
    }
    found = np.flatnonzero(shape.recurrent)
    start = int(shape.first_states[found[0]])
    asked = case.long_run and len(found) == 1
    row["entropy rate (s)"] = twice(lambda: mg.entropy_rate(chain, start=start)) if asked else ""
    row["gap (s)"] = twice(lambda: mg.spectral_gap(chain)) if asked else ""
    row["peak MB beside the chain"] = f"{(peak_bytes() - baseline) / 1e6:,.0f}"
    return row


def main() -> None:
    """Measure every case in a process of its own, and write the table."""
    began, rows = time.perf_counter(), []
    for case in CASES:
        command = [sys.executable, "-m", "experiments.shape_speed", json.dumps(asdict(case))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout))
        print(" | ".join(rows[-1].values()), flush=True)
    mg.write_table(rows, FOLDER, "table")
    write_record(
        FOLDER,
        command="python -m experiments.shape_speed",
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
