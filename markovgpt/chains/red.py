"""What is red: windows that end with a pattern or contain it, and patterns of any length over tokens or texts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from markovgpt.chains.automaton import TokenAutomaton, aho_corasick, over_tokens
from markovgpt.chains.regex import searching
from markovgpt.chains.states import Mask, Windows, as_tokens
from markovgpt.errors import InvalidInput
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class RedPattern(Shown):
    """What must not be written: red is the moment when it is complete. Made by `red_strings` and its like.

    Parameters
    ----------
    name: how it is printed.
    compiled: from the number of tokens V to the automaton that accepts when the pattern is complete.
    """

    name: str
    compiled: Callable[[int], TokenAutomaton]

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


def red_strings(*texts: str, vocabulary: Vocabulary) -> RedPattern:
    """Any of some texts, however it is cut into tokens, and wherever it begins or ends in one.

    Raises
    ------
    InvalidInput: no text, an empty one, or one with a character that no token has.

    >>> syllables = Vocabulary(("a", "b", "ab", "ba"))
    >>> red_strings("aba", vocabulary=syllables).compiled(4).next_state[0].tolist()    # "", "a" and "ab" so far
    [1, 0, 2, 1]
    """
    letters = _letters(vocabulary)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise InvalidInput(f"red texts must be one or more, none of them empty, got {texts}; say which text is red")
    numbers = {letter: number for number, letter in enumerate(letters)}
    for text in texts:
        unknown = next((letter for letter in text if letter not in numbers), None)
        if unknown is not None:
            raise InvalidInput(
                f"red text must be made of the vocabulary's characters, got {unknown!r} in {text[:60]!r}; they are: "
                f"{''.join(letters)[:80]!r}"
            )
    sequences = [[numbers[letter] for letter in text] for text in texts]
    return _of_letters(" or ".join(map(repr, texts)), aho_corasick(sequences, len(letters)), vocabulary)


def red_tokens(*sequences: Sequence[int]) -> RedPattern:
    """Any of some sequences of token ids.

    Raises
    ------
    InvalidInput: no sequence, or an empty one; when it is asked about, tokens outside the vocabulary.

    >>> red_tokens((0, 1)).compiled(2).accepting.tolist()
    [False, False, True]
    """
    given = [tuple(sequence) if isinstance(sequence, Iterable) else () for sequence in sequences]
    if not given or not all(given):
        raise InvalidInput(
            f"red tokens must be one or more sequences, none of them empty, got {sequences}; give lists of ids"
        )

    def compiled(vocab_size: int) -> TokenAutomaton:
        return aho_corasick([as_tokens(sequence, vocab_size) for sequence in given], vocab_size)

    return RedPattern("tokens " + " or ".join(",".join(map(str, sequence)) for sequence in given), compiled)


def red_regex(regex: str, vocabulary: Vocabulary) -> RedPattern:
    """Any text that matches a regular expression, however it is cut into tokens; see `markovgpt.chains.regex`.

    Raises
    ------
    InvalidInput: an expression that cannot be read or matches the empty text, or greenery is not there.
    TooLarge: an expression of too many states.

    >>> red_regex("a+b", Vocabulary(("a", "b"))).compiled(2).next_state.tolist()
    [[1, 0], [1, 2], [1, 0]]
    """
    return _of_letters(f"/{regex}/", searching(regex, _letters(vocabulary)), vocabulary)


def _letters(vocabulary: Vocabulary) -> list[str]:
    """The characters that can be written.

    Raises
    ------
    InvalidInput: no vocabulary, such as that of a model without one.
    """
    if not isinstance(vocabulary, Vocabulary):
        raise InvalidInput(
            f"red texts and expressions need a vocabulary, got {vocabulary!r}; give one, as of model.vocabulary, or "
            "token ids (red_tokens)"
        )
    return sorted(set("".join(vocabulary.tokens)))


def _of_letters(name: str, letters: TokenAutomaton, vocabulary: Vocabulary) -> RedPattern:
    """A pattern over the characters of a vocabulary."""
    numbers = {letter: number for number, letter in enumerate(_letters(vocabulary))}
    automaton = over_tokens(letters, [[numbers[letter] for letter in token] for token in vocabulary.tokens])

    def compiled(vocab_size: int) -> TokenAutomaton:
        if vocab_size != len(vocabulary):
            raise InvalidInput(
                f"red {name} was made for a vocabulary of {len(vocabulary)} tokens, got a chain over {vocab_size}; "
                "make it with the model's own vocabulary"
            )
        return automaton

    return RedPattern(name, compiled)


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
