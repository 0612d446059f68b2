"""Rows and columns of any chain, solved by elimination: what `markovgpt.solvers.iterative` then encloses.

So a small chain is bounded by products alone, as a large one is, however rare its end; what is known a priori of the
elimination is not needed.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import Numbers, ScaledArray
from markovgpt.solvers.direct import DirectSystem
from markovgpt.solvers.gth import stationary_vector


@dataclass(frozen=True, eq=False)
class EliminationSolver:
    """Solutions on the live states of a chain, from each of which an end, or each other, can be reached.

    What is asked for of accuracy and guesses is not needed: every solution is as good as doubles are.

    Parameters
    ----------
    live: (n_states,).
    """

    chain: TransitionOperator
    live: Mask

    name: ClassVar[str] = "GTH elimination"

    def row(self, start: Numbers, tolerance: float = 0.0, guess: Numbers | None = None) -> Numbers:
        """About the v with v = v Q + start."""
        system = self._system
        begin = ScaledArray.of(start)[system.states]
        return self._over_all(system.elimination.occupation(begin) * system.totals)

    def column(self, gain: Numbers, tolerance: float = 0.0, guess: Numbers | None = None) -> Numbers:
        """About the h with h = Q h + gain."""
        system = self._system
        weight = ScaledArray.of(gain)[system.states] * system.totals
        return self._over_all(system.elimination.harmonic(weight))

    def stationary(self) -> Numbers:
        """About the stationary distribution of a recurrent class, the live states; 0 elsewhere."""
        mass = ScaledArray.of(stationary_vector(self._system.weights)) * self._system.totals
        return self._over_all(mass / mass.sum())

    def visits(self) -> Numbers:
        """About the visits to each live state before the end, begun anywhere."""
        return self.row(self.live / self.live.sum())

    @cached_property
    def _system(self) -> DirectSystem:
        """The live part, eliminated once."""
        return DirectSystem.of(self.chain, self.live)

    def _over_all(self, values: Numbers) -> Numbers:
        """Numbers on the live states as ones on all, 0 elsewhere."""
        whole = ScaledArray.zeros(self.chain.n_states)
        whole[self._system.states] = values
        return whole
