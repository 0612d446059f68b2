"""How near to the speed of memory are the two products with a table of windows? Writes results/streaming_speed/.

A product must move
the table once, one vector in and one vector out. The floor is the time that takes: the better of two ways to read the
table with nothing to compute, on as many threads and into memory that is there already,

    dot      the table times itself by BLAS, and numpy's copy of a vector
    streams  a compiled loop that reads four parts of the table at once and copies a vector, on threads as ours

Each row is measured in a process of its own, all works of a row in turns; times are the smallest and the largest, and
ratios are of the smallest. scipy's products of the same chain in CSR are on one thread, whatever there are. The
chain's products are those with the table and what comes with them: an array for the answer, and where probabilities
have 24 bits the division by the sums of their rows.
"""

import math
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

import markovgpt as mg
from experiments.apart import in_a_process
from experiments.drawn_cases import SEED, random_chain
from experiments.study import Findings, Study, option, run
from markovgpt.chains import streaming
from markovgpt.chains.compiled import compiled
from markovgpt.export.figures import bar_figure

ROUNDS = 9
ENTRIES = 1e7
LARGEST = (27, 5)  # V and L of the one table that no cache holds
STREAMS = 4


@dataclass(frozen=True)
class Case:
    """A table, and the threads that its products are shared among."""

    vocab_size: int
    context_length: int
    dtype: str
    threads: int


def length_near(vocab_size: int, entries: float) -> int:
    """The context length whose table, V**(L+1), is nearest to so many entries, by their ratio."""
    return round(math.log(entries, vocab_size)) - 1


def bytes_moved(chain: mg.WindowChain) -> int:
    """What a product must read and write: the table, one vector in and one out."""
    return int(chain.next_token_probs.nbytes) + 2 * 8 * chain.n_states


@compiled
def read_and_copied(parts, source, target):  # type: ignore[no-untyped-def]
    """The sum of (4, k) numbers, all four rows read at once; and a vector copied."""
    total = 0.0
    for i in range(parts.shape[1]):
        total += parts[0, i] + parts[1, i] + parts[2, i] + parts[3, i]
    for i in range(len(source)):
        target[i] = source[i]
    return total


