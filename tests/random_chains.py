"""Random matrices for property tests: zeros, closed classes, periods, near-decomposability, entries to 1e-300."""

import numpy as np
from hypothesis import strategies as st

SIZES = st.sampled_from([0, 0, 0, 0, 3, 8, 10, 16, 30, 100, 300])


@st.composite
def matrices(draw, largest=6):
    """A row-stochastic matrix of doubles."""
    n = draw(st.integers(1, largest))
    matrix = np.zeros((n, n))
    for state in range(n):
        targets = sorted(draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=min(n, 3))))
        matrix[state, targets] = [draw(st.integers(1, 999)) * 10.0 ** -draw(SIZES) for _ in targets]
        matrix[state] /= matrix[state].sum()
    return matrix
