"""Multigrid against dense censoring in long doubles, and its parts against their equations."""

from functools import cache

import long_doubles
import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.sliding import SlidingTable
from markovgpt.scaled import ScaledArray, as_floats
from markovgpt.solvers.multigrid import MOST_CYCLES, Landscape, Restarted, Reversed, solve
from markovgpt.solvers.suffix_multigrid import Flows

QUICK = [((3, 5), 0.1), ((2, 9), 0.03), ((5, 4), 1.0), ((27, 2), 0.1)]
ALL = [(shape, temperature) for shape in [(2, 10), (3, 6), (5, 4), (27, 2)] for temperature in (1.0, 0.1, 0.03)]
CASES = QUICK + [pytest.param(*case, marks=pytest.mark.slow) for case in ALL if case not in QUICK]
ROUNDED = 1e-11


@cache
def case(shape, temperature):
    """A chain of random logits, and its matrix from the definition."""
    space = mg.StateSpace(*shape)
    logits = np.random.default_rng(sum(shape)).normal(size=(space.n_states, space.vocab_size))
    chain = mg.WindowChain.from_logits(mg.LogitTable(space, logits), mg.SamplingSettings(temperature))
    return chain, long_doubles.window_matrix(chain)


def killed_case(shape, temperature):
    """The same, killed on a twentieth of the windows; and where it begins."""
    chain, matrix = case(shape, temperature)
    random = np.random.default_rng(7)
    live = random.random(chain.n_states) > 0.05
    begin = live * random.random(chain.n_states)
    exits = chain.pull((~live).astype(float)) * live
    return Restarted(Landscape(chain.blocks[-1], live), exits, begin / begin.sum()), matrix


def solved(fine, begin):
    """A solution that says of itself that it is one; in doubles first."""
    try:
        with np.errstate(all="ignore"):
            found = solve(fine, begin, 1e-14)
    except FloatingPointError:
        found = solve(fine, ScaledArray.of(begin), 1e-14)
    assert found.residual < 1e-12
    assert found.imbalance <= 1e-12
    assert found.cycles < MOST_CYCLES
    return found


def uniform(live):
    return live / live.sum()


@pytest.mark.parametrize(("shape", "temperature"), CASES)
def test_stationary_vectors_are_those_of_elimination(shape, temperature):
    chain, matrix = case(shape, temperature)
    n = chain.n_states
    everywhere, nothing = np.ones(n, dtype=bool), np.zeros(n)
    found = solved(Restarted(Landscape(chain.blocks[-1], everywhere), nothing, nothing), uniform(everywhere))
    assert long_doubles.relative_error(found.x, long_doubles.stationary(matrix, np.arange(n))) < ROUNDED


@pytest.mark.parametrize(("shape", "temperature"), CASES)
def test_restarted_vectors_are_visits_before_the_end(shape, temperature):
    fine, matrix = killed_case(shape, temperature)
    found = solved(fine, uniform(fine.live))
    visits = long_doubles.row(matrix, fine.live, fine.restart)
    assert long_doubles.relative_error(found.x, visits / visits.sum()) < ROUNDED
    # what is killed in one step is one over the expected time
    assert long_doubles.longs(fine.killed(found.x)) * visits.sum() == pytest.approx(1, rel=ROUNDED)


@pytest.mark.parametrize(("shape", "temperature"), CASES)
def test_reversed_vectors_are_columns_for_every_start(shape, temperature):
    chain, matrix = killed_case(shape, temperature)
    begin = uniform(chain.live)
    chain = Restarted(chain.landscape, chain.exits, begin)
    weights = solved(chain, begin).x
    gain = np.random.default_rng(3).random(len(begin)) * chain.live * np.where(np.arange(len(begin)) % 5, 1e-3, 1)
    reverse = Reversed(chain, weights, gain)
    h = reverse.column(solved(reverse, begin).x)
    exact = long_doubles.column(matrix, chain.live, gain)
    scale = long_doubles.longs(ScaledArray.of(reverse.scale(h)))
    assert long_doubles.relative_error(long_doubles.longs(h) / scale, exact) < ROUNDED
    assert float(as_floats(reverse.scale(h / reverse.scale(h)))) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(("shape", "temperature"), [((3, 5), 0.1), ((2, 9), 0.03), ((27, 2), 0.1)])
def test_what_enters_each_basin_leaves_it(shape, temperature):
    fine, matrix = killed_case(shape, temperature)
    x = long_doubles.longs(solved(fine, uniform(fine.live)).x)
    flows = x[:, None] * matrix * fine.live[None, :]
    back = np.outer(x * (matrix[:, ~fine.live].sum(axis=1)), fine.restart)
    groups, n_groups = fine.landscape.groups
    assert n_groups > 1
    for group in range(n_groups):
        inside = groups == group
        entering = (flows + back)[np.ix_(fine.live & ~inside, inside)].sum()
        leaving = (flows + back)[np.ix_(inside, fine.live & ~inside)].sum()
        assert entering / leaving == pytest.approx(1, rel=ROUNDED)


def test_basins_are_those_of_the_greedy_machine():
    fine, matrix = killed_case((3, 5), 0.1)
    groups, n_groups = fine.landscape.groups
    successor = matrix.argmax(axis=1)
    for state in np.flatnonzero(fine.live):
        after = successor[state]
        expected = groups[after] if fine.live[after] else n_groups - 1
        assert groups[state] == expected
    assert (groups[~fine.live] == -1).all()


