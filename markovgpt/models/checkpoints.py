"""Load a model from disk, whoever wrote it, and save our own: a folder with ``model.safetensors`` and ``config.json``.

Nothing in any of these files is run, unless the user says ``trust=True`` about a torch file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from markovgpt.errors import InvalidInput
from markovgpt.models.devices import usable_device
from markovgpt.models.files import load_torch_file, read_json
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.huggingface import load_huggingface
from markovgpt.models.module_model import ModuleModel
from markovgpt.models.nanogpt import load_mingpt, load_nanogpt, read_meta
from markovgpt.models.source import FORMATS
from markovgpt.models.weights import built_from, check_tensors, weights_of
from markovgpt.vocabulary import Vocabulary

WEIGHTS, CONFIG, NANOGPT = "model.safetensors", "config.json", "ckpt.pt"
SAFE, TORCH = ".safetensors", (".pt", ".pth", ".bin")


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
    save_file(weights_of(model), folder / WEIGHTS)
    config = {
        "format": "markovgpt",
        "config": asdict(model.config),
        "vocabulary": None if model.vocabulary is None else list(model.vocabulary.tokens),
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def load_model(
    path: str | Path,
    *,
    format: str = "auto",
    trust: bool = False,
    device: str = "cpu",
    n_head: int | None = None,
    vocabulary: Vocabulary | None = None,
    context_length: int | None = None,
) -> GPT | ModuleModel:
    """Load a model, whoever wrote it; what was detected stands in its ``source``.

    Parameters
    ----------
    path: a folder of `save_model`, of nanoGPT (with ``ckpt.pt``) or of Hugging Face's ``save_pretrained``, or one with
        a single torch file; or a file: a nanoGPT checkpoint, a minGPT state dict, or safetensors with ``config.json``
        beside them.
    format: "auto", or one of "markovgpt", "nanogpt", "mingpt", "huggingface": what the path must be.
    trust: unpickle arbitrary objects in a torch file, running whatever code it holds. Only for files you made.
    device: where torch is to run it: "cpu", "cuda", "mps". Where torch cannot, it runs on the processor, and
        ``source.notes`` says so.
    n_head: heads of a minGPT state dict, which does not say.
    vocabulary: the tokens' strings; None takes what lies beside the weights.
    context_length: of a model that does not say; None takes its own.

    Raises
    ------
    InvalidInput: a missing, damaged or mismatched file, which is named with the remedy; another format than asked for.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(GPT(GPTConfig(2, 3), Vocabulary(("0", "1"))), folder)
    ...     model = load_model(folder)
    >>> model.vocabulary.tokens, model.source.format, model.source.dtype
    (('0', '1'), 'markovgpt', 'float32')
    """
    if format != "auto" and format not in FORMATS:
        raise InvalidInput(
            f"format must be auto or one of {', '.join(FORMATS)}, got {format!r}; others join by as_model"
        )
    file = _weights_at(Path(path))
    if file.suffix == SAFE:
        model = _from_safetensors(file, vocabulary, context_length)
    else:
        model = _from_torch_file(file, trust, vocabulary, n_head)
    found = model.source.format if model.source else "unknown"
    if format not in ("auto", found):
        raise InvalidInput(f"{path} must be of the format {format}, got {found}; leave the format out to detect it")
    place_on, notes = usable_device(device)
    model.to(place_on)
    if model.source and notes:
        model.source = replace(model.source, notes=model.source.notes + notes)
    return model


def load_vocabulary(path: str | Path) -> Vocabulary:
    """Read the tokens of a model: a json list of strings, in the order of their ids, or nanoGPT's ``meta.pkl``.

    Raises
    ------
    InvalidInput: a file that is missing or holds something else.
    """
    file = Path(path)
    if file.suffix == ".pkl":
        return Vocabulary(read_meta(file))
    return Vocabulary(tuple(read_json(file, list, "a json list of token strings", "write one")))


def _weights_at(path: Path) -> Path:
    """The file with the weights: the path itself, or what a folder holds."""
    if not path.is_dir():
        found = [path] if path.is_file() else []
    elif (path / CONFIG).is_file():
        found = [path / WEIGHTS]
    elif (path / NANOGPT).is_file():
        found = [path / NANOGPT]
    else:
        found = [file for file in sorted(path.iterdir()) if file.suffix in TORCH]
    if len(found) != 1:
        held = f", which holds {', '.join(file.name for file in found)}" if found else ""
        raise InvalidInput(
            f"a model must be a folder with {CONFIG}, {NANOGPT} or one torch file, or a file of weights, got "
            f"{path}{held}; make one with save_model, or with markovgpt demo"
        )
    return found[0]


def _from_torch_file(file: Path, trust: bool, vocabulary: Vocabulary | None, n_head: int | None) -> GPT:
    """A nanoGPT checkpoint or a minGPT state dict."""
    content = load_torch_file(file, trust=trust)
    if isinstance(content, Mapping) and {"model", "model_args"} <= content.keys():
        return load_nanogpt(file, content, vocabulary)
    return load_mingpt(file, check_tensors(file, content), vocabulary, n_head)


def _from_safetensors(file: Path, vocabulary: Vocabulary | None, context_length: int | None) -> GPT | ModuleModel:
    """Our own weights, or Hugging Face's: the config beside them says which."""
    if not (file.parent / CONFIG).is_file():
        raise InvalidInput(f"{file} must have a {CONFIG} beside it, got none; copy the one of the model, or write it")
    config: dict[str, Any] = read_json(file.parent / CONFIG, dict, "a json object", "copy it anew")
    if "model_type" in config:
        return load_huggingface(file, config, vocabulary, context_length)
    return _load_own(file, config, vocabulary)


def _load_own(file: Path, read: dict[str, Any], vocabulary: Vocabulary | None) -> GPT:
    """Weights that `save_model` wrote."""
    known = {field.name for field in fields(GPTConfig)}
    try:
        config = GPTConfig(**{name: size for name, size in read["config"].items() if name in known})
        tokens = read["vocabulary"]
        stored = None if tokens is None else Vocabulary(tuple(tokens))
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{file.parent / CONFIG} must hold the keys config and vocabulary, got {error!r}; save the model anew"
        ) from error
    try:
        weights = load_file(file)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{file} must be a safetensors file, got: {error}; copy it anew") from error
    return built_from(file, weights, config, vocabulary or stored, format="markovgpt")
