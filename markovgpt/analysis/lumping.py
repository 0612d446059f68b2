"""Which states behave alike, so that the chain can be told with fewer?

A partition is a lumping (ordinary, or strong, lumpability) if all states of a block go into every block with the same
probability; the blocks are then a Markov chain from every start. Of all lumpings that keep given labels apart there is
a coarsest one. Starting from the labels, each round splits every block by what its states send into the blocks so far;
no lumping can hold two states together that a round takes apart, and when a round splits nothing the partition is one.

"The same probability" means: the sums of the stored numbers over the total of their row are the same real numbers, not
rounded ones. Each round compares them modulo two primes with a random factor for each block: shares that are equal stay
together, always; others part but for a chance of about 2**-62. At the end all are compared exactly, in whole numbers;
were any two found different, they would be parted and the rounds go on. So the answer is a lumping by proof, and the
coarsest. (A table of windows and prefixes in single precision is taken as its probabilities, rounded to doubles.)

Source: J. G. Kemeny, J. L. Snell, Finite Markov Chains, 1976, theorem 6.3.2; A. Valmari, G. Franceschinis, Simple
O(m log n) time Markov chain lumping, TACAS 2010, LNCS 6015, 38-52 (the same partition, one splitter after the other).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.exact_shares import Sums, exact_sums, same_shares
from markovgpt.chains.lumped_rows import Blocks, LumpedRows, padded
from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import Numbers, ScaledArray, concatenate, is_positive
from markovgpt.shown import Shown
from markovgpt.sums import exact_sum, scatter_sum

PRIMES = (1_234_567_891, 1_876_543_241, 2_012_345_681, 1_698_765_437)  # none near a power of two, as row totals are
SEED = 1337  # of the factors, so that two runs are alike
ENTRIES_AT_ONCE = 2**20  # of rows that are compared exactly
BYTES_PER_STATE, BYTES_PER_ENTRY = 230, 12  # blocks, their signatures and order; residues, and the quotient's entries


@dataclass(frozen=True, eq=False, repr=False)
class Lumping(Shown):
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
    shares = _two_usable(rows)
    random = np.random.default_rng(SEED)
    while True:
        rounds += 1
        finer = _refined(rows, shares, blocks, random)
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


@dataclass(frozen=True, eq=False)
class Residues:
    """Stored numbers and row totals modulo a prime, so that shares of a row can be compared.

    Parameters
    ----------
    prime: below 2**31.
    each: (n_entries,) the stored numbers.
    inverse: (n_states,) one over the total of each row; 0 where the total is a multiple of the prime.
    """

    prime: int
    each: NDArray[np.int32]
    inverse: NDArray[np.int64]

    @classmethod
    def of(cls, rows: LumpedRows, prime: int) -> "Residues":
        """The residues of a chain's rows."""
        each = residues_of(rows.weights, prime)
        totals = rows.modular_pull(each, np.ones(rows.n_states, dtype=np.int64), prime)
        inverse, power, exponent = np.ones_like(totals), totals, prime - 2  # Fermat: x**(p - 2) is 1 / x
        while exponent:
            if exponent % 2:
                inverse = inverse * power % prime
            power, exponent = power * power % prime, exponent // 2
        return cls(prime, each, inverse)

    @property
    def is_usable(self) -> bool:
        """Whether every row has an inverse: no total is a multiple of the prime."""
        return bool(self.inverse.all())


def _two_usable(rows: LumpedRows) -> list[Residues]:
    """Residues modulo the first two primes that every row total has an inverse of."""
    return list(islice(filter(lambda part: part.is_usable, (Residues.of(rows, prime) for prime in PRIMES)), 2))


def _refined(rows: LumpedRows, shares: Sequence[Residues], blocks: Blocks, random: np.random.Generator) -> Blocks:
    """Blocks split by which share of their rows states send into each, modulo primes."""
    signature = np.zeros(rows.n_states, dtype=np.int64)
    for part in shares:
        factors = random.integers(1, part.prime, size=int(blocks.max()) + 1)
        sent = rows.modular_pull(part.each, factors[blocks], part.prime)
        signature = signature * 2**31 + sent * part.inverse % part.prime
    order = np.lexsort((signature, blocks))
    starts = (np.diff(blocks[order]) != 0) | (np.diff(signature[order]) != 0)
    names = np.empty(rows.n_states, dtype=np.int64)
    names[order] = np.concatenate([[0], np.cumsum(starts)])
    return by_first_state(names)


def _told_apart(rows: LumpedRows, blocks: Blocks) -> Blocks:
    """Blocks split by which share of their rows states send into each, exactly."""
    first_states = np.unique(blocks, return_index=True)[1]
    others = np.flatnonzero(first_states[blocks] != np.arange(rows.n_states))
    names, n_names = blocks.copy(), int(blocks.max()) + 1
    seen: dict[int, list[tuple[Sums, int]]] = {}  # of each block those that differ from its first state
    step = max(1, ENTRIES_AT_ONCE // rows.width)
    for begin in range(0, len(others), step):
        states = others[begin : begin + step]
        mine = padded(*rows.listed(states), blocks)
        theirs = padded(*rows.listed(first_states[blocks[states]]), blocks)
        same = np.logical_and.reduce([(x == y).all(axis=1) for x, y in zip(mine, theirs, strict=True)])
        for place in np.flatnonzero(~same).tolist():
            own = exact_sums(*(part[place] for part in mine))
            if same_shares(own, exact_sums(*(part[place] for part in theirs))):
                continue
            apart = seen.setdefault(int(blocks[states[place]]), [])
            name = next((name for known, name in apart if same_shares(own, known)), n_names)
            if name == n_names:
                apart.append((own, name))
                n_names += 1
            names[states[place]] = name
    return by_first_state(names)


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
