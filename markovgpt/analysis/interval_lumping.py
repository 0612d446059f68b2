"""Nearly alike states told as one: a smaller chain whose rows are known within bounds, and answers that hold.

The states of a block B send into each block B' between lo(B, B') and hi(B, B'), and each state's row is within the
total variation tv(B) of that of the block's first state, q. With u(s) the probability that the target is reached from s
within k steps and low <= u <= high known for k steps, block by block, one step more gives

    high'(B) = max p . high,   low'(B) = min p . low,     p over all rows with lo <= p <= hi, |p - q| <= tv(B), sum 1

on blocks before the target: the true row of s, added up over blocks, is one of these p, and p . x grows with x. So by
induction every state of B lies in [low(B), high(B)], whatever the true rows are. From low = 0, high = 1 the same holds
after any number of steps for "ever", for which u is a fixed point: low only rises, high only falls. Since values lie in
[0, 1], a step moves each bound by at most tv(B) away from what q alone gives: after n steps both are within n times the
largest tv of the answer of the chain whose rows are the first states'.

In doubles: the rows are computed up to factors that `TransitionOperator.roundings` counts, made to one sum by one such
factor more, so the intervals are widened by a few, and each step's value by all of them; a step is monotone and scales
with its values, so factors multiply up. What is lost below the doubles is added to the upper bound.

Source: R. Givan, S. Leach, T. Dean, Bounded-parameter Markov decision processes, Artificial Intelligence 122 (2000)
71-109 (interval value iteration, and the sorted rows that maximise it).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.lumping import labelled, mask_of_blocks
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import can_reach
from markovgpt.chains.compiled import compiled
from markovgpt.chains.lumped_rows import Blocks, LumpedRows
from markovgpt.chains.operator import SAFE_EXPONENT, TransitionOperator
from markovgpt.chains.states import Mask, is_count
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import ROUNDING, FloatArray, ScaledArray, choose, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one

MOST_STEPS = 65_536
SETTLED = 1e-12  # "ever" is asked until no bound moves by more, relatively
LOST = 2.0**-900  # more than all that is below the doubles brings in one step
BYTES_PER_STATE, BYTES_PER_ENTRY = 120, 40  # distances and blocks; a row's range, and what is sorted of it


@dataclass(frozen=True, eq=False, repr=False)
class IntervalLumping(Shown):
    """A chain told with fewer states, of whose rows bounds are known.

    Parameters
    ----------
    chain: the chain itself.
    block_of: (n_states,) the block of each state, the witness.
    first_states: (n_blocks,) the state of each block whose row stands for it.
    bounds, targets: which blocks each one sends something into, as in a CSR matrix.
    lower, nominal, upper: (n_entries,) the least that a state of the block sends, the first state, the most; bounds
        are outward.
    tv: (n_blocks,) how far any state's row is at most from the first one's, in total variation over blocks.
    """

    chain: TransitionOperator
    block_of: Blocks
    first_states: NDArray[np.int64]
    bounds: NDArray[np.int64]
    targets: NDArray[np.int64]
    lower: FloatArray
    nominal: FloatArray
    upper: FloatArray
    tv: FloatArray

    @property
    def n_blocks(self) -> int:
        """How many blocks there are."""
        return len(self.first_states)

    @property
    def largest_tv(self) -> float:
        """The largest distance of a state from its block's first; n times it bounds the width of an answer within n."""
        return float(self.tv.max())

    def hitting_probability(
        self, target: Target, *, start: Start | None = None, within: int | None = None, avoiding: Target | None = None
    ) -> Answer:
        """How likely is it that the target is reached, as far as the blocks say it?

        Parameters
        ----------
        target, avoiding: as for `markovgpt.hitting_probability`, if the window shows it, and made of whole blocks: give
            it as labels.
        start: a state, a distribution, a window or a text; None asks about every state at once.
        within: at most so many tokens, up to 65,536; None for ever.

        Returns
        -------
        Answer, whose bounds hold for the chain itself; the value is their middle.

        Raises
        ------
        InvalidInput: a target that some block holds in part, or that is longer than the window, a horizon outside its
            range, and what `markovgpt.hitting_probability` refuses.
        """
        if within is not None and (not is_count(within) or within > MOST_STEPS):
            raise InvalidInput(
                f"within must be a whole number in 0..{MOST_STEPS}, got {within}; leave it out to ask about ever"
            )
        asked = posed(self.chain, target, start=start, avoiding=avoiding)
        if asked.chain is not self.chain:
            raise InvalidInput(
                f"target must be seen in a window here, got {target}; ask the chain itself (hitting_probability)"
            )
        low, high, steps, moving = self._bounded(asked, within)
        roundings = steps * (3 * self.chain.roundings + int(np.diff(self.bounds).max()) + 32)
        below, above = widen(ScaledArray.of(low), roundings)[0], widen(ScaledArray.of(high), roundings)[1]
        if int(self.chain.smallest_probability.exponent) * steps < SAFE_EXPONENT:
            below = below * np.where(low < LOST, 0.0, 1.0)
            above = above + steps * LOST
        lower, upper = (
            choose(moving, part, ScaledArray.of(known))[self.block_of] for part, known in ((below, low), (above, high))
        )
        method = f"{steps} steps of interval iteration over {self.n_blocks} blocks"
        found = at_most_one(Enclosure((lower + upper) * 0.5, lower, upper, 0.0, method))
        return Answer.of(at_most_one(asked.answered(found)), iterations=steps)

    def _bounded(self, asked: Question, within: int | None) -> tuple[FloatArray, FloatArray, int, Mask]:
        """Bounds for each block, the steps that were taken, and which blocks are not known exactly."""
        reached = mask_of_blocks(self.block_of, self.first_states, asked.reached)
        avoided = mask_of_blocks(self.block_of, self.first_states, asked.avoided & ~asked.reached)
        possible = can_reach(asked.chain, asked.reached, through=asked.through)
        hopeless = ~self._some(possible)
        low = np.where(reached, 1.0, 0.0)
        high, fixed = low, reached | avoided | hopeless
        if within is None:
            sure = ~self._some(~possible | can_reach(asked.chain, ~possible, through=asked.through))
            low, fixed = np.where(sure, 1.0, low), fixed | sure
            high = np.where(fixed, low, 1.0)
        if fixed.all():
            return low, high, 0, ~fixed
        steps = MOST_STEPS if within is None else int(within)
        for step in range(steps):
            below, above = self._step(low, fixed, highest=False), self._step(high, fixed, highest=True)
            moved = max(_moved(low, below), _moved(high, above))
            low, high = below, np.minimum(above, 1.0)
            if within is None and moved < SETTLED:
                return low, high, step + 1, ~fixed
        return low, high, steps, ~fixed

    def _some(self, states: Mask) -> Mask:
        """The blocks with some of the states."""
        found = np.zeros(self.n_blocks, dtype=bool)
        found[self.block_of[states]] = True
        return found

    def _step(self, values: FloatArray, fixed: Mask, *, highest: bool) -> FloatArray:
        """One step more."""
        out = np.empty(self.n_blocks)
        rows = (self.bounds, self.targets, self.lower, self.nominal, self.upper, self.tv)
        _step_kernel(*rows, values, fixed, highest, out)
        return out

    def summary(self) -> dict[str, Any]:
        """The sizes as a plain dict."""
        return {
            "n_states": len(self.block_of),
            "n_blocks": self.n_blocks,
            "n_entries": len(self.targets),
            "largest_tv": self.largest_tv,
        }


