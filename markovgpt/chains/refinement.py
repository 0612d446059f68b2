"""Which states of a deterministic machine cannot be told apart? Classes that are split until none can be.

Everything is exact: numbers are compared as they are, and a table of hashes only says where to look for an equal row.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory

Numbers = NDArray[np.integer[Any]]
MOST_SMALL = 2**31 - 1  # what an int32 counts up to
BYTES_PER_STEP, BYTES_PER_STATE = 8, 40  # of a machine that is refined, its own arrays not counted


def coarsest_partition(next_state: ArrayLike, output: ArrayLike) -> Numbers:
    """Which states put out the same whatever is read, now and ever after?

    s ~ t if and only if output[s] = output[t], and next_state[s, a] ~ next_state[t, a] for every letter a: of the
    relations for which that holds, the one with the fewest classes.

    Parameters
    ----------
    next_state: (n, I) the state after each of I letters in 0 .. n-1; (n,) where there is one.
    output: (n,) whole numbers, what is put out in each state.

    Returns
    -------
    classes: (n,) the class of each state, numbered in the order of their first states.

    Raises
    ------
    InvalidInput: arrays that do not fit each other, steps that lead to no state, outputs that are no whole numbers.
    TooLarge: the steps against the arrows would not fit.

    Method: J. Hopcroft, An n log n algorithm for minimizing states in a finite automaton (1971). A class splits every
    class from which some states lead into it and others do not. Of two halves only the smaller gets a new number and
    is looked at later for every letter, while the larger keeps its number and with it its turn, if that is still to
    come: each state is looked at at most 1 + log2(n) times for each letter, O(I n log n) in all.

    >>> coarsest_partition([[1, 0], [2, 1], [1, 2]], [7, 3, 7]).tolist()     # 0 stays 7 on the second letter, as 2 does
    [0, 1, 0]
    """
    steps, labels = _checked(next_state, output)
    n, n_letters = steps.shape
    require_memory(
        BYTES_PER_STEP * n * n_letters + BYTES_PER_STATE * n,
        f"a machine of {n} states and {n_letters} letters, made smaller,",
        "restrict it to what is reachable from a start",
    )
    begin = np.unique(labels, return_inverse=True)[1].reshape(-1)
    kind = index_type(n)
    classes = np.empty(n, dtype=kind)
    _refine(steps.astype(kind, copy=False), begin.astype(kind), int(begin.max()) + 1, classes)
    return in_order_met(classes, n)[0]


def in_order_met(labels: Numbers, n_labels: int) -> tuple[Numbers, Numbers]:
    """Labels 0 .. n_labels - 1 numbered in the order in which they are met, and where each is met first.

    A label of -1 is none, and stays so.

    >>> classes, first = in_order_met(np.array([4, 2, -1, 4]), 5)
    >>> classes.tolist(), first.tolist()
    ([0, 1, -1, 0], [0, 1])
    """
    kind = index_type(len(labels))
    number, classes = np.full(n_labels, -1, dtype=kind), np.empty(len(labels), dtype=kind)
    first = np.empty(min(n_labels, len(labels)), dtype=kind)
    return classes, first[: _number(labels, number, classes, first)]


def equal_rows(rows: Numbers) -> tuple[Numbers, Numbers]:
    """Which rows (N, W) hold the same numbers? The class of each in the order met, and where each class is met first.

    >>> classes, first = equal_rows(np.array([[3, 1], [1, 3], [3, 1]]))
    >>> classes.tolist(), first.tolist()
    ([0, 1, 0], [0, 1])
    """
    n, kind = len(rows), index_type(len(rows))
    table = np.full(2 ** (2 * n).bit_length(), -1, dtype=kind)  # at most half of it is ever used
    classes, first = np.empty(n, dtype=kind), np.empty(n, dtype=kind)
    return classes, first[: _intern(np.ascontiguousarray(rows), 0, table, classes, first, 0)]


class RowNumbers:
    """Rows that come a few at a time, numbered as `equal_rows` would number all of them.

    Parameters
    ----------
    most: how many rows may come.
    width: how many numbers each holds.

    >>> numbers = RowNumbers(4, 1)
    >>> numbers.of(np.array([[5], [7]])).tolist(), numbers.of(np.array([[8], [7]])).tolist(), numbers.n_distinct
    ([0, 1], [2, 1], 3)
    """

    def __init__(self, most: int, width: int) -> None:
        kind = index_type(most * max(width, 1))
        self._rows = np.empty((most, width), dtype=kind)
        self._table = np.full(2 ** (2 * most).bit_length(), -1, dtype=kind)
        self._classes, self._first = np.empty(most, dtype=kind), np.empty(most, dtype=kind)
        self._n_rows = self.n_distinct = 0

    def of(self, rows: Numbers) -> Numbers:
        """The numbers of some more rows."""
        begin, stop = self._n_rows, self._n_rows + len(rows)
        self._rows[begin:stop], self._n_rows = rows, stop
        self.n_distinct = int(
            _intern(self._rows[:stop], begin, self._table, self._classes, self._first, self.n_distinct)
        )
        return self._classes[begin:stop].copy()


def index_type(size: int) -> type[np.signedinteger[Any]]:
    """The smaller integers that can number so many things.

    >>> index_type(27**4).__name__, index_type(2**31).__name__
    ('int32', 'int64')
    """
    return np.int32 if size <= MOST_SMALL else np.int64


def _checked(next_state: ArrayLike, output: ArrayLike) -> tuple[Numbers, Numbers]:
    """The machine's arrays, if they are one."""
    steps, labels = np.asarray(next_state), np.asarray(output)
    steps = steps[:, None] if steps.ndim == 1 else steps
    if steps.ndim != 2 or labels.shape != steps.shape[:1] or not len(labels):
        raise InvalidInput(
            f"a machine must have an output for each of its states, one or more, got next_state of {steps.shape} and "
            f"output of {labels.shape}; give (n, I) and (n,)"
        )
    if labels.dtype.kind not in "biu" or (steps.dtype.kind not in "iu" and steps.size):
        raise InvalidInput(
            f"next_state and output must be whole numbers, got {steps.dtype} and {labels.dtype}; number the states and "
            "what they put out"
        )
    outside = (steps < 0) | (steps >= len(steps))
    if outside.any():
        state, letter = np.argwhere(outside)[0].tolist()
        raise InvalidInput(
            f"next_state must lie in 0..{len(steps) - 1}, got {int(steps[state, letter])} from state {state} on letter "
            f"{letter}; add a state for what leads nowhere"
        )
    return steps, labels


