"""Which method answers, and what is too large for it."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.solvers.live_system import ELIMINATED


def test_more_live_states_than_elimination_takes_are_refused():
    n = ELIMINATED + 2
    chain = mg.SparseChain.from_matrix(np.eye(n, k=1) + np.diag([0.0] * (n - 1) + [1.0]))
    with pytest.raises(mg.TooLarge, match=r"at most 3000 live states for elimination, got 3001; ask within a horizon"):
        mg.expected_hitting_time(chain, [n - 1])
