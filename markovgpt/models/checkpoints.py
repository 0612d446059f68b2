"""Save and load a GPT: a folder with ``model.safetensors`` and ``config.json``. Nothing in it is ever executed."""

import hashlib
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from markovgpt.errors import InvalidInput
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.vocabulary import Vocabulary

FORMAT = "markovgpt"
WEIGHTS, CONFIG = "model.safetensors", "config.json"
TIED = "transformer.wte.weight"  # the same tensor as lm_head.weight, kept once


def save_model(model: GPT, path: str | Path) -> None:
    """Write a GPT into a folder, which is made if need be.

    Parameters
    ----------
    path: the folder. Files of an earlier model in it are replaced.

    Raises
    ------
    InvalidInput: the path is a file.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"path must be a folder to save into, got the file {folder}; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_weights(model), folder / WEIGHTS)
    config = {
        "format": FORMAT,
        "config": asdict(model.config),
        "vocabulary": None if model.vocabulary is None else list(model.vocabulary.tokens),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def load_model(path: str | Path, *, format: str = "auto", device: str = "cpu") -> GPT:
    """Read a GPT from a folder that `save_model` wrote.

    Parameters
    ----------
    format: "auto" or "markovgpt".
    device: where torch is to run it.

    Raises
    ------
    InvalidInput: a missing, damaged or mismatched file, which is named with the remedy; an unknown format.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(GPT(GPTConfig(2, 3), Vocabulary(("0", "1"))), folder)
    ...     load_model(folder).vocabulary.tokens
    ('0', '1')
    """
    if format not in ("auto", FORMAT):
        raise InvalidInput(f"format must be 'auto' or {FORMAT!r}, got {format!r}; wrap other models with as_model")
    folder = Path(path)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise InvalidInput(
                f"a model must be a folder with {CONFIG} and {WEIGHTS}, got {folder} without {name}; "
                "make one with save_model, or with markovgpt demo"
            )
    config, vocabulary = _read_config(folder / CONFIG)
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{folder / WEIGHTS} must be a safetensors file, got: {error}; copy it anew") from error
    with torch.random.fork_rng(devices=[]):  # the initial draw is thrown away: leave no trace of it
        model = GPT(config, vocabulary)
    _check_weights(folder / WEIGHTS, weights, _weights(model))
    model.load_state_dict({**weights, TIED: weights["lm_head.weight"]})
    return model.to(device).eval()


def weights_sha256(model: GPT) -> str:
    """The SHA-256 of all weights, in the order of their names: the model's fingerprint."""
    digest = hashlib.sha256()
    for name, tensor in sorted(_weights(model).items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def _weights(model: GPT) -> dict[str, Tensor]:
    """The weights by name, tied ones once."""
    return {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != TIED}


def _read_config(file: Path) -> tuple[GPTConfig, Vocabulary | None]:
    """The sizes and the vocabulary in a config file."""
    try:
        read: Any = json.loads(file.read_text(encoding="utf-8"))
        known = {field.name for field in fields(GPTConfig)}
        config = GPTConfig(**{name: size for name, size in read["config"].items() if name in known})
        tokens = read["vocabulary"]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{file} must hold the keys config and vocabulary, got {type(error).__name__}: {error}; save the model anew"
        ) from error
    vocabulary = None if tokens is None else Vocabulary(tuple(tokens))
    if vocabulary is not None and len(vocabulary) != config.vocab_size:
        raise InvalidInput(
            f"the vocabulary in {file} must hold vocab_size={config.vocab_size} tokens, got {len(vocabulary)}; "
            "save the model anew"
        )
    return config, vocabulary


def _check_weights(file: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Refuse weights that are missing, left over, of another shape, or no numbers."""
    if found.keys() != expected.keys():
        missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
        raise InvalidInput(f"{file} must hold the tensors of its config, got {missing=} and {extra=}; check {CONFIG}")
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise InvalidInput(
                f"{name} in {file} must have the shape {tuple(expected[name].shape)}, got {tuple(tensor.shape)}; "
                f"check {CONFIG}"
            )
        wrong = int((~torch.isfinite(tensor)).sum())
        if wrong:
            raise InvalidInput(f"{name} in {file} must hold finite numbers, got {wrong} others; train or copy it anew")
