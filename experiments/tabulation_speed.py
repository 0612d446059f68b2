"""How fast is every window tabulated, and in how much memory? Writes results/tabulation_speed/.

Three tables. ``table``: `tabulate` against full forwards in batches, the same weights, in one run, taking turns; the
batch size and threads of the forwards are the best of those tried. ``rate``: the arithmetic reached, against bare
matrix products of the same shapes. ``growth``: 27**L windows for L = 2 .. 5, each in a process of its own: time, the
peak of memory beside its prediction, and the time to open the table from disk. Models are drawn, of the shapes of
published ones: how long the arithmetic takes does not depend on the weights.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

import markovgpt as mg
from experiments.apart import in_a_process
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import line_figure
from markovgpt.memory import peak_bytes, shown_bytes
from markovgpt.models.prefix_tree import survey_of_gpt

SEED, ROUNDS, BATCHES = 1337, 3, (256, 1024, 4096, 16384)
CORES = torch.get_num_threads()


@dataclass(frozen=True)
class Case:
    """A model's shape, and whether the shorter windows are wanted."""

    name: str
    config: mg.GPTConfig
    with_prefixes: bool
    target: int  # times faster than full forwards in batches


CASES = (
    Case(
        "nano_sort",
        mg.GPTConfig(3, 11, n_layer=3, n_head=3, n_embd=48, bias=True, activation="gelu_tanh", tied=False),
        True,
        8,
    ),
    Case("names", mg.GPTConfig(27, 4, n_layer=2, n_head=4, n_embd=32, layer_norm_bias=False), False, 4),
)
GROWN = mg.GPTConfig(27, 5, n_layer=2, n_head=4, n_embd=32)
BUDGETS = {False: 2 * 10**9, True: 10**8}  # in memory, on disk


def drawn(config: mg.GPTConfig) -> mg.GPT:
    """A model of these sizes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return mg.GPT(config).eval()


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def by_full_forwards(model: mg.GPT, space: mg.StateSpace, batch: int, threads: int, share: float = 1.0) -> torch.Tensor:
    """The same table by full forwards in batches; a share of them when batches are compared."""
    torch.set_num_threads(threads)
    table = torch.empty(space.n_states, space.vocab_size)
    for length in range(space.shortest, space.context_length + 1):
        count, first = max(1, int(space.vocab_size**length * share)), space.first_state(length)
        for begin in range(0, count, batch):
            end = min(begin + batch, count)
            windows = torch.as_tensor(space.windows(length, begin, end))
            with torch.no_grad():
                table[first + begin : first + end] = model(windows)[:, -1]
    torch.set_num_threads(CORES)
    return table


def speed_of(case: Case) -> dict[str, str]:
    """`tabulate` and full forwards in turns."""
    model = drawn(case.config)
    space = mg.StateSpace(case.config.vocab_size, case.config.context_length, case.with_prefixes)
    choices = [(batch, threads) for batch in BATCHES for threads in sorted({1, CORES})]
    trials = {
        (batch, threads): seconds(partial(by_full_forwards, model, space, batch, threads, share=0.1))
        for batch, threads in choices * 2  # the second time counts
    }
    batch, threads = min(trials, key=lambda choice: trials[choice])
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: mg.tabulate(model, with_prefixes=case.with_prefixes)))
        theirs.append(seconds(lambda: by_full_forwards(model, space, batch, threads)))
    gap = (
        (
            torch.tensor(mg.tabulate(model, with_prefixes=case.with_prefixes).logits)
            - by_full_forwards(model, space, batch, threads)
        )
        .abs()
        .max()
    )
    return {
        "model": case.name,
        "windows": f"{space.n_states:,}",
        "tabulate seconds": spread(ours),
        "full forwards seconds": spread(theirs),
        "best batch x threads": f"{batch} x {threads}",
        "times faster": f"{min(theirs) / min(ours):.1f}",
        "target": str(case.target),
        "largest difference of logits": f"{float(gap):.0e}",
    }


def rate_of(case: Case, workers: int) -> dict[str, str]:
    """Matrix operations a second of `tabulate`, and of bare products of the same shapes, on as many threads."""
    config, model = case.config, drawn(case.config)
    survey = survey_of_gpt(model, config.context_length, with_prefixes=case.with_prefixes)
    C, inner = config.n_embd, config.n_inner or 4 * config.n_embd
    per_token = 2 * config.n_layer * (4 * C * C + 2 * C * inner)
    tokens = sum(config.vocab_size**length for length in range(1, config.context_length + 1))
    rows = sum(part.rows for block in range(survey.n_blocks) for part in survey.parts(block))
    operations = per_token * tokens + 2 * C * config.vocab_size * rows
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(
            operations / seconds(lambda: mg.tabulate(model, with_prefixes=case.with_prefixes, workers=workers)) / 1e9
        )
        bare.append(bare_rate(survey.tree.rows[-1], config, workers))
    reached, possible = max(ours), max(bare)
    return {
        "model": case.name,
        "threads": str(workers),
        "rows of a tile": str(survey.tree.rows[-1]),
        "GFLOP": f"{operations / 1e9:.1f}",
        "GFLOP/s of tabulate": f"{reached:.0f}",
        "GFLOP/s of bare products": f"{possible:.0f}",
        "ratio": f"{reached / possible:.2f}",
        "target": "0.5",
    }


def bare_rate(rows: int, config: mg.GPTConfig, threads: int, least_seconds: float = 0.5) -> float:
    """GFLOP/s of a tile's matrix products alone, results in place, each thread at its own."""
    C, inner = config.n_embd, config.n_inner or 4 * config.n_embd
    layer = [(C, 3 * C), (C, C), (C, inner), (inner, C)]
    shapes = layer * config.n_layer + [(C, config.vocab_size)]

    def work(_: int) -> float:
        torch.set_num_threads(1)  # of this thread: the number is kept by thread
        places = {(m, n): (torch.randn(rows, m), torch.randn(n, m).T, torch.empty(rows, n)) for m, n in shapes}
        operands = [places[shape] for shape in shapes]  # in the processor's cache as much as can be
        done, began = 0, time.perf_counter()
        while time.perf_counter() - began < least_seconds:
            for a, b, out in operands:
                torch.mm(a, b, out=out)
            done += 1
        return done / (time.perf_counter() - began)

    with ThreadPoolExecutor(threads) as pool:
        rounds_a_second = sum(pool.map(work, range(threads)))
    torch.set_num_threads(CORES)
    return rounds_a_second * sum(2 * rows * m * n for m, n in shapes) / 1e9


