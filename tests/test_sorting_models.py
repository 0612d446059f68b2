"""The inputs of a sorter, what is right for each, and the checkpoints that are none."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from experiments.sorting_models import ALPHABET, examples_of, inputs_of, sorter_at, trained_sorter, unseen_inputs


def saved(folder, vocab_size, context_length, vocabulary=None):
    """An untrained model in a folder."""
    with torch.random.fork_rng(devices=[]):
        model = mg.GPT(mg.GPTConfig(vocab_size, context_length, n_layer=1, n_head=1, n_embd=4), vocabulary)
    mg.save_model(model, folder)
    return folder


def test_inputs_are_numbered_as_windows_are():
    inputs = inputs_of(6)
    assert inputs.shape == (729, 6)
    assert inputs[1 * 243 + 2 * 9 + 1].tolist() == [1, 0, 0, 2, 0, 1]


def test_only_the_sorted_letters_are_learnt():
    windows, targets = examples_of(np.array([[2, 1, 0, 1], [0, 0, 2, 0]]))
    assert windows.tolist() == [[2, 1, 0, 1, 0, 1, 1], [0, 0, 2, 0, 0, 0, 0]]
    assert targets.tolist() == [[-1, -1, -1, 0, 1, 1, 2], [-1, -1, -1, 0, 0, 0, 2]]


def test_a_quarter_is_never_seen_always_the_same():
    assert unseen_inputs(3).sum() == 27 // 4
    assert (unseen_inputs(6) == unseen_inputs(6)).all()


def test_a_trained_sorter_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = trained_sorter(2, 1)
    monkeypatch.setattr(mg, "train_gpt", None)
    again = trained_sorter(2, 1)
    assert again.vocabulary == ALPHABET
    assert again.context_length == 3
    window = np.array([[0, 1, 2]])
    assert (first.next_token_logits(window) == again.next_token_logits(window)).all()


def test_a_checkpoint_gets_letters(tmp_path):
    assert sorter_at(saved(tmp_path, 3, 5)).vocabulary == ALPHABET


def test_a_checkpoint_keeps_its_own_letters(tmp_path):
    own = mg.Vocabulary(("x", "y", "z"))
    assert sorter_at(saved(tmp_path, 3, 5, own)).vocabulary == own


@pytest.mark.parametrize(("vocab_size", "context_length"), [(2, 5), (3, 4), (3, 1)])
def test_other_models_are_refused(tmp_path, vocab_size, context_length):
    with pytest.raises(mg.InvalidInput, match=f"odd window of at least 3, got {vocab_size} and {context_length}"):
        sorter_at(saved(tmp_path, vocab_size, context_length))


def test_one_letter_is_refused():
    with pytest.raises(mg.InvalidInput, match="letters must be at least 2, got 1"):
        trained_sorter(1, 1)
