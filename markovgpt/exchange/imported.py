"""A chain from outside: what a file lists is checked line by line, and becomes a chain."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from markovgpt.chains.operator import Edges
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.exchange.listing import DECIMAL, KINDS, SORTING, WHOLE, Columns, Listing, States, parts_of
from markovgpt.exchange.text_file import TextFile
from markovgpt.exchange.written_numbers import sum_minus_one
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, ScaledArray
from markovgpt.shown import Shown
from markovgpt.sums import scatter_sum

BYTES_A_STATE = 200
SHORT_DIGITS = 1e-4  # a sum this close to 1 is one of rounded decimals


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
    variables: for each name of a variable its value in each state, int64 (n_states,), where a file says them.
    """

    chain: SparseChain
    labels: Mapping[str, Mask]
    rewards: Mapping[str, FloatArray]
    initial: Mask
    normalised: States
    fixed_deadlocks: States
    variables: Mapping[str, States] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (
            *self.labels.values(),
            *self.rewards.values(),
            *self.variables.values(),
            self.initial,
            self.normalised,
            self.fixed_deadlocks,
        ):
            array.setflags(write=False)


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
        raise listing.file.refusal(listing.file.last_line, "a chain must have a state", "none", "export it again")
    require_states(n_states)
    rows = _sorted_rows(listing, n_states)
    if not rows.mantissa.all():
        rows = rows.take(rows.mantissa > 0)
    deadlocks = np.flatnonzero(np.bincount(rows.source, minlength=n_states) == 0)
    if deadlocks.size and not fix_deadlocks:
        raise listing.file.refusal(
            line_of(int(deadlocks[0])),
            f"state {deadlocks[0]} must have a possible transition",
            f"none there and in {deadlocks.size - 1} others",
            "give fix_deadlocks=True (--fix-deadlocks) to let them stay where they are",
        )
    if deadlocks.size:
        rows = _with_loops(rows, deadlocks)
    bounds = np.searchsorted(rows.source, np.arange(n_states + 1))
    off = _rows_off(listing, rows, bounds)
    if off.size and not normalise:
        raise _bad_row(listing, rows.take(slice(bounds[off[0]], bounds[off[0] + 1])))
    if off.size:
        _normalise(listing, rows, [(bounds[row], bounds[row + 1]) for row in off.tolist()])
    edges = Edges(rows.source, rows.target, rows.probability())
    del rows  # what the chain does not keep is free before the chain checks itself
    return SparseChain(edges, n_states), off, deadlocks


def require_states(n_states: int) -> None:
    """Refuse what a header claims before anything is allocated for it."""
    require_memory(n_states * BYTES_A_STATE, f"{n_states} states", "check the file's header, or read a smaller chain")


def masks(states: Mapping[str, ArrayLike], n_states: int) -> dict[str, Mask]:
    """A bool mask for each list of states."""
    found = {name: np.zeros(n_states, dtype=bool) for name in states}
    for name, listed in states.items():
        found[name][np.asarray(listed, dtype=np.int64)] = True
    return found


def rounded_reward(file: TextFile, line: int, value: Fraction | int) -> float:
    """The nearest double, refused where it would read as 0 or infinite."""
    try:
        earned = float(Fraction(value))
    except OverflowError:
        earned = math.inf
    if math.isinf(earned) or (value and not earned):
        raise file.refusal(line, "a reward must lie in the range of doubles", "one outside", "count in another unit")
    return earned


def _sorted_rows(listing: Listing, n_states: int) -> Columns:
    """The transitions in order, all of them between states of the chain and none twice."""
    rows = listing.columns()
    outside = np.flatnonzero((rows.source >= n_states) | (rows.target >= n_states))
    if outside.size:
        place = int(outside[0])
        raise listing.file.refusal(
            int(rows.line[place]),
            f"transitions must lie between states 0..{n_states - 1}",
            f"one from {rows.source[place]} to {rows.target[place]}",
            "check the number of states in the header",
        )
    if not _steps_up(rows):
        require_memory(len(rows.source) * SORTING, f"{len(rows.source)} unsorted transitions", "sort the file first")
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


def _steps_up(rows: Columns) -> bool:
    """Whether the transitions are in order already."""
    before, after = rows.source[:-1], rows.source[1:]
    return not ((after < before) | ((after == before) & (rows.target[1:] < rows.target[:-1]))).any()


def _with_loops(rows: Columns, states: States) -> Columns:
    """One more transition, which is certain, from each of some states to itself."""
    n = len(states)
    loops = (states, states, np.ones(n), np.zeros(n), np.full(n, WHOLE), np.zeros(n))
    joined = (np.concatenate([old, new]).astype(kind) for old, new, kind in zip(rows, loops, KINDS, strict=True))
    columns = Columns(*joined)
    return columns.take(np.argsort(columns.source, kind="stable"))


def _rows_off(listing: Listing, rows: Columns, bounds: States) -> States:
    """The states whose probabilities do not sum to 1; see `build_chain`."""
    n_states, terms = len(bounds) - 1, np.diff(bounds)
    sums = ScaledArray.of(scatter_sum(rows.probability(), rows.source, n_states)).to_float()
    off = np.abs(sums - 1) > (terms + 8) * 2.0**-52
    if not listing.texts:
        return np.flatnonzero(off)  # a sum of whole numbers is exact, and off by 1 if at all
    decimals = np.zeros(n_states, dtype=bool)
    decimals[rows.source[rows.written == DECIMAL]] = True
    fractions = np.zeros(n_states, dtype=bool)
    fractions[rows.source[rows.written >= 0]] = True
    is_one: dict[tuple[int, ...], bool] = {}
    for row in np.flatnonzero(fractions & ~decimals).tolist():
        which = slice(bounds[row], bounds[row + 1])
        written = tuple(rows.written[which].tolist())
        if written not in is_one:
            is_one[written] = sum_minus_one(listing.values(rows.take(which)))[0] == 0
        off[row] = not is_one[written]
    return np.flatnonzero(off)


def _normalise(listing: Listing, rows: Columns, places: list[tuple[int, int]]) -> None:
    """Divide the written numbers of some rows, each from one place to another, by their sums; exactly, rounded once."""
    lines = np.concatenate([rows.line[begin:end] for begin, end in places])
    written = listing.exact_values(lines)
    for begin, end in places:
        values = [written[line] for line in rows.line[begin:end].tolist()]
        total = sum(values, Fraction(0))
        parts = [parts_of(value / total) for value in values]
        rows.mantissa[begin:end], rows.exponent[begin:end] = zip(*parts, strict=True)


def _bad_row(listing: Listing, row: Columns) -> InvalidInput:
    """The refusal of a row, which says whether digits are missing or a transition."""
    above, below = sum_minus_one(listing.values(row))
    short = (row.written == DECIMAL).any() and abs(above / below) < SHORT_DIGITS
    missing = "re-export with 17 digits" if short else "add the transition that is missing"
    return listing.file.refusal(
        int(row.line[0]),
        f"the probabilities of state {row.source[0]} must sum to 1",
        f"1{above / below:+.3g}",
        f"{missing}, or give normalise=True (--normalise) to divide them by their sum",
    )
