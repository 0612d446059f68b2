"""Normalised rows: what they hold, some at a time, is the transition matrix; two chains lie side by side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.chains import normalised_rows as module
from markovgpt.chains.automaton import aho_corasick
from markovgpt.chains.normalised_rows import normalised_rows
from markovgpt.chains.product import product


def dense(chains, which):
    """The matrix of one of the chains, put together from blocks."""
    n = chains[0].n_states
    found, seen = np.zeros((n, n)), []
    for block in normalised_rows(*chains):
        share = mg.ScaledArray.of(block.probabilities[which]).to_float()
        np.add.at(found, (block.states.start + block.row, block.target), share)
        seen += range(block.states.start, block.states.stop)
        assert np.bincount(block.row, minlength=block.n_rows).max() <= block.width
    assert seen == list(range(n))
    return found


def matrix_of(chain):
    """The matrix of a chain, from its list of transitions."""
    source, target, weight = chain.edges()
    found = np.zeros((chain.n_states, chain.n_states))
    found[source, target] = mg.ScaledArray.of(weight).to_float()
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains(), st.integers(1, 20))
def test_blocks_of_windows_are_the_matrix(chain, entries):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ENTRIES_AT_ONCE", entries)
        assert dense((chain,), 0) == pytest.approx(matrix_of(chain), rel=1e-14, abs=1e-300)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_two_lists_lie_side_by_side(data):
    one, two = data.draw(matrices()), data.draw(matrices())
    n = min(len(one), len(two))
    pair = [
        mg.SparseChain.from_matrix(np.eye(n) if (part := m[:n, :n]).sum(axis=1).min() == 0 else _normal(part))
        for m in (one, two)
    ]
    for which in (0, 1):
        assert dense(pair, which) == pytest.approx(matrix_of(pair[which]), rel=1e-14, abs=1e-300)
    same = np.concatenate([block.same for block in normalised_rows(*pair)])
    assert same.tolist() == (matrix_of(pair[0]) == matrix_of(pair[1])).all(axis=1).tolist()


def _normal(matrix):
    """A matrix over its row sums."""
    return matrix / matrix.sum(axis=1, keepdims=True)


def test_a_product_with_an_automaton_has_its_rows_too():
    random = np.random.default_rng(3)
    chain = mg.WindowChain(mg.StateSpace(2, 2), random.dirichlet([1, 1], size=4))
    ones = aho_corasick([(1, 1, 1, 0)], 2)
    whole, _ = product(chain, ones.next_state, ones.states_of(chain.space))
    assert whole.n_states > 4
    assert dense((whole,), 0) == pytest.approx(matrix_of(whole), rel=1e-14)


def test_windows_whose_stored_numbers_are_the_same_are_known():
    table = np.array([[0.25, 0.75], [0.5, 0.5]])
    other = np.array([[0.25, 0.75], [np.nextafter(0.5, 1), 0.5]])
    space = mg.StateSpace(2, 1)
    pair = (mg.WindowChain(space, table), mg.WindowChain(space, other))
    assert next(iter(normalised_rows(*pair))).same.tolist() == [True, False]
    scaled = mg.WindowChain(space, mg.ScaledArray.of(table))
    assert next(iter(normalised_rows(pair[0], scaled))).same.tolist() == [True, True]


def test_numbers_below_the_doubles_stay_numbers():
    logits = np.array([[0.0, 1.0], [0.0, 1.0]])
    cold = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 1), logits), mg.SamplingSettings(0.0005))
    warm = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 1), logits))
    block = next(iter(normalised_rows(warm, cold)))
    assert block.probabilities[1].log10()[0] == pytest.approx(-2000 / np.log(10))
    assert block.probabilities[0].to_float()[0] == pytest.approx(1 / (1 + np.e))


def test_single_precision_is_normalised():
    table = np.array([[0.1, 0.9], [0.3, 0.7]], dtype=np.float32)
    block = next(iter(normalised_rows(mg.WindowChain(mg.StateSpace(2, 1), table))))
    assert block.probabilities[0].sum() == pytest.approx(2, abs=1e-15)
