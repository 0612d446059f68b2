"""What every model must offer."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from markovgpt.vocabulary import Vocabulary


@runtime_checkable
class NextTokenModel(Protocol):
    """Anything that gives next-token logits from a window alone: what makes it a finite Markov chain."""

    @property
    def vocab_size(self) -> int:
        """Number of tokens V."""
        ...

    @property
    def context_length(self) -> int:
        """Longest window L the model reads."""
        ...

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The tokens' strings, where known."""
        ...

    def next_token_logits(self, windows: NDArray[np.integer[Any]]) -> NDArray[np.floating[Any]]:
        """Logits (B, V) of the token after each of the windows (B, T), 1 <= T <= L, in the model's own dtype."""
        ...
