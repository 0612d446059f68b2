"""The expected steps from one start to every state, and back to every state, by elimination without subtraction.

Eliminating all states but j leaves, of a recurrent class, j alone with what a return costs and what the way to it from
the start cost. So that every state is left alone once, halve: eliminate the second half of the states and go on with
the first, eliminate the first and go on with the second. The first cut costs n**3 / 2 multiplications and additions or
so, all further ones together a third of that.

Given weights a[i, j] >= 0 from each of n states to the others, costs b[i], each paid b[i] / out[i] a visit with out[i]
the row sum without the diagonal, and a start s, one elimination of a state k is

    out = sum_{j < k} a[k, j]     r[j] = a[k, j] / out     gone += s[k] b[k] / out     s[j] += s[k] r[j]
    a[i, j] += a[i, k] r[j]       b[i] += a[i, k] b[k] / out

Only + * / of non-negatives: nothing cancels. With b = W, the row sums with the diagonal, a visit costs its steps.

The a-priori bound is that of `markovgpt.solvers.gth`: one step in floating point is the exact step of a chain whose
weights, costs and start are changed by factors within (1 +- u)**c, c = 5 and one for each of the states
eliminated at a time. Such a change of the weights changes
an answer, a ratio of sums over forests, by at most (1 +- u)**(2 k c) with k states left; that of the costs and of the
start, in which it is linear, by (1 +- u)**(2 c); adding up what is gone rounds once a step. For each state in all

    roundings(n) = c n (n + 1) + (2 c + 1) n        times 2**-53, relative.

Sources: W. K. Grassmann, M. I. Taksar, D. P. Heyman, Operations Research 33 (1985) 1107-1116; T. J. Sheskin, Operations
Research 33 (1985) 228-235, for the partition.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.scaled import Numbers, ScaledArray
from markovgpt.solvers.gth import PANEL, SAFE
from markovgpt.sums import exact_sum


@dataclass(frozen=True, eq=False)
class WaysToAll:
    """What each state costs to come to from the start, and to come back to.

    Parameters
    ----------
    arriving: (n,) what is paid from the start until the state is met first, 0 at a sure start.
    returning: (n,) what is paid from one visit to the next, times the weight of a visit: b[j] with j alone.
    roundings: the a-priori bound of the module's text.
    """

    arriving: ScaledArray
    returning: ScaledArray
    roundings: int


def ways_to_all(weights: Numbers, costs: Numbers, start: int) -> WaysToAll:
    """Come from one state to every state, and from every state back to it.

    Parameters
    ----------
    weights: (n, n), non-negative, leading from each state to all; the diagonal is not read.
    costs: (n,), above zero.

    Method: in doubles while every number stays within 2**-480 .. 2**480, else with `ScaledArray`.

    Sun to rain takes 10 days on average, rain to sun 10/3; returns take 4/3 days and 4 (0.4 / 0.3, 0.4 / 0.1):

    >>> found = ways_to_all(np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([1.0, 1.0]), 0)
    >>> found.arriving.to_float().round(12).tolist(), found.returning.to_float().round(12).tolist()
    ([0.0, 10.0], [1.333333333333, 4.0])
    """
    n = len(costs)
    begin = np.zeros(n)
    begin[start] = 1.0
    c = 5 + min(PANEL, (n + 1) // 2)
    roundings = c * n * (n + 1) + (2 * c + 1) * n
    if isinstance(weights, np.ndarray) and isinstance(costs, np.ndarray):
        found = WaysToAll(ScaledArray.zeros(n), ScaledArray.zeros(n), roundings)
        if _halved(_Left(np.arange(n), _without_diagonal(weights), costs, begin, np.zeros(())), found):
            return found
    found = WaysToAll(ScaledArray.zeros(n), ScaledArray.zeros(n), roundings)
    scaled = [ScaledArray.of(part) for part in (_without_diagonal(weights), costs, begin, np.zeros(()))]
    _halved(_Left(np.arange(n), *scaled), found)
    return found


@dataclass(frozen=True, eq=False)
class _Left:
    """What is left of a chain; Any stands for `Numbers`, the steps being the same in either arithmetic."""

    states: NDArray[np.int64]
    weights: Any  # (n, n)
    costs: Any  # (n,)
    start: Any  # (n,)
    gone: Any  # one number

    def reversed(self) -> "_Left":
        """The same, the last state first."""
        return _Left(self.states[::-1], self.weights[::-1, ::-1], self.costs[::-1], self.start[::-1], self.gone)

    def first(self, n: int) -> "_Left | None":
        """Keep the first n states, the others eliminated; None where a double was too small or large to be trusted."""
        a, b, s, gone = self.weights.copy(), self.costs.copy(), self.start.copy(), self.gone
        for high in range(len(b), n, -PANEL):
            low = max(high - PANEL, n)
            for k in range(high - 1, low - 1, -1):
                out = exact_sum(a[k, :k])
                if not _is_safe(out):
                    return None
                a[k, :k] = a[k, :k] / out
                paid = b[k] / out
                gone = gone + s[k] * paid
                s[:k] = s[:k] + a[k, :k] * s[k]
                b[:k] = b[:k] + a[:k, k] * paid
                a[low:k, :k] = a[low:k, :k] + a[low:k, k][:, None] * a[k, :k][None, :]
                a[:low, low:k] = a[:low, low:k] + a[:low, k][:, None] * a[k, low:k][None, :]
            a[:low, :low] = a[:low, :low] + a[:low, low:high] @ a[low:high, :low]
        a[np.diag_indices(len(b))] = 0.0  # self-loops; never read
        if not all(_is_safe(part) for part in (a, b, s, gone)):
            return None
        return replace(self, states=self.states[:n], weights=a[:n, :n], costs=b[:n], start=s[:n], gone=gone)


def _halved(left: _Left, found: WaysToAll) -> bool:
    """Fill in what is found for each state left; False where doubles do not reach."""
    n = len(left.states)
    if n == 1:
        found.arriving[left.states] = left.gone
        found.returning[left.states] = left.costs
        return True
    for side, kept in ((left, (n + 1) // 2), (left.reversed(), n // 2)):
        rest = side.first(kept)
        if rest is None or not _halved(rest, found):
            return False
    return True


def _without_diagonal(weights: Numbers) -> Numbers:
    """The weights, their diagonal zero."""
    own = np.eye(len(weights), dtype=bool)
    return weights * np.where(own, 0.0, 1.0)


def _is_safe(part: Any) -> bool:
    """Whether no product of two of these numbers can leave the range of doubles, or some are scaled."""
    if isinstance(part, ScaledArray):
        return True
    return not ((part > 0) & ((part < SAFE) | (part > 1 / SAFE))).any()
