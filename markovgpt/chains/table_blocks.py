"""A table's rows, block by block: what is passing takes no memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.asking import refuse
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import first_invalid_row

ENTRIES_AT_ONCE = 2**14  # logits turned into probabilities at a time


@dataclass(frozen=True, eq=False)
class TableBlock:
    """Some rows of a table.

    Parameters
    ----------
    rows: their states.
    logits: (rows, V).
    windows: (rows, T) the tokens they follow, all of one length; None where nobody asked.
    """

    rows: slice
    logits: NDArray[np.floating]
    windows: NDArray[np.int64] | None


def table_blocks(table: LogitTable, with_windows: bool) -> Iterator[TableBlock]:
    """The rows of a table in their order, a bounded number at a time.

    Parameters
    ----------
    with_windows: whether the windows are wanted too; a block then holds windows of one length.

    Raises
    ------
    InvalidInput: NaN, +inf or nothing but -inf after a window, which is named.

    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(2, 2, with_prefixes=True), np.zeros((6, 2)))
    >>> [block.windows.tolist() for block in table_blocks(table, with_windows=True)]
    [[[0], [1]], [[0, 0], [0, 1], [1, 0], [1, 1]]]
    """
    space = table.space
    step = max(1, ENTRIES_AT_ONCE // space.vocab_size)
    if not with_windows:
        for first in range(0, space.n_states, step):
            yield _block(table, slice(first, min(first + step, space.n_states)), None)
        return
    for length in range(space.shortest, space.context_length + 1):
        begin, count = space.first_state(length), space.vocab_size**length
        for first in range(0, count, step):
            stop = min(first + step, count)
            yield _block(table, slice(begin + first, begin + stop), space.windows(length, first, stop))


def _block(table: LogitTable, rows: slice, windows: NDArray[np.int64] | None) -> TableBlock:
    """Some rows, each with a number in it."""
    logits = table.logits[rows]
    row = first_invalid_row(logits)
    if row is not None:
        refuse(logits[row], table.space.decode(rows.start + row), table.vocabulary)
    return TableBlock(rows, logits, windows)
