"""Elimination of costs: what is left of it where every probability is about exp(-cost / T) and T falls to 0.

A sum of such terms is led by the least cost, a product adds costs and a quotient subtracts them. The elimination of
Grassmann, Taksar and Heyman (`markovgpt.solvers.gth`) never subtracts probabilities, so that no leading term cancels:
done with min and + it leaves the exact exponents. They are those of the matrix-tree theorem, minima over forests:

    pi(j)                          ~  exp(-(least cost of a tree of ways that leads all to j) / T), normalised
    E_i[time to the ends]          ~  exp((F - G_i) / T),  where to stop gains a step: costs nothing
    P_i(to the target, of ends)    ~  exp((F - G_i) / T),  where to stop costs what leads on to the target

with F the least cost of a forest that leads all to the ends, and G_i of one in which the way of i stops anywhere, for
its gain, instead. Both fall and rise with the costs: from bounds of the costs come bounds.
"""

import numpy as np
from numpy.typing import NDArray

from markovgpt.scaled import FloatArray, widen

GRID = 2.0**52  # sums of so many units are exact doubles
LOWEST_GRID = -1000  # well above the smallest doubles


def bounds_on_grid(found: FloatArray, roundings: int, unit: float, terms: int) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bounds of costs, all multiples of one power of two, so that sums of ``terms`` of them are exact.

    Parameters
    ----------
    found: least costs as computed, at least 0; inf where nothing leads.
    roundings: how often each was rounded.
    unit: a power of two that every single cost is a multiple of. Where the sums stay below 2**52 of it nothing was
        rounded, and the bounds are the numbers themselves.

    >>> bounds_on_grid(np.array([0.75, np.inf]), 9, 0.25, 3)
    (array([0.75,  inf]), array([0.75,  inf]))
    >>> lower, upper = bounds_on_grid(np.array([0.1]), 9, 2.0**-1000, 3)
    >>> bool(lower[0] < 0.1 < upper[0])
    True
    """
    largest = max(terms, 1) * float(np.max(found, where=np.isfinite(found), initial=0.0))
    if largest <= GRID * unit:
        return found, found
    grid = 2.0 ** max(int(np.frexp(1.01 * largest)[1]) - 52, LOWEST_GRID)
    below, above = (np.asarray(part) for part in widen(found, roundings))
    return np.floor(below / grid) * grid, np.ceil(above / grid) * grid


def unit_of(numbers: NDArray[np.floating]) -> float:
    """The largest power of two that all finite numbers are multiples of; inf where all are 0.

    >>> unit_of(np.array([0.75, 3.0, -np.inf]))
    0.25
    """
    given = numbers[np.isfinite(numbers) & (numbers != 0)].astype(np.float64)
    if not len(given):
        return np.inf
    mantissa, exponent = np.frexp(given)
    whole = (mantissa * 2.0**53).astype(np.int64)
    zeros = np.frexp((whole & -whole).astype(np.float64))[1] - 1  # at the end of the mantissa
    return float(np.ldexp(1.0, int((exponent - 53 + zeros).min())))


def least_costs(direct: FloatArray) -> FloatArray:
    """(K, K) the least costs of ways that may pass through others, of the costs of ways that do not.

    >>> least_costs(np.array([[np.inf, 1.0, 9.0], [np.inf, np.inf, 2.0], [0.0, np.inf, np.inf]])).tolist()
    [[0.0, 1.0, 3.0], [2.0, 0.0, 2.0], [0.0, 1.0, 0.0]]
    """
    found = direct.copy()
    np.fill_diagonal(found, 0.0)
    for over in range(len(found)):
        np.minimum(found, found[:, over, None] + found[over], out=found)
    return found


def tree_costs(costs: FloatArray) -> FloatArray:
    """(K,) for each j the least cost of K - 1 ways, one from each other, that lead all to j.

    Parameters
    ----------
    costs: (K, K) of which each must lead to every other by finite ones; the diagonal is not looked at.

    Method: min-plus elimination, K**3 / 3. The first one's tree costs the sum of the pivots, the determinant's place.

    >>> tree_costs(np.array([[0.0, 3.0], [1.0, 0.0]])).tolist()
    [1.0, 3.0]
    """
    left, K = costs.copy(), len(costs)
    pivots, ahead = np.zeros(K), np.zeros(K)
    for k in range(K - 1, 0, -1):
        pivots[k] = left[k, :k].min()
        np.minimum(left[:k, :k], left[:k, k, None] + (left[k, :k] - pivots[k]), out=left[:k, :k])
    for k in range(1, K):
        ahead[k] = (ahead[:k] + left[:k, k]).min() - pivots[k]
    return np.asarray(ahead + pivots.sum())


def forest_costs(costs: FloatArray, out: FloatArray, gain: FloatArray) -> tuple[float, FloatArray]:
    """The least cost F of a forest that leads all out, and (K,) G of one in which the way of i stops for its gain.

    Parameters
    ----------
    costs: (K, K) between those that are not ends; the diagonal is not looked at.
    out: (K,) to the nearest end; every one must lead to one over finite costs.
    gain: (K,) what it costs to stop; the way of i leads to one that stops, which pays this instead of a way on.

    1 leads to 0 for nothing, and 0 out for 5. Either may stop at 0 for nothing:

    >>> forest_costs(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([5.0, 7.0]), np.zeros(2))
    (5.0, array([0., 0.]))
    """
    left, exits, gains, K = costs.copy(), out.copy(), gain.copy(), len(costs)
    pivots, found = np.zeros(K), np.zeros(K)
    for k in range(K - 1, -1, -1):
        pivots[k] = min(exits[k], left[k, :k].min(initial=np.inf))
        into = left[:k, k] - pivots[k]
        np.minimum(left[:k, :k], into[:, None] + left[k, :k], out=left[:k, :k])
        np.minimum(exits[:k], into + exits[k], out=exits[:k])
        np.minimum(gains[:k], into + gains[k], out=gains[:k])
    for k in range(K):
        found[k] = min(gains[k], (left[k, :k] + found[:k]).min(initial=np.inf)) - pivots[k]
    total = float(pivots.sum())
    return total, found + total