def approximate_lumping(chain: TransitionOperator, labels: ArrayLike, epsilon: float) -> IntervalLumping:
    """Which states say nearly the same about given labels, and what can still be said for certain?

    A partition within the labels in which the rows of any two states of a block, added up over blocks, differ by at
    most epsilon in total variation. There is no coarsest one; this one comes of splitting blocks that are too wide.

    Parameters
    ----------
    labels: as for `coarsest_lumping`.
    epsilon: in [0, 1]; 0 lumps what is equal in doubles.

    Raises
    ------
    InvalidInput: labels of another number, or that are no whole numbers; an epsilon outside [0, 1].
    TooLarge: the rows of the blocks would not fit.

    Method: each state's distance to the first of its block; a block with one further than epsilon / 2 is split in two,
    by which of the first and the furthest is nearer. Every pass reads the transitions at most twice.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> maze = SparseChain.from_matrix([[0, .5, .5, 0], [.5, 0, 0, .5], [.49, 0, 0, .51], [0, 0, 0, 1]])
    >>> lumped = approximate_lumping(maze, [0, 1, 1, 2], 0.05)
    >>> within_two = lumped.hitting_probability([3], start=0, within=2)                       # 0.505
    >>> lumped.n_blocks, round(within_two.lower, 9), round(within_two.upper, 9)
    (3, 0.5, 0.51)
    """
    if isinstance(epsilon, bool) or not 0 <= epsilon <= 1:
        raise InvalidInput(f"epsilon must lie in [0, 1], got {epsilon}; it is a total variation, 0.01 is small")
    blocks, n = labelled(chain, labels), chain.n_states
    require_memory(
        BYTES_PER_STATE * n + BYTES_PER_ENTRY * n * chain.largest_row,
        f"the rows of the blocks of {n} states x {chain.largest_row} transitions",
        "give a shorter context length",
    )
    rows = LumpedRows.of(chain)
    while True:
        first_states = np.unique(blocks, return_index=True)[1]
        k = len(first_states)
        distances = rows.distances(blocks, first_states, k)
        farthest = np.lexsort((-distances, blocks))[np.searchsorted(np.sort(blocks), np.arange(k))]
        wide = distances[farthest] > epsilon / 2
        if not wide.any():
            break
        others = np.where(wide, farthest, first_states)
        leaves = wide[blocks] & (rows.distances(blocks, others, k) < distances)
        blocks = labelled(chain, blocks + k * leaves)
    known = 1.25 * ROUNDING * (chain.roundings + 8)
    tv = distances[farthest] * (1 + known) + np.where(np.bincount(blocks) > 1, 8 * known, 0.0)
    bounds, targets, sums = rows.ranges(blocks, k)
    return IntervalLumping(
        chain, blocks, first_states, bounds, targets, sums[0] * (1 - 4 * known), sums[1], sums[2] * (1 + 4 * known), tv
    )


