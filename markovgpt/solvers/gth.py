"""Elimination without subtraction (Grassmann, Taksar and Heyman), for stationary vectors and for chains with an end.

Given weights a[i, j] >= 0 between n live states and e[i] >= 0 out of them, let out[i] = e[i] + sum_{j != i} a[i, j].
The matrix ``diag(out) - offdiag(a)`` is inverted on a column (`Elimination.harmonic`) or a row
(`Elimination.occupation`) by eliminating one state after the other:

    r[k, j] = a[k, j] / out[k]        a[i, j] += a[i, k] r[k, j]        e[i] += a[i, k] e[k] / out[k]

and out[i] is summed afresh from what is left of its row. A self-loop a[i, i] never enters. Only + * / of non-negatives:
nothing cancels.

The a-priori entrywise bound. By the matrix-tree theorem each entry of the inverse is a ratio of two sums of products,
one factor per live state (its tree or forest edge); so if every weight of a chain of k live states is changed by a
factor within (1 +- u)**c, an answer changes by a factor within (1 +- u)**(2 k c). One elimination step in floating
point is the exact step of such a changed chain, with c = 5: the sum out[k] (one rounding, by `exact_sum`), the
quotient, the product, the sum, and one to spare; a panel of b steps at once adds up b terms, c = b + 5. The steps
together give sum_k 2 k c <= c n (n + 1); a right-hand side, linear in the answer, adds c a step; each back-substitution
adds at most k + 4 roundings at size k. In all

    roundings(n) = c n (n + 2) + n (n + 9) / 2        times 2**-53, relative, in every entry.

Sources: W. K. Grassmann, M. I. Taksar, D. P. Heyman, Operations Research 33 (1985) 1107-1116; C. A. O'Cinneide,
Numerische Mathematik 65 (1993) 109-120, for the argument by trees.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from markovgpt.chains.compiled import compiled
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray, concatenate, is_positive
from markovgpt.sums import exact_sum

PANEL = 32  # states eliminated before the rest of the matrix is updated in one product
SAFE = 2.0**-480  # products of two numbers above it stay in the range of doubles


@dataclass(frozen=True, eq=False)
class Elimination:
    """A chain with an end, eliminated; made by `eliminate`.

    Parameters
    ----------
    factors: (n, n); below the diagonal r[k, j], j < k, the jump probabilities of state k when it was eliminated, above
        it a[i, k], i < k, the weights into state k then.
    out: (n,) what flowed out of each state then.
    exits: (n,) the jump probabilities to the end then.
    roundings: the a-priori bound of the module's text.
    """

    factors: Numbers
    out: Numbers
    exits: Numbers
    roundings: int

    @property
    def is_safe(self) -> bool:
        """Whether no product of two factors can have left the range of doubles: nothing was lost on the way."""
        parts = (self.factors, self.out, self.exits)
        return not any(((part > 0) & (part < SAFE)).any() for part in parts if isinstance(part, np.ndarray))

    def harmonic(self, b: ScaledArray) -> ScaledArray:
        """The column y with out[i] y[i] = b[i] + sum_{j != i} a[i, j] y[j]; b and y are (n,)."""
        y = b.copy()
        for k in range(len(y) - 1, -1, -1):
            y[k] = y[k] / self.out[k]
            y[:k] = y[:k] + self.factors[:k, k] * y[k]
        for k in range(1, len(y)):
            y[k] = y[k] + (self.factors[k, :k] * y[:k]).sum()
        return y

    def occupation(self, start: ScaledArray) -> ScaledArray:
        """The row x with x[j] out[j] = start[j] + sum_{i != j} x[i] a[i, j]; start and x are (n,)."""
        x = start.copy()
        for k in range(len(x) - 1, 0, -1):
            x[:k] = x[:k] + self.factors[k, :k] * x[k]
        for k in range(len(x)):
            x[k] = (x[k] + (self.factors[:k, k] * x[:k]).sum()) / self.out[k]
        return x


def eliminate(weights: Numbers, exits: Numbers) -> Elimination:
    """Eliminate every state of a chain with an end.

    Parameters
    ----------
    weights: (n, n), non-negative; the diagonal is not read.
    exits: (n,), non-negative. Every state must be able to reach an exit.

    Raises
    ------
    InvalidInput: a state from which no exit can be reached.

    Method: right-looking, in panels, in doubles while every factor stays above 2**-480, else with `ScaledArray`. Cost
    n**3 / 3 multiplications and additions.

    A gambler with 1 of 3 coins, who wins each toss with probability 1/4, ends with none or three. Expected tosses:

    >>> game = eliminate(np.array([[0.0, 0.25], [0.75, 0.0]]), np.array([0.75, 0.25]))
    >>> game.harmonic(ScaledArray.of([1.0, 1.0])).to_float().round(12).tolist()     # 20/13 and 28/13
    [1.538461538462, 2.153846153846]
    """
    if isinstance(weights, np.ndarray) and isinstance(exits, np.ndarray):
        in_doubles = _eliminated(weights, exits)
        if in_doubles is not None and in_doubles.is_safe:
            return in_doubles
    done = _eliminated(ScaledArray.of(weights), ScaledArray.of(exits))
    if done is None:
        raise InvalidInput("every live state must be able to reach an end, got one that cannot; leave it out")
    return done


def stationary_vector(weights: Numbers) -> Numbers:
    """The x with x A = x diag(row sums of A) and sum 1, for weights A (n, n) >= 0 that lead from each state to all.

    In doubles where no product can leave their range, else scaled. The diagonal is not read. Cost n**3 / 3.

    >>> stationary_vector(np.array([[0.0, 0.1], [0.3, 0.0]])).round(12).tolist()
    [0.75, 0.25]
    """
    if isinstance(weights, np.ndarray):
        x = np.zeros(len(weights))
        if _stationary(weights.copy(), x):
            return np.asarray(x / x.sum())
    scaled = ScaledArray.of(weights)
    rest = eliminate(scaled[1:, 1:], scaled[1:, 0]).occupation(scaled[0, 1:])
    whole = ScaledArray.of(concatenate([ScaledArray.of(np.ones(1)), rest]))
    return whole / whole.sum()


@compiled
def _stationary(a, x):  # type: ignore[no-untyped-def]
    """Fill x by elimination in doubles; False where a number on the way was too small to be trusted."""
    for k in range(len(x) - 1, 0, -1):
        out = a[k, :k].sum()
        if out < SAFE:
            return False
        a[k, k] = out
        for j in range(k):
            a[k, j] /= out
            if 0 < a[k, j] < SAFE or 0 < a[j, k] < SAFE:
                return False
        for i in range(k):
            if a[i, k] > 0:
                for j in range(k):
                    a[i, j] += a[i, k] * a[k, j]
    return _substitute(a, x)


@compiled
def _substitute(a, x):  # type: ignore[no-untyped-def]
    """The stationary vector of an eliminated matrix, its first entry 1; False where it leaves the safe range."""
    n = len(x)
    x[0] = 1.0
    for k in range(1, n):
        arrived = 0.0
        for i in range(k):
            arrived += x[i] * a[i, k]
        x[k] = arrived / a[k, k]
        if x[k] < SAFE or x[k] > 1 / SAFE:
            return False
    return True


def _eliminated(weights: Numbers, exits: Numbers) -> Elimination | None:
    """The elimination in the arithmetic of its arguments; None where a state is left without a way out."""
    n = len(exits)
    a: Any = weights.copy()  # Any: the steps below are the same in either arithmetic
    e: Any = exits.copy()
    out: Any = exits.copy()
    for high in range(n, 0, -PANEL):
        low = max(high - PANEL, 0)
        for k in range(high - 1, low - 1, -1):
            leaving = exact_sum(concatenate([a[k, :k], e[k : k + 1]]))
            if not is_positive(leaving):
                return None
            out[k] = leaving
            a[k, k] = 0.0  # a self-loop; never read
            a[k, :k] = a[k, :k] / leaving
            e[k] = e[k] / leaving
            e[:k] = e[:k] + a[:k, k] * e[k]
            a[low:k, :k] = a[low:k, :k] + a[low:k, k][:, None] * a[k, :k][None, :]
            a[:low, low:k] = a[:low, low:k] + a[:low, k][:, None] * a[k, low:k][None, :]
        if low:
            a[:low, :low] = a[:low, :low] + a[:low, low:high] @ a[low:high, :low]
    c = 5 + (PANEL if n > PANEL else 0)
    return Elimination(a, out, e, c * n * (n + 2) + n * (n + 9) // 2)
