"""How differently do two chains go on from each state?

With P and Q the two rows of a state, as exact normalisations of what is stored,

    KL(P || Q)      = sum_t [ p log(p / q) - p + q ]                 in nats; infinite where p > 0 = q
    TV(P, Q)        = 1/2 sum_t | p - q |

Every term of the first is non-negative, and taken without cancelling (`markovgpt.analysis.divergence_terms`). p and q
are known to some roundings, a ratio of them within eta; that moves a term by p |log(p / q)| eta + p eta**2 at most,
which is what bounds are made of. Rows whose stored numbers are the same are exactly alike.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.divergence_terms import TERM_ROUNDINGS, divergence_terms
from markovgpt.chains.normalised_rows import NormalisedRows, normalised_rows
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.memory import require_memory
from markovgpt.scaled import (
    ROUNDING,
    FloatArray,
    Numbers,
    as_floats,
    concatenate,
    is_positive,
    quotient,
    widen,
)
from markovgpt.solvers.certificate import Enclosure

BYTES_PER_STATE = 200
EXAMPLES = 5  # transitions gained and lost that are kept

Pairs = NDArray[np.int64]  # (k, 2) source and target


@dataclass(frozen=True, eq=False)
class RowDivergence:
    """What two chains over the same states differ in, row by row.

    Parameters
    ----------
    kl: (n_states,) KL(P || Q) in nats, without its infinite terms.
    kl_back: (n_states,) KL(Q || P), likewise.
    total_variation: (n_states,) from 0 to 1.
    n_gained, n_lost: (n_states,) transitions that are possible in the second chain alone, and in the first alone.
    gained, lost: (k, 2) the first few of them, as source and target.
    same: (n_states,) rows whose stored numbers are the same.
    """

    kl: Enclosure
    kl_back: Enclosure
    total_variation: Enclosure
    n_gained: NDArray[np.int64]
    n_lost: NDArray[np.int64]
    gained: Pairs
    lost: Pairs
    same: Mask

    @cached_property
    def identical(self) -> bool:
        """Whether all stored numbers are the same: nothing can differ, by proof."""
        return bool(self.same.all())


def row_divergence(before: TransitionOperator, after: TransitionOperator) -> RowDivergence:
    """How differently do two chains over the same states go on from each?

    Raises
    ------
    TooLarge: the numbers of all states would not fit.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> one, two = SparseChain.from_matrix([[0.5, 0.5], [0, 1]]), SparseChain.from_matrix([[0.75, 0.25], [0, 1]])
    >>> found = row_divergence(one, two)
    >>> found.total_variation.value.round(12).tolist(), (found.kl.value / np.log(4 / 3)).round(12).tolist()
    ([0.25, 0.0], [0.5, 0.0])
    """
    n = before.n_states
    require_memory(BYTES_PER_STATE * n, f"differences between {n} states", "give a shorter context length")
    parts = [_of_block(block) for block in normalised_rows(before, after)]
    width = max(part.width for part in parts)
    eta = _ratio_error(width)
    same = np.concatenate([part.same for part in parts])
    kl, kl_back = (
        _enclosed(
            concatenate([part.kl[side] for part in parts]),
            concatenate([part.off[side] for part in parts]) * (1.5 * eta) + np.where(same, 0.0, 4 * eta**2),
            3 * width + TERM_ROUNDINGS,
        )
        for side in (0, 1)
    )
    distance = np.concatenate([part.distance for part in parts])
    off = np.where(same, 0.0, eta)
    varied = Enclosure(
        distance, np.maximum(distance - off, 0.0), np.minimum(distance + off, 1.0), 0.0, "row sums, absolute bounds"
    )
    counts = [np.concatenate([part.counts[side] for part in parts]) for side in (0, 1)]
    shown = [np.concatenate([part.examples[side] for part in parts])[:EXAMPLES] for side in (0, 1)]
    return RowDivergence(kl, kl_back, varied, counts[0], counts[1], shown[0], shown[1], same)


@dataclass(frozen=True, eq=False)
class _Part:
    """The differences of a block of rows; of each pair the first belongs to P, or to what is gained."""

    kl: tuple[Numbers, Numbers]
    off: tuple[Numbers, Numbers]  # sum of p |log(p / q)|, by which a relative error of the ratio moves the sum
    distance: FloatArray
    counts: tuple[NDArray[np.int64], NDArray[np.int64]]
    examples: tuple[Pairs, Pairs]
    same: Mask
    width: int


def _of_block(block: NormalisedRows) -> _Part:
    """The differences of a block of rows."""
    p, q = block.probabilities
    some_p, some_q = is_positive(p), is_positive(q)
    terms = divergence_terms(p, q)
    kl = [block.sums(terms.larger * side) for side in (terms.forward, terms.backward)]
    off = [block.sums(own * terms.logarithm) for own in (p, q)]
    distance = np.minimum(0.5 * np.asarray(as_floats(block.sums(terms.larger * terms.gap))), 1.0)
    gained, lost = some_q & ~some_p, some_p & ~some_q
    return _Part(
        (_unless(block.same, kl[0]), _unless(block.same, kl[1])),
        (_unless(block.same, off[0]), _unless(block.same, off[1])),
        np.where(block.same, 0.0, distance),
        (_count(block, gained), _count(block, lost)),
        (_first(block, gained), _first(block, lost)),
        block.same,
        block.width,
    )


def _enclosed(value: Numbers, moved: Numbers, roundings: int) -> Enclosure:
    """A divergence with what the errors of p and q can have ``moved`` it by."""
    share = as_floats(quotient(moved, value))
    below = widen(value, roundings)[0] * np.where(share < 1, 1 - share, 0.0)
    above = widen(value, roundings)[1] + moved
    return Enclosure(value, widen(below, 3)[0], widen(above, 3)[1], 0.0, "row sums of non-negative terms")


def _ratio_error(width: int) -> float:
    """Bounds the relative error of a ratio of two probabilities, and the absolute one of a total variation."""
    return 2.5 * ROUNDING * (2 * width + 10)


def _unless(same: Mask, sums: Numbers) -> Numbers:
    """The sums, 0 for rows that are alike."""
    return sums * np.where(same, 0.0, 1.0)


def _count(block: NormalisedRows, of: Mask) -> NDArray[np.int64]:
    """How many transitions of each row."""
    return np.bincount(block.row[of], minlength=block.n_rows).astype(np.int64)


def _first(block: NormalisedRows, of: Mask) -> Pairs:
    """The first few transitions."""
    places = np.flatnonzero(of)[:EXAMPLES]
    return np.stack([block.states.start + block.row[places], block.target[places]], axis=1)
