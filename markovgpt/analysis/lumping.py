"""Which states behave alike, so that the chain can be told with fewer?

A partition is a lumping (ordinary, or strong, lumpability) if all states of a block go into every block with the same
probability; the blocks are then a Markov chain from every start. Of all lumpings that keep given labels apart there is
a coarsest one. Starting from the labels, each round splits every block by what its states send into the blocks so far;
no lumping can hold two states together that a round takes apart, and when a round splits nothing the partition is one.

"The same probability" means: the sums of the stored numbers are the same real numbers, not rounded ones. Each round
compares them modulo two primes with a random factor for each block: sums that are equal stay together, always; others
part but for a chance of about 2**-62. At the end all are compared exactly, in whole numbers; were any two found
different, they would be parted and the rounds go on. So the answer is a lumping by proof, and the coarsest.

Source: J. G. Kemeny, J. L. Snell, Finite Markov Chains, 1976, theorem 6.3.2; A. Valmari, G. Franceschinis, Simple
O(m log n) time Markov chain lumping, TACAS 2010, LNCS 6015, 38-52 (the same partition, one splitter after the other).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.lumped_rows import Blocks, LumpedRows, padded
from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import Numbers, ScaledArray, concatenate, is_positive
from markovgpt.sums import exact_sum, scatter_sum

PRIMES = (2**31 - 1, 2**31 - 19)
SEED = 1337  # of the factors, so that two runs are alike
ENTRIES_AT_ONCE = 2**20  # of rows that are compared exactly
BYTES_PER_STATE, BYTES_PER_ENTRY = 200, 12  # blocks, their signatures and order; residues, and the quotient's entries
LIMB = 64  # bits of a whole number that stand together

Sums = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class Lumping:
    """A chain told with fewer states.

    Parameters
    ----------
    block_of: (n_states,) the block of each state, the witness; blocks are numbered by their first state.
    first_states: (n_blocks,) ascending.
    quotient: the chain of the blocks. Each probability is the exact sum of the stored ones, rounded once, which the
        bounds of any answer about the quotient allow for: they hold for the chain itself.
    rounds: how often the partition was refined.
    """

    block_of: Blocks
    first_states: NDArray[np.int64]
    quotient: SparseChain
    rounds: int

    @property
    def n_blocks(self) -> int:
        """How many blocks there are."""
        return len(self.first_states)

    def of_blocks(self, states: Mask) -> Mask:
        """A mask of states as one of blocks, to ask the quotient about.

        Raises
        ------
        InvalidInput: a mask of another length, or one that some block lies in only in part.
        """
        return mask_of_blocks(self.block_of, self.first_states, states)

    def summary(self) -> dict[str, Any]:
        """The sizes and the blocks as a plain dict."""
        return {
            "n_states": len(self.block_of),
            "n_blocks": self.n_blocks,
            "rounds": self.rounds,
            "block_of": self.block_of.tolist(),
        }


def coarsest_lumping(chain: TransitionOperator, labels: ArrayLike) -> Lumping:
    """Which is the smallest chain that says the same about given labels?

    The coarsest partition within the labels such that for all states s, s' of a block and every block B

        sum over B of P(s, .) = sum over B of P(s', .)

    Parameters
    ----------
    labels: (n_states,) whole numbers or truths, such as a red mask or `space.token_from_end(0)`, the newest token; a
        block holds states of one label only.

    Raises
    ------
    InvalidInput: labels of another number, or that are no whole numbers.
    TooLarge: the residues of all transitions would not fit.

    Method: rounds of signatures, each one pass over the transitions (of full windows no index is stored) and a sort of
    the states; at most as many rounds as blocks. Then exact comparison of what was not told apart.

    Two ways to the goal that differ in their first step only:

    >>> maze = SparseChain.from_matrix([[0, .25, .75, 0], [.5, 0, 0, .5], [.5, 0, 0, .5], [0, 0, 0, 1]])
    >>> lumped = coarsest_lumping(maze, [0, 0, 0, 1])
    >>> lumped.block_of.tolist(), lumped.quotient.to_csr().toarray().tolist()
    ([0, 1, 1, 2], [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 0.0, 1.0]])
    """
    blocks, rounds = labelled(chain, labels), 0
    entries = chain.n_states * chain.largest_row
    require_memory(
        BYTES_PER_STATE * chain.n_states + BYTES_PER_ENTRY * entries,
        f"the residues of {chain.n_states} states x {chain.largest_row} transitions",
        "give a shorter context length",
    )
    rows = LumpedRows.of(chain)
    residues = [(prime, residues_of(rows.weights, prime)) for prime in PRIMES]
    random = np.random.default_rng(SEED)
    while True:
        rounds += 1
        finer = _refined(rows, residues, blocks, random)
        if finer.max() == blocks.max():
            finer = _told_apart(rows, blocks)
        if finer.max() == blocks.max():
            break
        blocks = finer
    first_states = np.unique(blocks, return_index=True)[1]
    return Lumping(blocks, first_states, quotient_of(chain, rows, blocks, first_states), rounds)


def labelled(chain: TransitionOperator, labels: ArrayLike) -> Blocks:
    """The partition that labels are, blocks numbered by their first state.

    Raises
    ------
    InvalidInput: labels of another number, or that are no whole numbers.
    """
    given = np.asarray(labels)
    if given.shape != (chain.n_states,) or given.dtype.kind not in "biu":
        raise InvalidInput(
            f"labels must be {chain.n_states} whole numbers or truths, one for each state, got {given.dtype} of shape "
            f"{given.shape}; a red mask, or space.token_from_end(0)"
        )
    return by_first_state(given)


def by_first_state(names: NDArray[Any]) -> Blocks:
    """Blocks of states with one name each, numbered by their first state."""
    _, first, blocks = np.unique(names, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[blocks.reshape(-1)]


def mask_of_blocks(block_of: Blocks, first_states: NDArray[np.int64], states: Mask) -> Mask:
    """A mask of states as one of blocks; see `Lumping.of_blocks`."""
    given = np.asarray(states)
    if given.shape != block_of.shape or given.dtype != bool:
        raise InvalidInput(
            f"states must be a bool mask of {len(block_of)} states, got {given.dtype} of shape {given.shape}; see "
            "ending_with"
        )
    found = given[first_states]
    if (found[block_of] != given).any():
        block = int(block_of[np.argmax(found[block_of] != given)])
        raise InvalidInput(
            f"a mask must hold each block whole or not at all, got a part of block {block}; give it as labels"
        )
    return np.asarray(found)


def residues_of(weights: Any, prime: int) -> NDArray[np.int32]:
    """The stored numbers, taken 2**k times for a k that makes all of them whole, modulo a prime below 2**31.

    >>> residues_of(np.array([0.5, 0.25, 0.0]), 101)[:2].tolist() == [2 * residues_of(np.array([0.25]), 101)[0] % 101,
    ...                                                              residues_of(np.array([0.25]), 101)[0]]
    True
    """
    found = np.empty(len(weights), dtype=np.int32)
    for first in range(0, len(weights), ENTRIES_AT_ONCE):
        part = weights[first : first + ENTRIES_AT_ONCE]
        scaled = part if isinstance(part, ScaledArray) else ScaledArray(part.astype(np.float64))
        whole = np.ldexp(scaled.mantissa, 53).astype(np.int64) % prime
        exponents, place = np.unique(scaled.exponent, return_inverse=True)
        powers = np.array([pow(2, int(exponent) % (prime - 1), prime) for exponent in exponents], dtype=np.int64)
        found[first : first + ENTRIES_AT_ONCE] = whole * powers[place.reshape(-1)] % prime
    return found


def _refined(
    rows: LumpedRows, residues: Sequence[tuple[int, NDArray[np.int32]]], blocks: Blocks, random: np.random.Generator
) -> Blocks:
    """Blocks split by what their states send into each, modulo primes."""
    signature = np.zeros(rows.n_states, dtype=np.int64)
    for prime, each in residues:
        factors = random.integers(1, prime, size=int(blocks.max()) + 1)
        signature = signature * 2**31 + rows.modular_pull(each, factors[blocks], prime)
    order = np.lexsort((signature, blocks))
    starts = (np.diff(blocks[order]) != 0) | (np.diff(signature[order]) != 0)
    names = np.empty(rows.n_states, dtype=np.int64)
    names[order] = np.concatenate([[0], np.cumsum(starts)])
    return by_first_state(names)


def _told_apart(rows: LumpedRows, blocks: Blocks) -> Blocks:
    """Blocks split by what their states send into each, exactly."""
    first_states = np.unique(blocks, return_index=True)[1]
    others = np.flatnonzero(first_states[blocks] != np.arange(rows.n_states))
    names = blocks.copy()
    seen: dict[tuple[int, Sums], int] = {}
    step = max(1, ENTRIES_AT_ONCE // rows.width)
    for begin in range(0, len(others), step):
        states = others[begin : begin + step]
        mine = padded(*rows.listed(states), blocks)
        theirs = padded(*rows.listed(first_states[blocks[states]]), blocks)
        same = np.logical_and.reduce([(x == y).all(axis=1) for x, y in zip(mine, theirs, strict=True)])
        for place in np.flatnonzero(~same).tolist():
            own = exact_sums(*(part[place] for part in mine))
            if own != exact_sums(*(part[place] for part in theirs)):
                block = int(blocks[states[place]])
                names[states[place]] = seen.setdefault((block, own), int(blocks.max()) + 1 + len(seen))
    return by_first_state(names)


def exact_sums(blocks: NDArray[np.int64], mantissas: NDArray[np.float64], exponents: NDArray[np.int64]) -> Sums:
    """The exact sum of mantissa * 2**exponent in each block but -1: the block, a place, the 64 bits that stand there.

    >>> halves = exact_sums(np.array([0, 0]), np.array([0.5, 0.5]), np.array([0, 0]))
    >>> halves == exact_sums(np.array([0]), np.array([0.5]), np.array([1]))
    True
    """
    limbs: dict[tuple[int, int], int] = {}
    for block, mantissa, exponent in zip(blocks.tolist(), mantissas.tolist(), exponents.tolist(), strict=True):
        place, shift = divmod(exponent - 53, LIMB)
        carried = int(mantissa * 2**53) << shift
        while block >= 0 and carried:
            carried += limbs.get((block, place), 0)
            limbs[block, place] = carried % 2**LIMB
            carried, place = carried >> LIMB, place + 1
    return tuple((block, place, bits) for (block, place), bits in sorted(limbs.items()) if bits)


def quotient_of(
    chain: TransitionOperator, rows: LumpedRows, blocks: Blocks, first_states: NDArray[np.int64]
) -> SparseChain:
    """The chain of the blocks by the rows of their first states, each sum rounded once."""
    is_single = getattr(rows.weights, "dtype", None) == np.float32
    parts = []
    step = max(1, ENTRIES_AT_ONCE // rows.width)
    for begin in range(0, len(first_states), step):
        weights, ends = rows.listed(first_states[begin : begin + step])
        source, target, found = _summed(weights.astype(np.float64) if is_single else weights, blocks[ends])
        parts.append((source + begin, target, found))
    source, target = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    probability = concatenate([part[2] for part in parts])
    if is_single:
        probability = probability / scatter_sum(probability, source, len(first_states))[source]
    labels = tuple(chain.label(int(state)) for state in first_states)
    edges = Edges(source, target, probability)
    return SparseChain(edges, len(first_states), labels, vocabulary=chain.vocabulary)


def _summed(weights: Numbers, blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Numbers]:
    """Rows (k, width) added up by block: row, block and sum, sorted."""
    row, column = np.nonzero(is_positive(weights))
    block, values = blocks[row, column], weights[row, column]
    order = np.lexsort((block, row))
    row, block, values = row[order], block[order], values[order]
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(row) != 0) | (np.diff(block) != 0)]))
    stops = np.append(starts[1:], len(row))
    summed: Any = values[starts]
    for place in np.flatnonzero(stops - starts > 1).tolist():
        summed[place] = exact_sum(values[starts[place] : stops[place]])
    return row[starts].astype(np.int64), block[starts], summed
