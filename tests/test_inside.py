"""What the explorer's page computes inside a model, in a real Chromium, against torch and published activations."""

import base64
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.demo import baby_gpt
from markovgpt.explorer.weights import embedded_weights
from tests.explorer_browser import open_js

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real inputs are not beside this checkout")
TOLERANCE = 1e-4
AS_LISTS = """([weights, windows]) => windows.map((tokens) => {
  const pass = forwardPass(weights, tokens);
  const part = ({residual, logitLens}) => ({residual: residual.map((row) => [...row]), logitLens: [...logitLens]});
  return {
    tokenEmbedding: pass.tokenEmbedding.map((row) => [...row]),
    positionEmbedding: pass.positionEmbedding.map((row) => [...row]),
    embedding: part(pass.embedding),
    layers: pass.layers.map((layer) => ({
      ...part(layer), attention: layer.attention.map((head) => head.map((row) => [...row])),
    })),
    logits: [...pass.logits],
    probabilities: [...pass.probabilities],
  };
})"""


@pytest.fixture
def passes(tab):
    """Computes windows of a model in the browser."""
    open_js(tab, "inside.js")

    def compute(model, windows):
        content = json.loads(json.dumps(embedded_weights(model).content))  # as the page has it
        return tab.evaluate(AS_LISTS, [content, [[int(token) for token in window] for window in windows]])

    return compute


def in_torch(model, window):
    """The same, from torch's own modules: what flows into and out of them."""
    seen = {}

    def keep(name):
        return lambda module, given, output: seen.__setitem__(name, output[0].detach().double().numpy())

    blocks = model.transformer["h"]
    hooks = [model.transformer["wte"].register_forward_hook(keep("tokens"))]
    hooks += [model.transformer["wpe"].register_forward_hook(lambda module, given, output: seen.update(places=output))]
    hooks += [block.register_forward_hook(keep(f"block {i}")) for i, block in enumerate(blocks)]
    hooks += [block.attn.c_attn.register_forward_hook(keep(f"qkv {i}")) for i, block in enumerate(blocks)]
    with torch.no_grad():
        logits = model(torch.tensor([window]))[0, -1]
    for hook in hooks:
        hook.remove()
    places = seen["places"].detach().double().numpy()
    layers = [
        {
            "attention": attention_of(seen[f"qkv {i}"], model.config.n_head),
            "residual": seen[f"block {i}"],
            "logitLens": lens(model, seen[f"block {i}"]),
        }
        for i in range(len(blocks))
    ]
    together = seen["tokens"] + places
    return {
        "tokenEmbedding": seen["tokens"],
        "positionEmbedding": places,
        "embedding": {"residual": together, "logitLens": lens(model, together)},
        "layers": layers,
        "logits": logits.double().numpy(),
        "probabilities": logits.double().softmax(-1).numpy(),
    }


def attention_of(qkv, heads):
    """Each head's softmax(q k / sqrt(size)) over the past, (heads, T, T), entry by entry."""
    T, size = len(qkv), qkv.shape[1] // 3 // heads
    q, k, _ = qkv.reshape(T, 3, heads, size).transpose(1, 2, 0, 3)  # each (heads, T, size)
    weights = np.zeros((heads, T, T))
    for head in range(heads):
        for i in range(T):
            powers = [math.exp(q[head, i] @ k[head, j] / math.sqrt(size)) for j in range(i + 1)]
            weights[head, i, : i + 1] = np.array(powers) / sum(powers)
    return weights


def lens(model, residual):
    """Final norm and output matrix at the last position."""
    with torch.no_grad():
        last = torch.as_tensor(residual[-1:]).to(model.lm_head.weight.dtype)
        return model.lm_head(model.transformer["ln_f"](last))[0].double().numpy()


