"""Any module or callable becomes a model."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import markovgpt as mg

WINDOWS = np.array([[0, 1], [1, 1]])
LOGITS = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def model_of(output):
    """A model whose callable always returns this."""
    return mg.as_model(lambda windows: output, vocab_size=3, context_length=2)


@pytest.mark.parametrize(
    "output",
    [
        LOGITS,
        LOGITS.numpy(),
        (LOGITS, None),
        SimpleNamespace(logits=LOGITS),
        torch.stack([torch.zeros(2, 3), LOGITS], dim=1),
        SimpleNamespace(logits=torch.stack([torch.zeros(2, 3), LOGITS], dim=1)),
    ],
    ids=["tensor", "array", "tuple", "output", "all positions", "output of all positions"],
)
def test_every_form_of_logits_is_understood(output):
    assert model_of(output).next_token_logits(WINDOWS).tolist() == LOGITS.tolist()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_models_own_dtype_is_kept(dtype):
    assert model_of(LOGITS.to(dtype)).next_token_logits(WINDOWS).dtype == torch.empty(0, dtype=dtype).numpy().dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_exactly(dtype):
    found = model_of(LOGITS.to(dtype)).next_token_logits(WINDOWS)
    assert found.dtype == np.float32
    assert found.tolist() == LOGITS.to(dtype).float().tolist()


def test_dropout_is_off_even_if_the_caller_trains_again():
    net = torch.nn.Sequential(torch.nn.Embedding(3, 3), torch.nn.Dropout(0.5))
    model = mg.as_model(net, vocab_size=3, context_length=2)
    net.train()
    first, second = model.next_token_logits(WINDOWS), model.next_token_logits(WINDOWS)
    assert first.tolist() == second.tolist() == net[0](torch.as_tensor(WINDOWS))[:, -1].tolist()


def test_a_module_is_put_into_eval_mode():
    net = torch.nn.Sequential(torch.nn.Embedding(3, 3), torch.nn.Dropout(0.5))
    mg.as_model(net, vocab_size=3, context_length=2)
    assert not any(module.training for module in net.modules())


def test_a_gpt_and_an_adapted_module_are_models():
    assert isinstance(model_of(LOGITS), mg.NextTokenModel)
    assert isinstance(mg.GPT(mg.GPTConfig(2, 3)), mg.NextTokenModel)


@pytest.mark.parametrize("output", [LOGITS[:1], LOGITS[:, :2], torch.zeros(2, 2, 4)])
def test_logits_of_another_shape_are_refused(output):
    with pytest.raises(mg.InvalidInput, match=r"the model must give logits of shape \(2, 3\).*check vocab_size=3"):
        model_of(output).next_token_logits(WINDOWS)


@pytest.mark.parametrize("sizes", [{"vocab_size": 0, "context_length": 2}, {"vocab_size": 2.5, "context_length": 1}])
def test_sizes_below_one_are_refused(sizes):
    with pytest.raises(mg.InvalidInput, match="vocab_size and context_length must be at least 1"):
        mg.as_model(lambda windows: LOGITS, **sizes)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(mg.InvalidInput, match="module must be a torch module or a callable, got int"):
        mg.as_model(3, vocab_size=3, context_length=2)


def test_a_vocabulary_of_another_size_is_refused():
    with pytest.raises(mg.InvalidInput, match="vocabulary must hold vocab_size=3 tokens, got 1"):
        mg.as_model(lambda windows: LOGITS, vocab_size=3, context_length=2, vocabulary=mg.Vocabulary(("a",)))
