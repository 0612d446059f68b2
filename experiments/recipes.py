"""Expected hitting times as textbooks and notebooks compute them in doubles: inverse, solve, eigenvectors.

Each takes a dense matrix and a target and gives the time from every state, with 0 at the target; none says how far off
it is. What cannot be computed is NaN.
"""

from collections.abc import Callable, Mapping

import numpy as np

from markovgpt.scaled import FloatArray

Recipe = Callable[[FloatArray, int], FloatArray]


def by_hand(logits: FloatArray, temperature: float) -> FloatArray:
    """(n, n) The transition matrix of all windows, by a softmax in doubles.

    Parameters
    ----------
    logits: (V**L, V).

    >>> by_hand(np.log(np.array([[3.0, 1.0], [1.0, 1.0]])), 1.0).round(12).tolist()
    [[0.75, 0.25], [0.5, 0.5]]
    """
    n, vocab_size = logits.shape
    weights = np.exp((logits - logits.max(axis=1, keepdims=True)) / temperature)
    matrix = np.zeros((n, n))
    for token in range(vocab_size):
        states = np.arange(n)
        matrix[states, (states * vocab_size + token) % n] = weights[:, token] / weights.sum(axis=1)
    return matrix


def by_inverse(matrix: FloatArray, target: int) -> FloatArray:
    """t = (I - Q)^-1 1, the inverse formed.

    >>> by_inverse(np.array([[0.5, 0.5], [0.5, 0.5]]), 1).tolist()
    [2.0, 0.0]
    """
    return _elsewhere(matrix, target, lambda system: np.linalg.inv(system).sum(axis=1))


def by_solve(matrix: FloatArray, target: int) -> FloatArray:
    """(I - Q) t = 1, by LU with pivots.

    >>> by_solve(np.array([[0.5, 0.5], [0.5, 0.5]]), 1).tolist()
    [2.0, 0.0]
    """
    return _elsewhere(matrix, target, lambda system: np.linalg.solve(system, np.ones(len(system))))


def by_eigenvectors(matrix: FloatArray, target: int) -> FloatArray:
    """t(i) = (Z[j, j] - Z[i, j]) / pi[j] with pi a left eigenvector and Z = (I - P + 1 pi)^-1.

    >>> by_eigenvectors(np.array([[0.5, 0.5], [0.5, 0.5]]), 1).round(12).tolist()
    [2.0, 0.0]
    """
    n = len(matrix)
    with np.errstate(all="ignore"):
        values, vectors = np.linalg.eig(matrix.T)
        stationary = np.real(vectors[:, np.argmin(np.abs(values - 1))])
        stationary = stationary / stationary.sum()
        try:
            fundamental = np.linalg.inv(np.eye(n) - matrix + stationary[None, :])
        except np.linalg.LinAlgError:
            return np.full(n, np.nan)
        return np.asarray((fundamental[target, target] - fundamental[:, target]) / stationary[target])


RECIPES: Mapping[str, Recipe] = {"inv(I - Q)": by_inverse, "solve(I - Q)": by_solve, "eig": by_eigenvectors}


def _elsewhere(matrix: FloatArray, target: int, solve: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """The times from the other states by a solver of I - Q, NaN where it finds the system singular."""
    others = np.arange(len(matrix)) != target
    times = np.zeros(len(matrix))
    try:
        times[others] = solve(np.eye(int(others.sum())) - matrix[np.ix_(others, others)])
    except np.linalg.LinAlgError:
        times[others] = np.nan
    return times
