"""The command `greedy`: what is left at temperature zero."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import start_state
from markovgpt.analysis.greedy import GreedyMachine, greedy_machine
from markovgpt.analysis.moore import MooreMachine
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.commands.options import add_model, add_start, path, start_of, table_of
from markovgpt.commands.output import MOST_LINES, counted, print_json, print_rest
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.graphs.machine_graph import draw_machine, write_machine_dot, write_machine_tikz


def add_greedy(greedy: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_model(greedy)
    add_start(greedy.add_mutually_exclusive_group(), "what it says from here on, alone")
    greedy.add_argument(
        "--minimise",
        metavar="NAME",
        type=path,
        help="write the smallest machine that says the same as NAME.dot, NAME.tex (TikZ) and NAME.svg",
    )
    greedy.add_argument("--reading", action="store_true", help="the machine that reads any token, not its own alone")
    greedy.add_argument(
        "--noise", metavar="NATS", type=float, help="count choices as close up to this (16 roundings of the logits)"
    )
    greedy.set_defaults(answer=_greedy)


def _greedy(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    if given.reading and given.minimise is None:
        raise InvalidInput("--reading is about the machine that --minimise writes, got no --minimise; give both")
    table = table_of(given)
    machine = greedy_machine(table, noise=given.noise)
    start = start_of(given)
    found: dict[str, Any] = {"loops": _loops(machine), **_certainty(machine)}
    if start is not None:
        said = machine.says(start)
        certain = bool(machine.close_calls.is_certain[start_state(machine, start)])
        found["says"] = {"once": machine.shown(said.once), "for_ever": machine.shown(said.for_ever), "certain": certain}
    if given.minimise is not None:
        found["smallest"] = _written(machine.minimised(reading=given.reading, start=start), given.minimise)
    if given.json:
        print_json("greedy", SamplingSettings(temperature=0), table, began, found)
        return
    if start is not None:
        doubt = "" if found["says"]["certain"] else ", unless a close choice on the way falls otherwise"
        print(f"from here '{found['says']['once']}' once, then '{found['says']['for_ever']}' for ever{doubt}")
    else:
        _print_loops(machine, found["loops"])
    _print_certainty(found)
    if given.minimise is not None:
        small = found["smallest"]
        print(f"smallest machine: {counted(small['states'], 'state')}; {', '.join(small['files'])}")


def _loops(machine: GreedyMachine) -> list[dict[str, Any]]:
    """The loops, the one with the largest basin first."""
    calls, sizes = machine.close_calls, machine.basin_sizes
    order = np.argsort(-sizes, kind="stable").tolist()
    lengths, certain = machine.cycle_lengths.tolist(), calls.cycle_is_certain.tolist()
    return [
        {
            "loop": machine.cycle_label(index),
            "length": lengths[index],
            "basin": int(sizes[index]),
            "certain": certain[index],
        }
        for index in order
    ]


def _certainty(machine: GreedyMachine) -> dict[str, Any]:
    """The margins, and what would change if a close choice fell the other way."""
    calls = machine.close_calls
    lost = [machine.cycle_label(index) for index in np.unique(calls.lost[calls.lost >= 0]).tolist()]
    closing = np.flatnonzero(calls.closes)
    closed = [machine.shown(_around(machine, index)) for index in closing[:MOST_LINES].tolist()]
    return {
        "n_tied": machine.n_tied,
        "smallest_margin": machine.smallest_margin,
        "longest_transient": machine.longest_transient,
        "close_choices": len(calls),
        "loops_lost_by_one": lost,
        "n_closed_by_one": len(closing),
        "loops_closed_by_one": closed,
        "windows_certain": int(calls.is_certain.sum()),
    }


def _around(machine: GreedyMachine, index: int) -> tuple[int, ...]:
    """What the loop says that a close choice would close."""
    calls = machine.close_calls
    return (int(calls.tokens[index]), *machine.token[calls.cycle(index)[1:]].tolist())


def _written(machine: MooreMachine, name: str) -> dict[str, Any]:
    """The smallest machine as files; drawn by its loops alone where the whole is too large."""
    folder = Path(name).parent
    folder.mkdir(parents=True, exist_ok=True)
    files = [write_machine_dot(machine, f"{name}.dot")]
    only_loops = False
    try:
        drawn = draw_machine(machine, f"{name}.svg")
    except TooLarge as refused:
        print(f"markovgpt: {refused}; so {name}.dot has the whole and the others its loops", file=sys.stderr)
        only_loops, drawn = True, draw_machine(machine, f"{name}.svg", only_loops=True)
    files += [write_machine_tikz(machine, f"{name}.tex", only_loops=only_loops), drawn]
    return {"states": machine.n_states, "only_loops": only_loops, "files": [str(file) for file in files]}


def _print_loops(machine: GreedyMachine, loops: list[dict[str, Any]]) -> None:
    """The loops as text, with their basins."""
    for loop in loops[:MOST_LINES]:
        doubt = "" if loop["certain"] else ", which a close choice could undo"
        origin = f"from {loop['basin']} of {machine.n_states} windows"
        print(f"'{loop['loop']}' for ever ({counted(loop['length'], 'window')}), {origin}{doubt}")
    print_rest(len(loops))
    print(f"longest way into a loop: {counted(machine.longest_transient, 'token')}")


def _print_certainty(found: dict[str, Any]) -> None:
    """The margins, and what hangs on them."""
    print(f"windows with tied logits: {found['n_tied']}; smallest margin {found['smallest_margin']:.3g} nats")
    if found["close_choices"]:
        print(f"choices within noise: {found['close_choices']}; one falling the other way would undo", end=" ")
        print(f"{counted(len(found['loops_lost_by_one']), 'loop')} and close {found['n_closed_by_one']} new")
