"""Red sets within the window: which windows end with a pattern, which contain it."""

from collections.abc import Sequence

import numpy as np

from markovgpt.chains.states import Mask, Windows, as_tokens
from markovgpt.errors import InvalidInput
from markovgpt.vocabulary import Vocabulary


def ending_with(space: Windows, pattern: str | Sequence[int], vocabulary: Vocabulary | None = None) -> Mask:
    """Which windows end with the pattern? The moment it has just been written.

    Parameters
    ----------
    space: the windows.
    pattern: token ids, or a text, which needs the vocabulary.

    Returns
    -------
    mask: (n_states,) bool.

    Raises
    ------
    InvalidInput: an empty pattern, one longer than the window, unknown tokens, a text without a vocabulary.

    >>> from markovgpt.chains.states import StateSpace
    >>> np.flatnonzero(ending_with(StateSpace(2, 3), (0, 1))).tolist()    # 001 and 101
    [1, 5]
    """
    return _with_pattern_at(space, pattern_tokens(space, pattern, vocabulary), 0)


def containing(space: Windows, pattern: str | Sequence[int], vocabulary: Vocabulary | None = None) -> Mask:
    """Which windows contain the pattern, at any place? Parameters and refusals as for `ending_with`.

    >>> from markovgpt.chains.states import StateSpace
    >>> np.flatnonzero(containing(StateSpace(2, 3), (0, 1))).tolist()    # 001, 010, 011 and 101
    [1, 2, 3, 5]
    """
    tokens = pattern_tokens(space, pattern, vocabulary)
    places = range(space.context_length - len(tokens) + 1)
    return np.asarray(np.logical_or.reduce([_with_pattern_at(space, tokens, place) for place in places]))


def pattern_tokens(
    space: Windows, pattern: str | Sequence[int], vocabulary: Vocabulary | None = None
) -> tuple[int, ...]:
    """The token ids of a pattern that fits in the window; see `ending_with`."""
    if isinstance(pattern, str):
        if vocabulary is None:
            raise InvalidInput(
                f"a text pattern needs a vocabulary, got {pattern!r} without one; give token ids instead"
            )
        tokens = vocabulary.encode(pattern)
    else:
        tokens = as_tokens(pattern, space.vocab_size)
    if not tokens:
        raise InvalidInput("a pattern must hold at least one token, got none; say which text is red")
    if len(tokens) > space.context_length:
        shown = pattern if isinstance(pattern, str) else ",".join(map(str, tokens))
        raise InvalidInput(
            f"red must fit in the window of {space.context_length} tokens, got {len(tokens)} tokens: {shown!r}; "
            f"ask about a part of at most {space.context_length} tokens"
        )
    return tokens


def _with_pattern_at(space: Windows, tokens: tuple[int, ...], place: int) -> Mask:
    """Which windows have the tokens so that ``place`` newer ones follow them."""
    found = np.ones(space.n_states, dtype=bool)
    for back, token in enumerate(reversed(tokens)):
        found &= space.token_from_end(place + back) == token
    return found
