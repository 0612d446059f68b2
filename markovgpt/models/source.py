"""Where a model came from: what was detected, in which numbers, and the fingerprint of its weights."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markovgpt.shown import Shown

if TYPE_CHECKING:
    from torch import Tensor

FORMATS = ("markovgpt", "nanogpt", "mingpt", "huggingface")  # that are loaded


@dataclass(frozen=True)
class ModelSource(Shown):
    """The origin of a loaded model.

    Parameters
    ----------
    format: "markovgpt", "nanogpt", "mingpt" or "huggingface".
    dtype: of the stored weights; half precision is computed in float32, which holds it exactly.
    weights_sha256: of all weights, in the order of their names.
    notes: what a user should know, one sentence each.
    """

    format: str
    dtype: str
    weights_sha256: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "; ".join([f"{self.format} model, {self.dtype}, weights {self.weights_sha256[:12]}", *self.notes])


def sha256_of(weights: Mapping[str, "Tensor"]) -> str:
    """The SHA-256 of named tensors, in the order of their names: dtype, shape and bytes.

    >>> import torch
    >>> sha256_of({"a": torch.zeros(1), "b": torch.ones(1)}) == sha256_of({"b": torch.ones(1), "a": torch.zeros(1)})
    True
    """
    from torch import uint8  # late: torch takes a second to import

    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(uint8).numpy().tobytes())
    return digest.hexdigest()


def dtype_of(weights: Mapping[str, "Tensor"]) -> str:
    """The dtype of the weights, several joined.

    >>> import torch
    >>> dtype_of({"a": torch.zeros(1), "b": torch.zeros(1, dtype=torch.float16)})
    'float16 and float32'
    """
    return " and ".join(sorted({str(tensor.dtype).removeprefix("torch.") for tensor in weights.values()}))
