"""Rows and columns on what is left of a chain without some reference states, solved about and enclosed.

An excursion ends at the next reference or at an end of the chain. The shorter excursions are, the tighter is what
`markovgpt.solvers.certificate` says of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import ROUNDING, FloatArray, Numbers, as_floats, is_positive, largest, quotient
from markovgpt.solvers.certificate import Enclosure, enclose, relative_defect

ROUGH = 1e-2  # accuracy of a correction, to begin with, and of what only has to be judged
CORRECTED = 0.1  # defect of a correction, in parts of what it must make up for
MORE = 4  # references that might still be taken
FINEST = 1e-13  # defect that can be asked for


class Solver(Protocol):
    """What solves about on live states: see `markovgpt.solvers.multigrid_solver`."""

    @property
    def name(self) -> str:
        """Of the method."""

    def row(self, start: Numbers, tolerance: float = ..., guess: Numbers | None = ...) -> Numbers:
        """About the v with v = v Q + start."""

    def column(self, gain: Numbers, tolerance: float = ..., guess: Numbers | None = ...) -> Numbers:
        """About the h with h = Q h + gain."""

    def stationary(self) -> Numbers:
        """About the stationary distribution of a recurrent class."""

    def visits(self) -> Numbers:
        """About the visits to each state before the end, begun anywhere."""


class Excursion(NamedTuple):
    """An enclosed row or column, and the state where most time is spent on the way."""

    enclosure: Enclosure
    busiest: int


class UnboundedError(Exception):
    """Bounds failed their tests, or would be too wide."""

    def __init__(self, residual: float, busiest: int, *, is_hopeless: bool = False):
        super().__init__(residual, busiest, is_hopeless)
        self.residual = residual
        self.busiest = busiest
        self.is_hopeless = is_hopeless  # no handful of references would make them narrow


@dataclass(frozen=True, eq=False)
class Excursions:
    """What happens on live states between references.

    Parameters
    ----------
    live: (n_states,), the references among them.
    references: states.
    solver_on: the solver on given states.
    widest: relative width above which bounds are not wanted.
    """

    chain: TransitionOperator
    live: Mask
    references: list[int]
    solver_on: Callable[[Mask], Solver]
    widest: float

    def row(self, start: Numbers, guess: Numbers | None = None) -> Excursion:
        """Visits before the excursion ends.

        Raises
        ------
        UnboundedError: the bounds failed their tests, or would be too wide.
        """
        begin = start * self._inner
        reached = self._inner & self.chain.reached_from(is_positive(begin), self._inner)
        if not reached.any():
            return _nothing(begin)
        solver = self._solver(reached)
        rough = solver.row(begin, ROUGH, None if guess is None else guess * reached)
        self._refuse_slow(rough, begin.sum())

        def apply(z: Numbers) -> Numbers:
            return self.chain.push(z) * reached + begin

        v = solver.row(begin, guess=rough)
        return self._enclosed(apply, v, v, solver.row, solver.name)

    def column(self, gain: Numbers) -> Excursion:
        """What is gained before the excursion ends; refusals as for `row`."""
        begin = gain * self._inner
        reaching = self._inner & self.chain.reaching(is_positive(begin), self._inner)
        if not reaching.any():
            return _nothing(begin)
        solver = self._solver(reaching)
        visits = solver.visits()
        self._refuse_slow(visits, np.ones(()))

        def apply(z: Numbers) -> Numbers:
            return self.chain.pull(z) * reaching + begin

        return self._enclosed(apply, solver.column(begin), visits, solver.column, solver.name)

    def step_from(self, state: int) -> Numbers:
        """Where one step from a state leads, as a row."""
        return self.chain.push(_indicator(self.chain.n_states, state))

    def steps_into(self, state: int) -> Numbers:
        """The probability to step into a state, as a column."""
        return self.chain.pull(_indicator(self.chain.n_states, state))

    @cached_property
    def exits(self) -> Numbers:
        """The probability to leave the live states in one step, as a column."""
        return self.chain.pull((~self.live).astype(np.float64)) * self.live

    @cached_property
    def _inner(self) -> Mask:
        """The live states that are no references."""
        inner = self.live.copy()
        inner[self.references] = False
        return inner

    def _solver(self, states: Mask) -> Solver:
        """The solver on given states; most excursions of one walk see the same ones."""
        for known, solver in self._solvers:
            if np.array_equal(known, states):
                return solver
        self._solvers.append((states, self.solver_on(states)))
        return self._solvers[-1][1]

    @cached_property
    def _solvers(self) -> list[tuple[Mask, Solver]]:
        """The solvers made so far."""
        return []

    def _refuse_slow(self, visits: Numbers, begun: Numbers) -> None:
        """Refuse where the expected time alone says that bounds would be too wide."""
        lifetime = float(as_floats(visits.sum() / begun))
        excess = 4 * ROUNDING * self.chain.roundings * lifetime / self.widest
        if excess > 1:
            share = np.sort(as_floats(visits / visits.sum()))[-MORE:]
            # where no place holds the chain, the time to come to some is what their shares say
            is_hopeless = lifetime * share[-1] < 4 and excess > lifetime * share.sum()
            raise UnboundedError(float("nan"), largest(visits), is_hopeless=is_hopeless)

    def _enclosed(
        self,
        apply: Callable[[Numbers], Numbers],
        y: Numbers,
        visits: Numbers,
        solve: Callable[..., Numbers],
        name: str,
    ) -> Excursion:
        """Correct and enclose a solution."""
        residual = relative_defect(apply(y), y)
        correction = solve(y, ROUGH)
        slowness = as_floats(quotient(correction, y))
        needed = CORRECTED / slowness.max()
        if FINEST < needed < ROUGH:
            correction = solve(y, needed, correction)
        bounds = enclose(apply, y, correction, self.chain.roundings + 2)  # a sum of two terms with as many each
        busiest = largest(visits * (slowness >= slowness.max() / 4))
        if bounds is None:
            raise UnboundedError(residual, busiest)
        return Excursion(Enclosure(y, *bounds, residual, f"{name}, bounded by conditioning on the end"), busiest)


def _nothing(zeros: Numbers) -> Excursion:
    """An excursion that ends at once."""
    return Excursion(Enclosure(zeros, zeros, zeros, 0.0, ""), 0)


def _indicator(n: int, state: int) -> FloatArray:
    """1 on a state, 0 elsewhere."""
    vector = np.zeros(n)
    vector[state] = 1.0
    return vector
