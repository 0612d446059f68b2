"""Weights go into a GPT as they are, or are refused by name."""

from pathlib import Path

import pytest
import torch

import markovgpt as mg
from markovgpt.models.weights import TIED, built_from, check_tensors, weights_of

FILE = Path("weights.file")


def made(**changes):
    config = mg.GPTConfig(3, 2, n_layer=1, n_head=1, n_embd=4, **changes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return config, weights_of(mg.GPT(config))


def test_tied_weights_are_kept_once_and_untied_ones_twice():
    assert TIED not in made()[1]
    assert TIED in made(tied=False)[1]


@pytest.mark.parametrize("with_both", [True, False])
def test_tied_weights_may_come_once_or_twice(with_both):
    config, weights = made()
    given = {**weights, TIED: weights["lm_head.weight"].clone()}
    if not with_both:
        del given["lm_head.weight"]
    model = built_from(FILE, given, config, None, format="test")
    assert model.transformer["wte"].weight is model.lm_head.weight
    assert torch.equal(model.lm_head.weight, weights["lm_head.weight"])


def test_tied_weights_that_differ_are_refused():
    config, weights = made()
    with pytest.raises(mg.InvalidInput, match=r"wte.weight and lm_head.weight in weights.file must be one tied matrix"):
        built_from(FILE, {**weights, TIED: weights["lm_head.weight"] + 1}, config, None, format="test")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_exactly_and_recorded(dtype):
    config, weights = made()
    half = {name: tensor.to(dtype) for name, tensor in weights.items()}
    model = built_from(FILE, half, config, None, format="test")
    assert model.source.dtype == str(dtype).removeprefix("torch.")
    for name, tensor in weights_of(model).items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, half[name].float())


@pytest.mark.parametrize("state", [3, {"w": 3}, [torch.zeros(1)]])
def test_what_is_no_state_dict_is_refused(state):
    with pytest.raises(mg.InvalidInput, match=r"weights.file must hold names with tensors"):
        check_tensors(FILE, state)
