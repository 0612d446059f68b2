"""A chain from outside: what a file lists is checked line by line, and becomes a chain."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import Edges
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.exchange.text_file import TextFile, quoted
from markovgpt.exchange.written_numbers import SAFE, exact, is_decimal, rounded
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, Numbers, ScaledArray
from markovgpt.shown import Shown
from markovgpt.sums import scatter_sum

BYTES_A_STATE = 200
SURE = "1"  # the text of a self-loop that is put in
SHORT_DIGITS = 1e-4  # a sum this close to 1 is one of rounded decimals
States = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class ImportedChain(Shown):
    """A chain that was read from a file, and what the file says about its states.

    Parameters
    ----------
    chain: each probability is the written one, rounded once to 53 bits; scaled where one lies below 1e-300.
    labels: for each name the bool mask (n_states,) of the states that bear it.
    rewards: for each name what a visit to each state earns, float64 (n_states,), at least 0.
    initial: bool mask (n_states,) of the states labelled init, at least one.
    normalised: the states whose row was divided by its sum, as was asked for.
    fixed_deadlocks: the states without transitions that got a self-loop, as was asked for.
    """

    chain: SparseChain
    labels: Mapping[str, Mask]
    rewards: Mapping[str, FloatArray]
    initial: Mask
    normalised: States
    fixed_deadlocks: States

    def __post_init__(self) -> None:
        for array in (
            *self.labels.values(),
            *self.rewards.values(),
            self.initial,
            self.normalised,
            self.fixed_deadlocks,
        ):
            array.setflags(write=False)


@dataclass
class Listing:
    """The transitions as a file lists them, one a line; equal texts of probabilities are kept once."""

    file: TextFile
    source: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    number: list[int] = field(default_factory=list)  # places in written
    written: dict[str, int] = field(default_factory=dict)

    def add(self, source: int, target: int, probability: str, line: int) -> None:
        """One more transition."""
        self.source.append(source)
        self.target.append(target)
        self.line.append(line)
        self.number.append(self.written.setdefault(probability, len(self.written)))


class _Rows(NamedTuple):
    """Transitions sorted by source and target; ``number`` is the place of each probability's text."""

    source: States
    target: States
    number: States
    line: States

    def take(self, which: States | Mask | slice) -> "_Rows":
        """Some of them, or in another order."""
        return _Rows(*(column[which] for column in self))

    def with_loops(self, states: States, number: int) -> "_Rows":
        """One more transition from each of some states to itself."""
        loops = (states, states, np.full_like(states, number), np.zeros_like(states))
        joined = _Rows(*(np.concatenate(pair) for pair in zip(self, loops, strict=True)))
        return joined.take(np.argsort(joined.source, kind="stable"))


def build_chain(
    listing: Listing, n_states: int, line_of: Callable[[int], int], *, normalise: bool, fix_deadlocks: bool
) -> tuple[SparseChain, States, States]:
    """The chain of a listing, the states whose rows were normalised, and those that got a self-loop.

    Parameters
    ----------
    line_of: the line that declares a state.
    normalise: divide a row that does not sum to 1 by its sum.
    fix_deadlocks: let a state without transitions stay where it is.

    Raises
    ------
    InvalidInput: what is written is no probability, targets outside the chain, a transition twice, a state without
        transitions, a row that does not sum to 1: exactly where it is of fractions and whole numbers, else within the
        rounding of its sum.
    TooLarge: more states than fit.
    """
    if n_states < 1:
        raise listing.file.refusal(len(listing.file.lines), "a chain must have a state", "none", "export it again")
    require_states(n_states)
    texts = [*listing.written, SURE]
    values = [*_values(listing), Fraction(1)]
    rows = _sorted_rows(listing, n_states)
    rows = rows.take(np.array([value > 0 for value in values])[rows.number])
    deadlocks = np.flatnonzero(np.bincount(rows.source, minlength=n_states) == 0)
    if deadlocks.size and not fix_deadlocks:
        raise listing.file.refusal(
            line_of(int(deadlocks[0])),
            f"state {deadlocks[0]} must have a possible transition",
            f"none there and in {deadlocks.size - 1} others",
            "give fix_deadlocks=True to let them stay where they are",
        )
    rows = rows.with_loops(deadlocks, len(listing.written))
    scaled = _scaled(values)[rows.number]
    bounds = np.searchsorted(rows.source, np.arange(n_states + 1))
    off = _rows_off(rows, texts, values, _plain(scaled), bounds)
    for row in off.tolist():
        places = slice(bounds[row], bounds[row + 1])
        written = rows.number[places].tolist()
        total = sum((values[number] for number in written), Fraction(0))
        if not normalise:
            decimal = any(is_decimal(texts[number]) for number in written)
            raise _bad_row(listing.file, row, int(rows.line[bounds[row]]), total, decimal=decimal)
        scaled[places] = _scaled([values[number] / total for number in written])
    return SparseChain(Edges(rows.source, rows.target, _plain(scaled)), n_states), off, deadlocks


