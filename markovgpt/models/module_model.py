"""How any torch module or callable is made to offer what every model must."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from markovgpt.errors import InvalidInput
from markovgpt.models.source import ModelSource
from markovgpt.vocabulary import Vocabulary


class ModuleModel:
    """A torch module or a callable, seen as a `NextTokenModel`; made by `as_model`."""

    def __init__(
        self, module: Callable[..., Any], vocab_size: int, context_length: int, vocabulary: Vocabulary | None
    ) -> None:
        self.module = module.eval() if isinstance(module, torch.nn.Module) else module
        self.vocab_size = vocab_size
        self.context_length = context_length
        self.vocabulary = vocabulary
        weights = module.parameters() if isinstance(module, torch.nn.Module) else iter(())
        self.device = next((weight.device for weight in weights), torch.device("cpu"))
        self.source: ModelSource | None = None
        self.stop_tokens: tuple[int, ...] = ()

    def to(self, device: torch.device) -> None:
        """Move a module, and the windows it is asked about, to a device; a callable stays where it is."""
        if isinstance(self.module, torch.nn.Module):
            self.module.to(device)
            self.device = device

    def next_token_logits(self, windows: NDArray[np.integer[Any]]) -> NDArray[np.floating[Any]]:
        """Logits (B, V) of the token after each of the windows (B, T).

        Raises
        ------
        InvalidInput: the module gives no logits of shape (B, V) or (B, T, V).
        """
        if isinstance(self.module, torch.nn.Module):
            self.module.eval()  # a caller may have gone back to training: dropout would make the rows random
        with torch.no_grad():
            output = self.module(torch.as_tensor(np.asarray(windows, dtype=np.int64), device=self.device))
        logits = getattr(output, "logits", output[0] if isinstance(output, tuple) else output)
        logits = logits.detach().cpu() if isinstance(logits, torch.Tensor) else torch.as_tensor(np.asarray(logits))
        if logits.ndim == 3:  # (B, T, V): every position spoke, the last one is the answer
            logits = logits[:, -1]
        if tuple(logits.shape) != (len(windows), self.vocab_size):
            raise InvalidInput(
                f"the model must give logits of shape ({len(windows)}, {self.vocab_size}) or with a position axis "
                f"between, got {tuple(logits.shape)}; check vocab_size={self.vocab_size}"
            )
        half = logits.dtype in (torch.bfloat16, torch.float16)  # every such number is exact in float32
        return np.asarray((logits.float() if half else logits).numpy())


def as_model(
    module: Callable[..., Any], *, vocab_size: int, context_length: int, vocabulary: Vocabulary | None = None
) -> ModuleModel:
    """Any torch module or callable as a model of this package.

    Parameters
    ----------
    module: called with an int64 tensor (B, T), T <= context_length; returns logits (B, V) or (B, T, V), a tuple
        whose first part they are, or an object with ``.logits``. A module is put into eval mode, and kept there.
    vocab_size, context_length: V >= 1 and L >= 1.
    vocabulary: V token strings, if known.

    Raises
    ------
    InvalidInput: V or L below 1, or a vocabulary of another size.

    >>> import torch
    >>> uniform = as_model(lambda windows: torch.zeros(len(windows), 2), vocab_size=2, context_length=3)
    >>> uniform.next_token_logits(np.array([[0, 1, 1]]))
    array([[0., 0.]], dtype=float32)
    """
    if not callable(module):
        raise InvalidInput(
            f"module must be a torch module or a callable, got {type(module).__name__}; pass the model itself"
        )
    sizes = (vocab_size, context_length)
    if any(not isinstance(size, int) or isinstance(size, bool) or size < 1 for size in sizes):
        raise InvalidInput(
            f"vocab_size and context_length must be at least 1, whole numbers, got {vocab_size} and {context_length}; "
            "give the sizes the module was built with"
        )
    if vocabulary is not None and len(vocabulary) != vocab_size:
        raise InvalidInput(
            f"vocabulary must hold vocab_size={vocab_size} tokens, got {len(vocabulary)}; name every token"
        )
    return ModuleModel(module, vocab_size, context_length, vocabulary)
