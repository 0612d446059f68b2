"""The two products with a table of windows, near the speed at which memory can be read.

With M = V**(L-1) a full window is (a, m): its oldest token and the rest. Its successor on token t is (m, t), so with
the table p (A, M, V), A = V, nothing has to be looked up:

    pull: f -> sum_t p[a, m, t] f[m, t]          push: d -> sum_a d[a, m] p[a, m, t]

Both read the table once and in its order, in blocks of m small enough that what belongs to m stays in the processor's
cache for every a. Shorter windows are the same with A = 1. Sums are of float64, in any order: within (n + 1) 2**-53,
relative, of n non-negative terms. One token of each window can be left out of both.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.models.threads import torch_threads

Array = NDArray[np.float64]
Table = NDArray[np.floating[Any]]
Tokens = NDArray[np.int16]
Kernel = Callable[[Table, Array, Tokens, Array, int, int, int], None]

UNROLLED = 9  # up to so many tokens the loops over them are compiled for their number
AT_ONCE = 3  # up to so many the loop over a is unrolled too, and nothing has to be kept from one a to the next
BLOCK = 2**17  # numbers that belong to the m's of a block: they stay in the processor's cache; measured
ALONE = 2**17  # entries below which threads cost more than they bring
NOTHING_LEFT_OUT = np.zeros((0, 0), dtype=np.int16)


def pull(table: Table, values: Array, left_out: Tokens = NOTHING_LEFT_OUT) -> Array:
    """sum_t p[a, m, t] f[m, t], (A, M), for p (A, M, V) and f (M, V), without t = left_out[a, m] where that is given.

    >>> pull(np.array([[[0.25, 0.75]]]), np.array([[4.0, 8.0]])).tolist()
    [[7.0]]
    >>> pull(np.array([[[0.25, 0.75]]]), np.array([[4.0, 8.0]]), np.array([[1]], dtype=np.int16)).tolist()
    [[1.0]]
    """
    out = np.empty(table.shape[:2])
    _run(_pulled_without if left_out.size else _pulled_in_fours, table, values, left_out, out)
    return out


def push(table: Table, mass: Array, left_out: Tokens = NOTHING_LEFT_OUT) -> Array:
    """sum_a d[a, m] p[a, m, t], (M, V), for p (A, M, V) and d (A, M), without t = left_out[a, m] where that is given.

    >>> push(np.array([[[0.25, 0.75]], [[1.0, 0.0]]]), np.array([[4.0], [8.0]])).tolist()
    [[9.0, 3.0]]
    """
    out = np.empty(table.shape[1:])
    A, _, V = table.shape
    whole = _pushed_whole if A == V <= AT_ONCE else _pushed_in_fours
    _run(_pushed_without if left_out.size else whole, table, mass, left_out, out)
    return out


def _run(kernel_for: Callable[[int], Kernel], table: Table, vector: Array, left_out: Tokens, out: Array) -> None:
    """A kernel over all m, shared among the cores where the table is large."""
    M, V = table.shape[1:]
    kernel = kernel_for(V if V <= UNROLLED else 0)  # loops are compiled for few tokens, or for any number
    # what is left out is put to 0 and back in the vector that is read
    own = np.array(vector) if left_out.size else np.ascontiguousarray(vector)
    over_rows(kernel, M, table.size, table, own, left_out, out, block=max(1, BLOCK // V))


def workers_for(size: int, M: int) -> int:
    """How many threads share so many entries."""
    return 1 if size < ALONE else min(torch_threads(), M)


def over_rows(
    kernel: Callable[..., Any], M: int, size: int, *arguments: Any, block: int | None = None, parts: Any = None
) -> None:
    """Run a kernel over ranges of m, on as many threads as pay; ``parts`` holds an output of its own for each."""
    workers = workers_for(size, M)
    last = () if block is None else (block,)

    def work(worker: int) -> None:
        own = () if parts is None else (parts[worker],)
        kernel(*arguments, *own, M * worker // workers, M * (worker + 1) // workers, *last)

    if workers == 1:
        work(0)
    else:
        list(_pool().map(work, range(workers)))


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that run kernels, kept between products."""
    return ThreadPoolExecutor(torch_threads(), thread_name_prefix="markovgpt-streaming")


