"""Checkpoints of nanoGPT (``ckpt.pt`` with ``model_args``) and state dicts of minGPT.

Sources: nanoGPT, ``train.py`` (the checkpoint's keys), ``model.py`` (GELU by erf, tied embeddings, optional biases) and
``data/shakespeare_char/prepare.py`` (``meta.pkl``); minGPT, ``mingpt/model.py`` (the tanh GELU, untied embeddings).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from markovgpt.errors import InvalidInput
from markovgpt.models.files import read_plain_pickle
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.weights import built_from, check_tensors
from markovgpt.vocabulary import Vocabulary

PREFIXES = ("_orig_mod.", "module.")  # of torch.compile and of data-parallel training
META = "meta.pkl"
EMBEDDING, POSITIONS, HEAD = "transformer.wte.weight", "transformer.wpe.weight", "lm_head.weight"


def load_nanogpt(file: Path, checkpoint: Mapping[str, Any], vocabulary: Vocabulary | None) -> GPT:
    """The GPT of a nanoGPT checkpoint; its vocabulary is read from the ``meta.pkl`` beside it, if there is one.

    Raises
    ------
    InvalidInput: keys that are missing, or weights that do not fit ``model_args``.
    """
    arguments = checkpoint["model_args"]
    weights = _plain_names(check_tensors(file, checkpoint["model"]))
    try:
        config = GPTConfig(
            vocab_size=int(arguments["vocab_size"]),
            context_length=int(arguments["block_size"]),
            n_layer=int(arguments["n_layer"]),
            n_head=int(arguments["n_head"]),
            n_embd=int(arguments["n_embd"]),
            bias=bool(arguments["bias"]),
            layer_norm_bias=bool(arguments["bias"]),
        )
    except (KeyError, TypeError) as error:
        raise InvalidInput(
            f"model_args in {file} must hold nanoGPT's sizes, got {error!r}; save it by train.py"
        ) from error
    notes: tuple[str, ...] = ()
    if vocabulary is None:
        vocabulary, notes = _vocabulary_beside(file, config.vocab_size)
    return built_from(file, weights, config, vocabulary, format="nanogpt", notes=notes)


def load_mingpt(file: Path, state: Mapping[str, Any], vocabulary: Vocabulary | None, n_head: int | None) -> GPT:
    """The GPT of a minGPT state dict, which does not say how many heads there are.

    Raises
    ------
    InvalidInput: no n_head (the candidates are named), or tensors that are missing or of another shape.
    """
    weights = _plain_names(check_tensors(file, state))
    for name in (EMBEDDING, POSITIONS, HEAD):
        if name not in weights or weights[name].ndim != 2:
            raise InvalidInput(f"{file} must hold the matrix {name}, got none; is it a GPT's state dict?")
    (vocab_size, n_embd), context_length = weights[EMBEDDING].shape, len(weights[POSITIONS])
    if n_head is None:
        candidates = [str(heads) for heads in range(1, n_embd + 1) if n_embd % heads == 0]
        raise InvalidInput(
            f"a minGPT state dict does not say how many heads it has, got width {n_embd} in {file}; give n_head= "
            f"(--n-head), one of {', '.join(candidates)}: minGPT's gpt-nano has 3, gpt-micro 4, gpt-mini 6"
        )
    config = GPTConfig(
        vocab_size=vocab_size,
        context_length=context_length,
        n_layer=len({name.split(".")[2] for name in weights if name.startswith("transformer.h.")}),
        n_head=n_head,
        n_embd=n_embd,
        bias="transformer.h.0.attn.c_attn.bias" in weights,
        layer_norm_bias="transformer.ln_f.bias" in weights,
        activation="gelu_tanh",
        tied=False,
    )
    return built_from(file, weights, config, vocabulary, format="mingpt")


def read_meta(file: Path) -> tuple[str, ...]:
    """The token strings in nanoGPT's ``meta.pkl``, in the order of their ids; nothing in the file is run.

    Raises
    ------
    InvalidInput: no table of strings for the ids 0, 1, 2, ...
    """
    meta = read_plain_pickle(file)
    table = meta.get("itos") if isinstance(meta, dict) else None
    if not isinstance(table, dict) or sorted(table) != list(range(len(table))) or not table:
        raise InvalidInput(
            f"{file} must hold itos, a string for each of the ids 0, 1, 2, ..., got none; see prepare.py"
        )
    return tuple(table[token] for token in range(len(table)))


def _vocabulary_beside(file: Path, vocab_size: int) -> tuple[Vocabulary | None, tuple[str, ...]]:
    """The vocabulary beside a checkpoint, and what is to be said about it."""
    meta = file.parent / META
    if not meta.is_file():
        return None, (f"no {META} beside it, so texts need a vocabulary",)
    tokens = read_meta(meta)
    if len(tokens) > vocab_size:
        raise InvalidInput(
            f"{meta} must name at most the {vocab_size} tokens of {file.name}, got {len(tokens)}; is it the same data?"
        )
    padding = tuple(f"<unused {token}>" for token in range(len(tokens), vocab_size))
    notes = (f"{len(padding)} of its {vocab_size} tokens are padding that no text uses",) if padding else ()
    return Vocabulary(tokens + padding), notes


def _plain_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights without the prefixes of training wrappers and without the stored causal masks."""
    plain = {}
    for name, tensor in weights.items():
        while name.startswith(PREFIXES):  # one wrapper in another
            name = name.split(".", maxsplit=1)[1]
        if not name.endswith((".attn.bias", ".attn.masked_bias")):
            plain[name] = tensor
    return plain
