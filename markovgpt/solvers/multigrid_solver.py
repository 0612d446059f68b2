"""Rows and columns of a large chain, solved about: what `markovgpt.solvers.iterative` then encloses.

By multigrid, in doubles where they reach and scaled where they do not. The shorter windows that a
text begins with need no solution: mass passes through them once, and each is worth what the next ones are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import numpy as np

from markovgpt.chains.operator import SAFE_EXPONENT, TransitionOperator
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import Numbers, ScaledArray, as_floats, concatenate, is_positive
from markovgpt.solvers.multigrid import Landscape, Restarted, Reversed, Solution, solve

ACCURACY = 1e-14
JUDGED = 1e-2  # accuracy of what is only looked at, or begun with


Problem = TypeVar("Problem", Restarted, Reversed)


@dataclass(frozen=True, eq=False)
class MultigridSolver:
    """Solutions on the live windows of a chain, from each of which an end, or each other, can be reached.

    Parameters
    ----------
    live: (n_states,).
    """

    chain: WindowChain | SparseChain
    live: Mask

    @property
    def name(self) -> str:
        """Of the method."""
        return "suffix multigrid" if isinstance(self.chain, WindowChain) else "multigrid by matching"

    def row(self, start: Numbers, tolerance: float = ACCURACY, guess: Numbers | None = None) -> Numbers:
        """About the v with v = v Q + start; every live window can be reached from the start."""
        full = self._levels[-1]
        found: list[Numbers] = []
        arrived = start[self._levels[0]] * self.live[self._levels[0]]
        for block, after in zip(self.chain.blocks[:-1], self._levels[1:], strict=True):
            found.append(arrived)
            arrived = (block.push(self.chain.with_room(arrived)) + start[after]) * self.live[after]
        if not is_positive(arrived).any():
            return _joined([*found, arrived])
        size = arrived.sum()
        arrived /= size  # of no one else

        def fine(restart: Numbers) -> Restarted:
            return Restarted(self._landscape, self._exits, restart)

        x, problem = self._solved(fine, arrived, None if guess is None else guess[full], tolerance)
        return _joined([*found, self._times(x, size / problem.killed(x))])

    def column(self, gain: Numbers, tolerance: float = ACCURACY, guess: Numbers | None = None) -> Numbers:
        """About the h with h = Q h + gain; from every live window one with a gain can be reached."""
        *shorter, full = self._levels
        h = gain[full] * self.live[full]
        if is_positive(h).any():
            h = self._full_column(h, None if guess is None else guess[full], tolerance)
        found = [h]
        for block, level in zip(self.chain.blocks[-2::-1], shorter[::-1], strict=True):
            found.append((block.pull(self.chain.with_room(found[-1])) + gain[level]) * self.live[level])
        return _joined(found[::-1])

    def stationary(self, tolerance: float = ACCURACY) -> Numbers:
        """About the stationary distribution of a recurrent class, the live windows; 0 elsewhere."""
        *shorter, full = self._levels
        live, nothing = self.live[full], np.zeros(len(self.live[full]))
        if not is_positive(self.chain.blocks[-1].others)[live].any():  # one cycle and nothing else
            return _joined([*(np.zeros(level.stop - level.start) for level in shorter), live / live.sum()])
        x, _ = self._solved(lambda _: Restarted(self._landscape, nothing, nothing), nothing, None, tolerance)
        return _joined([*(np.zeros(level.stop - level.start) for level in shorter), x])

    def visits(self) -> Numbers:
        """About the visits to each full window before the end, begun on any of them; 0 elsewhere."""
        if not self.live[self._levels[-1]].any():
            return np.zeros(self.chain.n_states)
        x, problem = self._about_everywhere
        return _joined([*(np.zeros(level.stop - level.start) for level in self._levels[:-1]), x / problem.killed(x)])

    @cached_property
    def _levels(self) -> list[slice]:
        """The states of each block: of each window length, or all."""
        ends = np.cumsum([0, *(block.size for block in self.chain.blocks)]).tolist()
        return [slice(first, stop) for first, stop in pairwise(ends)]

    @cached_property
    def _landscape(self) -> Landscape:
        """The greedy machine on the live full windows."""
        return Landscape(self.chain.blocks[-1], self.live[self._levels[-1]])

    @cached_property
    def _exits(self) -> Numbers:
        """The probability that each live full window is left for another state, in one step."""
        full = self._levels[-1]
        return self.chain.blocks[-1].pull((~self.live[full]).astype(np.float64)) * self.live[full]

    @cached_property
    def _everywhere(self) -> tuple[Numbers, Restarted]:
        """The stationary vector of the chain that is restarted anywhere: the weights of the reversed chain."""
        return self._restarted_anywhere(self._about_everywhere[0], ACCURACY)

    @cached_property
    def _about_everywhere(self) -> tuple[Numbers, Restarted]:
        """About the same, to be judged or to begin with."""
        return self._restarted_anywhere(None, JUDGED)

    def _restarted_anywhere(self, guess: Numbers | None, tolerance: float) -> tuple[Numbers, Restarted]:
        """The stationary vector of the chain that is restarted anywhere, and its problem."""
        live = self.live[self._levels[-1]]

        def fine(restart: Numbers) -> Restarted:
            return Restarted(self._landscape, self._exits, restart)

        return self._solved(fine, live / live.sum(), guess, tolerance)

    def _full_column(self, gain: Numbers, guess: Numbers | None, tolerance: float) -> Numbers:
        """The column on full windows, as a row of the reversed chain."""
        weights, forward = self._everywhere

        def fine(restart: Numbers) -> Reversed:
            scaled = isinstance(restart, ScaledArray)
            return Reversed(forward, ScaledArray.of(weights) if scaled else weights, gain)

        begin = weights if guess is None else weights * guess
        w, problem = self._solved(fine, weights, begin / begin.sum(), tolerance)
        h = problem.column(w)
        return self._times(h, 1.0 / problem.scale(h))

    def _times(self, x: Numbers, factor: Numbers | float) -> Numbers:
        """A multiple of a vector, scaled where it, or a product of it with the chain, would leave the doubles."""
        if isinstance(x, np.ndarray):
            least = ScaledArray.of(np.min(x, where=x > 0, initial=1.0)) * factor * self.chain.smallest_probability
            most = ScaledArray.of(x.max()) * factor
            if least.exponent >= SAFE_EXPONENT and most.exponent <= -SAFE_EXPONENT:
                return x * as_floats(ScaledArray.of(factor))
        return ScaledArray.of(x) * factor

    def _solved(
        self, fine: Callable[[Numbers], Problem], restart: Numbers, guess: Numbers | None, tolerance: float
    ) -> tuple[Numbers, Problem]:
        """The stationary vector, and the problem it solves."""
        live = self.live[self._levels[-1]]
        begin = live / live.sum() if guess is None else guess
        solution, problem = solve_in_range(self.chain, fine, restart, begin, tolerance)
        return solution.x, problem


def solve_in_range(
    chain: TransitionOperator,
    fine: Callable[[Numbers], Problem],
    restart: Numbers,
    begin: Numbers,
    tolerance: float,
) -> tuple[Solution, Problem]:
    """Solve a problem made of a restart: in doubles if no product can have left their range, else scaled."""
    if isinstance(restart, np.ndarray) and isinstance(begin, np.ndarray):
        problem = fine(restart)
        try:
            with np.errstate(all="ignore"):
                found = solve(problem, begin, tolerance)
            if isinstance(chain.with_room(problem.multiplied(found.x)), np.ndarray):
                return found, problem
        except FloatingPointError:  # numbers left the range of doubles on the way
            pass
    problem = fine(ScaledArray.of(restart))
    return solve(problem, ScaledArray.of(begin), tolerance), problem


def _joined(parts: list[Numbers]) -> Numbers:
    """The parts of a vector as one."""
    return concatenate(parts) if len(parts) > 1 else parts[0]
