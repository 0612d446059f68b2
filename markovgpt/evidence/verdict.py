"""What a check of a certificate found."""

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any

from markovgpt.shown import Shown

MOST_LINES = 20


@dataclass(frozen=True)
class Verdict(Shown):
    """What a certificate claims, and whether it holds.

    Parameters
    ----------
    what: the question and the chain, in words.
    states: those that are answered, in the order of the bounds; none where the answer is one number, from a start.
    lower, upper: the bounds that are claimed, exactly.
    reason: the first thing that fails; empty where the certificate holds.

    >>> print(Verdict(True, "expected steps", (), (Fraction(2),), (Fraction(7, 3),)))
    holds: expected steps
      from the start: [2, 2.3333333333333334]
    """

    holds: bool
    what: str
    states: tuple[int, ...]
    lower: tuple[Fraction, ...]
    upper: tuple[Fraction, ...]
    reason: str = ""

    def summary(self) -> dict[str, Any]:
        """All of it as a plain dict; the bounds as decimals of 17 digits, rounded outward."""
        return {
            "question": "verify",
            "holds": self.holds,
            "what": self.what,
            "reason": self.reason,
            "states": list(self.states),
            "lower": [_decimal(bound, ROUND_FLOOR) for bound in self.lower],
            "upper": [_decimal(bound, ROUND_CEILING) for bound in self.upper],
        }

    def __str__(self) -> str:
        heading = f"holds: {self.what}" if self.holds else f"does not hold, {self.reason}: {self.what}"
        names = [f"state {state}" for state in self.states] or ["from the start"]
        lines = [
            f"  {name}: [{_decimal(low, ROUND_FLOOR)}, {_decimal(high, ROUND_CEILING)}]"
            for name, low, high in list(zip(names, self.lower, self.upper, strict=True))[:MOST_LINES]
        ]
        rest = [f"  ... and {len(names) - MOST_LINES} more (--json prints all)"] * (len(names) > MOST_LINES)
        return "\n".join([heading, *lines, *rest])


def _decimal(exact: Fraction, rounding: str) -> str:
    """A fraction as a decimal.

    >>> _decimal(Fraction(1, 3), ROUND_FLOOR), _decimal(Fraction(10**6000, 3), ROUND_CEILING)
    ('0.33333333333333333', '3.3333333333333334E+5999')
    """
    context = Context(prec=17, rounding=rounding, Emin=MIN_EMIN, Emax=MAX_EMAX)
    return str(context.divide(Decimal(exact.numerator), Decimal(exact.denominator)))
