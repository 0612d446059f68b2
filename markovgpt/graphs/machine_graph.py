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
from markovgpt.graphs.graphviz_layout import graphviz_layout
from markovgpt.graphs.label_places import roomiest
from markovgpt.graphs.lettering import drawable
from markovgpt.graphs.loop_layout import loops_with_tails
from markovgpt.graphs.picture import FILL, RED, checked_name, write_picture
from markovgpt.graphs.placed_graph import BLUE, Arrow, Caption, Node, PlacedGraph, begun
from markovgpt.graphs.state_layout import MOST_DRAWN, POINTS, extent_of
from markovgpt.graphs.tikz import write_tikz_picture

LONGEST_TOKEN, LONGEST_LOOP, MOST_NAMED = 12, 48, 3  # characters of a token and of a loop; tokens on an arrow
CENTIMETRES = 2.54  # of an inch
MOST_ARROWS = 250  # of a machine that reads: 2 s; twice as many take a minute
BOLD = 2.2  # points of a loop's arrow
Kept = NDArray[np.int64]


def placed_machine(machine: MooreMachine, *, only_loops: bool = False) -> PlacedGraph:
    """A machine as nodes, arrows, labels and captions with places.

    Loops are circles with the tails around them. Of a machine that reads any token every step is drawn, with the tokens
    that are read; its states are placed by Graphviz, from left to right.

    Parameters
    ----------
    only_loops: leave out the tails; captions still say how many windows lead into each loop.

    Raises
    ------
    InvalidInput: a machine that reads, and no Graphviz on this machine.
    TooLarge: more than 150 states would be drawn, or of a machine that reads more than 250 arrows.
    """
    kept, bare = _unplaced(machine, only_loops=only_loops)
    if len(kept) > MOST_DRAWN:
        remedy = (
            "restrict the machine to what is reachable from a prompt (start=)"
            if only_loops
            else "draw the loops alone (only_loops=True), or the machine from a prompt (start=)"
        )
        raise TooLarge(f"a drawing must have at most {MOST_DRAWN} states, got {len(kept)}; {remedy}")
    bare = _lettered(bare)
    if not machine.is_reading or only_loops:
        return begun(_with_loops(machine, kept, bare))
    if len(bare.arrows) > MOST_ARROWS:
        raise TooLarge(
            f"a drawing of a machine that reads must have at most {MOST_ARROWS} arrows, got {len(bare.arrows)}; draw "
            "the loops alone (only_loops=True), or write it as text (write_machine_dot)"
        )
    pairs = [(arrow.source, arrow.target) for arrow in bare.arrows]

    def at(room: float) -> PlacedGraph:
        places, ways = graphviz_layout(len(kept), pairs, bare.diameter, "dot", room, sideways=True)
        nodes = [replace(node, x=float(x), y=float(y)) for node, (x, y) in zip(bare.nodes, places, strict=True)]
        arrows = [replace(arrow, way=ways[pair]) for arrow, pair in zip(bare.arrows, pairs, strict=True)]
        return begun(replace(bare, nodes=tuple(nodes), arrows=tuple(arrows)))

    return roomiest(at)


