"""Weights into a GPT: checked by name, shape and value before anything is built on them."""

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from markovgpt.errors import InvalidInput
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.source import ModelSource, dtype_of, sha256_of
from markovgpt.vocabulary import Vocabulary

TIED = "transformer.wte.weight"  # where embeddings are tied, the same tensor as lm_head.weight: kept once


def weights_of(model: GPT) -> dict[str, Tensor]:
    """The weights by name, tied ones once."""
    state = model.state_dict()
    return {name: tensor.contiguous() for name, tensor in state.items() if name != TIED or not model.config.tied}


def check_tensors(file: Path, state: Any) -> dict[str, Tensor]:
    """A state dict as a dict of tensors.

    Raises
    ------
    InvalidInput: something else than names with tensors.
    """
    if not isinstance(state, Mapping) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise InvalidInput(f"{file} must hold names with tensors, got {type(state).__name__}; save model.state_dict()")
    return {str(name): tensor for name, tensor in state.items()}


def built_from(
    file: Path,
    weights: dict[str, Tensor],
    config: GPTConfig,
    vocabulary: Vocabulary | None,
    *,
    format: str,
    notes: tuple[str, ...] = (),
    stop_tokens: tuple[int, ...] = (),
) -> GPT:
    """A GPT of the given weights, in eval mode; half precision is widened to float32, which holds it exactly.

    Raises
    ------
    InvalidInput: weights that are missing, left over, of another shape, or no numbers; each is named.
    """
    if config.tied and TIED in weights:
        embedding, head = weights[TIED], weights.get("lm_head.weight", weights[TIED])
        if embedding.shape != head.shape or not torch.equal(embedding, head):
            raise InvalidInput(
                f"{TIED} and lm_head.weight in {file} must be one tied matrix, got two; check which program wrote it"
            )
        weights = {**{name: tensor for name, tensor in weights.items() if name != TIED}, "lm_head.weight": head}
    with torch.random.fork_rng(devices=[]):  # the initial draw is thrown away: leave no trace of it
        model = GPT(config, vocabulary)
    _check_weights(file, weights, weights_of(model))
    if any(tensor.dtype == torch.float64 for tensor in weights.values()):
        model.double()
    model.load_state_dict({**weights, **({TIED: weights["lm_head.weight"]} if config.tied else {})})
    model.source = ModelSource(format, dtype_of(weights), sha256_of(weights), notes)
    model.stop_tokens = stop_tokens
    return model.eval()


def _check_weights(file: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Refuse weights that are missing, left over, of another shape, or no numbers."""
    if found.keys() != expected.keys():
        missing, extra = _listed(expected.keys() - found.keys()), _listed(found.keys() - expected.keys())
        raise InvalidInput(
            f"{file} must hold the tensors of its config, got none for {missing} and {extra} left over; "
            "check the config beside the weights"
        )
    for name, tensor in found.items():
        if tensor.shape != expected[name].shape:
            raise InvalidInput(
                f"{name} in {file} must have the shape {tuple(expected[name].shape)}, got {tuple(tensor.shape)}; "
                "check the config beside the weights"
            )
        wrong = int((~torch.isfinite(tensor)).sum())
        if wrong:
            raise InvalidInput(f"{name} in {file} must hold finite numbers, got {wrong} others; train or copy it anew")


def _listed(names: Set[str]) -> str:
    """At most four of the names, and how many more there are."""
    some = ", ".join(sorted(names)[:4]) or "nothing"
    return some + (f" and {len(names) - 4} more" if len(names) > 4 else "")
