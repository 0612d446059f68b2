"""Rows and columns of a chain that is a list of transitions, by elimination that keeps to what is there.

The same elimination without subtraction as in `markovgpt.solvers.gth`, on rows that are dictionaries, states with few
neighbours first: chains of model checkers, which run in one direction for the most part, stay almost as sparse as they
were. Numbers are decimal floating point with more digits than a double and any exponent, so nothing is ever lost.

Source of the order: H. M. Markowitz, Management Science 3 (1957) 255-269.
"""

import heapq
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import Numbers, ScaledArray
from markovgpt.sums import scatter_sum

ZERO = Decimal(0)
DIGITS = Context(prec=25, Emax=MAX_EMAX, Emin=MIN_EMIN)
MOST_FILLED = 30  # numbers kept and products made, a state; with more another method is faster


class FilledError(Exception):
    """An elimination would keep too many numbers: the chain is for another method."""


class Step(NamedTuple):
    """One state eliminated."""

    state: int
    out: Decimal  # what flowed out of it then
    into: dict[int, Decimal]  # its jump probabilities to the states that were left
    of: dict[int, Decimal]  # the weights into it from the states that were left


@dataclass(frozen=True, eq=False)
class SparseSolver:
    """Solutions on live states of a chain, from each of which an end, or each other, can be reached.

    Parameters
    ----------
    live: (n_states,).
    """

    chain: TransitionOperator
    live: Mask

    name: ClassVar[str] = "sparse elimination"

    def row(self, start: Numbers, tolerance: float = 0.0, guess: Numbers | None = None) -> Numbers:
        """The v with v = v Q + start, to rounding, whatever the tolerance."""
        with localcontext(DIGITS):
            x = self._decimals(start)
            for step in self._steps:
                for j, share in step.into.items():
                    x[j] += x[step.state] * share
            for step in reversed(self._steps):
                x[step.state] = sum((x[i] * weight for i, weight in step.of.items()), x[step.state]) / step.out
            return self._numbers(x) * self._totals

    def column(self, gain: Numbers, tolerance: float = 0.0, guess: Numbers | None = None) -> Numbers:
        """The h with h = Q h + gain, to rounding, whatever the tolerance."""
        with localcontext(DIGITS):
            y = self._decimals(ScaledArray.of(gain) * self._totals)
            for step in self._steps:
                y[step.state] /= step.out
                for i, weight in step.of.items():
                    y[i] += weight * y[step.state]
            for step in reversed(self._steps):
                y[step.state] += sum(share * y[j] for j, share in step.into.items())
            return self._numbers(y)

    def stationary(self) -> Numbers:
        """The stationary distribution of a recurrent class, the live states: visits between returns to one of them."""
        home = np.zeros(self.chain.n_states)
        home[np.flatnonzero(self.live)[0]] = 1.0
        rest = self.live & (home == 0)
        visits = home + SparseSolver(self.chain, rest).row(self.chain.push(home) * rest) if rest.any() else home
        return visits / visits.sum()

    def visits(self) -> Numbers:
        """The visits to each live state before the end, begun on any of them."""
        return self.row(self.live / self.live.sum())

    @cached_property
    def _totals(self) -> Numbers:
        """(n_states,) the sums of the rows."""
        source, _, weight = self.chain.edges()
        return scatter_sum(weight, source, self.chain.n_states)

    @property
    def is_affordable(self) -> bool:
        """Whether the elimination keeps to what is there, more or less."""
        try:
            return bool(self._steps)
        except FilledError:
            return False

    @cached_property
    def _steps(self) -> list[Step]:
        """The live states, eliminated one after the other.

        Raises
        ------
        FilledError: too much is filled in.
        """
        source, target, weight = self.chain.edges(self.live)
        live, stays = self.live[target], source != target
        with localcontext(DIGITS):
            into, of, exits = _sparse(source[live & stays], target[live & stays], weight[live & stays])
            for state, lost in zip(source[~live].tolist(), _as_decimals(weight[~live]), strict=True):
                exits[state] = exits.get(state, ZERO) + lost
            return _eliminated(np.flatnonzero(self.live).tolist(), into, of, exits)

    def _decimals(self, vector: Numbers) -> dict[int, Decimal]:
        """The live entries of a vector."""
        states = np.flatnonzero(self.live)
        return dict(zip(states.tolist(), _as_decimals(vector[states]), strict=True))

    def _numbers(self, entries: dict[int, Decimal]) -> Numbers:
        """A vector of entries on the live states."""
        found = _as_numbers([entries[state] for state in np.flatnonzero(self.live).tolist()])
        whole: Numbers = np.zeros(self.chain.n_states)
        if isinstance(found, ScaledArray):
            whole = ScaledArray.of(whole)
        whole[self.live] = found  # type: ignore[assignment]
        return self.chain.with_room(whole)


