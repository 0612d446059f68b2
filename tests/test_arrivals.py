"""Arrivals step by step against fractions, and hazards that hold at every later step."""

from fractions import Fraction

import numpy as np
import pytest
import reference_chains as chains
from oracles import exact_rows

import markovgpt as mg
from markovgpt.analysis.arrivals import PLAIN_STEPS, Arrivals, Block, extremes, on
from markovgpt.scaled import ScaledArray


def mask(n, *states):
    """The states as a mask."""
    return np.isin(np.arange(n), states)


def walked(chain, target, live, steps, **options):
    """Arrivals after some steps."""
    walk = Arrivals.of(chain, mask(chain.n_states, *target), mask(chain.n_states, *live), **options)
    for _ in range(steps):
        walk.advance()
    return walk


def test_each_step_is_a_product_with_the_live_part():
    matrix = [[0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25], [0.5, 0, 0.5, 0], [0, 0, 0, 1]]
    rows = exact_rows(matrix)
    walk = walked(mg.SparseChain.from_matrix(matrix), [2], [0, 1], 3, horizon=None, at_once=True)
    arriving, alive, leaving = ([Fraction(x) for x in given] for given in ([0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]))
    so_far = arriving
    for _ in range(3):
        arriving, alive, leaving = (
            [sum(rows[i][j] * x[j] for j in range(4)) * (i < 2) for i in range(4)] for x in (arriving, alive, leaving)
        )
        so_far = [x + y for x, y in zip(so_far, arriving, strict=True)]
    for computed, exact in (
        (walk.arriving, arriving),
        (walk.alive, alive),
        (walk.leaving, leaving),
        (walk.so_far.to_float(), so_far),
    ):
        assert computed == pytest.approx([float(x) for x in exact], rel=1e-15)
    assert walk.steps == 3


def test_a_target_that_is_live_counts_each_time_it_is_met():
    coin = mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    walk = walked(coin, [1], [0, 1], 4, horizon=4, at_once=False)
    assert walk.so_far.to_float().tolist() == [2.0, 2.0]
    assert walk.alive is None  # no tail is asked for
    lower, upper = walk.summed(4)
    assert lower.to_float().tolist() == upper.to_float().tolist() == [2.0, 2.0]


def test_hazards_once_seen_hold_at_every_later_step():
    generator = np.random.default_rng(5)
    matrix = generator.random((7, 7)) ** 6
    matrix /= matrix.sum(axis=1, keepdims=True)
    chain, live = mg.SparseChain.from_matrix(matrix), list(range(5))
    walk = walked(chain, [5], live, PLAIN_STEPS, horizon=None, at_once=True)
    low, high, least, most = walk.hazards.to_float()
    assert walk.period == 1
    for _ in range(20):
        alive = walk.alive[:5]
        walk.advance()
        arrived, left = walk.arriving[:5] / alive, walk.leaving[:5] / alive
        assert (arrived >= low * (1 - 1e-12)).all()
        assert (arrived <= high * (1 + 1e-12)).all()
        assert (left >= least * (1 - 1e-12)).all()
        assert (left <= most * (1 + 1e-12)).all()


def test_a_block_is_a_round_of_what_survives():
    # 0 and 1 alternate; from 1 the target is entered with 1/4, and 1/8 is lost
    chain = mg.SparseChain.from_matrix([[0, 1, 0, 0], [0.625, 0, 0.25, 0.125], [0, 0, 1, 0], [0, 0, 0, 1]])
    walk = walked(chain, [2], [0, 1], PLAIN_STEPS, horizon=None, at_once=True)
    assert walk.period == 2
    assert walk.hazards.to_float() == pytest.approx([0.25, 0.25, 0.375, 0.375], rel=1e-12)
    assert walk.is_settled
    low, high = walk.later(4)  # two rounds, of 1/4, then 5/8 of that
    assert float(low.to_float()) == pytest.approx(0.25 * 1.625, rel=1e-10)
    assert low <= ScaledArray.of(0.25 * 1.625)
    assert ScaledArray.of(0.25 * 1.625) <= high


def test_before_the_first_look_nothing_but_certainties_is_known():
    walk = walked(chains.gambler(), [3], [1, 2], 2, horizon=None, at_once=True)
    assert walk.hazards.to_float().tolist() == [0, 2, 0, 1]  # tosses alternate between odd and even: rounds of 2
    assert not walk.is_settled


def test_a_run_stops_where_a_whole_number_of_rounds_is_left():
    chain = mg.SparseChain.from_matrix([[0, 1, 0], [1 - 1e-6, 0, 1e-6], [0, 0, 1]])
    for horizon in (10**6, 10**6 + 1):
        walk = Arrivals.of(chain, mask(3, 2), mask(3, 0, 1), horizon=horizon, at_once=True)
        walk.run(horizon)
        assert walk.steps < 200
        assert (horizon - walk.steps) % 2 == 0


def test_a_run_ends_where_nothing_can_arrive_any_more():
    walk = Arrivals.of(chains.line(), mask(6, 5), mask(6, 0, 1, 2, 3, 4), horizon=10**15, at_once=True)
    walk.run(10**15)
    assert walk.steps == 6
    assert not walk.goes_on
    assert [part.to_float().tolist() for part in walk.summed(10**15)] == [[1.0] * 6] * 2


def test_ratios_are_those_of_what_is_alive():
    least, most = extremes(ScaledArray([0.5, 0.5, 1.0], [-5000, -5002, 0]), np.array([1.0, 1.0, 0.0]))
    assert (int(least.exponent), int(most.exponent)) == (-5002, -5000)
    assert Block(1, np.ones(2), np.array([0.25, 0.5]), np.array([0.5, 0.5])).hazards.to_float().tolist() == [
        0.25,
        0.5,
        0.5,
        0.5,
    ]
    assert on(mask(2, 1), np.array([3.0, 4.0])).tolist() == [0.0, 4.0]


def test_what_comes_later_is_bracketed_by_the_worse_of_both_hazards():
    # an arrival has a hazard of 1/4 to 1/2, the end one of 1/4 to 1/2: two steps last 1.5 to 1.75 on average
    walk = walked(chains.gambler(), [3], [1, 2], 1, horizon=None, at_once=True)
    walk.period, walk.block = 1, Block(1, np.ones(2), np.array([0.25, 0.5]), np.array([0.25, 0.5]))
    low, high = walk.later(2)
    assert float(low.to_float()) == pytest.approx(0.25 * 1.5, rel=1e-12)
    assert float(high.to_float()) == pytest.approx(0.5 * 1.75, rel=1e-12)
