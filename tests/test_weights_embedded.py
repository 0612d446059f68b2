"""The weights that the explorer's page embeds: the same numbers, the config that runs them, and who is left out."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from page_letters import bytes_of

import markovgpt as mg
from markovgpt.explorer.letters import as_letters
from markovgpt.explorer.weights import MOST_PARAMETERS, embedded_weights

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real inputs are not beside this checkout")


def small(**options):
    torch.manual_seed(2)
    return mg.GPT(mg.GPTConfig(3, 2, n_layer=1, n_head=1, n_embd=2, **options))


def decoded(tensor):
    """A tensor as a reader in another language gets it."""
    return np.frombuffer(bytes_of(tensor["data"]), dtype="<f4").reshape(tensor["shape"])


def test_three_numbers_by_hand():
    model = small()
    with torch.no_grad():
        model.transformer["ln_f"].bias.copy_(torch.tensor([1.0, -2.0]))
    tensor = embedded_weights(model).content["tensors"]["transformer.ln_f.bias"]
    assert tensor == {"shape": [2], "data": as_letters(b"\x00\x00\x80\x3f\x00\x00\x00\xc0")}


@pytest.mark.parametrize("options", [{}, {"bias": True}, {"tied": False}, {"layer_norm_bias": False}])
def test_every_weight_is_embedded_once_and_as_it_is(options):
    model = small(**options)
    content = embedded_weights(model).content
    found = {name: decoded(tensor) for name, tensor in content["tensors"].items()}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    if model.config.tied:
        del parameters["transformer.wte.weight"]
    assert found.keys() == parameters.keys()
    assert all(np.array_equal(found[name], parameters[name].detach().numpy()) for name in found)
    assert sum(values.size for values in found.values()) == model.n_parameters


def test_the_config_says_what_the_page_has_to_compute():
    config = embedded_weights(small(activation="gelu_tanh", layer_norm_epsilon=0.01, n_inner=5)).content["config"]
    assert config == {
        "vocab_size": 3,
        "context_length": 2,
        "n_layer": 1,
        "n_head": 1,
        "n_embd": 2,
        "bias": False,
        "layer_norm_bias": True,
        "activation": "gelu_tanh",
        "n_inner": 5,
        "layer_norm_epsilon": 0.01,
        "tied": True,
        "dtype": "float32",
    }


def test_it_is_json_and_twice_the_same():
    model = small()
    assert json.dumps(embedded_weights(model).content) == json.dumps(embedded_weights(model).content)


def test_float64_is_rounded_and_it_is_said():
    model = small().double()
    embedded = embedded_weights(model)
    assert embedded.content["config"]["dtype"] == "float64"
    assert "the model itself computes in float64" in embedded.note
    exact = model.lm_head.weight.detach().numpy()
    assert np.array_equal(decoded(embedded.content["tensors"]["lm_head.weight"]), exact.astype(np.float32))


def test_half_precision_is_held_exactly():
    model = small().to(torch.bfloat16)
    embedded = embedded_weights(model)
    assert embedded.note == "The weights are embedded as they are, in float32 and hold the model's bfloat16 exactly."
    found = torch.tensor(decoded(embedded.content["tensors"]["lm_head.weight"]).copy())
    assert torch.equal(found.to(torch.bfloat16), model.lm_head.weight)
    assert torch.equal(found, model.lm_head.weight.float())


class Doubled(mg.GPT):
    """A GPT that computes something else from the same weights."""

    def forward(self, tokens):
        return 2 * super().forward(tokens)


def test_models_known_by_their_answers_alone_are_left_out():
    wrapped = mg.as_model(small(), vocab_size=3, context_length=2)
    of_another_kind = Doubled(mg.GPTConfig(3, 2, n_layer=1, n_head=1, n_embd=2))
    for model in (wrapped, of_another_kind):
        embedded = embedded_weights(model)
        assert embedded.content is None
        assert embedded.note == (
            "The weights are left out: the page computes models of the GPT-2 family only, "
            "and this one is known by its answers alone."
        )


def test_large_models_are_left_out_and_the_largest_is_not():
    # (V + L) C + 2 C inner + 4 C C, and two numbers per channel for each of three norms
    width, tokens = 8, (MOST_PARAMETERS - 3 * 2 * 8 - 2 * 8 * 8 - 4 * 8 * 8) // 8 - 3
    largest = mg.GPT(mg.GPTConfig(tokens, 3, n_layer=1, n_head=1, n_embd=width, n_inner=8))
    larger = mg.GPT(mg.GPTConfig(tokens + 1, 3, n_layer=1, n_head=1, n_embd=width, n_inner=8))
    assert largest.n_parameters == 200_000
    assert embedded_weights(largest).content is not None
    assert embedded_weights(larger).content is None
    assert "the model has 200,008 parameters, and a page holds at most 200,000" in embedded_weights(larger).note


def test_numbers_beyond_float32_are_not_embedded():
    model = small().double()
    with torch.no_grad():
        model.lm_head.weight[0, 0] = 1e39
    embedded = embedded_weights(model)
    assert embedded.content is None
    assert embedded.note == "The weights are left out: lm_head.weight holds numbers that float32 does not."


@needs_data
@pytest.mark.parametrize(("name", "n_head"), [("nano_sort", 3), ("nanogpt_names_ctx4", None), ("hf_names_ctx3", None)])
def test_real_models_of_each_format_are_embedded(name, n_head):
    embedded = embedded_weights(mg.load_model(DATA / name, n_head=n_head))
    assert embedded.note == "The weights are embedded as they are, in float32."
    assert embedded.content is not None


@needs_data
def test_the_sorter_is_embedded_as_it_was_published():
    published = json.loads((DATA / "nano_sort" / "gpt-nano-sort-model.json").read_text())
    tensors = embedded_weights(mg.load_model(DATA / "nano_sort", n_head=3)).content["tensors"]
    assert "lm_head.weight" in tensors
    for name, tensor in tensors.items():
        assert tensor["shape"] == published[name]["shape"]
        assert bytes_of(tensor["data"]) == base64.b64decode(published[name]["data"])
