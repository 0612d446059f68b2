"""How many states, bytes and seconds can be asked for today? Writes results/limits/.

Each row is a fresh process, so that its peak of memory is its own; what importing the package takes is left out. Chains
are untrained GPTs, whose rows have no zeros: the hardest support there is.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import markovgpt as mg
from experiments.apart import each_in_a_process
from experiments.drawn_cases import SEED, windows_of, within
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import line_figure
from markovgpt.memory import peak_bytes

HORIZON = 100


@dataclass(frozen=True)
class Case:
    """A size, and the question asked of it."""

    vocab_size: int
    context_length: int
    question: str


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    most_windows: int = option(10**6, "leave out larger cases; there are some of 8 to 531,441 windows")


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


def make(settings: Settings, folder: Path) -> Findings:
    """Measure every case in a process of its own."""
    cases = within(CASES, settings.most_windows)
    rows = list(each_in_a_process(measure, cases))
    mg.write_table(rows, folder, "table")
    curves: dict[str, list[tuple[int, float]]] = {}
    for case, row in zip(cases, rows, strict=True):
        curves.setdefault(case.question, []).append((windows_of(case), float(row["seconds to answer"])))
    lines = {question: tuple(zip(*sorted(points), strict=True)) for question, points in curves.items()}
    path = folder / "seconds.svg"
    line_figure(lines, path, x_label="windows", y_label="seconds to answer", logarithmic=("x", "y"))
    largest = max(map(windows_of, cases))
    slowest = max(float(row["seconds to answer"]) for row in rows)
    memory = max(int(row["peak MB above the import"].replace(",", "")) for row in rows)
    widest = max(float(row["relative width of the bounds"]) for row in rows)
    return Findings(
        [
            f"Every question is answered at {largest:,} windows and below in {slowest:.2f} s or less.",
            f"None takes more than {memory:,} MB above what the import takes.",
            f"The bounds are never wider than {widest:.0e}, relative; widths grow with the time to return to a window.",
        ]
    )


STUDY = Study(
    "limits",
    "How many states, bytes and seconds can be asked for today?",
    Settings(),
    Settings(most_windows=10),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
