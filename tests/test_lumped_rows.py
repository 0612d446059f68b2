"""What rows send into blocks, against dense matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.chains.lumped_rows import LumpedRows, padded


def dense(chain):
    """The transition matrix."""
    return chain.to_csr().toarray()


def sums(matrix, blocks, n_blocks):
    """(n, n_blocks) what each row sends into each block."""
    return matrix @ np.eye(n_blocks)[blocks]


def partition(chain, seed, most=4):
    """Blocks at random, each with a state."""
    drawn = np.random.default_rng(seed).integers(most, size=chain.n_states)
    return np.unique(drawn, return_inverse=True)[1]


def plain(chain):
    """Whether doubles hold all of it."""
    return chain.smallest_probability.exponent > -1000


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.one_of(window_chains(), matrices().map(mg.SparseChain.from_matrix)), st.integers(0, 10**6))
def test_distances_and_ranges_are_those_of_the_matrix(chain, seed):
    if not plain(chain):
        return
    blocks, rows = partition(chain, seed), LumpedRows.of(chain)
    k, matrix = blocks.max() + 1, dense(chain)
    others = np.random.default_rng(seed).integers(chain.n_states, size=k)
    whole = sums(matrix, blocks, k)
    assert np.allclose(
        rows.distances(blocks, others, k), abs(whole - whole[others[blocks]]).sum(axis=1) / 2, atol=1e-14
    )
    bounds, found, (least, first, most) = rows.ranges(blocks, k)
    for block in range(k):
        inside = whole[blocks == block]
        here = slice(bounds[block], bounds[block + 1])
        assert found[here].tolist() == np.flatnonzero(inside.max(axis=0) > 0).tolist()
        for part, expected in ((least, inside.min(axis=0)), (first, inside[0]), (most, inside.max(axis=0))):
            assert np.allclose(part[here], expected[found[here]], rtol=1e-13)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.one_of(window_chains(), matrices().map(mg.SparseChain.from_matrix)), st.integers(0, 10**6))
def test_rows_side_by_side_and_whole_number_products(chain, seed):
    if not plain(chain):
        return
    rows, matrix = LumpedRows.of(chain), dense(chain)
    random = np.random.default_rng(seed)
    states = random.integers(chain.n_states, size=3)
    weights, targets = rows.listed(states)
    weights = weights if isinstance(weights, np.ndarray) else weights.to_float()
    for state, each, ends in zip(states, weights, targets, strict=True):
        assert np.bincount(ends, weights=each, minlength=chain.n_states).tolist() == matrix[state].tolist()
    residues = random.integers(0, 101, size=len(rows.floats)).astype(np.int32)
    values = random.integers(0, 101, size=chain.n_states)
    found = rows.modular_pull(residues, values, 101)
    listed = LumpedRows(residues, rows.targets, rows.bounds, rows.n_states, rows.width)
    for state in range(chain.n_states):
        each, ends = listed.listed(np.array([state]))
        assert found[state] == int((each * values[ends]).sum()) % 101


def test_padded_rows_have_one_order_and_leave_out_nothing_but_zeros():
    blocks = np.array([0, 0, 1])
    found, mantissas, exponents = padded(np.array([[0.5, 0.25, 0.0], [0.25, 0.5, 0.0]]), np.arange(3)[None], blocks)
    assert found[0].tolist() == [-1, 0, 0]
    assert (mantissas * 2.0**exponents).tolist() == [[0, 0.25, 0.5]] * 2


def test_single_precision_rows_are_divided_by_their_sums():
    table = np.full((2, 2), [0.7, 0.3], dtype=np.float32)
    rows = LumpedRows.of(mg.WindowChain(mg.StateSpace(2, 1), table))
    assert np.array_equal(rows.floats.reshape(2, 2), table.astype(float) / table.astype(float).sum(axis=1)[:, None])


@pytest.mark.parametrize("n_states", [1, 7])
def test_one_block_is_at_no_distance(n_states):
    rows = LumpedRows.of(mg.SparseChain.from_matrix(np.full((n_states, n_states), 1 / n_states)))
    assert rows.distances(np.zeros(n_states, dtype=np.int64), np.array([0]), 1).tolist() == [0] * n_states
