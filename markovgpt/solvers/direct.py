"""Small systems, solved by elimination and certified twice: a priori by trees, a posteriori by conditioning.

A row equation W h = W gain + sum w h holds for the exact normalisation p = w / W with nothing divided, and a self-loop
never enters.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import Numbers, ScaledArray, as_floats, widen
from markovgpt.solvers.certificate import (
    Enclosure,
    at_most_one,
    enclose,
    intersect,
    normalised,
    relative_defect,
)
from markovgpt.solvers.gth import Elimination, eliminate
from markovgpt.sums import scatter_sum

SEARCH_STEPS = 32  # products that find a state of large mass; any state would do, a heavy one gives tight bounds
METHOD = "GTH elimination, bounded by trees and by conditioning on the end"


@dataclass(frozen=True, eq=False)
class DirectSystem:
    """The live part of a chain, eliminated; see `markovgpt.solvers.live_system`.

    Parameters
    ----------
    n_states: of the whole chain.
    states: (n,) the live states, ascending.
    inside: the transitions between them, self-loops left out, numbered 0 .. n-1.
    exits: (n,) the weights out of them.
    totals: (n,) the row sums W.
    roundings: in each entry of a product with the chain.
    """

    n_states: int
    states: NDArray[np.int64]
    inside: Edges
    exits: Numbers
    totals: ScaledArray
    roundings: int

    @classmethod
    def of(cls, chain: TransitionOperator, live: Mask) -> "DirectSystem":
        """The live part of a chain; from every live state an exit must be reachable."""
        n = int(live.sum())
        source, target, probability = chain.edges(live)
        place = np.full(chain.n_states, -1, dtype=np.int64)
        place[live] = np.arange(n)
        inside = live[target] & (source != target)
        between = Edges(place[source[inside]], place[target[inside]], probability[inside])
        leaving = ~live[target]
        exits = scatter_sum(probability[leaving], place[source[leaving]], n)
        totals = ScaledArray.of(scatter_sum(probability, place[source], n))
        return cls(chain.n_states, np.flatnonzero(live), between, exits, totals, chain.roundings)

    @property
    def weights(self) -> Numbers:
        """(n, n) the weights between the live states."""
        n = len(self.states)
        source, target, probability = self.inside
        dense: Numbers = ScaledArray.zeros((n, n)) if isinstance(probability, ScaledArray) else np.zeros((n, n))
        dense[source, target] = probability  # type: ignore[assignment]
        return dense

    @cached_property
    def elimination(self) -> Elimination:
        """The eliminated system, made once."""
        return eliminate(self.weights, self.exits)

    @cached_property
    def _outflow(self) -> ScaledArray:
        """Weights out of each state, self-loops left out."""
        source, _, probability = self.inside
        return ScaledArray.of(scatter_sum(probability, source, len(self.states))) + self.exits

    def harmonic(self, gain: Numbers) -> Enclosure:
        """Enclose h = Q h + gain."""
        source, target, probability = self.inside
        weight = ScaledArray.of(gain)[self.states] * self.totals

        def apply(z: Numbers) -> Numbers:
            return (scatter_sum(probability * z[target], source, len(z)) + weight) / self._outflow

        return self._over_all(self._enclosed(apply, self.elimination.harmonic, weight))

    def occupation(self, start: Numbers) -> Enclosure:
        """Enclose v = v Q + start."""
        source, target, probability = self.inside
        begin = ScaledArray.of(start)[self.states]

        def apply(z: Numbers) -> Numbers:
            return (scatter_sum(probability * z[source], target, len(z)) + begin) / self._outflow

        solved = self._enclosed(apply, self.elimination.occupation, begin)  # what is enclosed is v / W
        value, low, high = (part * self.totals for part in (solved.value, solved.lower, solved.upper))
        lower, upper = widen(low, self.roundings)[0], widen(high, self.roundings)[1]
        return self._over_all(Enclosure(value, lower, upper, solved.residual, solved.method))

    def _enclosed(
        self, apply: Callable[[Numbers], Numbers], solve: Callable[[ScaledArray], ScaledArray], right: ScaledArray
    ) -> Enclosure:
        """Solve, and intersect both bounds, on the live states."""
        if not len(self.states):  # nothing is live: nothing is left to solve
            return Enclosure(right, right, right, 0.0, METHOD)
        y = solve(right)
        summed = self.roundings * (len(self.states) + 2)  # exits and right-hand side, as they were summed
        bounds: tuple[Numbers, Numbers] = widen(y, self.elimination.roundings + summed)
        conditioned = enclose(apply, y, solve(y * self._outflow), 2 * self.roundings + 8)
        if conditioned is not None:
            bounds = intersect(bounds, conditioned)
        return Enclosure(y, *bounds, relative_defect(apply(y), y), METHOD)

    def _over_all(self, solved: Enclosure) -> Enclosure:
        """An enclosure on the live states as one on all, 0 elsewhere."""
        parts = []
        for part in (solved.value, solved.lower, solved.upper):
            whole = ScaledArray.zeros(self.n_states)
            whole[self.states] = part
            parts.append(whole)
        return Enclosure(parts[0], parts[1], parts[2], solved.residual, solved.method)


def stationary_by_elimination(chain: TransitionOperator, members: Mask) -> Enclosure:
    """Enclose the stationary distribution of a recurrent class: visits between returns to a state of large mass."""
    end = _heavy_state(chain, members)
    live = members.copy()
    live[end] = False
    if not live.any():  # an absorbing state
        alone = np.where(members, 1.0, 0.0)
        return Enclosure(alone, alone, alone, 0.0, METHOD)
    home = np.where(members & ~live, 1.0, 0.0)
    solved = DirectSystem.of(chain, live).occupation(chain.push(home))
    return at_most_one(
        normalised(replace(solved, value=solved.value + home, lower=solved.lower + home, upper=solved.upper + home))
    )


def _heavy_state(chain: TransitionOperator, inside: Mask) -> int:
    """A state of large stationary mass: where the class is after some steps from everywhere at once."""
    mass = inside / inside.sum()
    seen = np.zeros(len(mass))
    with np.errstate(under="ignore"):
        for _ in range(SEARCH_STEPS):
            mass = as_floats(chain.push(mass))
            seen += mass
    return int(np.argmax(seen))
