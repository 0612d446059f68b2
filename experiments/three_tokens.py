"""The baby GPT of the seed notebook with a token more."""

import markovgpt as mg
from markovgpt.demo import SEED

THREE = mg.Vocabulary(("0", "1", "2"))
THREE_TEXT = "222102221022210"


def three_gpt(steps: int, context_length: int) -> mg.GPT:
    """The notebook's model with a token more, trained as the notebook trains it."""
    config = mg.GPTConfig(len(THREE), context_length)
    return mg.train_gpt(THREE.encode(THREE_TEXT), config, steps=steps, seed=SEED, vocabulary=THREE).model
