"""Recurrence times, the Kemeny constant and the reversibility gap against fractions, eigenvalues and hand."""

from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.analysis.recurrence import kemeny_constant, mean_recurrence_times, reversibility_gap
from markovgpt.scaled import ScaledArray, to_fraction

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"


def rows_of(chain):
    """The exact normalisation of a chain's weights, as fractions."""
    rows = [[Fraction(0)] * chain.n_states for _ in range(chain.n_states)]
    source, target, probability = chain.edges()
    scaled = ScaledArray.of(probability)
    for i, j, mantissa, exponent in zip(source, target, scaled.mantissa, scaled.exponent, strict=True):
        rows[i][j] = to_fraction(float(mantissa), int(exponent))
    return [[entry / sum(row) for entry in row] for row in rows]


def exact_kemeny(rows, states):
    """sum_j pi_j E_i[T_j], for each i of a class."""
    pi = oracles.stationary(rows, states)
    times = [oracles.expected_reward(rows, [1] * len(rows), [j]) for j in states]
    return [sum(share * time[i] for share, time in zip(pi, times, strict=True)) for i in states]


def exact_gap(rows, states):
    """Half the sum of |pi_i p_ij - pi_j p_ji|."""
    pi = dict(zip(states, oracles.stationary(rows, states), strict=True))
    return sum(abs(pi[i] * rows[i][j] - pi[j] * rows[j][i]) for i in states for j in states) / 2


def is_reversible(rows, states):
    """Kolmogorov's criterion: around every cycle the products of the probabilities are the same in both directions."""
    return all(
        np.prod([rows[i][j] for i, j in zip(cycle, cycle[1:] + cycle[:1], strict=True)])
        == np.prod([rows[j][i] for i, j in zip(cycle, cycle[1:] + cycle[:1], strict=True)])
        for length in range(3, len(states) + 1)
        for cycle in permutations(states, length)
    )


def assert_encloses_about(answer, exact, error=Fraction(1, 10**9)):
    """The bounds hold the exact number, and are within an absolute error of it."""
    assert Fraction(answer.lower) <= exact <= Fraction(answer.upper)
    assert Fraction(answer.lower) <= Fraction(answer.value) <= Fraction(answer.upper)
    assert Fraction(answer.upper) - Fraction(answer.lower) <= error


def cycle(m):
    return mg.SparseChain.from_matrix(np.roll(np.eye(m), 1, axis=1))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices())
def test_recurrence_times_are_exact(matrix):
    rows = oracles.exact_rows(matrix)
    chain = mg.SparseChain.from_matrix(matrix)
    answer = mean_recurrence_times(chain)
    expected = [None] * len(rows)
    for states in mg.recurrent_classes(chain):
        for state in states.tolist():  # one step, then to the state again
            way = oracles.expected_reward(rows, [1] * len(rows), [state])
            expected[state] = 1 + sum(rows[state][j] * way[j] for j in states.tolist())
    for state, exact in enumerate(expected):
        oracles.assert_encloses(answer, exact, state)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices())
def test_the_kemeny_constant_is_exact_from_every_start(matrix):
    rows = oracles.exact_rows(matrix)
    chain = mg.SparseChain.from_matrix(matrix)
    for states in mg.recurrent_classes(chain):
        answer = kemeny_constant(chain, states)
        for exact in exact_kemeny(rows, states.tolist()):
            oracles.assert_encloses(answer, exact)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(window_chains([(2, 1), (2, 2), (2, 3), (3, 1)]))
def test_the_kemeny_constant_of_windows_is_exact(chain):
    rows, states = rows_of(chain), mg.recurrent_classes(chain)[0]
    exact = exact_kemeny(rows, states.tolist())
    assert len(set(exact)) == 1
    oracles.assert_encloses(kemeny_constant(chain, states), exact[0])


@pytest.mark.parametrize("n", [2, 5, 40, 130])
def test_the_kemeny_constant_is_both_of_its_formulas(n):
    random = np.random.default_rng(n)
    matrix = random.random((n, n)) ** 3
    matrix /= matrix.sum(axis=1, keepdims=True)
    answer = kemeny_constant(mg.SparseChain.from_matrix(matrix))
    others = np.sort_complex(np.linalg.eigvals(matrix))[:-1]
    assert answer.value == pytest.approx((1 / (1 - others)).sum().real, rel=1e-11)
    pi = mg.stationary_distributions(mg.SparseChain.from_matrix(matrix)).only().value
    fundamental = np.linalg.inv(np.eye(n) - matrix + np.outer(np.ones(n), pi))
    assert answer.value == pytest.approx(np.trace(fundamental) - 1, rel=1e-11)
    assert answer.lower <= answer.value <= answer.upper


