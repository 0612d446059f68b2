"""Large systems: solved about, then enclosed by conditioning, and where the end is rare by regeneration too.

What `markovgpt.solvers.certificate` says is wide by the expected time to the end. Where that is long, take some
reference states R, those where the chain spends its time, for ends as well: excursions between them are short, and
enclosed tightly,

    row      v = v_0 + sum_i x_i v_i         v_0, v_i: visits before the next reference, from the start and from i
    column   h = h_0 + sum_i g_i h_i         h_0: the gain before the next reference, g_i: the chance that it is i

and x and h on R itself solve a chain on R alone, by elimination: its entries are sums over excursions, known within
some relative error, which by the trees of `markovgpt.solvers.gth` changes an answer on k references by at most 2 k + 1
times as much. No width grows with the time to the end. References are added one by one, each time the state where most
time is spent, until bounds are narrow.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import NotConverged
from markovgpt.scaled import (
    ROUNDING,
    SMALLEST_SAFE,
    TOTAL_ROUNDINGS,
    FloatArray,
    Numbers,
    ScaledArray,
    as_floats,
    concatenate,
    dot,
    is_positive,
    largest,
    quotient,
    stack_last,
    widen,
)
from markovgpt.solvers.certificate import Enclosure, at_most_one, enclose, normalised, relative_defect
from markovgpt.solvers.gth import eliminate

NARROW = 1e-10  # relative width at which no more references are taken
MOST_REFERENCES = 6
ROUGH = 1e-3  # accuracy of a correction, to begin with
CORRECTED = 0.1  # defect of a correction, in parts of what it must make up for
FINEST = 1e-13  # defect that can be asked for

Bounded = tuple[Numbers, Numbers, Numbers]  # value, lower, upper


class Solver(Protocol):
    """What solves about on live states: see `markovgpt.solvers.window_solver`."""

    name: str

    def row(self, start: Numbers, tolerance: float = ..., guess: Numbers | None = ...) -> Numbers:
        """About the v with v = v Q + start."""

    def column(self, gain: Numbers, tolerance: float = ..., guess: Numbers | None = ...) -> Numbers:
        """About the h with h = Q h + gain."""

    def stationary(self) -> Numbers:
        """About the stationary distribution of a recurrent class."""

    def busiest(self) -> int:
        """The state where most time is spent before the end."""


class Excursion(NamedTuple):
    """An enclosed row or column, and the state where most time is spent on the way."""

    enclosure: Enclosure
    busiest: int


class UnboundedError(Exception):
    """The bounds of an excursion failed their tests."""

    def __init__(self, residual: float, busiest: int):
        super().__init__(residual, busiest)
        self.residual = residual
        self.busiest = busiest


@dataclass(frozen=True, eq=False)
class IterativeSystem:
    """The live part of a large chain; see `markovgpt.solvers.live_system`.

    Parameters
    ----------
    live: (n_states,).
    solver_on: the solver on given states of the chain.
    """

    chain: TransitionOperator
    live: Mask
    solver_on: Callable[[Mask], Solver]

    def harmonic(self, gain: Numbers) -> Enclosure:
        """Enclose h = Q h + gain."""
        return self._narrowed([], lambda references: self._harmonic(gain * self.live, references))

    def occupation(self, start: Numbers) -> Enclosure:
        """Enclose v = v Q + start."""
        return self._narrowed([], lambda references: self._occupation(start * self.live, references))

    def stationary(self) -> Enclosure:
        """Enclose the stationary distribution of a recurrent class, the live states."""
        heaviest = largest(self.solver_on(self.live).stationary())
        return self._narrowed([heaviest], self._stationary)

    def _narrowed(self, references: list[int], attempt: Callable[[list[int]], Excursion]) -> Enclosure:
        """The narrowest enclosure, as references are added one by one.

        Raises
        ------
        NotConverged: no enclosure was found.
        """
        best, residual = None, 0.0
        for _ in range(MOST_REFERENCES):
            try:
                found, busiest = attempt(references)
                best = found if best is None or width(found) < width(best) else best
                if width(best) <= NARROW:
                    return best
            except UnboundedError as failure:
                residual, busiest = failure.residual, failure.busiest
            references = [*references, busiest]
        if best is None:
            raise NotConverged(
                f"an answer must be enclosed, got a residual of {residual:.1e} and no bounds that hold on "
                f"{int(self.live.sum())} live states; ask within a horizon (within=), or raise the temperature",
                residual,
            )
        return replace(best, method=f"{best.method}, wide: more than {MOST_REFERENCES} places are slow to leave")

    # -- between references --------------------------------------------------------------------------------------------

    def _occupation(self, start: Numbers, references: list[int]) -> Excursion:
        """The row: v_0 + sum_i x_i v_i."""
        first = self._row(start, references)
        if not references:
            return first
        rows = [self._row(self._step_from(i), references) for i in references]
        outer = eliminate(*self._between_by_rows(rows, references))
        begun = _array([self._flow_into(first, j) + start[j] for j in references])
        at = widen_all(outer.occupation(begun), outer.roundings + self._roundings([first, *rows], len(references)))
        return _combined(first, rows, references, at)

    def _harmonic(self, gain: Numbers, references: list[int]) -> Excursion:
        """The column: h_0 + sum_i g_i h_i."""
        first = self._column(gain, references)
        if not references:
            return first
        columns = [self._column(self._steps_into(j), references) for j in references]
        ending = self._column(self._exits, references)
        steps = [self._step_from(i) for i in references]
        weights = [
            [dot(step, column.enclosure.value) + step[j] for column, j in zip(columns, references, strict=True)]
            for step in steps
        ]
        exits = [dot(step, ending.enclosure.value) + self._exits[i] for step, i in zip(steps, references, strict=True)]
        outer = eliminate(_matrix(weights), _array(exits))
        gained = [dot(step, first.enclosure.value) + gain[i] for step, i in zip(steps, references, strict=True)]
        at = widen_all(
            outer.harmonic(_array(gained)),
            outer.roundings + self._roundings([first, ending, *columns], len(references)),
        )
        return _combined(first, columns, references, at)

    def _stationary(self, references: list[int]) -> Excursion:
        """The stationary distribution: sum_i x_i v_i, x that of the references, over its sum."""
        rows = [self._row(self._step_from(i), references) for i in references]
        weights, _ = self._between_by_rows(rows, references)
        outer = eliminate(weights[1:, 1:], weights[1:, 0])
        rest = widen_all(outer.occupation(weights[0, 1:]), outer.roundings + self._roundings(rows, len(references)))
        one = ScaledArray.of(np.ones(1))
        at = tuple(ScaledArray.of(concatenate([one, part])) for part in rest)
        nothing = np.zeros(self.chain.n_states)
        none = Excursion(Enclosure(nothing, nothing, nothing, 0.0, ""), references[0])
        found = _combined(none, rows, references, (at[0], at[1], at[2]))
        return found._replace(enclosure=at_most_one(normalised(found.enclosure)))

    def _row(self, start: Numbers, references: list[int]) -> Excursion:
        """Visits before the next reference or the end."""
        inner = self._without(references)
        begin = start * inner
        reached = inner & self.chain.reached_from(is_positive(begin), inner)

        def apply(z: Numbers) -> Numbers:
            return self.chain.push(z) * reached + begin

        return self._excursion(apply, begin, reached, lambda solver: solver.row)

    def _column(self, gain: Numbers, references: list[int]) -> Excursion:
        """What is gained before the next reference or the end."""
        inner = self._without(references)
        begin = gain * inner
        reaching = inner & self.chain.reaching(is_positive(begin), inner)

        def apply(z: Numbers) -> Numbers:
            return self.chain.pull(z) * reaching + begin

        return self._excursion(apply, begin, reaching, lambda solver: solver.column)

    def _excursion(
        self,
        apply: Callable[[Numbers], Numbers],
        right: Numbers,
        inner: Mask,
        which: Callable[[Solver], Callable[..., Numbers]],
    ) -> Excursion:
        """Solve, correct, enclose.

        Raises
        ------
        UnboundedError: the bounds failed their tests.
        """
        if not inner.any():
            return Excursion(Enclosure(right, right, right, 0.0, ""), 0)
        solver = self.solver_on(inner)
        solve = which(solver)
        y = solve(right)
        residual = relative_defect(apply(y), y)
        correction = solve(y, ROUGH)
        needed = CORRECTED / float(np.max(as_floats(quotient(correction, y))))
        if FINEST < needed < ROUGH:
            correction = solve(y, needed, correction)
        bounds = enclose(apply, y, correction, 2 * self.chain.roundings + 2)
        if bounds is None:
            raise UnboundedError(residual, solver.busiest())
        method = f"{solver.name}, bounded by conditioning on the end"
        return Excursion(Enclosure(y, *bounds, residual, method), solver.busiest())

    # -- the chain on the references -----------------------------------------------------------------------------------

    def _between_by_rows(self, rows: list[Excursion], references: list[int]) -> tuple[ScaledArray, ScaledArray]:
        """The weights between references, one step or an excursion, and out of them."""
        steps = [self._step_from(i) for i in references]
        weights = [
            [self._flow_into(row, j) + step[j] for j in references] for row, step in zip(rows, steps, strict=True)
        ]
        exits = [
            dot(row.enclosure.value, self._exits) + self._exits[i] for row, i in zip(rows, references, strict=True)
        ]
        return _matrix(weights), _array(exits)

    def _flow_into(self, row: Excursion, reference: int) -> ScaledArray:
        """What of an excursion comes to a reference."""
        return dot(row.enclosure.value, self._steps_into(reference))

    def _roundings(self, parts: list[Excursion], n_references: int) -> int:
        """The roundings that stand for what entries made of excursions may be off, in an answer on the references."""
        widest = max(width(part.enclosure) for part in parts)
        entry = math.ceil(1.01 * widest / ROUNDING) if widest < 1 else 2**60
        return (2 * n_references + 1) * (entry + TOTAL_ROUNDINGS + self.chain.roundings + 4)

    def _without(self, references: list[int]) -> Mask:
        """The live states that are no references."""
        inner = self.live.copy()
        inner[references] = False
        return inner

    def _step_from(self, state: int) -> Numbers:
        """Where one step from a state leads, as a row."""
        return self.chain.push(_indicator(self.chain.n_states, state))

    def _steps_into(self, state: int) -> Numbers:
        """The probability to step into a state, as a column."""
        return self.chain.pull(_indicator(self.chain.n_states, state))

    @cached_property
    def _exits(self) -> Numbers:
        """The probability to leave the live states in one step, as a column."""
        return self.chain.pull((~self.live).astype(np.float64)) * self.live


def width(found: Enclosure) -> float:
    """The largest upper / lower - 1; infinite where a lower bound says nothing."""
    live = is_positive(found.upper)
    if not np.array_equal(live, is_positive(found.lower)):
        return math.inf
    return float(np.max(as_floats(quotient(found.upper, found.lower)) - 1, where=live, initial=0.0))


def widen_all(values: Numbers, roundings: int) -> Bounded:
    """Values with their bounds."""
    return values, *widen(values, roundings)


def _combined(first: Excursion, parts: list[Excursion], references: list[int], at: Bounded) -> Excursion:
    """The first part and each reference's part, by the number of that reference; on the references these numbers."""
    found = []
    for name, numbers in zip(("value", "lower", "upper"), at, strict=True):
        summed = getattr(first.enclosure, name)
        for place, part in enumerate(parts):
            summed = summed + _multiple(getattr(part.enclosure, name), ScaledArray.of(numbers)[place])
        summed = _with_entries(summed, references, ScaledArray.of(numbers))
        found.append(summed)
    roundings = 2 * len(parts) + 2
    widest = max([first, *parts], key=lambda part: width(part.enclosure))
    enclosure = Enclosure(
        found[0],
        widen(found[1], roundings)[0],
        widen(found[2], roundings)[1],
        max(part.enclosure.residual for part in (first, *parts)),
        f"{widest.enclosure.method}, regenerated at {len(references)} states",
    )
    return Excursion(enclosure, widest.busiest)


