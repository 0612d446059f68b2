"""Questions as chains that are begun again: their answers are those of the package."""

import numpy as np
import pytest

import markovgpt as mg
from experiments.drawn_cases import random_chain
from experiments.restarted import by_multigrid, posed


def test_the_time_until_the_end_is_the_chains_own():
    chain = random_chain(3, 3, 0.5, np.float64)
    problem = posed(chain, "killed")
    steps = 1 / problem.killed(by_multigrid(chain, problem)[0].x)
    assert steps == pytest.approx(mg.expected_hitting_time(chain, [26], start=0).value, rel=1e-10)


def test_numbers_below_the_doubles_are_scaled():
    chain = random_chain(2, 4, 0.005, np.float64)
    assert by_multigrid(chain, posed(chain, "stationary"))[1] == "scaled"