@cache
def _pulled_in_fours(constant: int) -> Kernel:
    """Pull over a range of m, four a's at once: values are read a quarter as often."""

    @compiled
    def four_at_once(table, values, left_out, out, first, stop, block):  # type: ignore[no-untyped-def]
        A, _, given = table.shape
        V = constant if constant > 0 else given
        for low in range(first, stop, block):
            high = min(low + block, stop)
            for a in range(0, A - 3, 4):
                for m in range(low, high):
                    one, two, three, four = 0.0, 0.0, 0.0, 0.0
                    for t in range(V):
                        value = values[m, t]
                        one += table[a, m, t] * value
                        two += table[a + 1, m, t] * value
                        three += table[a + 2, m, t] * value
                        four += table[a + 3, m, t] * value
                    out[a, m], out[a + 1, m], out[a + 2, m], out[a + 3, m] = one, two, three, four
            for a in range(A // 4 * 4, A):
                for m in range(low, high):
                    total = 0.0
                    for t in range(V):
                        total += table[a, m, t] * values[m, t]
                    out[a, m] = total

    return four_at_once


@cache
def _pulled_without(constant: int) -> Kernel:
    """Pull over a range of m, without a token of each window."""

    @compiled
    def one_by_one(table, values, left_out, out, first, stop, block):  # type: ignore[no-untyped-def]
        A, _, given = table.shape
        V = constant if constant > 0 else given
        for low in range(first, stop, block):
            for a in range(A):
                for m in range(low, min(low + block, stop)):
                    without = left_out[a, m]
                    kept = values[m, without]
                    values[m, without] = 0.0
                    total = 0.0
                    for t in range(V):
                        total += table[a, m, t] * values[m, t]
                    values[m, without] = kept
                    out[a, m] = total

    return one_by_one


@cache
def _pushed_in_fours(constant: int) -> Kernel:
    """Push over a range of m, four a's at once: sums are written a quarter as often."""

    @compiled
    def four_at_once(table, mass, left_out, out, first, stop, block):  # type: ignore[no-untyped-def]
        A, _, given = table.shape
        V = constant if constant > 0 else given
        for low in range(first, stop, block):
            high = min(low + block, stop)
            out[low:high] = 0.0
            for a in range(0, A - 3, 4):
                for m in range(low, high):
                    one, two, three, four = mass[a, m], mass[a + 1, m], mass[a + 2, m], mass[a + 3, m]
                    for t in range(V):
                        out[m, t] += (
                            one * table[a, m, t]
                            + two * table[a + 1, m, t]
                            + three * table[a + 2, m, t]
                            + four * table[a + 3, m, t]
                        )
            for a in range(A // 4 * 4, A):
                for m in range(low, high):
                    weight = mass[a, m]
                    for t in range(V):
                        out[m, t] += weight * table[a, m, t]

    return four_at_once


@cache
def _pushed_whole(constant: int) -> Kernel:
    """Push over a range of m for A = V few tokens: each sum is written once."""

    @compiled
    def all_at_once(table, mass, left_out, out, first, stop, block):  # type: ignore[no-untyped-def]
        for m in range(first, stop):
            for t in range(constant):
                total = 0.0
                for a in range(constant):
                    total += mass[a, m] * table[a, m, t]
                out[m, t] = total

    return all_at_once


@cache
def _pushed_without(constant: int) -> Kernel:
    """Push over a range of m, without a token of each window."""

    @compiled
    def one_by_one(table, mass, left_out, out, first, stop, block):  # type: ignore[no-untyped-def]
        A, _, given = table.shape
        V = constant if constant > 0 else given
        for low in range(first, stop, block):
            high = min(low + block, stop)
            out[low:high] = 0.0
            for a in range(A):
                for m in range(low, high):
                    weight, without = mass[a, m], left_out[a, m]
                    kept = out[m, without]
                    for t in range(V):
                        out[m, t] += weight * table[a, m, t]
                    out[m, without] = kept

    return one_by_one