def shares(numbers: NDArray[Any], threads: int) -> list[NDArray[Any]]:
    """A flat array as views, one a thread."""
    n = len(numbers)
    return [numbers[n * worker // threads : n * (worker + 1) // threads] for worker in range(threads)]


def streams(
    table: NDArray[Any],
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    pool: ThreadPoolExecutor,
    threads: int,
) -> float:
    """The sum of the table, but for fewer than four numbers a thread, and a vector copied, shared among threads."""
    tables = [share[: len(share) // STREAMS * STREAMS].reshape(STREAMS, -1) for share in shares(table, threads)]
    return sum(pool.map(read_and_copied, tables, shares(source, threads), shares(target, threads)))


def in_csr(chain: mg.WindowChain) -> csr_array:
    """The chain as scipy keeps it: in doubles, with indices of 32 bits.

    Raises
    ------
    TooLarge: its transitions cannot be listed.
    """
    matrix = chain.to_csr()
    return csr_array((matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)), matrix.shape)


def in_turns(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The seconds of each work in each round, after one that does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if round_:
                times[name].append(time.perf_counter() - began)
    return times


def measured(case: Case, rounds: int = ROUNDS) -> list[dict[str, str]]:
    """Push and pull of one chain; run in a process of its own, whose libraries have as many threads as the case."""
    chain = random_chain(case.vocab_size, case.context_length, 1.0, case.dtype)
    flat, block = chain.next_token_probs.reshape(-1), chain.blocks[-1]
    A, M, V = block.shape
    vector = np.random.default_rng(SEED).random(chain.n_states)
    target = np.zeros(chain.n_states)
    pool = ThreadPoolExecutor(case.threads)
    works: dict[str, Callable[[], object]] = {
        "dot": lambda: (np.dot(flat, flat), np.copyto(target, vector)),
        "streams": lambda: streams(flat, vector, target, pool, case.threads),
        "push": lambda: streaming.push(block.weights, vector.reshape(A, M)),
        "pull": lambda: streaming.pull(block.weights, vector.reshape(M, V)),
        "chain push": lambda: chain.push(vector),
        "chain pull": lambda: chain.pull(vector),
    }
    note = ""
    try:
        matrix = in_csr(chain)
        transposed = matrix.T
        works |= {"scipy push": lambda: transposed @ vector, "scipy pull": lambda: matrix @ vector}
    except mg.TooLarge as refusal:
        note = f"no CSR: {refusal}"
    times = in_turns(works, rounds)
    return [row_of(case, product, bytes_moved(chain), times, note) for product in ("push", "pull")]


def row_of(case: Case, product: str, n_bytes: int, times: dict[str, list[float]], note: str) -> dict[str, str]:
    """What the table says of one product."""
    best = {name: min(seconds) for name, seconds in times.items()}
    floor = min(("dot", "streams"), key=lambda name: best[name])
    theirs = f"scipy {product}"
    return {
        "V": str(case.vocab_size),
        "L": str(case.context_length),
        "entries": f"{case.vocab_size ** (case.context_length + 1):,}",
        "dtype": case.dtype,
        "threads": str(case.threads),
        "product": product,
        "MB moved": f"{n_bytes / 1e6:.1f}",
        "seconds": spread(times[product]),
        "seconds of the chain's": spread(times[f"chain {product}"]),
        "seconds by dot": spread(times["dot"]),
        "seconds by streams": spread(times["streams"]),
        "floor": floor,
        "GB/s of the floor": f"{n_bytes / best[floor] / 1e9:.1f}",
        "times the floor": f"{best[product] / best[floor]:.2f}",
        "chain's, times the floor": f"{best[f'chain {product}'] / best[floor]:.2f}",
        "seconds of scipy's CSR": spread(times[theirs]) if theirs in times else "",
        "times faster than scipy's CSR": f"{best[theirs] / best[product]:.1f}" if theirs in times else "",
        "note": note,
    }


def spread(seconds: Sequence[float]) -> str:
    """The smallest and the largest, in seconds."""
    return f"{min(seconds):.3g} to {max(seconds):.3g}"


def rows_of(cases: Sequence[Case], rounds: int) -> list[dict[str, str]]:
    """The table."""
    found = []
    for case in cases:
        found += in_a_process(measured, case, rounds, threads=case.threads)
        print(*(" | ".join(row.values()) for row in found[-2:]), sep="\n", flush=True)
    return found


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    rounds: int = option(ROUNDS, "times that each work is done, in turns")
    entries: float = option(ENTRIES, "of the tables, about")
    vocab_sizes: tuple[int, ...] = option((2, 3, 5, 27, 65), "tokens")
    largest: bool = option(True, f"also the table of {LARGEST[0]}^{LARGEST[1] + 1} entries, which no cache holds")

    @property
    def cases(self) -> list[Case]:
        """The tables and threads."""
        kinds = [(V, dtype) for V in self.vocab_sizes for dtype in ("float64", "float32")]
        found = [Case(V, length_near(V, self.entries), dtype, threads) for V, dtype in kinds for threads in (1, 2)]
        return found + [Case(*LARGEST, "float32", threads) for threads in (1, 2) if self.largest]


def make(settings: Settings, folder: Path) -> Findings:
    """Measure every case in a process of its own."""
    rows = rows_of(settings.cases, settings.rounds)
    mg.write_table(rows, folder, "table")
    ratios = [float(row["times the floor"]) for row in rows]
    faster = [float(row["times faster than scipy's CSR"]) for row in rows if row["times faster than scipy's CSR"]]
    alone = [row for row in rows if row["threads"] == "1" and row["dtype"] == "float32"]
    labels = [f"{row['V']}^{row['L']} {row['product']}" for row in alone]
    heights = {"times the floor": [float(row["times the floor"]) for row in alone]}
    bar_figure(heights, labels, folder / "floor.svg", x_label="windows, one thread", y_label="times the floor")
    largest = max(rows, key=lambda row: float(row["MB moved"]))
    return Findings(
        [
            f"A product takes {min(ratios):.2f} to {max(ratios):.2f} times what streaming its memory does.",
            f"On one table of {largest['entries']} entries it takes {largest['times the floor']} times that "
            f"({largest['product']}, {largest['threads']} threads).",
            f"It is {min(faster):.1f} to {max(faster):.1f} times faster than scipy's product of the same chain.",
        ],
        recorded={"seed": SEED},
    )


STUDY = Study(
    "streaming_speed",
    "How near to the speed of memory are the two products with a table of windows?",
    Settings(),
    Settings(rounds=1, entries=1e3, vocab_sizes=(3,), largest=False),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
