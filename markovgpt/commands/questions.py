"""The commands about a whole chain: `demo`, `stationary`, `verify`, `greedy` and `draw`."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from markovgpt.analysis.greedy import greedy_machine
from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.chains.red import ending_with
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.commands.options import add_common, add_model, chain_of, path, table_of
from markovgpt.commands.output import MOST_LINES, print_json, print_likeliest, print_rest
from markovgpt.demo import FOLDER, run_demo
from markovgpt.export.dot import draw, write_dot
from markovgpt.export.verify import verify

HOLDS, DOES_NOT = 0, 3  # exit codes of `markovgpt verify`


def add_demo(commands: Any) -> None:
    """The command and its options."""
    demo = commands.add_parser("demo", help="the seed's baby GPT, end to end, into results/baby_gpt/")
    demo.add_argument(
        "--out", metavar="FOLDER", type=path, default=str(FOLDER), help="where the results go (%(default)s)"
    )
    demo.set_defaults(answer=_demo)


def add_stationary(commands: Any) -> None:
    """The command and its options."""
    stationary = commands.add_parser("stationary", help="where the chain lives in the long run")
    add_common(stationary)
    stationary.set_defaults(answer=_stationary)


def add_verify(commands: Any) -> None:
    """The command and its options."""
    verifying = commands.add_parser("verify", help="whether a certificate holds, checked in whole numbers")
    verifying.add_argument("file", metavar="FILE", help="as reach --certificate writes it")
    verifying.add_argument("--json", action="store_true", help="print one JSON object")
    verifying.set_defaults(answer=_verify)


def add_greedy(commands: Any) -> None:
    """The command and its options."""
    greedy = commands.add_parser("greedy", help="the loops it falls into at temperature 0")
    add_model(greedy)
    greedy.set_defaults(answer=_greedy)


def add_draw(commands: Any) -> None:
    """The command and its options."""
    drawing = commands.add_parser("draw", help="the state graph")
    add_common(drawing)
    drawing.add_argument("--out", metavar="FILE", type=path, required=True, help="ends in .svg, .png, .pdf or .dot")
    drawing.add_argument("--red", metavar="TEXT", help="mark the windows that end with this text")
    drawing.set_defaults(answer=_draw)


def _demo(given: argparse.Namespace) -> None:
    run_demo(given.out)


def _stationary(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    chain, settings, table, cuts = chain_of(given)
    found = stationary_distributions(chain)
    if given.json:
        classes = [
            {"windows": [chain.label(int(state)) for state in states], **answer.summary()}
            for states, answer in zip(found.classes, found.answers, strict=True)
        ]
        print_json("stationary", settings, table, began, {"cuts": asdict(cuts), "classes": classes})
        return
    for index, (states, answer) in enumerate(zip(found.classes, found.answers, strict=True)):
        print(f"recurrent class {index + 1} of {len(found.classes)}: {len(states)} of {chain.n_states} windows")
        print_likeliest(chain, answer, states)


def _verify(given: argparse.Namespace) -> int:
    verdict = verify(given.file)
    print(json.dumps(verdict.summary()) if given.json else verdict)
    return HOLDS if verdict.holds else DOES_NOT


def _greedy(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    table = table_of(given)
    machine = greedy_machine(table)
    sizes = np.bincount(machine.basin, minlength=len(machine.cycles)).tolist()
    loops = [
        {"loop": machine.cycle_label(index), "length": len(states), "basin": size}
        for index, (states, size) in enumerate(zip(machine.cycles, sizes, strict=True))
    ]
    if given.json:
        longest = int(machine.transient_length.max())
        margins = {"n_tied": machine.n_tied, "smallest_margin": machine.smallest_margin, "longest_transient": longest}
        print_json("greedy", SamplingSettings(temperature=0), table, began, {"loops": loops, **margins})
        return
    for loop in sorted(loops, key=lambda found: -int(found["basin"]))[:MOST_LINES]:
        origin = f"from {loop['basin']} of {table.space.n_states} windows"
        print(f"{loop['loop']!r} for ever ({loop['length']} windows), {origin}")
    print_rest(len(loops))
    print(f"windows with tied logits: {machine.n_tied}; smallest margin {machine.smallest_margin:.3g} nats")


def _draw(given: argparse.Namespace) -> None:
    chain = chain_of(given).chain
    red = None if given.red is None else ending_with(chain.space, given.red, chain.vocabulary)
    write = write_dot if Path(given.out).suffix == ".dot" else draw
    file = write(chain, given.out, red=red)
    print(json.dumps({"file": str(file)}) if given.json else file)
