"""The data's own chain: how often each token follows each window in a text, and the chain that these counts make.

Only what was counted is in it. A window that never occurs has no row, and nothing is smoothed: the chain lives on the
windows that occur. Read as a circle, or beginning and ending in the same window, a text enters each window as often as
it leaves it; then the windows' shares of the text are a stationary distribution of its chain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.listed_windows import ListedWindows
from markovgpt.chains.operator import Edges
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask, StateSpace, is_count, window_label
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.memory import require_memory
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary, token_ids

IGNORED = -1  # a target that is not counted, as train_gpt has it
BYTES_PER_PAIR = 64  # windows, tokens and pairs, and their sorting
MOST_PAIRS = 2**62

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class WindowCounts(Shown):
    """How often each token follows each window; pairs that do not occur are not listed.

    Parameters
    ----------
    space: which windows are counted.
    state, token, count: (k,) the pairs of a window and a token, sorted, none twice, and how often each occurs, at least
        once.
    vocabulary: the tokens' strings, if known.
    """

    space: StateSpace
    state: Integers
    token: Integers
    count: Integers
    vocabulary: Vocabulary | None = None

    @property
    def total(self) -> int:
        """How many examples were counted."""
        return int(self.count.sum())

    @cached_property
    def seen(self) -> Mask:
        """(n_states,) the windows that a token follows."""
        require_memory(self.space.n_states, f"a mask of {self.space.n_states} states", "give a shorter context length")
        found = np.zeros(self.space.n_states, dtype=bool)
        found[self.state] = True
        return found

    @cached_property
    def window_count(self) -> Integers:
        """(k,) how often the window of each pair occurs."""
        first = np.flatnonzero(np.diff(self.state, prepend=-1))
        sizes = np.diff(np.append(first, len(self.state)))
        return np.repeat(np.add.reduceat(self.count, first), sizes)

    @cached_property
    def successor(self) -> Integers:
        """(k,) the window that each pair leads to."""
        V, L, space = self.space.vocab_size, self.space.context_length, self.space
        firsts = np.array([space.first_state(length) for length in range(space.shortest, L + 1)], dtype=np.int64)
        level = np.searchsorted(firsts, self.state, side="right") - 1
        after = np.minimum(level + 1, len(firsts) - 1)
        sizes = V ** (after + space.shortest)  # windows as long as the next one
        return np.asarray(firsts[after] + ((self.state - firsts[level]) * V + self.token) % sizes)

    def label(self, state: int) -> str:
        """How a window is printed."""
        return self.space.label(state, self.vocabulary)


def in_a_row(texts: Iterable[Sequence[int]], context_length: int, start_token: int = 0) -> tuple[int, ...]:
    """Texts as one, with L start tokens before each and after the last: every text begins in the same window.

    So no text is read in the light of the one before, and the whole begins and ends in the window of start tokens.

    Raises
    ------
    InvalidInput: no texts, or a context length or start token that is no whole number.

    >>> in_a_row([(1, 2), (3,)], context_length=2)
    (0, 0, 1, 2, 0, 0, 3, 0, 0)
    """
    if not is_count(context_length) or context_length < 1 or not is_count(start_token):
        raise InvalidInput(
            "context_length must be a whole number of at least 1 and start_token one of at least 0, got "
            f"{context_length} and {start_token}; give the model's"
        )
    start, found = (int(start_token),) * int(context_length), []
    for text in texts:
        found += [*start, *text]
    if not found:
        raise InvalidInput("texts must hold at least one text, got none; give a sequence of token sequences")
    return (*found, *start)


def count_windows(
    tokens: Sequence[int] | None,
    space: StateSpace,
    *,
    wrap_around: bool = False,
    examples: tuple[ArrayLike, ArrayLike] | None = None,
    vocabulary: Vocabulary | None = None,
) -> WindowCounts:
    """How often does each token follow each window of a text?

        c(w, t) = number of places at which the window w is followed by the token t

    Parameters
    ----------
    tokens: the text; every window of L tokens and the token after it is one example, as `train_gpt` learns them.
        Several texts: see `in_a_row`.
    space: which windows are counted.
    wrap_around: whether the text is read as a circle, its beginning following its end: as many examples as tokens.
    examples: instead of tokens, (inputs (N, T), targets (N, T)), as for `train_gpt`; a target of -1 is not counted.
        What follows fewer than L tokens needs a space with prefixes.
    vocabulary: kept with the counts.

    Raises
    ------
    InvalidInput: no example, tokens outside the vocabulary, or examples after windows that are no states.
    TooLarge: more windows than can be numbered, or examples that do not fit.

    >>> counts = count_windows((0, 0, 1, 0, 1), StateSpace(2, 1))            # 0 0, 0 1, 1 0, 0 1
    >>> list(zip(counts.state.tolist(), counts.token.tolist(), counts.count.tolist()))
    [(0, 0, 1), (0, 1, 2), (1, 0, 1)]
    """
    V, L = space.vocab_size, space.context_length
    if space.n_states * V >= MOST_PAIRS:
        raise TooLarge(
            f"windows to be counted must number below 2**62 / V, got {V}**{L}; give a shorter context length"
        )
    if (tokens is None) == (examples is None):
        raise InvalidInput("give either tokens or examples, got both or neither; pass tokens=None with examples")
    if examples is not None:
        if wrap_around:
            raise InvalidInput("examples must be counted as they are, got wrap_around; give tokens to read as a circle")
        states, following = _of_examples(examples, space)
    else:
        states, following = _of_text(token_ids(tokens, V), space, wrap_around)
    pairs, count = np.unique(states * V + following, return_counts=True)
    return WindowCounts(space, pairs // V, pairs % V, count.astype(np.int64), vocabulary)


def counted_chain(counts: WindowCounts, *, absorbing_end: bool = False) -> SparseChain:
    """The chain of a text: which token follows which window, as often as it did.

        p(t | w) = c(w, t) / sum_u c(w, u)          for the windows w that occur; no others are states

    Parameters
    ----------
    absorbing_end: whether a text may end in a window that nothing was seen to follow; that window is never left then.

    Raises
    ------
    InvalidInput: a window that is entered and never left, where that is not allowed; it is named.
    TooLarge: the windows would not fit.

    >>> chain = counted_chain(count_windows((0, 0, 1, 0, 1), StateSpace(2, 1)))
    >>> chain.to_csr().toarray().round(3).tolist()
    [[0.333, 0.667], [1.0, 0.0]]
    """
    space, n_pairs = counts.space, len(counts.state)
    windows = np.union1d(counts.state, counts.successor)
    ends = np.setdiff1d(counts.successor, counts.state)
    if len(ends) and not absorbing_end:
        raise InvalidInput(
            "every window that occurs must be followed by a token, got "
            f"{counts.label(int(ends[0]))!r} only at the end; "
            "count with wrap_around=True, or make the end absorbing (absorbing_end=True)"
        )
    require_memory(
        (200 + 40 * space.context_length) * len(windows) + BYTES_PER_PAIR * n_pairs,
        f"a chain of {len(windows)} windows",
        "give a shorter text",
    )
    source = np.searchsorted(windows, np.append(counts.state, ends))
    target = np.searchsorted(windows, np.append(counts.successor, ends))
    probability = np.append(counts.count / counts.window_count, np.ones(len(ends)))
    order = np.lexsort((target, source))
    listed = tuple(space.decode(state) for state in windows.tolist())
    return SparseChain(
        Edges(source[order], target[order], probability[order]),
        len(windows),
        tuple(window_label(window, counts.vocabulary) for window in listed),
        ListedWindows(space.vocab_size, space.context_length, listed),
        counts.vocabulary,
    )


def _of_text(text: Integers, space: StateSpace, wrap_around: bool) -> tuple[Integers, Integers]:
    """The windows of a text and what follows them."""
    L = space.context_length
    least = 1 if wrap_around else L + 1
    if text.ndim != 1 or len(text) < least:
        raise InvalidInput(
            f"tokens must be one sequence of at least {least} tokens, got shape {text.shape}; give more text, a "
            "shorter context, or read it as a circle (wrap_around=True)"
        )
    whole = np.resize(text, len(text) + L) if wrap_around else text
    require_memory(BYTES_PER_PAIR * len(whole), f"the windows of {len(text)} tokens", "give a shorter text")
    number = np.zeros(len(whole) - L, dtype=np.int64)
    for place in range(L):
        number = number * space.vocab_size + whole[place : len(whole) - L + place]
    return space.first_state(L) + number, whole[L:]


def _of_examples(examples: tuple[ArrayLike, ArrayLike], space: StateSpace) -> tuple[Integers, Integers]:
    """The windows of examples and what follows them."""
    V, L = space.vocab_size, space.context_length
    inputs, targets = (token_ids(part, V, least=least) for part, least in zip(examples, (0, IGNORED), strict=True))
    if inputs.ndim != 2 or inputs.shape != targets.shape or not 1 <= inputs.shape[1] <= L:
        raise InvalidInput(
            f"examples must be two arrays (N, T) of one shape with T in 1..{L}, "
            f"got {inputs.shape} and {targets.shape}; mark what is not to be counted by a target of -1"
        )
    require_memory(BYTES_PER_PAIR * inputs.size, f"the windows of {len(inputs)} examples", "give fewer")
    number = np.zeros(len(inputs), dtype=np.int64)
    states, following = [], []
    for place in range(inputs.shape[1]):
        number = number * V + inputs[:, place]
        counted = targets[:, place] != IGNORED
        if counted.any() and place + 1 < space.shortest:
            raise InvalidInput(
                f"what is counted must follow a window of {L} tokens, got a target after {place + 1}; mark it by -1, "
                "or count over a space with prefixes (with_prefixes=True)"
            )
        states.append(space.first_state(place + 1) + number[counted])
        following.append(targets[counted, place])
    if not any(map(len, states)):
        raise InvalidInput("examples must hold a target to count, got only -1; give the tokens that should follow")
    return np.concatenate(states), np.concatenate(following)
