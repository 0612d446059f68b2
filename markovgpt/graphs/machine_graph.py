"""Pictures of the smallest machine at temperature zero: loops as circles, and the tails that lead into them.

In each state stands the token it says, and beneath how many windows are folded into it. Loops are filled, their arrows
bold; a target that has just been reached is a double red circle; where it begins has a bold rim.
"""

import html
import math
from dataclasses import replace
from pathlib import Path

import graphviz
import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.moore import MooreMachine
from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.errors import TooLarge
from markovgpt.graphs.dot import MOST_DRAWN, write_picture
from markovgpt.graphs.placed_graph import CHARACTER, Arrow, Caption, Node, PlacedGraph, bent_free, loops_with_tails
from markovgpt.graphs.tikz import tikz_picture

LONGEST_TOKEN, LONGEST_LOOP, MOST_NAMED = 12, 48, 3  # characters of a token and of a loop; tokens on an arrow
CENTIMETRES = 2.54  # of an inch
SMALL = 0.17  # width of a character of a count
MOST_ARROWS = 250  # of a machine that reads: 2 s; twice as many take a minute
RED, BLUE, GREY, FILL = "#b2182b", "#2b6ca3", "#8a8a8a", "#dbe9f6"
Kept = NDArray[np.int64]


def placed_machine(machine: MooreMachine, *, only_loops: bool = False) -> PlacedGraph:
    """A machine as nodes, arrows and captions with places.

    Parameters
    ----------
    only_loops: leave out the tails; captions still say how many windows lead into each loop.

    Raises
    ------
    TooLarge: more than 150 states would be drawn.
    """
    on_loop = machine.graph.steps == 0
    kept = np.flatnonzero(on_loop) if only_loops else np.arange(machine.n_states)
    if len(kept) > MOST_DRAWN:
        remedy = (
            "restrict the machine to what is reachable from a prompt (start=)"
            if only_loops
            else "draw the loops alone (only_loops=True), or the machine from a prompt (start=)"
        )
        raise TooLarge(f"a drawing must have at most {MOST_DRAWN} states, got {len(kept)}; {remedy}")
    number = np.full(machine.n_states, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    labels = [_shortened(machine.label(state), LONGEST_TOKEN) for state in kept.tolist()]
    notes = [_short(int(count)) for count in machine.n_folded[kept]]
    diameter = max(1.0, 0.4 + CHARACTER * max(map(len, labels)), 0.3 + SMALL * max(map(len, notes)))
    graph = FunctionalGraph.of(number[machine.successor[kept]])
    folded = np.bincount(machine.graph.basin, machine.n_folded, minlength=len(machine.cycles)).astype(np.int64)
    noun = "window" if machine.completed is None else "state"  # with a target, a window and what has been written
    captions = [
        (_shortened(machine.cycle_label(loop), LONGEST_LOOP), f"{count:,} {noun}{'' if count == 1 else 's'}")
        for loop, count in enumerate(folded)
    ]
    weight = np.zeros(len(kept), dtype=np.int64)
    weight[number[[states[0] for states in machine.cycles]]] = folded
    places = loops_with_tails(graph, captions, weight, diameter)
    nodes = tuple(
        Node(
            float(places.states[place, 0]),
            float(places.states[place, 1]),
            label,
            notes[place],
            strong=bool(on_loop[state]),
            doubled=machine.completed is not None and bool(machine.completed[state]),
            begin=state == machine.begin,
        )
        for place, (state, label) in enumerate(zip(kept.tolist(), labels, strict=True))
    )
    arrows = [
        Arrow(place, int(after), strong=bool(on_loop[kept[place]]), bend=float(places.bend[place]))
        for place, after in enumerate(graph.successor)
    ]
    if machine.is_reading and not only_loops:
        own = {(arrow.source, arrow.target): arrow.bend for arrow in arrows}
        arrows = [
            replace(arrow, bend=own[arrow.source, arrow.target])
            if (arrow.source, arrow.target) in own
            else bent_free(places.states, arrow, diameter)
            for arrow in reading_arrows(machine)
        ]
    return PlacedGraph(nodes, tuple(arrows), places.captions, diameter)


def machine_graph(machine: MooreMachine, *, only_loops: bool = False) -> graphviz.Digraph:
    """The machine as a Graphviz graph, every node in its place; parameters and refusals as for `placed_machine`.

    Of a machine that reads any token every step is drawn, with the tokens that are read, the step by its own word in
    bold; places are then left to Graphviz, which keeps room for what stands on the arrows.
    """
    placed = placed_machine(machine, only_loops=only_loops)
    pinned = only_loops or not machine.is_reading
    graph = graphviz.Digraph(engine="neato" if pinned else "dot")
    size = f"{placed.diameter / CENTIMETRES:.3f}"
    graph.attr("node", shape="circle", fontname="Helvetica", fontsize="13", margin="0", fixedsize="shape", width=size)
    graph.attr("edge", fontname="Helvetica", fontsize="11", arrowsize="0.7", color=GREY)
    graph.attr(rankdir="LR", splines="true", outputorder="edgesfirst")
    for place, node in enumerate(placed.nodes):
        graph.node(f"s{place}", label=_label(node), **_look(node), **(_pin(node) if pinned else {}))
    joined = {(arrow.source, arrow.target) for arrow in placed.arrows}
    for arrow in placed.arrows:
        look = {"penwidth": "2.2", "color": BLUE} if arrow.strong else {}
        if pinned and (arrow.target, arrow.source) in joined:
            look |= _ports(placed, arrow)
        graph.edge(f"s{arrow.source}", f"s{arrow.target}", label=graphviz.escape(arrow.label), **look)
    for place, caption in enumerate(placed.captions if pinned else ()):
        text = graphviz.escape("\n".join(caption.lines))
        graph.node(f"c{place}", label=text, shape="plaintext", fixedsize="false", fontsize="12", **_pin(caption))
    return graph


def reading_arrows(machine: MooreMachine) -> tuple[Arrow, ...]:
    """The steps of a machine that reads, those from one state to another as one arrow: which tokens are read.

    The most common step of a state, if its tokens are more than three, is "else".
    """
    arrows = []
    for state in range(machine.n_states):
        after = machine.next_state[state]
        targets, counts = np.unique(after, return_counts=True)
        common = int(targets[np.argmax(counts)]) if counts.max() > MOST_NAMED else -1
        for target in targets.tolist():
            read = np.flatnonzero(after == target).tolist()
            named = [machine.shown((token,)) for token in read[:MOST_NAMED]]
            rest = [f"+{len(read) - MOST_NAMED}"] if len(read) > MOST_NAMED else []
            label = "else" if target == common else " ".join([*named, *rest])
            arrows.append(Arrow(state, target, label, strong=target == int(machine.successor[state])))
    return tuple(arrows)


def write_machine_dot(machine: MooreMachine, path: str | Path, *, only_loops: bool = False) -> Path:
    """Write the machine as DOT text, one of any size; of more than 150 states without places. Returns the path."""
    file = Path(path)
    whole = not only_loops and machine.n_states > MOST_DRAWN
    graph = _unplaced(machine) if whole else machine_graph(machine, only_loops=only_loops)
    file.write_text(graph.source, encoding="utf-8")
    return file


def write_machine_tikz(machine: MooreMachine, path: str | Path, *, only_loops: bool = False) -> Path:
    """Write the machine as a tikzpicture; parameters and refusals as for `placed_machine`. Returns the path."""
    file = Path(path)
    file.write_text(tikz_picture(placed_machine(machine, only_loops=only_loops)), encoding="utf-8")
    return file


def draw_machine(machine: MooreMachine, path: str | Path, *, only_loops: bool = False) -> Path:
    """Draw the machine; the name's ending says the format: .svg, .png or .pdf. Returns the path.

    Parameters and refusals as for `placed_machine`, and another ending, no Graphviz on this machine, or of a machine
    that reads more than 250 arrows, which Graphviz takes minutes to keep apart.
    """
    if machine.is_reading and not only_loops and machine.n_states <= MOST_DRAWN:
        n_arrows = len(reading_arrows(machine))
        if n_arrows > MOST_ARROWS:
            raise TooLarge(
                f"a drawing of a machine that reads must have at most {MOST_ARROWS} arrows, got {n_arrows}; draw the "
                "loops alone (only_loops=True), or write it as text (write_machine_dot)"
            )
    return write_picture(path, lambda: machine_graph(machine, only_loops=only_loops))


def _unplaced(machine: MooreMachine) -> graphviz.Digraph:
    """All states and steps, for Graphviz to place."""
    graph = graphviz.Digraph()
    for state in range(machine.n_states):
        label = graphviz.escape(f"{machine.label(state)}\n{int(machine.n_folded[state])}")
        graph.node(f"s{state}", label=label)
    steps = (
        reading_arrows(machine)
        if machine.is_reading
        else [Arrow(state, after) for state, after in enumerate(machine.successor.tolist()) if after >= 0]
    )
    for arrow in steps:
        graph.edge(f"s{arrow.source}", f"s{arrow.target}", label=graphviz.escape(arrow.label))
    return graph


def _shortened(text: str, longest: int) -> str:
    """A text that is cut where it is too long for a picture."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _short(count: int) -> str:
    """A count that fits in a node: in thousands or millions from 100,000 on.

    >>> _short(19683), _short(531441), _short(14348907)
    ('19,683', '531k', '14.3M')
    """
    return f"{count:,}" if count < 10**5 else f"{count / 1000:.0f}k" if count < 999_500 else f"{count / 10**6:.1f}M"


def _pin(thing: Node | Caption) -> dict[str, str]:
    """Where Graphviz is to put something."""
    return {"pos": f"{thing.x / CENTIMETRES:.4f},{thing.y / CENTIMETRES:.4f}!"}


def _ports(graph: PlacedGraph, arrow: Arrow) -> dict[str, str]:
    """Where an arrow leaves and enters, if there is one back too or it is a loop of its own: beside that, or on top."""
    begin, end = graph.nodes[arrow.source], graph.nodes[arrow.target]
    if arrow.source == arrow.target:
        return {"tailport": "n", "headport": "n"}
    way = math.degrees(math.atan2(end.y - begin.y, end.x - begin.x))
    return {"tailport": _compass(way + 45), "headport": _compass(way + 135)}


def _compass(angle: float) -> str:
    """The point of the compass, of eight, nearest to an angle counted from the east."""
    return ("e", "ne", "n", "nw", "w", "sw", "s", "se")[round(angle / 45) % 8]


def _label(node: Node) -> str:
    """What stands in a node, as Graphviz reads it: the count in small beneath."""
    text = html.escape(node.label).replace("\\", "\\\\")  # one backslash and N would be the node's name
    return f'<{text or " "}<br/><font point-size="8">{node.note}</font>>'


def _look(node: Node) -> dict[str, str]:
    """How a node is marked."""
    look = {"style": "filled", "fillcolor": FILL if node.strong else "white"}
    if node.doubled:
        look |= {"shape": "doublecircle", "color": RED}
    if node.begin:
        look["penwidth"] = "2.5"
    return look
