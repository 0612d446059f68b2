"""What a GPT says after every window, without repeating work on shared prefixes.

All windows of up to L tokens form a tree: the activations of a token depend on its prefix alone, so V + V**2 + ... +
V**L token evaluations serve them all, where full forwards take L V**L, and the shorter windows come out for free.

The tree is walked depth first in tiles: V**k sibling nodes of one level, the most that TILE_ROWS allows. A tile's
ancestors at level j are a contiguous part of the current tile of that level, so a query meets their keys by reshaping
and broadcasting, and one tile of keys and values a level is all that is kept. Tiles depend on V alone: every row is
computed at one place of one shape of arithmetic, whatever else is tabulated.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from markovgpt.models.gpt import GPT
from markovgpt.models.threads import one_torch_thread

TILE_ROWS = 4096

Tile = tuple[int, int, NDArray[np.floating[Any]]]  # window length, first window of that length, logits (rows, V)


def logits_of_all_windows(model: GPT, context_length: int, *, with_prefixes: bool = False) -> Iterator[Tile]:
    """The logits after every window, tile after tile.

    Parameters
    ----------
    context_length: L, at most the model's own.
    with_prefixes: whether the windows of 1 .. L-1 tokens are wanted too; they cost nothing.

    Yields
    ------
    Window length, number of the tile's first window among those of that length, and logits (rows, V) in the model's
    dtype.

    >>> from markovgpt.models.gpt import GPTConfig
    >>> model = GPT(GPTConfig(vocab_size=2, context_length=3))
    >>> [(length, first, logits.shape) for length, first, logits in logits_of_all_windows(model, 3, with_prefixes=True)]
    [(1, 0, (2, 2)), (2, 0, (4, 2)), (3, 0, (8, 2))]
    """
    walk = _Walk(model, context_length)
    pending = [(0, 0)]
    while pending:
        level, tile = pending.pop()
        with one_torch_thread(), torch.no_grad():
            hidden = walk.visit(level, tile)
            if with_prefixes or level == context_length - 1:
                logits = model.lm_head(model.transformer["ln_f"](hidden)).cpu().numpy()
                yield level + 1, tile * walk.rows(level), logits
        if level + 1 < context_length:
            n_children = walk.rows(level) * model.vocab_size // walk.rows(level + 1)
            pending += [(level + 1, tile * n_children + child) for child in reversed(range(n_children))]


class _Walk:
    """Where the walk stands: at each level the current tile, with its keys and values of every layer."""

    def __init__(self, model: GPT, context_length: int):
        self.model = model
        V, rows = model.vocab_size, [model.vocab_size]
        for _ in range(1, context_length):
            rows.append(rows[-1] * V if rows[-1] * V <= max(TILE_ROWS, V) else rows[-1])
        self._rows = rows
        self._tile = [0] * context_length
        self._kept: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(context_length)]  # (rows, heads, size) each

    def rows(self, level: int) -> int:
        """Nodes in a tile of a level."""
        return self._rows[level]

    def visit(self, level: int, tile: int) -> Tensor:
        """Evaluate a tile's tokens; returns their last hidden states (rows, C)."""
        self._tile[level], self._kept[level] = tile, []
        transformer: Any = self.model.transformer
        V = self.model.vocab_size
        device = self.model.lm_head.weight.device
        newest = torch.arange(self._rows[level], device=device) % V  # a tile begins at a multiple of V
        x: Tensor = transformer["wte"](newest) + transformer["wpe"].weight[level]
        for layer, block in enumerate(transformer["h"]):
            x = x + block.attn.c_proj(self._attend(level, layer, block.attn, block.ln_1(x)))
            x = x + block.mlp(block.ln_2(x))
        return x

    def _attend(self, level: int, layer: int, attention: Any, x: Tensor) -> Tensor:
        """Attention of a tile's tokens to themselves and their ancestors, (rows, C)."""
        rows, C = x.shape
        q, k, v = (part.view(rows, attention.n_head, -1) for part in attention.c_attn(x).split(C, 1))
        self._kept[level].append((k, v))
        ancestors = [self._ancestors(level, upper, layer) for upper in range(level + 1)]
        q = q * q.size(-1) ** -0.5
        scores = [(q.view(len(keys), -1, *q.shape[1:]) * keys[:, None]).sum(-1).view(rows, -1) for keys, _ in ancestors]
        weights = torch.stack(scores).softmax(0)  # (level + 1, rows, heads): the long axes last, for the processor
        mixed = torch.zeros_like(q)
        for upper, (_, values) in enumerate(ancestors):
            share = weights[upper].view(len(values), -1, q.size(1), 1)
            mixed += (share * values[:, None]).view_as(q)
        return mixed.reshape(rows, C)

    def _ancestors(self, level: int, upper: int, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values of the ancestors, at an upper level, of the current tile of a level."""
        generations = self.model.vocab_size ** (level - upper)
        first = self._tile[level] * self._rows[level] // generations - self._tile[upper] * self._rows[upper]
        count = max(1, self._rows[level] // generations)
        keys, values = self._kept[upper][layer]
        return keys[first : first + count], values[first : first + count]
