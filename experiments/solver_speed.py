"""How fast are products and solutions on window chains, beside memory and beside peers? Writes results/solver_speed/.

Four parts, each a folder with its table; ``python -m experiments.solver_speed`` makes all, a part is made by its name:

    products    push and pull against the time to stream what they move, and scipy (`experiments.streaming_speed`)
    rare        the expected time until a name model writes "sex", certified, against every peer that offers it
    mixing      cycles at low temperatures, against power iteration, GMRES and ARPACK (`experiments.slow_mixing`)
    large       27**3, 27**4 and 27**5 windows: solved, and certified

In ``rare`` ours and the peers have one thread each; peers are asked for 1e-6 only, ours is as narrow as it comes. Ours
is timed after a call that compiles, as theirs without importing, and neither with loading; ours is the best of some
runs, a peer's time is of one. In ``large`` each chain has random logits, all cores, and a process of its own whose
memory is limited to what is free; the peak is that of the whole process above what the same questions of 27**2 windows
had taken, the making of the chain included.
"""

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import markovgpt as mg
from experiments import peers, slow_mixing, streaming_speed
from experiments.peer_runner import PEERS
from experiments.slow_mixing import TRAINED, by_multigrid, posed, until
from experiments.streaming_speed import SEED, in_a_process, random_chain
from markovgpt.export.record import write_record
from markovgpt.memory import available_bytes, peak_bytes
from markovgpt.models.threads import one_torch_thread
from markovgpt.scaled import as_floats

FOLDER = Path("results/solver_speed")
NAMES = Path(__file__).parents[2] / "shared/data/hf_names_ctx3"
START, RED = (0, 0, 0), (19, 5, 24)  # three newlines; "sex"
LIMITS = {1: 120, 0.25: 10, 0.1: 10}  # seconds of each peer, by temperature
PEER_TOLERANCE, ROUNDS, OURS = 1e-6, 5, "markovgpt"


def rare_rows(limits: dict[float, float] = LIMITS, names: Sequence[str] = tuple(PEERS)) -> list[dict[str, str]]:
    """The expected time until a text, by us and by the peers."""
    table, found = mg.tabulate(mg.load_model(NAMES)), []
    for temperature, limit in limits.items():
        chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))
        answers = {OURS: certified(chain), "markovgpt, not certified": uncertified(chain)}
        with tempfile.TemporaryDirectory() as folder:
            asked_of_peers(chain, Path(folder))
            for name in names:
                answers[name] = peers.ask(
                    name, "expected_time", Path(folder), tolerance=PEER_TOLERANCE, limit_seconds=limit
                )
        offered = {name: answer for name, answer in answers.items() if answer["status"] != "not offered"}
        made = [beside(temperature, name, answer, answers[OURS]) for name, answer in offered.items()]
        print(*(" | ".join(row.values()) for row in made), sep="\n", flush=True)
        found += made
    return found


def asked_of_peers(chain: mg.WindowChain, folder: Path) -> None:
    """The chain and the question in files."""
    nowhere = np.zeros(chain.n_states, dtype=bool)
    red, start = mg.ending_with(chain.space, RED), chain.space.encode(START)
    peers.write_chain(chain, folder, start=start, red=red, avoided=nowhere)


def certified(chain: mg.WindowChain) -> dict[str, Any]:
    """Our answer in the form of a peer's."""
    red = mg.ending_with(chain.space, RED)
    answer, seconds = timed(chain, lambda fresh: mg.expected_hitting_time(fresh, red, start=START))
    width = peers.relative_width(answer.lower, answer.upper)
    return {"status": "answered", "value": answer.value, "width": width, "seconds": seconds}


def uncertified(chain: mg.WindowChain) -> dict[str, Any]:
    """The same by multigrid alone, 1 / (x . r), without bounds."""
    red = mg.ending_with(chain.space, RED)
    start = np.arange(chain.n_states) == chain.space.encode(START)

    def steps(fresh: mg.WindowChain) -> float:
        problem = until(fresh, start, red)
        return float(as_floats(1 / problem.killed(by_multigrid(fresh, problem)[0].x)))

    value, seconds = timed(chain, steps)
    return {"status": "answered", "value": value, "width": None, "seconds": seconds}


