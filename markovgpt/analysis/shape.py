"""The shape of a chain at a glance: how many classes of which sizes and periods, and which leads to which.

All of it from the support; over all windows no transition is listed, and no class either, of which there may be as many
as there are states.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.periodicity import Labels
from markovgpt.chains.states import Mask
from markovgpt.memory import require_memory
from markovgpt.shown import Shown

if TYPE_CHECKING:
    import networkx as nx

LARGEST_LISTED = 10  # recurrent classes that a summary lists
BYTES_PER_NODE, BYTES_PER_EDGE = 1300, 500  # of a graph in networkx


@dataclass(frozen=True, eq=False, repr=False)
class ChainShape(Shown):
    """The communicating classes of a chain, numbered in the order of their first states.

    Parameters
    ----------
    class_of: (n_states,) the class of each state.
    first_states: (n_classes,) the first state of each class, ascending.
    sizes: (n_classes,) its number of states.
    recurrent: (n_classes,) whether it is never left.
    periods: (n_classes,) its period; 0 is a state that never comes back.
    """

    class_of: Labels
    first_states: NDArray[np.int64]
    sizes: NDArray[np.int64]
    recurrent: Mask
    periods: NDArray[np.int64]

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.class_of)

    @property
    def n_classes(self) -> int:
        """Number of communicating classes."""
        return len(self.sizes)

    @property
    def is_irreducible(self) -> bool:
        """Whether every state leads to every other."""
        return self.n_classes == 1

    @property
    def is_aperiodic(self) -> bool:
        """Whether every recurrent class has the period 1, so that the chain settles from every start."""
        return bool((self.periods[self.recurrent] == 1).all())

    @cached_property
    def transient_states(self) -> NDArray[np.int64]:
        """The states that are left for ever, sooner or later."""
        return np.flatnonzero(~self.recurrent[self.class_of])

    @property
    def absorbing_states(self) -> NDArray[np.int64]:
        """The states that are never left."""
        return np.asarray(self.first_states[self.recurrent & (self.sizes == 1)])

    def summary(self) -> dict[str, Any]:
        """The numbers as a plain dict.

        ``recurrent_periods`` says how many recurrent classes have each period; ``largest_recurrent`` lists the ten
        largest, the first of equals first.
        """
        recurrent = np.flatnonzero(self.recurrent)
        listed = recurrent[np.argsort(-self.sizes[recurrent], kind="stable")][:LARGEST_LISTED]
        periods, counts = np.unique(self.periods[recurrent], return_counts=True)
        return {
            "states": self.n_states,
            "classes": self.n_classes,
            "recurrent_classes": len(recurrent),
            "transient_classes": self.n_classes - len(recurrent),
            "transient_states": len(self.transient_states),
            "absorbing_states": len(self.absorbing_states),
            "irreducible": self.is_irreducible,
            "aperiodic": self.is_aperiodic,
            "recurrent_periods": {
                str(one): count for one, count in zip(periods.tolist(), counts.tolist(), strict=True)
            },
            "largest_recurrent": [
                {
                    "first_state": int(self.first_states[found]),
                    "states": int(self.sizes[found]),
                    "period": int(self.periods[found]),
                }
                for found in listed
            ],
        }


def chain_shape(chain: TransitionOperator) -> ChainShape:
    """How many classes are there, of which sizes and periods, and which are never left?

    Method: R. E. Tarjan's components and one breadth-first search in each (`markovgpt.chains.search`,
    `markovgpt.chains.periodicity`): two or three passes over the table of windows, about 30 bytes a state beside it.

    A state that leads into a cycle of two, and one of three:

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> matrix = np.zeros((6, 6))
    >>> matrix[0, [1, 3]] = 0.5
    >>> matrix[[1, 2, 3, 4, 5], [2, 1, 4, 5, 3]] = 1
    >>> found = chain_shape(SparseChain.from_matrix(matrix))
    >>> found.sizes.tolist(), found.periods.tolist(), found.recurrent.tolist()
    ([1, 2, 3], [0, 2, 3], [False, True, True])
    >>> found.summary()["recurrent_periods"]
    {'2': 1, '3': 1}
    """
    labels, closed = chain.strong_components()
    n, n_classes = len(labels), len(closed)
    first = np.empty(n_classes, dtype=np.int64)
    first[labels[::-1]] = np.arange(n - 1, -1, -1)  # the last that is written stays
    order = np.argsort(first)
    number = np.empty(n_classes, dtype=np.int32)
    number[order] = np.arange(n_classes, dtype=np.int32)
    periods = chain.phases(labels)[0]
    sizes = np.bincount(labels, minlength=n_classes)
    return ChainShape(number[labels], first[order], sizes[order], closed[order], periods[order])


def condensation(chain: TransitionOperator) -> "nx.DiGraph[int]":
    """Which class leads to which? The graph without cycles whose nodes are the communicating classes.

    Nodes are the classes in the order of `communicating_classes`, with ``first_state``, ``size``, ``recurrent`` and
    ``period``; the graph carries ``class_of``, the class of each state, (n_states,). There is an edge where a
    transition leads from one class to another. The recurrent classes are the nodes without successors.

    Raises
    ------
    TooLarge: so many classes, or transitions between them, that the graph would not fit; `chain_shape` has numbers,
        sizes and periods of any number of classes.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> graph = condensation(SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    >>> list(graph.edges), graph.nodes[1]
    ([(0, 1)], {'first_state': 1, 'size': 2, 'recurrent': True, 'period': 2})
    """
    import networkx as nx  # late: it takes a tenth of a second to import

    found, remedy = chain_shape(chain), "ask for the classes alone (chain_shape)"
    require_memory(BYTES_PER_NODE * found.n_classes, f"{found.n_classes} classes as a graph", remedy)
    source, target = chain.links(found.class_of)
    require_memory(
        BYTES_PER_NODE * found.n_classes + BYTES_PER_EDGE * len(source),
        f"{found.n_classes} classes and {len(source)} edges between them as a graph",
        remedy,
    )
    graph: nx.DiGraph[int] = nx.DiGraph(class_of=found.class_of)
    columns = (found.first_states, found.sizes, found.recurrent, found.periods)
    for node, (first, size, recurrent, period) in enumerate(zip(*map(np.ndarray.tolist, columns), strict=True)):
        graph.add_node(node, first_state=first, size=size, recurrent=recurrent, period=period)
    graph.add_edges_from(zip(source.tolist(), target.tolist(), strict=True))
    return graph