@compiled
def _number(labels, number, classes, first):  # type: ignore[no-untyped-def]
    """Number the labels in the order met; how many there are."""
    n = 0
    for i in range(len(labels)):
        label = labels[i]
        if label < 0:
            classes[i] = -1
            continue
        if number[label] < 0:
            number[label] = n
            first[n] = i
            n += 1
        classes[i] = number[label]
    return n


@compiled
def _intern(rows, begin, table, classes, first, n):  # type: ignore[no-untyped-def]
    """Number the rows from one on, n being known, each looked up where its hash says or behind that; how many are."""
    last = np.uint64(len(table) - 1)
    for i in range(begin, rows.shape[0]):
        hashed = np.uint64(0)
        for j in range(rows.shape[1]):
            hashed = (hashed ^ np.uint64(rows[i, j])) * np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio
            hashed ^= hashed >> np.uint64(29)
        place = np.int64(hashed & last)
        while True:
            found = table[place]
            if found < 0:
                table[place] = n
                first[n] = i
                classes[i] = n
                n += 1
                break
            same = True
            for j in range(rows.shape[1]):
                if rows[first[found], j] != rows[i, j]:
                    same = False
                    break
            if same:
                classes[i] = found
                break
            place = (place + 1) & np.int64(last)
    return n


@compiled
def _against_the_arrows(steps, letter, begins, sources):  # type: ignore[no-untyped-def]
    """The states that a letter leads from, sorted by where it leads to, and where those of each state begin."""
    begins[:] = 0
    for i in range(len(steps)):
        begins[steps[i, letter]] += 1
    for i in range(len(steps)):
        begins[i + 1] += begins[i]
    for i in range(len(steps) - 1, -1, -1):
        begins[steps[i, letter]] -= 1
        sources[begins[steps[i, letter]]] = i


