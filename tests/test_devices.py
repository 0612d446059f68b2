"""Where torch runs a model, and the word about it."""

import pytest
import torch

import markovgpt as mg
from markovgpt.models.devices import usable_device


def test_a_name_torch_does_not_know_is_refused():
    with pytest.raises(mg.InvalidInput, match="device must be a name such as cpu, cuda, cuda:1 or mps, got 'gpu'"):
        usable_device("gpu")


@pytest.mark.parametrize("name", ["cuda:99", "mps:7", "xpu"])
def test_a_device_that_is_not_there_falls_back_with_a_word(name):
    device, notes = usable_device(name)
    assert device == torch.device("cpu")
    assert len(notes) == 1
    assert notes[0].startswith(f"asked to run on {name}, runs on cpu: ")
    assert len(notes[0]) < 200


def test_the_word_stands_in_the_source_of_the_model(tmp_path):
    mg.save_model(mg.GPT(mg.GPTConfig(2, 3)), tmp_path)
    model = mg.load_model(tmp_path, device="cuda:99")
    assert "asked to run on cuda:99, runs on cpu" in str(model.source)
    assert mg.load_model(tmp_path).source.notes == ()


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_model_is_moved_to_a_device_that_is_there(name, tmp_path):
    device, notes = usable_device(name)
    if notes:
        pytest.skip(notes[0])
    mg.save_model(mg.GPT(mg.GPTConfig(2, 3)), tmp_path)
    assert mg.load_model(tmp_path, device=name).lm_head.weight.device.type == device.type
