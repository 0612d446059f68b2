"""Window <-> state number.

The state number of a window is the window read as a base-V number, oldest token most significant, so the successor of
state s on token a is (s V + a) mod V**L. With prefixes, shorter windows come first, by length: V + V**2 + ... + V**L
states in all. Every export uses this numbering.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from markovgpt.errors import InvalidInput
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

Window = tuple[int, ...]
Mask = NDArray[np.bool_]  # a truth a state


def as_tokens(given: Iterable[int], vocab_size: int) -> Window:
    """Token ids as a tuple of Python integers.

    Raises
    ------
    InvalidInput: a number that is no integer, or outside 0 .. V-1; it is never rounded.

    >>> as_tokens(np.array([1, 0]), 2)
    (1, 0)
    """
    if not isinstance(given, Iterable):
        raise InvalidInput(f"tokens must be a sequence of token ids, got {given}; put it in a list")
    tokens = []
    for token in given:
        if not is_count(token) or token >= vocab_size:
            raise InvalidInput(f"tokens must be whole numbers in 0..{vocab_size - 1}, got {token}; see the vocabulary")
        tokens.append(int(token))
    return tuple(tokens)


def is_count(value: object) -> bool:
    """Whether a value is a whole number of at least 0, and no bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 0


def window_label(window: Sequence[int], vocabulary: Vocabulary | None = None) -> str:
    """How a window is printed: its text, else its ids, run together while they are single digits.

    >>> window_label((0, 1, 1)), window_label((3, 14, 0))
    ('011', '3,14,0')
    """
    if vocabulary is not None:
        return vocabulary.show(window)
    return ("" if max(window, default=0) < 10 else ",").join(map(str, window))


class Windows(Protocol):
    """Windows with numbers: all of them (`StateSpace`) or some (`ListedWindows`)."""

    @property
    def n_states(self) -> int:
        """How many windows there are."""
        ...

    @property
    def vocab_size(self) -> int:
        """Number of tokens V."""
        ...

    @property
    def context_length(self) -> int:
        """Longest window L."""
        ...

    def encode(self, window: Sequence[int]) -> int:
        """The number of a window."""
        ...

    def decode(self, state: int) -> Window:
        """The window of a number."""
        ...

    def token_from_end(self, place: int) -> NDArray[np.int64]:
        """For every state the token at a place, 0 being the newest; -1 where the window is too short."""
        ...


