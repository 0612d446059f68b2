"""What the commands print: numbers in certified digits, or one JSON object."""

import dataclasses
import json
import time
from typing import Any

import numpy as np

from markovgpt.analysis.result import Answer
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.window_chain import WindowChain
from markovgpt.export.tables import certified_digits
from markovgpt.export.written_numbers import without_infinities

MOST_LINES = 20


def print_likeliest(chain: WindowChain, answer: Answer, states: np.ndarray) -> None:
    """The windows with the largest values, at most 20."""
    for place in np.argsort(-answer.log10, kind="stable")[:MOST_LINES].tolist():
        print(f"  {chain.label(int(states[place]))}  {certified_digits(answer, place)}")
    print_rest(len(states))


def print_rest(count: int) -> None:
    """How many lines were left out."""
    if count > MOST_LINES:
        print(f"  ... and {count - MOST_LINES} more (--json prints all)")


def print_json(
    question: str, settings: SamplingSettings, table: LogitTable, began: float, answer: dict[str, Any]
) -> None:
    """One object on stdout: question, model, settings, answer, states, seconds."""
    whole = {
        "question": question,
        "model": None if table.source is None else dataclasses.asdict(table.source),
        "settings": dataclasses.asdict(settings),
        **answer,
        "states": table.space.n_states,
        "seconds": round(time.perf_counter() - began, 3),
    }
    print(json.dumps(without_infinities(whole)))


def counted(n: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "loop"), counted(2, "loop")
    ('1 loop', '2 loops')
    """
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
