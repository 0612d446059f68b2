"""Numbers as files write them: decimals and fractions, read exactly, rounded once, and written so as to come back.

A decimal below the range of doubles is kept, as a mantissa of 53 bits and a power of two; it never reads as 0.
"""

import math
import re
from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from fractions import Fraction
from typing import Any

from markovgpt.errors import InvalidInput

SAFE = 1e-300  # a double from here on is normal, and so are its sums and quotients nearby
LONGEST = 20_000  # letters of a number; reducing a fraction takes time with their square
LOWEST_EXPONENT = -3_000_000  # powers of two that six digits of a decimal exponent still hold
PLAIN = re.compile(r"\d++\.\d++(?:[eE][+-]?\d{1,6}+)?+|\d++[eE][+-]?\d{1,6}+", re.ASCII)
WRITTEN = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,6})?|\d+/\d+", re.ASCII)
FORTY_DIGITS = Context(prec=40, Emin=MIN_EMIN, Emax=MAX_EMAX)


def exact(text: str) -> Fraction | None:
    """The number that a text writes; None where it is no decimal and no fraction of at least 0, or a very long one.

    >>> exact("1/3"), exact("2.5e-1"), exact("0,5"), exact("0x1p-1"), exact("-1"), exact("1/0")
    (Fraction(1, 3), Fraction(1, 4), None, None, None, None)
    """
    if len(text) > LONGEST or not WRITTEN.fullmatch(text):
        return None
    above, slash, below = text.partition("/")
    if not slash:
        return Fraction(Decimal(text))
    denominator = int(Decimal(below))  # through Decimal, for which no number has too many digits
    return Fraction(int(Decimal(above)), denominator) if denominator else None


def is_decimal(text: str) -> bool:
    """Whether a number may have been rounded when it was written: it has a point or a power of ten.

    >>> is_decimal("0.5"), is_decimal("1e-3"), is_decimal("1/2"), is_decimal("1")
    (True, True, False, False)
    """
    return "." in text or "e" in text.lower()


def nearest(text: str) -> float | None:
    """The nearest double of a decimal in 1e-300..1e300; None for all else, which `exact` reads.

    >>> nearest("0.1"), nearest("1e-310"), nearest("1/4"), nearest("1")
    (0.1, None, None, None)
    """
    if not PLAIN.fullmatch(text):
        return None
    value = float(text)
    return value if SAFE <= value <= 1 / SAFE else None


def rounded(value: Fraction) -> tuple[float, int]:
    """The nearest number of 53 bits, as a mantissa and a power of two; value is at least 0.

    >>> rounded(Fraction(3, 2**2000))
    (0.75, -1998)
    """
    shift = value.numerator.bit_length() - value.denominator.bit_length()  # leaves a quotient in (1/2, 2)
    above, below = value.numerator << max(-shift, 0), value.denominator << max(shift, 0)
    mantissa, more = math.frexp(above / below)  # of integers: Python rounds it once, perhaps up to 2
    return mantissa, shift + more


def sum_minus_one(values: Iterable[Fraction]) -> tuple[int, int]:
    """The numerator and the denominator of a sum minus 1, exactly, not reduced: of thousands that would take hours.

    >>> sum_minus_one([Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)])[0], sum_minus_one([Fraction(1, 4)])
    (0, (-3, 4))
    """
    alike: dict[int, int] = {}
    for value in values:
        alike[value.denominator] = alike.get(value.denominator, 0) + value.numerator
    parts = [(above, below) for below, above in alike.items()] or [(0, 1)]
    while len(parts) > 1:  # two by two, so that most sums are of short numbers
        parts = [_sum(*parts[place : place + 2]) for place in range(0, len(parts), 2)]
    above, below = parts[0]
    return above - below, below


def _sum(one: tuple[int, int], other: tuple[int, int] = (0, 1)) -> tuple[int, int]:
    """The sum of two numerators over their denominators."""
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def read_back(mantissa: float, exponent: int) -> str:
    """A positive number of 53 bits, as a decimal of which it is the nearest.

    Raises
    ------
    InvalidInput: a number below 2**-3000000.

    >>> read_back(0.8, -3), read_back(0.5, -1999)
    ('0.1', '8.7098098162172167e-603')
    """
    if exponent < LOWEST_EXPONENT:
        raise InvalidInput(
            f"a probability to be written must be at least 2**{LOWEST_EXPONENT}, got about 2**{exponent}; raise the "
            "temperature, or make it impossible with top_k or min_p"
        )
    if (value := math.ldexp(mantissa, max(exponent, -1100))) >= SAFE:
        return repr(value)
    return f"{FORTY_DIGITS.multiply(Decimal(mantissa), FORTY_DIGITS.power(2, exponent)):.16e}"


def without_infinities(value: Any) -> Any:
    """The value with infinities as the words "Infinity" and "-Infinity", which JSON has no numbers for.

    >>> without_infinities({"steps": [1.0, math.inf]})
    {'steps': [1.0, 'Infinity']}
    """
    if isinstance(value, dict):
        return {key: without_infinities(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_infinities(part) for part in value]
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
