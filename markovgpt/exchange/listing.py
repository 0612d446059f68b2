"""The transitions of a file, as they are read: a few numbers each, block by block, and the texts of fractions once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovgpt.errors import InvalidInput
from markovgpt.exchange.text_file import TextFile, open_text, quoted
from markovgpt.exchange.written_numbers import SAFE, exact, is_decimal, nearest, rounded
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, Numbers, ScaledArray

DECIMAL, WHOLE = -1, -2  # what stands for the text of a number that is no fraction
ADDED_AT_ONCE = 2**14
PROBABILITY_WORD = 2  # "0 1 0.5" and "1 : 0.5"
MOST_LINES = 2**32 - 1
BYTES_A_FRACTION = 500  # its text, its value, and the way from one to the other
LOOKED_AT = 2**16  # fractions between two looks at the memory
SORTING = 40  # bytes a transition that sorting takes
States = NDArray[np.int64]


class Columns(NamedTuple):
    """Transitions, a row each.

    Parameters
    ----------
    mantissa, exponent: the probability, rounded once to 53 bits; a number of at least 1e-300 has the exponent 0.
    written: the place of the text of a fraction, or DECIMAL or WHOLE.
    line: where it stands in the file.
    """

    source: States
    target: States
    mantissa: FloatArray
    exponent: NDArray[np.int32]
    written: NDArray[np.int32]
    line: NDArray[np.uint32]

    def take(self, which: Any) -> "Columns":
        """Some of them, or in another order."""
        return Columns(*(column[which] for column in self))

    def probability(self) -> Numbers:
        """Doubles where all of them are at least 1e-300, else scaled numbers."""
        return ScaledArray(self.mantissa, self.exponent) if self.exponent.any() else self.mantissa


KINDS = (np.int64, np.int64, np.float64, np.int32, np.int32, np.uint32)


@dataclass
class Listing:
    """The transitions as a file lists them."""

    file: TextFile
    stored: Columns = field(default_factory=lambda: _no_columns())
    n_stored: int = 0  # rows of it that are in use
    added: list[tuple[int, int, float, int, int, int]] = field(default_factory=list)
    texts: dict[str, int] = field(default_factory=dict)  # of fractions, with their places
    fractions: list[Fraction] = field(default_factory=list)

    @property
    def n_transitions(self) -> int:
        """How many were added."""
        return self.n_stored + len(self.added)

    def add(self, source: int, target: int, probability: str, line: int) -> None:
        """One more transition.

        Raises
        ------
        InvalidInput: what is written is no number in [0, 1].
        """
        mantissa, exponent, written = self._number(probability, line)
        self.added.append((source, target, mantissa, exponent, written, min(line, MOST_LINES)))
        if len(self.added) >= ADDED_AT_ONCE:
            self._close()

    def add_numbers(
        self, source: FloatArray | States, numbers: FloatArray, decimal: NDArray[np.bool_], lines: NDArray[np.int64]
    ) -> None:
        """Many more transitions at once.

        Parameters
        ----------
        numbers: (n, 2), the targets and the probabilities, of which each is 0 or at least 1e-300, and at most 1.
        decimal: whether each may have been rounded when it was written.
        """
        self._close()
        target, probability = numbers.T
        written = np.where(decimal, DECIMAL, WHOLE)
        self._store((source, target, probability, 0, written, np.minimum(lines, MOST_LINES)), len(numbers))

    def last_state(self) -> int:
        """The largest number of a state, -1 where there is none."""
        self._close()
        return max(int(states[: self.n_stored].max(initial=-1)) for states in self.stored[:2])

    def columns(self) -> Columns:
        """All transitions, in the order of the file; the listing holds none of them any more."""
        self._close()
        self._resize(self.n_stored)
        columns, self.stored, self.n_stored = self.stored, _no_columns(), 0
        return columns

    def values(self, columns: Columns) -> list[Fraction]:
        """The probabilities: of fractions and whole numbers what is written, of decimals what it was rounded to."""
        rows = zip(*(part.tolist() for part in columns[2:5]), strict=True)
        return [
            self.fractions[written] if written >= 0 else Fraction(mantissa) * Fraction(2) ** exponent
            for mantissa, exponent, written in rows
        ]

    def exact_values(self, lines: NDArray[np.uint32]) -> dict[int, Fraction]:
        """What is written in some lines, exactly; the file is read again for it.

        Raises
        ------
        InvalidInput: a file that is another one by now.
        TooLarge: more numbers than fit.
        """
        require_memory(len(lines) * BYTES_A_FRACTION, f"{len(lines)} exact numbers", "export the chain with 17 digits")
        wanted, found = set(lines.tolist()), dict[int, Fraction]()
        with open_text(self.file.path, self.file.most_bytes) as file:
            for line, text in file.content():
                if line in wanted and len(words := text.split()) > PROBABILITY_WORD:
                    found[line] = exact(words[PROBABILITY_WORD]) or Fraction(0)
        if len(found) < len(wanted) or not all(found.values()):
            raise InvalidInput(f"{self.file.path} must stay as it is while it is read, got another file; read it again")
        return found

    def _number(self, text: str, line: int) -> tuple[float, int, int]:
        """A probability as mantissa, exponent and what stands for its text."""
        if text in self.texts:
            place = self.texts[text]
            return *parts_of(self.fractions[place]), place
        if (plain := nearest(text)) is not None and plain < 1:
            return plain, 0, DECIMAL
        value = exact(text)
        if value is None or value > 1:
            raise self.file.refusal(
                line,
                "a probability must be a number in [0, 1], written like 0.25, 2.5e-1 or 1/4",
                quoted(text),
                "export the chain again",
            )
        if "/" not in text:
            return *parts_of(value), DECIMAL if is_decimal(text) else WHOLE
        self.texts[text] = len(self.fractions)
        self.fractions.append(value)
        if len(self.fractions) % LOOKED_AT == 0:
            require_memory(LOOKED_AT * BYTES_A_FRACTION, "more fractions", "export the chain in decimals of 17 digits")
        return *parts_of(value), self.texts[text]

    def _close(self) -> None:
        """Store the transitions that were added one by one."""
        if self.added:
            columns: Iterable[Any] = zip(*self.added, strict=True)
            n, self.added = len(self.added), []
            self._store(tuple(np.array(column, dtype=kind) for column, kind in zip(columns, KINDS, strict=True)), n)

    def _store(self, parts: Sequence[Any], n: int) -> None:
        """Put n rows behind those that are in use."""
        begin, end = self.n_stored, self.n_stored + n
        if end > len(self.stored.source):
            self._resize(end + end // 8)
        columns: Iterable[Any] = self.stored
        for column, part in zip(columns, parts, strict=True):
            column[begin:end] = part
        self.n_stored = end

    def _resize(self, n: int) -> None:
        """Room for n rows; the system moves large arrays without a second copy, as lists of blocks would need."""
        for column in self.stored:
            column.resize(n, refcheck=False)


def _no_columns() -> Columns:
    """Columns without rows."""
    arrays: Iterable[Any] = (np.zeros(0, dtype=kind) for kind in KINDS)
    return Columns(*arrays)


def parts_of(value: Fraction) -> tuple[float, int]:
    """The nearest number of 53 bits, with the exponent 0 where it is at least 1e-300.

    >>> parts_of(Fraction(1, 4)), parts_of(Fraction(3, 2**2000))
    ((0.25, 0), (0.75, -1998))
    """
    return rounded(value) if 0 < value < SAFE else (float(value), 0)
