"""The rows of a chain as a lumping reads them: what each state sends into each block of a partition.

Of full windows no index is stored: entry t of row s leads to state (s V + t) mod V**L. Any other chain is listed.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.streaming import over_rows
from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import FloatArray, ScaledArray, as_floats

NONE = np.zeros(0, dtype=np.int64)

Blocks = NDArray[np.int64]  # the number of each state's block


@dataclass(frozen=True, eq=False)
class LumpedRows:
    """Rows of stored numbers, a state's possible transitions one after the other.

    Parameters
    ----------
    weights: (n_entries,) as they are stored; 0 is no transition.
    targets: (n_entries,) the state each leads to; none of full windows.
    bounds: (n_states + 1,) where each row begins; none of full windows.
    n_states: how many rows.
    width: entries in the longest row.
    """

    weights: Any  # Numbers, or float32
    targets: NDArray[np.int64]
    bounds: NDArray[np.int64]
    n_states: int
    width: int

    @classmethod
    def of(cls, chain: TransitionOperator) -> "LumpedRows":
        """The rows of a chain.

        Raises
        ------
        TooLarge: a chain that is not over full windows, and whose transitions, listed, would not fit.
        """
        if isinstance(chain, WindowChain) and not chain.space.with_prefixes:
            return cls(chain.next_token_probs.reshape(-1), NONE, NONE, chain.n_states, chain.space.vocab_size)
        source, target, probability = chain.edges()
        bounds = np.searchsorted(source, np.arange(chain.n_states + 1)).astype(np.int64)
        return cls(probability, target, bounds, chain.n_states, chain.largest_row)

    @cached_property
    def floats(self) -> FloatArray:
        """(n_entries,) probabilities in doubles: stored numbers, those of single precision over their row's sum."""
        if getattr(self.weights, "dtype", None) != np.float32:
            return as_floats(self.weights)
        rows = self.weights.reshape(self.n_states, self.width).astype(np.float64)
        return np.asarray((rows / rows.sum(axis=1, keepdims=True)).reshape(-1))

    def listed(self, states: NDArray[np.int64]) -> tuple[Any, NDArray[np.int64]]:
        """The rows of some states side by side, (k, width): weights, 0 where a row is shorter, and states led to."""
        if not len(self.bounds):
            targets = (states[:, None] * self.width + np.arange(self.width)) % self.n_states
            return self.weights.reshape(self.n_states, self.width)[states], targets
        places = self.bounds[states][:, None] + np.arange(self.width)
        there = places < self.bounds[states + 1][:, None]
        places = np.where(there, places, 0)
        return self.weights[places] * np.where(there, 1.0, 0.0), self.targets[places]

    def modular_pull(self, residues: NDArray[np.int32], values: NDArray[np.int64], prime: int) -> NDArray[np.int64]:
        """For each state the sum of residue * value over its transitions, modulo a prime below 2**31.

        >>> from markovgpt.chains.sparse_chain import SparseChain
        >>> rows = LumpedRows.of(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]))
        >>> rows.modular_pull(np.array([3, 4, 5], dtype=np.int32), np.array([1, 2]), 7).tolist()
        [4, 3]
        """
        out = np.empty(self.n_states, dtype=np.int64)
        place = (self.targets, self.bounds, self.width)
        over_rows(_modular_kernel, self.n_states, len(residues), residues, *place, values, prime, out)
        return out

    def distances(self, blocks: Blocks, others: NDArray[np.int64], n_blocks: int) -> FloatArray:
        """For each state the total variation, over blocks, between its row and that of another: (n_states,).

        Parameters
        ----------
        others: (n_blocks,) the state that those of each block are compared with.
        """
        out = np.empty(self.n_states)
        place = (self.floats, self.targets, self.bounds, self.width)
        theirs = np.zeros(n_blocks * self.width, dtype=np.int64), np.zeros(n_blocks * self.width)
        counts = np.zeros(n_blocks, dtype=np.int64)
        _sums_kernel(*place, self.n_states, blocks, others, *theirs, counts)
        over_rows(_distance_kernel, self.n_states, len(self.floats), *place, blocks, *theirs, counts, out)
        return out

    def ranges(self, blocks: Blocks, n_blocks: int) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
        """What the states of each block send into each block: bounds (n_blocks + 1,), blocks, and (3, n) sums.

        The sums are the least, the first state's, and the most.
        """
        order = np.argsort(blocks, kind="stable")
        first = np.searchsorted(blocks[order], np.arange(n_blocks + 1))
        place = (self.floats, self.targets, self.bounds, self.width, blocks, order, first)
        bounds, nothing = np.zeros(n_blocks + 1, dtype=np.int64), np.zeros((3, 0))
        _range_kernel(*place, bounds, NONE, nothing)
        np.cumsum(bounds, out=bounds)
        found, sums = np.zeros(bounds[-1], dtype=np.int64), np.zeros((3, bounds[-1]))
        _range_kernel(*place, bounds, found, sums)
        return bounds, found, sums


