"""Estimates of the Kemeny constant against dense eigenvalues, and where no sign matters against numbers by hand."""

import numpy as np
import pytest
import reference_chains as chains
from hypothesis import given, settings
from random_chains import window_chains

import markovgpt as mg
from markovgpt.analysis.kemeny_estimate import _first_traces, kemeny_estimate
from markovgpt.analysis.recurrence import kemeny_constant


def softmax_windows(vocab_size, context_length, seed, spread=1.0, dtype=float):
    space = mg.StateSpace(vocab_size, context_length)
    logits = spread * np.random.default_rng(seed).normal(size=(space.n_states, vocab_size))
    return mg.WindowChain.from_logits(mg.LogitTable(space, logits), dtype=dtype)


def by_eigenvalues(chain, states):
    matrix = chain.to_csr().toarray()[np.ix_(states, states)]
    matrix /= matrix.sum(axis=1, keepdims=True)
    return (1 / (1 - np.sort_complex(np.linalg.eigvals(matrix))[:-1])).sum().real


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains([(2, 1), (2, 3), (3, 2), (3, 3), (4, 2)]))
def test_the_first_traces_are_those_of_the_powers(chain):
    source, target, probability = chain.edges()
    matrix = np.zeros((chain.n_states, chain.n_states))
    matrix[source, target] = probability if isinstance(probability, np.ndarray) else probability.to_float()
    for states in mg.recurrent_classes(chain):
        inside = matrix[np.ix_(states, states)]
        powers = [np.trace(np.linalg.matrix_power(inside, t)) for t in range(chain.space.context_length + 1)]
        assert _first_traces(chain, states) == pytest.approx(powers, rel=1e-12, abs=1e-290)


@pytest.mark.parametrize("seed", range(2))
def test_most_intervals_hold_the_constant_by_eigenvalues(seed):
    chain = softmax_windows(3, 4, seed)
    exact = by_eigenvalues(chain, np.arange(81))
    held = [kemeny_estimate(chain, seed=one, confidence=0.8) for one in range(20)]
    assert 11 <= sum(found.lower <= exact <= found.upper for found in held) <= 20  # of 16 +- 1.8
    assert kemeny_estimate(chain, n_probes=200).value == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_of_the_whole_chain_are_those_of_the_list(monkeypatch, dtype):
    chain = softmax_windows(3, 5, 1, 3.0, dtype)
    listed = kemeny_estimate(chain)
    monkeypatch.setattr("markovgpt.analysis.kemeny_estimate.MOST_LISTED", 0)
    assert kemeny_estimate(chain).value == pytest.approx(listed.value, rel=1e-9)


def test_cycles_and_periods_by_hand():
    # of a cycle of m every trace is m or 0: (m - 1) / 2 is left, whatever the signs
    around = mg.SparseChain.from_matrix(np.roll(np.eye(7), 1, axis=1))
    assert kemeny_estimate(around).value == pytest.approx(3, abs=1e-12)
    # the oldest token is said again: windows turn
    space = mg.StateSpace(2, 4)
    turning = mg.WindowChain(space, np.eye(2)[space.token_from_end(3)])
    for states in mg.recurrent_classes(turning):
        assert kemeny_estimate(turning, states).value == pytest.approx((len(states) - 1) / 2, abs=1e-12)
    # a square walked both ways: eigenvalues 1, 0, 0, -1
    square = mg.SparseChain.from_matrix([[0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0]])
    assert kemeny_estimate(square, n_probes=4000).value == pytest.approx(2.5, abs=0.05)


def test_truncated_windows_with_transient_states_are_estimated_on_their_class():
    space = mg.StateSpace(4, 4)
    table = mg.LogitTable(space, np.random.default_rng(2).normal(size=(256, 4)))
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(top_k=2))
    (states,) = mg.recurrent_classes(chain)
    assert len(states) < 256
    found, exact = kemeny_estimate(chain, n_probes=400), kemeny_constant(chain)
    assert found.lower <= exact.upper
    assert exact.lower <= found.upper
    assert found.value == pytest.approx(exact.value, rel=1e-2)


def test_an_estimate_says_that_it_is_one():
    found = kemeny_estimate(softmax_windows(2, 4, 0), n_probes=5, confidence=0.9)
    said = found.summary()
    assert said["method"].startswith("estimate")
    assert (said["confidence"], said["n_probes"], said["exact_steps"]) == (0.9, 5, 4)
    assert said["lower"] <= said["value"] <= said["upper"]
    assert kemeny_estimate(softmax_windows(2, 4, 0), n_probes=5, confidence=0.9) == found  # same seed, same signs


def test_a_chain_that_hardly_mixes_is_refused():
    with pytest.raises(mg.NotConverged, match=r"within 20000 steps.*mixes too slowly"):
        kemeny_estimate(chains.nearly_uncoupled(1e-12))


def test_numbers_that_make_no_sense_are_refused():
    coin = chains.uniform_windows(2, 2)
    with pytest.raises(mg.InvalidInput, match="n_probes must be a whole number of at least 2, got 1"):
        kemeny_estimate(coin, n_probes=1)
    with pytest.raises(mg.InvalidInput, match=r"confidence must be in \(0, 1\), got 95"):
        kemeny_estimate(coin, confidence=95)
    with pytest.raises(mg.InvalidInput, match="seed must be a whole number of at least 0, got -1"):
        kemeny_estimate(coin, seed=-1)
    with pytest.raises(mg.InvalidInput, match="one recurrent class, got 2"):
        kemeny_estimate(chains.two_periods())
