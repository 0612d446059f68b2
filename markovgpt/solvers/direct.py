"""Small systems, solved by elimination and certified twice: a priori by trees, a posteriori by conditioning.

A `LiveSystem` is what is left of a chain between its ends. The chain is the exact normalisation of the stored weights,
p = w / W with W the row sums; a row equation W y = W b + sum w y holds for it with nothing divided.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.errors import TooLarge
from markovgpt.scaled import Numbers, ScaledArray, scatter_sum, widen
from markovgpt.solvers.certificate import Enclosure, enclose, intersect, relative_defect
from markovgpt.solvers.gth import Elimination, eliminate

ELIMINATION_LIMIT = 3000
METHOD = "GTH elimination, bounded by trees and by conditioning on the end"


@dataclass(frozen=True, eq=False)
class LiveSystem:
    """The part of a chain on live states.

    Parameters
    ----------
    states: (n,) the live states, ascending.
    inside: the transitions between them, self-loops left out, numbered 0 .. n-1.
    exits: (n,) out of them.
    totals: (n,) the row sums W.
    n_terms: most transitions in a row or a column; how much a sum over them can round.
    """

    states: NDArray[np.int64]
    inside: Edges
    exits: Numbers
    totals: ScaledArray
    n_terms: int

    @classmethod
    def of(cls, chain: TransitionOperator, live: NDArray[np.bool_]) -> "LiveSystem":
        """The live part of a chain; from every live state an exit must be reachable.

        Raises
        ------
        TooLarge: more than 3,000 live states.
        """
        n = int(live.sum())
        if n > ELIMINATION_LIMIT:
            raise TooLarge(
                f"a linear system must have at most {ELIMINATION_LIMIT} live states for elimination, got {n}; ask "
                "within a horizon (within=, --within), or about a shorter context (--context-length)"
            )
        source, target, probability = chain.edges()
        place = np.full(chain.n_states, -1, dtype=np.int64)
        place[live] = np.arange(n)
        inside = live[source] & live[target] & (source != target)
        leaving = live[source] & ~live[target]
        between = Edges(place[source[inside]], place[target[inside]], probability[inside])
        exits = scatter_sum(probability[leaving], place[source[leaving]], n)
        totals = ScaledArray.of(scatter_sum(probability, source, chain.n_states))[live]
        return cls(np.flatnonzero(live), between, exits, totals, max(chain.largest_row, chain.largest_column))

    @cached_property
    def elimination(self) -> Elimination:
        """The eliminated system, made once."""
        n = len(self.states)
        source, target, probability = self.inside
        weights: Numbers = ScaledArray.zeros((n, n)) if isinstance(probability, ScaledArray) else np.zeros((n, n))
        weights[source, target] = probability  # type: ignore[assignment]
        return eliminate(weights, self.exits)

    @cached_property
    def _outflow(self) -> ScaledArray:
        """Weights out of each state, self-loops left out."""
        source, _, probability = self.inside
        return ScaledArray.of(scatter_sum(probability, source, len(self.states))) + self.exits

    def harmonic(self, b: ScaledArray) -> Enclosure:
        """Enclose y with out[i] y[i] = b[i] + sum_{j != i} w[i, j] y[j]; b (n,) may hold n_terms roundings."""
        source, target, probability = self.inside

        def apply(z: ScaledArray) -> ScaledArray:
            return (scatter_sum(probability * z[target], source, len(z)) + b) / self._outflow

        return self._enclosed(apply, self.elimination.harmonic, b)

    def occupation(self, start: ScaledArray) -> Enclosure:
        """Enclose x with x[j] out[j] = start[j] + sum_{i != j} x[i] w[i, j]; start (n,) may hold n_terms roundings."""
        source, target, probability = self.inside

        def apply(z: ScaledArray) -> ScaledArray:
            return (scatter_sum(probability * z[source], target, len(z)) + start) / self._outflow

        return self._enclosed(apply, self.elimination.occupation, start)

    def _enclosed(
        self,
        apply: Callable[[ScaledArray], ScaledArray],
        solve: Callable[[ScaledArray], ScaledArray],
        right_hand_side: ScaledArray,
    ) -> Enclosure:
        """Solve, and intersect both bounds."""
        if not len(self.states):  # nothing is live: nothing is left to solve
            return Enclosure(right_hand_side, right_hand_side, right_hand_side, 0.0, METHOD)
        y = solve(right_hand_side)
        summed = 2 * self.n_terms * (len(self.states) + 1)  # exits, and the right-hand side, as they were summed
        bounds = widen(y, self.elimination.roundings + summed)
        conditioned = enclose(apply, y, solve(y * self._outflow), 4 * self.n_terms + 8)
        if conditioned is not None:
            bounds = intersect(bounds, conditioned)
        return Enclosure(y, *bounds, relative_defect(apply(y), y), METHOD)
