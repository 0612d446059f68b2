"""Windows in another order than a space has: some that are listed, and those of pairs with something else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.states import Window, Windows, as_tokens, is_count
from markovgpt.errors import InvalidInput


@dataclass(frozen=True)
class ListedWindows:
    """Some windows, numbered in the order given: the states of a reachable part.

    Parameters
    ----------
    vocab_size, context_length: V and L of the model they come from.
    windows: distinct tuples of 1 .. L tokens.

    >>> ListedWindows(2, 2, ((1,), (1, 0))).encode((1, 0))
    1
    """

    vocab_size: int
    context_length: int
    windows: tuple[Window, ...]
    _numbers: dict[Window, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", {window: state for state, window in enumerate(self.windows)})

    @property
    def n_states(self) -> int:
        """How many windows are listed."""
        return len(self.windows)

    def encode(self, window: Iterable[int]) -> int:
        """The number of a window.

        Raises
        ------
        InvalidInput: a window that is not listed.
        """
        key = as_tokens(window, self.vocab_size)
        if key not in self._numbers:
            raise InvalidInput(
                f"the window must be one of the {self.n_states} listed, got {key}; "
                "build the reachable part from a start that leads to it"
            )
        return self._numbers[key]

    def decode(self, state: int) -> Window:
        """The window of a number.

        Raises
        ------
        InvalidInput: a number outside 0 .. n_states - 1.
        """
        if not is_count(state) or state >= self.n_states:
            raise InvalidInput(f"states must lie in 0..{self.n_states - 1}, got {state}; see n_states")
        return self.windows[state]

    def token_from_end(self, place: int) -> NDArray[np.int64]:
        """For every state the token at a place, 0 being the newest; -1 where the window is too short."""
        return np.array([window[-1 - place] if place < len(window) else -1 for window in self.windows], dtype=np.int64)


@dataclass(frozen=True)
class PairWindows:
    """The windows of pairs; a window's number is the one it has begun afresh."""

    windows: Windows
    window_of: NDArray[np.int64]

    @property
    def n_states(self) -> int:
        """How many pairs there are."""
        return len(self.window_of)

    @property
    def vocab_size(self) -> int:
        """Number of tokens V."""
        return self.windows.vocab_size

    @property
    def context_length(self) -> int:
        """Longest window L."""
        return self.windows.context_length

    def encode(self, window: Sequence[int]) -> int:
        """The number of a window."""
        return self.windows.encode(window)

    def decode(self, state: int) -> Window:
        """The window of a number."""
        return self.windows.decode(int(self.window_of[state]))

    def token_from_end(self, place: int) -> NDArray[np.int64]:
        """For every pair the token at a place, 0 being the newest; -1 where the window is too short."""
        return np.asarray(self.windows.token_from_end(place)[self.window_of])
