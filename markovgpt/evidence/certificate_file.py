"""The file of a certificate: a .npz of whole numbers, with nothing in it that could run.

Every number is a pair, mantissa * 2**exponent, so that what is read is exactly what was written.
"""

import zipfile
import zlib
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from markovgpt.durable import replacing
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.memory import require_memory

LIVE, TARGET, LOST, OUTSIDE = range(4)
COLUMNS, ROWS = ("hitting_probability", "expected_reward"), ("expected_visits", "stationary")
WORDS = {
    "hitting_probability": "probability that the target is reached",
    "expected_reward": "expected reward before the target is reached",
    "expected_visits": "expected visits to each live state before the target is reached",
    "stationary": "stationary distribution of a recurrent class",
}
LARGEST_EXPONENT = 20_000  # numbers from about 10**-6000 to 10**6000
WHOLE_PER_STORED = 8  # bytes of Python's whole numbers, and products, for a byte in the file
DAMAGED = (  # what reading raises then; out of memory, too: what is there fits, so that a header lies
    AttributeError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Certificate:
    """A chain, a question, bounds of the parts of the answer and of the answer; see `markovgpt.evidence.verify`.

    Parameters
    ----------
    question: one of COLUMNS and ROWS.
    note: what the writer says about the chain; nothing checks it.
    role: (n_states,) LIVE; TARGET; LOST, from where neither live states nor the target are reached; OUTSIDE, asked to
        be avoided, or never entered.
    references: (k,) live states; of a stationary distribution the first is home.
    source, target: (m,) the transitions of live and lost states.
    weight: (m, 2) positive numbers; a row over its sum is the distribution of the next state.
    reward: (n_states, 2) of an expected reward, else (0, 2).
    start: (n_states, 2) a distribution, or (0, 2): every live state.
    lower, upper: (parts, n_states, 2) bounds of the parts; not read on references and ends.
    claim: (answers, 2, 2) a lower and an upper bound for each live state, or for the start of a column.
    """

    question: str
    note: str
    role: Integers
    references: Integers
    source: Integers
    target: Integers
    weight: Integers
    reward: Integers
    start: Integers
    lower: Integers
    upper: Integers
    claim: Integers

    def __post_init__(self) -> None:
        n, m = len(self.role), len(self.source)
        others = len(self.references) - (self.question == "stationary")
        n_parts = 1 + others + (self.question in COLUMNS and others > 0)
        column_start = self.question in COLUMNS and len(self.start) > 0
        shapes = {
            "role": (n,),
            "references": (len(self.references),),
            "source": (m,),
            "target": (m,),
            "weight": (m, 2),
            "reward": (n if self.question == "expected_reward" else 0, 2),
            "start": (0 if self.question == "stationary" or not len(self.start) else n, 2),
            "lower": (n_parts, n, 2),
            "upper": (n_parts, n, 2),
            "claim": (1 if column_start else int((self.role == LIVE).sum()), 2, 2),
        }
        arrays = {name: getattr(self, name) for name in shapes}
        fit = all(array.dtype == np.int64 and array.shape == shapes[name] for name, array in arrays.items())
        places = np.concatenate([self.source.ravel(), self.target.ravel(), self.references.ravel()]) if fit else None
        if (
            places is None
            or self.question not in COLUMNS + ROWS
            or (self.question == "expected_visits" and not len(self.start))
            or not ((places >= 0) & (places < n)).all()
            or not ((self.role >= LIVE) & (self.role <= OUTSIDE)).all()
            or len(np.unique(self.references)) != len(self.references)
            or (self.role[self.references] != LIVE).any()
            or others < 0
            or not (self.weight[:, 0] > 0).all()
            or any(_is_no_number(arrays[name]) for name in ("weight", "reward", "start", "lower", "upper", "claim"))
        ):
            raise InvalidInput(
                "a certificate must hold a question, the role of each state, transitions between these states with "
                "weights above 0, and bounds of each part, got something else; write it with write_certificate"
            )

    @property
    def is_column(self) -> bool:
        """Whether the unknown is a column, z = P z + b, and not a row."""
        return self.question in COLUMNS

    @property
    def answered(self) -> list[int]:
        """The states that are answered; none for one number, from a start."""
        return [] if self.is_column and len(self.start) else np.flatnonzero(self.role == LIVE).tolist()

    def described(self) -> str:
        """The question and the chain, in words."""
        words = WORDS[self.question]
        if self.question == "expected_reward" and fractions(self.reward) == [1] * len(self.role):
            words = "expected steps until the target is reached"
        marked = {"target": self.role == TARGET, "start": self.start[:, 0] > 0}
        if self.question == "hitting_probability":
            marked["avoiding"] = self.role == OUTSIDE
        listed = [f"{name} {_listed(np.flatnonzero(states))}" for name, states in marked.items() if states.any()]
        size = f"{len(self.role)} states, {len(self.source)} transitions"
        note = self.note if self.note.isprintable() else repr(self.note)  # a terminal obeys what is not printed
        return "; ".join([words, *listed, size, *([note] if note else [])])

    def write(self, path: str | Path) -> Path:
        """Write the file, which replaces an old one at once or not at all. Returns the path."""
        file, stored = Path(path), {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        with replacing(file) as stream:
            np.savez_compressed(stream, allow_pickle=False, **stored)
        return file


def read_certificate(path: str | Path) -> Certificate:
    """The certificate in a file.

    Raises
    ------
    InvalidInput: a file that is no certificate, or a damaged one.
    TooLarge: what is in it would not fit.
    """
    try:
        with Path(path).open("rb") as stream, np.load(_archive(stream), allow_pickle=False) as stored:
            size = sum(member.file_size for member in stored.zip.infolist())
            require_memory(WHOLE_PER_STORED * size, f"the numbers of {path}", "check it on a larger machine")
            return Certificate(**{field.name: _plain(stored[field.name]) for field in fields(Certificate)})
    except TooLarge:
        raise
    except DAMAGED as error:
        raise InvalidInput(
            f"{path} must be an undamaged certificate, got one that cannot be read ({error}); write it again with "
            "write_certificate, or --certificate"
        ) from error


def fractions(pairs: Integers) -> list[Fraction]:
    """The numbers of a vector, exactly.

    >>> fractions(np.array([[3, -2]]))
    [Fraction(3, 4)]
    """
    return [Fraction(mantissa) * Fraction(2) ** exponent for mantissa, exponent in pairs.tolist()]


def _archive(stream: BinaryIO) -> BinaryIO:
    """A file that is a zip archive; of any other numpy would advise to load it unsafely."""
    if not zipfile.is_zipfile(stream):
        raise zipfile.BadZipFile("it is no zip archive")
    stream.seek(0)
    return stream


def _listed(states: Integers) -> str:
    """The first states, and how many there are."""
    some = ", ".join(map(str, states[:5].tolist()))
    return some if len(states) <= 5 else f"{some}, ... ({len(states)} states)"


def _plain(array: NDArray[Any]) -> Any:
    """A text as a text, numbers as they are."""
    return str(array) if array.ndim == 0 and array.dtype.kind == "U" else array


def _is_no_number(pairs: Integers) -> bool:
    """Whether a mantissa is negative or an exponent out of range."""
    mantissa, exponent = pairs[..., 0], pairs[..., 1]
    return bool(((mantissa < 0) | (exponent < -LARGEST_EXPONENT) | (exponent > LARGEST_EXPONENT)).any())
