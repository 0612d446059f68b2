"""Stationary vectors by multigrid: of a chain that is restarted when it is killed, forward and with time reversed.

To be solved is x = x T, x > 0, for the irreducible T = Q + r mu: a chain, what is killed (r) sent back to the start
(mu). One cycle on the finest level:

- two smoothing steps, exact on the greedy machine: with G each state's likeliest successor and D its probability
  x <- (x (Q - D G) + (x . r) mu) (I - D G)^-1, since greedy cycles put eigenvalues near the unit circle;
- basins of the greedy machine balanced against each other, by elimination: what coarse levels mix;
- the coarse levels, which say by what each of their groups must be multiplied (`markovgpt.solvers.suffix_multigrid`,
  and `markovgpt.solvers.matching` for a list of transitions), and two more smoothing steps.

Only + * / of non-negatives: every entry keeps its relative accuracy. A small residual is not convergence where a chain
mixes slowly, so the flows into and out of each basin must agree too.

Every start at once, h = Q h + b, is the same problem for the reversed chain: with x as above, w = x h solves
w = w Q' + x b for Q'[j, i] = x[i] Q[i, j] / x[j]. Windows that differ in their oldest token have the same successors,
so what is left to correct in h hardly depends on it: the groups are the same.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.chains.listed import ListedTable
from markovgpt.chains.sliding import SlidingTable
from markovgpt.chains.states import Mask
from markovgpt.scaled import Numbers, is_positive, quotient
from markovgpt.solvers.balance import balance, grouped
from markovgpt.solvers.certificate import relative_defect
from markovgpt.solvers.matching import ListedFlows, Matching
from markovgpt.solvers.suffix_multigrid import Flows

SMOOTHING = 2  # steps before the coarse levels, and after
MOST_CYCLES = 60
MOST_BASINS = 300  # balanced each for itself; more are balanced together, the small ones
BALANCED = 1e-12
STALLED = 1e-12  # a residual below it that is not halved by a cycle is the rounding's


class Solution(NamedTuple):
    """A stationary vector that sums to one, and how well it satisfies its equations."""

    x: Numbers
    residual: float  # largest relative defect of x = x T
    imbalance: float  # largest relative difference of what enters and leaves a greedy basin
    cycles: int


class Coarse(Protocol):
    """Flows on a coarse level."""

    def balanced(self) -> Numbers:
        """What each group's mass must be multiplied by; windows that differ in the oldest token alone share theirs."""


class Fine(Protocol):
    """What the cycle needs of the finest level; vectors are (n,), 0 off the live states."""

    def smoothed(self, x: Numbers) -> Numbers:
        """One smoothing step."""

    def balanced(self, x: Numbers) -> tuple[Numbers, float]:
        """Basins balanced against each other, and by how much they were not."""

    def aggregated(self, x: Numbers) -> tuple[Numbers, Coarse]:
        """x T, and the flows of x on the coarse level."""

    def multiplied(self, x: Numbers) -> Numbers:
        """What is multiplied by the matrix, of an x."""


def solve(fine: Fine, x: Numbers, tolerance: float) -> Solution:
    """Cycle until the relative defect and the imbalance are within the tolerance, or until 60 cycles are done.

    Parameters
    ----------
    x: (n,) where to begin: above zero on every live state, 0 elsewhere.

    Raises
    ------
    FloatingPointError: numbers left the range of doubles; begin with a scaled x.
    """
    live, before, cycles = is_positive(x), np.inf, 0
    while True:
        cycles += 1
        x = _smoothed(fine, x)
        x, imbalance = fine.balanced(x)
        image, coarse = fine.aggregated(x)
        residual = relative_defect(image, x)
        if not np.array_equal(is_positive(x), live):
            raise FloatingPointError("numbers left the range of doubles")
        stalled = before <= STALLED and residual > before / 2  # as good as rounding lets it be
        solved = (residual <= tolerance or stalled) and imbalance <= max(tolerance, BALANCED)
        if solved or cycles == MOST_CYCLES:
            return Solution(x / x.sum(), residual, imbalance, cycles)
        before = residual
        factor = coarse.balanced()
        x = _smoothed(fine, (x.reshape(-1, len(factor)) * factor.reshape(1, -1)).reshape(-1))