def growth_of(context_length: int, on_disk: bool) -> dict[str, str]:
    """Time and memory of 27**L windows; run in a process of its own."""
    model, folder = drawn(GROWN), tempfile.mkdtemp() if on_disk else None
    mg.tabulate(model, context_length=1)  # what the libraries take at their first use is not the table's
    baseline, budget = peak_bytes(), BUDGETS[on_disk]
    took = seconds(
        lambda: mg.tabulate(model, context_length=context_length, directory=folder, memory_budget=budget, workers=CORES)
    )
    peak = peak_bytes() - baseline
    predicted = mg.tabulation_bytes(model, context_length=context_length, on_disk=on_disk, workers=CORES)
    opened = f"{seconds(lambda: mg.LogitTable.open(folder)) * 1000:.0f}" if folder else ""
    windows = 27**context_length
    return {
        "L": str(context_length),
        "windows": f"{windows:,}",
        "kept": "on disk" if on_disk else "in memory",
        "seconds": f"{took:.2f}",
        "microseconds a window": f"{took / windows * 1e6:.2f}",
        "budget": shown_bytes(budget),
        "predicted": shown_bytes(predicted),
        "peak": shown_bytes(peak),
        "predicted / peak": f"{predicted / peak:.2f}",
        "milliseconds to open": opened,
    }


def growth_apart(context_length: int, on_disk: bool) -> dict[str, str]:
    """A row of `growth_of`, from a fresh process; its table is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return dict(in_a_process(growth_of, context_length, on_disk, environment={"TMPDIR": folder}))


def spread(times: Sequence[float]) -> str:
    """The smallest and the largest."""
    return f"{min(times):.2f} to {max(times):.2f}"


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    models: tuple[str, ...] = option(tuple(case.name for case in CASES), "shapes that are held against full forwards")
    context_lengths: tuple[int, ...] = option((2, 3, 4, 5), "of the model of 27 tokens whose growth is followed")

    def __post_init__(self) -> None:
        strangers = set(self.models) - {case.name for case in CASES}
        if strangers:
            raise mg.InvalidInput(
                f"models must be of {', '.join(case.name for case in CASES)}, got {', '.join(strangers)}; "
                "leave them out"
            )


def make(settings: Settings, folder: Path) -> Findings:
    """Measure, and write the tables."""
    cases = [case for case in CASES if case.name in settings.models]
    tables = {
        "table": [speed_of(case) for case in cases],
        "rate": [rate_of(case, threads) for case in cases for threads in sorted({1, CORES})],
        "growth": [growth_apart(L, on_disk) for on_disk in (False, True) for L in settings.context_lengths],
    }
    for name, rows in tables.items():
        if rows:
            print("\n".join([name, " | ".join(rows[0]), *(" | ".join(row.values()) for row in rows)]), flush=True)
            mg.write_table(rows, folder, name)
    growth = tables["growth"]
    curves = {
        kept: tuple(
            zip(
                *((27 ** int(row["L"]), float(row["microseconds a window"])) for row in growth if row["kept"] == kept),
                strict=True,
            )
        )
        for kept in ("in memory", "on disk")
    }
    path = folder / "growth.svg"
    line_figure(curves, path, x_label="windows", y_label="microseconds a window", logarithmic=("x", "y"))
    last = growth[len(growth) // 2 - 1]
    faster = [f"{row['times faster']} times ({row['model']})" for row in tables["table"]]
    ratios = [float(row["predicted / peak"]) for row in growth]
    return Findings(
        [
            f"{last['windows']} windows are tabulated in {last['seconds']} s, {last['microseconds a window']} "
            "microseconds each.",
            f"That is faster than full forwards by {' and '.join(faster)}."
            if faster
            else "Full forwards were left out.",
            f"The memory that is predicted is {min(ratios):.2f} to {max(ratios):.2f} times what it takes at the peak.",
        ],
        recorded={"seed": SEED, "rounds": ROUNDS, "batches": BATCHES, "cores": CORES},
    )


STUDY = Study(
    "tabulation_speed",
    "How fast is every window tabulated, and in how much memory?",
    Settings(),
    Settings(models=(), context_lengths=(2,)),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
