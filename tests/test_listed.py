"""Products with a list of transitions against dense matrices."""

import numpy as np
import pytest

from markovgpt.chains.listed import ListedTable
from markovgpt.chains.operator import Edges
from markovgpt.scaled import ScaledArray, as_floats

N = 7


def table_of(matrix, kind=np.asarray):
    """The entries of a dense matrix as a list."""
    source, target = np.nonzero(matrix)
    return ListedTable(Edges(source, target, kind(matrix[source, target])), len(matrix))


def drawn():
    """A matrix with zeros, and without each row's largest entry."""
    random = np.random.default_rng(3)
    matrix = random.random((N, N)) * (random.random((N, N)) < 0.6) + np.eye(N)[random.permutation(N)] * 0.1
    likeliest = matrix.argmax(axis=1)
    others = matrix.copy()
    others[np.arange(N), likeliest] = 0
    return matrix, others, likeliest


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
@pytest.mark.parametrize("vector_kind", [np.asarray, ScaledArray.of])
def test_products_are_those_of_the_matrix(kind, vector_kind):
    matrix, others, likeliest = drawn()
    table, plain = table_of(matrix, kind), np.random.default_rng(1).random(N)
    vector = vector_kind(plain)
    assert as_floats(table.push(vector)) == pytest.approx(plain @ matrix, rel=1e-14)
    assert as_floats(table.pull(vector)) == pytest.approx(matrix @ plain, rel=1e-14)
    assert as_floats(table.push_others(vector)) == pytest.approx(plain @ others, rel=1e-14)
    assert as_floats(table.pull_others(vector)) == pytest.approx(others @ plain, rel=1e-14)
    assert as_floats(table.others) == pytest.approx(others.sum(axis=1), rel=1e-14)
    assert table.likeliest.tolist() == likeliest.tolist()
    assert table.is_scaled == (kind is not np.asarray)


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_flows_are_masses_times_probabilities_times_values(kind):
    matrix, _, _ = drawn()
    table, random = table_of(matrix, kind), np.random.default_rng(2)
    mass, values = random.random(N), random.random(N)
    flows = mass[:, None] * matrix * values
    assert as_floats(table.flows(mass, values)) == pytest.approx(flows[np.nonzero(matrix)], rel=1e-14)
    groups = np.array([0, 2, -1, 1, 0, 2, 1], dtype=np.int32)
    member = (groups[:, None] == np.arange(3)).astype(float)
    expected = member.T @ flows @ member
    assert as_floats(table.group_flows(groups, mass, values, 3)) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_the_likeliest_of_tied_states_is_the_lowest(kind):
    table = table_of(np.array([[0.25, 0.375, 0.375], [0.5, 0, 0.5], [0, 0, 1.0]]), kind)
    assert table.likeliest.tolist() == [1, 0, 2]
    assert as_floats(table.others).tolist() == [0.625, 0.5, 0]
    assert as_floats(table.push_others(np.ones(3))).tolist() == [0.25, 0, 0.875]


def test_the_likeliest_is_found_by_size_and_not_by_mantissa():
    # 0.75 2**-4000 against 0.5 2**-3000, both below every double
    probability = ScaledArray([0.75, 0.5, 0.5], [-4000, -3000, 1])
    table = ListedTable(Edges(np.array([0, 0, 1]), np.array([0, 1, 0]), probability), 2)
    assert table.likeliest.tolist() == [1, 0]
    assert (table.others.mantissa.tolist(), table.others.exponent.tolist()[0]) == ([0.75, 0.0], -4000)
    pushed = table.push(np.array([1e-200, 0.0]))
    assert pushed.log10() == pytest.approx(np.array([-4000, -3000]) * np.log10(2) + np.log10([0.75, 0.5]) - 200)
