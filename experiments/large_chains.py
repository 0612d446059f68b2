"""Are 27**3, 27**4 and 27**5 windows solved and certified in time in proportion? Writes results/large_chains/.

Each chain has random logits, all cores, and a process of its own whose memory is limited to what is free; the peak is
that of the whole process above what the same questions of 27**2 windows had taken, the making of the chain included.
"""

import math
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import markovgpt as mg
from experiments.apart import in_a_process
from experiments.drawn_cases import SEED, random_chain, windows_of, within
from experiments.restarted import by_multigrid, posed
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import line_figure
from markovgpt.memory import available_bytes, peak_bytes

ROUNDS = 2


@dataclass(frozen=True)
class Large:
    """A chain of random logits."""

    context_length: int
    dtype: str
    temperature: float
    vocab_size: int = 27


SIZES = ((3, "float64"), (4, "float64"), (3, "float32"), (4, "float32"), (5, "float32"))

LARGE_SECONDS = 3600.0  # of each


def solved(case: Large) -> dict[str, Any]:
    """The stationary distribution, solved and certified; run in a process of its own, which is limited for good."""
    warm = random_chain(case.vocab_size, 2, case.temperature, case.dtype)
    by_multigrid(warm, posed(warm, "stationary"))
    mg.stationary_distributions(warm)
    baseline, free = peak_bytes(), available_bytes()
    resource.setrlimit(resource.RLIMIT_DATA, (free, free))
    took: dict[str, Any] = {"outcome": "certified"}
    try:
        chain = random_chain(case.vocab_size, case.context_length, case.temperature, case.dtype)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found, _ = by_multigrid(chain, posed(chain, "stationary"))
            times.append(time.perf_counter() - began)
        took |= {"solving": min(times), "cycles": found.cycles, "residual": found.residual}
        began = time.perf_counter()
        answer = mg.stationary_distributions(chain).only()
        took["certifying"] = time.perf_counter() - began
        took["width"] = float((answer.upper / answer.lower - 1).max())
    except (MemoryError, mg.TooLarge, mg.NotConverged) as refusal:
        took["outcome"] = str(refusal) or f"over {free / 1e9:.1f} GB"
    return {**took, "peak": peak_bytes() - baseline}


def solved_apart(case: Large) -> dict[str, Any]:
    """The same from a fresh process, or why there is nothing."""
    try:
        return dict(in_a_process(solved, case, limit_seconds=LARGE_SECONDS))
    except subprocess.TimeoutExpired:
        return {"outcome": f"over {LARGE_SECONDS:g} s"}
    except subprocess.CalledProcessError as failure:
        return {"outcome": f"ended with {failure.returncode}"}


def large_rows(cases: Sequence[Large]) -> list[dict[str, str]]:
    """The table; the first of each type and temperature is what the others are compared to."""
    found, first = [], {}
    for case in cases:
        took = solved_apart(case)
        first.setdefault((case.dtype, case.temperature), (case, took))
        found.append(sized(case, took, *first[case.dtype, case.temperature]))
        print(" | ".join(found[-1].values()), flush=True)
    return found


def sized(case: Large, took: dict[str, Any], smallest: Large, took_smallest: dict[str, Any]) -> dict[str, str]:
    """What the table says of one chain; what did not come about is left empty."""
    per_state, growth = {}, {}
    for what in ("solving", "certifying"):
        each, least = (
            of.get(what, math.nan) / size.vocab_size**size.context_length * 1e9
            for of, size in ((took, case), (took_smallest, smallest))
        )
        per_state[what] = "" if math.isnan(each) else f"{each:.3g}"
        growth[what] = "" if math.isnan(each / least) else f"{each / least:.2f}"
    shown = {name: format(took[name], form) if name in took else "" for name, form in SHOWN.items()}
    return {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "states": f"{case.vocab_size**case.context_length:,}",
        "dtype": case.dtype,
        "temperature": str(case.temperature),
        "seconds to solve": shown["solving"],
        "cycles": shown["cycles"],
        "residual": shown["residual"],
        "ns a state": per_state["solving"],
        "times that of the smallest": growth["solving"],
        "seconds certified": shown["certifying"],
        "ns a state, certified": per_state["certifying"],
        "times that of the smallest, certified": growth["certifying"],
        "relative width": shown["width"],
        "peak MB": "" if "peak" not in took else f"{took['peak'] / 1e6:,.0f}",
        "outcome": took["outcome"],
    }


SHOWN = {"solving": ".3g", "cycles": "d", "residual": ".1e", "certifying": ".3g", "width": ".1e"}


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    most_windows: int = option(2 * 10**7, "leave out larger chains; there are some of 19,683 to 14,348,907 windows")
    vocab_size: int = option(27, "tokens")
    temperatures: tuple[float, ...] = option((0.25,), "sampling temperatures; the colder, the more cycles it takes")

    @property
    def cases(self) -> list[Large]:
        """The chains."""
        asked = [(L, dtype, T) for T in self.temperatures for L, dtype in SIZES]
        return within([Large(L, dtype, T, self.vocab_size) for L, dtype, T in asked], self.most_windows)


def make(settings: Settings, folder: Path) -> Findings:
    """Solve each in a process of its own."""
    cases = settings.cases
    rows = large_rows(cases)
    mg.write_table(rows, folder, "table")
    curves: dict[str, tuple[list[int], list[float]]] = {}
    for case, row in zip(cases, rows, strict=True):
        if row["seconds certified"]:
            x, y = curves.setdefault(f"{case.dtype}, T = {case.temperature:g}", ([], []))
            x.append(windows_of(case))
            y.append(float(row["seconds certified"]))
    line_figure(curves, folder / "seconds.svg", x_label="windows", y_label="seconds certified", logarithmic=("x", "y"))
    done = [row for row in rows if row["outcome"] == "certified"]
    last = max(done, key=lambda row: int(row["states"].replace(",", "")))
    widest = max(float(row["relative width"]) for row in done)
    return Findings(
        [
            f"{last['states']} windows are solved in {last['seconds to solve']} s and certified in "
            f"{last['seconds certified']} s, with {last['peak MB']} MB.",
            f"{len(done)} of {len(rows)} chains are certified; no bounds are wider than {widest:.0e}, relative.",
            f"A window of the largest takes {last['times that of the smallest, certified']} times what one of the "
            "smallest takes.",
        ],
        recorded={"seed": SEED, "rounds": ROUNDS},
    )


STUDY = Study(
    "large_chains",
    "Are millions of windows solved and certified in times that grow as they do?",
    Settings(),
    Settings(vocab_size=3, most_windows=27, temperatures=(1.0,)),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
