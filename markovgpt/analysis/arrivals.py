"""What arrives step by step, and bounds of all that arrives later.

With Q the chain on live states, r the states that count as an arrival, f_k = Q^k r and S_k = Q^k 1: from each state an
arrival at step k, and being live after k steps. Arrivals within n steps are the sum of f_k, summed forward: every term
is a product of non-negatives. For n beyond a few dozen the tail is bracketed by the hazard, which is tighter than the
roundings of many products. If m <= f_k / S_(k-1) <= M over the live states (what arrives in the next step, given
alive), then by the mediant inequality so it stays at every later step, and likewise the chance of any end,
mt <= (S_(k-1) - S_k) / S_(k-1) <= Mt. Hence, F_k being the sum so far,

    F_k + S_k m (1 - (1 - Mt)^(n-k)) / Mt  <=  F_n  <=  F_k + S_k M (1 - (1 - mt)^(n-k)) / mt

Where what survives is periodic, the same holds with d steps, the common period, in place of one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from markovgpt.analysis.question import Question
from markovgpt.analysis.repetition import expected_lifetime
from markovgpt.analysis.structure import common_period
from markovgpt.chains.listed import Products
from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import Numbers, ScaledArray, concatenate, is_positive, widen
from markovgpt.sums import total

PLAIN_STEPS = 64  # up to here every step is taken; beyond, the hazard bracket may end the sum early
MOST_STEPS = 65_536
LONGEST_BLOCK = 64
MOST_SEARCHED = 5_000_000  # transitions of survivors among which a period is looked for: it takes some 50 products
LISTED_STEPS = 16  # so many products make up for listing the transitions ahead of a start
FEW, MOST_LISTED = 2, 6_000_000  # states for each one ahead, and transitions among these: listed they are quicker
NARROW = 1e-13  # hazards that agree so well end the sum

Walked = tuple[Any, Callable[[Numbers], Numbers]]  # states, as an index, and how mass goes on among them


@dataclass(frozen=True, eq=False)
class Block:
    """As many steps at once as bring what survives back to where it was: what it began with, and what it saw.

    Parameters
    ----------
    steps: the common period, at most 64, or 1.
    survived: S before the block.
    arrived, left: from each state, in the block.
    """

    steps: int
    survived: Numbers
    arrived: Numbers
    left: Numbers

    @cached_property
    def hazards(self) -> ScaledArray:
        """The least and greatest chance, given alive, to arrive (m, M) and to leave (mt, Mt) in a block."""
        arriving, leaving = (extremes(part, self.survived) for part in (self.arrived, self.left))
        return ScaledArray.of(concatenate([arriving, leaving]))

    def then(self, arriving: Numbers, leaving: Numbers) -> "Block":
        """The block one step longer."""
        return Block(self.steps, self.survived, self.arrived + arriving, self.left + leaving)


@dataclass(eq=False)
class Arrivals:
    """Arrivals from every state, as step after step is taken.

    Parameters
    ----------
    live: the states from which the walk goes on.
    arriving: f_k after k = ``steps`` steps.
    alive, leaving: S_k, and what leaves at step k; None where no tail will be asked for.
    so_far: the sum of f over the steps that count.
    block: the last one that was looked at, when the number of steps had doubled.
    """

    chain: TransitionOperator
    live: Mask
    arriving: Numbers
    alive: Numbers | None
    leaving: Numbers | None
    so_far: ScaledArray
    period: int = 1
    steps: int = 0
    block: Block | None = None
    _begun: Block | None = field(default=None, repr=False)
    _next_look: int = PLAIN_STEPS

    @classmethod
    def of(
        cls, chain: TransitionOperator, arriving: Mask, live: Mask, *, horizon: int | None, at_once: bool
    ) -> "Arrivals":
        """Before the first step.

        Parameters
        ----------
        arriving: the states whose entry is an arrival.
        horizon: the last step that will be asked about; None where that is not known yet.
        at_once: whether beginning on such a state counts.
        """
        ones, entered, lost = (np.where(mask, 1.0, 0.0) for mask in (live, arriving, ~live))
        so_far = ScaledArray.of(entered if at_once else np.zeros(chain.n_states))
        if horizon is not None and horizon <= PLAIN_STEPS:
            return cls(chain, live, entered, None, None, so_far)
        return cls(chain, live, entered, ones, lost, so_far, _block_length(chain, live))

    @property
    def goes_on(self) -> bool:
        """Whether anything can still arrive."""
        return bool(is_positive(self.arriving).any())

    @property
    def is_settled(self) -> bool:
        """Whether more products would say no more about what comes later, or are too many."""
        return self.steps >= MOST_STEPS or _is_narrow(self.hazards)

    @property
    def hazards(self) -> ScaledArray:
        """Those of the last block; before there is one, what holds of any: an arrival or none at each step."""
        return ScaledArray.of([0.0, self.period, 0.0, 1.0]) if self.block is None else self.block.hazards

    @property
    def roundings(self) -> int:
        """In each entry of ``so_far``, ``alive`` and ``arriving``."""
        return self.steps * (self.chain.roundings + 1) + 4

    def advance(self) -> None:
        """Take one step."""
        survived = self.alive
        self.steps += 1
        self.arriving = self._stepped(self.arriving)
        self.so_far = self.so_far + self.arriving
        if self.alive is not None and self.leaving is not None and survived is not None:
            self.alive, self.leaving = self._stepped(self.alive), self._stepped(self.leaving)
            self._look(survived, self.leaving)

    def run(self, horizon: int) -> None:
        """Take steps to the horizon, or until a tail from here to there is known as well as products can say."""
        while self.steps < horizon and self.goes_on:
            if self.is_settled and (horizon - self.steps) % self.period == 0:
                return
            self.advance()

    def summed(self, horizon: int) -> tuple[ScaledArray, ScaledArray]:
        """Bounds of the sum to a horizon whole blocks away, but for the ``roundings`` of what was added so far."""
        if self.alive is None or not self.goes_on or self.steps == horizon:
            return self.so_far, self.so_far
        low, high = self.later(horizon - self.steps)
        tail = ScaledArray.of(self.alive)
        return self.so_far + tail * low, self.so_far + tail * high

    def later(self, steps: int) -> tuple[ScaledArray, ScaledArray]:
        """Bounds of what arrives in the next steps, whole blocks, over S_k."""
        return _tail_factors(self.hazards, steps // self.period, 4 * self.steps * self.chain.roundings)

    def _stepped(self, vector: Numbers) -> Numbers:
        """One step earlier, on the live states."""
        return on(self.live, self.chain.pull(self.chain.with_room(vector)))

    def _look(self, survived: Numbers, leaving: Numbers) -> None:
        """Gather the block that ends with the next look."""
        if self.steps == self._next_look - self.period + 1:
            self._begun = Block(self.period, survived, self.arriving, leaving)
        elif self._begun is not None:
            self._begun = self._begun.then(self.arriving, leaving)
        if self.steps == self._next_look and self._begun is not None and is_positive(self._begun.survived).any():
            self.block, self._begun, self._next_look = self._begun, None, 2 * self._next_look


def forward(asked: Question, steps: int, delay: int = 0) -> Iterator[tuple[ScaledArray, Numbers]]:
    """From the start of a question: what arrives at each step, and what goes on, by states, of all or of those ahead.

    Parameters
    ----------
    steps: how many are told of.
    delay: steps before which only what is to be avoided counts; they are not told of.

    Each product and each step's sum has at most ``roundings`` of the chain, and `TOTAL_ROUNDINGS`.
    """
    among, push = _all_of(asked.chain)
    if steps + delay >= LISTED_STEPS:
        among, push = _ahead(asked.chain, asked.start_values > 0, ~asked.avoided if delay else asked.through)
    mass: Numbers = asked.start_values[among]
    reached = np.flatnonzero(asked.reached[among])
    through, waiting = (np.where(mask[among], 1.0, 0.0) for mask in (asked.through, ~asked.avoided))
    for _ in range(delay):
        mass = push(asked.chain.with_room(mass * waiting))
    for step in range(steps):
        if step:
            mass = push(asked.chain.with_room(mass))
        arriving = ScaledArray.of(total(mass[reached]))
        mass = mass * through
        yield arriving, mass


def _all_of(chain: TransitionOperator) -> Walked:
    """All states, and the push of the chain."""
    return slice(None), chain.push


def _ahead(chain: TransitionOperator, start: Mask, leaving: Mask) -> Walked:
    """The states that a start leads to, and the push among them by a list; where they are many, all and the chain's."""
    found = chain.reached_from(start, leaving)
    n = int(found.sum())
    if n * FEW > chain.n_states or n * chain.largest_row > MOST_LISTED:
        return _all_of(chain)
    source, target, probability = chain.edges(found & leaving)
    number = np.cumsum(found) - 1
    return np.flatnonzero(found), Products(Edges(number[source], number[target], probability), n).push


