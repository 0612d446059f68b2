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

WAITING = 8  # a pass over all states not found is quicker than to go back from one state for every so many of them


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
    firsts = first_states(space)
    queue, first = np.empty(len(begin), dtype=np.int64), np.flatnonzero(begin)
    queue[: len(first)] = first
    kernel = _search_backward if backward else _search_forward
    return np.asarray(kernel(weights, firsts, begin.copy(), through, queue, len(first)))


def first_states(space: StateSpace) -> NDArray[np.int64]:
    """The first window of each length.

    >>> first_states(StateSpace(2, 3, with_prefixes=True)).tolist()
    [0, 2, 6]
    """
    lengths = range(space.shortest, space.context_length + 1)
    return np.array([space.first_state(length) for length in lengths], dtype=np.int64)


@compiled
def _level_of(firsts, state):  # type: ignore[no-untyped-def]
    """Which of the lengths a state's window has."""
    level = len(firsts) - 1
    while state < firsts[level]:
        level -= 1
    return level


@compiled
def _search_backward(weights, firsts, found, through, queue, tail):  # type: ignore[no-untyped-def]
    """Mark what leads to the states found, which are the first of the queue.

    Many states at once are better looked for from the others, whose rows stand in their order: after a pass over these
    only what was found in it still waits. See S. Beamer, K. Asanovic, D. Patterson, SC 2012.
    """
    n, V = weights.shape
    full = firsts[-1]
    M = (n - full) // V
    head = 0
    while head < tail:
        if tail - head > (n - tail) // WAITING:
            head = tail
            tail = _pass_backward(weights, firsts, found, through, queue, tail)
            continue
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
def _pass_backward(weights, firsts, found, through, queue, tail):  # type: ignore[no-untyped-def]
    """Mark the states not found yet from which one step leads to one that is; the end of the queue."""
    n, V = weights.shape
    for state in range(n):
        if found[state] or not through[state]:
            continue
        first = first_after(firsts, n, V, state)
        for t in range(V):
            if weights[state, t] > 0 and found[first + t]:
                found[state] = True
                queue[tail] = state
                tail += 1
                break
    return tail


@compiled
def _search_forward(weights, firsts, found, through, queue, tail):  # type: ignore[no-untyped-def]
    """Mark what the states found lead to, which are the first of the queue."""
    n, V = weights.shape
    head = 0
    while head < tail < n:
        state = queue[head]
        head += 1
        if not through[state]:
            continue
        first = first_after(firsts, n, V, state)
        for t in range(V):
            after = first + t
            if weights[state, t] > 0 and not found[after]:
                found[after] = True
                queue[tail] = after
                tail += 1
    return found


def components(
    space: StateSpace, weights: NDArray[np.floating[Any]], within: Mask | None = None
) -> tuple[NDArray[np.int32], Mask]:
    """The communicating class of each state, those that others lead to first, and whether each is never left.

    Parameters
    ----------
    weights: (n_states, V), above zero where a transition is possible.
    within: (n_states,), the states that are asked about, as if there were no others; the others have the class -1, and
        a class from which one of them can be reached is left.

    Method: R. E. Tarjan, SIAM J. Comput. 1 (1972) 146-160, without recursion.

    >>> weights = np.array([[0.5, 0.5], [0.0, 1.0]])           # 0 -> 0, 0 -> 1, 1 -> 1
    >>> [part.tolist() for part in components(StateSpace(2, 1), weights)]
    [[1, 0], [True, False]]
    >>> [part.tolist() for part in components(StateSpace(2, 1), weights, np.array([True, False]))]
    [[0, -1], [False]]
    """
    inside = np.ones(space.n_states, dtype=bool) if within is None else within
    # a state outside is done with, in no class of its own
    labels, seen = np.where(inside, -1, space.n_states).astype(np.int32), (~inside).astype(np.int32)
    closed = np.asarray(_components(weights, first_states(space), inside, labels, seen))
    labels[~inside] = -1
    return labels, closed


@compiled
def first_after(firsts, n, V, state):  # type: ignore[no-untyped-def]
    """The state that token 0 leads to; the other tokens lead to those behind it."""
    level = _level_of(firsts, state)
    window = state - firsts[level]
    if level < len(firsts) - 1:
        return firsts[level + 1] + window * V
    return firsts[level] + window % ((n - firsts[level]) // V) * V


@compiled
def _components(weights, firsts, inside, labels, seen):  # type: ignore[no-untyped-def]
    """Fill the class of each state inside; which classes are never left."""
    n, V = weights.shape
    low, token = np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.int32)
    path, waiting = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    counts = np.zeros(3, dtype=np.int64)  # states seen, states waiting for their class, classes
    for root in range(n):
        if seen[root] == 0:
            _components_from(weights, firsts, root, labels, low, seen, token, path, waiting, counts)
    closed = np.ones(counts[2], dtype=np.bool_)
    for state in range(n):
        if inside[state]:
            first = first_after(firsts, n, V, state)
            for t in range(V):
                if weights[state, t] > 0 and labels[first + t] != labels[state]:
                    closed[labels[state]] = False
    return closed


@compiled
def _components_from(  # type: ignore[no-untyped-def]
    weights, firsts, root, labels, low, seen, token, path, waiting, counts
):
    """Label what is found from a root. ``seen`` numbers the states as they are met, ``low`` falls to the least of those
    that can be come back to, ``token`` is where each stands in its row."""
    n, V = weights.shape
    depth = 0
    path[0] = root
    while depth >= 0:
        state = path[depth]
        if seen[state] == 0:
            counts[0] += 1
            seen[state] = low[state] = counts[0]
            waiting[counts[1]] = state
            counts[1] += 1
        after = _next_unseen(weights, first_after(firsts, n, V, state), state, labels, low, seen, token)
        if after >= 0:
            depth += 1
            path[depth] = after
            continue
        if low[state] == seen[state]:
            while labels[state] < 0:
                counts[1] -= 1
                labels[waiting[counts[1]]] = counts[2]
            counts[2] += 1
        depth -= 1


@compiled
def _next_unseen(weights, first, state, labels, low, seen, token):  # type: ignore[no-untyped-def]
    """The next state on a row that was not seen yet, or -1; what was seen and has no class yet can be come back to."""
    while token[state] < weights.shape[1]:
        t = token[state]
        after = first + t
        if weights[state, t] > 0:
            if seen[after] == 0:
                return after
            if labels[after] < 0:
                low[state] = min(low[state], low[after])
        token[state] += 1
    return -1
