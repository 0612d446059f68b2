"""Coarser levels of a chain that is a list of transitions: states joined with the neighbour they lead to most often.

Pairs of pairs of pairs, down to some hundred groups. Which states are joined is decided once, from the probabilities;
what flows between groups follows the iterate, as in `markovgpt.solvers.suffix_multigrid`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.scaled import FloatArray, Numbers, quotient
from markovgpt.solvers.balance import factor_of
from markovgpt.sums import scatter_sum

BOTTOM = 128  # groups that are left to elimination

Places = NDArray[np.int64]


class Level(NamedTuple):
    """How one level becomes the next."""

    group: Places  # (n,) of each state
    source: Places  # of each transition between groups
    target: Places
    place: Places  # (n_transitions,) the transition between groups that each transition is part of


@dataclass(frozen=True, eq=False)
class Matching:
    """The levels of a chain.

    Parameters
    ----------
    source, target: (n_transitions,).
    strength: (n_transitions,) how likely, in any increasing measure.
    size: number of states.
    """

    source: Places
    target: Places
    strength: FloatArray
    size: int

    @cached_property
    def levels(self) -> list[Level]:
        """From the finest on; groups stop being joined when they are few, or when nothing is left to join."""
        source, target, strength, size, found = self.source, self.target, self.strength, self.size, []
        while size > BOTTOM:
            group, n_groups = _joined(source, target, np.lexsort((-strength, source)), size)
            if n_groups > 0.9 * size:
                break
            pair, place = np.unique(group[source] * n_groups + group[target], return_inverse=True)
            found.append(Level(group, pair // n_groups, pair % n_groups, place))
            best = np.full(len(pair), -np.inf)
            np.maximum.at(best, place, strength)
            source, target, strength, size = pair // n_groups, pair % n_groups, best, n_groups
        return found


@dataclass(frozen=True, eq=False)
class ListedFlows:
    """What flows along the transitions of one level while its states have some masses; not in balance yet.

    Parameters
    ----------
    matching, depth: which level.
    flow: (n_transitions,).
    mass, ended, begun: (n,) of each state: its mass, what flows from it to the end, what flows from the start into it.
    is_reversed: whether flows run from targets to sources.
    """

    matching: Matching
    depth: int
    flow: Numbers
    mass: Numbers
    ended: Numbers
    begun: Numbers
    is_reversed: bool

    def balanced(self) -> Numbers:
        """(n,) about what each mass must be multiplied by: one cycle, or elimination at the bottom."""
        source, target = self._ends
        if self.depth == len(self.matching.levels):
            return self._eliminated()
        level = self.matching.levels[self.depth]
        n_groups = int(level.group.max()) + 1
        parts = [scatter_sum(part, level.group, n_groups) for part in (self.mass, self.ended, self.begun)]
        flow = scatter_sum(self.flow, level.place, len(level.source))
        below = ListedFlows(self.matching, self.depth + 1, flow, parts[0], parts[1], parts[2], self.is_reversed)
        factor = below.balanced()[level.group]
        arrived = scatter_sum(self.flow * factor[source], target, len(self.mass))
        restarted = self.begun * quotient((self.ended * factor).sum(), self.begun.sum())
        return quotient(arrived + restarted, self.mass)

    @property
    def _ends(self) -> tuple[Places, Places]:
        """Where each flow comes from, and where it goes."""
        levels = self.matching.levels
        source, target = (
            (levels[self.depth - 1].source, levels[self.depth - 1].target)
            if self.depth
            else (self.matching.source, self.matching.target)
        )
        return (target, source) if self.is_reversed else (source, target)

    def _eliminated(self) -> Numbers:
        """The factors, by elimination."""
        n = len(self.mass)
        source, target = self._ends
        restarted = quotient(self.begun, self.begun.sum())
        dense = self.ended.reshape(n, 1) * restarted.reshape(1, n)
        return factor_of(dense + scatter_sum(self.flow, source * n + target, n * n).reshape(n, n), self.mass)


def _joined(source: Places, target: Places, order: Places, size: int) -> tuple[Places, int]:
    """The group of each state, and how many; ``order`` lists each state's transitions, the strongest first."""
    group = np.full(size, -1, dtype=np.int64)
    starts = np.searchsorted(source[order], np.arange(size + 1))
    return group, int(_join(target[order], starts, group))


@compiled
def _join(target, starts, group):  # type: ignore[no-untyped-def]
    """Join each state with the first neighbour that is still alone, or with the first neighbour's group."""
    n_groups = 0
    for i in range(len(group)):
        if group[i] >= 0:
            continue
        nearest = -1
        for place in range(starts[i], starts[i + 1]):
            j = target[place]
            if j != i and nearest < 0:
                nearest = j
            if j != i and group[j] < 0:
                nearest = j
                break
        if nearest >= 0 and group[nearest] >= 0:
            group[i] = group[nearest]
            continue
        group[i] = n_groups
        if nearest >= 0:
            group[nearest] = n_groups
        n_groups += 1
    return n_groups
