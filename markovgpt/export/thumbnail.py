"""The small drawing that a notebook shows: of a chain, a machine or a moment of a few states."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from markovgpt.analysis.moore import MooreMachine
from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput
from markovgpt.graphs.animation import Moment, draw_moment
from markovgpt.graphs.drawing import draw
from markovgpt.graphs.machine_graph import draw_machine
from markovgpt.graphs.shown_graph import StateGraph

MOST_DRAWN, MOST_ARROWS = 27, 120  # more is a disc of ink


def picture_of(thing: object) -> str | None:
    """The drawing of a chain, a view, a machine or a moment of at most 27 states and 120 arrows, as SVG; else None.

    None too of a machine that reads where no Graphviz is installed: the card says the rest.
    """
    if isinstance(thing, TransitionOperator):
        if thing.n_states > MOST_DRAWN or len(thing.edges().source) > MOST_ARROWS:
            return None
        return _drawn(lambda file: draw(thing, file))
    if isinstance(thing, StateGraph):
        if not 1 <= len(thing) <= MOST_DRAWN or thing.number_of_edges() > MOST_ARROWS:
            return None
        return _drawn(lambda file: draw(thing, file))
    if isinstance(thing, Moment):
        return None if thing.chain.n_states > MOST_DRAWN else _drawn(lambda file: draw_moment((thing,), 0, file))
    if isinstance(thing, MooreMachine):
        return None if thing.next_state.size > MOST_DRAWN else _drawn(lambda file: draw_machine(thing, file))
    return None


def _drawn(draw_to: Callable[[Path], object]) -> str | None:
    """What is drawn into an SVG file, without the lines before its root."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "picture.svg"
        try:
            draw_to(file)
        except InvalidInput:  # no Graphviz on this machine, which places machines that read
            return None
        text = file.read_text(encoding="utf-8")
    return text[text.index("<svg") :]
