"""Numbers along a logarithmic axis, without formulas."""

from matplotlib.ticker import LogFormatter

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(exponent: int) -> str:
    """A power of ten, with raised digits.

    >>> power_of_ten(-12)
    '10⁻¹²'
    """
    return "10" + str(exponent).translate(RAISED)


class PowersOfTen(LogFormatter):
    """Numbers along a logarithmic axis: powers of ten with raised digits, and between them what there is room for."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """One number; empty where it gets none."""
        if not super().__call__(x, pos):
            return ""
        mantissa, exponent = f"{x:.0e}".split("e")
        if 0.01 <= x <= 1000:
            return f"{x:g}"
        return power_of_ten(int(exponent)) if mantissa == "1" else f"{mantissa}·{power_of_ten(int(exponent))}"
