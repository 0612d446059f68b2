"""Windows that go on alike, each window saying one token: found in one pass, because a window forgets.

Let o(s) be the token that window s says, f(s, t) the window after s and t, and L the longest window.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.refinement import RowNumbers, equal_rows, index_type
from markovgpt.chains.states import Mask, StateSpace
from markovgpt.memory import require_memory

States = NDArray[np.integer[Any]]


def same_ahead(space: StateSpace, after: States) -> tuple[States, int]:
    """(n_states,) labels that two windows share if and only if they say the same for ever; and a bound on them.

    Parameters
    ----------
    after: (n_states,) the window after each, f(s, o(s)).

    Method: let g(s) be the window L steps on. Windows that are shorter than L have grown to it by then, and every token
    of g(s) is one that was said: g(s) *is* the next L words. So if s and r say the same, g(s) = g(r). And if
    g(s) = g(r), their next L words are the same, and those that follow are what one window says. The label is g(s),
    found by doubling in at most 2 log2(L) + 1 gathers.

    >>> space = StateSpace(2, 2)
    >>> same_ahead(space, space.successors(np.array([1, 1, 1, 0])))[0].tolist()      # 110 110 ...: 00 says what 10 does
    [3, 2, 3, 1]
    """
    found, power, steps = np.arange(space.n_states, dtype=after.dtype), after, space.context_length
    while steps:
        if steps % 2:
            found = power[found]
        steps //= 2
        if steps:
            power = power[power]
    return found, space.n_states


def same_after_any_text(space: StateSpace, said: States) -> tuple[States, int]:
    """(n_states,) labels that two windows share if and only if they say the same after any text; and a bound on them.

    Parameters
    ----------
    said: (n_states,) the token that each window says.

    Method: f((a, m), t) = (m, t) does not depend on the oldest token a. So (a, m) and (b, m') share a label if and only
    if they say the same token and m and m' have equal rows: m u and m' u say the same for every text u of one token or
    more. For a text y of L - j tokens let A(y) be what is said after y and every text of just j tokens, R(y) what is
    said after y and every text of j or more. A(y) is the row of A(y t) over the tokens t. What is said after y and
    j + 1 tokens or more no longer depends on the oldest token of y, so R(y) = (A(y), R(y without it)). Equal rows and
    equal pairs get one number, exactly, from A at j = 1 on up, then from R at j = L - 1 on down to R at j = 1, the row.
    That looks up n / V rows of V numbers, n / V**2 of them, and so on: each window is read once.

    A window of l < L tokens says its token, and has the row of the labels of the windows of l + 1 tokens that follow
    it: looked up among those of longer ones, the longest first.

    >>> same_after_any_text(StateSpace(2, 2), np.array([1, 1, 1, 0]))[0].tolist()    # the row of 0, then that of 1
    [1, 3, 1, 2]
    """
    V, L, n_shorter = space.vocab_size, space.context_length, space.first_state(space.context_length)
    full = said[n_shorter:]
    just: list[States] = []  # A(y) of all y of L - 1 tokens, of L - 2, ..., of 1
    for _ in range(L - 1):
        just.append(equal_rows((just[-1] if just else full).reshape(-1, V))[0])
    row: States = np.zeros(1, dtype=np.int32)  # R(y) of the empty text, then of all y of 1 token, ..., of L - 1
    first: States = row
    for texts in reversed(just):
        row, first = equal_rows(np.column_stack([texts, np.tile(row, V)]))
    kind = index_type(V * (len(first) + n_shorter))
    labels = np.empty(space.n_states, dtype=kind)
    of_full = labels[n_shorter:]
    of_full.reshape(V, -1)[:] = row
    of_full *= V
    of_full += full.astype(kind, copy=False)
    if not n_shorter:
        return labels, V * len(first)
    known = RowNumbers(n_shorter, V)  # which meets the rows of full windows first, and numbers them as R is
    for length in range(L - 1, 0, -1):
        own, longer = space.first_state(length), space.first_state(length + 1)
        rows = known.of(labels[longer : longer + V ** (length + 1)].reshape(-1, V))
        labels[own:longer] = rows * kind(V) + said[own:longer]
    return labels, V * known.n_distinct


def readable_from(space: StateSpace, start: int) -> Mask:
    """The windows that some text leads to from one: what begins with it while it grows, then every full one.

    >>> np.flatnonzero(readable_from(StateSpace(2, 2, with_prefixes=True), 1)).tolist()      # 1, then 00, 01, 10 and 11
    [1, 2, 3, 4, 5]
    """
    met = np.zeros(space.n_states, dtype=bool)
    met[space.first_state(space.context_length) :] = True
    length = len(space.decode(start))
    low = start - space.first_state(length)
    for longer in range(length, space.context_length):
        count = space.vocab_size ** (longer - length)
        met[space.first_state(longer) + low * count :][:count] = True
    return met


def rows_after(space: StateSpace, labels: States, windows: States) -> States:
    """(k, V) the label of the window after each of some windows, ascending, and each token.

    Raises
    ------
    TooLarge: they would not fit.

    >>> rows_after(StateSpace(2, 2), np.array([7, 8, 9, 6]), np.array([0, 3])).tolist()      # 00, 01 and 10, 11
    [[7, 8], [9, 6]]
    """
    V, L = space.vocab_size, space.context_length
    require_memory(
        labels.itemsize * V * len(windows),
        f"the steps of {len(windows)} states on {V} tokens",
        "ask for the machine that reads its own words alone, or give a shorter context length",
    )
    found = np.empty((len(windows), V), dtype=labels.dtype)
    for length in range(space.shortest, L + 1):
        own, after = space.first_state(length), space.first_state(min(length + 1, L))
        low, high = np.searchsorted(windows, [own, own + V**length])
        rows = labels[after : after + V ** min(length + 1, L)].reshape(-1, V)
        places = (windows[low:high] - own) % len(rows)
        np.take(rows, places, axis=0, out=found[low:high], mode="clip")  # "raise" would fill a second table first
    return found
