"""nanoGPT and minGPT files: sizes, names, vocabulary, and logits against transformers and published activations."""

import base64
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import markovgpt as mg
from markovgpt.models.weights import weights_of

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real inputs are not beside this checkout")
SIZES = {"vocab_size": 5, "block_size": 4, "n_layer": 2, "n_head": 2, "n_embd": 8, "bias": False, "dropout": 0.0}


def random_weights(bias, *, tied=True):
    """Weights under nanoGPT's names, large enough that every part matters."""
    config = mg.GPTConfig(5, 4, n_layer=2, n_head=2, n_embd=8, bias=bias, layer_norm_bias=bias, tied=tied)
    generator = torch.Generator().manual_seed(4)
    shapes = {name: tensor.shape for name, tensor in weights_of(mg.GPT(config)).items()}
    weights = {name: 0.4 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    if tied:
        weights["transformer.wte.weight"] = weights["lm_head.weight"]
    return weights


def in_transformers(weights, activation):
    """The same weights in transformers' own GPT-2: matrices transposed, missing biases zero."""
    module = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=5, n_positions=4, n_layer=2, n_head=2, n_embd=8, activation_function=activation,
            tie_word_embeddings=bool(torch.equal(weights["transformer.wte.weight"], weights["lm_head.weight"])),
            resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
        )
    )  # fmt: skip
    state = {name: torch.zeros_like(tensor) for name, tensor in module.state_dict().items()}
    for name, tensor in weights.items():
        conv = name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight"))
        state[name] = tensor.t() if conv else tensor
    module.load_state_dict(state)
    return module.eval()


