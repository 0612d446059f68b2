"""Chains from matrices: dense, sparse, and refused."""

import numpy as np
import pytest
from scipy import sparse

import markovgpt as mg
from markovgpt.chains.operator import Edges

MATRIX = [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0]]


@pytest.mark.parametrize("form", [np.array, sparse.csr_array, sparse.csc_matrix, sparse.coo_array, list])
def test_every_form_of_matrix_is_taken(form):
    assert mg.SparseChain.from_matrix(form(MATRIX)).to_csr().toarray().tolist() == MATRIX


def test_a_stored_zero_is_no_transition():
    stored = sparse.csr_array(([0.0, 1.0, 1.0], ([0, 0, 1], [1, 0, 1])), shape=(2, 2))
    chain = mg.SparseChain.from_matrix(stored)
    assert len(chain.edges().source) == 2
    assert [states.tolist() for states in mg.recurrent_classes(chain)] == [[0], [1]]
    assert stored.nnz == 3  # the caller's matrix is left as it was


def test_entries_of_one_transition_add_up():
    stored = sparse.coo_array(([0.25, 0.75, 1.0], ([0, 0, 1], [1, 1, 1])), shape=(2, 2))
    assert mg.SparseChain.from_matrix(stored).to_csr().toarray().tolist() == [[0, 1], [0, 1]]


def test_entries_stored_twice_in_a_csr_add_up():
    stored = sparse.csr_array((np.array([0.25, 0.75, 1.0]), np.array([1, 1, 1]), np.array([0, 2, 3])), shape=(2, 2))
    chain = mg.SparseChain.from_matrix(stored)
    assert chain.edges().probability.tolist() == [1.0, 1.0]
    assert stored.nnz == 3


def test_transitions_are_read_only():
    for array in mg.SparseChain.from_matrix(MATRIX).edges():
        assert not array.flags.writeable


def test_labels_are_printed_and_numbers_else():
    assert mg.SparseChain.from_matrix(MATRIX, labels=["a", "b", "c"]).label(1) == "b"
    assert mg.SparseChain.from_matrix(MATRIX).label(1) == "1"


def test_absorbing_states_keep_labels_space_and_other_rows():
    space = mg.StateSpace(2, 2)
    chain = mg.WindowChain(space, np.array([[0.25, 0.75]] * 4), mg.Vocabulary(("a", "b")))
    stopped = mg.with_absorbing(chain, np.array([False, True, False, False]))
    assert stopped.to_csr().toarray().tolist() == [
        [0.25, 0.75, 0, 0],
        [0, 1, 0, 0],
        [0.25, 0.75, 0, 0],
        [0, 0, 0.25, 0.75],
    ]
    assert stopped.label(1) == "ab"
    assert mg.hitting_probability(stopped, "ab", start="ba").value == 1


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0.5, 0.5]], r"the matrix must be square, got shape \(1, 2\)"),
        ([1.0, 0.0], "the matrix must be square"),
        ([[0.5, 0.4], [0, 1]], r"each row of the matrix must sum to 1, got 0.9\d* in row 0"),
        ([[0.5, 0.5 + 1e-10], [0, 1]], r"got 1.0000000001\d* in row 0"),
        ([[1, 0], [0, 0]], "each row of the matrix must sum to 1, got 0 in row 1; divide"),
        ([[1.5, -0.5], [0, 1]], r"a probability must lie in \[0, 1\], got -0.5 from state 0 to 1"),
        ([[np.nan, 1], [0, 1]], r"a probability must lie in \[0, 1\], got nan from state 0 to 0"),
        ([[np.inf, 0], [0, 1]], "got inf from state 0 to 0"),
        ([["a"]], "the matrix must hold real numbers, got <U1"),
        ([[1j]], "the matrix must hold real numbers, got complex128"),
        (None, "the matrix must hold real numbers, got object"),
        (np.zeros((1, 1, 1)), r"the matrix must be square, got shape \(1, 1, 1\)"),
        (np.zeros((0, 0)), "a chain must have at least one state, got 0"),
    ],
)
def test_a_matrix_that_is_no_chain_is_refused(matrix, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.SparseChain.from_matrix(matrix)


def test_rows_that_sum_to_one_within_their_rounding_are_a_chain():
    thirds = np.full((3, 3), 1 / 3)
    tenths = np.full((10, 10), 0.1)  # sums to 0.9999999999999999
    for matrix in (thirds, tenths):
        assert mg.SparseChain.from_matrix(matrix).n_states == len(matrix)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([1, 0], [0, 1], "transitions must be sorted by source and target"),
        ([0, 0, 1], [1, 1, 0], "no pair twice"),
        ([0, 1], [1, 7], r"transitions must lie between states 0..1"),
        ([0, 1], [-1, 0], r"transitions must lie between states 0..1"),
    ],
)
def test_transitions_that_are_no_list_of_a_chain_are_refused(source, target, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.SparseChain(Edges(np.array(source), np.array(target), np.ones(len(source))), 2)


def test_labels_of_another_number_are_refused():
    with pytest.raises(mg.InvalidInput, match="labels must name all 3 states, got 2"):
        mg.SparseChain.from_matrix(MATRIX, labels=["a", "b"])


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([], "states must name at least one of the 3 states, got none"),
        ([False] * 3, "states must name at least one of the 3 states, got none"),
        ([True], "states must name at least one of the 3 states"),
        ([0.5], r"states must .*got \[0.5\]"),
        (["a"], "states must .*got"),
        ([3], r"states must be whole numbers in 0..2, got \[3\]"),
        ([-1], r"states must be whole numbers in 0..2, got \[-1\]"),
    ],
)
def test_absorbing_states_outside_the_chain_are_refused(states, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.with_absorbing(mg.SparseChain.from_matrix(MATRIX), states)