def _unplaced(machine: MooreMachine, *, only_loops: bool) -> tuple[Kept, PlacedGraph]:
    """Which states are drawn, and these and their steps without places."""
    on_loop = machine.graph.steps == 0
    kept = np.flatnonzero(on_loop) if only_loops else np.arange(machine.n_states)
    number = np.full(machine.n_states, -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    nodes = [
        Node(
            0.0,
            0.0,
            _shortened(machine.label(state)),
            _short(int(machine.n_folded[state])),
            strong=bool(on_loop[state]),
            doubled=machine.completed is not None and bool(machine.completed[state]),
            begin=180.0 if state == machine.begin else None,
        )
        for state in kept.tolist()
    ]
    if machine.is_reading and not only_loops:
        arrows = list(reading_arrows(machine))
    else:
        after = number[machine.successor[kept]].tolist()
        arrows = [_step(place, target, bool(on_loop[kept[place]])) for place, target in enumerate(after) if target >= 0]
    return kept, PlacedGraph(tuple(nodes), tuple(arrows), points=POINTS)


def _lettered(bare: PlacedGraph) -> PlacedGraph:
    """The graph with texts that a picture can show, and nodes that hold them."""
    nodes = tuple(replace(node, label=drawable(node.label, LONGEST_TOKEN)) for node in bare.nodes)
    arrows = tuple(replace(arrow, label=drawable(arrow.label, MOST_NAMED * LONGEST_TOKEN)) for arrow in bare.arrows)
    diameter = max([1.0, *(extent_of(node.label, node.note, POINTS) for node in nodes)])
    return replace(bare, nodes=nodes, arrows=arrows, diameter=diameter)


def _with_loops(machine: MooreMachine, kept: Kept, bare: PlacedGraph) -> PlacedGraph:
    """Places on loops and around them, and a caption for each loop."""
    folded = np.bincount(machine.graph.basin, machine.n_folded, minlength=len(machine.cycles)).astype(np.int64)
    noun = "window" if machine.completed is None else "state"  # with a target, a window and what has been written
    captions = [
        (drawable(machine.cycle_label(loop), LONGEST_LOOP), f"{count:,} {noun}{'' if count == 1 else 's'}")
        for loop, count in enumerate(folded)
    ]
    graph = FunctionalGraph.of(np.array([arrow.target for arrow in bare.arrows], dtype=np.int64))
    weight = np.zeros(len(kept), dtype=np.int64)
    weight[np.searchsorted(kept, [states[0] for states in machine.cycles])] = folded
    places = loops_with_tails(graph, captions, weight, bare.diameter)
    nodes = [replace(node, x=float(x), y=float(y)) for node, (x, y) in zip(bare.nodes, places.states, strict=True)]
    arrows = [replace(arrow, way=way) for arrow, way in zip(bare.arrows, places.ways, strict=True)]
    return replace(bare, nodes=tuple(nodes), arrows=tuple(arrows), captions=places.captions)


def machine_graph(machine: MooreMachine, *, only_loops: bool = False) -> graphviz.Digraph:
    """The machine as a Graphviz graph, of any size, every node in its place.

    Of a machine that reads, and of one of more than 150 states, places are left to Graphviz.
    """
    kept, bare = _unplaced(machine, only_loops=only_loops)
    pinned = len(kept) <= MOST_DRAWN and (only_loops or not machine.is_reading)
    graph = placed_machine(machine, only_loops=only_loops) if pinned else bare
    drawn = graphviz.Digraph(engine="neato" if pinned else "dot")
    size = f"{graph.diameter / CENTIMETRES:.3f}"
    drawn.attr("node", shape="circle", fontname="Helvetica", fontsize="13", margin="0", fixedsize="shape", width=size)
    drawn.attr("edge", fontname="Helvetica", fontsize="11", arrowsize="0.7")
    drawn.attr(rankdir="LR", splines="true", outputorder="edgesfirst")
    for place, (node, whole) in enumerate(zip(graph.nodes, bare.nodes, strict=True)):
        drawn.node(f"s{place}", label=_label(whole), **_look(node), **(_pin(node) if pinned else {}))
    joined = {(arrow.source, arrow.target) for arrow in graph.arrows}
    for arrow in graph.arrows:
        look = {"penwidth": f"{arrow.width:g}", "color": arrow.colour}
        if pinned and (arrow.target, arrow.source) in joined:
            look |= _ports(graph, arrow)
        drawn.edge(f"s{arrow.source}", f"s{arrow.target}", label=graphviz.escape(arrow.label), **look)
    for place, caption in enumerate(graph.captions):
        text = graphviz.escape("\n".join(caption.lines))
        drawn.node(f"c{place}", label=text, shape="plaintext", fixedsize="false", fontsize="12", **_pin(caption))
    return drawn


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
            named = [_shortened(machine.shown((token,))) for token in read[:MOST_NAMED]]
            rest = [f"+{len(read) - MOST_NAMED}"] if len(read) > MOST_NAMED else []
            label = "else" if target == common else " ".join([*named, *rest])
            arrows.append(_step(state, target, target == int(machine.successor[state]), label))
    return tuple(arrows)


def write_machine_dot(machine: MooreMachine, path: str | Path, *, only_loops: bool = False) -> Path:
    """Write the machine as DOT text, one of any size; of more than 150 states without places. Returns the path."""
    file = Path(path)
    file.write_text(machine_graph(machine, only_loops=only_loops).source, encoding="utf-8")
    return file


def write_machine_tikz(
    machine: MooreMachine, path: str | Path, *, only_loops: bool = False, standalone: bool = True
) -> Path:
    """Write the machine as TikZ, what `draw_machine` draws in the same places. Returns the path.

    Parameters
    ----------
    standalone: whether the file compiles by itself; else it holds the picture alone.

    Other parameters and refusals as for `placed_machine`.
    """
    return write_tikz_picture(placed_machine(machine, only_loops=only_loops), path, standalone=standalone)


def draw_machine(machine: MooreMachine, path: str | Path, *, only_loops: bool = False) -> Path:
    """Draw the machine; the name's ending says the format: .svg, .pdf or .png. Returns the path.

    Parameters and refusals as for `placed_machine`, and another ending.
    """
    checked_name(path)
    return write_picture(placed_machine(machine, only_loops=only_loops), path)


def _step(source: int, target: int, strong: bool, label: str = "") -> Arrow:
    """A step without a way; those of loops, or of what the machine says itself, are bold."""
    return Arrow(source, target, (), label, width=BOLD, colour=BLUE) if strong else Arrow(source, target, (), label)


def _shortened(text: str) -> str:
    """A token that is cut where it is too long for a picture."""
    return text if len(text) <= LONGEST_TOKEN else text[: LONGEST_TOKEN - 1] + "…"


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
    if node.begin is not None:
        look["penwidth"] = "2.5"
    return look
