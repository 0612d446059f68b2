"""Graph search over all windows without listing a transition: neighbours are computed.

A full window (m, t) is preceded by (a, m) for every token a, and by the prefix m where prefixes are states; a prefix
(w, t) is preceded by w alone. A window w is followed by (w without its oldest token, t). Which of these transitions are
possible stands in the table, which is read once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.compiled import compiled
from markovgpt.chains.states import Mask, StateSpace


def search(
    space: StateSpace, weights: NDArray[np.floating[Any]], begin: Mask, through: Mask, *, backward: bool
) -> Mask:
    """The states that reach ``begin`` over states in ``through``, or that it reaches, leaving only such states.

    Parameters
    ----------
    weights: (n_states, V), above zero where a transition is possible.

    >>> from markovgpt.chains.states import Mask, StateSpace
    >>> weights = np.array([[0.0, 1.0], [0.0, 1.0]])           # token 1 always: 0 -> 1 -> 1
    >>> search(StateSpace(2, 1), weights, np.array([False, True]), np.array([True, True]), backward=True).tolist()
    [True, True]
    >>> search(StateSpace(2, 1), weights, np.array([True, False]), np.array([True, True]), backward=False).tolist()
    [True, True]
    """
    lengths = range(space.shortest, space.context_length + 1)
    firsts = np.array([space.first_state(length) for length in lengths], dtype=np.int64)
    queue, first = np.empty(len(begin), dtype=np.int64), np.flatnonzero(begin)
    queue[: len(first)] = first
    kernel = _search_backward if backward else _search_forward
    return np.asarray(kernel(weights, firsts, begin.copy(), through, queue, len(first)))


@compiled
def _level_of(firsts, state):  # type: ignore[no-untyped-def]
    """Which of the lengths a state's window has."""
    level = len(firsts) - 1
    while state < firsts[level]:
        level -= 1
    return level


@compiled
def _search_backward(weights, firsts, found, through, queue, tail):  # type: ignore[no-untyped-def]
    """Mark what leads to the states found, which are the first of the queue."""
    n, V = weights.shape
    full = firsts[-1]
    M = (n - full) // V
    head = 0
    while head < tail:
        state = queue[head]
        head += 1
        level = _level_of(firsts, state)
        window = state - firsts[level]
        if state >= full:
            for a in range(V):
                before = full + a * M + window // V
                if weights[before, window % V] > 0 and through[before] and not found[before]:
                    found[before] = True
                    queue[tail] = before
                    tail += 1
        if level > 0:
            before = firsts[level - 1] + window // V  # one token shorter
            if weights[before, window % V] > 0 and through[before] and not found[before]:
                found[before] = True
                queue[tail] = before
                tail += 1
    return found


@compiled
def _search_forward(weights, firsts, found, through, queue, tail):  # type: ignore[no-untyped-def]
    """Mark what the states found lead to, which are the first of the queue."""
    n, V = weights.shape
    full = firsts[-1]
    M = (n - full) // V
    head = 0
    while head < tail:
        state = queue[head]
        head += 1
        if not through[state]:
            continue
        level = _level_of(firsts, state)
        window = state - firsts[level]
        first = full + window % M * V if state >= full else firsts[level + 1] + window * V
        for t in range(V):
            after = first + t
            if weights[state, t] > 0 and not found[after]:
                found[after] = True
                queue[tail] = after
                tail += 1
    return found
