"""Certified numbers in few digits, for readers: those of the tidy tables rounded, so that all are certain."""

from decimal import Context

DIGITS = 3


def in_few_digits(number: str) -> str:
    """A certified number in few digits; the bounds where not one digit is certain.

    >>> in_few_digits("0.0719785715385"), in_few_digits("1"), in_few_digits("[0.99, 1.0]")
    ('0.0720', '1', '[0.99, 1.0]')
    """
    return number if number.startswith("[") else str(Context(prec=DIGITS).create_decimal(number)).lower()