def test_one_smoothing_step_is_exact_where_the_chain_is_its_greedy_machine():
    # 0 -> 1 -> 3 -> 3 with probability one but for 3, which leaves with 1/4 (to 2, an end): x = (1, 1, 0, 4) / 6
    rows = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.25, 0.75]])
    live = np.array([True, True, False, True])
    fine = Restarted(
        Landscape(SlidingTable(rows.reshape(2, 2, 2)), live), np.array([0, 0, 0, 0.25]), np.array([1.0, 0, 0, 0])
    )
    x = fine.smoothed(np.array([0.3, 0.1, 0.0, 0.6]))
    assert x / x.sum() == pytest.approx([1 / 6, 1 / 6, 0, 4 / 6], rel=1e-14)
    reverse = Reversed(Restarted(fine.landscape, fine.exits, live / 3), np.array([0.25, 0.25, 0, 0.5]), live * 1.0)
    h = reverse.column(reverse.smoothed(np.array([0.2, 0.2, 0.0, 0.6])))
    assert h / h[3] == pytest.approx([6 / 4, 5 / 4, 0, 1], rel=1e-14)  # times 6, 5 and 4


@pytest.mark.parametrize("reverse", [False, True])
def test_a_solution_is_not_corrected(monkeypatch, reverse):
    """At a fixed point smoothing, balancing and the shorter contexts leave everything as it is."""
    monkeypatch.setattr("markovgpt.solvers.suffix_multigrid.BOTTOM", 8)
    fine, matrix = killed_case((3, 5), 1.0)
    visits = long_doubles.row(matrix, fine.live, fine.restart)
    x = (visits / visits.sum()).astype(float)
    if reverse:
        h = long_doubles.column(matrix, fine.live, fine.live * 1.0)
        begin = uniform(fine.live)
        weights = long_doubles.row(matrix, fine.live, begin).astype(float)
        fine = Reversed(Restarted(fine.landscape, fine.exits, begin), weights / weights.sum(), fine.live * 1.0)
        x = fine.weights * h.astype(float)
    live = x > 0
    assert fine.smoothed(x)[live] / x[live] == pytest.approx(1, rel=1e-11)
    balanced, imbalance = fine.balanced(x)
    assert (imbalance, balanced) == (pytest.approx(0, abs=1e-11), pytest.approx(x, rel=1e-10))
    image, coarse = fine.aggregated(x)
    assert image[live] / x[live] == pytest.approx(1, rel=1e-11)
    assert coarse.balanced() / coarse.balanced().mean() == pytest.approx(1, rel=1e-9)


def test_numbers_that_leave_the_doubles_are_an_error_and_no_answer():
    rows = np.tile([1 - 1e-60, 1e-60], (512, 1))  # nine ones have a share of 1e-540
    fine = Restarted(
        Landscape(SlidingTable(rows.reshape(2, 256, 2)), np.ones(512, dtype=bool)), np.zeros(512), np.zeros(512)
    )
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        solve(fine, np.full(512, 1 / 512), 1e-14)
    found = solve(fine, ScaledArray.of(np.full(512, 1 / 512)), 1e-14)
    assert found.x.log10()[511] == pytest.approx(-540, abs=1e-9)


def test_a_small_residual_is_no_end_while_basins_are_out_of_balance():
    # each token repeats but for some 1e-20: whatever the shares of 00 and 11, the equations hold to 1e-16
    rows = np.array([[1.0, 1e-20], [1e-20, 1.0], [1.0, 1e-20], [3e-20, 1.0]])
    chain = mg.WindowChain(mg.StateSpace(2, 2), rows)
    fine = Restarted(Landscape(chain.blocks[-1], np.ones(4, dtype=bool)), np.zeros(4), np.zeros(4))
    found = solved(fine, np.full(4, 0.25))
    exact = long_doubles.stationary(long_doubles.window_matrix(chain), np.arange(4))
    assert long_doubles.relative_error(found.x, exact) < ROUNDED
    assert found.x[[0, 3]] == pytest.approx([0.75, 0.25], rel=1e-12)


@pytest.mark.parametrize("part", ["shorter contexts", "basins"])
def test_each_correction_alone_mends_at_once_what_it_is_there_for(monkeypatch, part):
    """Masses off by a factor for each suffix are mended by the shorter contexts, those off for each basin by these."""
    fine, matrix = killed_case((3, 5), 0.1)
    exact = long_doubles.row(matrix, fine.live, fine.restart)
    groups, n_groups = fine.landscape.groups
    random = np.random.default_rng(8)
    monkeypatch.setattr("markovgpt.solvers.multigrid.SMOOTHING", 0)
    if part == "basins":
        monkeypatch.setattr(Flows, "balanced", lambda self: np.ones(len(self.mass)))
        off = (random.random(n_groups) + 0.1)[groups]
    else:
        monkeypatch.setattr(Restarted, "balanced", lambda self, x: (x, 0.0))
        off = np.tile(random.random(81) + 0.1, 3)
    found = solve(fine, (exact * off).astype(float) / float((exact * off).sum()), 1e-12)
    assert found.cycles == 2
    assert long_doubles.relative_error(found.x, exact / exact.sum()) < ROUNDED
