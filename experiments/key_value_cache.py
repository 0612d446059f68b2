"""A GPT read token by token: its state is the keys and values of the tokens so far, or of the newest L of them.

Up to L tokens the positions grow, and this is the same arithmetic as a forward pass. Then a learned position is wanted
that the model does not have. A rolling cache drops the oldest key and value and goes on, at a position by some rule;
the keys and values it keeps were made when the dropped tokens could still be seen, and at the positions of that time.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import markovgpt as mg

GROWING, LAST, AROUND = "growing", "last position", "positions around"
ROLLING = (LAST, AROUND)  # the newest token always takes the last position; or positions begin again at 0
Tokens = NDArray[np.integer]


class KeyValueCache:
    """The state of some texts, read side by side.

    Parameters
    ----------
    model: of the GPT-2 family.
    rule: what the position of a token is once L have been read: one of `ROLLING`, or `GROWING`, which then refuses.

    Raises
    ------
    InvalidInput: an unknown rule, or a model whose keys and values cannot be seen.
    """

    def __init__(self, model: mg.NextTokenModel, rule: str = GROWING):
        if rule not in (GROWING, *ROLLING):
            raise mg.InvalidInput(f"rule must be one of {GROWING}, {', '.join(ROLLING)}, got {rule!r}; choose one")
        if not isinstance(model, mg.GPT):
            raise mg.InvalidInput(
                f"the model must be of the GPT-2 family, got {type(model).__name__}; a cache needs its keys and values"
            )
        self.model, self.rule, self.n_read = model, rule, 0
        self.kept: list[tuple[Tensor, Tensor]] = []  # of each layer (B, heads, t, C / heads)

    def position(self) -> int:
        """Where the next token stands.

        Raises
        ------
        InvalidInput: a growing cache that is full.
        """
        L = self.model.context_length
        if self.n_read < L:
            return self.n_read
        if self.rule == GROWING:
            raise mg.InvalidInput(
                f"a growing cache must hold at most {L} tokens, got one more; the model has no further position"
            )
        return L - 1 if self.rule == LAST else self.n_read % L

    @torch.no_grad()
    def read(self, tokens: Tokens) -> NDArray[np.float32]:
        """The logits (B, V) after one more token (B,) of each text."""
        parts, config = self.model.transformer, self.model.config
        x = parts["wte"](torch.as_tensor(tokens)) + parts["wpe"](torch.tensor(self.position()))  # (B, C)
        kept = []
        for layer, block in enumerate(parts["h"]):  # type: ignore[arg-type]
            split = block.attn.c_attn(block.ln_1(x)).split(config.n_embd, 1)
            query, key, value = (part.reshape(len(x), config.n_head, 1, -1) for part in split)
            if self.n_read:
                older = [part[:, :, -(config.context_length - 1) :] for part in self.kept[layer]]
                if config.context_length > 1:
                    key, value = torch.cat([older[0], key], dim=2), torch.cat([older[1], value], dim=2)
            scores = query @ key.transpose(-2, -1) / math.sqrt(key.size(-1))  # (B, heads, 1, t)
            mixed = scores.softmax(-1) @ value
            x = x + block.attn.c_proj(mixed.reshape(len(x), -1))
            x = x + block.mlp(block.ln_2(x))
            kept.append((key, value))
        self.kept, self.n_read = kept, self.n_read + 1
        return np.asarray(self.model.lm_head(parts["ln_f"](x)).numpy())


def cached_logits(model: mg.NextTokenModel, texts: Tokens, rule: str = GROWING) -> NDArray[np.float32]:
    """The logits (N, T, V) that a cache gives after each token of texts (N, T)."""
    cache = KeyValueCache(model, rule)
    return np.stack([cache.read(texts[:, place]) for place in range(texts.shape[1])], axis=1)


def sliding_logits(model: mg.NextTokenModel, texts: Tokens) -> NDArray[np.float32]:
    """The logits (N, T, V) of the chain: of the newest L tokens alone, at positions from 0."""
    L = model.context_length
    windows = [texts[:, max(0, place - L) : place] for place in range(1, texts.shape[1] + 1)]
    return np.stack([np.asarray(model.next_token_logits(window)) for window in windows], axis=1)


def chain_texts(model: mg.NextTokenModel, start: int, n_texts: int, n_tokens: int, seed: int) -> Tokens:
    """Texts (n_texts, n_tokens) that the chain writes at temperature 1, all from one token."""
    dice, texts = np.random.default_rng(seed), np.full((n_texts, 1), start)
    while texts.shape[1] < n_tokens:
        shares = law_of(np.asarray(model.next_token_logits(texts[:, -model.context_length :])))
        drawn = (dice.random((n_texts, 1)) > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)
        texts = np.hstack([texts, drawn[:, None]])
    return texts


def law_of(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """The softmax (..., V), in doubles."""
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True).astype(np.float64))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def operations(config: mg.GPTConfig, n_queries: int, n_keys: int) -> int:
    """Multiplications and additions of a pass over some tokens that each look at some keys.

    >>> operations(mg.GPTConfig(2, 1, n_layer=1, n_head=1, n_embd=1, n_inner=1), 1, 1)     # 2 (6 + 2 + 2)
    20
    """
    C, inner = config.n_embd, config.n_inner or 4 * config.n_embd
    of_token = 2 * (4 * C * C + 2 * C * inner) + 4 * n_keys * C  # a layer: matrices, scores and what they mix
    return n_queries * (config.n_layer * of_token + 2 * C * config.vocab_size)
