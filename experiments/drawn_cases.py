"""What experiments on speed have in common: drawn logits, every time taken twice, and what is small enough."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike

import markovgpt as mg

SEED = 1337
ROWS_AT_ONCE = 10**6
Result = TypeVar("Result")


class Sized(Protocol):
    """A case of so many windows."""

    vocab_size: int
    context_length: int


def drawn_table(space: mg.StateSpace) -> mg.LogitTable:
    """Logits that are drawn, standard normal, in single precision; the same every time."""
    generator = np.random.default_rng(SEED)
    logits = np.empty((space.n_states, space.vocab_size), dtype=np.float32)
    for first in range(0, space.n_states, ROWS_AT_ONCE):
        rows = logits[first : first + ROWS_AT_ONCE]
        rows[:] = generator.standard_normal(rows.shape, dtype=np.float32)
    return mg.LogitTable(space, logits)


def random_chain(vocab_size: int, context_length: int, temperature: float, dtype: DTypeLike) -> mg.WindowChain:
    """The chain of drawn logits, its probabilities kept as float32 or float64."""
    table = drawn_table(mg.StateSpace(vocab_size, context_length))
    return mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature), dtype=dtype)


def twice(action: Callable[[], Result]) -> tuple[Result, str]:
    """What an action returned the second time, and the seconds of the first run and of the second."""
    began = time.perf_counter()
    action()  # not kept, so that the second run has its room
    between = time.perf_counter()
    result = action()
    return result, f"{between - began:.2f}, {time.perf_counter() - between:.2f}"


def within(cases: Sequence[Any], most_windows: float) -> list[Any]:
    """The cases (`Sized`) of at most so many windows, in their order.

    Raises
    ------
    InvalidInput: there is none.
    """
    kept = [case for case in cases if windows_of(case) <= most_windows]
    if not kept:
        least = min(map(windows_of, cases))
        raise mg.InvalidInput(f"most_windows must leave a case, got {most_windows:g}; the smallest has {least:,}")
    return kept


def windows_of(case: Sized) -> int:
    """How many windows a case has."""
    return case.vocab_size**case.context_length
