"""Excursions end at references: what they visit and gain, and what is refused."""

import long_doubles
import numpy as np
import pytest

import markovgpt as mg
from markovgpt.scaled import ScaledArray, as_floats
from markovgpt.solvers.excursions import Excursions, UnboundedError
from markovgpt.solvers.multigrid_solver import MultigridSolver

REFERENCES = [2, 17]


@pytest.fixture
def chain():
    random = np.random.default_rng(2)
    weights = random.random((27, 3)) * (random.random((27, 3)) < 0.8) + np.eye(3)[random.integers(3, size=27)] * 0.1
    return mg.WindowChain(mg.StateSpace(3, 3), weights / weights.sum(axis=1, keepdims=True))


@pytest.fixture
def walk(chain):
    ends = np.zeros(27, dtype=bool)
    ends[[5, 26]] = True
    live = chain.reaching(ends, ~ends) & ~ends
    live[REFERENCES] = True
    return Excursions(chain, live, REFERENCES, lambda states: MultigridSolver(chain, states), np.inf)


def inner(walk):
    return walk.live & ~np.isin(np.arange(27), REFERENCES)


def holds(enclosure, exact):
    low, high = (long_doubles.longs(part) for part in (enclosure.lower, enclosure.upper))
    # long doubles are themselves rounded
    return ((low <= exact * (1 + 1e-17)) & (exact * (1 - 1e-17) <= high)).all()


def test_rows_are_visits_before_the_next_reference(chain, walk):
    matrix, start = long_doubles.window_matrix(chain), np.full(27, 1 / 27)
    found = walk.row(start)
    reached = inner(walk)
    assert holds(found.enclosure, long_doubles.row(matrix, reached, start))
    assert (as_floats(found.enclosure.upper) <= as_floats(found.enclosure.lower) * (1 + 1e-10)).all()
    assert inner(walk)[found.busiest]
    assert found.enclosure.method == "suffix multigrid, bounded by conditioning on the end"


def test_columns_are_what_is_gained_before_the_next_reference(chain, walk):
    matrix, gain = long_doubles.window_matrix(chain), np.where(np.arange(27) % 4 == 0, 0.5, 0.0)
    found = walk.column(gain)
    assert holds(found.enclosure, long_doubles.column(matrix, inner(walk), gain))
    assert (as_floats(found.enclosure.upper) <= as_floats(found.enclosure.lower) * (1 + 1e-10)).all()


def test_one_step_is_a_row_or_a_column_of_the_matrix(chain, walk):
    matrix = long_doubles.window_matrix(chain).astype(float)
    assert walk.step_from(4) == pytest.approx(matrix[4], rel=1e-15)
    assert walk.steps_into(9) == pytest.approx(matrix[:, 9], rel=1e-15)
    assert walk.exits == pytest.approx(matrix[:, ~walk.live].sum(axis=1) * walk.live, rel=1e-15)


def test_nothing_begun_or_gained_inside_is_nothing(walk):
    at_reference = np.zeros(27)
    at_reference[2] = 1.0
    for found in (walk.row(at_reference), walk.column(at_reference)):
        assert not as_floats(found.enclosure.upper).any()
        assert found.enclosure.residual == 0


def test_what_cannot_be_reached_is_never_visited():
    # token 0 for ever after a 0; 111 says either
    chain = mg.WindowChain(mg.StateSpace(2, 2), np.array([[0.5, 0.5], [1.0, 0.0], [1.0, 0.0], [0.5, 0.5]]))
    live = np.array([True, True, True, False])
    walk = Excursions(chain, live, [0], lambda states: MultigridSolver(chain, states), np.inf)
    start = np.array([0.0, 0.0, 1.0, 0.0])
    assert as_floats(walk.row(start).enclosure.value).tolist() == [0, 0, 1, 0]


def test_the_same_states_are_solved_by_the_same_solver(chain, walk):
    made = []

    def solver_on(states):
        made.append(states)
        return MultigridSolver(chain, states)

    again = Excursions(chain, walk.live, REFERENCES, solver_on, np.inf)
    again.column(np.ones(27))
    again.column(np.full(27, 2.0))
    again.row(np.ones(27))
    assert len(made) == len({states.tobytes() for states in made}) <= 2


def slow():
    """00 is left with 1e-8 a step; the end is 11."""
    rows = np.full((4, 2), 0.5)
    rows[0] = [1 - 1e-8, 1e-8]
    return mg.WindowChain(mg.StateSpace(2, 2), rows)


@pytest.mark.parametrize("ask", ["row", "column"])
def test_slow_excursions_are_refused_and_name_the_place(ask):
    chain, live = slow(), np.array([True, True, True, False])
    walk = Excursions(chain, live, [], lambda states: MultigridSolver(chain, states), 1e-10)
    with pytest.raises(UnboundedError) as refused:
        getattr(walk, ask)(live * 0.25)
    assert refused.value.busiest == 0
    without = Excursions(chain, live, [0], lambda states: MultigridSolver(chain, states), 1e-10)
    getattr(without, ask)(live * 0.25)  # the slow place being a reference, excursions are short


def test_bounds_that_fail_their_tests_name_a_live_place_even_where_time_leaves_the_doubles():
    # 01 is rarely followed by 1, and then 11 stays for 2**3000 steps: at 2**-3500 nothing shows it in the mean time
    table = ScaledArray([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], [[1, 1], [1, -3500], [1, 1], [-3000, 1]])
    rows = table / table.sum(axis=1).reshape(4, 1)
    chain, live = mg.WindowChain(mg.StateSpace(2, 2), rows), np.array([False, True, True, True])
    walk = Excursions(chain, live, [], lambda states: MultigridSolver(chain, states), np.inf)
    with pytest.raises(UnboundedError) as refused:
        walk.row(np.array([0.0, 1.0, 0.0, 0.0]))
    assert refused.value.busiest == 3
    assert refused.value.residual < 1e-10
