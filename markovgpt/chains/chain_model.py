"""A chain over windows, seen as a model: what was tabulated speaks under sampling settings, and is not asked again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import FloatArray, ScaledArray
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

LN10 = float(np.log(10))


@dataclass(frozen=True, eq=False, repr=False)
class ChainModel(Shown):
    """A `NextTokenModel` whose logits are the log-probabilities of a window chain, its sampling settings with them.

    Parameters
    ----------
    chain: the chain; with prefixes, where it is to be asked about shorter windows.

    >>> from markovgpt.chains.states import StateSpace
    >>> coin = ChainModel(WindowChain(StateSpace(2, 1), np.array([[0.5, 0.5], [1.0, 0.0]])))
    >>> coin.next_token_logits(np.array([[1], [0]])).round(3).tolist()
    [[0.0, -inf], [-0.693, -0.693]]
    """

    chain: WindowChain

    @property
    def vocab_size(self) -> int:
        """Number of tokens V."""
        return self.chain.space.vocab_size

    @property
    def context_length(self) -> int:
        """Longest window L."""
        return self.chain.space.context_length

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The tokens' strings, where known."""
        return self.chain.vocabulary

    def next_token_logits(self, windows: NDArray[np.integer[Any]]) -> FloatArray:
        """Log-probabilities (B, V) of the token after each of the windows (B, T); -inf means impossible.

        Raises
        ------
        InvalidInput: windows that are no states of the chain.
        """
        rows = self.chain.next_token_probs[self.chain.space.numbers(windows)]
        if isinstance(rows, ScaledArray):
            return rows.log10() * LN10
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(rows, dtype=np.float64))