def _moved(before: FloatArray, after: FloatArray) -> float:
    """The largest relative change."""
    return float(np.max(np.abs(after - before) / np.where(after > 0, after, 1.0)))


@compiled
def _step_kernel(  # type: ignore[no-untyped-def]
    bounds, targets, lower, nominal, upper, tv, values, fixed, highest, out
):
    """The best or the worst of the rows of each block: from the first state's row, mass moves to where it counts."""
    slack = 2.0**-50
    for b in range(len(out)):
        out[b] = values[b]
        if not fixed[b]:
            begin, end = bounds[b], bounds[b + 1]
            worth = values[targets[begin:end]]
            order = np.argsort(-worth if highest else worth)
            low, row, high = lower[begin:end], nominal[begin:end].copy(), upper[begin:end]
            left, i, j = tv[b], 0, len(order) - 1
            gain = high[order[0]] - row[order[0]]
            loss = row[order[j]] - low[order[j]]
            while i < j and left > 0 and worth[order[i]] != worth[order[j]]:
                moved = min(gain, loss, left)
                row[order[i]] += moved
                row[order[j]] -= moved
                gain, loss, left = gain - moved, loss - moved, left - moved
                if gain <= 0:
                    i += 1
                    gain = high[order[i]] - row[order[i]]
                if loss <= 0:
                    j -= 1
                    loss = row[order[j]] - low[order[j]]
            total = 0.0
            for e in range(end - begin):
                mass = row[e]
                if mass < nominal[begin + e] and not highest:
                    mass = max(0.0, mass - slack * nominal[begin + e])
                total += mass * worth[e]
            out[b] = total
