"""Graph search over all windows without listing a transition: neighbours are computed.

A full window (m, t) is preceded by (a, m) for every token a, and by the prefix m where prefixes are states; a prefix
(w, t) is preceded by w alone. A window w is followed by (w without its oldest token, t). Which of these transitions are
possible stands in the table, which is read once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.chains.states import StateSpace

Mask = NDArray[np.bool_]


def search(
    space: StateSpace, weights: NDArray[np.floating[Any]], begin: Mask, through: Mask, *, backward: bool
) -> Mask:
    """The states that reach ``begin`` over states in ``through``, or that it reaches, leaving only such states.

    Parameters
    ----------
    weights: (n_states, V), above zero where a transition is possible.

    >>> from markovgpt.chains.states import StateSpace
    >>> weights = np.array([[0.0, 1.0], [0.0, 1.0]])           # token 1 always: 0 -> 1 -> 1
    >>> search(StateSpace(2, 1), weights, np.array([False, True]), np.array([True, True]), backward=True).tolist()
    [True, True]
    >>> search(StateSpace(2, 1), weights, np.array([True, False]), np.array([True, True]), backward=False).tolist()
    [True, True]
    """
    lengths = range(space.shortest, space.context_length + 1)
    firsts = np.array([space.first_state(length) for length in lengths], dtype=np.int64)
    kernel = _search_backward if backward else _search_forward
    return np.asarray(kernel(weights, firsts, begin.copy(), through))


@compiled
def _search_backward(weights, firsts, found, through):  # type: ignore[no-untyped-def]
    """Mark what leads to the states found, in the order of a queue."""
    n, V = weights.shape
    full = firsts[-1]
    M = (n - full) // V
    queue = np.empty(n, dtype=np.int64)
    tail = 0
    for state in range(n):
        if found[state]:
            queue[tail] = state
            tail += 1
    head = 0
    while head < tail:
        state = queue[head]
        head += 1
        if state >= full:
            m, t = (state - full) // V, (state - full) % V
            for a in range(V):
                before = full + a * M + m
                if weights[before, t] > 0 and through[before] and not found[before]:
                    found[before] = True
                    queue[tail] = before
                    tail += 1
        level = 0  # of the windows that are one token shorter
        while level + 1 < len(firsts) and state >= firsts[level + 1]:
            level += 1
        if level > 0:
            before = firsts[level - 1] + (state - firsts[level]) // V
            t = (state - firsts[level]) % V
            if weights[before, t] > 0 and through[before] and not found[before]:
                found[before] = True
                queue[tail] = before
                tail += 1
    return found


@compiled
def _search_forward(weights, firsts, found, through):  # type: ignore[no-untyped-def]
    """Mark what the states found lead to, in the order of a queue."""
    n, V = weights.shape
    full = firsts[-1]
    M = (n - full) // V
    queue = np.empty(n, dtype=np.int64)
    tail = 0
    for state in range(n):
        if found[state]:
            queue[tail] = state
            tail += 1
    head = 0
    while head < tail:
        state = queue[head]
        head += 1
        if not through[state]:
            continue
        if state >= full:
            first = full + (state - full) % M * V
        else:
            level = 0
            while state >= firsts[level + 1]:
                level += 1
            first = firsts[level + 1] + (state - firsts[level]) * V
        for t in range(V):
            after = first + t
            if weights[state, t] > 0 and not found[after]:
                found[after] = True
                queue[tail] = after
                tail += 1
    return found
