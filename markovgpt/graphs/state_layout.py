"""A state graph as what is drawn: its states, marks and arrows with their places, and what is written around it.

What is drawn is a networkx DiGraph: nodes with ``label`` and, where they are known, ``n_states``, ``long_run`` or a
``share`` of anything else, ``red``, ``start``, ``absorbing``, ``recurrent`` and ``cycle``; edges with ``weight`` and,
where one token leads there, ``token`` and ``token_label``; the graph with ``title`` and ``left_out``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np

from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export.figures import PALETTE
from markovgpt.graphs.graphviz_layout import ENGINES, graphviz_layout
from markovgpt.graphs.label_places import labelled, n_bare, roomiest
from markovgpt.graphs.legend import Entry, with_legend
from markovgpt.graphs.lettering import drawable, height_of, width_of
from markovgpt.graphs.placed_graph import GREY, INNER_RIM, SMALL, SQUARE, Arrow, Node, PlacedGraph, begun
from markovgpt.graphs.ring_layout import ring_layout

MOST_DRAWN = 150  # more circles than a page holds
MOST_ARROWS = 5000  # of which it already is black
LAYOUTS = ("circular", *ENGINES)
LONGEST = 12  # characters of a label
POINTS = 10.0  # of letters in the nodes of a small graph
SIZES: tuple[tuple[int, float, float, float], ...] = (
    (30, 9.0, 7.0, 0.95),
    (70, 7.5, 6.0, 0.75),
    (MOST_DRAWN, 6.5, 5.5, 0.65),
)  # states, points, points, diameter
DASHES = ((), (4.0, 1.5), (1.2, 1.2), (5.0, 1.2, 1.2, 1.2))  # so that tokens differ without colour
MOST_TOKENS = len(PALETTE) * len(DASHES)
PALEST = 0.5  # ink of an arrow of next to no probability
MARKS = (
    ("red", Node(0, 0, "", doubled=True), "red", "with red states"),
    ("start", Node(0, 0, "", begin=180.0), "start", "with the start"),
    ("closed", Node(0, 0, "", square=True), "never left", "never left"),
    (
        "cycle",
        Node(0, 0, "", strong=True),
        "on a cycle of temperature zero",
        "with states on a cycle of temperature zero",
    ),
)  # in a legend: of states, and of nodes that are several


def placed_states(graph: "nx.DiGraph[int]", layout: str = "circular") -> PlacedGraph:
    """Where do states, arrows and labels of a state graph stand?

    Parameters
    ----------
    layout: "circular", or one of Graphviz's: "dot" shows what flows where.

    Raises
    ------
    InvalidInput: an unknown layout, or one of Graphviz's without Graphviz.
    TooLarge: more than 150 states, or 5,000 arrows.
    """
    n = graph.number_of_nodes()
    check_drawn(n, layout)
    if graph.number_of_edges() > MOST_ARROWS:
        raise TooLarge(
            f"a drawing must have at most {MOST_ARROWS:,} arrows, got {graph.number_of_edges():,}; keep the likely "
            "tokens (top_k), draw a part of it (heaviest_states, ways_to_red), or write it as text (write_dot)"
        )
    number = {state: place for place, state in enumerate(graph)}
    points, arrow_points, least = next(sizes[1:] for sizes in SIZES if n <= sizes[0])
    unplaced = [_node(state, given) for state, given in graph.nodes(data=True)]
    diameter = max([least, *(_extent(node, points) for node in unplaced)])
    pairs = [(number[source], number[target]) for source, target in graph.edges]
    looks = token_looks(given["token"] for _, _, given in graph.edges(data=True) if "token" in given)
    order = sorted(graph.edges(data=True), key=lambda edge: float(edge[2].get("weight", 1.0)))

    def at(room: float) -> PlacedGraph:
        places, ways = (
            ring_layout(n, pairs, diameter, room)
            if layout == "circular"
            else graphviz_layout(n, pairs, diameter, layout, room)
        )
        nodes = [replace(node, x=float(x), y=float(y)) for node, (x, y) in zip(unplaced, places, strict=True)]
        arrows = [
            arrow_of(number[source], number[target], ways[number[source], number[target]], given, looks)
            for source, target, given in order
        ]
        return begun(PlacedGraph(tuple(nodes), tuple(arrows), (), (), diameter, points, arrow_points))

    return _explained(roomiest(at) if n <= SIZES[0][0] else labelled(at(1.0)), graph, looks)


def check_drawn(n_states: int, layout: str) -> None:
    """Refuse what cannot be drawn.

    Raises
    ------
    InvalidInput: an unknown layout.
    TooLarge: more than 150 states.
    """
    if layout not in LAYOUTS:
        raise InvalidInput(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}; circular is the notebook's")
    if n_states > MOST_DRAWN:
        raise TooLarge(
            f"a drawing must have at most {MOST_DRAWN} states, got {n_states:,}; draw a part of it (heaviest_states, "
            "around_red, ways_to_red, condensation_graph, suffix_graph), or a shorter context (--context-length)"
        )


def arrow_of(
    source: int, target: int, way: Any, given: Mapping[str, Any], looks: Mapping[int, tuple[str, tuple[float, ...]]]
) -> Arrow:
    """One arrow, as wide and dark as it is likely, in the colour and the dashes of its token."""
    from matplotlib.colors import to_hex, to_rgb  # late: matplotlib takes half a second to import

    weight = min(float(given.get("weight", 1.0)), 1.0)
    colour, dashes = looks.get(given.get("token", -1), (GREY, ()))
    ink = PALEST + (1 - PALEST) * weight
    shade = to_hex(tuple(1 - ink * (1 - np.array(to_rgb(colour)))))
    return Arrow(source, target, way, arrow_label(given, LONGEST), None, 0.5 + 1.7 * weight, shade, dashes)


def arrow_label(given: Mapping[str, Any], longest: int | None = None) -> str:
    """What stands on an arrow: the token and its percentage, as the notebook writes it.

    Parameters
    ----------
    longest: characters of the token, where it is for a picture; else it is as it is.

    >>> arrow_label({"weight": 0.25, "token": 0, "token_label": "a"}), arrow_label({"weight": 1.0})
    ('a(25%)', '100%')
    """
    shown = percent(float(given["weight"]), given.get("log10_probability")) if "weight" in given else ""
    token = given.get("token_label", given.get("token"))
    if token is None:
        return shown
    named = str(token) if longest is None else drawable(str(token), longest)
    return f"{named}({shown})" if shown else named


def percent(probability: float, log10: float | None = None) -> str:
    """A probability in whole percent, a smaller one in one digit; 0% and 100% are left to the impossible and the sure.

    Parameters
    ----------
    log10: its decimal logarithm, where it may be too small for a double.

    >>> percent(0.7316), percent(0.0013), percent(1e-9), percent(0.0, -400.0), percent(0.9999), percent(1.0)
    ('73%', '0.1%', '1e-9', '1e-400', '>99%', '100%')
    """
    if probability < 0.95e-4 and (probability or log10 is not None):
        return _power(math.log10(probability) if log10 is None else log10)
    if probability < 0.0095:
        return f"{100 * probability:.1g}%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{100 * probability:.0f}%"


def _power(log10: float) -> str:
    """A number in one digit, by its decimal logarithm."""
    exponent = math.floor(log10)
    digit = round(10 ** (log10 - exponent))
    return f"1e{exponent + 1}" if digit == 10 else f"{digit}e{exponent}"


def token_looks(tokens: Any) -> dict[int, tuple[str, tuple[float, ...]]]:
    """A colour and dashes for each of at most 24 tokens, the lowest ones.

    >>> token_looks([3, 1, 3])
    {1: ('#0072B2', ()), 3: ('#D55E00', (4.0, 1.5))}
    """
    return {
        token: (PALETTE[place % len(PALETTE)], DASHES[(place // len(PALETTE) + place) % len(DASHES)])
        for place, token in enumerate(sorted(set(tokens))[:MOST_TOKENS])
    }


def label_of(given: Mapping[str, Any], state: object) -> str:
    """What stands in a state."""
    return str(given.get("label", state))


def note_of(given: Mapping[str, Any]) -> str:
    """What stands beneath a label: how many states it is of, and its share, of the long run if not said."""
    many = f"×{given['n_states']:,}" if given.get("n_states", 1) > 1 else ""
    part = float(given.get("share", given.get("long_run", 0.0)))
    share = percent(part) if part > 0 else ""
    return " ".join(filter(None, (many, share)))


def extent_of(label: str, note: str, points: float) -> float:
    """The diameter of a circle around a label and what stands beneath it."""
    lines = [(label, points), (note, SMALL * points)] if note else [(label, points)]
    width = max(width_of(text, size) for text, size in lines)
    return math.hypot(width, 0.8 * sum(height_of(size) for _, size in lines)) + 0.12


def _extent(node: Node, points: float) -> float:
    """The diameter of a node that holds its label within its rims."""
    inside = (INNER_RIM if node.doubled else 1.0) * (SQUARE if node.square else 1.0)
    return extent_of(node.label, node.note, points) / inside


def is_closed(given: Mapping[str, Any]) -> bool:
    """Whether a node is never left: one state, or a class."""
    return bool(given.get("absorbing") or given.get("recurrent"))


def _node(state: int, given: Mapping[str, Any]) -> Node:
    """One state with its marks, without a place."""
    return Node(
        0.0,
        0.0,
        drawable(label_of(given, state), LONGEST),
        note_of(given),
        strong=bool(given.get("cycle", False)),
        doubled=bool(given.get("red", False)),
        square=is_closed(given),
        begin=180.0 if given.get("start", False) else None,
    )


def _explained(
    placed: PlacedGraph, graph: "nx.DiGraph[int]", looks: Mapping[int, tuple[str, tuple[float, ...]]]
) -> PlacedGraph:
    """The title, the marks that occur, the tokens where an arrow does not say its own, and what is not shown."""
    described = [{**given, "closed": is_closed(given)} for _, given in graph.nodes(data=True)]
    several = any(given.get("n_states", 1) > 1 for given in described)
    entries: list[Entry] = [
        (node, of_several if several else text)
        for name, node, text, of_several in MARKS
        if any(given.get(name) for given in described)
    ]
    bare = n_bare(placed)
    notes = ["how many states it is (×)"] * several
    notes += ["its share of the long run"] * any(given.get("long_run", 0) > 0 for given in described)
    sentences = [f"Within a node: {' and '.join(notes)}." if notes else "", str(graph.graph.get("left_out", ""))]
    if bare:
        entries += _token_entries(graph, looks)
        which = " colour and dashes tell the token," if looks else ""
        has = "has no room for its" if bare == 1 else "have no room for their"
        whose = f"{bare} of {len(placed.arrows)} arrows {has} label"
        sentences.insert(0, f"{whose}:{which} the width of a line its probability.")
    return with_legend(placed, entries, title=str(graph.graph.get("title", "")), sentences=sentences)


def _token_entries(graph: "nx.DiGraph[int]", looks: Mapping[int, tuple[str, tuple[float, ...]]]) -> Sequence[Entry]:
    """A sample of each token's arrows."""
    names = {given["token"]: given.get("token_label", given["token"]) for _, _, given in graph.edges(data=True)
             if "token" in given}  # fmt: skip
    entries: list[Entry] = [
        (Arrow(-1, -1, (), width=1.4, colour=colour, dashes=dashes), drawable(str(names[token]), LONGEST))
        for token, (colour, dashes) in looks.items()
    ]
    if len(names) > len(looks):
        entries.append((Arrow(-1, -1, (), width=1.4), "other tokens"))
    return entries
