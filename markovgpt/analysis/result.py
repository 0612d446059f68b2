"""The answer to a question: a number, or one for each state, with bounds that hold."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.scaled import ROUNDING, FloatArray, ScaledArray, choose, widen
from markovgpt.solvers.certificate import Enclosure

Value = float | FloatArray


@dataclass(frozen=True, eq=False)
class Answer:
    """A probability, a time or a vector of them, with certified bounds.

    ``value`` is the nearest double, ``lower`` rounds down and ``upper`` up, never to 0 where the answer is possible.
    The log10 fields (decimal logarithms; -inf for 0) are right even where the others leave the range of doubles. Floats
    for one start, arrays (n_states,) for every start. ``residual`` is the largest relative defect of the equations, as
    computed; ``iterations`` counts steps or sweeps (0: a direct method).
    """

    value: Any
    lower: Any
    upper: Any
    log10: Any
    log10_lower: Any
    log10_upper: Any
    method: str
    iterations: int
    residual: float

    @classmethod
    def of(cls, enclosure: Enclosure, *, infinite: NDArray[np.bool_] | bool = False, iterations: int = 0) -> "Answer":
        """The answer of an enclosure; ``infinite`` marks entries that are infinite by proof."""
        fields = {
            "value": enclosure.value.to_float(),
            "lower": rounded_down(enclosure.lower),
            "upper": rounded_up(enclosure.upper),
            "log10": enclosure.value.log10(),
            "log10_lower": _log10_bound(enclosure.lower, -1),
            "log10_upper": _log10_bound(enclosure.upper, +1),
        }
        marked = {name: _plain(np.where(infinite, np.inf, values)) for name, values in fields.items()}
        return cls(**marked, method=enclosure.method, iterations=iterations, residual=enclosure.residual)

    def summary(self) -> dict[str, Any]:
        """The fields as a plain dict, arrays as lists."""
        return {
            name: values.tolist() if isinstance(values, np.ndarray) else values for name, values in vars(self).items()
        }

    def __repr__(self) -> str:
        if isinstance(self.value, np.ndarray):
            return f"Answer({len(self.value)} states, value={self.value}, method={self.method!r})"
        return (
            f"Answer({self.value!r} in [{self.lower!r}, {self.upper!r}], log10={self.log10!r}, method={self.method!r})"
        )


def mean_over(begin: FloatArray | None, whole: Enclosure) -> Enclosure:
    """The answer from a start: the mean over its distribution; None leaves every state."""
    if begin is None:
        return whole
    states = np.flatnonzero(begin > 0)
    if len(states) == 1:
        parts = [part[int(states[0])] for part in (whole.value, whole.lower, whole.upper)]
        return Enclosure(parts[0], parts[1], parts[2], whole.residual, whole.method)
    mean, low, high = ((part[states] * begin[states]).sum() for part in (whole.value, whole.lower, whole.upper))
    return Enclosure(
        mean, widen(low, len(states) + 1)[0], widen(high, len(states) + 1)[1], whole.residual, whole.method
    )


def at_most_one(whole: Enclosure) -> Enclosure:
    """An enclosure of probabilities: neither the value nor the upper bound is above 1."""
    ones = ScaledArray.of(np.ones(whole.upper.shape))
    value, upper = (choose(part <= ones, part, ones) for part in (whole.value, whole.upper))
    return replace(whole, value=value, upper=upper)


def rounded_down(values: ScaledArray) -> FloatArray:
    """The largest doubles that are not above the numbers."""
    nearest = np.minimum(values.to_float(), np.finfo(np.float64).max)
    return np.where(ScaledArray.of(nearest) <= values, nearest, np.nextafter(nearest, 0.0))


def rounded_up(values: ScaledArray) -> FloatArray:
    """The smallest doubles that are not below the numbers; inf beyond their range."""
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


def _plain(values: FloatArray) -> Value:
    """A float of a zero-dimensional array."""
    return float(values) if values.ndim == 0 else values
