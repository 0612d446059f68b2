"""State graphs in the style of the seed notebook: circular, ``token(percent)`` beside the arrows."""

from pathlib import Path

import networkx as nx
import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput
from markovgpt.graphs.picture import checked_name, write_picture
from markovgpt.graphs.state_layout import check_drawn, placed_states
from markovgpt.graphs.tikz import write_tikz_picture
from markovgpt.graphs.views import state_graph


def draw(
    chain: "TransitionOperator | nx.DiGraph[int]",
    path: str | Path,
    *,
    red: Target | None = None,
    start: Start | None = None,
    layout: str = "circular",
) -> Path:
    """Draw a chain, or a view of it; the name's ending says the format: .svg, .pdf or .png. Returns the path.

    An arrow is as wide and dark as it is likely, its colour and dashes are its token's. A red state has a double rim,
    the start a bold one and a small arrow into it, a state that is never left is a square, one on a cycle of
    temperature zero is filled. What has no room for a label is said, and so is what is left out.

    Parameters
    ----------
    chain: a chain, all of which is drawn, or a graph as the views make it.
    red: states to mark: a bool mask, state numbers, a text, a pattern; of a graph a bool mask over its nodes.
    start: a state, a window, a text or a distribution; of a graph one of its nodes.
    layout: "circular", or one of Graphviz's (dot, neato, fdp, twopi, circo): "dot" shows what flows where.

    Raises
    ------
    InvalidInput: another ending, red or a start that does not fit, an unknown layout, or one of Graphviz's without it.
    TooLarge: more than 150 states, or 5,000 arrows.
    """
    checked_name(path)
    return write_picture(placed_states(marked(chain, red, start, layout), layout), path)


def write_tikz(
    chain: "TransitionOperator | nx.DiGraph[int]",
    path: str | Path,
    *,
    red: Target | None = None,
    start: Start | None = None,
    layout: str = "circular",
    standalone: bool = True,
) -> Path:
    """Write what `draw` draws as TikZ, each thing in the same place. Returns the path.

    Parameters
    ----------
    standalone: whether the file compiles by itself (the class standalone, the library automata); else it holds the
        picture alone.

    Other parameters and refusals as for `draw`.
    """
    return write_tikz_picture(placed_states(marked(chain, red, start, layout), layout), path, standalone=standalone)


def marked(
    chain: "TransitionOperator | nx.DiGraph[int]", red: Target | None, start: Start | None, layout: str
) -> "nx.DiGraph[int]":
    """What is drawn of a chain, or a graph, with the marks that are given; refusals as for `draw`."""
    if isinstance(chain, TransitionOperator):
        check_drawn(chain.n_states, layout)
        return state_graph(chain, red=red, start=start)
    if not isinstance(chain, nx.DiGraph) or chain.is_multigraph() or not len(chain):
        raise InvalidInput(
            f"a drawing must be of a chain or a directed graph with at least one node, got {type(chain).__name__}; see "
            "state_graph"
        )
    check_drawn(len(chain), layout)
    if red is None and start is None:
        return chain
    graph = chain.copy()
    if red is not None:
        mask = np.asarray(red)
        if mask.shape != (len(graph),) or mask.dtype != bool:
            raise InvalidInput(
                f"red must be a bool mask of shape ({len(graph)},) over the nodes of the graph, got {mask.dtype} of "
                f"{mask.shape}; mark red when the graph is made"
            )
        nx.set_node_attributes(graph, dict(zip(graph, mask.tolist(), strict=True)), "red")
    if start is not None:
        if not isinstance(start, int | np.integer) or int(start) not in graph:
            raise InvalidInput(f"start must be a node of the graph, got {start}; mark it when the graph is made")
        nx.set_node_attributes(graph, {node: node == start for node in graph}, "start")
    return graph
