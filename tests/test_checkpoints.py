"""A model comes back from disk as it was, or not at all."""

import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import markovgpt as mg
from markovgpt.models.checkpoints import CONFIG, WEIGHTS, weights_sha256

ALL_WINDOWS = mg.StateSpace(2, 3).windows(3)


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return mg.GPT(mg.GPTConfig(2, 3, n_layer=1, n_head=2, n_embd=4, bias=True), mg.Vocabulary(("a", "b"))).eval()


@pytest.fixture
def folder(model, tmp_path):
    mg.save_model(model, tmp_path / "model")
    return tmp_path / "model"


def change_config(folder, **changes):
    """Change what stands in the config file."""
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, **changes}))


def change_weights(folder, **changes):
    """Replace tensors; None takes one out."""
    weights = {**load_file(folder / WEIGHTS), **{name.replace("__", "."): value for name, value in changes.items()}}
    save_file({name: tensor for name, tensor in weights.items() if tensor is not None}, folder / WEIGHTS)


def test_a_saved_model_says_the_same_when_loaded(model, folder):
    loaded = mg.load_model(folder)
    assert loaded.config == model.config
    assert loaded.vocabulary == model.vocabulary
    assert not loaded.training
    assert np.array_equal(loaded.next_token_logits(ALL_WINDOWS), model.next_token_logits(ALL_WINDOWS))
    assert weights_sha256(loaded) == weights_sha256(model)


def test_embeddings_are_still_tied_after_loading(folder):
    loaded = mg.load_model(folder)
    assert loaded.transformer["wte"].weight is loaded.lm_head.weight


def test_loading_leaves_the_global_generator_alone(folder):
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    mg.load_model(folder)
    assert torch.equal(torch.rand(1), expected)


def test_the_fingerprint_changes_with_one_weight(model):
    before = weights_sha256(model)
    with torch.no_grad():
        model.lm_head.weight[0, 0] += 1
    assert weights_sha256(model) != before


def test_saving_onto_a_file_is_refused(model, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(mg.InvalidInput, match="path must be a folder to save into"):
        mg.save_model(model, tmp_path / "taken")


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(mg.InvalidInput, match=f"without {re.escape(name)}; make one with save_model"):
        mg.load_model(folder)


def test_an_unknown_format_is_refused(folder):
    with pytest.raises(mg.InvalidInput, match="format must be 'auto' or 'markovgpt', got 'onnx'"):
        mg.load_model(folder, format="onnx")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"config": {"vocab_size": 2}, "vocabulary": null}', "\xff"])
def test_a_damaged_config_is_refused(folder, text):
    (folder / CONFIG).write_bytes(text.encode("latin-1"))
    with pytest.raises(mg.InvalidInput, match=r"config.json must hold the keys config and vocabulary"):
        mg.load_model(folder)


def test_a_config_of_another_vocabulary_is_refused(folder):
    change_config(folder, vocabulary=["a", "b", "c"])
    with pytest.raises(mg.InvalidInput, match="must hold vocab_size=2 tokens, got 3"):
        mg.load_model(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, 2000])
def test_truncated_weights_are_refused(folder, keep):
    content = (folder / WEIGHTS).read_bytes()
    assert keep < len(content)
    (folder / WEIGHTS).write_bytes(content[:keep])
    with pytest.raises(mg.InvalidInput, match=r"must be a safetensors file, got: .*; copy it anew"):
        mg.load_model(folder)


def test_missing_and_extra_tensors_are_listed(folder):
    change_weights(folder, lm_head__weight=None, stranger=torch.zeros(1))
    with pytest.raises(mg.InvalidInput, match=r"missing=\['lm_head.weight'\] and extra=\['stranger'\]"):
        mg.load_model(folder)


def test_a_tensor_of_another_shape_is_named(folder):
    change_weights(folder, lm_head__weight=torch.zeros(3, 4))
    with pytest.raises(mg.InvalidInput, match=r"lm_head.weight in .* must have the shape \(2, 4\), got \(3, 4\)"):
        mg.load_model(folder)


def test_weights_that_are_no_numbers_are_counted(folder):
    change_weights(folder, lm_head__weight=torch.tensor([[float("nan"), 0, 0, 0], [float("inf"), 0, 0, 0]]))
    with pytest.raises(mg.InvalidInput, match=r"lm_head.weight in .* must hold finite numbers, got 2 others"):
        mg.load_model(folder)
