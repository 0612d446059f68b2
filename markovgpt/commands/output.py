"""What the commands print: numbers in certified digits, or one JSON object."""

import dataclasses
import json
import time
from typing import Any

import numpy as np

from markovgpt.analysis.entropy import EntropyRate
from markovgpt.analysis.result import Answer
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.window_chain import WindowChain
from markovgpt.exchange.written_numbers import without_infinities
from markovgpt.export.tables import certified_digits

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


def gap_shown(gap: Answer) -> str:
    """A spectral gap: in certified digits, or as an estimate beside what is proved.

    >>> from markovgpt.analysis.spectrum import spectral_gap
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> gap_shown(spectral_gap(SparseChain.from_matrix([[0.0, 1.0], [1.0, 0.0]])))
    '0'
    """
    digits = certified_digits(gap)
    return f"about {gap.value:.4g} (at least {gap.lower:.2g})" if digits.startswith("[") else digits


def bits_shown(rate: EntropyRate) -> str:
    """An entropy rate in bits, in the digits that both bounds have.

    >>> from markovgpt.analysis.entropy import entropy_rate
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> bits_shown(entropy_rate(SparseChain.from_matrix([[0.0, 1.0], [1.0, 0.0]])))
    '0'
    """
    if rate.bits_lower == rate.bits_upper:
        return f"{rate.bits:g}"
    for digits in range(12, 0, -1):
        if f"{rate.bits_lower:#.{digits}g}" == f"{rate.bits_upper:#.{digits}g}":
            return f"{rate.bits_lower:#.{digits}g}"
    return f"[{rate.bits_lower!r}, {rate.bits_upper!r}]"


def counted(n: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "loop"), counted(2, "loop"), counted(2, "class")
    ('1 loop', '2 loops', '2 classes')
    """
    return f"{n} {thing}" if n == 1 else f"{n} {thing}{'es' if thing.endswith('s') else 's'}"
