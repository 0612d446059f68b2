"""What every chain offers: its size, its transitions, and the two products with its matrix.

Row-stochastic always: ``push(d)`` is d P, where a distribution is after one step; ``pull(f)`` is P f, what a function
of the state is worth one step ahead.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra

from markovgpt.chains import scans
from markovgpt.chains.periodicity import pairs_of
from markovgpt.chains.states import Mask, Windows, window_label
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, as_floats, is_positive
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

if TYPE_CHECKING:
    import networkx as nx

SAFE_EXPONENT = -1000  # products below 2**-1000 leave the doubles


class Edges(NamedTuple):
    """The possible transitions, sorted by source; no pair twice, every probability above zero."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    probability: Numbers


class TransitionOperator(Shown, ABC):
    """A finite Markov chain, seen through its transition matrix P (n_states x n_states)."""

    vocabulary: Vocabulary | None
    space: Windows | None  # the windows its states are, where they are windows

    @property
    @abstractmethod
    def n_states(self) -> int:
        """Number of states."""

    def push(self, distribution: ArrayLike | ScaledArray) -> Numbers:
        """The row vector d P; scaled if d or the chain is, else float64. d is (n_states,), or it is refused."""
        return self._push(self._vector(distribution))

    def pull(self, values: ArrayLike | ScaledArray) -> Numbers:
        """The column vector P f; scaled if f or the chain is, else float64. f is (n_states,), or it is refused."""
        return self._pull(self._vector(values))

    @abstractmethod
    def _push(self, distribution: Numbers) -> Numbers:
        """d P, the argument checked."""

    @abstractmethod
    def _pull(self, values: Numbers) -> Numbers:
        """P f, the argument checked."""

    def _vector(self, given: ArrayLike | ScaledArray) -> Numbers:
        """A vector over the states."""
        vector = given if isinstance(given, ScaledArray) else np.asarray(given, dtype=np.float64)
        if vector.shape != (self.n_states,):
            raise InvalidInput(
                f"a vector must have the shape ({self.n_states},), got {vector.shape}; one entry a state"
            )
        return vector

    @abstractmethod
    def edges(self, of: Mask | None = None) -> Edges:
        """The possible transitions, or those that leave given states."""

    def strong_components(self, within: Mask | None = None) -> tuple[NDArray[np.int32], Mask]:
        """The communicating class of each state, numbered in some order, and whether each class is never left.

        Parameters
        ----------
        within: (n_states,), the states that are asked about, as if there were no others; the others have the class -1,
            and a class from which one of them can be reached is left.
        """
        asked = np.ones(self.n_states, dtype=bool) if within is None else within
        source, target, _ = self.edges(within)
        graph = matrix_of(source, target, np.ones(len(source), dtype=bool), self.n_states)  # nothing leaves the others
        labels = connected_components(graph, directed=True, connection="strong")[1]
        labels[asked] = np.unique(labels[asked], return_inverse=True)[1]
        labels[~asked] = -1
        closed = np.ones(labels.max(initial=-1) + 1, dtype=bool)
        closed[labels[source[labels[source] != labels[target]]]] = False
        return np.asarray(labels), closed

    def phases(self, labels: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The period of each class, 0 where nothing comes back, and where in it each state is.

        Parameters
        ----------
        labels: (n_states,), the class of each state, as `strong_components` has it; one below 0 is in none, and has the
            phase -1. The first state of a class has the phase 0, the states it leads to the phase 1.
        """
        n, classes = self.n_states, np.unique(labels[labels >= 0], return_index=True)
        source, target, _ = self.edges(labels >= 0)
        own = labels[source] == labels[target]
        source, target = source[own], target[own]
        first = np.flatnonzero(labels >= 0)[classes[1]]
        rows, columns = np.concatenate([source, np.full(len(first), n)]), np.concatenate([target, first])
        graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(n + 1, n + 1))
        steps = dijkstra(graph, indices=n, unweighted=True)[:n]
        level = np.where(labels >= 0, steps, 0).astype(np.int64) - 1
        found = np.zeros(int(labels.max(initial=-1)) + 1, dtype=np.int64)
        np.gcd.at(found, labels[source], np.abs(level[source] + 1 - level[target]))
        turning = (labels >= 0) & (found[labels] > 0 if len(found) else False)
        level[turning] %= found[labels[turning]]
        return found, level.astype(np.int32)

    def links(self, labels: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs of classes from one of which a transition leads to the other, no pair twice, sorted.

        Parameters
        ----------
        labels: (n_states,), the class of each state, none below 0.
        """
        source, target, _ = self.edges()
        return pairs_of(labels[source].astype(np.int64), labels[target].astype(np.int64))

    @abstractmethod
    def label(self, state: int) -> str:
        """How a state is printed."""

    @property
    @abstractmethod
    def smallest_probability(self) -> ScaledArray:
        """The smallest probability of a possible transition, one number."""

    @property
    @abstractmethod
    def largest_row(self) -> int:
        """Most transitions that leave one state: how many terms a pull adds up."""

    @property
    @abstractmethod
    def largest_column(self) -> int:
        """Most transitions that enter one state: how many terms a push adds up."""

    def with_room(self, vector: Numbers) -> Numbers:
        """The vector, as mantissas and exponents if a product with the matrix could leave the range of doubles."""
        if isinstance(vector, ScaledArray) or (least := scans.smallest(vector.reshape(1, 1, -1))) == np.inf:
            return vector
        return ScaledArray.of(vector) if (self.smallest_probability * least).exponent < SAFE_EXPONENT else vector

    @cached_property
    def roundings(self) -> int:
        """How many factors within 1 +- 2**-53 there are in each entry of a product with the matrix.

        The chain is the exact normalisation of what is stored, and what is stored may be rounded itself: n terms are
        multiplied and added, as many make up the row sum, and rows may be off from one by what is measured here.
        """
        n = max(self.largest_row, self.largest_column)
        off = np.abs(as_floats(self.pull(np.ones(self.n_states))) - 1).max()
        return int(2 * n + 8 + math.ceil(off * 2.0**53))

    def support(self) -> csr_array:
        """Which transitions are possible: a boolean matrix without stored zeros."""
        source, target, _ = self.edges()
        return matrix_of(source, target, np.ones(len(source), dtype=bool), self.n_states)

    def reaching(self, target: Mask, through: Mask) -> Mask:
        """The states from which the target can be reached in 0 or more steps, over states in ``through``."""
        source, end, _ = self.edges()
        allowed = through[source] | target[source]
        return _spread(end[allowed], source[allowed], target)

    def reached_from(self, start: Mask, through: Mask) -> Mask:
        """The states that can be reached from the start in 0 or more steps, leaving only states in ``through``."""
        source, end, _ = self.edges()
        return _spread(source[through[source]], end[through[source]], start)

    def to_csr(self) -> csr_array:
        """The transition matrix.

        Raises
        ------
        InvalidInput: a possible transition whose probability is below the range of doubles; it would read as
            impossible.
        """
        source, target, probability = self.edges()
        values = probability.to_float() if isinstance(probability, ScaledArray) else probability
        if not values.all():
            place = int(np.argmin(values))
            raise InvalidInput(
                f"a matrix of doubles must hold every possible transition, got a probability of 10**"
                f"{ScaledArray.of(probability).log10()[place]:.1f} from state {source[place]} to {target[place]}; "
                "ask the chain itself, or raise the temperature"
            )
        return matrix_of(source, target, values, self.n_states)

    def to_networkx(self, among: Mask | None = None) -> "nx.DiGraph[int]":
        """The chain as a directed graph, or the part of it among some states.

        Nodes are state numbers with ``label``, and ``text``, the label's text as it is, where the states are windows of
        a known vocabulary; edges carry ``weight`` (the probability as a double), ``log10_probability`` (right even
        where the weight reads as 0) and, where the states are windows, ``token`` and ``token_label``.

        Parameters
        ----------
        among: (n_states,), the states that become nodes; an edge is there if both its ends are.
        """
        import networkx as nx  # late: it takes a tenth of a second to import

        source, target, probability = self.edges(among)
        if among is not None:
            inside = among[target]
            source, target, probability = source[inside], target[inside], probability[inside]
        scaled, space, vocabulary = ScaledArray.of(probability), self.space, self.vocabulary
        graph: nx.DiGraph[int] = nx.DiGraph()
        for state in range(self.n_states) if among is None else np.flatnonzero(among).tolist():
            graph.add_node(state, label=self.label(state))
            if space is not None and vocabulary is not None:
                graph.nodes[state]["text"] = vocabulary.decode(space.decode(state))
        newest = space.token_from_end(0) if space is not None else None
        rows = zip(source.tolist(), target.tolist(), scaled.to_float().tolist(), scaled.log10().tolist(), strict=True)
        for start, end, weight, log10_probability in rows:
            graph.add_edge(start, end, weight=weight, log10_probability=log10_probability)
            if newest is not None:
                token = int(newest[end])
                graph.edges[start, end].update(token=token, token_label=window_label((token,), vocabulary))
        return graph


def windows_of(chain: TransitionOperator) -> Windows:
    """The windows that the states of a chain are.

    Raises
    ------
    InvalidInput: states that are no windows.
    """
    if chain.space is None:
        raise InvalidInput(
            "a pattern of tokens needs a chain over windows, got one without; give state numbers or a mask"
        )
    return chain.space


def check_rows(sums: Numbers, n_terms: NDArray[np.int64] | int, describe: str, *, unit: float = 2.0**-52) -> None:
    """Refuse rows that do not sum to one within the rounding of their own sum: nothing is renormalised.

    Parameters
    ----------
    unit: the spacing of the numbers that are stored, next to 1.

    Raises
    ------
    InvalidInput: naming the row that is furthest off and its sum.
    """
    totals = sums.to_float() if isinstance(sums, ScaledArray) else sums
    allowed = (np.asarray(n_terms) + 8) * unit
    off = np.abs(totals - 1) - allowed
    if not (off <= 0).all():  # NaN is off too
        row = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
        raise InvalidInput(
            f"each row of {describe} must sum to 1, got {totals[row]:.17g} in row {row}; divide the row by its sum if "
            "its entries are weights, or add the transition that is missing"
        )


def check_probabilities(probability: Numbers, describe: Callable[[int], str]) -> None:
    """Refuse entries that are negative, infinite or NaN; ``describe`` names one by its place in the flattened array."""
    if isinstance(probability, ScaledArray):
        return  # a ScaledArray holds nothing else
    valid = np.isfinite(probability) & (probability >= 0)
    if not valid.all():
        place = int(np.argmin(valid))
        raise InvalidInput(
            f"a probability must lie in [0, 1], got {float(probability.flat[place])} {describe(place)}; "
            "check where it was computed"
        )


def smallest_positive(probability: Numbers) -> ScaledArray:
    """The smallest number above zero, as a scaled number."""
    if not isinstance(probability, ScaledArray):
        return ScaledArray.of(scans.smallest(probability.reshape(1, 1, -1)))
    kept = probability[is_positive(probability)]
    order = np.lexsort((kept.mantissa, kept.exponent))
    return kept[order[0]]


def in_doubles(probability: Numbers) -> Numbers:
    """The numbers as doubles, where all of them are so large that products stay within doubles.

    >>> [type(in_doubles(ScaledArray([0.5], [exponent]))).__name__ for exponent in (-900, -1100)]
    ['ndarray', 'ScaledArray']
    """
    return as_floats(probability) if smallest_positive(probability).exponent >= SAFE_EXPONENT else probability


def _spread(source: NDArray[np.int64], target: NDArray[np.int64], begin: Mask) -> Mask:
    """What edges lead to from any state of ``begin``: a breadth-first search from one more state before them all."""
    n, first = len(begin), np.flatnonzero(begin)
    ends = np.concatenate([target, first])
    starts = np.concatenate([source, np.full(len(first), n)])
    graph = csr_array((np.ones(len(ends), dtype=np.int8), (starts, ends)), shape=(n + 1, n + 1))
    found = np.zeros(n + 1, dtype=bool)
    found[breadth_first_order(graph, n, directed=True, return_predecessors=False)] = True
    return found[:n]


def matrix_of(
    source: NDArray[np.int64], target: NDArray[np.int64], values: FloatArray | NDArray[np.bool_], n_states: int
) -> csr_array:
    """A CSR matrix of edges that are sorted by source."""
    indptr = np.searchsorted(source, np.arange(n_states + 1))
    return csr_array((values, target, indptr), shape=(n_states, n_states))
