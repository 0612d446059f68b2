"""The minimal GPT of the seed notebook ("GPT as a finite-state Markov chain", A. Karpathy, 2023).

Pre-norm decoder blocks, learned positions, tied input and output embeddings. Modules are built and initialised in the
notebook's order, so that one seed gives the notebook's weights. Imported weights of the GPT-2 family run in it too:
their differences (biases, GELU variant, widths, untied embeddings) are fields of the config.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from markovgpt.errors import InvalidInput
from markovgpt.models.source import ModelSource
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

ACTIVATIONS = {"gelu": "none", "gelu_tanh": "tanh"}  # as torch names the approximation


@dataclass(frozen=True)
class GPTConfig(Shown):
    """The sizes of a GPT.

    Parameters
    ----------
    vocab_size: number of tokens V, at least 1.
    context_length: longest window L, at least 1.
    n_layer, n_head, n_embd: blocks, attention heads and width; n_embd is a multiple of n_head.
    bias: whether the linear layers add a bias.
    layer_norm_bias: whether the layer norms do (in the notebook always).
    activation: of the MLP: "gelu" (by erf) or "gelu_tanh" (the approximation of GPT-2 and minGPT).
    n_inner: width of the MLP; None is 4 n_embd.
    layer_norm_epsilon: added to the variance, above 0.
    tied: whether input and output embeddings are one matrix.

    Raises
    ------
    InvalidInput: a size below 1, a width that the heads do not divide, an unknown activation.

    >>> GPTConfig(vocab_size=2, context_length=3).n_embd
    16
    """

    vocab_size: int
    context_length: int
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 16
    bias: bool = False
    layer_norm_bias: bool = True
    activation: str = "gelu"
    n_inner: int | None = None
    layer_norm_epsilon: float = 1e-5
    tied: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "context_length", "n_layer", "n_head", "n_embd", "n_inner"):
            size = getattr(self, name)
            if name == "n_inner" and size is None:
                continue
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise InvalidInput(f"{name} must be a whole number of at least 1, got {size}; give the model's size")
        if self.activation not in ACTIVATIONS:
            raise InvalidInput(
                f"activation must be one of {', '.join(ACTIVATIONS)}, got {self.activation!r}; "
                "wrap other models with as_model"
            )
        if not self.layer_norm_epsilon > 0:
            raise InvalidInput(f"layer_norm_epsilon must be above 0, got {self.layer_norm_epsilon}; 1e-5 is usual")
        if self.n_embd % self.n_head:
            raise InvalidInput(
                f"n_embd must be a multiple of n_head, got {self.n_embd} and {self.n_head}; "
                f"the nearest width is {self.n_head * max(1, round(self.n_embd / self.n_head))}"
            )


def _layer_norm(config: GPTConfig) -> nn.LayerNorm:
    """A layer norm of the config's width."""
    return nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon, bias=config.layer_norm_bias)


