"""Lines of plain whole numbers and decimals, read many at once; whatever else a block holds is left to a strict reader.

A block is taken only if each of its lines is of one simple form; then numpy reads all its numbers, and rounds each
decimal once to the nearest double, as Python does.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from markovgpt.exchange.written_numbers import SAFE
from markovgpt.scaled import FloatArray

NUMBER = r"\d{1,15}+"  # a double holds it exactly
PROBABILITY = r"(?:0(?:\.\d++)?+|1(?:\.0++)?+|[1-9](?:\.\d++)?+[eE]-0*+[1-9]\d{0,5}+)"  # at most 1, by its form
AMOUNT = r"\d++(?:\.\d++)?+(?:[eE][+-]?\d{1,6}+)?+"
FORMS = {
    "transitions": re.compile(rf"(?:{NUMBER} {NUMBER} {PROBABILITY}\n)*+", re.ASCII),
    "branches": re.compile(rf"(?:\t\t{NUMBER} : {PROBABILITY}\n)*+", re.ASCII),
    "amounts": re.compile(rf"(?:{NUMBER} {AMOUNT}\n)*+", re.ASCII),
}
SEPARATORS = str.maketrans(":", " ")
LARGEST_AMOUNT = 1e300


def plain_numbers(text: str, form: str, n_columns: int) -> FloatArray | None:
    """The numbers of a block, (n_lines, n_columns), where all its lines are plain, else None.

    Decimals that are not 0 and lie outside 1e-300..1e300 are not plain.

    >>> plain_numbers("0 1 0.5\\n0 2 5e-1\\n", "transitions", 3).tolist()
    [[0.0, 1.0, 0.5], [0.0, 2.0, 0.5]]
    >>> plain_numbers("0 1 1/2\\n", "transitions", 3) is plain_numbers("0 1 1e-301\\n", "transitions", 3) is None
    True
    """
    if not FORMS[form].fullmatch(text):
        return None
    numbers = np.fromstring(text.translate(SEPARATORS), sep=" ").reshape(-1, n_columns)
    last = numbers[:, -1]
    unsafe = (last < SAFE) | (last > LARGEST_AMOUNT)
    return None if unsafe.any() else numbers


def are_decimals(text: str, n_lines: int) -> NDArray[np.bool_]:
    """For each line of a plain block whether it has a decimal point or a power of ten.

    >>> are_decimals("0 1 1\\n0 2 5e-1\\n0 3 0.5\\n", 3).tolist()
    [False, True, True]
    """
    letters = np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    marks = (letters == ord(".")) | ((letters | 32) == ord("e"))
    begins = np.concatenate([[0], np.flatnonzero(letters == ord("\n"))[:-1]])
    return np.logical_or.reduceat(marks, begins) if n_lines else np.zeros(0, dtype=bool)


@dataclass(frozen=True, eq=False)
class BranchLines:
    """The lines of a block of a .drn file, told apart: those that begin with two tabs, as transitions do, and others.

    Parameters
    ----------
    text: the lines with two tabs, together.
    branches: their places among all lines.
    others, texts: the places of the other lines, and what they say.
    group: for each line with two tabs how many others stand before it.
    """

    text: str
    n_lines: int
    branches: NDArray[np.int64]
    others: list[int]
    texts: list[str]
    group: NDArray[np.int64]

    @classmethod
    def of(cls, text: str) -> "BranchLines":
        """The lines of a text, each closed by a line feed.

        >>> lines = BranchLines.of("state 0\\n\\taction 0\\n\\t\\t0 : 1\\n")
        >>> lines.text, lines.branches.tolist(), lines.texts, lines.group.tolist()
        ('\\t\\t0 : 1\\n', [2], ['state 0', '\\taction 0'], [2])
        """
        data = text.encode("utf-8")
        letters = np.frombuffer(data + b"\n", dtype=np.uint8)  # one more, so that each line has a second letter
        ends = np.flatnonzero(letters[:-1] == ord("\n")) + 1
        begins = np.concatenate([[0], ends[:-1]])
        is_branch = (letters[begins] == ord("\t")) & (letters[begins + 1] == ord("\t"))
        kept = np.repeat(is_branch, ends - begins)
        others = np.flatnonzero(~is_branch)
        return cls(
            letters[:-1][kept].tobytes().decode("utf-8"),
            len(ends),
            np.flatnonzero(is_branch),
            others.tolist(),
            letters[:-1][~kept].tobytes().decode("utf-8").split("\n")[:-1],
            np.cumsum(~is_branch)[is_branch],
        )

    def text_of(self, line: int) -> str:
        """What a line with two tabs says, by its place among all lines."""
        return self.text.split("\n")[int(np.searchsorted(self.branches, line))].strip()
