"""The model asked once about every window. Dear to make; every sampling setting is then cheap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.sampling import first_invalid_row
from markovgpt.chains.states import StateSpace, window_label
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.models.gpt import GPT
from markovgpt.models.prefix_tree import logits_of_all_windows
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.source import ModelSource
from markovgpt.models.threads import one_torch_thread
from markovgpt.vocabulary import Vocabulary

TILE_ROWS = 256  # torch gives other bits for batches of one or two rows than for larger ones: every batch is this size


@dataclass(frozen=True, eq=False)
class LogitTable:
    """The next-token logits of every window.

    Parameters
    ----------
    space: which windows.
    logits: (n_states, V), in the model's own dtype, which is part of the definition of the chain; made read-only.
    vocabulary: the tokens' strings, if known.
    source: where the model came from, if it was loaded.

    Raises
    ------
    InvalidInput: logits of another shape than the space's.

    >>> LogitTable(StateSpace(2, 1), np.zeros((2, 2))).logits.dtype
    dtype('float64')
    """

    space: StateSpace
    logits: NDArray[np.floating[Any]]
    vocabulary: Vocabulary | None = None
    source: ModelSource | None = None

    def __post_init__(self) -> None:
        expected = (self.space.n_states, self.space.vocab_size)
        if self.logits.shape != expected:
            raise InvalidInput(
                f"logits must have the shape (n_states, V) = {expected}, got {self.logits.shape}; "
                "one row for each state of the space"
            )
        self.logits.setflags(write=False)


def tabulate(
    model: NextTokenModel,
    *,
    with_prefixes: bool = False,
    context_length: int | None = None,
    memory_budget: int | None = None,
) -> LogitTable:
    """What does the model say after every window?

    Parameters
    ----------
    model: any `NextTokenModel`.
    with_prefixes: whether the shorter windows that a text begins with are states too.
    context_length: a shorter window than the model's own, 1 .. L; None takes the model's.
    memory_budget: bytes the table may take; None allows 3/4 of what is free.

    Raises
    ------
    TooLarge: the table would not fit; said before anything is allocated.
    InvalidInput: a context length outside 1 .. L, or logits that are no numbers (the window is named).

    Method: a `GPT` is walked as a tree of shared prefixes (`markovgpt.models.prefix_tree`), any other model is asked in
    batches of one fixed number of rows. On one thread and in shapes that depend on V alone, so that tabulating again,
    with or without prefixes, gives the same bytes. A full forward of the same window can differ in the last digits.

    >>> from markovgpt.models.protocol import as_model
    >>> def newest(windows): return np.eye(2)[np.asarray(windows)[:, -1]]
    >>> tabulate(as_model(newest, vocab_size=2, context_length=2)).logits.tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """
    L = model.context_length if context_length is None else context_length
    if not 1 <= L <= model.context_length:
        raise InvalidInput(
            f"context_length must lie in 1..{model.context_length}, the model's own, got {L}; leave it out to take all"
        )
    space = StateSpace(model.vocab_size, L, with_prefixes)
    require_memory(
        space.n_states * model.vocab_size * _bytes_per_logit(model),
        f"{model.vocab_size}**{L} states x {model.vocab_size} tokens",
        "give a shorter context length (context_length=, --context-length), or ask only about what is reachable from "
        "a start (reachable_chain)",
        budget=memory_budget,
    )
    logits: NDArray[np.floating[Any]] = np.empty(0)
    for state, rows in _answers(model, space):
        if not logits.size:  # the first answer says the dtype
            logits = np.empty((space.n_states, space.vocab_size), dtype=rows.dtype)
        logits[state : state + len(rows)] = rows
    return LogitTable(space, logits, model.vocabulary, getattr(model, "source", None))


def _bytes_per_logit(model: NextTokenModel) -> int:
    """Bytes of one logit: of a GPT's weights, else of a double, the most a model gives."""
    return model.lm_head.weight.element_size() if isinstance(model, GPT) else 8


def _answers(model: NextTokenModel, space: StateSpace) -> Iterator[tuple[int, NDArray[np.floating[Any]]]]:
    """The logits after all windows, part by part, each with the number of its first state."""
    if isinstance(model, GPT):
        for length, first, logits in logits_of_all_windows(
            model, space.context_length, with_prefixes=space.with_prefixes
        ):
            row = first_invalid_row(logits)
            if row is not None:
                _refuse(logits[row], space.windows(length, first + row, first + row + 1)[0], model.vocabulary)
            yield space.first_state(length) + first, logits
    else:
        for state, windows in _tiles(space):
            yield state, ask(model, windows)


def _tiles(space: StateSpace) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """All windows of a space, one tile after the other, each with the number of its first state."""
    for length in range(space.shortest, space.context_length + 1):
        count = space.vocab_size**length
        for first in range(0, count, TILE_ROWS):
            yield space.first_state(length) + first, space.windows(length, first, min(first + TILE_ROWS, count))


def ask(model: NextTokenModel, windows: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
    """The model's logits (B, V) after windows (B, T), each row a function of its window alone.

    Raises
    ------
    InvalidInput: NaN, +inf or nothing but -inf after a window, which is named, or logits of another shape.
    """
    answers = []
    with one_torch_thread():
        for first in range(0, len(windows), TILE_ROWS):
            tile = windows[first : first + TILE_ROWS]
            padding = np.repeat(tile[:1], TILE_ROWS - len(tile), axis=0)
            logits = model.next_token_logits(np.concatenate([tile, padding]))
            if logits.shape != (TILE_ROWS, model.vocab_size):
                raise InvalidInput(
                    f"the model must give logits of shape ({TILE_ROWS}, {model.vocab_size}), one row a window, got "
                    f"{logits.shape}; as_model adapts other forms"
                )
            answers.append(logits[: len(tile)])
    logits = np.concatenate(answers)
    row = first_invalid_row(logits)
    if row is not None:
        _refuse(logits[row], windows[row], model.vocabulary)
    return logits


def _refuse(logits: NDArray[np.floating[Any]], window: NDArray[np.int64], vocabulary: Vocabulary | None) -> None:
    """Refuse logits that are no distribution, naming their window."""
    tokens = tuple(window.tolist())
    raise InvalidInput(
        f"the model must give a number for some token and NaN for none, got {logits} after the window "
        f"{window_label(tokens, vocabulary)!r} (tokens {tokens}); look for NaN or overflow in the weights"
    )
