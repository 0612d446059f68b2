"""`markovgpt sweep`: a grid of settings, red texts, starts and checkpoints, into one table."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markovgpt.chains.sampling import ENGINES
from markovgpt.commands.options import add_windows, loaded, memory_budget, path, token_ids
from markovgpt.errors import InvalidInput
from markovgpt.export.record import RECORD
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.group import OFF
from markovgpt.sweeps.sweep import sweep


def add_sweep(sweeping: argparse.ArgumentParser) -> None:
    """The command's options."""
    sweeping.add_argument("models", metavar="MODEL", nargs="+", help="one or more checkpoints, before the options")
    add_windows(sweeping)
    sweeping.add_argument(
        "--red", metavar="TEXT", action="append", default=[], help="a red text; may be repeated, a row each"
    )
    sweeping.add_argument(
        "--red-tokens",
        metavar="IDS",
        type=token_ids,
        action="append",
        default=[],
        help="the same as token ids: 19,5,24",
    )
    sweeping.add_argument(
        "--start", metavar="TEXT", action="append", default=[], help="a window to begin with; likewise"
    )
    sweeping.add_argument(
        "--start-tokens", metavar="IDS", type=token_ids, action="append", default=[], help="the same as token ids"
    )
    sweeping.add_argument("--within", metavar="N", type=int, help="within N tokens; left out: ever")
    sweeping.add_argument(
        "--stop-tokens", metavar="IDS", type=token_ids, default=(), help="token ids that end the text"
    )
    sweeping.add_argument("--temperature", metavar="T", type=float, nargs="+", default=[1.0], help="one or more (1)")
    for name, kind, what in (
        ("--top-k", int, "whole numbers, or off"),
        ("--top-p", float, "masses, or off"),
        ("--min-p", float, "shares of the likeliest, or off"),
    ):
        sweeping.add_argument(name, metavar="X", type=_or_off(kind), nargs="+", default=[None], help=what)
    sweeping.add_argument("--engine", nargs="+", choices=ENGINES, default=[ENGINES[0]], help="whose order of settings")
    sweeping.add_argument(
        "--out", metavar="FOLDER", type=path, required=True, help="where the table, figure and record go"
    )
    sweeping.add_argument("--workers", metavar="N", type=int, help="processes of one thread each (the cores)")
    sweeping.set_defaults(answer=_sweep, resumable=True)


def _sweep(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    if len(set(given.models)) < len(given.models):
        raise InvalidInput("each MODEL must be given once, got one more often; leave it out")
    grid = SweepGrid(
        reds=[*given.red, *given.red_tokens],
        starts=[*given.start, *given.start_tokens],
        within=given.within,
        stop_tokens=given.stop_tokens,
        temperatures=given.temperature,
        top_ks=given.top_k,
        top_ps=given.top_p,
        min_ps=given.min_p,
        engines=given.engine,
    )
    file = sweep(
        {path: loaded(path, given) for path in given.models},
        grid,
        given.out,
        workers=given.workers,
        with_prefixes=given.prefixes,
        context_length=given.context_length,
        directory=given.on_disk,
        memory_budget=memory_budget(given),
        progress=True,
    )
    if given.json:
        record = json.loads((Path(given.out) / RECORD).read_text(encoding="utf-8"))
        seconds = round(time.perf_counter() - began, 3)
        print(json.dumps({"question": "sweep", "table": str(file), "files": record["files"], "seconds": seconds}))
        return
    print(file)


def _or_off(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """A number, or the word that turns a setting off."""

    def read(text: str) -> Any:
        try:
            return None if text == OFF else kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a number or {OFF}, got {text!r}") from None

    return read