def logits_of(module, windows):
    with torch.no_grad():
        return module(torch.as_tensor(windows)).logits[:, -1].numpy()


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a nanoGPT checkpoint, and returns its path."""

    def write(bias=False, prefix="", meta=None, **changes):
        model = {prefix + name: tensor for name, tensor in random_weights(bias).items()}
        content = {"model": model, "model_args": SIZES | {"bias": bias}, "config": {}, "iter_num": 7} | changes
        torch.save(content, tmp_path / "ckpt.pt")
        if meta is not None:
            (tmp_path / "meta.pkl").write_bytes(pickle.dumps(meta))
        return tmp_path / "ckpt.pt"

    return write


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."])
def test_a_nanogpt_checkpoint_says_what_transformers_says(checkpoint, bias, prefix):
    model = mg.load_model(checkpoint(bias, prefix))
    windows = mg.StateSpace(5, 4).windows(4)[::7]
    expected = logits_of(in_transformers(random_weights(bias), "gelu"), windows)
    assert model.next_token_logits(windows) == pytest.approx(expected, abs=1e-5)
    assert model.source.format == "nanogpt"


def test_a_nanogpt_folder_is_found_by_its_checkpoint(checkpoint):
    file = checkpoint()
    assert mg.load_model(file.parent).source == mg.load_model(file).source


def test_the_vocabulary_is_read_from_meta(checkpoint):
    letters = dict(enumerate("\nabcd"))
    model = mg.load_model(checkpoint(meta={"vocab_size": 5, "itos": letters, "stoi": {}}))
    assert model.vocabulary.tokens == ("\n", "a", "b", "c", "d")


def test_without_meta_there_is_no_vocabulary_and_it_is_said(checkpoint):
    model = mg.load_model(checkpoint())
    assert model.vocabulary is None
    assert "no meta.pkl beside it" in str(model.source)


def test_a_padded_vocabulary_is_reported(checkpoint):
    model = mg.load_model(checkpoint(meta={"itos": {0: "a", 1: "b", 2: "c"}}))
    assert model.vocabulary.tokens == ("a", "b", "c", "<unused 3>", "<unused 4>")
    assert "2 of its 5 tokens are padding that no text uses" in str(model.source)


def test_a_vocabulary_that_is_given_wins(checkpoint):
    given = mg.Vocabulary("vwxyz")
    assert mg.load_model(checkpoint(meta={"itos": {0: "a"}}), vocabulary=given).vocabulary == given
    with pytest.raises(mg.InvalidInput, match="vocabulary must hold vocab_size=5 tokens, got 2"):
        mg.load_model(checkpoint(), vocabulary=mg.Vocabulary("ab"))


@pytest.mark.parametrize("meta", [{"itos": dict(enumerate("abcdef"))}, {"itos": {1: "a"}}, {"itos": {}}, {}, [1]])
def test_a_meta_file_that_does_not_fit_is_refused(checkpoint, meta):
    file = checkpoint(meta=meta)
    with pytest.raises(mg.InvalidInput, match=r"meta.pkl must (name at most the 5 tokens|hold itos)"):
        mg.load_model(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"model_args in .*ckpt.pt must hold nanoGPT's sizes, got KeyError\('vocab_size'\)"),
        (SIZES | {"n_head": None}, "must hold nanoGPT's sizes, got TypeError"),
        (
            SIZES | {"n_layer": 3},
            r"must hold the tensors of its config, got none for transformer.h.2.* and \d more and nothing left over",
        ),
        (SIZES | {"vocab_size": 6}, r"lm_head.weight in .*ckpt.pt must have the shape \(6, 8\), got \(5, 8\)"),
        (SIZES | {"n_head": 3}, "n_embd must be a multiple of n_head, got 8 and 3"),
    ],
)
def test_sizes_that_do_not_fit_the_weights_are_refused(checkpoint, arguments, message):
    file = checkpoint(model_args=arguments)
    with pytest.raises(mg.InvalidInput, match=message):
        mg.load_model(file)


def test_a_mingpt_state_dict_says_what_transformers_says(tmp_path):
    weights = random_weights(True, tied=False)
    weights["transformer.h.0.attn.bias"] = torch.ones(1, 1, 4, 4).tril()
    torch.save(weights, tmp_path / "model.pt")
    model = mg.load_model(tmp_path / "model.pt", n_head=2)
    windows = mg.StateSpace(5, 4).windows(4)[::7]
    del weights["transformer.h.0.attn.bias"]
    assert model.next_token_logits(windows) == pytest.approx(
        logits_of(in_transformers(weights, "gelu_new"), windows), abs=1e-5
    )
    assert model.source.format == "mingpt"


def test_a_mingpt_state_dict_asks_for_its_heads(tmp_path):
    torch.save(random_weights(True, tied=False), tmp_path / "model.pt")
    with pytest.raises(
        mg.InvalidInput, match=r"got width 8 in .*; give n_head= \(--n-head\), one of 1, 2, 4, 8: minGPT's"
    ):
        mg.load_model(tmp_path / "model.pt")


@pytest.mark.parametrize("content", [{"w": torch.zeros(2, 2)}, {"lm_head.weight": torch.zeros(3)}])
def test_a_state_dict_of_something_else_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(mg.InvalidInput, match=r"model.pt must hold the matrix transformer.wte.weight, got none"):
        mg.load_model(tmp_path / "model.pt", n_head=1)


@needs_data
def test_the_published_activations_of_the_sorter_are_reproduced():
    published = json.loads((DATA / "nano_sort" / "gpt-nano-sort-t0-partials.json").read_text())

    def array(name):
        stored = published[name]
        return np.frombuffer(base64.b64decode(stored["data"]), dtype=np.float32).reshape(stored["shape"])

    model = mg.load_model(DATA / "nano_sort" / "model.pt", n_head=3)
    with torch.no_grad():
        tokens = torch.as_tensor(array("idx").astype(np.int64))
        x = model.transformer["wte"](tokens) + model.transformer["wpe"](torch.arange(tokens.shape[1]))
        assert x.numpy() == pytest.approx(array("x"), abs=1e-5)
        for layer, block in enumerate(model.transformer["h"]):
            x = block(x)
            assert x.numpy() == pytest.approx(array(f"block{layer}"), abs=1e-5)
        assert model.transformer["ln_f"](x).numpy() == pytest.approx(array("ln_f"), abs=1e-5)
        logits = model(tokens)
    assert logits.numpy() == pytest.approx(array("lm_head"), abs=1e-5)
    assert logits.softmax(-1).numpy() == pytest.approx(array("probs"), abs=1e-5)


@needs_data
@pytest.mark.parametrize(
    ("folder", "vocab_size", "context_length"), [("nanogpt_names_ctx4", 27, 4), ("nanogpt_shakespeare_ctx64", 65, 64)]
)
def test_real_checkpoints_are_loaded_with_their_vocabulary(folder, vocab_size, context_length):
    model = mg.load_model(DATA / folder)
    assert (model.vocab_size, model.context_length, len(model.vocabulary)) == (vocab_size, context_length, vocab_size)
    assert model.vocabulary.tokens[0] == "\n"


@needs_data
def test_shakespeare_is_too_large_to_tabulate():
    model = mg.load_model(DATA / "nanogpt_shakespeare_ctx64")
    with pytest.raises(mg.TooLarge, match=r"65\*\*64 states x 65 tokens need .* GB"):
        mg.tabulate(model)
