"""The eigenvalues of largest modulus of one class of a chain.

Small classes are taken apart as dense matrices by LAPACK's QR algorithm; of large ones Arnoldi's method with implicit
restarts (ARPACK) finds a few eigenvalues by products alone, from a fixed vector, so that the same chain gives the same
digits. Where pi is the class's stationary distribution, P - 1 pi has the eigenvalues of P but for one 1, a 0 instead:
the next one is then looked for without the 1 in the way.

An eigenvalue lambda with x, ||x|| = 1, and the residual r = P x - lambda x is exactly one of P - r x*, in Euclidean
norms: a statement about the matrix, and one about the eigenvalue only where P is normal.

Source: R. B. Lehoucq, D. C. Sorensen, C. Yang, ARPACK Users' Guide, SIAM 1998.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eig
from scipy.sparse.linalg import ArpackError, LinearOperator, eigs

from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import NotConverged
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, as_floats

DENSE = 1000  # states up to which a matrix is taken apart: 2 s; products are faster from 200 on, but may miss some
SEED = 1337  # of the vector that the Arnoldi iteration begins with
TOLERANCE, MOST_RESTARTS = 1e-13, 200
BASIS = 24  # vectors that it keeps besides four for each eigenvalue
LEAST_DOUBLE = -1000  # exponent of two below which probabilities may be kept scaled

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Block:
    """One class of a chain as a matrix; ``lived`` is its stationary distribution where the 1 is taken out."""

    chain: TransitionOperator
    states: NDArray[np.int64]
    lived: FloatArray | None

    def matrix(self) -> FloatArray:
        """P - 1 pi on the class, or P."""
        inside, place = np.zeros(self.chain.n_states, dtype=bool), np.zeros(self.chain.n_states, dtype=np.int64)
        inside[self.states], place[self.states] = True, np.arange(len(self.states))
        source, target, probability = self.chain.edges(inside)
        kept = inside[target]
        dense = np.zeros((len(self.states), len(self.states)))
        dense[place[source[kept]], place[target[kept]]] = as_floats(probability)[kept]
        return dense if self.lived is None else dense - self.lived

    def times(self, f: FloatArray) -> FloatArray:
        """The matrix times f, real."""
        return self.pull(f) if self.lived is None else self.pull(f) - float(self.lived @ f)

    def pull(self, f: FloatArray) -> FloatArray:
        """P f on the class, f real, of either sign."""
        spread = np.zeros(self.chain.n_states)
        spread[self.states] = f
        if self.chain.smallest_probability.exponent < LEAST_DOUBLE:  # a scaled product takes no sign
            above, below = (as_floats(self.chain.pull(np.maximum(part, 0.0))) for part in (spread, -spread))
            return (above - below)[self.states]
        return as_floats(self.chain.pull(spread))[self.states]

    def residual(self, value: complex, vector: ComplexArray) -> float:
        """||P x - lambda x|| / ||x||."""
        moved = self.pull(vector.real) + 1j * self.pull(vector.imag)
        return float(np.linalg.norm(moved - value * vector) / np.linalg.norm(vector))


def eigenvalues(block: Block, k: int) -> tuple[list[complex], list[float], str]:
    """The k eigenvalues of largest modulus at least, all of a small class; their residuals, and how they were found.

    Raises
    ------
    TooLarge: a small class, or so many eigenvalues of a large one, would not fit.
    NotConverged: the Arnoldi iteration broke down or did not converge.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])
    >>> values, residuals, way = eigenvalues(Block(weather, np.arange(2), np.array([0.75, 0.25])), 1)
    >>> sorted(round(value.real, 12) for value in values), max(residuals) < 1.0, way
    ([0.0, 0.6], True, 'QR algorithm')
    """
    n = len(block.states)
    is_small = n <= DENSE or k >= n - 1
    if is_small:
        require_memory(16 * 6 * n * n, f"eigenvectors of {n} states", "ask for fewer eigenvalues")
        values, vectors = eig(block.matrix())
    else:
        values, vectors = _by_products(block, k)
    residuals = [block.residual(complex(value), vectors[:, place]) for place, value in enumerate(values)]
    return [complex(value) for value in values], residuals, "QR algorithm" if is_small else "Arnoldi iteration"


def _by_products(block: Block, k: int) -> tuple[ComplexArray, ComplexArray]:
    """The k eigenvalues of largest modulus and their vectors, by Arnoldi iteration."""
    n = len(block.states)
    basis = min(n - 1, 4 * k + BASIS)
    require_memory(8 * n * (basis + 8), f"{basis} vectors over {n} states", "ask for fewer eigenvalues")
    begin = np.random.default_rng(SEED).standard_normal(n)
    operator = LinearOperator((n, n), matvec=lambda f: block.times(np.ravel(f)), dtype=np.float64)
    try:
        values, vectors = eigs(operator, k, which="LM", v0=begin, ncv=basis, maxiter=MOST_RESTARTS, tol=TOLERANCE)
    except ArpackError as stopped:
        known = zip(
            getattr(stopped, "eigenvalues", ()), np.transpose(getattr(stopped, "eigenvectors", ())), strict=True
        )
        residual = max((block.residual(value, vector) for value, vector in known), default=np.inf)
        raise NotConverged(
            f"Arnoldi iteration must find {k} eigenvalues of {n} states, got a breakdown or too few; ask for another "
            "number of them",
            residual,
        ) from stopped
    return values, vectors
