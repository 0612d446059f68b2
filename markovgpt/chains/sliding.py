"""A block of windows that slide: one table, and every product with it.

M groups of A windows each: window (a, m) is followed by (m, t), so the table (A, M, V) is the whole transition matrix
from A M windows to M V. Full windows have A = V, shorter ones A = 1, and so has the chain of a shorter context that a
solver forms on its way. Doubles where they reach; `ScaledArray` in the table or in a vector gives the same products.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains import streaming
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, scatter_sum

Tokens = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class SlidingTable:
    """The transitions of a block of windows.

    Parameters
    ----------
    weights: (A, M, V) float64, float32 or scaled; a transition is impossible where it is 0.
    totals: (A M,) what each row is divided by; None where rows sum to one within their own rounding.

    Vectors are flat: (A M,) over the windows that are left, (M V,) over those that are entered.

    >>> coin = SlidingTable(np.full((2, 2, 2), 0.5))
    >>> coin.push(np.array([1.0, 0.0, 0.0, 0.0])).tolist(), coin.pull(np.array([1.0, 0.0, 0.0, 0.0])).tolist()
    ([0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0])
    """

    weights: Any  # Numbers, or float32
    totals: FloatArray | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """A, M and V."""
        A, M, V = self.weights.shape
        return int(A), int(M), int(V)

    @property
    def is_scaled(self) -> bool:
        """Whether some weights lie below the range of doubles."""
        return isinstance(self.weights, ScaledArray)

    def push(self, mass: Numbers, left_out: Tokens | None = None) -> Numbers:
        """What arrives, (M V,), of masses (A M,) that leave; without one token of each window where that is given."""
        A, M, _ = self.shape
        leaving = (mass if self.totals is None else mass / self.totals).reshape(A, M)
        if self.is_scaled or isinstance(leaving, ScaledArray):
            return (ScaledArray.of(leaving)[:, :, None] * self._without(left_out)).sum(axis=0).reshape(-1)
        return streaming.push(self.weights, leaving, *self._tokens(left_out)).reshape(-1)

    def pull(self, values: Numbers, left_out: Tokens | None = None) -> Numbers:
        """What values (M V,) are worth one step ahead, (A M,); without one token of each window where that is given."""
        _, M, V = self.shape
        ahead = values.reshape(M, V)
        if self.is_scaled or isinstance(ahead, ScaledArray):
            found: Numbers = (ScaledArray.of(ahead)[None] * self._without(left_out)).sum(axis=2).reshape(-1)
        else:
            found = streaming.pull(self.weights, ahead, *self._tokens(left_out)).reshape(-1)
        return found if self.totals is None else found / self.totals

    @cached_property
    def greediest(self) -> tuple[Tokens, Numbers]:
        """The likeliest token of each window, (A M,), and the probability of all the others."""
        if isinstance(self.weights, ScaledArray):
            exponent = self.weights.exponent
            top = np.where(exponent == exponent.max(axis=2, keepdims=True), self.weights.mantissa, 0.0)
            tokens = np.argmax(top, axis=2).astype(np.int16)
            rest: Numbers = self._without(tokens.reshape(-1)).sum(axis=2)
        else:
            tokens, rest = streaming.greediest(self.weights)
        flat = rest.reshape(-1)
        return tokens.reshape(-1), flat if self.totals is None else flat / self.totals

    def successors(self, tokens: Tokens) -> NDArray[np.int64]:
        """The window that each window's given token leads to, (A M,)."""
        A, M, V = self.shape
        return np.asarray(np.tile(np.arange(M, dtype=np.int64) * V, A) + tokens)

    def group_flows(self, groups: NDArray[np.int32], mass: Numbers, values: Numbers, n_groups: int) -> Numbers:
        """Flows d p f between groups of the same windows, (n_groups, n_groups); A = V, and a group below 0 is none."""
        A, M, V = self.shape
        leaving = mass if self.totals is None else mass / self.totals
        if self.is_scaled or isinstance(leaving, ScaledArray) or isinstance(values, ScaledArray):
            ahead = ScaledArray.of(values).reshape(1, M, V)
            flows = ScaledArray.of(leaving).reshape(A, M, 1) * self._without(None) * ahead
            pair = groups.astype(np.int64).reshape(A, M, 1) * n_groups + groups.reshape(1, M, V)
            counted = ((groups.reshape(A, M, 1) >= 0) & (groups.reshape(1, M, V) >= 0)).reshape(-1)
            summed = scatter_sum(flows.reshape(-1)[counted], pair.reshape(-1)[counted], n_groups**2)
            return summed.reshape(n_groups, n_groups)
        entering = groups.reshape(M, V)
        return streaming.group_flows(
            self.weights, groups.reshape(A, M), entering, leaving.reshape(A, M), values.reshape(M, V), n_groups
        )

    def _tokens(self, left_out: Tokens | None) -> tuple[Tokens, ...]:
        """The tokens to leave out, in the table's shape."""
        A, M, _ = self.shape
        return () if left_out is None else (left_out.reshape(A, M),)

    def _without(self, left_out: Tokens | None) -> Numbers:
        """The weights, 0 where a token is left out."""
        A, M, V = self.shape
        if left_out is None:
            return self.weights  # type: ignore[no-any-return]
        kept = np.arange(V) != left_out.reshape(A, M, 1)
        return self.weights * np.where(kept, 1.0, 0.0)  # type: ignore[no-any-return]
