"""Places of states and ways of arrows by Graphviz, whose own layouts suit what flows in one direction.

The ``dot`` program finds them where it exists, otherwise the Graphviz inside the pygraphviz wheel (extra ``render``).
Labels get their places as in every other layout: Graphviz lets them lie on arrows in all layouts but dot.
"""

import importlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import graphviz
import numpy as np

from markovgpt.errors import InvalidInput
from markovgpt.graphs.placed_graph import Way, loop_way
from markovgpt.graphs.ring_layout import way_around
from markovgpt.scaled import FloatArray

ENGINES = ("dot", "neato", "fdp", "twopi", "circo")
CENTIMETRES = 2.54  # of an inch
Pair = tuple[int, int]


def graphviz_layout(
    n_states: int, arrows: Iterable[Pair], diameter: float, engine: str, room: float = 1.0, *, sideways: bool = False
) -> tuple[FloatArray, dict[Pair, Way]]:
    """Where Graphviz puts so many states, (n_states, 2), and how it leads the arrows; each is (source, target).

    Parameters
    ----------
    engine: one of Graphviz's layouts.
    room: how many times as much room as usual there is between states.
    sideways: whether "dot" goes from left to right.

    Raises
    ------
    InvalidInput: no Graphviz on this machine.
    """
    inches, apart = diameter / CENTIMETRES, room * diameter / CENTIMETRES
    graph = graphviz.Digraph(engine=engine)
    overlap = "scalexy" if engine == "twopi" else "false"  # of states in a line it takes 15 s to make "false" true
    graph.attr(splines="true", overlap=overlap, rankdir="LR" if sideways else "TB", outputorder="edgesfirst")
    graph.attr(nodesep=f"{0.6 * apart:.4f}", ranksep=f"{1.4 * apart:.4f}", mindist=f"{1.6 * apart:.4f}")
    graph.attr(sep=f"+{20 * room:.0f}", K=f"{2.5 * apart:.4f}")
    graph.attr("node", shape="circle", label="", fixedsize="true", width=f"{inches:.4f}")
    graph.attr("edge", arrowhead="none", len=f"{3 * apart:.4f}")
    for state in range(n_states):
        graph.node(f"s{state}")
    drawn = sorted(set(arrows))
    for source, target in drawn:
        if source != target:
            graph.edge(f"s{source}", f"s{target}")
    places, ways = _read(_plain(graph), n_states)
    if engine != "dot":  # of an arrow and the one back the others draw one line
        _part(places, ways, diameter)
    for state in (source for source, target in drawn if source == target):
        side = _free_side(places, ways, state, diameter)
        ways[state, state] = loop_way(places[state].tolist(), diameter / 2, side)
    return places, ways


def _read(plain: str, n_states: int) -> tuple[FloatArray, dict[Pair, Way]]:
    """The places and ways of Graphviz's plain text, in centimetres."""
    places = np.zeros((n_states, 2))
    ways: dict[Pair, Way] = {}
    for words in map(str.split, plain.splitlines()):
        if words[0] == "node":
            places[int(words[1][1:])] = _place(words[2:4])
        elif words[0] == "edge":
            numbers = words[4 : 4 + 2 * int(words[3])]
            control = tuple(_place(numbers[first : first + 2]) for first in range(0, len(numbers), 2))
            ways[int(words[1][1:]), int(words[2][1:])] = control
    return places, ways


def _part(places: FloatArray, ways: dict[Pair, Way], diameter: float) -> None:
    """Bend arrows apart that lead from one state to another and back."""
    bends: dict[Pair, float] = {}
    for source, target in sorted(ways):
        if (target, source) in ways:
            back = bends.get((target, source))
            bends[source, target], ways[source, target] = way_around(places, source, target, diameter, back)


def _place(words: Sequence[str]) -> tuple[float, float]:
    """A place in centimetres."""
    return CENTIMETRES * float(words[0]), CENTIMETRES * float(words[1])


def _free_side(places: FloatArray, ways: dict[Pair, Way], state: int, diameter: float) -> float:
    """The angle at which the arrow of a state to itself is furthest from all others."""
    near = [np.delete(places, state, axis=0), *(np.array(way) for pair, way in ways.items() if pair[0] != pair[1])]
    things = np.concatenate(near)

    def room(angle: float) -> float:
        way = np.array(loop_way(places[state].tolist(), diameter / 2, angle))[1:3]
        return float(np.hypot(*(way[:, None] - things).transpose(2, 0, 1)).min(initial=np.inf))

    return float(max(range(0, 360, 15), key=room))


def _plain(graph: graphviz.Digraph) -> str:
    """The graph with places, as Graphviz's plain text, by the installed program or by the wheel."""
    if shutil.which("dot"):
        return str(graph.pipe(format="plain", encoding="utf-8"))
    try:
        pygraphviz = importlib.import_module("pygraphviz")
    except ImportError as error:
        raise InvalidInput(
            f"the layout {graph.engine} needs Graphviz, got neither a dot program nor the pygraphviz package; "
            "pip install 'markovgpt[render]', or take the layout circular, which needs neither"
        ) from error
    with _silenced():
        found = pygraphviz.AGraph(string=graph.source).draw(format="plain", prog=graph.engine)
    return bytes(found).decode()


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep the wheel's font library from writing about the system's font files to file descriptor 2."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
