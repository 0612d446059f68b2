"""How soon every start has been forgotten: what all of them lead to (Doeblin).

If F(y) <= P^m(s, y) for every start s, then with probability alpha = sum_y F(y) all starts can be taken to be in one
and the same state after m steps, and otherwise they are left to go on. So

    d(t) = max_s TV(P^t(s, .), pi) <= (1 - alpha)^floor(t / m),        |lambda_2| <= (1 - alpha)^(1 / m).

Two ways to an F:

**All of a context at once.** After m = L tokens a window is new; with

    F_0 = 1,    F_k(y) = min of F_(k-1)(x) p(x, y) over the windows x that can lead to y,    F = F_L

F(y) = min_s P^L(s, y): given s and y there is one path, so the least product is found one factor after the other, in
L passes over the table.

**Some targets, any number of steps.** F(y) = min_s P^m(s, y) for a few likely states y, by m pulls of the indicator
of each, and F = 0 elsewhere; alpha grows towards their share of the long run.

alpha is carried as it is, 1 - alpha never formed.

Source: W. Doeblin's condition, as in S. P. Meyn, R. L. Tweedie, Markov Chains and Stochastic Stability, section 16.2.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.scans import push_least
from markovgpt.chains.sliding import SlidingTable
from markovgpt.chains.window_chain import WindowChain
from markovgpt.memory import require_memory
from markovgpt.scaled import ROUNDING, FloatArray, as_floats
from markovgpt.shown import Shown
from markovgpt.sums import TOTAL_ROUNDINGS, total

TARGETS, MANY, FEWER = 64, 100_000, 16  # likeliest states, and how many where there are many states
MOST_PULLS = 200  # steps of the targets
LARGEST = 1e300  # a number of steps beyond is infinite
LOWEST = 1e-290  # smaller probabilities are taken as 0 in these lower bounds


@dataclass(frozen=True)
class Minorization(Shown):
    """What all starts lead to.

    Parameters
    ----------
    steps: m.
    common: alpha, a lower bound, in [0, 1].
    least: min_y F(y) over the states y that F was sought for, a lower bound.
    """

    steps: int
    common: float
    least: float

    @property
    def log_modulus(self) -> float:
        """An upper bound of log |lambda_2|; 0 says nothing.

        >>> bool(-0.2310491 < Minorization(3, 0.5, 0.1).log_modulus < -0.2310490)                 # log(1/2) / 3
        True
        """
        return self._log_left / self.steps * (1 - 8 * ROUNDING)

    def steps_within(self, epsilon: float) -> float:
        """From which step on d(t) is at most epsilon; rounded up where that is beyond 2**53.

        >>> Minorization(3, 0.5, 0.1).steps_within(0.3), Minorization(3, 0.0, 0.0).steps_within(0.3)
        (6.0, inf)
        """
        if self.common <= 0:
            return math.inf
        needed = math.log(epsilon) / self._log_left * (1 + 8 * ROUNDING)
        found = float(self.steps) * max(math.ceil(needed), 1) if needed < LARGEST else math.inf
        return found if found < 2**53 else found * (1 + 4 * ROUNDING)

    def distance(self, steps: int) -> float:
        """An upper bound of d(t).

        >>> Minorization(3, 0.5, 0.1).distance(6) - 0.25 < 1e-15
        True
        """
        left = math.exp(self._log_left * (steps // self.steps) * (1 - 8 * ROUNDING))
        return min(max(left, LOWEST) * (1 + 4 * ROUNDING), 1.0)  # an exponential below the doubles is no bound

    def steps_by_least(self, epsilon: float) -> float:
        """From which step on (1 - 2 least)^(floor(t / m) - 1) is at most epsilon; inf where it never is seen to be.

        >>> Minorization(3, 0.5, 0.1).steps_by_least(0.7)                                     # 0.8 <= 0.7 no, 0.64 yes
        9.0
        """
        weaker = Minorization(self.steps, min(2 * self.least, 1.0), self.least)
        return weaker.steps_within(epsilon) + self.steps

    @property
    def _log_left(self) -> float:
        """log(1 - alpha), about."""
        return math.log1p(-min(self.common, 1 - ROUNDING))


def common_of_context(chain: WindowChain) -> Minorization:
    """What all windows lead to in as many tokens as a window has; shorter windows among them where the chain has them.

    Raises
    ------
    TooLarge: vectors over the windows, or a copy of a table that is not of doubles, would not fit.

    >>> from markovgpt.chains.states import StateSpace
    >>> coin = WindowChain(StateSpace(2, 3), np.tile([0.75, 0.25], (8, 1)))     # no window matters
    >>> found = common_of_context(coin)
    >>> round(found.common, 12), round(found.least, 12), found.steps
    (1.0, 0.015625, 3)
    """
    V, L = chain.space.vocab_size, chain.space.context_length
    copied = any(block.is_scaled or block.totals is not None for block in chain.blocks)
    require_memory(
        8 * chain.n_states * (3 * V if copied else 4),
        f"bounds over {chain.n_states} states x {V} tokens",
        "give a shorter context length",
    )
    tables = [_doubles(block) for block in chain.blocks]
    full, prefixes = tables[-1], tables[:-1]
    shorter: list[FloatArray | None] = [np.ones(table.shape[1]) for table in prefixes]
    longest = np.ones(full.shape[0] * full.shape[1])
    for _ in range(L):
        arrived = push_least(full, longest.reshape(full.shape[:2])).reshape(-1)
        moved = [
            None if leaving is None else (leaving[:, None] * table[0]).reshape(-1)
            for leaving, table in zip(shorter, prefixes, strict=True)
        ]
        if moved and moved[-1] is not None:
            arrived = np.minimum(arrived, moved[-1])
        shorter = [None, *moved[:-1]] if moved else []  # no window of one token is entered
        longest = np.where(arrived > LOWEST, arrived, 0.0)
    return _lowered(L, longest, L * (chain.roundings + 8))


def common_of_targets(chain: TransitionOperator, targets: Sequence[int]) -> Iterator[Minorization]:
    """What all starts lead to among some targets, in 1, 2, 3, ... steps; one pull a target and step.

    Raises
    ------
    TooLarge: a vector over the states for each target would not fit.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> round(next(common_of_targets(coin, [1])).common, 12)
    0.5
    """
    require_memory(8 * chain.n_states * (len(targets) + 4), f"{len(targets)} vectors over the states", "ask for fewer")
    columns = []
    for target in targets:
        columns.append(np.zeros(chain.n_states))
        columns[-1][target] = 1.0
    steps = 0
    while True:
        steps += 1
        columns = [as_floats(chain.pull(column)) for column in columns]
        columns = [np.where(column > LOWEST, column, 0.0) for column in columns]
        least = np.array([column.min() for column in columns])
        yield _lowered(steps, least, steps * (chain.roundings + 1))


def minorizations(chain: TransitionOperator, lived: FloatArray) -> list[Minorization]:
    """All that is found about a chain with one long run, (n_states,) about: of a context, and of the likeliest states.

    Steps are added until the bound of |lambda_2| has not improved for as many again.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.75, 0.25], [0.25, 0.75]])             # |lambda_2| is 1/2
    >>> best = min(found.log_modulus for found in minorizations(coin, np.array([0.5, 0.5])))
    >>> best - math.log(0.5) < 1e-9
    True
    """
    found = [common_of_context(chain)] if isinstance(chain, WindowChain) else []
    n_targets = TARGETS if chain.n_states <= MANY else FEWER
    likeliest = np.argsort(-lived, kind="stable")[:n_targets]
    best, since = math.inf, 0
    for next_one in common_of_targets(chain, likeliest.tolist()):
        found.append(next_one)
        if next_one.log_modulus < best:
            best, since = next_one.log_modulus, next_one.steps
        is_settled = next_one.common > 0 and next_one.steps >= 2 * since + 8
        if is_settled or next_one.steps == MOST_PULLS:
            break
    return found


def _lowered(steps: int, least: FloatArray, roundings: int) -> Minorization:
    """The bounds of entries that hold so many roundings."""
    slack = max(1 - 1.25 * ROUNDING * (roundings + TOTAL_ROUNDINGS + 4), 0.0)
    whole = float(as_floats(total(least)))
    return Minorization(steps, min(whole * slack, 1.0), float(least.min()) * slack)


def _doubles(block: SlidingTable) -> FloatArray:
    """The table of a block, (A, M, V); 0 where it is below the doubles."""
    if block.is_scaled:
        found = as_floats(block.weights)
        return np.where(found > LOWEST, found, 0.0)
    table = np.asarray(block.weights, dtype=np.float64)
    return table if block.totals is None else table / block.totals.reshape(*table.shape[:2], 1)
