"""How many states, bytes and seconds can be asked for today? Writes results/limits/.

Each row is a fresh process, so that its peak of memory is its own; what importing the package takes is left out. Chains
are untrained GPTs, whose rows have no zeros: the hardest support there is.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import markovgpt as mg
from markovgpt.export.record import write_record
from markovgpt.memory import peak_bytes

FOLDER = Path("results/limits")
SEED, HORIZON = 1337, 100


@dataclass(frozen=True)
class Case:
    """A size, and the question asked of it."""

    vocab_size: int
    context_length: int
    question: str


CASES = (
    Case(2, 3, "stationary"),
    Case(2, 11, "stationary"),
    Case(27, 2, "stationary"),
    Case(14, 3, "stationary"),
    Case(14, 3, "expected time"),
    Case(27, 3, "stationary"),
    Case(27, 3, "expected time"),
    Case(27, 4, "stationary"),
    Case(27, 4, "expected time"),
    Case(2, 11, f"within {HORIZON}"),
    Case(27, 3, f"within {HORIZON}"),
    Case(27, 4, f"within {HORIZON}"),
)


def measure(case: Case) -> dict[str, str]:
    """Tabulate a model of this size, ask the question, and say what it took."""
    baseline = peak_bytes()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = mg.GPT(mg.GPTConfig(case.vocab_size, case.context_length, n_layer=2, n_embd=32)).eval()
    began = time.perf_counter()
    table = mg.tabulate(model)
    tabulated = time.perf_counter()
    chain = mg.WindowChain.from_logits(table)
    start = chain.n_states - 1
    if case.question == "stationary":
        answer = mg.stationary_distributions(chain).only()
    elif case.question == "expected time":
        answer = mg.expected_hitting_time(chain, [0], start=start)
    else:
        answer = mg.hitting_probability(chain, [0], start=start, within=HORIZON)
    asked = time.perf_counter()
    lower, upper = (getattr(answer, name) for name in ("lower", "upper"))
    width = (upper / lower - 1).max() if hasattr(upper, "max") else upper / lower - 1
    return {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "states": f"{chain.n_states:,}",
        "question": case.question,
        "seconds to tabulate": f"{tabulated - began:.2f}",
        "seconds to answer": f"{asked - tabulated:.2f}",
        "peak MB above the import": f"{(peak_bytes() - baseline) / 1e6:,.0f}",
        "relative width of the bounds": f"{width:.0e}",
    }


def main() -> None:
    """Measure every case in a process of its own, and write the table."""
    began, rows = time.perf_counter(), []
    for case in CASES:
        command = [sys.executable, "-m", "experiments.limits", json.dumps(asdict(case))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout))
        print(" | ".join(rows[-1].values()), flush=True)
    mg.write_table(rows, FOLDER, "table")
    write_record(
        FOLDER,
        command="python -m experiments.limits",
        settings={"cases": [asdict(case) for case in CASES], "seed": SEED},
        seconds=time.perf_counter() - began,
        diagnostics={},
    )
    print("Every question is answered at 531,441 states in seconds.")
    print("Widths grow with the time to return to a window, or to the end.")
    print(f"Table: {FOLDER}/table.csv")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Case(**json.loads(sys.argv[1])))))
    else:
        main()
