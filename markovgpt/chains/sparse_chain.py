"""Any other finite chain: a reachable part, a chain with absorbing states, a matrix from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array, issparse

from markovgpt.chains.listed import ListedTable
from markovgpt.chains.operator import Edges, TransitionOperator, check_probabilities, check_rows, smallest_positive
from markovgpt.chains.states import Mask, Windows
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray, concatenate
from markovgpt.sums import scatter_sum
from markovgpt.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False, repr=False)
class SparseChain(TransitionOperator):
    """A finite Markov chain by its list of transitions.

    Parameters
    ----------
    transitions: sorted by source and target, no pair twice, no zero among the probabilities.
    size: number of states.
    labels: how each state is printed; None prints the state number.
    space: the windows that the states are, if they are windows.
    vocabulary: the tokens' strings, if known.

    Raises
    ------
    InvalidInput: no states, labels of another number, entries that are no probabilities, rows that do not sum to one.
    """

    transitions: Edges
    size: int
    labels: tuple[str, ...] | None = None
    space: Windows | None = None
    vocabulary: Vocabulary | None = None

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InvalidInput(f"a chain must have at least one state, got {self.size}; give a row for each state")
        if self.labels is not None and len(self.labels) != self.size:
            raise InvalidInput(f"labels must name all {self.size} states, got {len(self.labels)}; give one for each")
        source, target, probability = self.transitions
        if len(source) and not (min(source.min(), target.min()) >= 0 and max(source.max(), target.max()) < self.size):
            raise InvalidInput(f"transitions must lie between states 0..{self.size - 1}, got others; see size")
        steps = np.diff(source * self.size + target)
        if not (steps > 0).all():
            raise InvalidInput(
                "transitions must be sorted by source and target, no pair twice, got others; see from_matrix"
            )
        check_probabilities(probability, lambda place: f"from state {source[place]} to {target[place]}")
        check_rows(scatter_sum(probability, source, self.size), np.bincount(source, minlength=self.size), "the matrix")
        for array in self.transitions:
            array.setflags(write=False)

    @classmethod
    def from_matrix(cls, matrix: ArrayLike | csr_array, labels: Sequence[str] | None = None) -> "SparseChain":
        """The chain of a row-stochastic matrix, dense or scipy sparse.

        Raises
        ------
        InvalidInput: a matrix that is not square, or not row-stochastic within the rounding of its own sums;
            an entry of 0 means impossible and is not kept.

        >>> SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]).push(np.array([1.0, 0.0])).tolist()
        [0.5, 0.5]
        """
        stored: Any = matrix if issparse(matrix) else np.asarray(matrix)
        if stored.dtype.kind not in "biuf":
            raise InvalidInput(f"the matrix must hold real numbers, got {stored.dtype}; give probabilities")
        if stored.ndim != 2 or stored.shape[0] != stored.shape[1]:
            raise InvalidInput(
                f"the matrix must be square, got shape {stored.shape}; rows are sources, columns targets"
            )
        given = csr_array(stored, dtype=np.float64).copy()
        given.sum_duplicates()
        given.eliminate_zeros()
        n_states = given.shape[0]
        source = np.repeat(np.arange(n_states, dtype=np.int64), np.diff(given.indptr))
        edges = Edges(source, given.indices.astype(np.int64), given.data)
        return cls(edges, n_states, None if labels is None else tuple(labels))

    @property
    def n_states(self) -> int:
        """Number of states."""
        return self.size

    @cached_property
    def blocks(self) -> tuple[ListedTable]:
        """The transitions, with products: one block, where windows have one for each length."""
        return (ListedTable(self.transitions, self.size),)

    @cached_property
    def largest_row(self) -> int:
        """Most transitions that leave one state."""
        return int(np.bincount(self.transitions.source).max())

    @cached_property
    def largest_column(self) -> int:
        """Most transitions that enter one state."""
        return int(np.bincount(self.transitions.target).max())

    @cached_property
    def smallest_probability(self) -> ScaledArray:
        """The smallest probability of a possible transition."""
        return smallest_positive(self.transitions.probability)

    def label(self, state: int) -> str:
        """How a state is printed."""
        return str(state) if self.labels is None else self.labels[state]

    def edges(self, of: Mask | None = None) -> Edges:
        """The possible transitions, or those that leave given states."""
        if of is None:
            return self.transitions
        leaving = of[self.transitions.source]
        source, target, probability = self.transitions
        return Edges(source[leaving], target[leaving], probability[leaving])

    def _pull(self, values: Numbers) -> Numbers:
        """The column vector P f."""
        return self.blocks[0].pull(values)

    def _push(self, distribution: Numbers) -> Numbers:
        """The row vector d P."""
        return self.blocks[0].push(distribution)


def with_absorbing(chain: TransitionOperator, states: ArrayLike) -> SparseChain:
    """The same chain, except that the given states are never left.

    Parameters
    ----------
    states: state numbers, or a bool mask of length n_states.

    Raises
    ------
    InvalidInput: states outside the chain, or none.

    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> with_absorbing(coin, [1]).to_csr().toarray().tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    chosen = np.asarray(states)
    absorbing = np.zeros(chain.n_states, dtype=bool)
    if chosen.size == 0 or (chosen.dtype == bool and (chosen.shape != absorbing.shape or not chosen.any())):
        raise InvalidInput(
            f"states must name at least one of the {chain.n_states} states, got none; give their numbers"
        )
    if chosen.dtype != bool and not (chosen.dtype.kind in "iu" and ((chosen >= 0) & (chosen < chain.n_states)).all()):
        raise InvalidInput(
            f"states must be whole numbers in 0..{chain.n_states - 1}, got {chosen.tolist()}; see n_states"
        )
    absorbing[chosen] = True
    source, target, probability = chain.edges()
    kept, stopped = ~absorbing[source], np.flatnonzero(absorbing)
    order = np.argsort(np.concatenate([source[kept], stopped]), kind="stable")
    values = concatenate([probability[kept], np.ones(len(stopped))])
    edges = Edges(
        np.concatenate([source[kept], stopped])[order], np.concatenate([target[kept], stopped])[order], values[order]
    )
    labels = tuple(chain.label(state) for state in range(chain.n_states))
    return SparseChain(edges, chain.n_states, labels, chain.space, chain.vocabulary)
