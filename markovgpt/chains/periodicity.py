"""Periods, and what leads from class to class, over all windows without listing a transition: neighbours are computed.

With level(s) the number of steps of some way from the first state of a class to s, the period of the class is the
greatest common divisor of level(s) + 1 - level(t) over its transitions s -> t (E. V. Denardo, Mathematics of
Operations Research 2 (1977) 20-24), and level modulo the period says in which of its cyclic classes a state lies.
"""

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.chains.search import first_after, first_states
from markovgpt.chains.states import StateSpace
from markovgpt.memory import require_memory

BYTES_PER_LINK = 64  # a transition between classes: the pair, taken apart and sorted

Labels = NDArray[np.int32]


def phases(
    space: StateSpace, weights: NDArray[np.floating[Any]], labels: Labels
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The period of each class, 0 where nothing comes back, and the phase of each state: that of its first state is 0.

    Parameters
    ----------
    weights: (n_states, V), above zero where a transition is possible.
    labels: (n_states,), the communicating class of each state, 0, 1, ...; a state below 0 is in none, and has the phase
        -1.

    Method: a breadth-first search from the first state of each class, one pass over the table.

    >>> weights = np.array([[0.0, 1.0], [1.0, 0.0]])           # 0 -> 1 -> 0
    >>> [part.tolist() for part in phases(StateSpace(2, 1), weights, np.zeros(2, dtype=np.int32))]
    [[2], [0, 1]]
    """
    found = np.zeros(int(labels.max(initial=-1)) + 1, dtype=np.int64)
    level, queue = np.full(len(labels), -1, dtype=np.int32), np.empty(len(labels), dtype=np.int32)
    _phases(weights, first_states(space), labels, level, queue, found)
    return found, level


def links(
    space: StateSpace, weights: NDArray[np.floating[Any]], labels: Labels
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of classes from one of which a transition leads to the other, no pair twice, sorted.

    Parameters
    ----------
    weights, labels: as for `phases`, no label below 0.

    Raises
    ------
    TooLarge: listing the transitions between classes would not fit.

    >>> weights = np.array([[0.5, 0.5], [0.0, 1.0]])           # class 1 -> class 0
    >>> [part.tolist() for part in links(StateSpace(2, 1), weights, np.array([1, 0], dtype=np.int32))]
    [[1], [0]]
    """
    firsts, n_classes = first_states(space), int(labels.max()) + 1
    n_links = int(_links(weights, firsts, labels, n_classes, np.empty(0, dtype=np.int64)))
    require_memory(
        BYTES_PER_LINK * n_links,
        f"{n_links} transitions between {n_classes} classes",
        "ask for the classes alone (chain_shape), or give a shorter context length",
    )
    room = np.empty(n_links, dtype=np.int64)
    _links(weights, firsts, labels, n_classes, room)
    return pairs_of(*np.divmod(room, n_classes))


def pairs_of(one: NDArray[np.int64], other: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of two different numbers, no pair twice, sorted.

    >>> [part.tolist() for part in pairs_of(np.array([1, 1, 0, 1]), np.array([0, 2, 0, 0]))]
    [[1, 1], [0, 2]]
    """
    apart, base = one != other, int(max(one.max(initial=0), other.max(initial=0))) + 1
    first, second = np.divmod(np.unique(one[apart] * base + other[apart]), base)
    return first, second


@compiled
def _phases(weights, firsts, labels, level, queue, found):  # type: ignore[no-untyped-def]
    """Fill the level of each state, modulo the period of its class at the end, and the periods."""
    n, V = weights.shape
    for root in range(n):
        if labels[root] < 0 or level[root] >= 0:
            continue
        own, head, tail = labels[root], 0, 1
        level[root] = 0
        queue[0] = root
        while head < tail:
            state = queue[head]
            head += 1
            first, ahead = first_after(firsts, n, V, state), level[state] + 1
            for t in range(V):
                if weights[state, t] > 0 and labels[first + t] == own:
                    if level[first + t] < 0:
                        level[first + t] = ahead
                        queue[tail] = first + t
                        tail += 1
                    elif ahead != level[first + t]:
                        found[own] = gcd(found[own], np.int64(abs(ahead - level[first + t])))
    for state in range(n):
        if labels[state] >= 0 and found[labels[state]] > 0:
            level[state] %= found[labels[state]]


@compiled
def _links(weights, firsts, labels, n_classes, room):  # type: ignore[no-untyped-def]
    """Count the pairs of classes, and write them down while there is room."""
    n, V = weights.shape
    n_links = 0
    for state in range(n):
        first, own = first_after(firsts, n, V, state), labels[state]
        last = own
        for t in range(V):
            after = labels[first + t]
            if weights[state, t] > 0 and after != own and after != last:
                last = after
                if n_links < len(room):
                    room[n_links] = np.int64(own) * n_classes + after
                n_links += 1
    return n_links
