"""Bounds of nearly alike states: by hand, around exact answers of the whole chain, against the vertices of the rows."""

from itertools import permutations
from pathlib import Path

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.analysis import interval_lumping
from markovgpt.analysis.interval_lumping import approximate_lumping

DATA = Path(__file__).parents[2] / "shared" / "data"
EPSILONS = st.sampled_from([0.0, 1e-6, 0.01, 0.1, 0.3, 0.7, 1.0])


def maze():
    """From 0 to 1 or 2 with 1/2 each; 1 is at the goal 3 with 1/2, 2 with 51/100; else back."""
    return mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0.49, 0, 0, 0.51], [0, 0, 0, 1]])


def contains(found, true):
    """Bounds hold the interval of the whole chain's own answer."""
    return bool(
        np.all(found.log10_lower <= np.asarray(true.log10_upper)) and np.all(true.log10_lower <= found.log10_upper)
    )


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.one_of(window_chains(), matrices().map(mg.SparseChain.from_matrix)), EPSILONS, st.integers(0, 10**6))
def test_answers_hold_for_the_chain_itself(chain, epsilon, seed):
    random = np.random.default_rng(seed)
    target = random.random(chain.n_states) < 0.3
    target[random.integers(chain.n_states)] = True
    avoiding = random.random(chain.n_states) < 0.15 if seed % 2 else None
    labels = target + 2 * (avoiding if avoiding is not None else 0)
    found = approximate_lumping(chain, labels, epsilon)
    ends = None if avoiding is None or not avoiding.any() else avoiding
    for within in (0, 1, 7):
        true = mg.hitting_probability(chain, target, within=within, avoiding=ends)
        mine = found.hitting_probability(target, within=within, avoiding=ends)
        assert contains(mine, true)
        assert (mine.upper - mine.lower <= 2 * within * found.largest_tv + 1e-10).all()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(interval_lumping, "MOST_STEPS", 300)
        ever = found.hitting_probability(target, avoiding=ends)
    assert contains(ever, mg.hitting_probability(chain, target, avoiding=ends))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(largest=5), EPSILONS, st.integers(0, 10**6))
def test_bounds_hold_the_exact_fractions(matrix, epsilon, seed):
    n = len(matrix)
    target = np.zeros(n, dtype=bool)
    target[seed % n] = True
    found = approximate_lumping(mg.SparseChain.from_matrix(matrix), target, epsilon)
    mine = found.hitting_probability(target, within=3)
    exact = oracles.within(oracles.exact_rows(matrix), {seed % n}, 0, 3)
    for state in range(n):
        assert oracles.Fraction(float(mine.lower[state])) <= exact[state] <= oracles.Fraction(float(mine.upper[state]))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.one_of(window_chains(), matrices().map(mg.SparseChain.from_matrix)), EPSILONS)
def test_no_two_states_of_a_block_are_further_apart_than_epsilon(chain, epsilon):
    if chain.smallest_probability.exponent < -1000:
        return
    labels = np.arange(chain.n_states) % 2
    found = approximate_lumping(chain, labels, epsilon)
    whole = chain.to_csr().toarray() @ np.eye(found.n_blocks)[found.block_of]
    for block in range(found.n_blocks):
        inside = whole[found.block_of == block]
        apart = abs(inside[:, None] - inside[None]).sum(axis=2) / 2
        assert apart.max() <= epsilon + 1e-13
        assert apart[0].max() <= found.tv[block]
        assert len(set(labels[found.block_of == block])) == 1
        here = slice(found.bounds[block], found.bounds[block + 1])
        assert (found.lower[here] <= inside[:, found.targets[here]]).all()
        assert (inside[:, found.targets[here]] <= found.upper[here]).all()


def best_by_vertices(low, high, worth, highest):
    """The extreme of p . worth over lo <= p <= hi of sum 1: greedy in every order of filling, the best of them."""
    found = []
    for order in permutations(range(len(worth))):
        row, left = low.copy(), 1 - low.sum()
        for place in order:
            more = min(high[place] - low[place], left)
            row[place] += more
            left -= more
        found.append(row @ worth)
    return max(found) if highest else min(found)


