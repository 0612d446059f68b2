"""A model comes back from disk as it was, or not at all."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import markovgpt as mg
from markovgpt.models.checkpoints import CONFIG, WEIGHTS

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
    assert (loaded.source.format, loaded.source.dtype) == ("markovgpt", "float32")


def test_embeddings_are_still_tied_after_loading(folder):
    loaded = mg.load_model(folder)
    assert loaded.transformer["wte"].weight is loaded.lm_head.weight


def test_loading_leaves_the_global_generator_alone(folder):
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    mg.load_model(folder)
    assert torch.equal(torch.rand(1), expected)


def test_the_fingerprint_changes_with_one_weight_and_with_nothing_else(model, folder, tmp_path):
    first, second = mg.load_model(folder).source, mg.load_model(folder).source
    with torch.no_grad():
        model.lm_head.weight[0, 0] += 1
    mg.save_model(model, tmp_path / "other")
    assert first == second
    assert mg.load_model(tmp_path / "other").source.weights_sha256 != first.weights_sha256


@pytest.mark.parametrize(
    "config",
    [
        mg.GPTConfig(3, 2, n_layer=1, tied=False),
        mg.GPTConfig(
            3, 2, n_layer=1, layer_norm_bias=False, activation="gelu_tanh", n_inner=7, layer_norm_epsilon=1e-3
        ),
    ],
)
def test_every_kind_of_gpt_comes_back(config, tmp_path):
    model = mg.GPT(config).eval()
    mg.save_model(model, tmp_path)
    loaded = mg.load_model(tmp_path)
    assert loaded.config == config
    windows = mg.StateSpace(3, 2).windows(2)
    assert np.array_equal(loaded.next_token_logits(windows), model.next_token_logits(windows))


def test_double_precision_stays_double(model, tmp_path):
    mg.save_model(model.double(), tmp_path)
    loaded = mg.load_model(tmp_path)
    assert loaded.next_token_logits(ALL_WINDOWS).dtype == np.float64
    assert np.array_equal(loaded.next_token_logits(ALL_WINDOWS), model.next_token_logits(ALL_WINDOWS))


def test_the_weights_file_names_its_folder(folder):
    assert mg.load_model(folder / WEIGHTS).source == mg.load_model(folder).source


def test_bare_safetensors_need_a_config_beside_them(folder):
    (folder / WEIGHTS).rename(folder / "step_400.safetensors")
    model = mg.load_model(folder / "step_400.safetensors")
    assert (model.source.format, model.vocabulary.tokens) == ("markovgpt", ("a", "b"))
    (folder / CONFIG).unlink()
    with pytest.raises(
        mg.InvalidInput, match=r"step_400.safetensors must have a config.json beside it, got none; copy"
    ):
        mg.load_model(folder / "step_400.safetensors")


def test_a_folder_with_one_torch_file_is_that_file(tmp_path):
    config = mg.GPTConfig(3, 2, n_layer=1, n_head=2, n_embd=8, bias=True, activation="gelu_tanh", tied=False)
    model = mg.GPT(config)
    torch.save(model.state_dict(), tmp_path / "model.pt")
    loaded = mg.load_model(tmp_path, n_head=2)
    assert loaded.source.format == "mingpt"
    windows = mg.StateSpace(3, 2).windows(2)
    assert np.array_equal(loaded.next_token_logits(windows), model.next_token_logits(windows))
    torch.save({}, tmp_path / "other.pth")
    with pytest.raises(mg.InvalidInput, match=r"one torch file, .* got .*, which holds model.pt, other.pth; make one"):
        mg.load_model(tmp_path)


def test_the_format_can_be_demanded(folder):
    assert mg.load_model(folder, format="markovgpt").source.format == "markovgpt"
    with pytest.raises(mg.InvalidInput, match="must be of the format nanogpt, got markovgpt; leave the format out"):
        mg.load_model(folder, format="nanogpt")


def test_a_vocabulary_is_read_from_json(tmp_path):
    (tmp_path / "tokens.json").write_text('["a", "\\n"]')
    assert mg.load_vocabulary(tmp_path / "tokens.json").tokens == ("a", "\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must hold a json list of token strings, got: Expecting"),
        ('{"a": 0}', "got dict"),
        ("[1]", "non-empty strings"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, text, message):
    (tmp_path / "tokens.json").write_text(text)
    with pytest.raises(mg.InvalidInput, match=message):
        mg.load_vocabulary(tmp_path / "tokens.json")
    with pytest.raises(mg.InvalidInput, match="No such file"):
        mg.load_vocabulary(tmp_path / "missing.json")


def test_saving_onto_a_file_is_refused(model, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(mg.InvalidInput, match="path must be a folder to save into"):
        mg.save_model(model, tmp_path / "taken")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (CONFIG, "a model must be a folder with config.json, ckpt.pt or one torch file, or a file"),
        (WEIGHTS, "No such file"),
    ],
)
def test_a_missing_file_is_named(folder, name, message):
    (folder / name).unlink()
    with pytest.raises(mg.InvalidInput, match=message):
        mg.load_model(folder)


def test_an_unknown_format_is_refused(folder):
    with pytest.raises(
        mg.InvalidInput, match="format must be auto or one of markovgpt, nanogpt, mingpt, huggingface, got 'onnx'"
    ):
        mg.load_model(folder, format="onnx")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must hold a json object, got: Expecting"),
        ("[]", "must hold a json object, got list"),
        ("\xff", "must hold a json object, got: 'utf-8'"),
        ("{}", "must hold the keys config and vocabulary, got KeyError"),
        (
            '{"config": {"vocab_size": 2}, "vocabulary": null}',
            "must hold the keys config and vocabulary, got TypeError",
        ),
    ],
)
def test_a_damaged_config_is_refused(folder, text, message):
    (folder / CONFIG).write_bytes(text.encode("latin-1"))
    with pytest.raises(mg.InvalidInput, match=message):
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
    with pytest.raises(mg.InvalidInput, match=r"got none for lm_head.weight and stranger left over"):
        mg.load_model(folder)


def test_a_tensor_of_another_shape_is_named(folder):
    change_weights(folder, lm_head__weight=torch.zeros(3, 4))
    with pytest.raises(mg.InvalidInput, match=r"lm_head.weight in .* must have the shape \(2, 4\), got \(3, 4\)"):
        mg.load_model(folder)


def test_weights_that_are_no_numbers_are_counted(folder):
    change_weights(folder, lm_head__weight=torch.tensor([[float("nan"), 0, 0, 0], [float("inf"), 0, 0, 0]]))
    with pytest.raises(mg.InvalidInput, match=r"lm_head.weight in .* must hold finite numbers, got 2 others"):
        mg.load_model(folder)