def timed(chain: mg.WindowChain, question: Callable[[mg.WindowChain], Any]) -> tuple[Any, float]:
    """The answer and the smallest of some times on one thread, each on a chain that nothing was asked of before."""
    times = []
    with one_torch_thread():
        for _ in range(ROUNDS + 1):
            fresh = replace(chain)
            began = time.perf_counter()
            answer = question(fresh)
            times.append(time.perf_counter() - began)
    return answer, min(times[1:])  # the first compiles


def beside(temperature: float, name: str, answer: dict[str, Any], ours: dict[str, Any]) -> dict[str, str]:
    """What the table says of one answer; what a peer did not say is left empty."""
    answered = answer["status"] == "answered"
    return {
        "temperature": str(temperature),
        "by": name,
        "status": answer["status"],
        "expected steps": f"{answer['value']:.12g}" if answered else "",
        "relative width": "" if answer["width"] is None else f"{answer['width']:.1e}",
        "relative difference to ours": f"{answer['value'] / ours['value'] - 1:.1e}" if answered else "",
        "seconds": f"{answer['seconds']:.3g}" if answered else "",
        "times our seconds": f"{answer['seconds'] / ours['seconds']:.3g}" if answered else "",
    }


@dataclass(frozen=True)
class Large:
    """A chain of random logits."""

    context_length: int
    dtype: str
    temperature: float
    vocab_size: int = 27


SIZES = ((3, "float64"), (4, "float64"), (3, "float32"), (4, "float32"), (5, "float32"))
LARGE = tuple(Large(L, dtype, temperature) for temperature in (1, 0.25) for L, dtype in SIZES)
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
        return dict(in_a_process("experiments.solver_speed", asdict(case), limit_seconds=LARGE_SECONDS))
    except subprocess.TimeoutExpired:
        return {"outcome": f"over {LARGE_SECONDS:g} s"}
    except subprocess.CalledProcessError as failure:
        return {"outcome": f"ended with {failure.returncode}"}


def large_rows(cases: Sequence[Large] = LARGE) -> list[dict[str, str]]:
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
class Part:
    """A table, and what determines it."""

    rows: Callable[[], list[dict[str, str]]]
    settings: dict[str, Any]


PARTS = {
    "products": Part(
        streaming_speed.rows,
        {"seed": SEED, "rounds": streaming_speed.ROUNDS, "cases": [asdict(case) for case in streaming_speed.CASES]},
    ),
    "rare": Part(
        rare_rows,
        {
            "model": NAMES.name,
            "start": START,
            "red": RED,
            "limits": LIMITS,
            "tolerance of peers": PEER_TOLERANCE,
            "rounds": ROUNDS,
            "peers": peers.PINS,
        },
    ),
    "mixing": Part(
        slow_mixing.rows,
        {
            "seed": SEED,
            "trained": TRAINED.parent.name if TRAINED.exists() else "left out",
            "tolerance": slow_mixing.TOLERANCE,
            "temperatures": slow_mixing.TEMPERATURES,
            "most products of peers": slow_mixing.MOST_PRODUCTS,
            "most seconds of peers": slow_mixing.MOST_SECONDS,
            "cases": [asdict(case) for case in slow_mixing.CASES],
        },
    ),
    "large": Part(large_rows, {"seed": SEED, "cases": [asdict(case) for case in LARGE]}),
}


def main(names: Sequence[str]) -> None:
    """Make the tables of these parts."""
    for name in names:
        began = time.perf_counter()
        print(name, flush=True)
        table = mg.write_table(PARTS[name].rows(), FOLDER / name, "table")
        write_record(
            FOLDER / name,
            command=f"python -m experiments.solver_speed {name}",
            settings=PARTS[name].settings,
            seconds=time.perf_counter() - began,
            diagnostics={},
        )
        print(f"Table: {table}")


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("{"):
        print(json.dumps(solved(Large(**json.loads(sys.argv[1])))))
    else:
        main(sys.argv[1:] or list(PARTS))
