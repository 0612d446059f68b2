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
from typing import NamedTuple

import numpy as np

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import NotConverged
from markovgpt.scaled import (
    ROUNDING,
    SMALLEST_SAFE,
    Numbers,
    ScaledArray,
    as_floats,
    concatenate,
    is_positive,
    largest,
    quotient,
    stack_last,
    widen,
)
from markovgpt.solvers.certificate import Enclosure, at_most_one, normalised
from markovgpt.solvers.excursions import Excursion, Excursions, Solver, UnboundedError
from markovgpt.solvers.gth import Elimination, eliminate
from markovgpt.solvers.minorization import enclose_by_minorization
from markovgpt.sums import TOTAL_ROUNDINGS, dot

NARROW = 3e-10  # relative width at which no more references are taken
MOST_REFERENCES = 8  # some chains of a few dozen states need them all
PARTS = ("value", "lower", "upper")

Attempt = Callable[[Excursions], tuple[Excursion, list[Excursion]]]  # the whole, and its parts


class Regenerated(NamedTuple):
    """An enclosure, and what it was put together from.

    Parameters
    ----------
    references: states.
    parts: enclosures of what happens before the references, of each reference's, and, of a column that has any, of the
        chance that an end comes before the next of them.
    """

    enclosure: Enclosure
    references: list[int]
    parts: list[Enclosure]


@dataclass(frozen=True, eq=False)
class IterativeSystem:
    """The live part of a large chain; see `markovgpt.solvers.live_system`.

    Parameters
    ----------
    live: (n_states,).
    solver_on: the solver on given states of the chain.
    always: live states that are references whatever the bounds.
    """

    chain: TransitionOperator
    live: Mask
    solver_on: Callable[[Mask], Solver]
    always: tuple[int, ...] = ()

    def harmonic(self, gain: Numbers) -> Enclosure:
        """Enclose h = Q h + gain."""
        return self.harmonic_parts(gain).enclosure

    def occupation(self, start: Numbers) -> Enclosure:
        """Enclose v = v Q + start."""
        return self.occupation_parts(start).enclosure

    def stationary(self) -> Enclosure:
        """Enclose the stationary distribution of a recurrent class, the live states."""
        return self.stationary_parts(known_otherwise=True).enclosure

    def harmonic_parts(self, gain: Numbers) -> Regenerated:
        """Enclose h = Q h + gain, and say how."""
        return self._narrowed([*self.always], lambda walk: _harmonic(walk, gain * self.live))

    def occupation_parts(self, start: Numbers) -> Regenerated:
        """Enclose v = v Q + start, and say how."""
        return self._narrowed([*self.always], lambda walk: _occupation(walk, start * self.live))

    def stationary_parts(self, *, known_otherwise: bool = False) -> Regenerated:
        """Enclose the stationary distribution of a recurrent class, and say how; no part comes before references.

        Parameters
        ----------
        known_otherwise: whether bounds without any parts are as good, where they are tighter.
        """
        about, known = self.solver_on(self.live).stationary(), None
        if known_otherwise and isinstance(self.chain, WindowChain):
            minorized = enclose_by_minorization(self.chain, about)
            known = None if minorized is None else Regenerated(minorized, [], [])
        if known is not None and width(known.enclosure) <= NARROW:
            return known
        return self._narrowed([largest(about)], lambda walk: _stationary(walk, about), known)

    def _narrowed(self, references: list[int], attempt: Attempt, best: Regenerated | None = None) -> Regenerated:
        """The narrowest enclosure, as references are added one by one.

        Raises
        ------
        NotConverged: no enclosure was found.
        """
        residual, widest = math.nan, NARROW
        for left in range(MOST_REFERENCES, -1, -1):
            widest = math.inf if left == 0 else widest  # take what there is
            try:
                (found, busiest), parts = attempt(Excursions(self.chain, self.live, references, self.solver_on, widest))
                if best is None or width(found) < width(best.enclosure):
                    best = Regenerated(found, references, [part.enclosure for part in parts])
            except UnboundedError as failure:
                residual, busiest = failure.residual, failure.busiest
                if failure.is_hopeless:
                    widest = math.inf
                    continue
            if widest == math.inf or (best is not None and width(best.enclosure) <= NARROW):
                break
            references = [*references, busiest]
        if best is None:
            raise NotConverged(
                f"an answer must be enclosed, got a residual of {residual:.1e} and no bounds that hold on "
                f"{int(self.live.sum())} live states; ask within a horizon (within=), or raise the temperature",
                residual,
            )
        wide = "" if width(best.enclosure) <= NARROW else ", wide: many places are slow to leave"
        return best._replace(enclosure=replace(best.enclosure, method=best.enclosure.method + wide))


def width(found: Enclosure) -> float:
    """The largest upper / lower - 1; infinite where a lower bound says nothing."""
    return _width(found.lower, found.upper)


def _width(lower: Numbers, upper: Numbers) -> float:
    """The largest upper / lower - 1 of bounds."""
    live = is_positive(upper)
    if not np.array_equal(live, is_positive(lower)):
        return math.inf
    return float(np.max(as_floats(quotient(upper, lower)) - 1, where=live, initial=0.0))


