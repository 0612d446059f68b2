"""A chain as a list of transitions, with the products that `markovgpt.chains.sliding` has for windows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from markovgpt.chains.operator import Edges, matrix_of
from markovgpt.scaled import FloatArray, Numbers, as_floats
from markovgpt.sums import scatter_sum


@dataclass(frozen=True, eq=False)
class ListedTable:
    """The transitions of a chain.

    Parameters
    ----------
    edges: sorted by source; every state has at least one.
    size: number of states. Vectors are (size,).

    >>> table = ListedTable(Edges(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.25, 0.75, 1.0])), 2)
    >>> table.push(np.array([4.0, 1.0])).tolist(), table.push_others(np.array([4.0, 1.0])).tolist()
    ([2.0, 3.0], [1.0, 0.0])
    """

    edges: Edges
    size: int

    @property
    def is_scaled(self) -> bool:
        """Whether some weights lie below the range of doubles."""
        return not isinstance(self.edges.probability, np.ndarray)

    def push(self, mass: Numbers) -> Numbers:
        """What arrives of masses that leave."""
        return self._all.push(mass)

    def pull(self, values: Numbers) -> Numbers:
        """What values are worth one step ahead."""
        return self._all.pull(values)

    def push_others(self, mass: Numbers) -> Numbers:
        """The same as `push`, without each state's likeliest transition."""
        return self._others.push(mass)

    def pull_others(self, values: Numbers) -> Numbers:
        """The same as `pull`, without each state's likeliest transition."""
        return self._others.pull(values)

    @cached_property
    def others(self) -> Numbers:
        """The probability of all transitions but the likeliest, (size,)."""
        return scatter_sum(self._others.edges.probability, self._others.edges.source, self.size)

    @property
    def likeliest(self) -> NDArray[np.integer[Any]]:
        """The state that each state most likely leads to, (size,); of tied ones the lowest."""
        return self.edges.target[self._places]

    def group_flows(self, groups: NDArray[np.int32], mass: Numbers, values: Numbers, n_groups: int) -> Numbers:
        """Flows d p f between groups of states, (n_groups, n_groups); a group below 0 is none."""
        source, target, _ = self.edges
        inside = (groups[source] >= 0) & (groups[target] >= 0)
        pair = groups[source].astype(np.int64) * n_groups + groups[target]
        flows = self.flows(mass, values)
        return scatter_sum(flows[inside], pair[inside], n_groups**2).reshape(n_groups, n_groups)

    def flows(self, mass: Numbers, values: Numbers) -> Numbers:
        """d p f along each transition."""
        source, target, probability = self.edges
        return mass[source] * probability * values[target]

    @cached_property
    def strengths(self) -> FloatArray:
        """Log-probabilities."""
        probability = self.edges.probability
        return np.log(probability) if isinstance(probability, np.ndarray) else probability.log10()

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Where each state's likeliest transition stands in the list."""
        source = self.edges.source
        order = np.lexsort((-self.strengths, source))
        return order[np.searchsorted(source, np.arange(self.size))]

    @cached_property
    def _all(self) -> "Products":
        """The products with all transitions."""
        return Products(self.edges, self.size)

    @cached_property
    def _others(self) -> "Products":
        """Those without each state's likeliest transition."""
        kept = np.ones(len(self.edges.source), dtype=bool)
        kept[self._places] = False
        return Products(
            Edges(self.edges.source[kept], self.edges.target[kept], self.edges.probability[kept]), self.size
        )


@dataclass(frozen=True, eq=False)
class Products:
    """The two products with a list of transitions: by scipy in doubles, else term by term.

    Parameters
    ----------
    edges: sorted by source; a state may have none.
    size: number of states. Vectors are (size,).

    >>> coin = Products(Edges(np.array([0, 0]), np.array([0, 1]), np.array([0.25, 0.75])), 2)
    >>> coin.push(np.array([4.0, 1.0])).tolist(), coin.pull(np.array([4.0, 8.0])).tolist()
    ([1.0, 3.0], [7.0, 0.0])
    """

    edges: Edges
    size: int

    def push(self, mass: Numbers) -> Numbers:
        """What arrives of masses that leave."""
        source, target, probability = self.edges
        if isinstance(mass, np.ndarray) and isinstance(probability, np.ndarray):
            return np.asarray(self._columns @ mass)
        return scatter_sum(mass[source] * probability, target, self.size)

    def pull(self, values: Numbers) -> Numbers:
        """What values are worth one step ahead."""
        source, target, probability = self.edges
        if isinstance(values, np.ndarray) and isinstance(probability, np.ndarray):
            return np.asarray(self._rows @ values)
        return scatter_sum(probability * values[target], source, self.size)

    @cached_property
    def _rows(self) -> csr_array:
        """The transitions as scipy keeps them."""
        source, target, probability = self.edges
        return matrix_of(source, target, as_floats(probability), self.size)

    @cached_property
    def _columns(self) -> csc_array:
        """The same, the other way round; nothing is copied."""
        return self._rows.T
