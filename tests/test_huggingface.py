"""Folders of save_pretrained against transformers itself."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import markovgpt as mg
from markovgpt.models.gpt import GPT

DATA = Path(__file__).parents[2] / "shared" / "data"
WINDOWS = mg.StateSpace(5, 4).windows(4)[::7]
GPT2 = {"vocab_size": 5, "n_positions": 4, "n_layer": 2, "n_head": 2, "n_embd": 8, "bos_token_id": 0, "eos_token_id": 3}
LLAMA = {
    "vocab_size": 5, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "max_position_embeddings": 4, "eos_token_id": [1, 2], "bos_token_id": 0,
}  # fmt: skip


def saved(folder, module):
    """Save a module with weights large enough that every part matters; returns it in eval mode."""
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    module.eval().save_pretrained(folder)
    return module


def logits_of(module, windows):
    with torch.no_grad():
        return module(torch.as_tensor(windows)).logits[:, -1].float().numpy()


@pytest.mark.parametrize(
    "changes",
    [{}, {"activation_function": "gelu"}, {"n_inner": 12, "layer_norm_epsilon": 1e-2}, {"tie_word_embeddings": False}],
)
def test_gpt2_runs_in_our_own_gpt_and_says_the_same(tmp_path, changes):
    module = saved(tmp_path, GPT2LMHeadModel(GPT2Config(**GPT2 | changes)))
    model = mg.load_model(tmp_path)
    assert isinstance(model, GPT)
    assert model.next_token_logits(WINDOWS) == pytest.approx(logits_of(module, WINDOWS), abs=1e-5)
    assert (model.source.format, model.stop_tokens) == ("huggingface", (3,))


def test_gpt2_that_scales_differently_runs_through_transformers(tmp_path):
    module = saved(tmp_path, GPT2LMHeadModel(GPT2Config(**GPT2, scale_attn_by_inverse_layer_idx=True)))
    model = mg.load_model(tmp_path)
    assert not isinstance(model, GPT)
    assert model.next_token_logits(WINDOWS) == pytest.approx(logits_of(module, WINDOWS), abs=1e-5)


def test_another_causal_model_runs_through_transformers(tmp_path):
    module = saved(tmp_path, LlamaForCausalLM(LlamaConfig(**LLAMA)))
    model = mg.load_model(tmp_path)
    assert model.next_token_logits(WINDOWS) == pytest.approx(logits_of(module, WINDOWS), abs=1e-5)
    assert (model.vocab_size, model.context_length, model.stop_tokens) == (5, 4, (1, 2))
    assert "its sliding window is ours" in str(model.source)
    assert mg.load_model(tmp_path, context_length=2).context_length == 2


def test_half_precision_is_widened_and_recorded(tmp_path):
    module = saved(tmp_path, GPT2LMHeadModel(GPT2Config(**GPT2)).to(torch.bfloat16))
    model = mg.load_model(tmp_path)
    assert model.source.dtype == "bfloat16"
    assert model.next_token_logits(WINDOWS) == pytest.approx(logits_of(module.float(), WINDOWS), abs=1e-5)


def test_a_config_without_a_window_asks_for_one(tmp_path):
    saved(tmp_path, LlamaForCausalLM(LlamaConfig(**LLAMA)))
    config = json.loads((tmp_path / "config.json").read_text())
    del config["max_position_embeddings"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        mg.InvalidInput, match="does not say how long its window is, got no positions; give context_length="
    ):
        mg.load_model(tmp_path)


def test_without_transformers_gpt2_still_loads_and_others_name_the_extra(tmp_path, monkeypatch):
    saved(tmp_path / "gpt2", GPT2LMHeadModel(GPT2Config(**GPT2)))
    saved(tmp_path / "llama", LlamaForCausalLM(LlamaConfig(**LLAMA)))

    def missing(name, *rest):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert mg.load_model(tmp_path / "gpt2").vocab_size == 5
    with pytest.raises(
        mg.InvalidInput, match=r"a model of type 'llama' needs transformers.*pip install 'markovgpt\[hf\]'"
    ):
        mg.load_model(tmp_path / "llama")


@pytest.mark.parametrize("folder", ["gpt2", "llama"])
@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_damaged_weights_are_refused(tmp_path, folder, damage):
    module = GPT2LMHeadModel(GPT2Config(**GPT2)) if folder == "gpt2" else LlamaForCausalLM(LlamaConfig(**LLAMA))
    saved(tmp_path, module)
    file = tmp_path / "model.safetensors"
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(mg.InvalidInput, match=str(tmp_path.name)):
        mg.load_model(tmp_path)


def test_a_tokenizer_beside_the_weights_names_the_tokens(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    saved(tmp_path, GPT2LMHeadModel(GPT2Config(**GPT2)))
    words = {"a": 0, "b": 1, "c": 2, "<end>": 3}
    tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    assert mg.load_model(tmp_path).vocabulary.tokens == ("a", "b", "c", "<end>", "<unused 4>")


@pytest.mark.skipif(not DATA.exists(), reason="the real inputs are not beside this checkout")
def test_the_real_folder_says_what_transformers_says():
    folder = DATA / "hf_names_ctx3"
    model, module = mg.load_model(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    windows = mg.StateSpace(27, 3).windows(3)
    assert model.next_token_logits(windows) == pytest.approx(logits_of(module, windows), abs=1e-5)
    assert model.stop_tokens == (0,)
    assert np.isfinite(mg.tabulate(model).logits).all()
