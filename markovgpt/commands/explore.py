"""`markovgpt explore`: one page to look at a model, or at two checkpoints of it."""

import argparse
import json
from pathlib import Path

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
from markovgpt.errors import InvalidInput
from markovgpt.explorer.explore import explore


def add_explore(exploring: argparse.ArgumentParser) -> None:
    """The command's options."""
    exploring.description = (
        "One HTML file that needs no network and no server: open it from the disk. The sampling settings "
        "are those that its sliders stand at first."
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
    if given.prefixes:
        raise InvalidInput("--prefixes must be left out, got it; the page shows the windows of full length alone")
    settings = settings_of(given)
    paths = [given.model] if given.before is None else [given.before, given.model]
    *before, model = (loaded(place, given) for place in paths)
    page = explore(
        model,
        given.out,
        before=before[0] if before else None,
        settings=settings,
        red=given.red_tokens if given.red is None else given.red,
        start=start_of(given),
        horizon=given.within,
        seed=given.seed,
        title=given.title,
        note=given.note,
        weights=not given.no_weights,
        context_length=given.context_length,
        directory=given.on_disk,
        memory_budget=memory_budget(given),
        progress=True,
        workers=given.workers,
    )
    if given.json:
        said = {"states": page.n_states, "bytes": Path(given.out).stat().st_size, "inside": page.has_inside}
        print(json.dumps({"question": "explore", "file": str(given.out), "models": paths, **said}))
    else:
        print(given.out)
