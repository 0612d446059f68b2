"""A GPT's weights, folded for evaluation: fewer operations, the same function.

A layer norm takes the mean off what it reads, g (x - mean x) / sqrt(var x + e) + b, and every reader of the residual
path is one. So the mean of that path never reaches anything, and what writes to the path may leave it out: embeddings
and projections are centred once. Then mean x = 0, and

    W norm(x) + c = (W diag g) x / sqrt(mean x**2 + e) + (W b + c),

where the brackets are computed once. What is left of a layer norm is one scale a row.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from markovgpt.models.gpt import GPT


@dataclass(frozen=True)
class Linear:
    """x -> x weight.T + bias; a bias of zeros is None."""

    weight: Tensor  # (out, in)
    bias: Tensor | None


@dataclass(frozen=True)
class Layer:
    """One block: queries, keys and values; back into the path; the MLP; back into the path."""

    attention: Linear
    after_attention: Linear
    inner: Linear
    after_inner: Linear


@dataclass(frozen=True)
class FoldedGPT:
    """All of a GPT's weights; token and position vectors are what the residual path begins with."""

    tokens: Tensor  # (V, C)
    positions: Tensor  # (L, C)
    layers: tuple[Layer, ...]
    head: Linear
    epsilon: float
    n_head: int
    tanh_gelu: bool


@torch.no_grad()
def folded(model: GPT) -> FoldedGPT:
    """The folded weights of a GPT, computed in float64 and kept in its dtype (half precision in float32) and place.

    >>> from markovgpt.models.gpt import GPTConfig
    >>> float(folded(GPT(GPTConfig(2, 3))).tokens.sum(1).abs().max()) < 1e-6     # the mean is taken out
    True
    """
    transformer: Any = model.transformer
    return FoldedGPT(
        tokens=_centred(transformer["wte"].weight, 1),
        positions=_centred(transformer["wpe"].weight, 1),
        layers=tuple(
            Layer(
                attention=_reader(block.ln_1, block.attn.c_attn),
                after_attention=_writer(block.attn.c_proj),
                inner=_reader(block.ln_2, block.mlp.c_fc),
                after_inner=_writer(block.mlp.c_proj),
            )
            for block in transformer["h"]
        ),
        head=_reader(transformer["ln_f"], model.lm_head),
        epsilon=model.config.layer_norm_epsilon,
        n_head=model.config.n_head,
        tanh_gelu=model.config.activation == "gelu_tanh",
    )


def _reader(norm: torch.nn.LayerNorm, linear: torch.nn.Linear) -> Linear:
    """A layer norm's gain and shift, taken into the layer that reads it."""
    weight = linear.weight.double()
    bias = torch.zeros(len(weight), dtype=torch.float64, device=weight.device)
    if norm.bias is not None:
        bias += weight @ norm.bias.double()
    if linear.bias is not None:
        bias += linear.bias.double()
    return _in(linear, weight * norm.weight.double(), bias)


def _writer(linear: torch.nn.Linear) -> Linear:
    """A layer that writes to the residual path, without the mean of what it writes."""
    bias = torch.zeros(linear.out_features, device=linear.weight.device) if linear.bias is None else linear.bias
    return _in(linear, _centred(linear.weight.double(), 0), _centred(bias.double(), 0))


def _centred(values: Tensor, axis: int) -> Tensor:
    """Values minus their mean along an axis."""
    exact = values.double()
    return (exact - exact.mean(axis, keepdim=True)).to(_kept(values))


def _in(linear: torch.nn.Linear, weight: Tensor, bias: Tensor) -> Linear:
    """Weight and bias in a layer's dtype."""
    dtype = _kept(linear.weight)
    return Linear(weight.to(dtype), bias.to(dtype) if bool(bias.any()) else None)


def _kept(values: Tensor) -> torch.dtype:
    """The dtype of the arithmetic: half precision is exact in float32."""
    return torch.float64 if values.dtype == torch.float64 else torch.float32
