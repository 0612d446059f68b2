"""The GPT against a forward pass written in numpy."""

import math

import numpy as np
import pytest
import torch

import markovgpt as mg


def built(seed=0, **sizes):
    """A model with weights large enough that every part of it matters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = mg.GPT(
            mg.GPTConfig(**{"vocab_size": 5, "context_length": 4, "n_layer": 2, "n_head": 2, "n_embd": 8} | sizes)
        )
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.5 * torch.randn_like(parameter)
    return model.double().eval()


def gelu(hidden, activation):
    """By the error function, or by GPT-2's approximation of it."""
    inner = np.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden**3))
    return hidden * 0.5 * (1 + (inner if activation == "gelu_tanh" else np.vectorize(math.erf)(hidden / math.sqrt(2))))


def logits_in_numpy(model, tokens):
    """The logits after every position of one window, from the weights alone, one position and head at a time."""
    w = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    heads, T = model.config.n_head, len(tokens)

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)

    def layer_norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(-1, keepdims=True) + model.config.layer_norm_epsilon)
        return scaled * w[f"{name}.weight"] + w.get(f"{name}.bias", 0.0)

    x = w["transformer.wte.weight"][tokens] + w["transformer.wpe.weight"][:T]
    for layer in range(model.config.n_layer):
        at = f"transformer.h.{layer}"
        normed = layer_norm(x, f"{at}.ln_1")
        q, k, v = np.split(linear(normed, f"{at}.attn.c_attn"), 3, axis=-1)
        mixed = np.zeros_like(x)
        size = x.shape[1] // heads
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for t in range(T):
                scores = np.array([q[t, part] @ k[s, part] / math.sqrt(size) for s in range(t + 1)])
                weights = np.exp(scores - scores.max())
                mixed[t, part] = weights / weights.sum() @ v[: t + 1, part]
        x = x + linear(mixed, f"{at}.attn.c_proj")
        hidden = linear(layer_norm(x, f"{at}.ln_2"), f"{at}.mlp.c_fc")
        x = x + linear(gelu(hidden, model.config.activation), f"{at}.mlp.c_proj")
    return layer_norm(x, "transformer.ln_f") @ w["lm_head.weight"].T


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"bias": True},
        {"layer_norm_bias": False},
        {"activation": "gelu_tanh"},
        {"n_inner": 5, "layer_norm_epsilon": 0.1},
        {"tied": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("window", [[0], [4, 1], [3, 3, 0, 2]])
def test_logits_are_those_of_a_forward_pass_in_numpy(kind, window):
    model = built(**kind)
    with torch.no_grad():
        found = model(torch.tensor([window]))[0].numpy()
    assert found == pytest.approx(logits_in_numpy(model, window), rel=1e-9, abs=1e-11)
    assert model.next_token_logits(np.array([window]))[0].tolist() == found[-1].tolist()


def test_a_position_does_not_see_what_follows():
    model = built()
    first, second = (model(torch.tensor([[1, 2, token, 0]])) for token in (0, 4))
    assert torch.equal(first[:, :2], second[:, :2])
    assert not torch.equal(first[:, 2:], second[:, 2:])


def test_the_seeds_model_has_12656_parameters():
    assert mg.GPT(mg.GPTConfig(vocab_size=2, context_length=3)).n_parameters == 12_656


@pytest.mark.parametrize(
    ("kind", "n_parameters"),
    [
        ({}, 1688),
        ({"bias": True}, 1832),
        ({"layer_norm_bias": False}, 1648),
        ({"n_inner": 5}, 824),
        ({"tied": False}, 1728),
    ],
)
def test_the_parameters_of_each_kind_are_counted_by_hand(kind, n_parameters):
    # 40 + 32 embeddings, 16 for the last norm, in each of 2 layers 32 for norms, 256 for attention, 2 * 8 * 32 MLP.
    # Biases are 24 + 8 + 32 + 8 a layer, those of the norms 5 * 8; an MLP of width 5 has 80; an untied head 40 more.
    assert built(**kind).n_parameters == n_parameters


def test_residual_projections_start_smaller():
    model = mg.GPT(mg.GPTConfig(2, 3, n_layer=8, n_head=4, n_embd=64))
    weights = dict(model.named_parameters())
    assert weights["transformer.h.0.mlp.c_proj.weight"].std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert weights["transformer.h.0.mlp.c_fc.weight"].std().item() == pytest.approx(0.02, rel=0.05)


def test_a_window_longer_than_the_context_is_refused():
    with pytest.raises(mg.InvalidInput, match="windows must be at most context_length=4 tokens long, got 5"):
        built()(torch.zeros(1, 5, dtype=torch.long))


@pytest.mark.parametrize("name", ["vocab_size", "context_length", "n_layer", "n_head", "n_embd"])
@pytest.mark.parametrize("size", [0, -1, 1.5, True])
def test_sizes_that_are_no_counts_are_refused(name, size):
    with pytest.raises(mg.InvalidInput, match=f"{name} must be a whole number of at least 1, got {size}"):
        mg.GPTConfig(**({"vocab_size": 2, "context_length": 3} | {name: size}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_inner": 0}, "n_inner must be a whole number of at least 1, got 0"),
        ({"activation": "relu"}, "activation must be one of gelu, gelu_tanh, got 'relu'; wrap other models"),
        ({"layer_norm_epsilon": 0}, "layer_norm_epsilon must be above 0, got 0"),
        ({"layer_norm_epsilon": math.nan}, "layer_norm_epsilon must be above 0, got nan"),
    ],
)
def test_a_kind_of_gpt_that_there_is_not_is_refused(change, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.GPTConfig(2, 3, **change)


def test_a_width_that_the_heads_do_not_divide_is_refused_with_the_nearest():
    with pytest.raises(
        mg.InvalidInput, match="n_embd must be a multiple of n_head, got 15 and 4; the nearest width is 16"
    ):
        mg.GPTConfig(2, 3, n_embd=15)


def test_a_vocabulary_of_another_size_is_refused():
    with pytest.raises(mg.InvalidInput, match="vocabulary must hold vocab_size=2 tokens, got 3"):
        mg.GPT(mg.GPTConfig(2, 3), mg.Vocabulary(("a", "b", "c")))


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ([[0.5, 1.0]], r"windows must be integers of shape \(B, T\)"),
        ([0, 1], r"got int64 of \(2,\)"),
        ([[]], "T >= 1"),
        ([[0, 5]], r"tokens must lie in 0..4, got 0 to 5"),
        ([[-1, 0]], r"tokens must lie in 0..4, got -1 to 0"),
    ],
)
def test_windows_that_mean_nothing_are_refused(windows, message):
    with pytest.raises(mg.InvalidInput, match=message):
        built().next_token_logits(np.array(windows))
