"""What one pass over a table of windows finds: the likeliest tokens, the least probability, flows between groups."""

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.chains.streaming import Array, Table, Tokens, over_rows, workers_for

SUMMED = 256  # terms that are added up at a time where there are many


def push_least(table: Table, mass: Array) -> Array:
    """min_a d[a, m] p[a, m, t], (M, V), for p (A, M, V) and d (A, M).

    >>> push_least(np.array([[[0.25, 0.75]], [[1.0, 0.0]]]), np.array([[4.0], [8.0]])).tolist()
    [[1.0, 0.0]]
    """
    out = np.full(table.shape[1:], np.inf)
    over_rows(_least_kernel, table.shape[1], table.size, table, np.ascontiguousarray(mass), out)
    return out


def all_positive(table: Table) -> bool:
    """Whether nothing is zero.

    >>> all_positive(np.array([[[0.25, 0.75]]])), all_positive(np.array([[[0.0, 1.0]]]))
    (True, False)
    """
    zeros = np.zeros((workers_for(table.size, table.shape[1]), 1), dtype=np.int64)
    over_rows(_zeros_kernel, table.shape[1], table.size, table, parts=zeros)
    return not zeros.any()


def greediest(table: Table) -> tuple[Tokens, Array]:
    """The likeliest token of each window, of tied ones the lowest, and the sum of all the others; both (A, M).

    >>> tokens, rest = greediest(np.array([[[0.25, 0.5, 0.25]]]))
    >>> tokens.tolist(), rest.tolist()
    ([[1]], [[0.5]])
    """
    tokens, rest = np.empty(table.shape[:2], dtype=np.int16), np.empty(table.shape[:2])
    over_rows(_greediest_kernel, table.shape[1], table.size, table, tokens, rest)
    return tokens, rest


def two_best(rows: Table) -> tuple[NDArray[np.int32], Array, Array]:
    """The largest number of each row (n, V): where it is, of equals the first; it; and its lead over the others.

    The lead is NaN in a row that holds NaN or +inf, or nothing but -inf; infinite where there are no others.

    >>> [part.tolist() for part in two_best(np.array([[1.0, 3.0, 2.5], [2.0, 2.0, -np.inf], [np.nan, 0.0, 0.0]]))]
    [[1, 0, 1], [3.0, 2.0, nan], [0.5, 0.0, nan]]
    """
    n = len(rows)
    tokens, best, lead = np.empty(n, dtype=np.int32), np.empty(n), np.empty(n)
    over_rows(_two_best_kernel, n, rows.size, rows, tokens, best, lead)
    return tokens, best, lead


def smallest(table: Table) -> float:
    """The smallest number above zero; infinity where there is none.

    >>> smallest(np.array([[[0.25, 0.75], [0.0, 1.0]]]))
    0.25
    """
    least = np.full((workers_for(table.size, table.shape[1]), 1), np.inf)
    over_rows(_smallest_kernel, table.shape[1], table.size, table, parts=least)
    return float(least.min())


def group_flows(
    table: Table, leaving: NDArray[np.int32], entering: NDArray[np.int32], mass: Array, values: Array, n_groups: int
) -> Array:
    """sum of d[a, m] p[a, m, t] f[m, t] over all (a, m) in group g and (m, t) in group h, (n_groups, n_groups).

    Parameters
    ----------
    leaving, entering: (A, M) and (M, V), the group of each window; below 0 is in none.

    >>> group_flows(np.array([[[0.25, 0.75]]]), np.array([[1]], dtype=np.int32), np.array([[0, 1]], dtype=np.int32),
    ...             np.array([[4.0]]), np.array([[1.0, 2.0]]), 2).tolist()
    [[0.0, 0.0], [1.0, 6.0]]
    """
    M = table.shape[1]
    parts = [np.zeros((n_groups, n_groups)) for _ in range(workers_for(table.size, M))]
    arguments = (table, leaving, entering, np.ascontiguousarray(mass), np.ascontiguousarray(values))
    over_rows(_flow_kernel, M, table.size, *arguments, parts=parts)
    return np.asarray(sum(parts))


