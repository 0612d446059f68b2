"""What experiments on speed have in common: drawn logits, every time taken twice, and a process for each case."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

import markovgpt as mg

SEED = 1337
ROWS_AT_ONCE = 10**6


def drawn_table(space: mg.StateSpace) -> mg.LogitTable:
    """Logits that are drawn, standard normal, in single precision; the same every time."""
    generator = np.random.default_rng(SEED)
    logits = np.empty((space.n_states, space.vocab_size), dtype=np.float32)
    for first in range(0, space.n_states, ROWS_AT_ONCE):
        rows = logits[first : first + ROWS_AT_ONCE]
        rows[:] = generator.standard_normal(rows.shape, dtype=np.float32)
    return mg.LogitTable(space, logits)


def twice(action: Callable[[], object]) -> str:
    """The seconds of an action, the first run and the second."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - began)
    return f"{seconds[0]:.2f}, {seconds[1]:.2f}"


def rows_of(module: str, cases: Sequence[Any]) -> list[dict[str, str]]:
    """The rows that a module prints when it is called with one case, each in a process of its own."""
    rows = []
    for case in cases:
        command = [sys.executable, "-m", module, json.dumps(asdict(case))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout))
        print(" | ".join(rows[-1].values()), flush=True)
    return rows