class _Attention(nn.Module):
    """Causal self-attention with all heads in one matrix."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        split = self.c_attn(x).split(C, 2)
        q, k, v = (part.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for part in split)
        scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))  # (B, heads, T, T)
        future = torch.ones(T, T, dtype=torch.bool, device=x.device).triu(1)
        mixed = scores.masked_fill(future, -math.inf).softmax(-1) @ v  # (B, heads, T, C / heads)
        return self.c_proj(mixed.transpose(1, 2).reshape(B, T, C))  # type: ignore[no-any-return]


class _MLP(nn.Module):
    """The position-wise two-layer network."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        n_inner = config.n_inner or 4 * config.n_embd
        self.approximate = ACTIVATIONS[config.activation]
        self.c_fc = nn.Linear(config.n_embd, n_inner, bias=config.bias)
        self.c_proj = nn.Linear(n_inner, config.n_embd, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(functional.gelu(self.c_fc(x), approximate=self.approximate))  # type: ignore[no-any-return]


class _Block(nn.Module):
    """One layer: attention, then the MLP, each behind a layer norm and beside a residual path."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.ln_1 = _layer_norm(config)
        self.attn = _Attention(config)
        self.ln_2 = _layer_norm(config)
        self.mlp = _MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class GPT(nn.Module):
    """The GPT of the notebook; a `NextTokenModel`.

    Weights are drawn from torch's global generator: normal(0, 0.02), with 0.02 / sqrt(2 n_layer) on the projections
    into the residual path; biases start at 0.

    Parameters
    ----------
    config: the sizes.
    vocabulary: the V token strings, if known.

    A loaded model says in ``source`` where it came from, and in ``stop_tokens`` which tokens end a text.

    Raises
    ------
    InvalidInput: a vocabulary of another size than the config's.

    >>> GPT(GPTConfig(vocab_size=2, context_length=3)).n_parameters
    12656
    """

    def __init__(self, config: GPTConfig, vocabulary: Vocabulary | None = None):
        if vocabulary is not None and len(vocabulary) != config.vocab_size:
            raise InvalidInput(
                f"vocabulary must hold vocab_size={config.vocab_size} tokens, got {len(vocabulary)}; name every token"
            )
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.source: ModelSource | None = None
        self.stop_tokens: tuple[int, ...] = ()
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(config.vocab_size, config.n_embd),
                "wpe": nn.Embedding(config.context_length, config.n_embd),
                "h": nn.ModuleList([_Block(config) for _ in range(config.n_layer)]),
                "ln_f": _layer_norm(config),
            }
        )
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        if config.tied:
            self.transformer["wte"].weight = self.lm_head.weight
        self.apply(self._initialise)
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(parameter, mean=0.0, std=0.02 / math.sqrt(2 * config.n_layer))

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        """GPT-2's initialisation of one module."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    @property
    def vocab_size(self) -> int:
        """Number of tokens V."""
        return self.config.vocab_size

    @property
    def context_length(self) -> int:
        """Longest window L."""
        return self.config.context_length

    @property
    def n_parameters(self) -> int:
        """Number of trained numbers, tied weights counted once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (B, T, V) of the token after each position of ``tokens`` (B, T), T <= L.

        Raises
        ------
        InvalidInput: more positions than the model has.
        """
        T = tokens.size(1)
        if self.config.context_length < T:
            raise InvalidInput(
                f"windows must be at most context_length={self.config.context_length} tokens long, got {T}; "
                "keep the newest tokens"
            )
        positions = torch.arange(T, device=tokens.device)
        x = self.transformer["wte"](tokens) + self.transformer["wpe"](positions)  # (B, T, C)
        for block in self.transformer["h"]:  # type: ignore[attr-defined]
            x = block(x)
        return self.lm_head(self.transformer["ln_f"](x))  # type: ignore[no-any-return]

    def next_token_logits(self, windows: NDArray[np.integer[Any]]) -> NDArray[np.floating[Any]]:
        """Logits (B, V) of the token after each of the windows (B, T), T <= L, in the weights' dtype.

        Raises
        ------
        InvalidInput: windows that are no integers (B, T), T >= 1, or tokens outside 0 .. V-1.

        >>> GPT(GPTConfig(vocab_size=2, context_length=3)).next_token_logits(np.array([[0, 1], [1, 1]])).shape
        (2, 2)
        """
        ids = np.asarray(windows)
        if ids.ndim != 2 or not ids.size or ids.dtype.kind not in "iu":
            raise InvalidInput(
                f"windows must be integers of shape (B, T), T >= 1, got {ids.dtype} of {ids.shape}; one row each"
            )
        if ids.min() < 0 or ids.max() >= self.vocab_size:
            raise InvalidInput(
                f"tokens must lie in 0..{self.vocab_size - 1}, got {ids.min()} to {ids.max()}; see the vocabulary"
            )
        with torch.no_grad():
            logits = self(torch.as_tensor(ids.astype(np.int64), device=self.lm_head.weight.device))[:, -1]
        half = logits.dtype in (torch.bfloat16, torch.float16)  # every such number is exact in float32
        return np.asarray((logits.float() if half else logits).cpu().numpy())
