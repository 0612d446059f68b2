"""Rows and columns of a chain with an automaton that reads along, solved about as those of the chain itself.

Most pairs are windows whose transitions are the chain's own: they are left to `markovgpt.solvers.multigrid_solver`. Of
the others, those that something leads to are made references by the caller, ends of what is solved here; those that
nothing leads to are where walks begin: mass leaves them once, and each is worth what the next ones are.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from markovgpt.chains.product import ProductChain
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import FloatArray, Numbers, concatenate
from markovgpt.solvers.multigrid_solver import ACCURACY, MultigridSolver


@dataclass(frozen=True, eq=False)
class ProductSolver:
    """Solutions on live pairs, none of them one with listed transitions that something leads to.

    Parameters
    ----------
    chain: of windows that have shorter contexts.
    live: (n_states,).
    """

    chain: ProductChain
    live: Mask

    @property
    def name(self) -> str:
        """Of the method."""
        return f"{self._own.name} on a product"

    def row(self, start: Numbers, tolerance: float = ACCURACY, guess: Numbers | None = None) -> Numbers:
        """About the v with v = v Q + start; every live pair can be reached from the start."""
        begun = start * self._beginning
        arrived = (self.chain.push(self.chain.with_room(begun)) + start) * self._continuing
        own = self._own.row(arrived[: self._n], tolerance, None if guess is None else guess[: self._n])
        return concatenate([own, begun[self._n :]])

    def column(self, gain: Numbers, tolerance: float = ACCURACY, guess: Numbers | None = None) -> Numbers:
        """About the h with h = Q h + gain; from every live pair one with a gain can be reached."""
        own = self._own.column(gain[: self._n], tolerance, None if guess is None else guess[: self._n])
        found = concatenate([own, np.zeros(self.chain.n_states - self._n)])
        return found + (self.chain.pull(self.chain.with_room(found)) + gain) * self._beginning

    def visits(self) -> Numbers:
        """About the visits to each pair before the end, begun on any window; 0 where nothing leads to it."""
        return concatenate([self._own.visits(), np.zeros(self.chain.n_states - self._n)])

    def stationary(self) -> Numbers:
        """About the stationary distribution of a recurrent class, the live pairs; 0 elsewhere."""
        return concatenate([self._own.stationary(), np.zeros(self.chain.n_states - self._n)])

    @property
    def _n(self) -> int:
        """Number of windows."""
        return self.chain.base.n_states

    @cached_property
    def _beginning(self) -> FloatArray:
        """1 on live pairs that nothing leads to."""
        return (self.live & (np.arange(self.chain.n_states) >= self._n)).astype(np.float64)

    @cached_property
    def _continuing(self) -> FloatArray:
        """1 on live windows."""
        return self.live * (1.0 - self._beginning)

    @cached_property
    def _own(self) -> MultigridSolver:
        """The solver on the windows alone."""
        return MultigridSolver(cast(WindowChain, self.chain.base), self.live[: self._n])