def assert_equal(found, expected):
    """Every number of the two within the tolerance, and no part missing."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            assert_equal(found[name], expected[name])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_equal(one, other)
    else:
        assert np.shape(found) == np.shape(expected)
        assert np.abs(np.array(found) - expected).max() < TOLERANCE


def assert_as_torch(passes, model, windows):
    for found, window in zip(passes(model, windows), windows, strict=True):
        assert_equal(found, in_torch(model, window))


def random_gpt(**options):
    """A GPT of weights so large that every part matters."""
    model = mg.GPT(mg.GPTConfig(5, 4, **{"n_layer": 2, "n_head": 2, "n_embd": 8, **options})).eval()
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return model


def test_a_window_by_hand(passes):
    # One layer that adds nothing; tokens (1, 0) and (0, 1), positions 0: norm gives (1, -1) and (-1, 1).
    model = mg.GPT(mg.GPTConfig(2, 2, n_layer=1, n_head=1, n_embd=2, layer_norm_epsilon=1e-12))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.lm_head.weight.copy_(torch.eye(2))
        model.transformer["ln_f"].weight.fill_(1)
    (found,) = passes(model, [(0, 1)])
    assert found["tokenEmbedding"] == [[1, 0], [0, 1]]
    assert found["layers"][0]["attention"] == [[[1, 0], [0.5, 0.5]]]
    assert found["layers"][0]["residual"] == [[1, 0], [0, 1]]
    assert found["logits"] == pytest.approx([-1, 1], abs=1e-9)
    assert found["probabilities"] == pytest.approx([1 / (1 + math.e**2), math.e**2 / (1 + math.e**2)], abs=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": True},
        {"layer_norm_bias": False},
        {"activation": "gelu_tanh", "tied": False, "bias": True},
        {"n_inner": 3, "n_head": 8},
        {"layer_norm_epsilon": 0.5, "n_layer": 1, "n_head": 1},
    ],
)
def test_every_option_says_what_torch_says(passes, options):
    windows = [(0,), (4, 1), (0, 1, 2), (4, 3, 3, 0), (2, 2, 2, 2)]
    assert_as_torch(passes, random_gpt(**options), windows)


def test_the_baby_gpt_says_what_torch_says(passes):
    model = baby_gpt().model.eval()
    windows = [window for length in (1, 2, 3) for window in mg.StateSpace(2, 3).windows(length).tolist()]
    assert_as_torch(passes, model, windows)


@needs_data
@pytest.mark.parametrize("name", ["nanogpt_names_ctx4", "hf_names_ctx3"])
def test_models_of_names_say_what_torch_says(passes, name):
    model = mg.load_model(DATA / name)
    drawn = np.random.default_rng(7).integers(0, model.vocab_size, (6, model.context_length)).tolist()
    assert_as_torch(passes, model, [*drawn, drawn[0][:2], drawn[1][:1]])


@needs_data
def test_the_sorter_says_what_torch_says(passes):
    model = mg.load_model(DATA / "nano_sort", n_head=3)
    drawn = np.random.default_rng(8).integers(0, 3, (4, 11)).tolist()
    assert_as_torch(passes, model, [*drawn, drawn[0][:6]])


@needs_data
def test_the_sorter_says_what_was_published(passes):
    published = json.loads((DATA / "nano_sort" / "gpt-nano-sort-t0-partials.json").read_text())

    def read(name):
        numbers = np.frombuffer(base64.b64decode(published[name]["data"]), dtype="<f4")
        return numbers.reshape(published[name]["shape"]).astype(float)

    windows = read("idx").astype(int).tolist()
    found = passes(mg.load_model(DATA / "nano_sort", n_head=3), windows)
    for i, one in enumerate(found):
        assert_equal(one["tokenEmbedding"], read("tok_emb")[i])
        assert_equal(one["positionEmbedding"], read("pos_emb")[0])
        assert_equal(one["embedding"]["residual"], read("x")[i])
        assert_equal(one["layers"][0]["attention"], read("attSm")[i])  # published for the first layer
        for layer in range(3):
            assert_equal(one["layers"][layer]["residual"], read(f"block{layer}")[i])
        assert_equal(one["logits"], read("lm_head")[i, -1])
        assert_equal(one["probabilities"], read("probs")[i, -1])


def test_attention_sums_to_one_and_never_looks_ahead(passes):
    for found in passes(random_gpt(), [(0, 1, 2, 3), (4, 4)]):
        for layer in found["layers"]:
            attention = np.array(layer["attention"])
            assert attention.sum(-1) == pytest.approx(1, abs=1e-14)
            assert not np.triu(attention, 1).any()


def test_softmax_bears_scores_of_any_size(tab):
    open_js(tab, "inside.js")
    found = tab.evaluate("(rows) => rows.map((row) => softmaxOf(row))", [[1000, 1000], [-1000, -2000], [2]])
    assert found == [[0.5, 0.5], [1, 0], [1]]


def test_the_error_function_is_that_of_the_library(tab):
    open_js(tab, "inside.js")
    points = [-7, -6, -3.3, -1, -1e-9, 0, 1e-300, 0.1, 0.5, 1.7, 2.5, 4, 5.1, 5.9, 6.01, 40]
    found = tab.evaluate("(points) => points.map(errorFunction)", points)
    assert found == pytest.approx([math.erf(x) for x in points], rel=1e-14, abs=0)


def test_the_page_gives_typed_arrays_and_takes_them(tab):
    open_js(tab, "inside.js")
    content = embedded_weights(random_gpt()).content
    command = "([weights, tokens]) => [...forwardPass(weights, tokens).logits]"
    plain = tab.evaluate(command, [content, [4, 3]])
    typed = tab.evaluate(command.replace("tokens).", "Uint8Array.from(tokens))."), [content, [4, 3]])
    assert plain == typed
    assert tab.evaluate("([weights]) => forwardPass(weights, [1]).logits instanceof Float64Array", [content])


def test_windows_that_the_model_cannot_read_are_refused(tab):
    open_js(tab, "inside.js")
    refusals = [
        ([], "A window must hold 1 to 4 tokens, got 0; keep the newest ones."),
        ([0] * 5, "A window must hold 1 to 4 tokens, got 5; keep the newest ones."),
        ([0, 5], "Tokens must be whole numbers from 0 to 4, got 5; see the vocabulary."),
        ([-1], "Tokens must be whole numbers from 0 to 4, got -1; see the vocabulary."),
        ([0.5], "Tokens must be whole numbers from 0 to 4, got 0.5; see the vocabulary."),
    ]
    command = "([weights, tokens]) => { try { forwardPass(weights, tokens); } catch (error) { return error.message; } }"
    content = embedded_weights(random_gpt()).content
    for window, message in refusals:
        assert tab.evaluate(command, [content, window]) == message
