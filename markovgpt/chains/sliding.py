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

from markovgpt.chains import scans, streaming
from markovgpt.scaled import FloatArray, Numbers, ScaledArray
from markovgpt.sums import scatter_sum

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
    def size(self) -> int:
        """How many windows are left: A M."""
        return self.shape[0] * self.shape[1]

    @property
    def is_scaled(self) -> bool:
        """Whether some weights lie below the range of doubles."""
        return isinstance(self.weights, ScaledArray)

    def push(self, mass: Numbers) -> Numbers:
        """What arrives, (M V,), of masses (A M,) that leave."""
        return self._push(mass, None)

    def pull(self, values: Numbers) -> Numbers:
        """What values (M V,) are worth one step ahead, (A M,)."""
        return self._pull(values, None)

    def push_others(self, mass: Numbers) -> Numbers:
        """The same as `push`, without each window's likeliest token."""
        return self._push(mass, self._greediest[0])

    def pull_others(self, values: Numbers) -> Numbers:
        """The same as `pull`, without each window's likeliest token."""
        return self._pull(values, self._greediest[0])

    def push_least(self, mass: FloatArray) -> FloatArray:
        """min over a of d[a, m] p[a, m, t], (M V,), for masses (A M,); of doubles."""
        A, M, _ = self.shape
        leaving = mass if self.totals is None else mass / self.totals
        return scans.push_least(self.weights, leaving.reshape(A, M)).reshape(-1)

    @property
    def others(self) -> Numbers:
        """The probability of all tokens but the likeliest, (A M,)."""
        return self._greediest[1]

    @property
    def likeliest(self) -> NDArray[np.integer[Any]]:
        """The window that each window most likely leads to, (A M,); of tied ones the one by the lowest token."""
        _, M, V = self.shape
        small: type[np.integer[Any]] = np.int32 if M * V < 2**31 else np.int64
        first = np.arange(0, M * V, V, dtype=small)
        return np.asarray((first + self._greediest[0]).reshape(-1))

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
        return scans.group_flows(
            self.weights, groups.reshape(A, M), entering, leaving.reshape(A, M), values.reshape(M, V), n_groups
        )

    @cached_property
    def _greediest(self) -> tuple[Tokens, Numbers]:
        """The likeliest token of each window, (A, M), and the probability of all the others, (A M,)."""
        if isinstance(self.weights, ScaledArray):
            exponent = self.weights.exponent
            top = np.where(exponent == exponent.max(axis=2, keepdims=True), self.weights.mantissa, 0.0)
            tokens = np.argmax(top, axis=2).astype(np.int16)
            others: Numbers = self._without(tokens).sum(axis=2)
        else:
            tokens, others = scans.greediest(self.weights)
        flat = others.reshape(-1)
        return tokens, flat if self.totals is None else flat / self.totals

    def _push(self, mass: Numbers, left_out: Tokens | None) -> Numbers:
        """Push, without a token of each window where that is given."""
        A, M, _ = self.shape
        leaving = (mass if self.totals is None else mass / self.totals).reshape(A, M)
        if self.is_scaled or isinstance(leaving, ScaledArray):
            return (ScaledArray.of(leaving)[:, :, None] * self._without(left_out)).sum(axis=0).reshape(-1)
        return streaming.push(self.weights, leaving, *(() if left_out is None else (left_out,))).reshape(-1)

    def _pull(self, values: Numbers, left_out: Tokens | None) -> Numbers:
        """Pull, without a token of each window where that is given."""
        _, M, V = self.shape
        ahead = values.reshape(M, V)
        if self.is_scaled or isinstance(ahead, ScaledArray):
            found: Numbers = (ScaledArray.of(ahead)[None] * self._without(left_out)).sum(axis=2).reshape(-1)
        else:
            found = streaming.pull(self.weights, ahead, *(() if left_out is None else (left_out,))).reshape(-1)
        return found if self.totals is None else found / self.totals

    def _without(self, left_out: Tokens | None) -> Numbers:
        """The weights, 0 where a token is left out."""
        if left_out is None:
            return self.weights  # type: ignore[no-any-return]
        kept = np.arange(self.shape[2]) != left_out[:, :, None]
        return self.weights * np.where(kept, 1.0, 0.0)  # type: ignore[no-any-return]
