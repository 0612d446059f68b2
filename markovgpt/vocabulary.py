"""Text <-> token ids, and how a token is printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.errors import InvalidInput
from markovgpt.shown import Shown


@dataclass(frozen=True, repr=False)
class Vocabulary(Shown):
    r"""The token strings of a model, in the order of their ids.

    Parameters
    ----------
    tokens: distinct, non-empty strings; ``tokens[i]`` is the text of token ``i``.

    Raises
    ------
    InvalidInput: no tokens, an empty token, or the same string twice.

    >>> letters = Vocabulary(("\n", "a", "b"))
    >>> letters.encode("ab\n"), letters.decode((1, 2)), letters.show((0, 1))
    ((1, 2, 0), 'ab', '\\na')
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        if not self.tokens:
            raise InvalidInput("a vocabulary must hold at least one token, got none; pass the token strings")
        for token in self.tokens:
            if not isinstance(token, str) or not token:
                raise InvalidInput(f"tokens must be non-empty strings, got {token!r}; leave it out or name it")
        if len(set(self.tokens)) < len(self.tokens):
            twice = next(t for t in self.tokens if self.tokens.count(t) > 1)
            raise InvalidInput(f"tokens must be distinct, got {twice!r} more than once; keep one of them")

    @classmethod
    def of_characters(cls, text: Iterable[str]) -> "Vocabulary":
        """The sorted distinct characters of ``text``, one token each.

        >>> Vocabulary.of_characters("banana").tokens
        ('a', 'b', 'n')
        """
        return cls(tuple(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> tuple[int, ...]:
        """Token ids of ``text``; at each place the longest token that fits is taken.

        Raises
        ------
        InvalidInput: a place in the text where no token fits.
        """
        ids = {token: i for i, token in enumerate(self.tokens)}
        longest = max(map(len, self.tokens))
        found, place = [], 0
        while place < len(text):
            fits = (text[place : place + size] for size in range(longest, 0, -1))
            token = next((piece for piece in fits if piece in ids), None)
            if token is None:
                known = " ".join(self.show((i,)) for i in range(min(len(self), 40)))
                raise InvalidInput(
                    f"text must be made of the vocabulary's tokens, got {text[place]!r} at place {place} of "
                    f"{text[:60]!r}; the tokens are: {known}"
                )
            found.append(ids[token])
            place += len(token)
        return tuple(found)

    def decode(self, window: Sequence[int]) -> str:
        """The text of token ids.

        Raises
        ------
        InvalidInput: an id outside 0 .. len - 1.
        """
        for token in window:
            if not 0 <= token < len(self.tokens):
                raise InvalidInput(f"token ids must lie in 0..{len(self) - 1}, got {token}; see Vocabulary.tokens")
        return "".join(self.tokens[token] for token in window)

    def show(self, window: Sequence[int]) -> str:
        r"""The text of token ids with control characters and blanks made visible.

        >>> Vocabulary((" ", "\t", "a")).show((0, 1, 2))
        '␣\\ta'
        """
        return "".join(_visible(character) for character in self.decode(window))


def _visible(character: str) -> str:
    """A character as a reader can see it on paper."""
    return "␣" if character == " " else printable(character)


def printable(text: str) -> str:
    r"""A text with what cannot be seen shown by its number.

    >>> printable("a b\n\u202e")
    'a b\\n\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def token_ids(given: ArrayLike | None, vocab_size: int, *, least: int = 0) -> NDArray[np.int64]:
    """Token ids as an array of any shape; they are never rounded.

    Parameters
    ----------
    least: 0, or -1 where a place without a token is marked so.

    Raises
    ------
    InvalidInput: what is no whole number, or lies outside of the vocabulary.

    >>> token_ids([[0, 1], [1, -1]], 2, least=-1).tolist()
    [[0, 1], [1, -1]]
    """
    ids = np.asarray(given)
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise InvalidInput(f"tokens must be whole numbers, got {ids.dtype}; encode a text with its Vocabulary first")
    outside = (ids < least) | (ids >= vocab_size)
    if outside.any():
        raise InvalidInput(
            f"tokens must lie in 0..{vocab_size - 1}, got {int(ids[outside][0])}; "
            "check the vocabulary the text was encoded with"
        )
    return ids.astype(np.int64)