@compiled
def _refine(steps, begin, n_begin, classes):  # type: ignore[no-untyped-def]
    """Hopcroft's refinement; fills in the classes.

    The states of class c are members[first[c] : stop[c]], those marked as leading into the splitter before the others.
    """
    n, n_letters = steps.shape
    begins, sources = np.empty((n_letters, n + 1), dtype=steps.dtype), np.empty((n_letters, n), dtype=steps.dtype)
    for letter in range(n_letters):
        _against_the_arrows(steps, letter, begins[letter], sources[letter])
    members, place = np.empty(n, dtype=steps.dtype), np.empty(n, dtype=steps.dtype)
    first, stop = np.zeros(n, dtype=steps.dtype), np.zeros(n, dtype=steps.dtype)
    marked, touched = np.zeros(n, dtype=steps.dtype), np.empty(n, dtype=steps.dtype)
    leading = np.empty(n, dtype=steps.dtype)
    _sort(begin, classes, members, place, first, stop)
    n_classes, splitter = n_begin, 0
    while splitter < n_classes:
        for letter in range(n_letters):
            n_leading = 0  # listed before any is moved: the splitter's own states may be among them
            for j in range(first[splitter], stop[splitter]):
                for entry in range(begins[letter, members[j]], begins[letter, members[j] + 1]):
                    leading[n_leading] = sources[letter, entry]
                    n_leading += 1
            n_touched = _mark(leading[:n_leading], classes, members, place, first, marked, touched)
            n_classes = _split(touched[:n_touched], classes, members, first, stop, marked, n_classes)
        splitter += 1


@compiled
def _sort(begin, classes, members, place, first, stop):  # type: ignore[no-untyped-def]
    """The classes to begin with, and their states side by side."""
    for state in range(len(begin)):
        classes[state] = begin[state]
        stop[begin[state]] += 1
    total = 0
    for c in range(len(begin)):
        total += stop[c]
        first[c], stop[c] = total - stop[c], total - stop[c]
    for state in range(len(begin)):
        place[state] = stop[begin[state]]
        members[place[state]] = state
        stop[begin[state]] += 1


@compiled
def _mark(leading, classes, members, place, first, marked, touched):  # type: ignore[no-untyped-def]
    """Move the states that lead into the splitter to the front of their classes; how many classes that touches."""
    n_touched = 0
    for state in leading:
        c = classes[state]
        if marked[c] == 0:
            touched[n_touched] = c
            n_touched += 1
        front = first[c] + marked[c]
        other = members[front]
        members[place[state]], place[other] = other, place[state]
        members[front], place[state] = state, front
        marked[c] += 1
    return n_touched


@compiled
def _split(touched, classes, members, first, stop, marked, n_classes):  # type: ignore[no-untyped-def]
    """Give the smaller half of each class of which some states are marked a new number; how many classes there are."""
    for c in touched:
        middle = first[c] + marked[c]
        marked[c] = 0
        if middle == stop[c]:
            continue
        if middle - first[c] <= stop[c] - middle:
            first[n_classes], stop[n_classes], first[c] = first[c], middle, middle
        else:
            first[n_classes], stop[n_classes], stop[c] = middle, stop[c], middle
        for j in range(first[n_classes], stop[n_classes]):
            classes[members[j]] = n_classes
        n_classes += 1
    return n_classes