def test_the_kemeny_constants_of_chains_by_hand():
    # a cycle: every j is as likely, 0, 1, ..., m - 1 steps away
    assert kemeny_constant(cycle(7)).value == pytest.approx(3, rel=1e-15)
    # independent draws: eigenvalue 0, n - 1 times
    assert kemeny_constant(mg.SparseChain.from_matrix(np.full((5, 5), 0.2))).value == pytest.approx(4, rel=1e-15)
    # uniform windows: I - P has, beside 0, ones on its diagonal: all other eigenvalues are 0, whatever the context
    assert kemeny_constant(chains.uniform_windows(2, 5)).value == pytest.approx(31, rel=1e-14)
    # nearly uncoupled: 1 / (1 - lambda) = 1 / (sum of the two flows of escape), 1 / (c / 3 + 2 c), and two fast ones
    slow = kemeny_constant(chains.nearly_uncoupled(1e-12))
    assert slow.value == pytest.approx(1e12 * 3 / 7, rel=1e-10)
    assert slow.upper / slow.lower < 1 + 1e-12
    hardly = kemeny_constant(chains.slow_exit())  # two states that are left with q each: 1 / (2 q)
    oracles.assert_encloses(hardly, chains.slow_exit_time() / 2)


def test_an_absorbing_state_is_where_one_is():
    matrix = [[0.5, 0.5], [0.0, 1.0]]
    answer = kemeny_constant(mg.SparseChain.from_matrix(matrix))
    assert (answer.lower, answer.value, answer.upper) == (0, 0, 0)
    times = mean_recurrence_times(mg.SparseChain.from_matrix(matrix))
    assert times.lower.tolist() == times.value.tolist() == times.upper.tolist() == [np.inf, 1]
    assert times.log10.tolist() == [np.inf, 0]
    gap = reversibility_gap(mg.SparseChain.from_matrix(matrix))
    assert (gap.lower, gap.value, gap.upper) == (0, 0, 0)


def test_each_class_is_come_back_to_in_its_own_time():
    times = mean_recurrence_times(chains.two_periods())
    assert times.value.tolist() == pytest.approx([np.inf, 2, 2, 3, 3, 3], rel=1e-15)
    assert times.method.startswith("graph search on the support where infinite")
    assert kemeny_constant(chains.two_periods(), [1, 2]).value == pytest.approx(1 / 2, rel=1e-15)
    assert kemeny_constant(chains.two_periods(), [3, 4, 5]).value == pytest.approx(1, rel=1e-15)
    assert reversibility_gap(chains.two_periods(), [1, 2]).upper == 0
    around = reversibility_gap(chains.two_periods(), [3, 4, 5])
    assert (around.lower, around.upper, around.method) == (1, 1, "graph search on the support")


def test_recurrence_times_beyond_the_doubles_have_logarithms():
    e = 1e-200
    times = mean_recurrence_times(mg.SparseChain.from_matrix([[1 - e, e, 0], [1 - e, 0, e], [1, 0, 0]]))
    assert times.log10 == pytest.approx([0, 200, 400], abs=1e-12)
    assert (times.value[2], times.upper[2]) == (np.inf, np.inf)
    assert times.lower[2] < np.inf


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices())
def test_the_gap_is_exact(matrix):
    rows = oracles.exact_rows(matrix)
    chain = mg.SparseChain.from_matrix(matrix)
    for states in mg.recurrent_classes(chain):
        answer, exact = reversibility_gap(chain, states), exact_gap(rows, states.tolist())
        assert_encloses_about(answer, exact)
        one_way = any(rows[i][j] > 0 and rows[j][i] == 0 for i in states for j in states)
        assert answer.upper > 0 or exact == 0
        assert not one_way or answer.log10_lower > -np.inf


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains())
def test_the_gap_of_windows_is_that_of_their_matrix(chain):
    assume(chain.n_states <= 30)
    rows = rows_of(chain)
    for states in mg.recurrent_classes(chain):
        assert_encloses_about(reversibility_gap(chain, states), exact_gap(rows, states.tolist()))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.booleans())
def test_the_gap_is_zero_where_kolmogorovs_criterion_holds(seed, symmetric):
    random = np.random.default_rng(seed)
    n = int(random.integers(3, 6))
    weights = random.integers(1, 4, size=(n, n))
    weights = np.triu(weights) + np.triu(weights, 1).T if symmetric else weights
    # rows of one sum, a power of two, so that doubles hold the probabilities and detailed balance exactly
    weights[np.arange(n), np.arange(n)] += 64 - weights.sum(axis=1)
    chain = mg.SparseChain.from_matrix(weights / 64)
    answer, reversible = reversibility_gap(chain), is_reversible(oracles.exact_rows(weights / 64), list(range(n)))
    assert reversible or not symmetric
    assert (answer.lower == 0) == reversible
    assert (answer.upper < 1e-10) == reversible


