"""Answers about states as the rows of a table, a row for each window."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.result import Answer
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export.tables import certified_digits

MOST_ROWS = 100_000  # more than anyone reads; csv files of more are written block by block
States = NDArray[np.int64]


def answer_table(
    chain: TransitionOperator,
    answers: Mapping[str, Answer],
    *,
    states: ArrayLike | None = None,
    most: int | None = None,
) -> list[dict[str, Any]]:
    """Which number does each window have? Rows for `write_table`, `latex_table` and `markdown_table`.

    Parameters
    ----------
    answers: for each column its name and its answer, about every state; one with several numbers a state (as
        `absorption_probabilities` has) makes a column for each, numbered from 0.
    states: which, as numbers in the order of the rows or as a mask; None takes all.
    most: only the rows with the largest numbers in the first column, these first, by the nearest double; of equals the
        lowest state. None keeps the order of the states.

    Returns
    -------
    A dict for each state: its number, how its window is printed, blanks visible, and the digits that the bounds
    certify, as `certified_digits` writes them.

    Raises
    ------
    InvalidInput: no answers, or one that is not about every state; states outside the chain, or none.
    TooLarge: more than 100,000 rows.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> from markovgpt.analysis.reachability import expected_hitting_time, hitting_probability
    >>> line = SparseChain.from_matrix([[0.5, 0.5, 0], [0, 0, 1], [0, 0, 1]], labels=["a", "b", "c"])
    >>> found = {"P": hitting_probability(line, [1]), "T": expected_hitting_time(line, [2])}
    >>> for row in answer_table(line, found, most=2):
    ...     print(row)
    {'state': 0, 'label': 'a', 'P': '1', 'T': '3.00000000000'}
    {'state': 1, 'label': 'b', 'P': '1', 'T': '1.00000000000'}
    """
    if not answers:
        raise InvalidInput(
            "a table of answers needs at least one column, got none; give {'P': hitting_probability(...)}"
        )
    n = chain.n_states
    for name, answer in answers.items():
        shape = answer.enclosure.value.shape
        if shape[:1] != (n,):
            raise InvalidInput(
                f"an answer in a table must be about all {n} states, got {name!r} of shape {shape}; ask without a start"
            )
    chosen = np.arange(n) if states is None else _numbers(states, n)
    if most is not None:
        chosen = _largest(next(iter(answers.values())), chosen, most)
    if len(chosen) > MOST_ROWS:
        raise TooLarge(f"a table of answers must have at most {MOST_ROWS:,} rows, got {len(chosen):,}; give most=")
    columns: dict[str, list[str]] = {}
    for name, answer in answers.items():
        columns |= _columns(name, entries(answer, chosen))
    printed = "label" if chain.space is None else "window"
    return [
        {"state": state, printed: chain.label(state), **{name: column[place] for name, column in columns.items()}}
        for place, state in enumerate(chosen.tolist())
    ]


def entries(answer: Answer, places: States) -> Answer:
    """An answer about some of its entries only, in their order."""
    found = answer.enclosure
    infinite = answer.infinite[places] if isinstance(answer.infinite, np.ndarray) else answer.infinite
    parts = {name: getattr(found, name)[places] for name in ("value", "lower", "upper")}
    return Answer(replace(found, **parts), infinite, answer.iterations)


def _columns(name: str, answer: Answer) -> dict[str, list[str]]:
    """The digits of an answer, a column for each of the numbers that a state has."""
    shape = answer.enclosure.value.shape
    if len(shape) == 1:
        return {name: [certified_digits(answer, row) for row in range(shape[0])]}
    return {
        f"{name} {column}": [certified_digits(answer, (row, column)) for row in range(shape[0])]
        for column in range(shape[1])
    }


def _numbers(states: ArrayLike, n: int) -> States:
    """States as numbers, checked."""
    given = np.asarray(states)
    if given.dtype == bool and given.shape == (n,):
        given = np.flatnonzero(given)
    if given.ndim != 1 or given.dtype.kind not in "iu" or not ((given >= 0) & (given < n)).all() or not given.size:
        raise InvalidInput(
            f"states must be a list of numbers in 0..{n - 1}, or a mask of {n}, got {given.dtype} of shape "
            f"{given.shape}; name at least one"
        )
    return given.astype(np.int64)


def _largest(answer: Answer, chosen: States, most: int) -> States:
    """The states with the largest numbers, these first; of several numbers a state the first counts."""
    if not is_count(most) or most < 1:
        raise InvalidInput(f"most must be a whole number of at least 1, got {most}; None keeps every row")
    logarithms = np.asarray(answer.log10)[chosen]
    keys = logarithms if logarithms.ndim == 1 else logarithms[:, 0]
    return chosen[np.argsort(-keys, kind="stable")[:most]]