def test_a_step_is_the_best_and_the_worst_of_all_rows():
    random = np.random.default_rng(4)
    for _ in range(30):
        row = random.dirichlet(np.ones(4))
        low, high = row * random.random(4), np.minimum(row * (1 + random.random(4)), 1)
        worth = random.random(5)
        arrays = (np.array([0, 4, 4, 4, 4, 4]), np.arange(1, 5), low, row, high)
        fixed = np.arange(5) > 0
        for highest in (True, False):
            out = np.empty(5)
            interval_lumping._step_kernel(*arrays, np.ones(5), worth, fixed, highest, out)
            assert abs(out[0] - best_by_vertices(low, high, worth[1:], highest)) < 1e-13
            assert out[1:].tolist() == worth[1:].tolist()
            interval_lumping._step_kernel(*arrays, np.zeros(5), worth, fixed, highest, out)
            assert abs(out[0] - row @ worth[1:]) < 1e-14  # no total variation: the row itself
            interval_lumping._step_kernel(*arrays, np.full(5, 1e-3), worth, fixed, highest, out)
            best, worst = worth[1 + np.argmax(worth[1:])], worth[1 + np.argmin(worth[1:])]
            moved = min(1e-3, high[np.argmax(worth[1:])] - row[np.argmax(worth[1:])])
            assert abs(out[0] - row @ worth[1:]) <= 1e-3 * (best - worst) + 1e-15
            assert not highest or out[0] >= row @ worth[1:] + min(moved, 0)


def test_a_maze_by_hand():
    found = approximate_lumping(maze(), [0, 1, 1, 2], 0.05)
    assert found.block_of.tolist() == [0, 1, 1, 2]
    assert abs(found.largest_tv - 0.01) < 1e-13
    two = found.hitting_probability([3], start=0, within=2)  # 0.505 of the chain, 0.5 .. 0.51 of the blocks
    assert (round(two.lower, 12), round(two.upper, 12), round(two.value, 12)) == (0.5, 0.51, 0.505)
    ever = found.hitting_probability([3], start=0)
    assert ever.lower == ever.upper == 1
    assert found.hitting_probability([3], start=3, within=0).lower == 1
    assert approximate_lumping(maze(), [0, 1, 1, 2], 0.01).n_blocks == 4
    assert found.summary()["n_blocks"] == 3


