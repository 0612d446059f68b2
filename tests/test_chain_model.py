"""Chains that speak: the log-probabilities of the settings, window by window."""

import math

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.chains.chain_model import ChainModel
from markovgpt.models.decoding import beam_search
from markovgpt.scaled import ScaledArray


@pytest.fixture(scope="module")
def table():
    """The logits of a small model, shorter windows with them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = mg.GPT(mg.GPTConfig(4, 3, n_layer=1, n_head=1, n_embd=4), mg.Vocabulary(("a", "b", "c", "d")))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.5 * torch.randn(parameter.shape)
    return mg.tabulate(model, with_prefixes=True)


def test_a_chain_says_what_its_settings_make_of_the_logits(table):
    settings = mg.SamplingSettings(temperature=0.7, top_k=2)
    model = ChainModel(mg.WindowChain.from_logits(table, settings))
    for length in (1, 2, 3):
        windows = mg.StateSpace(4, length).windows(length)
        expected = settings.log_probabilities(table.next_token_logits(windows))
        assert model.next_token_logits(windows) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    assert (model.vocab_size, model.context_length, model.vocabulary) == (4, 3, table.vocabulary)
    assert isinstance(model, mg.NextTokenModel)


def test_a_search_on_the_chain_is_the_one_on_the_table_and_on_the_model(table):
    chain = ChainModel(mg.WindowChain.from_logits(table))
    for found, again in zip(beam_search(chain, "ab", 5, 4), beam_search(table, "ab", 5, 4), strict=True):
        assert (found.tokens, found.text) == (again.tokens, again.text)
        assert found.log_probability == pytest.approx(again.log_probability, rel=1e-12)


def test_at_temperature_zero_one_text_is_left(table):
    cold = ChainModel(mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0)))
    (found,) = beam_search(cold, "ab", 6, 4)
    assert found.tokens == beam_search(table, "ab", 6, 1)[0].tokens
    assert found.log_probability == 0


def test_probabilities_below_the_doubles_have_their_logarithms():
    probs = ScaledArray([[0.5, 0.5], [0.5, 0.5]], [[1, -2000], [0, 0]])
    rows = ChainModel(mg.WindowChain(mg.StateSpace(2, 1), probs)).next_token_logits(np.array([[0]]))
    assert rows[0] == pytest.approx([0, -2001 * math.log(2)], rel=1e-12)


def test_single_numbers_are_answered_in_doubles():
    chain = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.1, 0.9], [0.5, 0.5]], dtype=np.float32))
    rows = ChainModel(chain).next_token_logits(np.array([[0]]))
    assert rows.dtype == np.float64
    assert rows[0, 0] == math.log(np.float32(0.1))
