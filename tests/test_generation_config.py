"""What a folder's generate would sample with, against transformers' own resolution."""

import json
from pathlib import Path

import pytest
from transformers import GPT2Config, GPT2LMHeadModel

import markovgpt as mg

DATA = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"
FIELDS = ("temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "repetition_penalty")


def folder_of(path, generation, model=None):
    """A folder with the json files of a model of 60 tokens; None leaves generation_config.json out."""
    if generation is not None:
        (path / "generation_config.json").write_text(json.dumps(generation), encoding="utf-8")
    (path / "config.json").write_text(json.dumps({"vocab_size": 60, **(model or {})}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("generation", "expected"),
    [
        ({}, {"temperature": 0}),
        ({"do_sample": False, "temperature": 0.7, "top_p": 0.9}, {"temperature": 0}),
        ({"do_sample": True}, {"top_k": 50, "top_p": 1.0}),
        ({"do_sample": True, "top_k": None, "temperature": None}, {"top_k": 50, "top_p": 1.0}),
        ({"do_sample": True, "top_k": 0, "top_p": 0.9}, {"top_p": 0.9}),
        ({"do_sample": True, "top_k": 60}, {"top_p": 1.0}),
        ({"do_sample": True, "top_k": 59, "temperature": 0.6}, {"temperature": 0.6, "top_k": 59, "top_p": 1.0}),
        (
            {"do_sample": True, "top_k": 5, "min_p": 0.1, "typical_p": 0.9, "epsilon_cutoff": 3e-4, "eta_cutoff": 0.02},
            {"top_k": 5, "top_p": 1.0, "min_p": 0.1, "typical_p": 0.9, "epsilon_cutoff": 3e-4, "eta_cutoff": 0.02},
        ),
        ({"do_sample": True, "top_k": 5, "repetition_penalty": 1.0, "num_beams": 1, "guidance_scale": 1}, {"top_k": 5}),
        ({"do_sample": True, "top_k": 5, "no_repeat_ngram_size": 0, "max_length": 9, "eos_token_id": 0}, {"top_k": 5}),
    ],
)
def test_unset_fields_take_the_defaults_of_transformers(tmp_path, generation, expected):
    found = mg.SamplingSettings.from_generation_config(folder_of(tmp_path, generation))
    assert (found.temperature, found.active) == (
        expected.get("temperature", 1.0),
        mg.SamplingSettings(**expected).active,
    )


@pytest.mark.parametrize(
    ("generation", "model"),
    [
        ({}, {}),
        ({"top_p": 0.8, "temperature": 0.5}, {}),
        ({"top_k": 7, "typical_p": 0.4, "min_p": 0.05}, {"top_k": 9}),
        ({"epsilon_cutoff": 0.01, "eta_cutoff": 0.02, "repetition_penalty": 1.2}, {}),
        (None, {}),
        (None, {"top_k": 8, "temperature": 0.4, "do_sample": True, "repetition_penalty": 1.5}),
    ],
)
@pytest.mark.parametrize("do_sample", [None, True, False])
def test_the_settings_are_those_transformers_resolves(tmp_path, generation, model, do_sample):
    module = GPT2LMHeadModel(GPT2Config(vocab_size=60, n_positions=4, n_layer=1, n_head=1, n_embd=4))
    module.save_pretrained(tmp_path)
    (tmp_path / "generation_config.json").unlink()
    written = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    folder_of(tmp_path, generation, {**written, **model})
    wanted, _ = GPT2LMHeadModel.from_pretrained(tmp_path)._prepare_generation_config(
        None, **({} if do_sample is None else {"do_sample": do_sample})
    )
    found = mg.SamplingSettings.from_generation_config(tmp_path, do_sample=do_sample, penalty_over_window=True)
    if not wanted.do_sample:
        expected = mg.SamplingSettings(temperature=0, window_repetition_penalty=wanted.repetition_penalty)
    else:
        values = {name: getattr(wanted, name) for name in FIELDS}
        expected = mg.SamplingSettings(window_repetition_penalty=values.pop("repetition_penalty"), **values)
    assert (found.temperature, found.active) == (expected.temperature, expected.active)


def test_do_sample_is_taken_from_the_caller_first(tmp_path):
    folder = folder_of(tmp_path, {"do_sample": True, "top_k": 5})
    assert mg.SamplingSettings.from_generation_config(folder, do_sample=False) == mg.SamplingSettings(temperature=0)
    assert mg.SamplingSettings.from_generation_config(str(folder)).top_k == 5


def test_a_penalty_is_taken_over_the_window_when_that_is_asked_for(tmp_path):
    folder = folder_of(tmp_path, {"repetition_penalty": 1.3})
    found = mg.SamplingSettings.from_generation_config(folder, penalty_over_window=True)
    assert found == mg.SamplingSettings(temperature=0, window_repetition_penalty=1.3)
    with pytest.raises(
        mg.InvalidInput, match=r"repetition_penalty must be left out of .*generation_config\.json.*1\.3"
    ):
        mg.SamplingSettings.from_generation_config(folder)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("no_repeat_ngram_size", 2, "it looks at the whole text"),
        ("encoder_repetition_penalty", 1.1, "it looks at the whole text"),
        ("min_new_tokens", 4, "it depends on the place in the text"),
        ("forced_bos_token_id", 0, "it depends on the place in the text"),
        ("exponential_decay_length_penalty", [3, 1.1], "it depends on the place in the text"),
        ("num_beams", 4, "it searches among texts"),
        ("penalty_alpha", 0.6, "it searches among texts"),
        ("constraints", [], "it searches among texts"),
        ("guidance_scale", 1.5, "it asks the model about a second text"),
        ("dola_layers", "high", "it compares layers of the model"),
        ("bad_words_ids", [[3]], "it is not offered here"),
        ("sequence_bias", [[[3], -10.0]], "it is not offered here"),
        ("top_h", 0.4, "it is not offered here"),
    ],
)
def test_what_makes_no_chain_over_windows_is_refused_with_the_reason(tmp_path, field, value, reason):
    folder = folder_of(tmp_path, {"do_sample": True, field: value})
    with pytest.raises(mg.InvalidInput, match=rf"{field} must be left out of .*generation_config\.json.*: {reason}"):
        mg.SamplingSettings.from_generation_config(folder)