def test_states_on_both_sides_of_the_first_are_not_lumped():
    # to the goal with 50, 42 and 58 of 100: each is within 0.1 of the first, but the others are 0.16 apart
    matrix = [[0, 0, 0, 0.5, 0.5], [0, 0, 0, 0.42, 0.58], [0, 0, 0, 0.58, 0.42], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    chain = mg.SparseChain.from_matrix(matrix)
    assert approximate_lumping(chain, [0, 0, 0, 1, 2], 0.1).n_blocks == 5
    assert approximate_lumping(chain, [0, 0, 0, 1, 2], 0.17).n_blocks == 3


def test_many_steps_round_often_and_the_bounds_allow_for_it():
    random = np.random.default_rng(2)
    for _ in range(5):
        matrix = random.dirichlet(np.ones(4), size=4)
        matrix[:, 3] *= 0.01
        matrix /= matrix.sum(axis=1, keepdims=True)
        rows = oracles.exact_rows(matrix)
        exact = [oracles.Fraction(int(state == 3)) for state in range(4)]
        for _ in range(150):
            exact = [*(sum(p * x for p, x in zip(row, exact, strict=True)) for row in rows[:3]), oracles.Fraction(1)]
        found = approximate_lumping(mg.SparseChain.from_matrix(matrix), range(4), 0.0)
        answer = found.hitting_probability([3], within=150)
        for state in range(4):
            oracles.assert_encloses(answer, exact[state], state)


def test_ever_is_bounded_from_both_sides():
    # a gambler with 1 of 3 coins wins with 1/13, whatever is lumped: here nothing
    chain = chains.gambler()
    exact = oracles.hitting(oracles.exact_rows(chain.to_csr().toarray()), [3])
    ever = approximate_lumping(chain, [0, 1, 2, 3], 0.0).hitting_probability([3])
    assert ever.lower[0] == ever.upper[0] == 0
    for state in (1, 2):
        assert oracles.Fraction(float(ever.lower[state])) <= exact[state] <= oracles.Fraction(float(ever.upper[state]))
        assert ever.upper[state] - ever.lower[state] < 1e-9


def test_what_underflows_is_bounded_and_what_is_impossible_is_zero():
    chain = chains.rare_run()
    states = np.arange(chain.n_states)
    found = approximate_lumping(chain, states, 0.0)
    answer = found.hitting_probability([20], start=0, within=20)  # 1e-800
    assert answer.lower == 0 < answer.upper < 1e-260
    trap = approximate_lumping(chains.trap(), [0, 1, 2], 0.0)
    assert trap.hitting_probability([2], start=1, within=5).upper == 0


def test_a_start_with_bounds_of_its_own():
    chain = mg.SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])
    found = approximate_lumping(chain, [0, 1], 0.0)
    answer = found.hitting_probability([1], start=mg.stationary_distributions(chain).only(), within=1)
    assert answer.lower <= 0.25 + 0.75 * 0.1 <= answer.upper
    assert answer.upper - answer.lower < 1e-12


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, float("nan"), float("inf"), True])
def test_an_epsilon_that_is_no_total_variation_is_refused(epsilon):
    with pytest.raises(mg.InvalidInput, match=r"epsilon must lie in \[0, 1\]"):
        approximate_lumping(maze(), [0, 1, 1, 2], epsilon)


def test_questions_that_the_blocks_cannot_answer_are_refused(monkeypatch):
    found = approximate_lumping(maze(), [0, 1, 1, 2], 0.05)
    with pytest.raises(mg.InvalidInput, match="got a part of block 1"):
        found.hitting_probability([1], start=0, within=2)
    for within in (-1, 1.5, 65_537, True):
        with pytest.raises(mg.InvalidInput, match=r"within must be a whole number in 0\.\.65536"):
            found.hitting_probability([3], start=0, within=within)
    with pytest.raises(mg.InvalidInput, match="labels must be 4 whole numbers"):
        approximate_lumping(maze(), [0, 1], 0.1)
    coin = chains.uniform_windows(2, 2)
    with pytest.raises(mg.InvalidInput, match="target must be seen in a window here, got tokens 1,1,1"):
        approximate_lumping(coin, [0, 0, 0, 1], 0.1).hitting_probability(mg.red_tokens((1, 1, 1)), within=3)

    def refuse(n_bytes, what, remedy):
        raise mg.TooLarge(f"{what} need {n_bytes}; {remedy}")

    monkeypatch.setattr(interval_lumping, "require_memory", refuse)
    with pytest.raises(mg.TooLarge, match="the rows of the blocks of 4 states x 2 transitions"):
        approximate_lumping(maze(), [0, 1, 1, 2], 0.1)


@pytest.mark.skipif(not (DATA / "hf_names_ctx3").is_dir(), reason="the shared data are not here")
def test_a_real_model_is_told_with_fewer_states():
    chain = mg.WindowChain.from_model(mg.load_model(DATA / "hf_names_ctx3"))
    red = mg.ending_with(chain.space, (4, 9, 5))
    labels = chain.space.token_from_end(0) + 27 * red
    true = mg.hitting_probability(chain, red, start=(0, 0, 0), within=20)
    found = approximate_lumping(chain, labels, 0.2)
    answer = found.hitting_probability(red, start=(0, 0, 0), within=20)
    assert found.n_blocks < chain.n_states
    assert answer.lower <= true.lower <= true.upper <= answer.upper
