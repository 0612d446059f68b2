"""Rows of a UMB archive: the numbers as they are stored are checked, all at once, and become a chain.

Doubles are taken bit for bit. Rational numbers are read exactly, and rounded once.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import Edges
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.exchange.umb_index import Kind
from markovgpt.exchange.written_numbers import SAFE, rounded, sum_minus_one
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, concatenate
from markovgpt.sums import scatter_sum

SHORT_DIGITS = 1e-4  # a sum this close to 1 is one of rounded decimals
States = NDArray[np.int64]
Refusal = Callable[[str, str, str, str], InvalidInput]  # a file in the archive, expected, got, remedy
TARGETS, VALUES, BOUNDS = "branch-to-target.bin", "branch-to-probability.bin", "choice-to-branches.bin"


class Imported(NamedTuple):
    """A chain, the states whose rows were divided by their sums, and those that got a self-loop."""

    chain: SparseChain
    normalised: States
    fixed_deadlocks: States


class Stored(NamedTuple):
    """Numbers as they are stored: doubles; or for rational ones the places in a list of the exact values."""

    numbers: NDArray[Any]
    values: list[Fraction] | None

    def exact(self, place: int) -> Fraction:
        """One number, exactly."""
        return Fraction(float(self.numbers[place])) if self.values is None else self.values[self.numbers[place]]

    def positive(self) -> Mask:
        """Which are above zero; zero means impossible."""
        if self.values is None:
            return np.asarray(self.numbers > 0)
        return np.asarray(np.array([value > 0 for value in self.values], dtype=bool)[self.numbers])

    def as_numbers(self) -> Numbers:
        """Doubles where all of them are safe, else scaled numbers; each rounded at most once."""
        if self.values is None:
            least = np.min(self.numbers, where=self.numbers > 0, initial=np.inf)
            return self.numbers if least >= SAFE else ScaledArray.of(self.numbers)
        return nearest(self.values)[self.numbers]


def nearest(values: list[Fraction]) -> Numbers:
    """Exact numbers, each rounded once: doubles where all of them are safe, or 0, else scaled numbers."""
    parts = [rounded(value) if value else (0.0, 0) for value in values]
    scaled = ScaledArray([mantissa for mantissa, _ in parts], [exponent for _, exponent in parts])
    return scaled.to_float() if all(value == 0 or value >= SAFE for value in values) else scaled


def stored(data: NDArray[np.uint8], kind: Kind) -> Stored:
    """The numbers in a file, of rational ones the equal ones kept once.

    Raises
    ------
    ZeroDivisionError: a denominator of 0.
    """
    if kind.name == "double":
        return Stored(data.view("<f8"), None)
    width = kind.bits // 16
    seen: dict[bytes, int] = {}
    whole = data.tobytes()
    places = [seen.setdefault(whole[first : first + 2 * width], len(seen)) for first in range(0, len(whole), 2 * width)]
    values = [
        Fraction(int.from_bytes(pair[:width], "little", signed=True), int.from_bytes(pair[width:], "little"))
        for pair in seen
    ]
    return Stored(np.array(places, dtype=np.int64), values)


def build_rows(
    refusal: Refusal,
    bounds: NDArray[Any],
    targets: NDArray[Any],
    probability: Stored,
    *,
    normalise: bool,
    fix_deadlocks: bool,
) -> Imported:
    """The chain of its rows; parameters as for `markovgpt.exchange.umb.read_umb`.

    Parameters
    ----------
    bounds: (n_states + 1,), where the branches of each state begin and end.
    targets, probability: of each branch.

    Raises
    ------
    InvalidInput: bounds that go back or beyond; a target outside the chain, or twice; what is no probability; a state
        without a possible branch; a row that does not sum to 1, exactly for rational numbers, within the rounding of
        its sum for doubles.
    """
    n, m = len(bounds) - 1, len(targets)
    if bounds[0] != 0 or bounds[-1] != m or not (bounds[1:] >= bounds[:-1]).all():
        told = f"the branches must be counted from 0 to {m}, never back"
        raise refusal(BOUNDS, told, "other numbers", "export the chain again")
    source = np.repeat(np.arange(n, dtype=np.int64), np.diff(bounds).view(np.int64))
    if m and targets.max() >= n:
        place = int(np.argmax(targets >= n))
        told = f"targets must be states in 0..{n - 1}"
        raise refusal(TARGETS, told, f"{targets[place]} from state {source[place]}", "check the number of states")
    _check_values(refusal, source, probability)
    target, within = targets.view(np.int64), source[1:] == source[:-1]
    if (within & (target[1:] < target[:-1])).any():
        order = np.lexsort((target, source))
        target, probability = target[order], probability._replace(numbers=probability.numbers[order])
    if (twice := within & (target[1:] == target[:-1])).any():
        place = int(np.argmax(twice))
        told = f"the one from {source[place]} to {target[place]} again"
        raise refusal(TARGETS, "a branch must be listed once", told, "add the two up if both are meant")
    kept = probability.positive()
    if not kept.all():
        source, target = source[kept], target[kept]
        probability = probability._replace(numbers=probability.numbers[kept])
    return _chain(refusal, source, target, probability, n, normalise=normalise, fix_deadlocks=fix_deadlocks)


def _chain(
    refusal: Refusal,
    source: States,
    target: States,
    probability: Stored,
    n: int,
    *,
    normalise: bool,
    fix_deadlocks: bool,
) -> Imported:
    """The chain of branches that are possible, in order; deadlocks and sums of rows are looked at."""
    terms = np.bincount(source, minlength=n)
    deadlocks = np.flatnonzero(terms == 0)
    if deadlocks.size and not fix_deadlocks:
        raise refusal(
            BOUNDS,
            f"state {deadlocks[0]} must have a possible branch",
            f"none there and in {deadlocks.size - 1} others",
            "give fix_deadlocks=True (--fix-deadlocks) to let them stay where they are",
        )
    numbers = probability.as_numbers()
    off = _rows_off(source, probability, numbers, terms)
    first = np.concatenate([[0], np.cumsum(terms)])
    if off.size and not normalise:
        places = range(first[off[0]], first[off[0] + 1])
        raise _bad_row(refusal, int(off[0]), sum_minus_one(map(probability.exact, places)), probability)
    if off.size:
        scaled = ScaledArray.of(numbers)
        for row in off.tolist():
            values = [probability.exact(place) for place in range(first[row], first[row + 1])]
            total = sum(values, Fraction(0))
            scaled[first[row] : first[row + 1]] = ScaledArray.of(nearest([value / total for value in values]))
        numbers = scaled.to_float() if (ScaledArray(SAFE) <= scaled).all() else scaled
    if deadlocks.size:
        order = np.argsort(np.concatenate([source, deadlocks]), kind="stable")
        source, target = np.concatenate([source, deadlocks])[order], np.concatenate([target, deadlocks])[order]
        numbers = concatenate([numbers, np.ones(len(deadlocks))])[order]
    return Imported(SparseChain(Edges(source, target, numbers), n), off, deadlocks)


def _check_values(refusal: Refusal, source: States, probability: Stored) -> None:
    """Refuse what is no probability."""
    if probability.values is None:
        wrong = ~((probability.numbers >= 0) & (probability.numbers <= 1))  # NaN is wrong too
    else:
        wrong = np.array([not 0 <= value <= 1 for value in probability.values], dtype=bool)[probability.numbers]
    if wrong.any():
        place = int(np.argmax(wrong))
        got = probability.numbers[place] if probability.values is None else probability.exact(place)
        told = f"{got} from state {source[place]}"
        raise refusal(VALUES, "a probability must lie in [0, 1]", told, "export the chain again")


def _rows_off(source: States, probability: Stored, numbers: Numbers, terms: States) -> States:
    """The states whose probabilities do not sum to 1; a state without any has no sum."""
    if probability.values is None:
        sums: FloatArray = ScaledArray.of(scatter_sum(numbers, source, len(terms))).to_float()
        return np.flatnonzero((np.abs(sums - 1) > (terms + 8) * 2.0**-52) & (terms > 0))
    off, first, is_one = [], 0, dict[tuple[int, ...], bool]()
    for row, count in enumerate(terms.tolist()):
        places = tuple(sorted(probability.numbers[first : first + count].tolist()))
        if places not in is_one:
            is_one[places] = not places or sum_minus_one(probability.values[place] for place in places)[0] == 0
        if not is_one[places]:
            off.append(row)
        first += count
    return np.array(off, dtype=np.int64)


def _bad_row(refusal: Refusal, row: int, off: tuple[int, int], probability: Stored) -> InvalidInput:
    """The refusal of a row, by its sum minus 1; it says whether digits are missing or a branch."""
    above, below = off
    short = probability.values is None and abs(above / below) < SHORT_DIGITS
    missing = "export it with all digits" if short else "add the branch that is missing"
    return refusal(
        VALUES,
        f"the probabilities of state {row} must sum to 1",
        f"1{above / below:+.3g}",
        f"{missing}, or give normalise=True (--normalise) to divide them by their sum",
    )