def test_there_and_back_along_a_tree_is_reversible_by_proof():
    random = np.random.default_rng(5)
    matrix = np.zeros((20, 20))
    for state in range(1, 20):
        parent = int(random.integers(state))
        matrix[state, parent], matrix[parent, state] = random.random(2) + 0.1
    matrix /= matrix.sum(axis=1, keepdims=True)
    answer = reversibility_gap(mg.SparseChain.from_matrix(matrix))
    assert (answer.upper, answer.method) == (0, "graph search on the support")


def test_windows_of_two_coins_by_hand():
    # 00, 01, 10, 11, each 1/4. Only 01 -> 10 -> 01 can be taken back, with flows of 1/8 each; 00 and 11 stay with 1/8
    # each; the other half of the flow has none against it.
    answer = reversibility_gap(chains.uniform_windows(2, 2))
    oracles.assert_encloses(answer, Fraction(1, 2))
    # of V**L windows V**2 alternate; each keeps 1 / V of its flow within them, balanced: 1 - V / V**L
    assert reversibility_gap(chains.uniform_windows(3, 4)).value == pytest.approx(1 - 3 / 81, rel=1e-14)
    assert reversibility_gap(chains.uniform_windows(2, 12)).value == pytest.approx(1 - 2 / 4096, rel=1e-12)


def test_prefixes_are_not_lived_in():
    space = mg.StateSpace(2, 3, with_prefixes=True)
    chain = mg.WindowChain(space, np.full((14, 2), 0.5))
    assert mean_recurrence_times(chain).value.tolist() == pytest.approx([np.inf] * 6 + [8] * 8, rel=1e-14)
    assert kemeny_constant(chain).value == pytest.approx(7, rel=1e-14)
    assert reversibility_gap(chain).value == pytest.approx(1 - 2 / 8, rel=1e-14)


def test_a_greedy_machine_goes_round_one_way():
    # the oldest token is said again: necklaces, and 01 turns into 10 and back
    space = mg.StateSpace(2, 4)
    table = mg.LogitTable(space, np.eye(2)[space.token_from_end(3)])
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0))
    assert mean_recurrence_times(chain).value.tolist() == [1, 4, 4, 4, 4, 2, 4, 4, 4, 4, 2, 4, 4, 4, 4, 1]
    gaps = [reversibility_gap(chain, states).value for states in mg.recurrent_classes(chain)]
    assert gaps == [0, 1, 1, 0, 1, 0]
    constants = [kemeny_constant(chain, states).value for states in mg.recurrent_classes(chain)]
    assert constants == [0, 1.5, 1.5, 0.5, 1.5, 0]


@pytest.mark.parametrize("question", [kemeny_constant, reversibility_gap])
def test_several_classes_are_asked_one_by_one(question):
    with pytest.raises(mg.InvalidInput, match="one recurrent class, got 2, of 2, 3 states; name one"):
        question(chains.two_periods())
    with pytest.raises(mg.InvalidInput, match=r"states must be one recurrent class, got \[0\]"):
        question(chains.two_periods(), [0])


def test_a_large_class_is_refused():
    with pytest.raises(mg.TooLarge, match="at most 1000 states for its Kemeny constant, got 1024"):
        kemeny_constant(chains.uniform_windows(2, 10))


@pytest.mark.skipif(not NAMES.exists(), reason="the real inputs are not beside this checkout")
def test_the_real_names_come_back():
    table = mg.tabulate(mg.load_model(NAMES))
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(top_k=2))
    times = mean_recurrence_times(chain)
    lasting = np.isfinite(times.value)
    (states,) = mg.recurrent_classes(chain)
    assert np.flatnonzero(lasting).tolist() == states.tolist()
    matrix = chain.to_csr()[states][:, states].toarray()
    others = np.sort_complex(np.linalg.eigvals(matrix))[:-1]
    assert kemeny_constant(chain).value == pytest.approx((1 / (1 - others)).sum().real, rel=1e-8)
    pi = 1 / times.value[lasting]
    assert pi @ matrix == pytest.approx(pi, rel=1e-9)
    flow = pi[:, None] * matrix
    assert reversibility_gap(chain).value == pytest.approx(np.abs(flow - flow.T).sum() / 2, rel=1e-9)
    frozen = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0))
    sizes = {len(found): kemeny_constant(frozen, found).value for found in mg.recurrent_classes(frozen)}
    assert sizes == pytest.approx({size: (size - 1) / 2 for size in sizes}, rel=1e-12)
    assert np.isfinite(mean_recurrence_times(frozen).value).sum() == np.concatenate(mg.recurrent_classes(frozen)).size


@pytest.mark.parametrize("states", [np.array([False, False, True, True]), [2.0, 3.0]])
def test_a_mask_of_one_class_is_not_taken_for_another(states):
    # as numbers the mask would be 0, 1, the other class
    chain = mg.SparseChain.from_matrix([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0.75, 0.25]])
    for question in (kemeny_constant, reversibility_gap):
        with pytest.raises(mg.InvalidInput, match=r"states must be a class by its state numbers, got (bool|float64)"):
            question(chain, states)