def _smoothed(fine: Fine, x: Numbers) -> Numbers:
    """Smoothing steps, and a sum of one."""
    for _ in range(SMOOTHING):
        x = fine.smoothed(x)
    x /= x.sum()
    return x


@dataclass(frozen=True, eq=False)
class Landscape:
    """The greedy machine of a chain on its live states: where they lead, and into which basins.

    Parameters
    ----------
    table: A = V, or a list.
    live: (n,) the states that count.
    """

    table: SlidingTable | ListedTable
    live: Mask

    @cached_property
    def graph(self) -> FunctionalGraph:
        """The greedy machine on the live windows."""
        successor = self.table.likeliest
        return FunctionalGraph.of(np.where(self.live & self.live[successor], successor, -1))

    @cached_property
    def groups(self) -> tuple[NDArray[np.int32], int]:
        """(n,) the greedy basin of each live window, those that lead out together and last; how many there are."""
        basin, n_basins = self.graph.basin, len(self.graph.cycle_starts) - 1
        number = np.arange(n_basins + 1, dtype=np.int32)  # the last one for what leads out, by index -1
        if n_basins > MOST_BASINS:  # the small ones together
            sizes = np.bincount(basin[self.live & (basin >= 0)], minlength=n_basins)
            number[np.argsort(-sizes, kind="stable")] = np.minimum(np.arange(n_basins), MOST_BASINS)
            number[-1] = MOST_BASINS + 1
        sizes = np.bincount(number[basin[self.live]], minlength=len(number) + 1)
        place = np.cumsum(sizes > 0, dtype=np.int32) - 1  # those that are there, in their order
        return np.where(self.live, place[number[basin]], np.int32(-1)), int((sizes > 0).sum())


@dataclass(frozen=True, eq=False)
class Restarted:
    """A chain over full windows or over a list of transitions, what is killed sent back to the start.

    Parameters
    ----------
    landscape: its transitions, and its live states: all can be reached from the restart, and from all of them an exit
        or each other.
    exits: (n,) the probability of being killed in one step, 0 off the live ones.
    restart: (n,) a distribution on the live ones; both are 0 for a chain that is never killed.
    """

    landscape: Landscape
    exits: Numbers
    restart: Numbers

    @property
    def table(self) -> SlidingTable | ListedTable:
        """The transitions."""
        return self.landscape.table

    @property
    def live(self) -> Mask:
        """(n,) the states that count."""
        return self.landscape.live

    def killed(self, x: Numbers) -> Numbers:
        """(x . r), what is killed in one step."""
        return (x * self.exits).sum()

    def push(self, x: Numbers) -> Numbers:
        """x Q."""
        return self.on_live(self.table.push(x))

    def pull(self, h: Numbers) -> Numbers:
        """Q h, for an h that is 0 off the live windows."""
        return self.on_live(self.table.pull(h))

    def on_live(self, vector: Numbers) -> Numbers:
        """A vector, 0 off the live windows; one of doubles is changed in place."""
        if self._all_live:
            return vector
        return np.multiply(vector, self.live, out=vector) if isinstance(vector, np.ndarray) else vector * self.live

    def restarted(self, arrived: Numbers, x: Numbers) -> Numbers:
        """What arrives, and what is sent back to the start."""
        return arrived + self.restart * self.killed(x) if self._is_killed else arrived

    @cached_property
    def _all_live(self) -> bool:
        """Whether there are no other states."""
        return bool(self.live.all())

    @cached_property
    def _is_killed(self) -> bool:
        """Whether anything is ever sent back."""
        return bool(is_positive(self.exits).any())

    def multiplied(self, x: Numbers) -> Numbers:
        """x itself."""
        return x

    def smoothed(self, x: Numbers) -> Numbers:
        """One step that is exact on the greedy machine."""
        arrived = self.restarted(self.on_live(self.table.push_others(x)), x)
        return self.landscape.graph.forward(arrived, self.table.others, in_place=True)

    def balanced(self, x: Numbers) -> tuple[Numbers, float]:
        """Basins balanced against each other."""
        groups, n_groups = self.landscape.groups
        if n_groups == 1:
            return x, 0.0
        flows = self.table.group_flows(groups, x, self.live.astype(np.float64), n_groups)
        if not self._is_killed:
            return balance(x, groups, flows)
        ended, begun = grouped(x * self.exits, groups, n_groups), grouped(self.restart, groups, n_groups)
        return balance(x, groups, flows + ended.reshape(-1, 1) * begun.reshape(1, -1))

    def aggregated(self, x: Numbers) -> tuple[Numbers, Coarse]:
        """x T, and the flows of x on the coarse level."""
        arrived = self.push(x)
        image = self.restarted(arrived, x)
        parts = (x, x * self.exits, self.restart * self.killed(x)) if self._is_killed else (x, self.exits, self.exits)
        return image, _coarse(self.table, x, None, arrived, parts, is_reversed=False)


