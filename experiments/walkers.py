"""Texts that the model itself is made to write: its own logits, the filters of transformers, the dice of torch.

Nothing here asks a chain, a table or the sampling settings of this package, so that what they say can be held against
it. Each window that comes up is asked of the model once, and filtered once.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

import markovgpt as mg
from markovgpt.memory import require_memory

try:
    from transformers import generation
except ImportError:  # said when it is needed
    generation = None

BATCH = 20_000  # walkers at once
Warped = Callable[[Tensor], Tensor]


def warpers(temperature: float, top_k: int | None = None, top_p: float | None = None) -> Warped:
    """What ``generate`` of transformers does to logits (rows, V) under these settings, in its order.

    Raises
    ------
    InvalidInput: transformers is not there.
    """
    if generation is None:
        raise mg.InvalidInput("transformers must be there to sample with its filters, got none; pip install '.[test]'")
    chosen = [generation.TemperatureLogitsWarper(float(temperature))]
    chosen += [] if top_k is None else [generation.TopKLogitsWarper(top_k=top_k)]
    chosen += [] if top_p is None else [generation.TopPLogitsWarper(top_p=top_p)]

    def warped(scores: Tensor) -> Tensor:
        for warper in chosen:
            scores = warper(None, scores)
        return scores

    return warped


class Answers:
    """What the model says after each window that came up.

    A window is a number to the base V + 1, its tokens counted from 1, so that shorter ones have numbers of their own.
    """

    def __init__(self, model: mg.NextTokenModel):
        self.model, self.base, self.length = model, model.vocab_size + 1, model.context_length
        self.n_numbers = self.base**self.length
        what = f"the answers after {self.n_numbers} windows"
        require_memory(self.n_numbers * (12 * model.vocab_size + 2), what, "give a model of a shorter context length")
        self.logits = torch.zeros(self.n_numbers, model.vocab_size)
        self.known = torch.zeros(self.n_numbers, dtype=torch.bool)

    def next(self, numbers: Tensor, tokens: Tensor) -> Tensor:
        """The windows after one more token."""
        return (numbers * self.base + tokens + 1) % self.n_numbers

    def after(self, numbers: Tensor) -> Tensor:
        """The logits (n, V) after windows (n,) of one length; those that are new are asked of the model."""
        new = torch.unique(numbers[~self.known[numbers]])
        for some in new.split(BATCH) if len(new) else ():
            digits = torch.stack([some // self.base**place % self.base for place in reversed(range(self.length))], 1)
            windows = digits[:, digits[0] > 0] - 1
            self.logits[some] = torch.from_numpy(np.asarray(self.model.next_token_logits(windows.numpy()))).float()
        self.known[new] = True
        return self.logits[numbers]


def written(
    answers: Answers, warped: Warped, start: Sequence[int], *, lines: int, tokens: int, seed: int
) -> Iterator[Tensor]:
    """Texts (at most `BATCH`, start and tokens) of so many walkers that begin alike, batch by batch."""
    up_to, known = torch.zeros_like(answers.logits, dtype=torch.float64), torch.zeros_like(answers.known)
    dice = torch.Generator().manual_seed(seed)
    for first in range(0, lines, BATCH):
        count = min(BATCH, lines - first)
        texts = torch.empty((count, len(start) + tokens), dtype=torch.int16)
        numbers = torch.zeros(count, dtype=torch.int64)
        for place, token in enumerate(start):
            texts[:, place] = token
            numbers = answers.next(numbers, torch.full((count,), token))
        for place in range(len(start), len(start) + tokens):
            new = torch.unique(numbers[~known[numbers]])
            if len(new):
                sums = warped(answers.after(new)).softmax(-1).double().cumsum(-1)
                up_to[new], known[new] = sums / sums[:, -1:], True
            thrown = torch.rand(count, 1, dtype=torch.float64, generator=dice)  # below 1
            drawn = (up_to[numbers] <= thrown).sum(-1)  # a token of probability 0 never is
            texts[:, place], numbers = drawn, answers.next(numbers, drawn)
        yield texts


def how_many_hold(texts: Tensor, word: Sequence[int]) -> int:
    """In how many texts (rows, tokens) does a word stand, anywhere?

    >>> how_many_hold(torch.tensor([[0, 1, 0, 0], [0, 0, 1, 1]]), [0, 1, 1])
    1
    """
    places = texts.shape[1] - len(word) + 1
    found = torch.ones((len(texts), max(places, 0)), dtype=torch.bool)
    for offset, token in enumerate(word):
        found &= texts[:, offset : offset + places] == token
    return int(found.any(dim=1).sum())
