"""Long-run distributions against exact fractions and chains solved by hand."""

from fractions import Fraction

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from random_chains import matrices

import markovgpt as mg


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices())
def test_each_class_has_the_exact_distribution(matrix):
    rows = oracles.exact_rows(matrix)
    found = mg.stationary_distributions(mg.SparseChain.from_matrix(matrix))
    for states, answer in zip(found.classes, found.answers, strict=True):
        for place, exact in enumerate(oracles.stationary(rows, states.tolist())):
            oracles.assert_encloses(answer, exact, place)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices())
def test_the_long_run_is_absorption_times_the_stationary_distribution(matrix):
    rows = oracles.exact_rows(matrix)
    chain = mg.SparseChain.from_matrix(matrix)
    expected = [Fraction(0)] * len(rows)
    for states in mg.recurrent_classes(chain):
        chance = oracles.hitting(rows, states.tolist())[0]
        for state, share in zip(states, oracles.stationary(rows, states.tolist()), strict=True):
            expected[state] = chance * share
    answer = mg.long_run_distribution(chain, 0)
    for state, exact in enumerate(expected):
        oracles.assert_encloses(answer, exact, state)


def test_a_distribution_is_put_back_into_its_equation():
    generator = np.random.default_rng(7)
    matrix = generator.random((200, 200))
    matrix /= matrix.sum(axis=1, keepdims=True)
    answer = mg.stationary_distributions(mg.SparseChain.from_matrix(matrix)).only()
    assert answer.value @ matrix == pytest.approx(answer.value, rel=1e-13)
    assert answer.value.sum() == pytest.approx(1, abs=1e-14)
    assert answer.residual < 1e-14


@pytest.mark.parametrize("coupling", [1e-3, 1e-12, 1e-15])
def test_a_nearly_uncoupled_chain_keeps_its_balance(coupling):
    chain = chains.nearly_uncoupled(coupling)
    # the stored diagonal absorbs its rounding; the off-diagonal ratios are exact to a few ulp
    answer = mg.stationary_distributions(chain).only()
    assert answer.value * 21 == pytest.approx([6, 12, 2, 1], rel=1e-13)
    assert (answer.upper / answer.lower - 1).max() < 1e-12


def test_a_chain_that_hardly_moves_has_half_of_its_time_in_each_state():
    answer = mg.stationary_distributions(chains.slow_exit()).only()
    assert answer.value.tolist() == [0.5, 0.5]
    assert (answer.lower <= 0.5).all()
    assert (answer.upper >= 0.5).all()


def test_periodic_classes_have_stationary_distributions_too():
    found = mg.stationary_distributions(chains.two_periods())
    assert [states.tolist() for states in found.classes] == [[1, 2], [3, 4, 5]]
    assert found.probabilities[0] == pytest.approx([1 / 2] * 2, rel=1e-15)
    assert found.probabilities[1] == pytest.approx([1 / 3] * 3, rel=1e-15)
    assert found.distributions == pytest.approx(np.array([[0, 0.5, 0.5, 0, 0, 0], [0, 0, 0, 1 / 3, 1 / 3, 1 / 3]]))
    assert len(found.lower) == len(found.upper) == 2


def test_the_long_run_from_a_start_weighs_the_classes():
    answer = mg.long_run_distribution(chains.two_periods(), 0)
    assert answer.value == pytest.approx([0, 1 / 8, 1 / 8, 1 / 4, 1 / 4, 1 / 4], rel=1e-14)
    assert answer.lower[0] == answer.upper[0] == 0
    from_inside = mg.long_run_distribution(chains.two_periods(), 4)
    assert from_inside.upper[:3].tolist() == [0, 0, 0]


def test_an_absorbing_state_has_all_of_its_time():
    answer = mg.stationary_distributions(chains.gambler()).answers[0]
    assert (answer.lower[0], answer.value[0], answer.upper[0]) == (1.0, 1.0, 1.0)


def test_one_state_is_a_chain():
    chain = mg.SparseChain.from_matrix([[1.0]])
    assert mg.stationary_distributions(chain).only().value.tolist() == [1.0]
    assert mg.long_run_distribution(chain, 0).value.tolist() == [1.0]


def test_uniform_windows_are_uniform():
    answer = mg.stationary_distributions(chains.uniform_windows(3, 3)).only()
    assert answer.value == pytest.approx(np.full(27, 1 / 27), rel=1e-14)


def test_shares_below_the_doubles_have_logarithms():
    # 0 -> 1 with 1e-200 and 1 -> 2 with 1e-200, both else back to 0; 2 -> 0: pi = (1, 1e-200, 1e-400) about
    e = 1e-200
    chain = mg.SparseChain.from_matrix([[1 - e, e, 0], [1 - e, 0, e], [1, 0, 0]])
    answer = mg.stationary_distributions(chain).only()
    assert answer.log10 == pytest.approx([0, -200, -400], abs=1e-12)
    assert (answer.value[2], answer.lower[2]) == (0.0, 0.0)
    assert answer.upper[2] > 0


def test_one_distribution_asked_of_a_chain_with_several_lists_its_classes():
    with pytest.raises(
        mg.InvalidInput, match=r"got one with 2 recurrent classes: 1, 2 \(2 states\); 3, 4, 5 \(3 states"
    ):
        mg.stationary_distributions(chains.two_periods()).only()


def test_a_tolerance_that_cannot_be_met_raises_with_the_residual():
    generator = np.random.default_rng(7)
    matrix = generator.random((50, 50))
    chain = mg.SparseChain.from_matrix(matrix / matrix.sum(axis=1, keepdims=True))
    with pytest.raises(mg.NotConverged, match="allow a larger tolerance") as refused:
        mg.stationary_distributions(chain, tolerance=1e-20)
    assert 0 < refused.value.residual < 1e-13


def test_a_tolerance_of_zero_is_refused():
    with pytest.raises(mg.InvalidInput, match="tolerance must be above 0, got 0"):
        mg.stationary_distributions(chains.slow_exit(), tolerance=0)


def test_many_classes_are_not_made_dense_where_they_would_not_fit(monkeypatch):
    found = mg.stationary_distributions(mg.SparseChain.from_matrix(np.eye(50)))
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match=r"50 classes x 50 states need 20\.0 kB"):
        _ = found.distributions
