"""Sampled texts: the model is asked once about each window, filtered as transformers does, and drawn fairly."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from experiments import walkers
from experiments.walkers import BATCH, Answers, how_many_hold, warpers, written


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return mg.GPT(mg.GPTConfig(3, 2, n_layer=1, n_head=1, n_embd=4)).eval()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1.0,), [0.5, 0.3, 0.2]),
        ((0.5,), [0.25 / 0.38, 0.09 / 0.38, 0.04 / 0.38]),  # squares
        ((1.0, 2), [0.625, 0.375, 0]),
        ((1.0, None, 0.4), [1, 0, 0]),
        ((0.5, 2, 0.6), [1, 0, 0]),  # .25 of .34 is enough; before the temperature .5 is not
    ],
)
def test_the_filters_are_taken_in_order(given, expected):
    shares = warpers(*given)(torch.log(torch.tensor([[0.5, 0.3, 0.2]]))).softmax(-1)
    assert shares[0].numpy() == pytest.approx(expected, abs=1e-6)


def test_without_transformers_its_filters_are_refused(monkeypatch):
    monkeypatch.setattr(walkers, "generation", None)
    with pytest.raises(mg.InvalidInput, match="transformers must be there to sample with its filters, got none"):
        warpers(1.0)


def test_windows_grow_and_then_slide(model):
    answers, number = Answers(model), torch.tensor([0])
    found = []
    for token in (1, 0, 2):
        number = answers.next(number, torch.tensor([token]))
        found.append(number.item())
    assert found == [2, 2 * 4 + 1, 1 * 4 + 3]  # to the base 4: (1), (1, 0), (0, 2)


def test_answers_are_the_models_own_and_asked_for_once(model):
    asked = []

    def counted(windows):
        asked.extend(map(tuple, windows.tolist()))
        return model(windows)[:, -1]

    answers = Answers(mg.as_model(counted, vocab_size=3, context_length=2))
    first = answers.after(torch.tensor([9, 7, 9]))  # 21 and 13 to the base 4: (1, 0), (0, 2) once and again
    assert first.numpy() == pytest.approx(model.next_token_logits(np.array([[1, 0], [0, 2], [1, 0]])), abs=1e-6)
    shorter = answers.after(torch.tensor([3, 2]))
    assert shorter.numpy() == pytest.approx(model.next_token_logits(np.array([[2], [1]])), abs=1e-6)
    answers.after(torch.tensor([7]))
    assert sorted(asked) == [(0, 2), (1,), (1, 0), (2,)]


def test_texts_are_as_frequent_as_their_probabilities():
    def after(windows):  # 1 is said three times as often after a 0
        odds = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
        return odds[windows[:, -1]]

    answers = Answers(mg.as_model(after, vocab_size=2, context_length=2))
    lines = BATCH + 5
    batches = list(written(answers, warpers(1.0), [0], lines=lines, tokens=2, seed=7))
    assert [tuple(texts.shape) for texts in batches] == [(BATCH, 3), (5, 3)]
    texts = torch.cat(batches)
    for text, probability in (((0, 0, 0), 1 / 16), ((0, 0, 1), 3 / 16), ((0, 1, 0), 3 / 8), ((0, 1, 1), 3 / 8)):
        share = (texts == torch.tensor(text)).all(dim=1).double().mean().item()
        assert abs(share - probability) < 5 * np.sqrt(probability * (1 - probability) / lines)
    again = torch.cat(list(written(answers, warpers(1.0), [0], lines=lines, tokens=2, seed=7)))
    assert torch.equal(texts, again)


def test_a_text_holds_a_word_once_or_often_or_not():
    texts = torch.tensor([[1, 2, 1, 2], [2, 2, 2, 1], [0, 1, 2, 0]])
    assert [how_many_hold(texts, word) for word in ([1, 2], [2, 1], [2, 2, 2, 1], [1, 1], [1] * 5)] == [2, 2, 1, 0, 0]


def test_a_model_of_too_many_windows_is_refused(model):
    many = mg.as_model(lambda windows: torch.zeros(len(windows), 65), vocab_size=65, context_length=64)
    with pytest.raises(mg.TooLarge, match=r"the answers after .* windows need"):
        Answers(many)