@dataclass(frozen=True)
class StateSpace(Shown):
    """All windows of L tokens out of V, and on request the shorter ones that a text begins with.

    Parameters
    ----------
    vocab_size, context_length: V >= 1 and L >= 1.
    with_prefixes: whether windows of 1 .. L-1 tokens are states too.

    Raises
    ------
    InvalidInput: V or L below 1.

    >>> StateSpace(2, 3).encode((0, 1, 1)), StateSpace(2, 3).decode(3)
    (3, (0, 1, 1))
    >>> space = StateSpace(2, 3, with_prefixes=True)
    >>> space.n_states, space.encode((1,)), space.encode((0, 0)), space.encode((0, 0, 0))
    (14, 1, 2, 6)
    """

    vocab_size: int
    context_length: int
    with_prefixes: bool = False

    def __post_init__(self) -> None:
        for name, size in (("vocab_size", self.vocab_size), ("context_length", self.context_length)):
            if not is_count(size) or size < 1:
                raise InvalidInput(f"{name} must be a whole number of at least 1, got {size}; give the model's size")
            object.__setattr__(self, name, int(size))  # numpy's integers would overflow

    @property
    def shortest(self) -> int:
        """Length of the shortest windows that are states."""
        return 1 if self.with_prefixes else self.context_length

    @property
    def n_states(self) -> int:
        """Number of states, a Python integer of any size."""
        full: int = self.vocab_size**self.context_length
        return self.first_state(self.context_length) + full

    def first_state(self, length: int) -> int:
        """Number of the first window of a length: that many states come before it."""
        return sum(int(self.vocab_size**shorter) for shorter in range(self.shortest, length))

    def encode(self, window: Sequence[int]) -> int:
        """The state number of a window.

        Raises
        ------
        InvalidInput: a length that is no state, or a token outside 0 .. V-1.
        """
        if not self.shortest <= len(window) <= self.context_length:
            allowed = f"{self.shortest} to {self.context_length}" if self.with_prefixes else str(self.context_length)
            raise InvalidInput(
                f"a window must hold {allowed} tokens, got {len(window)}; keep the newest tokens of a longer text, "
                "and for a shorter one use the states with prefixes (with_prefixes=True, --prefixes)"
            )
        number = 0
        for token in as_tokens(window, self.vocab_size):
            number = number * self.vocab_size + token
        return self.first_state(len(window)) + number

    def numbers(self, windows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """The state numbers of windows of one length, an array (B, T).

        Raises
        ------
        InvalidInput: as `encode`.

        >>> StateSpace(2, 2).numbers(np.array([[0, 1], [1, 1]])).tolist()
        [1, 3]
        """
        tokens = np.asarray(windows)
        if tokens.size == 0 or not 0 <= tokens.min() <= tokens.max() < self.vocab_size:
            return np.array([self.encode(window) for window in tokens.tolist()], dtype=np.int64)  # says what is wrong
        length = tokens.shape[1]
        first = self.encode(tokens[0].tolist()) - int(self._places(length) @ tokens[0])
        return np.asarray(first + tokens.astype(np.int64) @ self._places(length))

    def decode(self, state: int) -> Window:
        """The window of a state number.

        Raises
        ------
        InvalidInput: a number outside 0 .. n_states - 1.
        """
        if not is_count(state) or state >= self.n_states:
            raise InvalidInput(f"states must lie in 0..{self.n_states - 1}, got {state}; see StateSpace.n_states")
        length = self.context_length
        while self.first_state(length) > state:
            length -= 1
        rest, tokens = int(state) - self.first_state(length), []
        for _ in range(length):
            rest, token = divmod(rest, self.vocab_size)
            tokens.append(token)
        return tuple(reversed(tokens))

    def label(self, state: int, vocabulary: Vocabulary | None = None) -> str:
        """How the window of a state is printed.

        >>> StateSpace(2, 3).label(3)
        '011'
        """
        return window_label(self.decode(state), vocabulary)

    def successors(
        self, tokens: NDArray[np.integer[Any]], states: NDArray[np.integer[Any]] | None = None
    ) -> NDArray[np.int64]:
        """The state that each token leads to from each state, one for every state of the space if none are given.

        >>> StateSpace(2, 2).successors(np.array([0, 0, 1, 1])).tolist()     # 00 again, 10, 01 and 11 again
        [0, 2, 1, 3]
        """
        before = np.arange(self.n_states) if states is None else states
        lengths = range(self.shortest, self.context_length + 1)
        firsts = np.array([self.first_state(length) for length in lengths])
        level = np.searchsorted(firsts, before, side="right") - 1
        length = np.minimum(level + self.shortest + 1, self.context_length)
        after = firsts[np.minimum(level + 1, len(firsts) - 1)]
        return np.asarray(after + ((before - firsts[level]) * self.vocab_size + tokens) % self.vocab_size**length)

    def windows(self, length: int, first: int = 0, stop: int | None = None) -> NDArray[np.int64]:
        """Windows of one length in the order of their numbers, as an array (count, length).

        ``first`` and ``stop`` count among the windows of that length.

        >>> StateSpace(2, 2).windows(2, first=1).tolist()
        [[0, 1], [1, 0], [1, 1]]
        """
        numbers = np.arange(first, self.vocab_size**length if stop is None else stop, dtype=np.int64)
        return numbers[:, None] // self._places(length) % self.vocab_size  # (count, length)

    def _places(self, length: int) -> NDArray[np.int64]:
        """What each token of a window counts, the oldest first."""
        return self.vocab_size ** np.arange(length - 1, -1, -1, dtype=np.int64)

    def token_from_end(self, place: int) -> NDArray[np.int64]:
        """For every state the token at a place, 0 being the newest; -1 where the window is too short.

        >>> StateSpace(2, 2, with_prefixes=True).token_from_end(1).tolist()
        [-1, -1, 0, 0, 1, 1]
        """
        found = np.full(self.n_states, -1, dtype=np.int64)
        for length in range(max(self.shortest, place + 1), self.context_length + 1):
            count, first = self.vocab_size**length, self.first_state(length)
            found[first : first + count] = np.arange(count) // self.vocab_size**place % self.vocab_size
        return found
