"""Bounds in few digits that still hold: the lower one rounded down, the upper one up, at any exponent."""

from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import numpy as np

from markovgpt.analysis.result import Answer
from markovgpt.scaled import Numbers, ScaledArray

DIGITS = 6
EXACT_EXPONENT = 1100  # powers of two up to here are written out, beyond they are rounded to forty digits
WIDE = Context(prec=1500, Emin=MIN_EMIN, Emax=MAX_EMAX)


def bounds_in_digits(answer: Answer, digits: int = DIGITS) -> tuple[str, str]:
    """The lower bound of an answer that is one number rounded down, and the upper bound rounded up.

    Parameters
    ----------
    digits: how many significant ones; numbers that have fewer are written as they are.

    Returns
    -------
    Two decimals, of any exponent; "0" is a proof, and "inf" too.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> from markovgpt.analysis.reachability import hitting_probability
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> bounds_in_digits(hitting_probability(game, [3], start=1), 3)      # 1/13 is 0.076923...
    ('0.0769', '0.0770')
    """
    if np.any(answer.infinite):
        return "inf", "inf"
    lower, upper = answer.enclosure.lower, answer.enclosure.upper
    return _rounded(lower, digits, ROUND_FLOOR), _rounded(upper, digits, ROUND_CEILING)


def log10_bounds(answer: Answer, decimals: int = DIGITS) -> tuple[str, str]:
    """The bounds of the decimal logarithm of an answer that is one number, the same way; "-inf" is that of 0.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> from markovgpt.analysis.reachability import hitting_probability
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> log10_bounds(hitting_probability(game, [3], start=1), 4)          # log10 1/13 is -1.11394...
    ('-1.1140', '-1.1139')
    """
    unit = Decimal(1).scaleb(-decimals)
    given = ((answer.log10_lower, ROUND_FLOOR), (answer.log10_upper, ROUND_CEILING))
    found = [
        str(Decimal(logarithm).quantize(unit, rounding, WIDE)) if np.isfinite(logarithm) else str(logarithm)
        for logarithm, rounding in given
    ]
    return found[0], found[1]


def _rounded(number: Numbers, digits: int, rounding: str) -> str:
    """One number in significant digits, rounded in one direction."""
    scaled = ScaledArray.of(number)
    mantissa, exponent = Decimal(float(scaled.mantissa)), int(scaled.exponent)
    if not mantissa:
        return "0"
    if abs(exponent) <= EXACT_EXPONENT:
        whole = WIDE.multiply(mantissa, WIDE.power(2, exponent))
    else:
        forty = Context(prec=40, rounding=rounding, Emin=MIN_EMIN, Emax=MAX_EMAX)
        slack = Decimal(1 if rounding == ROUND_CEILING else -1).scaleb(-30)  # far more than a power is off by
        outward = forty.add(Decimal(1), slack)
        whole = forty.multiply(forty.multiply(mantissa, forty.power(2, exponent)), outward)
    if whole == 1:  # a proof
        return "1"
    return str(Context(prec=digits, rounding=rounding, Emin=MIN_EMIN, Emax=MAX_EMAX).plus(whole)).lower()
