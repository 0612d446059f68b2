"""What is shown of a chain: the whole of it, or of a large one the part that a reader can see.

Each view is a directed graph of networkx that can be drawn, written as a file, or looked through:

    nodes    the state's number, with ``label``, ``n_states``, ``absorbing``, ``cycle`` (on a cycle when every state is
             followed by its likeliest), and where it was asked for ``red``, ``start``, ``long_run`` and its bounds
             ``long_run_lower`` and ``long_run_upper``
    edges    as `TransitionOperator.to_networkx` has them
    graph    ``title``, ``left_out`` (a sentence, empty where nothing is left out) and ``mass_left_out``, an upper bound
             of the share of the long run of the states that are not shown

Steps to states that are left out are not shown either.
"""

import networkx as nx
import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.chains.operator import TransitionOperator
from markovgpt.graphs.marked_states import Marking, entitled, require_size


def state_graph(
    chain: TransitionOperator, *, red: Target | None = None, start: Start | None = None, long_run: bool = False
) -> "nx.DiGraph[int]":
    """Which states are there, and which leads to which? All of them.

    Parameters
    ----------
    red: states to mark: a bool mask (n_states,), state numbers, a text, a pattern or a function from windows.
    start: where it begins, to mark: a state, a distribution, a window or a text.
    long_run: whether each state says which share of the long run it has, from the start where there is one.

    Raises
    ------
    InvalidInput: red or a start that does not fit the chain; a long run without a start of a chain with several.
    TooLarge: more than 10,000 states or 200,000 edges; the other views show parts.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> graph = state_graph(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]), red=[1])
    >>> graph.nodes[1]
    {'label': '1', 'n_states': 1, 'absorbing': True, 'cycle': True, 'red': True}
    >>> graph.edges[0, 1]["weight"], graph.graph["title"]
    (0.5, 'All 2 states')
    """
    require_size(chain.n_states)
    marks = Marking.of(chain, red, start, long_run=long_run)
    graph = marks.graph_of(np.ones(chain.n_states, dtype=bool))
    return entitled(graph, f"All {chain.n_states} states" if chain.n_states > 1 else "The only state")
