"""What a GPT says after every window, without repeating work on shared prefixes.

The activations of a token depend on its prefix alone, so the tree of windows (`markovgpt.models.window_tree`) takes
V + V**2 + ... + V**L token evaluations where full forwards take L V**L. A query meets the keys of its ancestors by
reshaping and broadcasting, or by one matrix product where the whole tile has the same ancestor; nothing is gathered.
What the first layer computes before attention depends on the token and its position alone: once a level.

Every result has its place in memory for the whole walk. Fresh memory costs more than the arithmetic: pages handed back
to the system and taken again made single operations ten times slower.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from markovgpt.models.folded import FoldedGPT, Linear, folded
from markovgpt.models.gpt import GPT
from markovgpt.models.window_tree import TreeSurvey, WindowTree

TARGET_ROWS = 2048  # measured: smaller tiles pay for the calls, larger ones leave the processor's cache


def survey_of_gpt(model: GPT, context_length: int, *, with_prefixes: bool = False) -> TreeSurvey:
    """How a GPT is asked about all windows.

    Parameters
    ----------
    context_length: L, at most the model's own.
    with_prefixes: whether the windows of 1 .. L-1 tokens are wanted too; they cost nothing.

    >>> from markovgpt.models.gpt import GPTConfig
    >>> survey = survey_of_gpt(GPT(GPTConfig(vocab_size=2, context_length=3)), 3, with_prefixes=True)
    >>> [logits.shape for logits in survey.worker()(0)]
    [(2, 2), (4, 2), (8, 2)]
    """
    tree = WindowTree(model.vocab_size, context_length, with_prefixes, TARGET_ROWS)
    weights = folded(model)
    return TreeSurvey(tree, lambda: PrefixWalk(weights, tree), _bytes_of_walk(model, tree), by="shared prefixes")


def _bytes_of_walk(model: GPT, tree: WindowTree) -> int:
    """What a walk and the results it hands out hold."""
    config, R, L = model.config, max(tree.rows), tree.context_length
    kept = sum(tree.rows) * config.n_embd * (3 * config.n_layer + 4)  # keys and values; what enters the first layer
    results = R * (
        8 * config.n_embd + 2 * (config.n_inner or 4 * config.n_embd) + 2 * L * config.n_head + 2 * config.vocab_size
    )
    return (kept + results) * max(4, model.lm_head.weight.element_size())


class PrefixWalk:
    """Where a walk stands: at each level the current tile, with the keys and values of every layer."""

    def __init__(self, weights: FoldedGPT, tree: WindowTree):
        self._weights, self._tree = weights, tree
        self._tile = [0] * tree.context_length
        C, R, like = weights.tokens.size(1), max(tree.rows), weights.tokens

        self._qkv = [[like.new_empty(rows, 3 * C) for _ in weights.layers] for rows in tree.rows]
        self._x, self._scaled, self._mixed, self._product, self._share = (like.new_empty(R, C) for _ in range(5))
        self._inner, self._gate = (like.new_empty(R, len(weights.layers[0].inner.weight)) for _ in range(2))
        self._scores = like.new_empty(tree.context_length * weights.n_head * R)
        self._row = like.new_empty(R, 1)
        self._average = like.new_full((C, 1), 1 / C)
        self._of_head = (
            torch.eye(weights.n_head).repeat_interleave(C // weights.n_head, 1).to(like)
        )  # (heads, C): 0 or 1
        self._slope = like.new_tensor(2 * math.sqrt(2 / math.pi))
        self._entered = [self._enter(level) for level in range(tree.context_length)]

    @torch.no_grad()
    def visit(self, level: int, tile: int, wanted: bool) -> NDArray[np.floating[Any]] | None:
        """Evaluate a tile's tokens; the logits (rows, V) of what follows them, where they are wanted."""
        self._tile[level] = tile
        rows = self._tree.rows[level]
        embedded, entered = self._entered[level]
        begin = tile * rows % len(embedded)  # 0, but where a tile is less than the children of one window
        x = self._x[:rows].copy_(embedded[begin : begin + rows])
        for number, layer in enumerate(self._weights.layers):
            qkv = self._qkv[level][number]
            if number == 0:
                qkv.copy_(entered[begin : begin + rows])
            else:
                _linear(layer.attention, self._normed(x), qkv)
            _add_linear(layer.after_attention, self._attend(level, number), x)
            inner = _linear(layer.inner, self._normed(x), self._inner[:rows])
            _add_linear(layer.after_inner, self._activated(inner), x)
        if not wanted:
            return None
        logits = x.new_empty(rows, self._tree.vocab_size)
        return np.asarray(_linear(self._weights.head, self._normed(x), logits).cpu().numpy())

    def _enter(self, level: int) -> tuple[Tensor, Tensor]:
        """What enters the first attention at a level: embeddings (n, C), queries, keys and values (n, 3 C).

        Of all V tokens, repeated to a tile's rows where a tile holds the children of several windows.
        """
        first = self._weights.layers[0].attention
        embedded = self._weights.tokens + self._weights.positions[level]
        scale = (embedded.square().mean(1, keepdim=True) + self._weights.epsilon).rsqrt()
        qkv = functional.linear(embedded * scale, first.weight, first.bias)
        repeats = max(1, self._tree.rows[level] // self._tree.vocab_size)
        return embedded.repeat(repeats, 1), qkv.repeat(repeats, 1)

    def _normed(self, x: Tensor) -> Tensor:
        """What is left of a layer norm: rows of a mean square of 1."""
        scaled, row = self._scaled[: len(x)], self._row[: len(x)]
        torch.mm(torch.mul(x, x, out=scaled), self._average, out=row)
        return torch.mul(x, row.add_(self._weights.epsilon).rsqrt_(), out=scaled)

    def _attend(self, level: int, layer: int) -> Tensor:
        """Attention of a tile's tokens to themselves and their ancestors, (rows, C)."""
        rows, heads = self._tree.rows[level], self._weights.n_head
        queries, _, _ = self._qkv[level][layer].chunk(3, 1)
        C = queries.size(1)
        ancestors = [self._ancestors(level, upper, layer) for upper in range(level + 1)]
        alone = sum(len(keys) == 1 for keys, _ in ancestors)  # levels where the whole tile has one ancestor
        scores = self._scores[: (level + 1) * heads * rows].view(level + 1, heads, rows)
        if alone:
            keys = torch.cat([each for each, _ in ancestors[:alone]])[:, None] * self._of_head  # (alone, heads, C)
            torch.mm(keys.view(-1, C), queries.T, out=scores[:alone].view(-1, rows))
        product = self._product[:rows]
        for upper, (keys, _) in enumerate(ancestors[alone:], alone):
            torch.mul(queries.view(len(keys), -1, C), keys[:, None], out=product.view(len(keys), -1, C))
            torch.sum(product.view(rows, heads, -1), -1, out=scores[upper].T)
        weights = scores.mul_((C // heads) ** -0.5).softmax(0)
        mixed, share = self._mixed[:rows], self._share[:rows]
        if alone:
            values = torch.cat([each for _, each in ancestors[:alone]])[:, None] * self._of_head
            torch.mm(weights[:alone].view(-1, rows).T, values.view(-1, C), out=mixed)
        else:
            mixed.zero_()
        for upper, (_, values) in enumerate(ancestors[alone:], alone):
            torch.mm(weights[upper].T, self._of_head, out=share)
            mixed.view(len(values), -1, C).addcmul_(share.view(len(values), -1, C), values[:, None])
        return mixed

    def _ancestors(self, level: int, upper: int, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values (n, C) of the ancestors, at an upper level, of the current tile of a level."""
        rows = self._tree.rows
        generations = self._tree.vocab_size ** (level - upper)
        first = self._tile[level] * rows[level] // generations - self._tile[upper] * rows[upper]
        count = max(1, rows[level] // generations)
        _, keys, values = self._qkv[upper][layer][first : first + count].chunk(3, 1)
        return keys, values

    def _activated(self, inner: Tensor) -> Tensor:
        """The MLP's activation, in place.

        The approximate GELU, x (1 + tanh u) / 2, is x sigmoid(2 u): the same, five times faster, without cancellation.
        """
        if not self._weights.tanh_gelu:
            return torch.ops.aten.gelu_(inner)  # type: ignore[no-any-return]
        gate = self._gate[: len(inner)]
        torch.addcmul(self._slope, inner, inner, value=0.044715 * 2 * math.sqrt(2 / math.pi), out=gate)
        return inner.mul_(gate.mul_(inner).sigmoid_())  # u = sqrt(2 / pi) (x + 0.044715 x**3)


def _linear(layer: Linear, x: Tensor, out: Tensor) -> Tensor:
    """A linear layer's result, in its place."""
    if layer.bias is None:
        return torch.mm(x, layer.weight.T, out=out)
    return torch.addmm(layer.bias, x, layer.weight.T, out=out)


def _add_linear(layer: Linear, x: Tensor, residual: Tensor) -> None:
    """Add a linear layer's result to the residual path."""
    residual.addmm_(x, layer.weight.T)
    if layer.bias is not None:
        residual.add_(layer.bias)
