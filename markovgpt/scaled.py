"""Non-negative numbers beyond the range of doubles: a float64 mantissa and an int64 power of two each.

A softmax at temperature 0.01 leaves the doubles after 7 nats, and a product of such probabilities leaves them at once.
`ScaledArray` keeps the relative accuracy of a double at any size: every operation below is one correctly rounded
operation on the mantissas (relative error at most 2**-53 for a product, a quotient or one addition), because scaling
by powers of two is exact. Terms more than 2**1000 below the sum they join are dropped, which is far below one rounding.
There is no subtraction: nothing in this package forms one number as the difference of two.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Union, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Numbers = Union["ScaledArray", FloatArray]
Operand = Union["ScaledArray", FloatArray, NDArray[np.bool_], float]

ZERO_EXPONENT = -(2**60)  # of a zero: below every other, and sums of two of them still fit an int64
LOWEST_SHIFT = -1100  # 2**-1100 times a mantissa is 0.0
ROUNDING = 2.0**-53
SMALLEST_SAFE = 2.0**-1000


class ScaledArray:
    """An array of non-negative numbers ``mantissa * 2**exponent``; 0 < mantissa < 1, or both parts mark a zero.

    Parameters
    ----------
    mantissa: float64, non-negative and finite, any shape.
    exponent: int64 of the same shape; powers of two.

    >>> tiny = ScaledArray.of([0.5, 0.25]) * ScaledArray.of(1e-300)
    >>> (tiny * tiny).log10().round(3)
    array([-600.602, -601.204])
    """

    __slots__ = ("exponent", "mantissa")
    __array_ufunc__ = None  # numpy hands `ndarray * ScaledArray` to our reflected operators

    def __init__(self, mantissa: ArrayLike, exponent: ArrayLike = 0):
        fraction, shift = np.frexp(np.asarray(mantissa, dtype=np.float64))
        moved = np.asarray(exponent, dtype=np.int64) + shift
        self.mantissa: FloatArray = np.asarray(fraction)
        self.exponent: NDArray[np.int64] = np.where(fraction == 0, ZERO_EXPONENT, moved)

    @classmethod
    def of(cls, values: "ArrayLike | ScaledArray") -> "ScaledArray":
        """The same numbers; a ScaledArray is passed through."""
        return values if isinstance(values, ScaledArray) else cls(values)

    @classmethod
    def zeros(cls, shape: int | tuple[int, ...]) -> "ScaledArray":
        """Zeros of a shape."""
        return cls(np.zeros(shape))

    @classmethod
    def exp(cls, logarithms: FloatArray) -> "ScaledArray":
        """The exponentials of natural logarithms, -inf giving 0; relative error about |logarithm| 2**-53.

        >>> ScaledArray.exp(np.array([-2302.585092994046])).log10().round(9)
        array([-1000.])
        """
        powers = np.where(np.isneginf(logarithms), 0.0, logarithms / np.log(2))
        whole = np.floor(powers)
        return cls(np.where(np.isneginf(logarithms), 0.0, np.exp2(powers - whole)), whole.astype(np.int64))

    # -- shape ---------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.mantissa.shape

    def __len__(self) -> int:
        return len(self.mantissa)

    def __getitem__(self, key: Any) -> "ScaledArray":
        return _raw(self.mantissa[key], self.exponent[key])

    def __setitem__(self, key: Any, values: Operand) -> None:
        scaled = ScaledArray.of(values)
        self.mantissa[key] = scaled.mantissa
        self.exponent[key] = scaled.exponent

    def reshape(self, *shape: int) -> "ScaledArray":
        """The same numbers in another shape."""
        return _raw(self.mantissa.reshape(*shape), self.exponent.reshape(*shape))

    @property
    def T(self) -> "ScaledArray":  # noqa: N802  (numpy's name)
        """The transposed array."""
        return _raw(self.mantissa.T, self.exponent.T)

    def copy(self) -> "ScaledArray":
        """A copy that can be written to."""
        return _raw(self.mantissa.copy(), self.exponent.copy())

    def setflags(self, *, write: bool) -> None:
        """Whether the numbers may be written to, as numpy's arrays say it."""
        self.mantissa.setflags(write=write)
        self.exponent.setflags(write=write)

    # -- arithmetic ----------------------------------------------------------------------------------------------------

    def __mul__(self, other: Operand) -> "ScaledArray":
        right = ScaledArray.of(other)
        return ScaledArray(self.mantissa * right.mantissa, self.exponent + right.exponent)

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> "ScaledArray":
        right = ScaledArray.of(other)
        if (right.mantissa == 0).any():
            raise ZeroDivisionError("division of a ScaledArray by zero")
        return ScaledArray(self.mantissa / right.mantissa, self.exponent - right.exponent)

    def __rtruediv__(self, other: FloatArray | float) -> "ScaledArray":
        return ScaledArray.of(other) / self

    def __add__(self, other: Operand) -> "ScaledArray":
        right = ScaledArray.of(other)
        top = np.maximum(self.exponent, right.exponent)
        return ScaledArray(shifted(self, top) + shifted(right, top), top)

    __radd__ = __add__

    def sum(self, axis: int | None = None) -> "ScaledArray":
        """The sum along an axis; k terms round at most k - 1 times each, in whatever order."""
        if 0 in self.shape:
            return ScaledArray(self.mantissa.sum(axis=axis))
        top = self.exponent.max(axis=axis, keepdims=True)
        return ScaledArray(shifted(self, top).sum(axis=axis), top.max() if axis is None else top.squeeze(axis=axis))

    def __matmul__(self, other: Operand) -> "ScaledArray":
        """Matrix times matrix, one outer product after the other."""
        right = ScaledArray.of(other)
        total = ScaledArray.zeros((self.shape[0], right.shape[1]))
        for k in range(self.shape[1]):
            total = total + self[:, k, None] * right[None, k]
        return total

    # -- reading -------------------------------------------------------------------------------------------------------

    def __le__(self, other: Operand) -> NDArray[np.bool_]:
        right = ScaledArray.of(other)
        top = np.maximum(self.exponent, right.exponent)
        return np.asarray(shifted(self, top) <= shifted(right, top))

    def positive(self) -> NDArray[np.bool_]:
        """Where the number is above zero."""
        return np.asarray(self.mantissa > 0)

    def to_float(self) -> FloatArray:
        """The nearest doubles: 0.0 and inf where a number lies outside their range."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(self.mantissa, np.clip(self.exponent, -(2**20), 2**20).astype(np.int32)))

    def log10(self) -> FloatArray:
        """Decimal logarithms; -inf for zero."""
        with np.errstate(divide="ignore"):
            logarithm = (np.log2(self.mantissa) + self.exponent) * np.log10(2.0)
        return np.asarray(np.where(self.mantissa > 0, logarithm, -np.inf))

    def __repr__(self) -> str:
        return f"ScaledArray(mantissa={self.mantissa}, exponent={self.exponent})"


def _raw(mantissa: FloatArray, exponent: NDArray[np.int64]) -> ScaledArray:
    """A ScaledArray of parts that are normal already; it shares their memory."""
    made = ScaledArray.__new__(ScaledArray)
    made.mantissa, made.exponent = np.asarray(mantissa), np.asarray(exponent)
    return made


def shifted(values: ScaledArray, top: NDArray[np.int64]) -> FloatArray:
    """The numbers over ``2**top``, as doubles."""
    shift = np.maximum(values.exponent - top, LOWEST_SHIFT).astype(np.int32)
    with np.errstate(under="ignore"):
        return np.asarray(np.ldexp(values.mantissa, shift))


def concatenate(parts: Sequence[Numbers]) -> Numbers:
    """The parts, all of one kind, one after the other along the first axis."""
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)  # type: ignore[arg-type]
    scaled = [ScaledArray.of(part) for part in parts]
    return _raw(np.concatenate([p.mantissa for p in scaled]), np.concatenate([p.exponent for p in scaled]))


def stack_last(parts: Sequence[ScaledArray]) -> ScaledArray:
    """Arrays of one shape side by side, along a new last axis."""
    return _raw(np.stack([p.mantissa for p in parts], axis=-1), np.stack([p.exponent for p in parts], axis=-1))


def as_floats(values: Numbers) -> FloatArray:
    """The nearest doubles."""
    return values.to_float() if isinstance(values, ScaledArray) else values


def is_positive(values: Numbers) -> NDArray[np.bool_]:
    """Where the numbers are above zero."""
    return values.positive() if isinstance(values, ScaledArray) else values > 0


@overload
def widen(values: ScaledArray, roundings: ArrayLike) -> tuple[ScaledArray, ScaledArray]: ...
@overload
def widen(values: Numbers, roundings: ArrayLike) -> tuple[Numbers, Numbers]: ...
def widen(values: Numbers, roundings: ArrayLike) -> tuple[Numbers, Numbers]:
    """Lower and upper bounds of numbers known up to ``roundings`` factors, each within 1 +- 2**-53.

    With three more for what is rounded here, (1 - u)**k >= 1 - k u, and (1 - u)**-k <= 1 + 9/8 k u for k u <= 1/9.
    Where k u > 1/20 nothing is said: 0 and the largest number there is. Bounds of doubles are doubles, which must be
    far from the ends of their range.

    >>> below, above = widen(ScaledArray.of([1.0]), 4)
    >>> bool(below.to_float()[0] < 1 - 4 * ROUNDING), bool(1 + 4 * ROUNDING < above.to_float()[0])
    (True, True)
    """
    slack = 1.25 * ROUNDING * (np.asarray(roundings, dtype=np.float64) + 3)
    unknown = slack > 1 / 16
    if isinstance(values, np.ndarray):
        if not unknown.any():
            return values * (1 - slack), values * (1 + slack)
        values = ScaledArray.of(values)
    above = values * (1 + slack)
    below = values * np.where(unknown, 0.0, 1 - slack)
    return below, ScaledArray(above.mantissa, above.exponent + np.where(unknown, 2**50, 0))


@overload
def choose(condition: NDArray[np.bool_], first: ScaledArray, second: ScaledArray) -> ScaledArray: ...
@overload
def choose(condition: NDArray[np.bool_], first: Numbers, second: Numbers) -> Numbers: ...
def choose(condition: NDArray[np.bool_], first: Numbers, second: Numbers) -> Numbers:
    """Entries of ``first`` where the condition holds, else of ``second``."""
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return np.where(condition, first, second)
    one, two = ScaledArray.of(first), ScaledArray.of(second)
    return _raw(np.where(condition, one.mantissa, two.mantissa), np.where(condition, one.exponent, two.exponent))


def at_most(x: Numbers, y: Numbers) -> NDArray[np.bool_]:
    """Where x <= y, entry by entry."""
    return np.asarray(ScaledArray.of(x) <= y if isinstance(y, ScaledArray) else x <= y)


def quotient(x: Numbers, y: Numbers) -> Numbers:
    """x / y, entry by entry, and 0 where y is 0; shapes may be broadcast against each other.

    >>> quotient(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
    [0.25, 0.0]
    """
    positive = is_positive(y)
    if not isinstance(x, ScaledArray) and not isinstance(y, ScaledArray):  # a sum may be a numpy float
        return np.divide(x, y, out=np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y))), where=positive)
    safe = choose(positive, y, np.ones(y.shape))
    return ScaledArray.of(x) / safe * np.where(positive, 1.0, 0.0)


def largest(values: Numbers) -> int:
    """The place of the largest number of a vector, the first of them.

    >>> largest(ScaledArray.of([1.0, 3.0, 2.0]))
    1
    """
    if isinstance(values, np.ndarray):
        return int(np.argmax(values))
    return int(np.argmax(np.where(values.exponent == values.exponent.max(), values.mantissa, 0.0)))


def to_fraction(mantissa: float, exponent: int) -> Fraction:
    """One number exactly.

    >>> to_fraction(0.75, 2)
    Fraction(3, 1)
    """
    return Fraction(mantissa) * Fraction(2) ** exponent