def require_states(n_states: int) -> None:
    """Refuse what a header claims before anything is allocated for it."""
    require_memory(n_states * BYTES_A_STATE, f"{n_states} states", "check the file's header, or read a smaller chain")


def masks(states: Mapping[str, Iterable[int]], n_states: int) -> dict[str, Mask]:
    """A bool mask for each list of states."""
    found = {name: np.zeros(n_states, dtype=bool) for name in states}
    for name, listed in states.items():
        found[name][np.fromiter(listed, dtype=np.int64)] = True
    return found


def rounded_reward(file: TextFile, line: int, value: Fraction | int) -> float:
    """The nearest double, refused where it would read as 0 or infinite."""
    try:
        nearest = float(Fraction(value))
    except OverflowError:
        nearest = math.inf
    if math.isinf(nearest) or (value and not nearest):
        raise file.refusal(line, "a reward must lie in the range of doubles", "one outside", "count in another unit")
    return nearest


def _values(listing: Listing) -> list[Fraction]:
    """What is written, exactly; refused where it is no number in [0, 1]."""
    values = []
    for text, place in listing.written.items():
        value = exact(text)
        if value is None or value > 1:
            raise listing.file.refusal(
                listing.line[listing.number.index(place)],
                "a probability must be a number in [0, 1], written like 0.25, 2.5e-1 or 1/4",
                quoted(text),
                "export the chain again",
            )
        values.append(value)
    return values


def _sorted_rows(listing: Listing, n_states: int) -> _Rows:
    """The transitions in order, all of them between states of the chain and none twice."""
    columns = (listing.source, listing.target, listing.number, listing.line)
    rows = _Rows(*(np.array(column, dtype=np.int64) for column in columns))
    outside = np.flatnonzero((rows.source >= n_states) | (rows.target >= n_states))
    if outside.size:
        place = int(outside[0])
        raise listing.file.refusal(
            int(rows.line[place]),
            f"transitions must lie between states 0..{n_states - 1}",
            f"one from {rows.source[place]} to {rows.target[place]}",
            "check the number of states in the header",
        )
    rows = rows.take(np.lexsort((rows.target, rows.source)))
    twice = np.flatnonzero((np.diff(rows.source) == 0) & (np.diff(rows.target) == 0))
    if twice.size:
        first, second = rows.take(twice), rows.take(twice + 1)
        raise listing.file.refusal(
            int(second.line[0]),
            "a transition must be listed once",
            f"the one from {second.source[0]} to {second.target[0]} again, first in line {first.line[0]}",
            "add the two up if both are meant",
        )
    return rows


def _scaled(values: Sequence[Fraction]) -> ScaledArray:
    """The values, each rounded once."""
    parts = [rounded(value) for value in values]
    return ScaledArray([mantissa for mantissa, _ in parts], [exponent for _, exponent in parts])


def _plain(scaled: ScaledArray) -> Numbers:
    """Doubles where all of them are safe, else the scaled numbers."""
    return scaled.to_float() if (ScaledArray(SAFE) <= scaled).all() else scaled.copy()


def _rows_off(
    rows: _Rows, texts: Sequence[str], values: Sequence[Fraction], probability: Numbers, bounds: States
) -> States:
    """The states whose probabilities do not sum to 1; see `build_chain`."""
    n_states, terms = len(bounds) - 1, np.diff(bounds)
    sums = ScaledArray.of(scatter_sum(probability, rows.source, n_states)).to_float()
    off = np.abs(sums - 1) > (terms + 8) * 2.0**-52
    decimal = np.array([is_decimal(text) for text in texts])
    n_decimals = np.bincount(rows.source, weights=decimal[rows.number], minlength=n_states)
    numbers, is_one = rows.number.tolist(), dict[tuple[int, ...], bool]()
    for row in np.flatnonzero(n_decimals == 0).tolist():
        written = tuple(numbers[bounds[row] : bounds[row + 1]])
        if written not in is_one:
            is_one[written] = sum(values[number] for number in written) == 1
        off[row] = not is_one[written]
    return np.flatnonzero(off)


def _bad_row(file: TextFile, row: int, line: int, total: Fraction, *, decimal: bool) -> InvalidInput:
    """The refusal of a row, which says whether digits are missing or a transition."""
    short = decimal and abs(total - 1) < SHORT_DIGITS
    missing = "re-export with 17 digits" if short else "add the transition that is missing"
    return file.refusal(
        line,
        f"the probabilities of state {row} must sum to 1",
        f"1{float(total - 1):+.3g}",
        f"{missing}, or give normalise=True to divide them by their sum",
    )
