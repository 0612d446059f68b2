"""The normalised rows of a chain, or of two side by side, some at a time: what a sum over each row is made of.

Nothing of a window's transitions is stored but its probabilities, so they are gone through some rows at a time, as
exact normalisations p = w / W of what is stored. Two chains over the same states are laid side by side, a transition
that only one of them has being 0 in the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import SAFE_EXPONENT, Edges, TransitionOperator
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import Numbers, ScaledArray
from markovgpt.sums import scatter_sum

ENTRIES_AT_ONCE = 2**16  # transitions in a block: their numbers stay in the processor's cache


@dataclass(frozen=True, eq=False)
class NormalisedRows:
    """Some rows.

    Parameters
    ----------
    states: the states they are of.
    row: (k,) from which of them each transition leaves, ascending.
    target: (k,) the state it leads to.
    probabilities: of each chain, (k,): doubles, or all of them scaled; each within ``width`` roundings.
    same: (rows,) whether the stored rows of all chains are the same, number by number.
    width: most transitions in a row.
    is_regular: whether each row has just so many.
    """

    states: slice
    row: NDArray[np.int64]
    target: NDArray[np.int64]
    probabilities: tuple[Numbers, ...]
    same: Mask
    width: int
    is_regular: bool

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(self.same)

    def sums(self, values: Numbers) -> Numbers:
        """(rows,) the sum of values (k,) over each row, within ``width`` roundings if they are non-negative."""
        if self.is_regular:
            return values.reshape(self.n_rows, self.width).sum(axis=1)
        return scatter_sum(values, self.row, self.n_rows)


def normalised_rows(*chains: TransitionOperator) -> Iterator[NormalisedRows]:
    """The rows of chains over the same states, in their order.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> one, two = SparseChain.from_matrix([[0.5, 0.5], [0, 1]]), SparseChain.from_matrix([[0, 1], [0, 1]])
    >>> block = next(normalised_rows(one, two))
    >>> [part.tolist() for part in (block.row, block.target, *block.probabilities, block.same)]
    [[0, 0, 1], [0, 1, 1], [0.5, 0.5, 1.0], [0.0, 1.0, 1.0], [False, True]]
    """
    tiny = any(needs_room(chain) for chain in chains)
    if all(isinstance(chain, WindowChain) for chain in chains):
        yield from _of_windows(chains, tiny)  # type: ignore[arg-type]
        return
    n = chains[0].n_states
    step = n if any(isinstance(chain, SparseChain) for chain in chains) else _rows_at_once(chains[0].largest_row)
    for first in range(0, n, step):
        states = slice(first, min(first + step, n))
        wanted = np.zeros(n, dtype=bool)
        wanted[states] = True
        yield _listed(states, [chain.edges(None if step == n else wanted) for chain in chains], n, tiny)


def needs_room(chain: TransitionOperator) -> bool:
    """Whether some probabilities are so small that products with them could leave the range of doubles."""
    return bool(chain.smallest_probability.exponent < SAFE_EXPONENT)


def _rows_at_once(width: int) -> int:
    """How many rows go into a block."""
    return max(1, ENTRIES_AT_ONCE // width)


def _of_windows(chains: tuple[WindowChain, ...], tiny: bool) -> Iterator[NormalisedRows]:
    """Rows of V tokens each, of one window length at a time."""
    space = chains[0].space
    V, L = space.vocab_size, space.context_length
    step = _rows_at_once(V)
    for length in range(space.shortest, L + 1):
        begin, after = space.first_state(length), min(length + 1, L)
        for first in range(0, V**length, step):
            numbers = np.arange(first, min(first + step, V**length), dtype=np.int64)
            states = slice(begin + first, begin + first + len(numbers))
            entered = space.first_state(after) + (numbers * V % V**after)[:, None] + np.arange(V)
            weights = [_stored(chain.next_token_probs[states], tiny) for chain in chains]
            shares = tuple(each / each.sum(axis=1).reshape(-1, 1) for each in weights)
            yield NormalisedRows(
                states,
                np.repeat(np.arange(len(numbers)), V),
                entered.reshape(-1),
                tuple(share.reshape(-1) for share in shares),
                np.asarray(np.logical_and.reduce([_equal(weights[0], each).all(axis=1) for each in weights])),
                V,
                True,
            )


def _listed(states: slice, listed: list[Edges], n_states: int, tiny: bool) -> NormalisedRows:
    """The rows of listed transitions, which of some chains may be missing."""
    size = states.stop - states.start
    keys = [edges.source * n_states + edges.target for edges in listed]
    both = np.unique(np.concatenate(keys))
    row = both // n_states - states.start
    weights: list[Numbers] = []
    for key, edges in zip(keys, listed, strict=True):
        whole: Numbers = ScaledArray.zeros(len(both)) if tiny else np.zeros(len(both))
        whole[np.searchsorted(both, key)] = _stored(edges.probability, tiny)  # type: ignore[assignment]
        weights.append(whole)
    shares = tuple(each / scatter_sum(each, row, size)[row] for each in weights)
    differs = np.zeros(size, dtype=bool)
    for each in weights[1:]:
        differs[row[~_equal(weights[0], each)]] = True
    width = int(np.bincount(row, minlength=size).max())
    return NormalisedRows(states, row, both % n_states, shares, ~differs, width, False)


def _stored(weights: Any, tiny: bool) -> Numbers:
    """What is stored, as doubles or scaled."""
    if tiny:
        return ScaledArray.of(weights)
    return weights.to_float() if isinstance(weights, ScaledArray) else np.asarray(weights, dtype=np.float64)


def _equal(first: Numbers, second: Numbers) -> Mask:
    """Where two arrays of one kind hold the same number."""
    if isinstance(first, ScaledArray) and isinstance(second, ScaledArray):
        return np.asarray((first.mantissa == second.mantissa) & (first.exponent == second.exponent))
    return np.asarray(first == second)