def _occupation(walk: Excursions, start: Numbers) -> tuple[Excursion, list[Excursion]]:
    """The row: v_0 + sum_i x_i v_i."""
    first = walk.row(start)
    if not walk.references:
        return first, [first]
    rows = [walk.row(walk.step_from(i)) for i in walk.references]
    exits = [_along(row, walk.exits, walk.exits[i]) for row, i in zip(rows, walk.references, strict=True)]
    begun = [_along(first, walk.steps_into(j), start[j]) for j in walk.references]
    outer = _Outer.of(_between(walk, rows), exits, begun)
    whole = _combined(first, rows, walk.references, outer.bounds(outer.elimination.occupation(outer.right)))
    return whole, [first, *rows]


def _harmonic(walk: Excursions, gain: Numbers) -> tuple[Excursion, list[Excursion]]:
    """The column: h_0 + sum_i g_i h_i."""
    first = walk.column(gain)
    if not walk.references:
        return first, [first]
    columns = [walk.column(walk.steps_into(j)) for j in walk.references]
    ending = walk.column(walk.exits)
    steps = [walk.step_from(i) for i in walk.references]
    weights = [
        [_along(column, step, step[j]) for column, j in zip(columns, walk.references, strict=True)] for step in steps
    ]
    exits = [_along(ending, step, walk.exits[i]) for step, i in zip(steps, walk.references, strict=True)]
    gained = [_along(first, step, gain[i]) for step, i in zip(steps, walk.references, strict=True)]
    outer = _Outer.of(weights, exits, gained)
    whole = _combined(first, columns, walk.references, outer.bounds(outer.elimination.harmonic(outer.right)))
    return whole, [first, *columns, ending]


def _stationary(walk: Excursions, about: Numbers) -> tuple[Excursion, list[Excursion]]:
    """The stationary distribution: sum_i x_i v_i, x that of the references, over its sum."""
    rows = [walk.row(walk.step_from(i), about) for i in walk.references]
    weights = _between(walk, rows)
    # visits between returns to the first reference
    outer = _Outer.of([row[1:] for row in weights[1:]], [row[0] for row in weights[1:]], weights[0][1:])
    rest = outer.bounds(outer.elimination.occupation(outer.right))
    at = [concatenate([ScaledArray.of(np.ones(1)), part]) for part in rest]
    zeros = np.zeros(walk.chain.n_states)
    nothing = Excursion(Enclosure(zeros, zeros, zeros, 0.0, ""), rows[0].busiest)
    found = _combined(nothing, rows, walk.references, at)
    return found._replace(enclosure=at_most_one(normalised(found.enclosure))), rows


def _between(walk: Excursions, rows: list[Excursion]) -> list[list[ScaledArray]]:
    """The weights between references: one step, or an excursion first."""
    into = [walk.steps_into(j) for j in walk.references]
    return [[_along(row, column, column[i]) for column in into] for row, i in zip(rows, walk.references, strict=True)]


def _along(part: Excursion, other: Numbers, direct: Numbers) -> ScaledArray:
    """(3,) value, lower and upper bound of a sum along an excursion, and of what comes directly."""
    return stack_last([dot(getattr(part.enclosure, name), other) + direct for name in PARTS])


@dataclass(frozen=True, eq=False)
class _Outer:
    """The chain on the references alone, eliminated, a right-hand side, and what its answers may be off."""

    elimination: Elimination
    right: ScaledArray  # (k,)
    roundings: int

    @classmethod
    def of(cls, weights: list[list[ScaledArray]], exits: list[ScaledArray], right: list[ScaledArray]) -> "_Outer":
        """The chain of entries with their bounds."""
        k = len(exits)
        if not k:
            nothing = np.zeros(0)
            return cls(eliminate(np.zeros((0, 0)), nothing), ScaledArray.of(nothing), 0)
        entries = [*(entry for row in weights for entry in row), *exits, *right]
        value, lower, upper = (stack_last([entry[part] for entry in entries]) for part in range(3))
        widest = max(_width(lower, value), _width(value, upper))
        off = math.ceil(1.01 * widest / ROUNDING) + TOTAL_ROUNDINGS + 8 if widest < 1 else 2**60
        matrix = stack_last([stack_last([row[j][0] for row in weights]) for j in range(k)])
        done = eliminate(matrix, stack_last([entry[0] for entry in exits]))
        return cls(done, stack_last([entry[0] for entry in right]), done.roundings + (2 * k + 1) * off)

    def bounds(self, solved: ScaledArray) -> list[Numbers]:
        """Value, lower and upper bound of an answer."""
        return [solved, *widen(solved, self.roundings)]


def _combined(first: Excursion, parts: list[Excursion], references: list[int], at: list[Numbers]) -> Excursion:
    """The first part and each reference's part, by the number of that reference; on the references these numbers."""
    found = []
    for name, numbers in zip(PARTS, at, strict=True):
        summed = getattr(first.enclosure, name)
        for place, part in enumerate(parts):
            summed = summed + _multiple(getattr(part.enclosure, name), ScaledArray.of(numbers)[place])
        found.append(_with_entries(summed, references, ScaledArray.of(numbers)))
    widest = max([first, *parts], key=lambda part: width(part.enclosure))
    enclosure = Enclosure(
        found[0],
        widen(found[1], 2 * len(parts) + 2)[0],
        widen(found[2], 2 * len(parts) + 2)[1],
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
    if isinstance(values, np.ndarray) and (np.abs(entries.exponent) < 1000).all():
        changed: Numbers = values.copy()
        changed[places] = entries.to_float()
        return changed
    scaled = ScaledArray.of(values).copy()
    scaled[places] = entries
    return scaled
