"""A state graph that shows itself in a notebook; else a directed graph of networkx like any other."""

import networkx as nx

from markovgpt.shown import Shown


class StateGraph(Shown, nx.DiGraph):  # type: ignore[type-arg]
    """What the views give: `markovgpt.graphs.views` says what stands on its nodes and edges.

    >>> graph = StateGraph([(0, 1), (1, 1)], title="Two states")
    >>> graph, graph.copy()
    (StateGraph(2 nodes, 2 edges), StateGraph(2 nodes, 2 edges))
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} nodes, {self.number_of_edges()} edges)"
