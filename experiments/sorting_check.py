"""What a sorter's exact law is held against: texts that the model itself writes, and products of its forward passes.

Nothing here asks a chain but for the probability that is checked.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

import markovgpt as mg
from experiments.sorting_law import sorting_law
from experiments.sorting_models import SEED, Tokens

BRUTE = 100  # inputs whose right output is run through the model letter by letter
CONFIDENCE = 0.99


def probabilities_after(model: mg.NextTokenModel, texts: Tokens, temperature: float) -> NDArray[np.float64]:
    """The softmax (n, V) of what the model says after texts of one length; each that comes up is asked once."""
    different, place = np.unique(texts, axis=0, return_inverse=True)
    logits = np.asarray(model.next_token_logits(different), dtype=np.float64) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((weights / weights.sum(axis=1, keepdims=True))[place.ravel()])


def how_many_wrong(model: mg.NextTokenModel, temperature: float, samples: int) -> int:
    """Of so many outputs, each for an input drawn at random, how many are not its letters in order?"""
    dice = np.random.default_rng(SEED)
    n_letters = (model.context_length + 1) // 2
    asked = dice.integers(model.vocab_size, size=(samples, n_letters))
    texts = asked
    for _ in range(n_letters):
        shares = probabilities_after(model, texts, temperature)
        drawn = (dice.random((samples, 1)) > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)
        texts = np.hstack([texts, drawn[:, None]])
    return int((texts[:, n_letters:] != np.sort(asked, axis=1)).any(axis=1).sum())


def by_forward_passes(model: mg.NextTokenModel, inputs: Tokens, temperature: float) -> NDArray[np.float64]:
    """The probability (n,) of the right output of each input, as a product over full forward passes."""
    right, found = np.sort(inputs, axis=1), np.ones(len(inputs))
    for k in range(inputs.shape[1]):
        shares = probabilities_after(model, np.hstack([inputs, right[:, :k]]), temperature)
        found *= shares[np.arange(len(inputs)), right[:, k]]
    return found


def check_row(model: mg.NextTokenModel, table: mg.LogitTable, temperature: float, samples: int) -> dict[str, str]:
    """The exact numbers at a temperature beside both."""
    law = sorting_law(mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature)))
    n_letters = (model.context_length + 1) // 2
    inputs = mg.StateSpace(model.vocab_size, n_letters).windows(n_letters)
    exact = float(mg.Answer.of(law.wrong).value.mean())
    wrong = how_many_wrong(model, temperature, samples)
    interval = binomtest(wrong, samples).proportion_ci(CONFIDENCE)
    some = np.random.default_rng(SEED).choice(len(inputs), min(BRUTE, len(inputs)), replace=False)
    gap = np.abs(by_forward_passes(model, inputs[some], temperature) / mg.Answer.of(law.right).value[some] - 1).max()
    return {
        "temperature": f"{temperature:g}",
        "texts sampled": str(samples),
        "wrong": str(wrong),
        "99 % interval of P(wrong)": f"{interval.low:.3g} to {interval.high:.3g}",
        "exact": f"{exact:.4g}",
        "in it": "yes" if interval.low <= exact <= interval.high else "no",
        "products of forward passes": str(len(some)),
        "largest relative difference": f"below {10.0 ** np.ceil(np.log10(max(gap, 1e-15))):.0e}",
    }