@pytest.mark.parametrize(
    ("generation", "message"),
    [
        ({"do_sample": True, "temperature": "hot"}, r"generation_config\.json must hold.*temperature must be a number"),
        ({"do_sample": True, "top_p": 1.5}, r"generation_config\.json must hold.*top_p must lie in \(0, 1\], got 1\.5"),
        ({"do_sample": True, "top_k": 2.5}, r"generation_config\.json must hold.*top_k must be a whole number"),
        ({"do_sample": True, "temperature": 0}, r"temperature must be above 0 in .*generation_config\.json"),
        ({"do_sample": "yes"}, r"do_sample must be true or false in .*generation_config\.json, got yes"),
        ({"repetition_penalty": "much"}, r"repetition_penalty must be left out .* got much"),
    ],
)
def test_values_out_of_range_are_refused_with_their_file(tmp_path, generation, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.SamplingSettings.from_generation_config(folder_of(tmp_path, generation))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"do_sample": tru'])
def test_damaged_json_is_refused_with_its_file(tmp_path, text):
    folder = folder_of(tmp_path, {})
    (folder / "generation_config.json").write_text(text, encoding="utf-8")
    with pytest.raises(
        mg.InvalidInput, match=r"generation_config\.json must hold a json object of generation settings"
    ):
        mg.SamplingSettings.from_generation_config(folder)


@pytest.mark.parametrize("size", [None, 0, "60", True])
def test_a_vocabulary_of_no_size_is_refused(tmp_path, size):
    folder = folder_of(tmp_path, {"do_sample": True}, {"vocab_size": size})
    with pytest.raises(mg.InvalidInput, match=r"vocab_size must be a whole number of at least 1 in .*config\.json"):
        mg.SamplingSettings.from_generation_config(folder)


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"config\.json must hold a json object of generation settings, got"):
        mg.SamplingSettings.from_generation_config(tmp_path / "nowhere")


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data are not here")
def test_a_saved_model_inherits_the_global_defaults():
    # 27 tokens: the inherited top_k of 50 keeps them all
    assert mg.SamplingSettings.from_generation_config(DATA) == mg.SamplingSettings(temperature=0)
    assert mg.SamplingSettings.from_generation_config(DATA, do_sample=True).active == {}
