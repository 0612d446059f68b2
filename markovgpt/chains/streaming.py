"""The two products with a table of windows, near the speed at which memory can be read.

With M = V**(L-1) a full window is (a, m): its oldest token and the rest. Its successor on token t is (m, t), so with
the table p (A, M, V), A = V, nothing has to be looked up:

    pull: f -> sum_t p[a, m, t] f[m, t]          push: d -> sum_a d[a, m] p[a, m, t]

Both read the table once and in its order, in blocks of m small enough that what belongs to m stays in the processor's
cache for every a. Shorter windows are the same with A = 1. Sums are of float64, in any order: within (n + 1) 2**-53,
relative, of n non-negative terms.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.models.threads import torch_threads

Array = NDArray[np.float64]
Kernel = Callable[[NDArray[np.floating[Any]], Array, Array, int, int, int], None]

UNROLLED = 9  # up to so many tokens the loop over them is compiled for their number
BLOCK = {True: 256, False: 4096}  # m's in a block, unrolled or not: measured
ALONE = 2**17  # entries below which threads cost more than they bring


def pull(table: NDArray[np.floating[Any]], values: Array) -> Array:
    """sum_t p[a, m, t] f[m, t], (A, M), for p (A, M, V) and f (M, V).

    >>> pull(np.array([[[0.25, 0.75]]]), np.array([[4.0, 8.0]])).tolist()
    [[7.0]]
    """
    out = np.empty(table.shape[:2])
    _run(_pull_kernel, table, values, out)
    return out


def push(table: NDArray[np.floating[Any]], mass: Array) -> Array:
    """sum_a d[a, m] p[a, m, t], (M, V), for p (A, M, V) and d (A, M).

    >>> push(np.array([[[0.25, 0.75]], [[1.0, 0.0]]]), np.array([[4.0], [8.0]])).tolist()
    [[9.0, 3.0]]
    """
    out = np.empty(table.shape[1:])
    _run(_push_kernel, table, mass, out)
    return out


def _run(kernel_for: Callable[[int], Kernel], table: NDArray[np.floating[Any]], vector: Array, out: Array) -> None:
    """A kernel over all m, shared among the cores where the table is large."""
    M, V = table.shape[1:]
    kernel = kernel_for(V if V <= UNROLLED else 0)
    block, vector = BLOCK[V <= UNROLLED], np.ascontiguousarray(vector)
    workers = 1 if table.size < ALONE else min(torch_threads(), M)
    if workers == 1:
        kernel(table, vector, out, 0, M, block)
        return
    cuts = [M * worker // workers for worker in range(workers + 1)]
    list(_pool().map(lambda part: kernel(table, vector, out, part[0], part[1], block), pairwise(cuts)))


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads that run kernels, kept between products."""
    return ThreadPoolExecutor(torch_threads(), thread_name_prefix="markovgpt-streaming")


@cache
def _pull_kernel(constant: int) -> Kernel:
    """Pull over a range of m, compiled for a number of tokens, or for any where it is 0."""

    @compiled
    def pull_range(table, values, out, first, stop, block):  # type: ignore[no-untyped-def]
        A, _, given = table.shape
        V = constant if constant > 0 else given
        for low in range(first, stop, block):
            for a in range(A):
                for m in range(low, min(low + block, stop)):
                    total = 0.0
                    for t in range(V):
                        total += table[a, m, t] * values[m, t]
                    out[a, m] = total

    return pull_range


@cache
def _push_kernel(constant: int) -> Kernel:
    """Push over a range of m, compiled for a number of tokens, or for any where it is 0."""

    @compiled
    def push_range(table, mass, out, first, stop, block):  # type: ignore[no-untyped-def]
        A, _, given = table.shape
        V = constant if constant > 0 else given
        for low in range(first, stop, block):
            high = min(low + block, stop)
            for m in range(low, high):
                for t in range(V):
                    out[m, t] = 0.0
            for a in range(A):
                for m in range(low, high):
                    weight = mass[a, m]
                    for t in range(V):
                        out[m, t] += weight * table[a, m, t]

    return push_range
