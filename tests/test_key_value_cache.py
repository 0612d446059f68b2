"""The cache against full forward passes, and what is left of it when tokens have been dropped."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from experiments.key_value_cache import (
    AROUND,
    GROWING,
    LAST,
    KeyValueCache,
    cached_logits,
    chain_texts,
    law_of,
    operations,
    sliding_logits,
)


def drawn(n_layer=2, context_length=4, vocab_size=5, scale=10.0, **sizes):
    """A model whose weights are large enough to matter."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        model = mg.GPT(mg.GPTConfig(vocab_size, context_length, n_layer=n_layer, n_head=2, n_embd=8, **sizes)).eval()
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter *= scale
    return model


TEXTS = np.random.default_rng(0).integers(5, size=(6, 9))


@pytest.mark.parametrize("sizes", [{}, {"bias": True, "activation": "gelu_tanh", "tied": False}])
def test_up_to_the_context_a_cache_is_a_forward_pass(sizes):
    model = drawn(**sizes)
    with torch.no_grad():
        forward = model(torch.as_tensor(TEXTS[:, :4])).numpy()
    for rule in (GROWING, LAST, AROUND):
        assert cached_logits(model, TEXTS[:, :4], rule) == pytest.approx(forward, abs=2e-5)


def test_a_growing_cache_cannot_go_on():
    with pytest.raises(mg.InvalidInput, match="at most 4 tokens, got one more"):
        cached_logits(drawn(), TEXTS)


def test_the_rules_place_tokens():
    places = {LAST: [0, 1, 2, 3, 3, 3, 3, 3, 3], AROUND: [0, 1, 2, 3, 0, 1, 2, 3, 0]}
    for rule, expected in places.items():
        cache, found = KeyValueCache(drawn(), rule), []
        for place in range(9):
            found.append(cache.position())
            cache.read(TEXTS[:, place])
        assert found == expected
        assert all(key.shape[2] == 4 for key, _ in cache.kept)


def by_hand(model, tokens, positions):
    """A single layer over some tokens at some positions, the last of them asking."""
    parts = model.transformer
    with torch.no_grad():
        x = parts["wte"](torch.tensor(tokens)) + parts["wpe"](torch.tensor(positions))
        x = x[None]
        block = parts["h"][0]
        x = x + block.attn(block.ln_1(x))
        x = x + block.mlp(block.ln_2(x))
        return model.lm_head(parts["ln_f"](x))[0, -1].numpy()


@pytest.mark.parametrize(
    ("rule", "positions"), [(LAST, [2, 3, 3, 3]), (AROUND, [2, 3, 0, 1])]
)  # of the tokens 2, 3, 4, 5
def test_one_layer_sees_the_window_at_stale_positions(rule, positions):
    model = drawn(n_layer=1)
    found = cached_logits(model, TEXTS[:1, :6], rule)[0, -1]
    assert found == pytest.approx(by_hand(model, TEXTS[0, 2:6], positions), abs=2e-5)
    assert abs(found - sliding_logits(model, TEXTS[:1, :6])[0, -1]).max() > 1e-3


def test_with_one_layer_what_was_dropped_is_forgotten_and_with_two_not():
    same_window = np.array([[0, 1, 2, 3, 4], [3, 1, 2, 3, 4]])
    for n_layer, differ in ((1, False), (2, True)):
        one, two = cached_logits(drawn(n_layer), same_window, LAST)[:, -1]
        assert (abs(one - two).max() > 1e-3) == differ
        sliding = sliding_logits(drawn(n_layer), same_window)[:, -1]
        assert sliding[0] == pytest.approx(sliding[1], abs=1e-6)


def test_sliding_logits_are_those_of_the_table():
    model = drawn(context_length=2, vocab_size=3)
    table = mg.tabulate(model, with_prefixes=True)
    text = np.array([[2, 0, 1, 1]])
    states = [table.space.encode(window) for window in ([2], [2, 0], [0, 1], [1, 1])]
    assert sliding_logits(model, text)[0] == pytest.approx(table.logits[states], abs=2e-5)


class Walker:
    """Says the next token of three in a ring, nearly always."""

    vocab_size, context_length, vocabulary = 3, 2, None

    def next_token_logits(self, windows):
        return 50.0 * np.eye(3)[(windows[:, -1] + 1) % 3]


def test_texts_are_written_by_the_model():
    assert chain_texts(Walker(), 1, 2, 5, seed=0).tolist() == [[1, 2, 0, 1, 2]] * 2


def test_texts_follow_the_odds():
    class Coin(Walker):
        def next_token_logits(self, windows):
            return np.tile(np.log([1.0, 2.0, 5.0]), (len(windows), 1))

    counts = np.bincount(chain_texts(Coin(), 0, 4000, 2, seed=1)[:, 1], minlength=3)
    assert counts / 4000 == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.04)


def test_a_law_is_a_softmax():
    assert law_of(np.array([[0.0, np.log(3.0)], [1000.0, 1000.0]])) == pytest.approx(
        np.array([[0.25, 0.75], [0.5, 0.5]])
    )


def test_operations_of_a_window_and_of_a_token():
    config = mg.GPTConfig(27, 8, n_layer=2, n_head=4, n_embd=32)
    weights = 2 * 12 * 32 * 32 + 27 * 32  # of the matrices that every token passes
    assert operations(config, 1, 1) == 2 * weights + 2 * 4 * 32
    assert operations(config, 8, 8) == 8 * (2 * weights + 2 * 4 * 8 * 32)


def test_other_rules_and_models_are_refused():
    with pytest.raises(mg.InvalidInput, match="rule must be one of growing, last position, positions around, got 'x'"):
        KeyValueCache(drawn(), "x")
    with pytest.raises(mg.InvalidInput, match="GPT-2 family, got Walker"):
        KeyValueCache(Walker())
