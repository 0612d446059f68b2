"""How long does the shape of a chain take: classes, periods, entropy rate? Writes results/shape_speed/.

Each row is a fresh process, so that its peak of memory is its own: what importing takes, the logits and the chain are
left out. Every time is taken twice, the second run beside the first. Logits are drawn; top_k leaves so many tokens of
each row, so that there are classes to be found: the likeliest alone leads into loops, two or three leave windows that
nothing leads to. What needs a long run is asked where every token stays.
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

FOLDER = Path("results/shape_speed")


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
    table = drawn_table(mg.StateSpace(case.vocab_size, case.context_length))
    return mg.WindowChain.from_logits(table, mg.SamplingSettings(top_k=case.top_k), dtype=np.float32)


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
    row["peak MB beside the chain"] = f"{(peak_bytes() - baseline) / 1e6:,.0f}"
    return row


def main() -> None:
    """Measure every case in a process of its own, and write the table."""
    began = time.perf_counter()
    rows = rows_of("experiments.shape_speed", CASES)
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
