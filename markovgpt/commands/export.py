"""`markovgpt export`: a model's chain, or one of a file, as a file for other programs."""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from markovgpt.analysis.arguments import start_distribution, target_mask
from markovgpt.analysis.greedy import greedy_machine
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.red import red_tokens
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import Mask
from markovgpt.commands.draw import FILES, PICTURES
from markovgpt.commands.options import (
    add_common,
    add_start,
    chain_of,
    path,
    red_of,
    settings_of,
    start_of,
    stop_tokens_of,
    token_ids,
)
from markovgpt.errors import InvalidInput
from markovgpt.exchange.chain_files import WRITERS, kind_of, read_chain
from markovgpt.scaled import FloatArray

GRAPHS = {{".tex": "tikz"}.get(ending, ending[1:]): write for ending, write in {**PICTURES, **FILES}.items()}
ENDINGS = {"tikz": ".tex", "prism": ".tra", "storm": ".tra"}  # where they are not the kind itself
ASKED_OF_A_MODEL = ("red", "red_tokens", "start", "start_tokens", "stop", "stop_tokens")


class Exported(NamedTuple):
    """A chain, and what is said about its states."""

    chain: TransitionOperator
    labels: dict[str, Mask]
    initial: Mask
    rewards: dict[str, FloatArray]


def add_export(export: argparse.ArgumentParser) -> None:
    """The command's options."""
    export.description = (
        "Labels: red, the windows that end with a red text; start, the window to begin with (initial; left "
        "out: every window is); stop, the windows that end with a stop token; attractors, the windows on a cycle at "
        "temperature zero. MODEL may be a chain file (.umb, .drn, .tra), which keeps its own labels."
    )
    add_common(export)
    export.add_argument(
        "--as", dest="kind", metavar="KIND", required=True, choices=(*WRITERS, *GRAPHS),
        help=", ".join((*WRITERS, *GRAPHS)),
    )  # fmt: skip
    export.add_argument(
        "--out", metavar="PATH", type=path, help="the file that is written; left out: chain and the kind's ending, here"
    )
    said = export.add_argument_group("what is said about the windows")
    red = said.add_mutually_exclusive_group()
    red.add_argument("--red", metavar="TEXT", action="append", help="label red: windows that end so; may be repeated")
    red.add_argument("--red-tokens", metavar="IDS", type=token_ids, action="append", help="the same as token ids: 1,2")
    add_start(said.add_mutually_exclusive_group(), "label start, and initial: the window of this text")
    stop = said.add_mutually_exclusive_group()
    stop.add_argument("--stop", metavar="TEXT", help="label stop: windows that end with a token of TEXT")
    stop.add_argument("--stop-tokens", metavar="IDS", type=token_ids, help="the same as token ids")
    export.set_defaults(answer=_export)


def _export(given: argparse.Namespace) -> None:
    ending = ENDINGS.get(given.kind, f".{given.kind}")
    if given.out is None:
        given.out = f"chain{ending}"
    elif given.kind in GRAPHS and Path(given.out).suffix.lower() != ending:
        raise InvalidInput(f"--out must end in {ending} for --as {given.kind}, got {given.out!r}; rename it")
    is_file = Path(given.model).is_file() and kind_of(given.model) is not None
    whole = _of_file(given) if is_file else _of_model(given)
    if given.kind in GRAPHS:
        start = int(np.argmax(whole.initial)) if whole.initial.sum() == 1 else None
        file = GRAPHS[given.kind](whole.chain, given.out, red=whole.labels.get("red"), start=start)
    else:
        write = WRITERS[given.kind]
        file = write(whole.chain, given.out, labels=whole.labels, initial=whole.initial, rewards=whole.rewards)
    if given.json:
        counts = {name: int(mask.sum()) for name, mask in whole.labels.items()}
        states = {"states": whole.chain.n_states, "initial": int(whole.initial.sum()), "labels": counts}
        print(json.dumps({"question": "export", "file": str(file), "as": given.kind, **states}))
    else:
        print(file)


def _of_file(given: argparse.Namespace) -> Exported:
    """A chain file, with all that it says.

    Raises
    ------
    InvalidInput: options that are about a model.
    """
    asked = [f"--{name.replace('_', '-')}" for name in ASKED_OF_A_MODEL if getattr(given, name) is not None]
    if asked or settings_of(given) != SamplingSettings():
        raise InvalidInput(
            f"a chain file has its labels and probabilities, got {asked[0] if asked else 'sampling settings'} beside "
            f"{given.model}; leave it out, or export the model"
        )
    found = read_chain(given.model)
    return Exported(found.chain, dict(found.labels), found.initial, dict(found.rewards))


def _of_model(given: argparse.Namespace) -> Exported:
    """A model's chain, and the labels that were asked for."""
    chain, _, table, _ = chain_of(given)
    labels: dict[str, Mask] = {}
    if (red := red_of(given)) is not None:
        labels["red"] = target_mask(chain, red, "--red", instead="`markovgpt reach`")
    initial = np.ones(chain.n_states, dtype=bool)
    if (start := start_of(given)) is not None:
        initial = start_distribution(chain, start) > 0
        labels["start"] = initial
    if stop := stop_tokens_of(given, chain.vocabulary):
        labels["stop"] = target_mask(chain, red_tokens(*((token,) for token in stop)), "--stop")
    labels["attractors"] = np.zeros(chain.n_states, dtype=bool)
    for cycle in greedy_machine(table).cycles:
        labels["attractors"][cycle] = True
    return Exported(chain, labels, initial, {})
