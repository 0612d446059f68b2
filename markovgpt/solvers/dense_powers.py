"""Powers of a small transition matrix, each with a bound of how far off it is.

Let P be stochastic and pi = pi P. The powers of M = P - 1 pi are what is left of those of P when the long run is taken
out: M^t = P^t - 1 pi for t >= 1, with the eigenvalues of P but for one 1. In the norm ||A|| = max_i sum_j |A[i, j]|

    d(t) = max_i TV(P^t[i, .], pi) = ||P^t - 1 pi|| / 2
    |lambda_2|^t <= ||M^t||,        |tr M^t| <= (n - 1) |lambda_2|^t,

the last because the trace is the sum of n - 1 powers of eigenvalues besides a zero. So one sequence of squares encloses
both, and its log over t closes in on log |lambda_2| like 1 / t.

The bounds. A product of two matrices of doubles with n inner terms is off by at most gamma ||A|| ||B||, gamma = n u /
(1 - n u), in whatever order it is summed. With A + E and B + F exact, ||P^b|| = 1 gives

    P^a P^b:    off by at most  |E| + |F| (1 + |E|) + gamma ||A|| ||B||
    M^a P^b:    off by at most  |E| + ||A|| |F| + gamma ||A|| ||B||               which is M^(a+b)
    M^a M^b:    off by at most  |E| (||B|| + |F|) + ||A|| |F| + gamma ||A|| ||B||

so squares of P are taken while the chain still remembers, their errors growing like the number of steps, not faster,
and squares of M from where ||M^t|| <= 1/2, with an exponent, for they fall without end. A chain with a gap below about
n 2^-53 cannot be resolved: its errors reach 1 before it has forgotten anything.

Source of gamma: N. J. Higham, Accuracy and Stability of Numerical Algorithms, section 3.5.
"""

import math
from dataclasses import dataclass

import numpy as np

from markovgpt.chains.operator import TransitionOperator
from markovgpt.memory import require_memory
from markovgpt.scaled import ROUNDING, FloatArray, ScaledArray, as_floats
from markovgpt.solvers.certificate import Enclosure

FORGOTTEN = 0.5  # ||M^t|| from which powers of M are squared
MOST_SQUARES = 200
LOST = 0.25  # a power that is off by this share of itself says nothing more
SPILLED = 1e-290  # more than all numbers together that fell below the doubles


@dataclass(frozen=True, eq=False)
class Power:
    """Rows of a power: of P, or with the long run taken out.

    Parameters
    ----------
    steps: the exponent t.
    matrix: (rows, n) doubles.
    error: the norm of what the matrix is off by, at most.
    is_deflated: whether the long run is taken out.
    scale: matrix and error are times 2**scale.
    """

    steps: int
    matrix: FloatArray
    error: float
    is_deflated: bool
    scale: int = 0

    @property
    def norm(self) -> float:
        """An upper bound of the norm of the matrix as it is stored."""
        return norm_of(self.matrix)

    @property
    def is_lost(self) -> bool:
        """Whether the error hides the matrix."""
        return self.error > LOST * self.norm

    def distances(self) -> tuple[ScaledArray, ScaledArray]:
        """Bounds of the largest total variation from the long run over the rows, which must be without it."""
        size, slack = self.norm, 4 * ROUNDING * (self.matrix.shape[1] + 4)
        lower = max(size * (1 - 2 * slack) - self.error, 0.0) / 2
        upper = (size + self.error) / 2 * (1 + slack)
        return ScaledArray(lower, self.scale), ScaledArray(upper, self.scale)


