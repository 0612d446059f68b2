"""Groups of states put in balance with each other: what enters each is what leaves it.

Source: J. R. Koury, D. F. McAllister, W. J. Stewart, SIAM J. Alg. Disc. Meth. 5 (1984) 164-186.
"""

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.scans import group_sums
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray, is_positive, quotient
from markovgpt.solvers.certificate import relative_defect
from markovgpt.solvers.gth import stationary_vector
from markovgpt.sums import scatter_sum

ROUNDED = 1e-13  # an imbalance that may be the rounding of the flows


def balance(x: Numbers, groups: NDArray[np.int32], flows: Numbers) -> tuple[Numbers, float]:
    """x, each group multiplied by a factor so that what enters it is what leaves it; and how far that was off.

    Parameters
    ----------
    groups: (n,) the group of each state, -1 for none. flows: (n_groups, n_groups), as they go with x.

    >>> x, imbalance = balance(np.array([0.5, 0.5]), np.array([0, 1], dtype=np.int32), np.array([[0, .1], [.3, 0]]))
    >>> x.round(12).tolist(), round(imbalance, 12)
    ([0.75, 0.25], 2.0)
    """
    between = flows * (1.0 - np.eye(len(flows)))
    imbalance = relative_defect(between.sum(axis=0), between.sum(axis=1))
    mass = grouped(x, groups, len(flows))
    if imbalance <= ROUNDED:
        return x, imbalance
    return x * factor_of(between, mass)[groups], imbalance


def factor_of(flows: Numbers, mass: Numbers) -> Numbers:
    """What each mass must be multiplied by to be in balance, 0 where there is none.

    Raises
    ------
    FloatingPointError: flows or factors left the range of doubles.
    """
    live = is_positive(mass)
    among = quotient(flows, mass.reshape(-1, 1))[np.ix_(live, live)]
    try:
        solved = stationary_vector(among) / mass[live]
    except InvalidInput as error:
        raise FloatingPointError("flows were lost below the range of doubles") from error
    factor = ScaledArray.zeros(len(live))
    factor[live] = solved
    if isinstance(among, ScaledArray):
        return factor
    plain = factor.to_float()
    if not np.array_equal(plain > 0, live):
        raise FloatingPointError("a factor left the range of doubles")
    return plain


def grouped(x: Numbers, groups: NDArray[np.int32], n_groups: int) -> Numbers:
    """The sum of x over each group."""
    if isinstance(x, np.ndarray):
        return group_sums(x, groups, n_groups)
    inside = groups >= 0
    return scatter_sum(x[inside], groups[inside].astype(np.int64), n_groups)
