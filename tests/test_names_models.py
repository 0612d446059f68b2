"""What the experiments on names open: one checkpoint, over letters and the end of the line."""

import string

import pytest
import torch

import markovgpt as mg
from experiments.names_models import LETTERS, names_model, path_given


@pytest.fixture
def saved(tmp_path):
    """Save an untrained model with a number of tokens, and say where it lies."""

    def save(n_tokens, vocabulary=None):
        with torch.random.fork_rng(devices=[]):
            model = mg.GPT(mg.GPTConfig(n_tokens, 2, n_layer=1, n_head=1, n_embd=4), vocabulary)
        mg.save_model(model, tmp_path)
        return tmp_path

    return save


def test_a_model_that_does_not_say_has_letters(saved):
    assert names_model(saved(27)).vocabulary.tokens == ("\n", *"abcdefghijklmnopqrstuvwxyz") == LETTERS.tokens


def test_a_model_that_says_keeps_its_order(saved):
    own = mg.Vocabulary((*string.ascii_lowercase, "\n"))
    assert names_model(saved(27, own)).vocabulary == own


def test_models_of_other_tokens_are_refused(saved):
    with pytest.raises(mg.InvalidInput, match="must have 27 tokens, letters and the end of the line, got 3; give"):
        names_model(saved(3))
    with pytest.raises(mg.InvalidInput, match=r"letters and the end of the line, got '\.'; give"):
        names_model(saved(27, mg.Vocabulary((".", *string.ascii_lowercase))))


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_one_path_is_to_be_given(arguments):
    with pytest.raises(mg.InvalidInput, match=f"name one checkpoint, got {len(arguments)}; .* experiments.x MODEL"):
        path_given(arguments, "experiments.x")
    assert path_given(["one"], "experiments.x") == "one"