@dataclass(eq=False)
class DensePowers:
    """The powers P^(2^k), from some k on without the long run; each is made when it is first asked for.

    Parameters
    ----------
    first: P itself.
    lived: (n,) about pi.
    lived_error: sum |exact - lived|, at most.
    squares: what was made so far.
    """

    first: Power
    lived: FloatArray
    lived_error: float
    squares: list[Power]

    @classmethod
    def of(cls, chain: TransitionOperator, lived: Enclosure) -> "DensePowers":
        """The powers of a chain with one long run, (n_states,) and enclosed.

        Raises
        ------
        TooLarge: a few dozen matrices of n_states x n_states would not fit.

        >>> from markovgpt.chains.sparse_chain import SparseChain
        >>> from markovgpt.solvers.live_system import stationary
        >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
        >>> powers = DensePowers.of(coin, stationary(coin, np.arange(2)))
        >>> begun = powers.begin()
        >>> for power in (begun, powers.times(begun, powers.square(0))):
        ...     print([float(bound.to_float().round(9)) for bound in power.distances()])
        [0.5, 0.5]
        [0.0, 0.0]
        """
        n = chain.n_states
        require_memory(8 * 60 * n * n, f"powers of {n} x {n} probabilities", "give one start")
        source, target, probability = chain.edges()
        matrix = np.zeros((n, n))
        matrix[source, target] = as_floats(probability)
        middle, low, high = (as_floats(part) for part in (lived.value, lived.lower, lived.upper))
        off = float(np.maximum(high - middle, middle - low).sum()) * (1 + ROUNDING * (2 * n + 8)) + SPILLED
        return cls(Power(1, matrix, chain.roundings * ROUNDING * 1.25 + SPILLED, False), middle, off, [])

    def begin(self, rows: FloatArray | None = None) -> Power:
        """No step yet, without the long run: from every state, or from distributions (rows, n)."""
        n = len(self.lived)
        started = np.eye(n) if rows is None else rows
        return self._without_long_run(Power(0, started, 2 * ROUNDING, False))

    def square(self, k: int) -> Power:
        """The power of 2**k steps."""
        if not self.squares:
            self.squares.append(self._best(self.first))
        while len(self.squares) <= k:
            last = self.squares[-1]
            self.squares.append(self._best(self.times(last, last)))
        return self.squares[k]

    def deflated(self, k: int) -> Power:
        """The power of 2**k steps without the long run."""
        found = self.square(k)
        return found if found.is_deflated else self._without_long_run(found)

    def times(self, left: Power, right: Power) -> Power:
        """One power after the other; where one is without the long run, so is the product."""
        if right.is_deflated and not left.is_deflated:
            left = self._without_long_run(left)
        n, a, b = len(self.lived), left.norm, right.norm
        gamma = n * ROUNDING * (1 + 4 * n * ROUNDING)
        if right.is_deflated:
            off = left.error * (b + right.error) + a * right.error
        else:
            off = left.error * (1 + (0.0 if left.is_deflated else right.error)) + a * right.error
        error = (off + gamma * a * b) * (1 + 64 * ROUNDING) + SPILLED
        with np.errstate(under="ignore"):
            product = left.matrix @ right.matrix
        scale = left.scale + right.scale
        found = Power(left.steps + right.steps, product, error, left.is_deflated or right.is_deflated, scale)
        return _rescaled(found) if found.is_deflated else found

    def log_modulus(self) -> tuple[float, float]:
        """Bounds of log |lambda_2|, lambda_2 an eigenvalue of largest modulus besides one 1; -inf and inf say nothing.

        >>> from markovgpt.chains.sparse_chain import SparseChain
        >>> from markovgpt.solvers.live_system import stationary
        >>> weather = SparseChain.from_matrix([[0.75, 0.25], [0.25, 0.75]])
        >>> powers = DensePowers.of(weather, stationary(weather, np.arange(2)))
        >>> low, high = powers.log_modulus()
        >>> bool(low <= math.log(0.5) <= high), bool(high - low < 1e-5)
        (True, True)
        """
        lower, upper, n = -math.inf, math.inf, len(self.lived)
        for k in range(MOST_SQUARES):
            power = self.deflated(k)
            shift = power.scale * math.log(2)
            above = (math.log(power.norm + power.error) + shift) / 2**k
            upper = min(upper, above + 16 * ROUNDING * (abs(above) + abs(shift) / 2**k))
            trace = abs(math.fsum(np.diagonal(power.matrix).tolist())) * (1 - 4 * ROUNDING) - n * power.error
            if trace > 0:
                below = (math.log(trace / (n - 1) * (1 - 4 * ROUNDING)) + shift) / 2**k
                lower = max(lower, below - 16 * ROUNDING * (abs(below) + abs(shift) / 2**k))
            if power.is_lost or upper - lower < 1e-6 * -upper:
                break
        return lower, upper

    def _best(self, power: Power) -> Power:
        """A power as its squares are best taken from."""
        if power.is_deflated:
            return power
        without = self._without_long_run(power)
        return without if without.norm <= FORGOTTEN else power

    def _without_long_run(self, power: Power) -> Power:
        """A power of P with the long run taken out."""
        error = power.error + self.lived_error + 4 * ROUNDING * (power.norm + 1)
        return Power(power.steps, power.matrix - self.lived, error * (1 + 64 * ROUNDING), True)


def norm_of(matrix: FloatArray) -> float:
    """An upper bound of the largest sum of absolute values of a row.

    >>> 3 <= norm_of(np.array([[1.0, -2.0], [0.5, 0.5]])) < 3 + 1e-13
    True
    """
    largest = float(np.abs(matrix).sum(axis=1).max())
    return largest * float(1 + 2 * ROUNDING * (matrix.shape[1] + 4))


def _rescaled(power: Power) -> Power:
    """The same power, its matrix of a norm near one."""
    shift = math.frexp(max(power.norm, power.error))[1]
    with np.errstate(under="ignore"):
        matrix = np.ldexp(power.matrix, -shift)
    return Power(power.steps, matrix, math.ldexp(power.error, -shift) + SPILLED, True, power.scale + shift)
