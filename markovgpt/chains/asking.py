"""Ask a model about windows, so that each row is a function of its window alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.sampling import first_invalid_row
from markovgpt.chains.states import StateSpace, Window, window_label
from markovgpt.errors import InvalidInput
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.threads import one_torch_thread
from markovgpt.models.window_tree import BLOCK_ENTRIES, Part, Survey
from markovgpt.vocabulary import Vocabulary

TILE_ROWS = 256  # torch gives other bits for batches of one or two rows than for larger ones: every batch is this size
BLOCK_TILES = 16  # the most in a block


def survey_of(model: NextTokenModel, space: StateSpace) -> Survey:
    """How a model is best asked about all windows of a space.

    A `GPT` over shared prefixes, a causal model of transformers through its own key-value cache, any other in batches.
    """
    # late: torch takes a second to import
    from markovgpt.models.cached_tree import CachedModel, survey_of_cached
    from markovgpt.models.gpt import GPT
    from markovgpt.models.prefix_tree import survey_of_gpt

    if type(model) is GPT:  # a subclass may answer in its own way
        return survey_of_gpt(model, space.context_length, with_prefixes=space.with_prefixes)
    if isinstance(model, CachedModel) and model.cache_agrees(space.context_length):
        return survey_of_cached(model, space.context_length, with_prefixes=space.with_prefixes)
    return BatchSurvey(model, space)


@dataclass(frozen=True)
class BatchSurvey:
    """A survey in batches of one fixed number of rows."""

    model: NextTokenModel
    space: StateSpace

    @property
    def method(self) -> str:
        """What makes the bytes what they are."""
        return f"full forwards in batches of {TILE_ROWS} rows"

    @property
    def bytes_per_worker(self) -> int:
        """Two batches of doubles; what the model itself needs is not known."""
        return 2 * TILE_ROWS * self.space.vocab_size * 8

    @property
    def _block_rows(self) -> int:
        """Windows in a block, all but the last one of a length."""
        return TILE_ROWS * max(1, min(BLOCK_TILES, BLOCK_ENTRIES // (TILE_ROWS * self.space.vocab_size)))

    def _blocks_of(self, length: int) -> int:
        """Number of blocks of one length."""
        return -(-int(self.space.vocab_size**length) // self._block_rows)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return sum(map(self._blocks_of, range(self.space.shortest, self.space.context_length + 1)))

    def parts(self, block: int) -> list[Part]:
        """The windows that a block answers."""
        length = self.space.shortest
        while block >= self._blocks_of(length):
            block -= self._blocks_of(length)
            length += 1
        first = block * self._block_rows
        return [Part(length, first, min(self._block_rows, self.space.vocab_size**length - first))]

    def worker(self) -> Callable[[int], Iterator[NDArray[np.floating[Any]]]]:
        """From a block to its logits."""

        def answer(block: int) -> Iterator[NDArray[np.floating[Any]]]:
            [(length, first, rows)] = self.parts(block)
            yield _in_batches(self.model, self.space.windows(length, first, first + rows))

        return answer


def ask(model: NextTokenModel, windows: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
    """The model's logits (B, V) after windows (B, T), each row a function of its window alone.

    Raises
    ------
    InvalidInput: NaN, +inf or nothing but -inf after a window, which is named, or logits of another shape.
    """
    logits = _in_batches(model, windows)
    row = first_invalid_row(logits)
    if row is not None:
        refuse(logits[row], tuple(windows[row].tolist()), model.vocabulary)
    return logits


def _in_batches(model: NextTokenModel, windows: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
    """The model's answers in batches of one number of rows, the last one padded."""
    answers = []
    with one_torch_thread():
        for first in range(0, len(windows), TILE_ROWS):
            tile = windows[first : first + TILE_ROWS]
            padding = np.repeat(tile[:1], TILE_ROWS - len(tile), axis=0)
            logits = np.asarray(model.next_token_logits(np.concatenate([tile, padding])))
            if logits.shape != (TILE_ROWS, model.vocab_size) or logits.dtype.kind != "f":
                raise InvalidInput(
                    f"the model must give real logits of shape ({TILE_ROWS}, {model.vocab_size}), one row a window, "
                    f"got {logits.dtype} of {logits.shape}; as_model adapts other forms"
                )
            answers.append(logits[: len(tile)])
    return np.concatenate(answers)


def refuse(logits: NDArray[np.floating[Any]], window: Window, vocabulary: Vocabulary | None) -> None:
    """Refuse logits that are no distribution, naming their window."""
    odd = np.flatnonzero(np.isnan(logits) | np.isposinf(logits))
    found = f"{logits[odd[0]]} for token {odd[0]}" if len(odd) else "-inf for every token"
    raise InvalidInput(
        f"the model must give a number for some token and NaN for none, got {found} after the window "
        f"{window_label(window, vocabulary)!r} (tokens {window}); look for NaN or overflow in the weights"
    )
