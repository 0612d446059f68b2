"""`markovgpt draw`: the state graph of a model, all of it or the part that a reader can see, as a picture or a file."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from markovgpt.chains.operator import TransitionOperator
from markovgpt.commands.options import add_common, add_start, chain_of, path, red_of, start_of, token_ids
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.graphs.dot import write_dot
from markovgpt.graphs.drawing import draw, write_tikz
from markovgpt.graphs.graph_files import write_gexf, write_graphml
from markovgpt.graphs.merged_views import condensation_graph, suffix_graph
from markovgpt.graphs.shown_graph import StateGraph
from markovgpt.graphs.state_layout import LAYOUTS, MOST_DRAWN
from markovgpt.graphs.views import around_red, heaviest_states, likely_steps, state_graph, ways_to_red

PICTURES: dict[str, Callable[..., Path]] = {
    ".svg": draw,
    ".pdf": draw,
    ".png": draw,
    ".dot": write_dot,
    ".tex": write_tikz,
}
FILES: dict[str, Callable[..., Path]] = {".graphml": write_graphml, ".gexf": write_gexf}
VIEWS = {
    "whole": ("all states", ()),
    "heaviest": ("the K with most of the long run", ("states",)),
    "red": ("red and what leads to it within N tokens, K of each distance", ("states", "steps")),
    "ways": ("the K likeliest ways from the start to red", ("ways",)),
    "condensation": ("the K communicating classes that it most likely ends in", ("states",)),
    "suffix": ("windows merged by their newest N tokens", ("length",)),
}  # what each shows, and the options that it takes
NEEDED = {"red": ("red",), "ways": ("red", "start")}


def add_draw(drawing: argparse.ArgumentParser) -> None:
    """The command's options."""
    drawing.description = (
        f"Views: {'; '.join(f'{name}, {shows}' for name, (shows, _) in VIEWS.items())}. What is left "
        "out is written in the picture, with its share of the long run."
    )
    add_common(drawing)
    endings = ", ".join((*PICTURES, *FILES))
    drawing.add_argument("--out", metavar="FILE", type=path, required=True, help=f"its ending says what: {endings}")
    shown = drawing.add_argument_group("what is shown")
    shown.add_argument("--view", choices=VIEWS, default="whole", help="(%(default)s)")
    shown.add_argument("--states", metavar="K", type=int, help="of heaviest and red (20), classes of condensation (50)")
    shown.add_argument("--steps", metavar="N", type=int, help="of red: how many tokens before it (1)")
    shown.add_argument("--ways", metavar="K", type=int, help="of ways: how many (10)")
    shown.add_argument("--length", metavar="N", type=int, help="of suffix: how many tokens are seen (1)")
    shown.add_argument("--least", metavar="P", type=float, help="leave out steps less likely than P")
    red = shown.add_mutually_exclusive_group()
    red.add_argument("--red", metavar="TEXT", action="append", help="windows that end so are red; may be repeated")
    red.add_argument("--red-tokens", metavar="IDS", type=token_ids, action="append", help="the same as token ids: 1,2")
    add_start(shown.add_mutually_exclusive_group(), "the window of this text is the start")
    shown.add_argument("--layout", choices=LAYOUTS, help="of a picture (circular); dot shows what flows where")
    drawing.set_defaults(answer=_draw)


def _draw(given: argparse.Namespace) -> None:
    ending = Path(given.out).suffix.lower()
    _check_options(given, ending)
    layout = given.layout or "circular"
    chain = chain_of(given).chain
    if given.view == "whole" and ending in PICTURES and chain.n_states > MOST_DRAWN:
        raise TooLarge(
            f"--view whole must have at most {MOST_DRAWN} states in a picture, got {chain.n_states:,}; take another "
            "--view, a shorter --context-length, or a file (.graphml)"
        )
    graph = _viewed(chain, given)
    if given.least is not None:
        graph = likely_steps(graph, given.least)
    file = PICTURES[ending](graph, given.out, layout=layout) if ending in PICTURES else FILES[ending](graph, given.out)
    if given.json:
        drawn = {"states": len(graph), "steps": graph.number_of_edges(), **graph.graph}
        print(json.dumps({"question": "draw", "file": str(file), "view": given.view, **drawn}))
    else:
        print(file)


def _check_options(given: argparse.Namespace, ending: str) -> None:
    """Refuse what does not go together, before anything is asked of the model.

    Raises
    ------
    InvalidInput: another ending, an option of another view, a view without what it needs, a layout for a file.
    """
    if ending not in (*PICTURES, *FILES):
        raise InvalidInput(f"--out must end in {', '.join((*PICTURES, *FILES))}, got {given.out!r}; rename it")
    if given.layout is not None and ending in FILES:
        raise InvalidInput(f"--layout must be of a picture, got it with {ending}, which has no places; leave it out")
    taken = VIEWS[given.view][1]
    for name in ("states", "steps", "ways", "length"):
        if getattr(given, name) is not None and name not in taken:
            others = ", ".join(view for view, (_, options) in VIEWS.items() if name in options)
            raise InvalidInput(f"--{name} must go with --view {others}, got --view {given.view}; leave one out")
    has = {"red": red_of(given) is not None, "start": start_of(given) is not None}
    for name in NEEDED.get(given.view, ()):
        if not has[name]:
            raise InvalidInput(f"--view {given.view} must have a {name}, got none; give --{name} TEXT")


def _viewed(chain: TransitionOperator, given: argparse.Namespace) -> StateGraph:
    """What is to be seen of a chain."""
    red, start = red_of(given), start_of(given)
    states = {} if given.states is None else {"k": given.states}
    if given.view == "heaviest":
        return heaviest_states(chain, red=red, start=start, **states)
    if given.view == "red":
        return around_red(chain, red, 1 if given.steps is None else given.steps, start=start, **states)
    if given.view == "ways":
        return ways_to_red(chain, red, start, k=10 if given.ways is None else given.ways)
    if given.view == "condensation":
        return condensation_graph(chain, red=red, start=start, **states)
    if given.view == "suffix":
        return suffix_graph(chain, 1 if given.length is None else given.length, red=red, start=start)
    return state_graph(chain, red=red, start=start)
