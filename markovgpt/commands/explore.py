"""`markovgpt explore`: one page to look at a model, or at two checkpoints of it."""

import argparse
import json
from typing import Any

from markovgpt.chains.logits import LogitTable, tabulate
from markovgpt.commands.options import (
    add_common,
    add_start,
    loaded,
    memory_budget,
    path,
    settings_of,
    start_of,
    token_ids,
)
from markovgpt.explorer.content import page_content
from markovgpt.explorer.page import assembled
from markovgpt.explorer.weights import embedded_weights
from markovgpt.models.protocol import NextTokenModel


def add_explore(commands: Any) -> None:
    """The command and its options."""
    exploring = commands.add_parser(
        "explore",
        help="one page to look at it: its states, its inside, and answers that follow the sliders",
        description="One HTML file that needs no network and no server: open it from the disk. The sampling settings "
        "are those that its sliders stand at first.",
    )
    add_common(exploring)
    exploring.add_argument("--out", metavar="FILE", type=path, default="page.html", help="ends in .html (%(default)s)")
    exploring.add_argument("--before", metavar="MODEL", help="another checkpoint, shown beside it")
    asked = exploring.add_argument_group("what is asked at first")
    red = asked.add_mutually_exclusive_group()
    red.add_argument("--red", metavar="TEXT", action="append", help="windows that end so are red; may be repeated")
    red.add_argument("--red-tokens", metavar="IDS", type=token_ids, action="append", help="the same as token ids: 1,2")
    add_start(asked.add_mutually_exclusive_group(), "the window to begin with (token 0 alone)")
    asked.add_argument("--within", metavar="N", type=int, default=10, help="tokens of P(red within N) (%(default)s)")
    asked.add_argument("--seed", metavar="S", type=int, default=1337, help="of the walk (%(default)s)")
    said = exploring.add_argument_group("what is written above the picture")
    said.add_argument("--title", metavar="TEXT", help="(which models they are)")
    said.add_argument("--note", metavar="TEXT", default="", help="a sentence below the title")
    exploring.add_argument("--no-weights", action="store_true", help="leave the inside of the model out")
    exploring.set_defaults(answer=_explore)


def _explore(given: argparse.Namespace) -> None:
    settings = settings_of(given)
    paths = [given.model] if given.before is None else [given.before, given.model]
    names = ["model"] if given.before is None else ["before", "after"]
    models = {name: loaded(place, given) for name, place in zip(names, paths, strict=True)}
    tables = {name: _tabulated(model, given) for name, model in models.items()}
    inside = {} if given.no_weights else {name: embedded_weights(model) for name, model in models.items()}
    content = page_content(
        tables,
        settings=settings,
        red=given.red_tokens if given.red is None else given.red,
        start=start_of(given),
        horizon=given.within,
        seed=given.seed,
        title=given.title,
        note=given.note,
        weights={name: found.content for name, found in inside.items()},
    )
    page = assembled(content)
    file = page.write(given.out)
    if given.json:
        states = next(iter(tables.values())).space.n_states
        has_inside = any(found.content is not None for found in inside.values())
        sizes = {"states": states, "bytes": file.stat().st_size, "inside": has_inside}
        print(json.dumps({"question": "explore", "file": str(file), "models": paths, **sizes}))
    else:
        print(file)


def _tabulated(model: NextTokenModel, given: argparse.Namespace) -> LogitTable:
    """The logits of every full window."""
    return tabulate(
        model,
        context_length=given.context_length,
        directory=given.on_disk,
        memory_budget=memory_budget(given),
        progress=True,
        workers=given.workers,
    )
