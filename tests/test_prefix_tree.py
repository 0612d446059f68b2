"""The walk over shared prefixes says what full forwards say, in every shape of tree."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.models import prefix_tree
from markovgpt.models.prefix_tree import logits_of_all_windows


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
    for length, first, logits in logits_of_all_windows(model, context_length, with_prefixes=True):
        rows = slice(space.first_state(length) + first, space.first_state(length) + first + len(logits))
        assert np.isnan(table[rows]).all()
        table[rows] = logits
    return space, table


@pytest.mark.parametrize("tile_rows", [1, 7, 64, 4096])
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
    monkeypatch.setattr(prefix_tree, "TILE_ROWS", tile_rows)
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


def test_only_full_windows_come_where_only_they_are_wanted():
    lengths = {length for length, _, _ in logits_of_all_windows(built(vocab_size=2, context_length=3, n_layer=1), 3)}
    assert lengths == {3}


def test_a_gpt_whose_logits_are_no_numbers_names_the_window():
    model = built(vocab_size=2, context_length=3, n_layer=1)
    with torch.no_grad():
        model.transformer["wpe"].weight[1] = float("nan")  # spoils every window of two tokens and more
    model.vocabulary = mg.Vocabulary("ab")
    with pytest.raises(mg.InvalidInput, match=r"after the window 'aa' \(tokens \(0, 0\)\); look for NaN"):
        mg.tabulate(model, with_prefixes=True)
