"""Models of names: one that is trained here on names which ship with Python, or a checkpoint; and their tokens."""

import hashlib
import json
import random
import string
from collections.abc import Sequence
from functools import cache
from html.entities import html5
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock

import markovgpt as mg
from experiments.provenance import ROOT, digest_of

LETTERS = mg.Vocabulary(("\n", *string.ascii_lowercase))
END = 0  # the token of the end of the line
ENDS = tuple(token + "\n" for token in LETTERS.tokens)  # what stands where a line that began with "\n" ends
SEED = 1337
CACHE = Path("build/models")
SIZES = {"n_layer": 2, "n_head": 4, "n_embd": 32, "layer_norm_bias": False}
TRAINING = {"learning_rate": 3e-3, "weight_decay": 0.01, "batch_size": 512}
STEPS, SMALL_STEPS = 1500, 40  # optimiser steps of a model, and of one that need not be good

Examples = tuple[np.ndarray, np.ndarray]


@cache
def default_names() -> tuple[str, ...]:
    """The names of HTML's characters that are of letters alone, in lower case, in an order drawn once.

    >>> len(default_names()), "lambda" in default_names()
    (1698, True)
    """
    names = {name.rstrip(";").lower() for name in html5}
    kept = sorted(name for name in names if set(name) <= set(string.ascii_lowercase))
    random.Random(SEED).shuffle(kept)
    return tuple(kept)


def names_in(file: Path) -> tuple[str, ...]:
    """The lines of a text file.

    Raises
    ------
    InvalidInput: no such file, no names, or other letters than a to z.
    """
    try:
        found = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise mg.InvalidInput(f"the names must be a text file, got {file.name} ({error}); a name a line") from error
    if not found:
        raise mg.InvalidInput(f"the names must hold at least one, got none in {file.name}; a name a line")
    for name in found:
        LETTERS.encode(name)
    return tuple(found)


def examples_of(names: Sequence[str], context_length: int) -> Examples:
    r"""What a model of names learns: windows (n, L) and the tokens after them (n, L), -1 where nothing is asked.

    Lines follow each other, and so the token after every window of them; it is the same after ends of lines alone
    that stand before a name, and after the shorter windows that a first line begins with.

    >>> windows, targets = examples_of(["ab"], 3)
    >>> [LETTERS.show(row) for row in windows], targets[:, -1].tolist()
    (['\\nab', '\\n\\n\\n', '\\n\\na', '\\nab'], [0, 1, 2, -1])
    >>> targets[3].tolist()
    [1, 2, -1]
    """
    L = context_length
    lines = [LETTERS.encode(name) for name in names]
    stream = [END, *(token for line in lines for token in (*line, END))]
    windows = [stream[i : i + L] for i in range(len(stream) - L)]
    last = [stream[i + L] for i in range(len(stream) - L)]
    for line in lines:
        row = [END] * L + [*line, END]
        places = range(min(L - 1, len(line) + 1))  # as long as two ends stand before the name
        windows += [row[i : i + L] for i in places]
        last += [row[i + L] for i in places]
    targets = np.full((len(windows) + len(lines), L), -1)
    targets[: len(windows), -1] = last
    for place, line in enumerate(lines, start=len(windows)):
        after = [*line, END][: L - 1]
        targets[place, : len(after)] = after
        windows.append([END, *line, *[END] * L][:L])
    return np.array(windows), targets


def trained_names_model(
    context_length: int = 4, steps: int = STEPS, names: Sequence[str] | None = None
) -> mg.NextTokenModel:
    """A GPT trained on names, 27 tokens; kept in build/models/, and opened where the same was trained before.

    Parameters
    ----------
    names: `default_names` for None.

    Raises
    ------
    InvalidInput: as of `train_gpt`.
    """
    texts = default_names() if names is None else tuple(names)
    settings = {"context_length": context_length, "steps": steps, "names": texts, "seed": SEED, **SIZES, **TRAINING}
    determined = [settings, torch.__version__, digest_of([ROOT / "markovgpt/models", Path(__file__)])]
    key = hashlib.sha256(json.dumps(determined).encode()).hexdigest()[:16]
    folder = CACHE / f"names-{context_length}-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{folder.name}.lock"):  # of two that want it one trains
        if not (folder / "config.json").exists():
            mg.save_model(_trained(texts, context_length, steps), folder)
    return mg.load_model(folder)


def _trained(names: Sequence[str], context_length: int, steps: int) -> mg.GPT:
    """The training itself."""
    config = mg.GPTConfig(len(LETTERS), context_length, **SIZES)
    given: dict[str, Any] = {"examples": examples_of(names, context_length), "positions": "all", **TRAINING}
    return mg.train_gpt(None, config, steps=steps, seed=SEED, vocabulary=LETTERS, **given).model


def model_at(path: Path | None, context_length: int = 4, steps: int = STEPS) -> mg.NextTokenModel:
    """The checkpoint at a path, or where there is none given the model that is trained here."""
    return trained_names_model(context_length, steps) if path is None else names_model(path)


def names_model(path: str | Path) -> mg.NextTokenModel:
    """A model over letters and the end of the line; one that does not say what its tokens are has `LETTERS`.

    Raises
    ------
    InvalidInput: no model there, or one of other tokens.
    """
    model = mg.load_model(path)
    if model.vocab_size != len(LETTERS):
        raise _other_tokens(str(model.vocab_size))
    if model.vocabulary is None:
        return mg.load_model(path, vocabulary=LETTERS)
    others = [token for token in model.vocabulary.tokens if token not in LETTERS.tokens]
    if others:
        raise _other_tokens(f"{others[0]!r}")
    return model


def _other_tokens(got: str) -> mg.InvalidInput:
    """The refusal of a model that is none of names."""
    return mg.InvalidInput(
        f"the model must have {len(LETTERS)} tokens, letters and the end of the line, got {got}; "
        "give the checkpoint of a model of names"
    )
