"""Tables for people and papers: csv and LaTeX, in digits that the bounds certify; see `markdown` for Markdown."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from markovgpt.analysis.result import Answer
from markovgpt.errors import InvalidInput
from markovgpt.export.latex import after_break, escaped
from markovgpt.export.markdown import is_number

MOST_DIGITS = 12
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
QUOTED = frozenset(',"\r\n')


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
    rows: at least one, all with the same keys; cells and keys that are strings are written as they stand, but that in
        the csv an apostrophe stands before a text which a spreadsheet would take for a formula, or which begins with
        one; `read_table` takes it away again. Half of a surrogate pair is written as its escape.

    Returns
    -------
    The path of the csv file.

    Raises
    ------
    InvalidInput: no rows.
    """
    if not rows:
        raise InvalidInput(f"the table {name} must have at least one row, got none; check the loop that fills it")
    import pandas as pd  # late: it takes a third of a second to import

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(list(rows))
    lines = [_csv_line(frame.columns), *map(_csv_line, frame.itertuples(index=False, name=None))]
    with (place / f"{name}.csv").open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.writelines(lines)
    (place / f"{name}.tex").write_text(latex_table(rows), encoding="utf-8")
    return place / f"{name}.csv"


def read_table(file: str | Path) -> list[dict[str, str]]:
    r"""The rows of a csv that `write_table` wrote, every cell as the text that it was.

    No text is changed by writing and reading: one that is written with an apostrophe before it (a formula to a
    spreadsheet, or a text that begins with an apostrophe) loses it again, and no other begins with one.

    Raises
    ------
    InvalidInput: a file without a header, or a row with more or fewer cells than it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(read_table(write_table([{"token": "=cmd()", "n": 1}, {"token": "'\n", "n": 2}], folder, "tokens")))
    [{'token': '=cmd()', 'n': '1'}, {'token': "'\n", 'n': '2'}]
    """
    path = Path(file)
    before = csv.field_size_limit(max(csv.field_size_limit(), path.stat().st_size))  # else a long cell is an error
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            lines = [list(map(_as_it_was, line)) for line in csv.reader(stream)]
    finally:
        csv.field_size_limit(before)
    if not lines:
        raise InvalidInput(f"a table must begin with its columns' names, got nothing in {path}; see write_table")
    for number, line in enumerate(lines):
        if len(line) != len(lines[0]):
            raise InvalidInput(
                f"each row must have {len(lines[0])} cells, got {len(line)} in row {number} of {path}; write it anew"
            )
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def latex_table(rows: Sequence[Mapping[str, Any]], *, any_letter: bool = False) -> str:
    r"""Rows as a LaTeX table, with the rules of booktabs: ``\usepackage{booktabs}`` in the preamble is all it needs.

    Parameters
    ----------
    rows: at least one, all with the same keys; what a text may hold is set as it is written.
    any_letter: for lualatex and xelatex, see `latex.escaped`; otherwise it compiles with pdflatex.

    Raises
    ------
    InvalidInput: no rows.
    """
    if not rows:
        raise InvalidInput("a table must have at least one row, got none; check the loop that fills it")

    import pandas as pd  # late: it takes a third of a second to import

    def shown(cell: Any) -> Any:
        return escaped(cell, any_letter=any_letter) if isinstance(cell, str) else cell

    frame = pd.DataFrame(list(rows)).rename(columns=shown).map(shown)
    lines: list[str] = frame.to_latex(index=False, escape=False).split("\n")
    return "\n".join(map(after_break, lines))


def write_parquet(rows: Sequence[dict[str, Any]], folder: str | Path, name: str) -> Path | None:
    """Write rows as ``name.parquet`` into a folder that is there, if pyarrow is.

    Returns
    -------
    The path of the file; None without pyarrow.
    """
    if find_spec("pyarrow") is None:
        return None
    import pandas as pd  # late: it takes a third of a second to import

    file = Path(folder) / f"{name}.parquet"
    pd.DataFrame(list(rows)).to_parquet(file, index=False, engine="pyarrow")
    return file


def _csv_line(cells: Iterable[Any]) -> str:
    """A line of csv; pandas would not quote a carriage return, which ends the line for a reader."""
    line = ",".join(map(_csv_cell, cells))
    return (line or '""') + "\n"


def _csv_cell(cell: Any) -> str:
    """A cell that no spreadsheet computes: what looks like a formula and is no number gets an apostrophe."""
    if cell is None or cell != cell:  # what pandas puts where nothing is
        return ""
    text = str(cell)
    if isinstance(cell, str) and text.startswith(FORMULA) and not is_number(text):
        text = f"'{text}"
    return '"{}"'.format(text.replace('"', '""')) if QUOTED.intersection(text) else text


def _as_it_was(cell: str) -> str:
    """A cell without the apostrophe that `_csv_cell` put before it."""
    return cell.removeprefix("'")
