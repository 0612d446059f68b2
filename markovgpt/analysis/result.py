"""The answer to a question: a number, or one for each state, with bounds that hold."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.errors import InvalidInput
from markovgpt.scaled import ROUNDING, FloatArray, Numbers, ScaledArray, as_floats, to_fraction
from markovgpt.shown import FEW, Shown
from markovgpt.solvers.certificate import Enclosure

Value = float | FloatArray
FIELDS = ("value", "lower", "upper", "log10", "log10_lower", "log10_upper", "method", "iterations", "residual")


@dataclass(frozen=True, eq=False)
class Answer(Shown):
    """A probability, a time or a vector of them, with certified bounds.

    ``value`` is the nearest double, ``lower`` rounds down and ``upper`` up, never to 0 where the answer is possible.
    The log10 fields (decimal logarithms; -inf for 0) are right even where the others leave the range of doubles. Floats
    for one start, arrays (n_states,) for every start; each is made when it is first read.

    Parameters
    ----------
    enclosure: the numbers as they were solved for.
    infinite: which entries are infinite by proof.
    iterations: steps or sweeps; 0 is a direct method.
    """

    enclosure: Enclosure
    infinite: NDArray[np.bool_] | bool = False
    iterations: int = 0

    @classmethod
    def of(cls, enclosure: Enclosure, *, infinite: NDArray[np.bool_] | bool = False, iterations: int = 0) -> "Answer":
        """The answer of an enclosure; ``infinite`` marks entries that are infinite by proof."""
        return cls(enclosure, infinite, iterations)

    @cached_property
    def value(self) -> Any:
        """The nearest double."""
        return self._plain(as_floats(self.enclosure.value))

    @cached_property
    def lower(self) -> Any:
        """The largest double that is not above the lower bound."""
        return self._plain(rounded_down(self.enclosure.lower))

    @cached_property
    def upper(self) -> Any:
        """The smallest double that is not below the upper bound."""
        return self._plain(rounded_up(self.enclosure.upper))

    @cached_property
    def log10(self) -> Any:
        """The decimal logarithm; -inf for 0."""
        return self._plain(ScaledArray.of(self.enclosure.value).log10())

    @cached_property
    def log10_lower(self) -> Any:
        """A lower bound of the decimal logarithm."""
        return self._plain(_log10_bound(ScaledArray.of(self.enclosure.lower), -1))

    @cached_property
    def log10_upper(self) -> Any:
        """An upper bound of the decimal logarithm."""
        return self._plain(_log10_bound(ScaledArray.of(self.enclosure.upper), +1))

    @property
    def method(self) -> str:
        """How it was solved and bounded."""
        return self.enclosure.method

    @property
    def residual(self) -> float:
        """The largest relative defect of the equations, as computed."""
        return self.enclosure.residual

    def summary(self) -> dict[str, Any]:
        """The numbers, their bounds and where they come from as a plain dict, arrays as lists."""
        found = {name: getattr(self, name) for name in FIELDS}
        return {name: part.tolist() if isinstance(part, np.ndarray) else part for name, part in found.items()}

    def against(self, threshold: float | Fraction) -> str:
        """Is the answer, one number, "below", "above" or "equal" to a threshold? "undecided" where bounds do not say.

        >>> from markovgpt.chains.sparse_chain import SparseChain
        >>> from markovgpt.analysis.reachability import hitting_probability
        >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
        >>> risk = hitting_probability(game, [3], start=1)                  # 1/13
        >>> risk.against(0.07), risk.against(0.08), risk.against(1 / 13)
        ('above', 'below', 'undecided')

        Raises
        ------
        InvalidInput: an answer for every start at once, or a threshold that is no number.
        """
        if isinstance(self.value, np.ndarray) or threshold != threshold:  # not a number
            raise InvalidInput(
                f"an answer must be one number to be compared with a threshold, got {self!r} and {threshold}; "
                "give start=, and a number"
            )
        if self.value == math.inf and np.any(self.infinite):
            return "equal" if threshold == math.inf else "above"
        lower, upper = (_exactly(part) for part in (self.enclosure.lower, self.enclosure.upper))
        if abs(threshold) == math.inf:
            return "below" if threshold > 0 else "above"
        if lower == upper == threshold:
            return "equal"
        return "below" if upper < threshold else "above" if lower > threshold else "undecided"

    def _plain(self, numbers: FloatArray) -> Value:
        """Infinite where that is proved; a float of a zero-dimensional array."""
        marked = np.where(self.infinite, np.inf, numbers) if np.any(self.infinite) else numbers
        return float(marked) if marked.ndim == 0 else marked

    def __repr__(self) -> str:
        kind = type(self).__name__
        if isinstance(self.value, np.ndarray):
            first = np.array2string(self.value, threshold=FEW, max_line_width=10**6, separator=", ").replace("\n", "")
            return f"{kind}({' x '.join(map(str, self.value.shape))} numbers, value={first}, method={self.method!r})"
        return (
            f"{kind}({self.value!r} in [{self.lower!r}, {self.upper!r}], log10={self.log10!r}, method={self.method!r})"
        )


def _exactly(number: Numbers) -> Fraction:
    """One number as a fraction."""
    scaled = ScaledArray.of(number)
    mantissa, exponent = float(scaled.mantissa), int(scaled.exponent)
    return Fraction(0) if mantissa == 0 else to_fraction(mantissa, exponent)


def rounded_down(values: Numbers) -> FloatArray:
    """The largest doubles that are not above the numbers."""
    if isinstance(values, np.ndarray):
        return values
    nearest = np.minimum(values.to_float(), np.finfo(np.float64).max)
    return np.where(ScaledArray.of(nearest) <= values, nearest, np.nextafter(nearest, 0.0))


def rounded_up(values: Numbers) -> FloatArray:
    """The smallest doubles that are not below the numbers; inf beyond their range."""
    if isinstance(values, np.ndarray):
        return values
    nearest = values.to_float()
    finite = np.minimum(nearest, np.finfo(np.float64).max)
    reached = (values <= ScaledArray.of(finite)) | np.isinf(nearest)
    return np.where(reached, nearest, np.nextafter(nearest, np.inf))


def _log10_bound(values: ScaledArray, direction: int) -> FloatArray:
    """Decimal logarithms moved outward by more than they can be off; an exact power of ten keeps no digit more."""
    logarithm = values.log10()
    finite = np.isfinite(logarithm)
    error = np.where(finite, 8 * ROUNDING * (np.abs(np.where(finite, logarithm, 0.0)) + 1), 0.0)
    exact = (values.mantissa == 0.5) & (values.exponent == 1)  # log10 1 is 0
    return np.where(exact, logarithm, logarithm + direction * error)