def group_sums(values: Array, groups: NDArray[np.int32], n_groups: int) -> Array:
    """The sum of the values in each group, (n_groups,); a group below 0 is none.

    >>> group_sums(np.array([1.0, 2.0, 4.0]), np.array([1, -1, 1], dtype=np.int32), 2).tolist()
    [0.0, 5.0]
    """
    sums = np.zeros(n_groups)
    _sum_kernel(np.ascontiguousarray(values), groups, sums)
    return sums


@compiled
def _greediest_kernel(table, tokens, rest, first, stop):  # type: ignore[no-untyped-def]
    """The likeliest token and the sum of the others, over a range of m."""
    A, _, V = table.shape
    for a in range(A):
        for m in range(first, stop):
            best = 0
            for t in range(1, V):
                if table[a, m, t] > table[a, m, best]:
                    best = t
            others = 0.0
            for t in range(V):
                others += table[a, m, t] if t != best else 0.0
            tokens[a, m] = best
            rest[a, m] = others


@compiled
def _two_best_kernel(rows, tokens, best, lead, first, stop):  # type: ignore[no-untyped-def]
    """The largest number and its lead, over a range of rows."""
    V = rows.shape[1]
    for i in range(first, stop):
        token, highest, second, spoilt = 0, -np.inf, -np.inf, False
        for t in range(V):
            value = np.float64(rows[i, t])
            spoilt |= not value < np.inf
            if value > highest:
                token, highest, second = t, value, highest
            elif value > second:
                second = value
        tokens[i] = token
        best[i] = np.nan if spoilt else highest
        lead[i] = np.nan if spoilt or highest == -np.inf else highest - second


@compiled
def _least_kernel(table, mass, out, first, stop):  # type: ignore[no-untyped-def]
    """The least product over a, over a range of m."""
    A, _, V = table.shape
    for m in range(first, stop):
        for a in range(A):
            weight = mass[a, m]
            for t in range(V):
                product = weight * table[a, m, t]
                out[m, t] = product if product < out[m, t] else out[m, t]


@compiled
def _zeros_kernel(table, zeros, first, stop):  # type: ignore[no-untyped-def]
    """How many zeros there are, over a range of m."""
    A, _, V = table.shape
    for a in range(A):
        for m in range(first, stop):
            for t in range(V):
                zeros[0] += table[a, m, t] == 0


@compiled
def _smallest_kernel(table, least, first, stop):  # type: ignore[no-untyped-def]
    """The smallest number above zero, over a range of m."""
    A, _, V = table.shape
    for a in range(A):
        for m in range(first, stop):
            for t in range(V):
                if 0 < table[a, m, t] < least[0]:
                    least[0] = table[a, m, t]


@compiled
def _flow_kernel(table, leaving, entering, mass, values, flows, first, stop):  # type: ignore[no-untyped-def]
    """Flows between groups that leave windows with m in a range: for each m by token first, then by group.

    Added up in parts, since a sum of so many terms one by one would round too often.
    """
    A, _, V = table.shape
    n_groups = len(flows)
    by_token, present = np.zeros((n_groups, V)), np.zeros(n_groups, dtype=np.bool_)
    part, block = np.zeros((n_groups, n_groups)), max(SUMMED, n_groups * n_groups)
    for m in range(first, stop):
        for a in range(A):
            group, weight = leaving[a, m], mass[a, m]
            if group >= 0 and weight > 0:
                present[group] = True
                for t in range(V):
                    by_token[group, t] += weight * table[a, m, t]
        for group in range(n_groups):
            if present[group]:
                present[group] = False
                for t in range(V):
                    if entering[m, t] >= 0:
                        part[group, entering[m, t]] += by_token[group, t] * values[m, t]
                    by_token[group, t] = 0.0
        if (m + 1 - first) % block == 0 or m + 1 == stop:
            flows += part
            part[:] = 0.0


@compiled
def _sum_kernel(values, groups, sums):  # type: ignore[no-untyped-def]
    """Sums over groups, added up in parts."""
    part, block = np.zeros(len(sums)), max(SUMMED, len(sums))
    for i in range(len(values)):
        if groups[i] >= 0:
            part[groups[i]] += values[i]
        if (i + 1) % block == 0 or i + 1 == len(values):
            sums += part
            part[:] = 0.0