@dataclass(frozen=True, eq=False)
class Reversed:
    """The same chain with time reversed, for all starts at once.

    Parameters
    ----------
    chain: with a restart that is above zero on every live window.
    weights: (n,) its stationary vector x.
    gain: (n,) b >= 0; from every live window one with b > 0 can be reached.

    Its vectors are w = x h with h = Q h + b, up to a factor.
    """

    chain: Restarted
    weights: Numbers
    gain: Numbers

    def column(self, w: Numbers) -> Numbers:
        """h = w / x, 0 off the live windows."""
        return quotient(w, self.weights)

    def scale(self, h: Numbers) -> Numbers:
        """What b is multiplied by in an h of any size: 1 when h is the solution."""
        weight = (self.weights * self.gain).sum()
        return self.chain.killed(self.weights) * (self.chain.restart * h).sum() / weight

    def multiplied(self, x: Numbers) -> Numbers:
        """The column."""
        return self.column(x)

    def smoothed(self, x: Numbers) -> Numbers:
        """One step that is exact on the greedy machine."""
        table, h = self.chain.table, self.column(x)
        gained = self.chain.on_live(table.pull_others(h)) + self.gain * self.scale(h)
        return self.chain.on_live(self.weights * self.chain.landscape.graph.backward(gained, table.others))

    def balanced(self, x: Numbers) -> tuple[Numbers, float]:
        """Basins balanced against each other."""
        groups, n_groups = self.chain.landscape.groups
        if n_groups == 1:
            return x, 0.0
        h = self.column(x)
        forward = self.chain.table.group_flows(groups, self.weights, h, n_groups)
        begun = grouped(self.weights * self.gain, groups, n_groups) * self.scale(h)
        ended = grouped(self.chain.restart * h, groups, n_groups) * self.chain.killed(self.weights)
        share = ended / ended.sum()
        return balance(x, groups, forward.T + share.reshape(-1, 1) * begun.reshape(1, -1))

    def aggregated(self, x: Numbers) -> tuple[Numbers, Coarse]:
        """The image, and the flows on the coarse level."""
        h = self.column(x)
        begun = self.weights * self.gain * self.scale(h)
        parts = (x, self.chain.restart * h * self.chain.killed(self.weights), begun)
        coarse = _coarse(self.chain.table, self.weights, h, self._arrived, parts, is_reversed=True)
        return self.weights * self.chain.pull(h) + begun, coarse

    @cached_property
    def _arrived(self) -> Numbers:
        """What arrives on each state in one step of the weights."""
        return self.chain.push(self.weights)


@cache
def _matching(table: ListedTable) -> Matching:
    """The coarser levels of a list of transitions, joined once."""
    source, target, _ = table.edges
    return Matching(source, target, table.strengths, table.size)


def _coarse(
    table: SlidingTable | ListedTable,
    x: Numbers,
    h: Numbers | None,
    arrived: Numbers,
    parts: tuple[Numbers, Numbers, Numbers],
    *,
    is_reversed: bool,
) -> Coarse:
    """The flows x q h on the coarse level, h being 1 if not given; arrived is x q, parts are mass, ended and begun."""
    if isinstance(table, SlidingTable):  # all that arrives on (m, t) comes from windows with the suffix m
        flows = arrived if h is None else arrived * h
        return Flows.of_groups(table.shape[2], flows, parts, is_reversed=is_reversed)
    live = is_positive(x).astype(np.float64) if h is None else h
    return ListedFlows(_matching(table), 0, table.flows(x, live), parts[0], parts[1], parts[2], is_reversed)