def padded(weights: Any, targets: NDArray[np.int64], blocks: Blocks) -> tuple[NDArray[Any], ...]:
    """Rows as blocks (-1 where nothing is sent), mantissas and powers of two, (k, width) each, in a fixed order."""
    mantissa, exponent = (
        (weights.mantissa, weights.exponent)
        if isinstance(weights, ScaledArray)
        else np.frexp(np.asarray(weights, dtype=np.float64))
    )
    there = mantissa > 0
    found, exponent = np.where(there, blocks[targets], -1), np.where(there, exponent, 0).astype(np.int64)
    order = np.lexsort((mantissa, exponent, found), axis=-1)
    return tuple(np.take_along_axis(part, order, axis=-1) for part in (found, mantissa, exponent))


@compiled
def _modular_kernel(residues, targets, bounds, width, values, prime, out, first, stop):  # type: ignore[no-untyped-def]
    """Sums of products of whole numbers below 2**31."""
    n, is_listed = len(out), len(bounds) > 0
    for s in range(first, stop):
        begin, end = (bounds[s], bounds[s + 1]) if is_listed else (s * width, (s + 1) * width)
        found = 0
        for e in range(begin, end):
            target = targets[e] if is_listed else e % n
            found = (found + np.int64(residues[e]) * values[target]) % prime
        out[s] = found


@compiled
def _row_sums(weights, targets, bounds, width, n, blocks, s, found, sums, at):  # type: ignore[no-untyped-def]
    """Writes what state s sends into each block, by ascending block, from place ``at`` on, and says into how many."""
    is_listed = len(bounds) > 0
    begin, end = (bounds[s], bounds[s + 1]) if is_listed else (s * width, (s + 1) * width)
    count = 0
    for e in range(begin, end):
        weight = weights[e]
        if weight > 0:
            block = blocks[targets[e] if is_listed else e % n]
            low, high = 0, count
            while low < high:
                middle = (low + high) // 2
                if found[at + middle] < block:
                    low = middle + 1
                else:
                    high = middle
            if low < count and found[at + low] == block:
                sums[at + low] += weight
            else:
                for k in range(count, low, -1):
                    found[at + k], sums[at + k] = found[at + k - 1], sums[at + k - 1]
                found[at + low], sums[at + low] = block, weight
                count += 1
    return count


@compiled
def _sums_kernel(weights, targets, bounds, width, n, blocks, states, found, sums, counts):  # type: ignore[no-untyped-def]
    """What some states send into each block."""
    for i in range(len(states)):
        counts[i] = _row_sums(weights, targets, bounds, width, n, blocks, states[i], found, sums, i * width)


@compiled
def _distance_kernel(  # type: ignore[no-untyped-def]
    weights, targets, bounds, width, blocks, found, sums, counts, out, first, stop
):
    """The larger of the two sums of what one of two rows has more than the other."""
    own, mine = np.zeros(width, dtype=np.int64), np.zeros(width)
    for s in range(first, stop):
        count = _row_sums(weights, targets, bounds, width, len(out), blocks, s, own, mine, 0)
        at = blocks[s] * width
        more, less, i, j, theirs = 0.0, 0.0, 0, 0, counts[blocks[s]]
        while i < count or j < theirs:
            if j == theirs or (i < count and own[i] < found[at + j]):
                more += mine[i]
                i += 1
            elif i == count or found[at + j] < own[i]:
                less += sums[at + j]
                j += 1
            else:
                if mine[i] > sums[at + j]:
                    more += mine[i] - sums[at + j]
                else:
                    less += sums[at + j] - mine[i]
                i += 1
                j += 1
        out[s] = max(more, less)


@compiled
def _range_kernel(  # type: ignore[no-untyped-def]
    weights, targets, bounds, width, blocks, order, first, out_bounds, out_blocks, out_sums
):
    """For each block into how many it sends something, or if there is room what: the least, the first's, the most."""
    n, n_blocks, counting = len(blocks), len(first) - 1, len(out_blocks) == 0
    own, mine = np.zeros(width, dtype=np.int64), np.zeros(width)
    seen, touched = np.zeros(n_blocks, dtype=np.int64), np.zeros(n_blocks, dtype=np.int64)
    least, one, most = np.zeros(n_blocks), np.zeros(n_blocks), np.zeros(n_blocks)
    for b in range(n_blocks):
        n_touched = 0
        for place in range(first[b], first[b + 1]):
            count = _row_sums(weights, targets, bounds, width, n, blocks, order[place], own, mine, 0)
            for i in range(count):
                block = own[i]
                if seen[block] == 0:
                    touched[n_touched] = block
                    n_touched += 1
                    least[block], most[block] = mine[i], mine[i]
                    one[block] = mine[i] if place == first[b] else 0.0
                else:
                    least[block], most[block] = min(least[block], mine[i]), max(most[block], mine[i])
                seen[block] += 1
        if counting:
            out_bounds[b + 1] = n_touched
        else:
            names = np.sort(touched[:n_touched])
            for i in range(n_touched):
                block, at = names[i], out_bounds[b] + i
                out_blocks[at] = block
                out_sums[0, at] = least[block] if seen[block] == first[b + 1] - first[b] else 0.0
                out_sums[1, at], out_sums[2, at] = one[block], most[block]
        for i in range(n_touched):
            seen[touched[i]] = 0
