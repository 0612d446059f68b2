"""The walk over shared prefixes says what full forwards say, in every shape of tree."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.models import prefix_tree
from markovgpt.models.devices import usable_device
from markovgpt.models.prefix_tree import survey_of_gpt


def built(**sizes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = mg.GPT(mg.GPTConfig(**sizes))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
    return model.double().eval()


def table_of(model, context_length):
    """All windows with prefixes, put where their numbers say; every row must be written once."""
    space = mg.StateSpace(model.vocab_size, context_length, with_prefixes=True)
    table = np.full((space.n_states, model.vocab_size), np.nan)
    survey = survey_of_gpt(model, context_length, with_prefixes=True)
    worker = survey.worker()
    for block in range(survey.n_blocks):
        for (length, first, count), logits in zip(survey.parts(block), worker(block), strict=True):
            rows = slice(space.first_state(length) + first, space.first_state(length) + first + count)
            assert np.isnan(table[rows]).all()
            table[rows] = logits
    return space, table


@pytest.mark.parametrize("tile_rows", [7, *(pytest.param(rows, marks=pytest.mark.slow) for rows in (1, 64, 4096))])
@pytest.mark.parametrize(
    "sizes",
    [
        {"vocab_size": 2, "context_length": 7, "n_layer": 2},
        {"vocab_size": 3, "context_length": 4, "n_layer": 1, "bias": True, "tied": False},
        {"vocab_size": 5, "context_length": 3, "n_layer": 3, "n_head": 2, "n_embd": 8, "activation": "gelu_tanh"},
        {"vocab_size": 1, "context_length": 3, "n_layer": 1},
        {"vocab_size": 70, "context_length": 2, "n_layer": 1},
    ],
)
def test_every_window_gets_the_logits_of_its_full_forward(monkeypatch, tile_rows, sizes):
    monkeypatch.setattr(prefix_tree, "TARGET_ROWS", tile_rows)
    model = built(**sizes)
    space, table = table_of(model, model.context_length)
    for length in range(1, model.context_length + 1):
        expected = model.next_token_logits(space.windows(length))
        first = space.first_state(length)
        assert table[first : first + len(expected)] == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_a_shorter_context_is_the_top_of_the_tree():
    model = built(vocab_size=3, context_length=4, n_layer=1)
    _, whole = table_of(model, 4)
    _, top = table_of(model, 2)
    assert top.tolist() == whole[: len(top)].tolist()


def test_prefixes_cost_nothing_and_change_nothing():
    model = built(vocab_size=3, context_length=4, n_layer=1).float()
    alone, among = mg.tabulate(model).logits, mg.tabulate(model, with_prefixes=True).logits
    assert alone.tobytes() == among[-len(alone) :].tobytes()
    assert alone.tobytes() == mg.tabulate(model).logits.tobytes()


def test_blocks_may_be_answered_in_any_order():
    model = built(vocab_size=2, context_length=14, n_layer=1).float()
    survey = survey_of_gpt(model, 14, with_prefixes=True)
    in_order, backwards = survey.worker(), survey.worker()
    forth = [[part.tobytes() for part in in_order(block)] for block in range(survey.n_blocks)]
    back = [[part.tobytes() for part in backwards(block)] for block in reversed(range(survey.n_blocks))]
    assert survey.n_blocks > 1
    assert forth == back[::-1]


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_walk_on_a_device_says_what_the_processor_says(device):
    place, notes = usable_device(device)
    if notes:
        pytest.skip(notes[0])
    model = built(vocab_size=3, context_length=6, n_layer=2).float()
    expected = mg.tabulate(model, with_prefixes=True).logits
    model.to(place)
    assert mg.tabulate(model, with_prefixes=True).logits == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_gpt_whose_logits_are_no_numbers_names_the_window():
    model = built(vocab_size=2, context_length=3, n_layer=1)
    with torch.no_grad():
        model.transformer["wpe"].weight[1] = float("nan")  # spoils every window of two tokens and more
    model.vocabulary = mg.Vocabulary("ab")
    with pytest.raises(mg.InvalidInput, match=r"after the window 'aa' \(tokens \(0, 0\)\); look for NaN"):
        mg.tabulate(model, with_prefixes=True)
