"""Trees that lead into cycles or out: against networkx, walks step by step, and dense linear algebra."""

from fractions import Fraction

import networkx as nx
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.chains.functional_graph import NEGLIGIBLE, FunctionalGraph
from markovgpt.scaled import ScaledArray, to_fraction


@st.composite
def successors(draw, largest=12):
    n = draw(st.integers(1, largest))
    return np.array(draw(st.lists(st.integers(-1, n - 1), min_size=n, max_size=n)), dtype=np.int64)


def walked(successor, state):
    """The states of a walk until it repeats or leads out, and where it repeats."""
    seen = []
    while state >= 0 and state not in seen:
        seen.append(int(state))
        state = successor[state]
    return seen, int(state)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(successors())
def test_cycles_basins_and_steps_are_what_walking_finds(successor):
    graph = FunctionalGraph.of(successor)
    listed = nx.DiGraph([(i, int(j)) for i, j in enumerate(successor) if j >= 0])
    cycles = sorted(sorted(cycle) for cycle in nx.simple_cycles(listed))
    assert sorted(sorted(states.tolist()) for states in graph.cycles) == cycles
    for states in graph.cycles:
        assert states[0] == states.min()
        assert successor[states].tolist() == np.roll(states, -1).tolist()
    assert [int(states[0]) for states in graph.cycles] == sorted(int(states[0]) for states in graph.cycles)
    on_cycle = {state for cycle in cycles for state in cycle}
    for state in range(len(successor)):
        path, repeated = walked(successor, state)
        steps = next((k for k, passed in enumerate(path) if passed in on_cycle), len(path) - 1)
        assert graph.steps[state] == steps
        expected = -1 if repeated < 0 else next(c for c, s in enumerate(graph.cycles) if repeated in s)
        assert graph.basin[state] == expected


@settings(max_examples=80, deadline=None, derandomize=True)
@given(successors())
def test_the_order_has_each_state_once_and_those_on_no_cycle_before_their_successors(successor):
    graph = FunctionalGraph.of(successor)
    assert sorted(graph.order.tolist()) == list(range(len(successor)))
    place = {state: k for k, state in enumerate(graph.order.tolist())}
    for state in graph.order[: graph.cycle_starts[0]].tolist():
        assert successor[state] < 0 or place[state] < place[int(successor[state])]
    assert graph.cycle_starts[-1] == len(successor)


def exact_solutions(successor, escape, right):
    """The row and the column in fractions."""
    n = len(successor)
    q = [[Fraction(0)] * n for _ in range(n)]
    for i, j in enumerate(successor.tolist()):
        if j >= 0:
            q[i][j] = 1 - escape[i]
    matrix = [[Fraction(int(i == j)) - q[i][j] for j in range(n)] for i in range(n)]
    return oracles.solve([list(column) for column in zip(*matrix, strict=True)], right), oracles.solve(matrix, right)


def fractions(numbers):
    """Doubles or scaled numbers exactly."""
    scaled = ScaledArray.of(numbers)
    return [
        to_fraction(float(m), int(e)) if m else Fraction(0)
        for m, e in zip(scaled.mantissa, scaled.exponent, strict=True)
    ]


ESCAPES = st.sampled_from([1e-300, 1e-30, 1e-17, 1e-9, 0.125, 0.5, 0.99])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(successors(largest=8), st.data(), st.booleans())
def test_rows_and_columns_are_the_exact_ones_in_either_arithmetic(successor, data, scaled):
    n = len(successor)
    escape = np.array(data.draw(st.lists(ESCAPES, min_size=n, max_size=n)))
    right = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.25, 1.0, 1e-20]), min_size=n, max_size=n)))
    graph = FunctionalGraph.of(successor)
    kind = ScaledArray.of if scaled else np.asarray
    row, column = exact_solutions(successor, [Fraction(e) for e in escape.tolist()], [Fraction(b) for b in right])
    for found, exact in (
        (graph.forward(kind(right), kind(escape)), row),
        (graph.backward(kind(right), kind(escape)), column),
    ):
        assert isinstance(found, ScaledArray) == scaled
        for x, true in zip(fractions(found), exact, strict=True):
            assert abs(x - true) <= true * Fraction(1, 10**13)


def test_escapes_below_the_doubles_close_a_cycle():
    # 0 -> 1 -> 0, what escapes is 2**-3000 from each: visits to each are 1 / (2 2**-3000) = 2**2999, about
    loop, tiny = FunctionalGraph.of(np.array([1, 0])), ScaledArray([0.5, 0.5], [-2999, -2999])
    for found in (loop.forward(ScaledArray.of([1.0, 0.0]), tiny), loop.backward(ScaledArray.of([1.0, 0.0]), tiny)):
        assert found.log10() == pytest.approx(np.full(2, 2999 * np.log10(2)), rel=1e-14)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 1e4])
def test_cycles_are_closed_alike_on_both_sides_of_what_is_negligible(factor):
    escape, n = NEGLIGIBLE * factor, 5
    loop = FunctionalGraph.of(np.roll(np.arange(n), -1))
    # around: 1 - (1 - e)**5; the first state is visited 1 / that often
    exact = 1 / (1 - (1 - Fraction(escape)) ** n)
    found = fractions(loop.forward(ScaledArray.of(np.eye(n)[0]), ScaledArray.of(np.full(n, escape))))
    assert abs(found[0] / exact - 1) < Fraction(1, 10**14)


def test_what_is_given_stays_as_it_is():
    graph, given, escape = FunctionalGraph.of(np.array([1, -1])), np.array([1.0, 1.0]), np.array([0.5, 0.5])
    scaled = ScaledArray.of(given)
    assert graph.forward(given, escape).tolist() == [1.0, 1.5]
    assert graph.backward(given, escape).tolist() == [1.5, 1.0]
    assert graph.forward(scaled, escape).to_float().tolist() == [1.0, 1.5]
    assert graph.backward(scaled, escape).to_float().tolist() == [1.5, 1.0]
    assert given.tolist() == scaled.to_float().tolist() == [1.0, 1.0]


def test_a_long_way_needs_no_recursion():
    n = 200_000
    line = FunctionalGraph.of(np.append(np.arange(1, n), -1))
    assert (line.steps[0], line.basin[0], len(line.cycles)) == (n - 1, -1, 0)
    assert line.backward(np.ones(n), np.zeros(n))[0] == n
