"""State graphs as DOT text, for Graphviz and what reads its language; the marks are those of the pictures."""

from pathlib import Path

import graphviz
import networkx as nx

from markovgpt.analysis.arguments import Start, Target
from markovgpt.chains.operator import TransitionOperator
from markovgpt.graphs.drawing import marked
from markovgpt.graphs.picture import FILL, RED
from markovgpt.graphs.state_layout import arrow_label, arrow_of, is_closed, label_of, note_of, token_looks

ENGINE = {"circular": "circo"}  # Graphviz's name of a layout, where it has another


def dot_graph(graph: "nx.DiGraph[int]", layout: str = "circular") -> graphviz.Digraph:
    """A state graph as a Graphviz graph; labels are whole.

    Parameters
    ----------
    layout: which of Graphviz's programs is to place it; "circular" is its circo.
    """
    drawn = graphviz.Digraph(engine=ENGINE.get(layout, layout))
    drawn.attr("node", shape="circle", fontname="Helvetica", fontsize="13", margin="0.04")
    drawn.attr("edge", fontname="Helvetica", fontsize="11", arrowsize="0.7")
    written = "\n".join(filter(None, (str(graph.graph.get(name, "")) for name in ("title", "left_out"))))
    drawn.attr(mindist="1.4" if len(graph) <= 20 else "0.6", label=graphviz.escape(written))
    number = {state: place for place, state in enumerate(graph)}
    for state, given in graph.nodes(data=True):
        look = {"shape": "square"} if is_closed(given) else {}
        if given.get("red"):
            look |= {"peripheries": "2", "color": RED, "fontcolor": RED}
        if given.get("start"):
            look["penwidth"] = "2.5"
        if given.get("cycle"):
            look |= {"style": "filled", "fillcolor": FILL}
        lines = filter(None, (label_of(given, state), note_of(given)))
        drawn.node(f"s{number[state]}", label=graphviz.escape("\n".join(lines)), **look)
    looks = token_looks(given["token"] for _, _, given in graph.edges(data=True) if "token" in given)
    for source, target, given in graph.edges(data=True):
        arrow = arrow_of(number[source], number[target], (), given, looks)
        width = f"{arrow.width:.2f}"
        label = graphviz.escape(arrow_label(given))
        drawn.edge(f"s{number[source]}", f"s{number[target]}", label=label, color=arrow.colour, penwidth=width)
    return drawn


def write_dot(
    chain: "TransitionOperator | nx.DiGraph[int]",
    path: str | Path,
    *,
    red: Target | None = None,
    start: Start | None = None,
    layout: str = "circular",
) -> Path:
    """Write a chain, or a view of it, as DOT text; parameters and refusals as for `draw`. Returns the path."""
    file = Path(path)
    file.write_text(dot_graph(marked(chain, red, start, layout), layout).source, encoding="utf-8")
    return file