Rows = dict[int, dict[int, Decimal]]


def _sparse(
    source: NDArray[np.int64], target: NDArray[np.int64], weight: Numbers
) -> tuple[Rows, Rows, dict[int, Decimal]]:
    """Rows of weights, the same by columns, and no exits yet."""
    into: Rows = {}
    of: Rows = {}
    for i, j, number in zip(source.tolist(), target.tolist(), _as_decimals(weight), strict=True):
        into.setdefault(i, {})[j] = number
        of.setdefault(j, {})[i] = number
    return into, of, {}


def _eliminated(states: list[int], into: Rows, of: Rows, exits: dict[int, Decimal]) -> list[Step]:
    """Eliminate states, each time one whose neighbours make the fewest products."""

    def products(state: int) -> int:
        return len(into.get(state, ())) * len(of.get(state, ()))

    steps, filled = [], 0
    queue = [(products(state), state) for state in states]
    heapq.heapify(queue)
    waiting = set(states)
    while waiting:
        expected, state = heapq.heappop(queue)
        if state not in waiting or expected != products(state):  # an older entry of the queue
            continue
        waiting.remove(state)
        step = _eliminate(state, into, of, exits)
        steps.append(step)
        for neighbour in step.into.keys() | step.of.keys():
            heapq.heappush(queue, (products(neighbour), neighbour))
        filled += len(step.into) + len(step.of) + expected
        if filled > MOST_FILLED * (len(states) + 1000):
            raise FilledError
    return steps


def _eliminate(k: int, into: Rows, of: Rows, exits: dict[int, Decimal]) -> Step:
    """Eliminate one state: what leads to it leads on to where it leads."""
    row, column, lost = into.pop(k, {}), of.pop(k, {}), exits.get(k, ZERO)
    out = sum(row.values(), lost)
    shares = {j: weight / out for j, weight in row.items()}
    for j in row:
        del of[j][k]
    for i, weight in column.items():
        others = into[i]
        del others[k]
        for j, share in shares.items():
            if j != i:
                of[j][i] = others[j] = others.get(j, ZERO) + weight * share
        if lost:
            exits[i] = exits.get(i, ZERO) + weight * (lost / out)
    return Step(k, out, shares, column)


def _as_decimals(numbers: Numbers) -> list[Decimal]:
    """The numbers with 25 digits."""
    if isinstance(numbers, ScaledArray):
        two = Decimal(2)
        pairs = zip(numbers.mantissa.tolist(), numbers.exponent.tolist(), strict=True)
        return [Decimal(mantissa) * two**exponent if mantissa else ZERO for mantissa, exponent in pairs]
    return [+Decimal(number) for number in numbers.tolist()]


def _as_numbers(decimals: list[Decimal]) -> Numbers:
    """The nearest doubles, or scaled numbers where some leave their range."""
    if all(not number or abs(number.adjusted()) < 250 for number in decimals):
        return np.array([float(number) for number in decimals])
    tens = [number.adjusted() if number else 0 for number in decimals]
    plain = np.array([float(number.scaleb(-ten)) for number, ten in zip(decimals, tens, strict=True)])
    powers = {ten: _power_of_ten(ten) for ten in set(tens)}
    mantissas = np.array([powers[ten][0] for ten in tens])
    return ScaledArray(plain * mantissas, np.array([powers[ten][1] for ten in tens]))


def _power_of_ten(ten: int) -> tuple[float, int]:
    """10**ten as a double times a power of two, to rounding."""
    exact = Fraction(10) ** ten
    shift = exact.numerator.bit_length() - exact.denominator.bit_length()
    return float(exact / Fraction(2) ** shift), shift
