"""Folded weights are the same function."""

import pytest
import torch

import markovgpt as mg
from markovgpt.models.folded import Linear, folded


def built(**sizes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        model = mg.GPT(mg.GPTConfig(3, 2, n_layer=2, n_head=2, n_embd=6, **sizes)).double()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.5 * torch.randn_like(parameter)
    return model


def apply(linear: Linear, x):
    return x @ linear.weight.T + (0 if linear.bias is None else linear.bias)


@pytest.mark.parametrize("sizes", [{}, {"bias": True}, {"layer_norm_bias": False}, {"bias": True, "tied": False}])
@torch.no_grad()
def test_a_layer_norm_and_its_reader_are_one_matrix_behind_a_scale(sizes):
    model = built(**sizes)
    weights, block = folded(model), model.transformer["h"][1]
    x = torch.randn(5, 6, dtype=torch.float64)
    centred = x - x.mean(1, keepdim=True)
    normed = centred / (centred.square().mean(1, keepdim=True) + weights.epsilon).sqrt()
    pairs = [
        (weights.layers[1].attention, block.ln_1, block.attn.c_attn),
        (weights.layers[1].inner, block.ln_2, block.mlp.c_fc),
        (weights.head, model.transformer["ln_f"], model.lm_head),
    ]
    for linear, norm, reader in pairs:
        assert torch.allclose(apply(linear, normed), reader(norm(x)), atol=1e-12)


@torch.no_grad()
def test_what_is_written_to_the_path_is_what_the_model_writes_less_its_mean():
    model = built(bias=True)
    weights, block = folded(model), model.transformer["h"][0]
    x = torch.randn(5, 6, dtype=torch.float64)
    whole = block.attn.c_proj(x)
    assert torch.allclose(apply(weights.layers[0].after_attention, x), whole - whole.mean(1, keepdim=True), atol=1e-12)
    whole = block.mlp.c_proj(torch.cat([x] * 4, 1))
    found = apply(weights.layers[0].after_inner, torch.cat([x] * 4, 1))
    assert torch.allclose(found, whole - whole.mean(1, keepdim=True), atol=1e-12)
    whole = model.transformer["wte"].weight[:, None] + model.transformer["wpe"].weight
    assert torch.allclose(weights.tokens[:, None] + weights.positions, whole - whole.mean(2, keepdim=True), atol=1e-12)


def test_a_bias_of_zeros_is_none_and_the_dtype_stays():
    weights = folded(mg.GPT(mg.GPTConfig(3, 2, bias=True)))  # as drawn, biases are 0
    assert weights.head.bias is None
    assert weights.layers[0].after_inner.bias is None
    assert {weights.tokens.dtype, weights.head.weight.dtype} == {torch.float32}
    assert folded(built()).head.weight.dtype == torch.float64
