"""Models that sort letters: one that is trained here, or a checkpoint; their inputs, and what is right for each.

The task is that of minGPT's demo, which Brendan Bycroft's visualisation of a nano GPT walks through: m letters out of
A, B and C are read, and the same m letters are said in their order. The text of 2 m letters needs a window of 2 m - 1,
as the last letter is only said: the window is full when it is, and never slides before.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

import markovgpt as mg
from experiments.provenance import ROOT, digest_of

ALPHABET = mg.Vocabulary(("A", "B", "C"))
SEED = 1337
CACHE = Path("build/models")
SIZES: dict[str, Any] = {  # minGPT's gpt-nano
    "n_layer": 3,
    "n_head": 3,
    "n_embd": 48,
    "bias": True,
    "activation": "gelu_tanh",
    "tied": False,
}
TRAINING: dict[str, Any] = {"learning_rate": 5e-4, "batch_size": 64}
LETTERS, STEPS, SMALL_LETTERS, SMALL_STEPS = 6, 2000, 3, 40

Tokens = NDArray[np.int64]


def inputs_of(n_letters: int) -> Tokens:
    """All inputs (3**m, m), in the order of their numbers.

    >>> inputs_of(2)[:4].tolist()
    [[0, 0], [0, 1], [0, 2], [1, 0]]
    """
    return mg.StateSpace(len(ALPHABET), n_letters).windows(n_letters)


def examples_of(inputs: Tokens) -> tuple[Tokens, Tokens]:
    """What a sorter learns: windows (n, 2 m - 1), and the letters that follow in them, -1 where nothing is asked.

    >>> windows, targets = examples_of(np.array([[2, 0, 1]]))
    >>> windows.tolist(), targets.tolist()
    ([[2, 0, 1, 0, 1]], [[-1, -1, 0, 1, 2]])
    """
    right = np.sort(inputs, axis=1)
    unasked = np.full((len(inputs), inputs.shape[1] - 1), -1)
    return np.hstack([inputs, right[:, :-1]]), np.hstack([unasked, right])


def unseen_inputs(n_letters: int) -> NDArray[np.bool_]:
    """Which of the inputs (3**m,) the sorter that is trained here never sees: a quarter, drawn once.

    >>> int(unseen_inputs(6).sum())
    182
    """
    count = len(ALPHABET) ** n_letters
    unseen = np.zeros(count, dtype=bool)
    unseen[np.random.default_rng(SEED).permutation(count)[: count // 4]] = True
    return unseen


def trained_sorter(n_letters: int = LETTERS, steps: int = STEPS) -> mg.NextTokenModel:
    """A nano GPT trained to sort three quarters of the inputs, drawn at random.

    It is kept in build/models/, and opened where the same was trained before.

    Raises
    ------
    InvalidInput: fewer than two letters; as of `train_gpt`.
    """
    if n_letters < 2:
        raise mg.InvalidInput(f"letters must be at least 2, got {n_letters}; one letter needs no sorting")
    determined = [n_letters, steps, SEED, SIZES, TRAINING, torch.__version__]
    determined.append(digest_of([ROOT / "markovgpt/models", Path(__file__)]))
    key = hashlib.sha256(json.dumps(determined).encode()).hexdigest()[:16]
    folder = CACHE / f"sorter-{n_letters}-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{folder.name}.lock"):  # of two that want it one trains
        if not (folder / "config.json").exists():
            config = mg.GPTConfig(len(ALPHABET), 2 * n_letters - 1, **SIZES)
            examples = examples_of(inputs_of(n_letters)[~unseen_inputs(n_letters)])
            trained = mg.train_gpt(
                None, config, steps=steps, seed=SEED, examples=examples, vocabulary=ALPHABET, **TRAINING
            )
            mg.save_model(trained.model, folder)
    return mg.load_model(folder)


def sorter_at(path: str | Path, n_head: int | None = None) -> mg.NextTokenModel:
    """The sorter of a checkpoint; one that does not say what its tokens are has A, B and C.

    Raises
    ------
    InvalidInput: no model there, or one of other tokens, or of a window that is no 2 m - 1 letters.
    """
    model = mg.load_model(path, n_head=n_head)
    if model.vocab_size != len(ALPHABET) or model.context_length % 2 == 0 or model.context_length < 3:
        raise mg.InvalidInput(
            f"a sorter must have {len(ALPHABET)} tokens and an odd window of at least 3, got {model.vocab_size} and "
            f"{model.context_length}; give a checkpoint of minGPT's sorting demo"
        )
    return model if model.vocabulary else mg.load_model(path, n_head=n_head, vocabulary=ALPHABET)
