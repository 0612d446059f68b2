"""What is a model, and what is none."""

import numpy as np

import markovgpt as mg


class Numbers:
    """A model without torch."""

    vocab_size, context_length, vocabulary = 2, 3, None

    def next_token_logits(self, windows):
        return np.zeros((len(windows), 2))


def test_what_offers_the_four_parts_is_a_model():
    assert isinstance(Numbers(), mg.NextTokenModel)
    assert isinstance(mg.GPT(mg.GPTConfig(2, 3)), mg.NextTokenModel)
    assert not isinstance(lambda windows: windows, mg.NextTokenModel)


def test_a_model_without_torch_is_asked():
    assert mg.WindowChain.from_model(Numbers()).next_token_probs.tolist() == [[0.5, 0.5]] * 8
