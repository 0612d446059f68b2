"""Tables for people and papers: csv and LaTeX, in digits that the bounds certify."""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from markovgpt.analysis.result import Answer
from markovgpt.errors import InvalidInput

MOST_DIGITS = 12
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def certified_digits(answer: Answer, place: int | tuple[int, ...] | None = None) -> str:
    """An answer in the digits on which its lower and its upper bound agree, at most 12.

    Parameters
    ----------
    place: which entry of an answer about several states: an index, or one for each axis.

    Returns
    -------
    A decimal number, of any exponent, whose written digits are all certain, zeros included; fewer only where the number
    is exact ("0" and "1" are proofs); "inf"; or "[lower, upper]" where not one digit is certain.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> from markovgpt.analysis.reachability import expected_hitting_time
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> certified_digits(expected_hitting_time(coin, [1], start=0))
    '2.00000000000'
    """
    names = ("lower", "upper", "log10_lower", "log10_upper")
    lower, upper, log_lower, log_upper = (
        float(getattr(answer, name) if place is None else getattr(answer, name)[place]) for name in names
    )
    if lower == upper:  # rounded outward, they meet only in an exact double
        return f"{lower:.{MOST_DIGITS}g}"
    in_range = lower > 1e-290 and upper < 1e290
    low, high = (lower, upper) if in_range else (log_lower, log_upper)
    write = _plain if in_range else _of_log10
    for digits in range(MOST_DIGITS, 0, -1):
        if write(low, digits) == write(high, digits):
            return write(low, digits)
    return f"[{write(low, 2)}, {write(high, 2)}]"


def _plain(value: float, digits: int) -> str:
    """A double in significant digits."""
    return f"{value:#.{digits}g}"


def _of_log10(logarithm: float, digits: int) -> str:
    """A number in significant digits, from its decimal logarithm."""
    if math.isinf(logarithm):
        return "0"
    exponent = math.floor(logarithm)
    mantissa = f"{10 ** (logarithm - exponent):.{digits - 1}f}"
    if mantissa.startswith("10"):
        exponent, mantissa = exponent + 1, f"{1:.{digits - 1}f}"
    return f"{mantissa}e{exponent:+d}"


def write_table(rows: Sequence[dict[str, Any]], folder: str | Path, name: str) -> Path:
    """Write rows as ``name.csv`` and ``name.tex`` (booktabs) into a folder, which is made if need be.

    Parameters
    ----------
    rows: at least one, all with the same keys; cells that are strings are written as they stand, but that in the csv
        an apostrophe stands before a text which a spreadsheet would take for a formula, or which begins with one.

    Returns
    -------
    The path of the csv file.

    Raises
    ------
    InvalidInput: no rows.
    """
    if not rows:
        raise InvalidInput(f"the table {name} must have at least one row, got none; check the loop that fills it")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(list(rows))
    frame.map(_no_formula).to_csv(place / f"{name}.csv", index=False, lineterminator="\n")
    escaped = frame.rename(columns=_latex).map(lambda cell: _latex(cell) if isinstance(cell, str) else cell)
    text = escaped.to_latex(index=False, escape=False)
    (place / f"{name}.tex").write_text(text, encoding="utf-8")
    return place / f"{name}.csv"


def write_parquet(rows: Sequence[dict[str, Any]], folder: str | Path, name: str) -> Path | None:
    """Write rows as ``name.parquet`` into a folder that is there, if pyarrow is.

    Returns
    -------
    The path of the file; None without pyarrow.
    """
    if find_spec("pyarrow") is None:
        return None
    file = Path(folder) / f"{name}.parquet"
    pd.DataFrame(list(rows)).to_parquet(file, index=False, engine="pyarrow")
    return file


def _no_formula(cell: Any) -> Any:
    """A cell that no spreadsheet computes: what looks like a formula and is no number gets an apostrophe."""
    if not isinstance(cell, str) or not cell.startswith(FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell


LATEX_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "␣": r"\textvisiblespace{}",
        **{character: rf"\{character}" for character in "&%$#_{}"},
    }
)


def _latex(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return text.translate(LATEX_SPECIAL)