def _multiple(values: Numbers, factor: ScaledArray) -> Numbers:
    """A multiple of a vector, in doubles where nothing can leave their range."""
    if isinstance(values, np.ndarray) and abs(int(factor.exponent)) < 256:
        product = values * float(factor.to_float())
        if np.min(product, where=values > 0, initial=1.0) > SMALLEST_SAFE:
            return product
    return ScaledArray.of(values) * factor


def _with_entries(values: Numbers, places: list[int], entries: ScaledArray) -> Numbers:
    """A vector with some entries set."""
    fits = (np.abs(entries.exponent) < 1000).all()
    changed = values.copy() if isinstance(values, np.ndarray) and fits else ScaledArray.of(values).copy()
    changed[places] = entries.to_float() if isinstance(changed, np.ndarray) else entries
    return changed


def _array(entries: list[ScaledArray]) -> ScaledArray:
    """Numbers side by side."""
    return stack_last(entries)


def _matrix(rows: list[list[ScaledArray]]) -> ScaledArray:
    """Rows of numbers, one below the other."""
    return stack_last([stack_last([row[j] for row in rows]) for j in range(len(rows[0]))])


def _indicator(n: int, state: int) -> FloatArray:
    """1 on a state, 0 elsewhere."""
    vector = np.zeros(n)
    vector[state] = 1.0
    return vector
