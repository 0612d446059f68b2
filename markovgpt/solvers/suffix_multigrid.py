"""Multigrid whose coarse levels are the model's own shorter contexts.

To be solved is x = x T, x > 0, for the irreducible T = Q + r mu: a chain over full windows, what is killed (r) sent
back to the start (mu). Windows that differ in their oldest token alone are added up,

    s[m] = sum_a x[a, m]        t[m, t] = sum_a x[a, m] q[a, m, t] / s[m]

which is a chain over windows one token shorter, solved likewise, down to some hundred states and elimination; then
x[a, m] *= z[m] / s[m]. One cycle on the finest level:

- two smoothing steps, exact on the greedy machine: with G each window's likeliest successor and D its probability
  x <- (x (Q - D G) + (x . r) mu) (I - D G)^-1, since greedy cycles put eigenvalues near the unit circle;
- basins of the greedy machine balanced against each other, by elimination: what suffixes mix;
- the shorter contexts, and two more smoothing steps.

Only + * / of non-negatives: every entry keeps its relative accuracy. A small residual is not convergence where a chain
mixes slowly, so the flows into and out of each basin must agree too.

Every start at once, h = Q h + b, is the same problem for the reversed chain: with x as above, w = x h solves
w = w Q' + x b for Q'[j, i] = x[i] Q[i, j] / x[j]. Windows that differ in their oldest token have the same successors, so
what is left to correct in h hardly depends on it: they are added up here too.

Sources: G. Horton, S. T. Leutenegger, Perform. Eval. Rev. 22 (1994) 191-200, for multigrid by aggregation with the
iterate; J. R. Koury, D. F. McAllister, W. J. Stewart, SIAM J. Alg. Disc. Meth. 5 (1984) 164-186, for balancing blocks.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.chains.sliding import SlidingTable
from markovgpt.chains.states import Mask
from markovgpt.chains.streaming import group_sums
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray, is_positive, quotient, scatter_sum
from markovgpt.solvers.certificate import relative_defect
from markovgpt.solvers.gth import stationary_vector

BOTTOM = 128  # states that are left to elimination
SMOOTHING = 2  # steps before the shorter contexts, and after
MOST_CYCLES = 60
BALANCED = 1e-12
ROUNDED = 1e-13  # an imbalance that may be the rounding of the flows
STALLED = 1e-12  # a residual below it that is not halved by a cycle is the rounding's


class Solution(NamedTuple):
    """A stationary vector that sums to one, and how well it satisfies its equations."""

    x: Numbers
    residual: float  # largest relative defect of x = x T
    imbalance: float  # largest relative difference of what enters and leaves a greedy basin
    cycles: int


@dataclass(frozen=True, eq=False)
class Flows:
    """A chain over windows of some length, as what flows in it while it has some masses; not in balance yet.

    Parameters
    ----------
    between: (A, M, V), A = V: what flows from each window to each successor, or back if time is reversed.
    mass: (n,) of each window.
    ended: (n,) what flows from each window to the end.
    begun: (n,) what flows from the start into each window.
    is_reversed: whether flows run from successors to windows.
    """

    between: SlidingTable
    mass: Numbers
    ended: Numbers
    begun: Numbers
    is_reversed: bool

    @classmethod
    def of_groups(
        cls, V: int, flows: Numbers, parts: tuple[Numbers, Numbers, Numbers], *, is_reversed: bool
    ) -> "Flows":
        """Windows that differ in the oldest token added up; flows are (M V,), the parts (V M,): mass, ended, begun."""
        M = len(flows) // V
        mass, ended, begun = (part.reshape(V, M).sum(axis=0) for part in parts)
        return cls(SlidingTable(flows.reshape(V, M // V, V)), mass, ended, begun, is_reversed)

    def balanced(self) -> Numbers:
        """(n,) about what each mass must be multiplied by: one cycle, or elimination at the bottom."""
        V, M, _ = self.between.shape
        if V * M <= BOTTOM or M < V:
            return self._eliminated()
        flows = self.between.push(np.ones(V * M))
        below = Flows.of_groups(V, flows, (self.mass, self.ended, self.begun), is_reversed=self.is_reversed)
        factor = (np.ones((V, 1)) * below.balanced().reshape(1, M)).reshape(-1)
        arrived = self.between.pull(factor) if self.is_reversed else self.between.push(factor)
        restarted = self.begun * quotient((self.ended * factor).sum(), self.begun.sum())
        return quotient(arrived + restarted, self.mass)

    def _eliminated(self) -> Numbers:
        """The factors, by elimination."""
        V, M, _ = self.between.shape
        n, live = V * M, np.flatnonzero(is_positive(self.mass))
        rows = np.arange(n)[:, None]
        successors = rows % M * V + np.arange(V)
        restarted = quotient(self.begun, self.begun.sum())
        dense = self.ended.reshape(n, 1) * restarted.reshape(1, n)
        if self.between.is_scaled:
            dense = ScaledArray.of(dense)
        places = (successors, rows) if self.is_reversed else (rows, successors)
        dense[places] = dense[places] + self.between.weights.reshape(n, V)
        solved = _irreducible(quotient(dense, self.mass.reshape(n, 1))[np.ix_(live, live)])
        factor: Numbers = ScaledArray.zeros(n) if isinstance(solved, ScaledArray) else np.zeros(n)
        factor[live] = solved / self.mass[live]  # type: ignore[assignment]
        return factor


class Fine(Protocol):
    """What the cycle needs of the finest level; vectors are (n,), 0 off the live states."""

    def smoothed(self, x: Numbers) -> Numbers:
        """One smoothing step."""

    def balanced(self, x: Numbers) -> tuple[Numbers, float]:
        """Basins balanced against each other, and by how much they were not."""

    def aggregated(self, x: Numbers) -> tuple[Numbers, Flows]:
        """x T, and the flows of x between windows without their oldest token."""

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
    live, before = is_positive(x), np.inf
    for cycle in range(1, MOST_CYCLES + 1):
        x = _smoothed(fine, x)
        x, imbalance = fine.balanced(x)
        image, coarse = fine.aggregated(x)
        residual = relative_defect(image, x)
        if not np.array_equal(is_positive(x), live):
            raise FloatingPointError("numbers left the range of doubles")
        stalled = before <= STALLED and residual > before / 2  # as good as rounding lets it be
        if (residual <= tolerance or stalled) and imbalance <= max(tolerance, BALANCED):
            break
        before = residual
        factor = coarse.balanced()
        x = _smoothed(fine, (x.reshape(-1, len(factor)) * factor.reshape(1, -1)).reshape(-1))
    return Solution(x / x.sum(), residual, imbalance, cycle)


def _smoothed(fine: Fine, x: Numbers) -> Numbers:
    """Smoothing steps, and a sum of one."""
    for _ in range(SMOOTHING):
        x = fine.smoothed(x)
    return x / x.sum()


@dataclass(frozen=True, eq=False)
class Restarted:
    """A chain over full windows, what is killed sent back to the start.

    Parameters
    ----------
    table: A = V.
    live: (n,) the windows that count: all can be reached from the restart, and from all of them an exit or each other.
    exits: (n,) the probability of being killed in one step, 0 off the live ones.
    restart: (n,) a distribution on the live ones; both are 0 for a chain that is never killed.
    """

    table: SlidingTable
    live: Mask
    exits: Numbers
    restart: Numbers

    def killed(self, x: Numbers) -> Numbers:
        """(x . r), what is killed in one step."""
        return (x * self.exits).sum()  # type: ignore[return-value]

    def push(self, x: Numbers) -> Numbers:
        """x Q."""
        return self.table.push(x) * self.live

    def pull(self, h: Numbers) -> Numbers:
        """Q h, for an h that is 0 off the live windows."""
        return self.table.pull(h) * self.live

    @cached_property
    def graph(self) -> FunctionalGraph:
        """The greedy machine on the live windows."""
        tokens, _ = self.table.greediest
        successor = self.table.successors(tokens)
        return FunctionalGraph.of(np.where(self.live & self.live[successor], successor, -1))

    @cached_property
    def groups(self) -> tuple[NDArray[np.int32], int]:
        """(n,) the greedy basin of each live window, those that lead out together and last; how many there are."""
        basin = self.graph.basin
        n_basins = len(self.graph.cycle_starts) - 1
        leading_out = self.live & (basin < 0)
        kept = np.where(leading_out, n_basins, np.where(self.live, basin, -1)).astype(np.int32)
        return kept, n_basins + bool(leading_out.any())

    def multiplied(self, x: Numbers) -> Numbers:
        """x itself."""
        return x

    def smoothed(self, x: Numbers) -> Numbers:
        """One step that is exact on the greedy machine."""
        tokens, escape = self.table.greediest
        arrived = self.table.push(x, tokens) * self.live + self.restart * self.killed(x)
        return self.graph.forward(arrived, escape)

    def balanced(self, x: Numbers) -> tuple[Numbers, float]:
        """Basins balanced against each other."""
        groups, n_groups = self.groups
        if n_groups == 1:
            return x, 0.0
        flows = self.table.group_flows(groups, x, self.live.astype(np.float64), n_groups)
        ended, begun = _grouped(x * self.exits, groups, n_groups), _grouped(self.restart, groups, n_groups)
        return balance(x, groups, flows + ended.reshape(-1, 1) * begun.reshape(1, -1))

    def aggregated(self, x: Numbers) -> tuple[Numbers, Flows]:
        """x T, and the flows of x between windows without their oldest token."""
        flows, parts = self.push(x), (x, x * self.exits, self.restart * self.killed(x))
        return flows + parts[2], Flows.of_groups(self.table.shape[2], flows, parts, is_reversed=False)


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
        return self.chain.killed(self.weights) * (self.chain.restart * h).sum() / weight  # type: ignore[return-value]

    def multiplied(self, x: Numbers) -> Numbers:
        """The column."""
        return self.column(x)

    def smoothed(self, x: Numbers) -> Numbers:
        """One step that is exact on the greedy machine."""
        tokens, escape = self.chain.table.greediest
        h = self.column(x)
        gained = self.chain.table.pull(h, tokens) * self.chain.live + self.gain * self.scale(h)
        return self.weights * self.chain.graph.backward(gained, escape) * self.chain.live

    def balanced(self, x: Numbers) -> tuple[Numbers, float]:
        """Basins balanced against each other."""
        groups, n_groups = self.chain.groups
        if n_groups == 1:
            return x, 0.0
        h = self.column(x)
        forward = self.chain.table.group_flows(groups, self.weights, h, n_groups)
        begun = _grouped(self.weights * self.gain, groups, n_groups) * self.scale(h)
        ended = _grouped(self.chain.restart * h, groups, n_groups) * self.chain.killed(self.weights)
        share = ended / ended.sum()
        return balance(x, groups, forward.transpose() + share.reshape(-1, 1) * begun.reshape(1, -1))

    def aggregated(self, x: Numbers) -> tuple[Numbers, Flows]:
        """The image, and the flows between windows without their oldest token."""
        h = self.column(x)
        begun = self.weights * self.gain * self.scale(h)
        ended = self.chain.restart * h * self.chain.killed(self.weights)
        coarse = Flows.of_groups(self.chain.table.shape[2], self._flows * h, (x, ended, begun), is_reversed=True)
        return self.weights * self.chain.pull(h) + begun, coarse

    @cached_property
    def _flows(self) -> Numbers:
        """(M V,) what flows into each successor from all windows with the same newest tokens."""
        return self.chain.push(self.weights)


def balance(x: Numbers, groups: NDArray[np.int32], flows: Numbers) -> tuple[Numbers, float]:
    """x, each group multiplied by a factor so that what enters it is what leaves it; and how far that was off.

    Parameters
    ----------
    groups: (n,) the group of each state, -1 for none. flows: (n_groups, n_groups), as they go with x.

    >>> x, imbalance = balance(np.array([0.5, 0.5]), np.array([0, 1], dtype=np.int32), np.array([[0, .1], [.3, 0]]))
    >>> x.round(12).tolist(), round(imbalance, 12)
    ([0.75, 0.25], 2.0)
    """
    between = flows * (1.0 - np.eye(len(flows)))
    imbalance = relative_defect(between.sum(axis=0), between.sum(axis=1))
    mass = _grouped(x, groups, len(flows))
    if imbalance <= ROUNDED:
        return x, imbalance
    live = is_positive(mass)
    factor = ScaledArray.zeros(len(flows)) if isinstance(x, ScaledArray) else np.zeros(len(flows))
    solved = _irreducible(quotient(between, mass.reshape(-1, 1))[np.ix_(live, live)])
    factor[live] = solved / mass[live]
    return x * factor[groups], imbalance


def _irreducible(weights: Numbers) -> Numbers:
    """The stationary vector of a chain that is irreducible.

    Raises
    ------
    FloatingPointError: weights or answer left the range of doubles.
    """
    try:
        solved = stationary_vector(weights)
    except InvalidInput as error:
        raise FloatingPointError("transitions were lost below the range of doubles") from error
    if isinstance(weights, np.ndarray) and isinstance(solved, ScaledArray):
        solved = solved.to_float()
        if not (solved > 0).all():
            raise FloatingPointError("a stationary vector left the range of doubles")
    return solved


def _grouped(x: Numbers, groups: NDArray[np.int32], n_groups: int) -> Numbers:
    """The sum of x over each group."""
    if isinstance(x, np.ndarray):
        return group_sums(x, groups, n_groups)
    inside = groups >= 0
    return scatter_sum(x[inside], groups[inside].astype(np.int64), n_groups)
