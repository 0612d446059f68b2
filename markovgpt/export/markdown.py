r"""Rows as a Markdown table, in GitHub's dialect: nothing in a cell is markup."""

from collections.abc import Mapping, Sequence
from typing import Any

from markovgpt.errors import InvalidInput
from markovgpt.vocabulary import printable

MARKUP = "\\`*_{}[]()#!|~$"  # what a backslash takes the meaning from
SPECIAL = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        ":": "&#58;",  # http: would become a link, and :name: a picture
        "@": "&#64;",
        **{character: f"\\{character}" for character in MARKUP},
    }
)


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    r"""Rows as a Markdown table; columns of numbers stand to the right.

    Parameters
    ----------
    rows: at least one, all with the same keys. Cells are written by ``str``, an empty one for None; what cannot be seen
        is shown by its number, so that a row is one line.

    Raises
    ------
    InvalidInput: no rows, or rows with other keys than the first.

    >>> print(markdown_table([{"token": "a|b", "P": "0.25"}, {"token": "\n", "P": "0.75"}]))
    | token | P |
    | --- | --: |
    | a\|b | 0.25 |
    | \\n | 0.75 |
    """
    columns = _columns(rows)
    cells = [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    numeric = [all(is_number(line[place]) for line in cells) for place in range(len(columns))]
    rule = ["--:" if right else "---" for right in numeric]
    shown = [list(map(_escaped, columns)), rule, *(list(map(_escaped, line)) for line in cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that all rows have."""
    if not rows:
        raise InvalidInput("a table must have at least one row, got none; check the loop that fills it")
    columns = list(rows[0])
    other = next((place for place, row in enumerate(rows) if set(row) != set(columns)), None)
    if other is not None:
        raise InvalidInput(
            f"a table must have the same columns in every row, got {', '.join(map(repr, rows[other]))} in row {other} "
            f"after {', '.join(map(repr, columns))}; fill in what is missing"
        )
    return columns


def is_number(text: str) -> bool:
    """Whether a text is a decimal number, or inf.

    >>> [is_number(text) for text in ("-5.2e-400", "inf", "[0.1, 0.3]", "0x10", "nan")]
    [True, True, False, False, True]
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def _escaped(text: str) -> str:
    """A cell in which nothing is markup and nothing is unseen."""
    return printable(text).translate(SPECIAL)
