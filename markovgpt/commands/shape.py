"""`markovgpt shape`: classes and periods, entropy, how soon the chain forgets and how much it remembers."""

import argparse
import math
import time
from collections.abc import Callable

import numpy as np

from markovgpt.analysis.arguments import start_distribution
from markovgpt.analysis.entropy import EntropyRate, entropy_rate
from markovgpt.analysis.memory_order import MemoryUse, memory_use
from markovgpt.analysis.mixing import MixingTime, mixing_time
from markovgpt.analysis.recurrence import reversibility_gap
from markovgpt.analysis.result import Answer
from markovgpt.analysis.shape import ChainShape, chain_shape
from markovgpt.analysis.spectrum import spectral_gap
from markovgpt.chains.window_chain import WindowChain
from markovgpt.commands.options import add_common, add_start, chain_of, start_of
from markovgpt.commands.output import MOST_LINES, bits_shown, counted, gap_shown, print_json
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.export.tables import certified_digits

Found = EntropyRate | Answer | MixingTime | MemoryUse | str


def add_shape(shape: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common(shape)
    add_start(shape.add_mutually_exclusive_group(), "where the long run begins, where it matters")
    shape.add_argument("--memory-use", action="store_true", help="the bits that shorter contexts would lose")
    shape.set_defaults(answer=_shape)


def _shape(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    chain, settings, table, _ = chain_of(given)
    start = start_of(given)
    if start is not None:
        start_distribution(chain, start)  # refused before anything is asked
    shape = chain_shape(chain)
    questions: dict[str, Callable[[], Found]] = {
        "entropy_rate": lambda: entropy_rate(chain, start=start),
        "spectral_gap": lambda: spectral_gap(chain),
        "mixing_time": lambda: mixing_time(chain),
        "reversibility_gap": lambda: reversibility_gap(chain),
    }
    if given.memory_use:
        questions["memory_use"] = lambda: memory_use(chain)
    answers = {name: _or_why_not(question) for name, question in questions.items()}
    if given.json:
        plain = {name: found if isinstance(found, str) else found.summary() for name, found in answers.items()}
        print_json("shape", settings, table, began, {"shape": shape.summary(), **plain})
        return
    print("\n".join(_classes(shape, chain)))
    for name, found in answers.items():
        print(f"{name.replace('_', ' ')}: {found if isinstance(found, str) else _line(found)}")


def _or_why_not(question: Callable[[], Found]) -> Found:
    """An answer, or what is said where there is none."""
    try:
        return question()
    except (InvalidInput, NotConverged) as refused:
        return str(refused)


def _classes(shape: ChainShape, chain: WindowChain) -> list[str]:
    """The classes for a reader: those that are come back to, the first ones, and how many windows are not."""
    classes = f"{counted(chain.n_states, 'window')} in {counted(shape.n_classes, 'class')}"
    lines = [f"{classes}, of which the chain stays for ever in {int(shape.recurrent.sum())}"]
    places = np.flatnonzero(shape.periods > 0)
    for place in places[np.argsort(~shape.recurrent[places], kind="stable")][:MOST_LINES].tolist():
        kind = "recurrent" if shape.recurrent[place] else "transient"
        label = chain.label(int(shape.first_states[place]))
        size = counted(int(shape.sizes[place]), "window")
        lines.append(f"  {kind}: {size}, period {shape.periods[place]}, as {label}")
    if len(places) > MOST_LINES:
        lines.append(f"  ... and {len(places) - MOST_LINES} more")
    never = int((shape.periods == 0).sum())
    return [*lines, f"  {counted(never, 'window')} the chain never comes back to"] if never else lines


def _line(found: EntropyRate | Answer | MixingTime | MemoryUse) -> str:
    """An answer for a reader."""
    if isinstance(found, EntropyRate):
        return f"{bits_shown(found)} bits per token, perplexity {found.perplexity:.6g}"
    if isinstance(found, MixingTime):
        until = f"to within {found.epsilon:g} of the long run, from any start"
        if found.is_exact:
            return "none by proof" if math.isinf(found.lower) else f"{counted(int(found.lower), 'token')} {until}"
        return f"{found.lower} to {found.upper} tokens {until}"
    if isinstance(found, MemoryUse):
        return "; ".join(f"{row.order} tokens lose {certified_digits(row.lost_bits)} bits" for row in found.orders)
    return gap_shown(found)
