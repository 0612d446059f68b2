"""How near a row of logits comes to being cut differently.

A filter keeps some tokens and drops the others. Two things may lie close at its cut: two tokens, one on each side,
whose numbers are nearly equal; or a number, such as a probability or a mass, and the threshold it is held against.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.scaled import FloatArray
from markovgpt.shown import Shown

Float32Array = NDArray[np.float32]
Values = Mapping[str, float]  # the settings that are on, by name

NARROW = 1e-6  # about sixteen roundings of float32: another order of summation could decide otherwise


@dataclass(frozen=True)
class Cuts(Shown):
    """How many rows the sampling settings cut in a place that is hardly a place.

    Parameters
    ----------
    n_rows: rows looked at.
    n_tied: rows with equal tokens on both sides of a cut, or of the k-th place where the engine keeps all equals.
    n_narrow: rows without such a tie where a cut is nearer than 1e-6.
    smallest_margin: the nearest any row comes to another cut, 0 with a tie and inf where nothing is cut. Between two
        tokens it is the difference of their logits, in nats; against a threshold it is relative to the threshold.

    >>> Cuts.joined([Cuts(2, 1, 0, 0.0), Cuts(3, 0, 1, 1e-7)])
    Cuts(n_rows=5, n_tied=1, n_narrow=1, smallest_margin=0.0)
    """

    n_rows: int
    n_tied: int
    n_narrow: int
    smallest_margin: float

    @classmethod
    def joined(cls, parts: Iterable["Cuts"]) -> "Cuts":
        """The counts of several blocks of rows together."""
        found = list(parts)
        return cls(
            sum(part.n_rows for part in found),
            sum(part.n_tied for part in found),
            sum(part.n_narrow for part in found),
            min((part.smallest_margin for part in found), default=float("inf")),
        )


class Margins:
    """The margins of rows, gathered from one filter after another.

    Parameters
    ----------
    n_rows: how many rows.

    >>> margins = Margins(2)
    >>> margins.between(np.array([2.0, 1.0]), np.array([1.5, 1.0]))
    >>> margins.against(np.array([[0.5], [0.5]]), 0.4)
    >>> cuts = margins.cuts()
    >>> cuts.n_tied, cuts.n_narrow, margins.smallest.round(12).tolist()
    (1, 0, [0.25, 0.0])
    """

    def __init__(self, n_rows: int):
        self.smallest: FloatArray = np.full(n_rows, np.inf)
        self.tied: NDArray[np.bool_] = np.zeros(n_rows, dtype=bool)

    def between(self, stays: NDArray[Any], goes: NDArray[Any]) -> None:
        """Note the numbers (rows,) of the last token that stays and of the first that goes; inf where none does."""
        with np.errstate(invalid="ignore"):
            gaps = np.abs(stays.astype(np.float64) - goes)
        gaps[np.isnan(gaps)] = np.inf  # of two that are impossible neither is cut off
        self.tied |= gaps == 0
        self.smallest = np.minimum(self.smallest, gaps)

    def against(self, values: NDArray[Any], threshold: NDArray[Any] | np.float32 | float) -> None:
        """Note numbers (rows, any) that were held against a threshold, one in all or (rows, 1)."""
        if values.shape[1]:
            level = np.maximum(np.asarray(threshold, dtype=np.float64), np.finfo(np.float64).tiny)
            distances = np.abs(values.astype(np.float64) - level) / level
            self.smallest = np.minimum(self.smallest, distances.min(axis=1))

    def cuts(self) -> Cuts:
        """The rows counted."""
        narrow = (self.smallest < NARROW) & ~self.tied
        return Cuts(len(self.tied), int(self.tied.sum()), int(narrow.sum()), float(self.smallest.min(initial=np.inf)))