def on(mask: Mask, values: Numbers) -> Numbers:
    """The values on a mask, 0 elsewhere.

    >>> on(np.array([True, False]), np.array([3.0, 4.0])).tolist()
    [3.0, 0.0]
    """
    return values * np.where(mask, 1.0, 0.0)


def extremes(part: Numbers, whole: Numbers) -> ScaledArray:
    """The least and the greatest ratio, where the whole is above zero.

    >>> extremes(np.array([1.0, 1.0, 9.0]), np.array([4.0, 2.0, 0.0])).to_float().tolist()
    [0.25, 0.5]
    """
    alive = is_positive(whole)
    ratio = ScaledArray.of(part)[alive] / ScaledArray.of(whole)[alive]
    order = np.lexsort((ratio.mantissa, ratio.exponent))
    return ratio[order[[0, -1]]]


def _block_length(chain: TransitionOperator, live: Mask) -> int:
    """The common period of what survives; 1 where it is long, or there are too many transitions to search."""
    if not live.any() or live.sum() * chain.largest_row > MOST_SEARCHED:
        return 1
    period = common_period(chain, live)
    return period if period <= LONGEST_BLOCK else 1


def _is_narrow(hazards: ScaledArray) -> bool:
    """Whether the least and the greatest hazard agree as well as products of doubles can say."""
    low, high = hazards[[0, 2]], hazards[[1, 3]]
    return bool((high <= low * (1 + NARROW)).all())


def _tail_factors(hazards: ScaledArray, steps: int, roundings: int) -> tuple[ScaledArray, ScaledArray]:
    """Bounds of P(arrive in the next ``steps``) / P(alive now), from the hazards (m, M, mt, Mt)."""
    low, high = widen(hazards, roundings)
    shortest = expected_lifetime(high[3], steps)[0]
    longest = expected_lifetime(low[2], steps)[1]
    return low[0] * shortest, high[1] * longest
