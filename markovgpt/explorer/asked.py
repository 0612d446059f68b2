"""What the explorer's page is asked at first: checked against the windows before a model is tabulated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from markovgpt.chains.red import pattern_tokens
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace, Window, as_tokens, is_count
from markovgpt.errors import InvalidInput
from markovgpt.vocabulary import Vocabulary

SHOWN_SETTINGS = ("temperature", "top_k", "top_p", "min_p", "engine")  # those that the page has

Pattern = str | Sequence[int]


@dataclass(frozen=True)
class Asked:
    """What the page stands at when it is opened.

    Parameters
    ----------
    settings: of the sliders.
    red: the token ids that red windows end with, a tuple for each pattern.
    start: the window of L tokens where a text begins.
    horizon: tokens n of P(red within n).
    seed: of the walk.
    """

    settings: SamplingSettings
    red: tuple[Window, ...]
    start: Window
    horizon: int
    seed: int


def asked_of(
    space: StateSpace,
    vocabulary: Vocabulary | None = None,
    *,
    settings: SamplingSettings | None = None,
    red: Pattern | Sequence[Pattern] | None = None,
    start: Pattern | None = None,
    horizon: int = 10,
    seed: int = 1337,
) -> Asked:
    """What is asked, in token ids.

    Parameters
    ----------
    space, vocabulary: of the windows that are shown.
    settings: what the sliders stand at first; None is temperature 1.
    red: a text or token ids that windows end with, or several; None marks none.
    start: the window where a text begins; None is the window of token 0 alone.
    horizon: tokens n of P(red within n), 1 .. 100,000.
    seed: of the walk, 0 .. 2**32 - 1.

    Raises
    ------
    InvalidInput: settings that the page does not have, red or a start that does not fit the windows, a horizon or a
        seed outside its range.

    >>> found = asked_of(StateSpace(2, 2), red=[(1, 1), (0,)])
    >>> found.red, found.start
    (((1, 1), (0,)), (0, 0))
    """
    chosen = SamplingSettings() if settings is None else settings
    others = sorted(set(chosen.active) - set(SHOWN_SETTINGS))
    if others:
        raise InvalidInput(
            f"settings must be among {', '.join(SHOWN_SETTINGS)}, which the page has, got {', '.join(others)}; "
            "leave it out"
        )
    if not is_count(horizon) or not 1 <= horizon <= 100_000:
        raise InvalidInput(f"horizon must be a whole number from 1 to 100000, got {horizon}; 10 is usual")
    if not is_count(seed) or seed >= 2**32:
        raise InvalidInput(f"seed must be a whole number from 0 to {2**32 - 1}, got {seed}; 1337 is usual")
    begin = (0,) * space.context_length if start is None else _start_of(space, vocabulary, start)
    return Asked(chosen, _red_of(space, vocabulary, red), begin, horizon, seed)


def _red_of(
    space: StateSpace, vocabulary: Vocabulary | None, red: Pattern | Sequence[Pattern] | None
) -> tuple[Window, ...]:
    """The token ids of each red pattern."""
    if red is None:
        return ()
    is_one = isinstance(red, str) or (len(red) > 0 and all(isinstance(part, int | np.integer) for part in red))
    patterns: Any = [red] if is_one else red
    return tuple(pattern_tokens(space, pattern, vocabulary) for pattern in patterns)


def _start_of(space: StateSpace, vocabulary: Vocabulary | None, start: Pattern) -> Window:
    """The window of a start."""
    if isinstance(start, str) and vocabulary is None:
        raise InvalidInput(f"start as text needs a vocabulary, got {start!r} without one; give token ids instead")
    tokens = as_tokens(vocabulary.encode(start) if isinstance(start, str) else start, space.vocab_size)  # type: ignore[union-attr]
    if len(tokens) != space.context_length:
        raise InvalidInput(
            f"start must hold {space.context_length} tokens, as many as a window of the page, got {len(tokens)}; "
            "write what comes before a shorter one, and keep the newest tokens of a longer one"
        )
    return tokens
