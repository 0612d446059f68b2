"""What determines the bytes of a model's logits, and where the model came from."""

import json
import platform
from dataclasses import asdict
from typing import Any

import torch

from markovgpt.models.gpt import GPT
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.source import ModelSource, dtype_of, sha256_of
from markovgpt.models.weights import weights_of


def identity_of(model: NextTokenModel) -> dict[str, Any]:
    """Weights, sizes, torch build and device, as json: what makes two runs give the same bytes.

    ``weights_sha256`` is None where there are no weights to see; ``same_bytes`` says what the device promises.

    >>> from markovgpt.models.gpt import GPTConfig
    >>> identity_of(GPT(GPTConfig(2, 3)))["config"]["vocab_size"]
    2
    """
    weights = _weights(model)
    device = _device(model)
    return {
        "weights_sha256": None if weights is None else sha256_of(weights),
        "config": _config(model),
        "torch": torch.__version__,
        "device": _described(device),
        "same_bytes": "promised" if device.type == "cpu" else f"not promised: {device.type} may sum in another order",
    }


def source_of(model: NextTokenModel) -> ModelSource | None:
    """Where a model came from: what its loader noted, or that it was made in memory; None for a callable."""
    noted: ModelSource | None = getattr(model, "source", None)
    weights = _weights(model)
    if noted is not None or weights is None:
        return noted
    return ModelSource("memory", dtype_of(weights), sha256_of(weights))


def bears_threads(model: NextTokenModel) -> bool:
    """Whether several threads may ask at once: our own GPT on a processor."""
    return type(model) is GPT and _device(model).type == "cpu"


def is_known_by_its_weights(model: NextTokenModel) -> bool:
    """Whether weights and sizes are all there is to know: of our own GPT. What a module computes, nobody sees."""
    return type(model) is GPT


def _weights(model: NextTokenModel) -> dict[str, torch.Tensor] | None:
    """The weights by name; None where there are none to see."""
    if isinstance(model, GPT):
        return weights_of(model)
    module = getattr(model, "module", None)
    return (dict(module.state_dict()) or None) if isinstance(module, torch.nn.Module) else None


def _config(model: NextTokenModel) -> Any:
    """The sizes of a GPT, or the config of a model of transformers, as json; None where there is none to see."""
    if isinstance(model, GPT):
        return asdict(model.config)
    config: Any = getattr(getattr(model, "module", None), "config", None)
    return json.loads(config.to_json_string()) if hasattr(config, "to_json_string") else None


def _device(model: NextTokenModel) -> torch.device:
    """Where the weights lie."""
    weights = _weights(model) or {}
    return next((tensor.device for tensor in weights.values()), torch.device("cpu"))


def _described(device: torch.device) -> str:
    """The device and its model or instruction set."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({platform.machine()} {torch.backends.cpu.get_cpu_capability()})"
