"""Barriers between cycles against explicit graphs (networkx), exact fractions and tables by hand."""

from fractions import Fraction

import networkx as nx
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis import cycle_barriers as module
from markovgpt.analysis.cycle_barriers import (
    attractors,
    cheapest_way,
    cycle_barriers,
    direct_costs,
    way_between,
    window_gaps,
)
from markovgpt.analysis.greedy import greedy_machine
from markovgpt.chains.least_cost import WindowCosts
from markovgpt.vocabulary import Vocabulary

SHAPES = [(2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1)]
KINDS = ["float32", "float64", "ties", "ruled out"]


def drawn_table(shape, seed, kind, *, with_prefixes=False):
    """Logits with several cycles: the more the larger they are set apart."""
    random = np.random.default_rng(seed)
    space = mg.StateSpace(*shape, with_prefixes)
    logits = random.normal(size=(space.n_states, space.vocab_size)) * 2
    if kind == "ties":
        logits = np.round(logits / 2)
    if kind == "ruled out":
        away = random.random(logits.shape) < 0.3
        away[np.arange(len(logits)), logits.argmax(axis=1)] = False
        logits[away] = -np.inf
    return mg.LogitTable(space, logits if kind == "float64" else logits.astype(np.float32))


def explicit(table):
    """The chain as a graph whose weights are exact gaps."""
    space, graph = table.space, nx.DiGraph()
    for state in range(space.n_states):
        row = [Fraction(float(x)) if np.isfinite(x) else None for x in table.logits[state]]
        highest = max(x for x in row if x is not None)
        for token, logit in enumerate(row):
            if logit is not None:
                after = space.encode((*space.decode(state), token)[-space.context_length :])
                graph.add_edge(state, after, weight=highest - logit)
    return graph


def free_classes(graph):
    """The closed classes of the steps that cost nothing."""
    free = nx.DiGraph()
    free.add_nodes_from(graph)
    free.add_edges_from((i, j) for i, j, weight in graph.edges(data="weight") if weight == 0)
    return sorted(sorted(found) for found in nx.attracting_components(free))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.sampled_from(KINDS), st.booleans())
def test_barriers_are_those_of_the_explicit_graph(shape, seed, kind, with_prefixes):
    table = drawn_table(shape, seed, kind, with_prefixes=with_prefixes)
    graph, found = explicit(table), cycle_barriers(table)
    expected = free_classes(graph)
    assert [states.tolist() for states in found.attractors] == expected
    machine = greedy_machine(table)
    if kind != "ties":
        assert [sorted(states.tolist()) for states in machine.cycles] == expected
        assert found.n_cycles_left == 0
    inside = [index for part in found.cycles for index in part]
    closed = {state for states in expected for state in states}
    assert len(inside) == sum(set(states.tolist()) <= closed for states in machine.cycles)
    assert len(inside) + found.n_cycles_left == len(machine.cycles)
    for index, part in enumerate(found.cycles):
        assert all(set(machine.cycles[cycle].tolist()) <= set(expected[index]) for cycle in part)
        assert found.labels[index] == " | ".join(machine.cycle_label(cycle) for cycle in part)
    for i, states in enumerate(expected):
        lengths = nx.single_source_dijkstra_path_length(graph, states[0])
        for j, others in enumerate(expected):
            oracles.assert_encloses(found.costs, Fraction(lengths[others[0]]) if others[0] in lengths else None, (i, j))
            outside = graph.subgraph(
                set(graph) - {s for k, part in enumerate(expected) if k not in (i, j) for s in part}
            )
            lengths_past_none = nx.single_source_dijkstra_path_length(outside, states[0])
            if i != j and others[0] in lengths_past_none:
                exact = lengths_past_none[others[0]]
                assert Fraction(found.direct_lower[i, j]) <= exact <= Fraction(found.direct_upper[i, j])
            else:
                assert found.direct_lower[i, j] == found.direct_upper[i, j] == np.inf
    if kind in ("float32", "ties", "ruled out"):
        assert found.exact


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.sampled_from(KINDS))
def test_a_way_costs_what_is_said_and_is_a_shortest_of_the_cheapest(shape, seed, kind):
    table = drawn_table(shape, seed, kind)
    graph, found = explicit(table), cycle_barriers(table)
    for i, begin in enumerate(found.attractors):
        for j, ends in enumerate(found.attractors):
            way = way_between(table, found, i, j)
            if i == j:
                assert (way.energy.value, way.tokens) == (0.0, ())
                continue
            if not np.isfinite(found.costs.value[i, j]):
                assert way.energy.value == np.inf
                assert way.states == ()
                continue
            assert way.states[0] in begin
            assert way.states[-1] in ends
            exact = sum(graph.edges[step]["weight"] for step in zip(way.states, way.states[1:], strict=False))
            oracles.assert_encloses(way.energy, exact)
            assert abs(exact - Fraction(found.costs.value[i, j])) <= Fraction(1, 10**12)
            if kind == "float64":
                continue  # its least cost is rounded: which ways are cheapest is not
            least = nx.single_source_dijkstra_path_length(graph.reverse(), int(ends[0]))
            tight = nx.DiGraph(
                (s, t) for s, t, w in graph.edges(data="weight") if t in least and least[s] == w + least[t]
            )
            lengths = nx.multi_source_dijkstra_path_length(tight, set(begin.tolist()) & set(tight), weight=None)
            assert len(way.tokens) == min(lengths[state] for state in ends.tolist() if state in lengths)


def test_two_cycles_by_hand():
    # V=2, L=2: 00 stays, 11 stays; 01 -> 11 and 10 -> 00 for nothing. 00 is left by writing 1 for 2; 11 by 0 for 5.
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 5.0]])
    table = mg.LogitTable(mg.StateSpace(2, 2), logits, Vocabulary(("a", "b")))
    found = cycle_barriers(table)
    assert found.labels == ("a", "b")
    assert found.costs.value.tolist() == [[0.0, 2.0], [5.0, 0.0]]
    assert found.costs.lower.tolist() == found.costs.upper.tolist() == [[0.0, 2.0], [5.0, 0.0]]
    way = way_between(table, found, 0, 1)
    assert (way.text, way.gaps, way.energy.value) == ("bb", (2.0, 0.0), 2.0)
    summary = found.summary()
    assert summary["attractors"] == [[0], [3]]
    assert summary["exact"] is True
    assert summary["costs"]["value"] == [[0.0, 2.0], [5.0, 0.0]]


def test_a_tie_leads_out_of_a_cycle_of_the_lowest_id_rule():
    # 0 -> 0 and 0 -> 1 tie: the lowest id stays at 0, a softmax leaves it half of the time; 1 stays
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, 0.0], [0.0, 3.0]]))
    assert len(greedy_machine(table).cycles) == 2
    found = cycle_barriers(table)
    assert [states.tolist() for states in found.attractors] == [[1]]
    assert (found.cycles, found.n_cycles_left, found.labels) == (((1,),), 1, ("1",))
    assert found.costs.value.tolist() == [[0.0]]


def test_ties_join_cycles_into_one_attractor():
    # 0 and 1 lead to each other for nothing and stay for nothing; 2 is alone, at 4 from them and 1 to them
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[4.0, 4.0, 0.0], [4.0, 4.0, -1.0], [0.0, 0.0, 1.0]]))
    found = cycle_barriers(table)
    assert [states.tolist() for states in found.attractors] == [[0, 1], [2]]
    assert found.labels == ("0", "2")  # of 0 and 1 the lowest id only says 0 for ever
    assert found.costs.value.tolist() == [[0.0, 4.0], [1.0, 0.0]]


def test_all_tied_is_one_attractor_and_ways_in_it_stay_short():
    # 2**14 windows, every step for nothing: one class, and a breadth-first search, not all walks
    space = mg.StateSpace(2, 14)
    table = mg.LogitTable(space, np.zeros((space.n_states, 2)))
    assert [len(states) for states in attractors(window_gaps(table))] == [space.n_states]
    begin, reached = np.zeros((2, space.n_states), dtype=bool)
    begin[0], reached[-1] = True, True
    way = cheapest_way(table, window_gaps(table), begin, reached)
    assert way.tokens == (1,) * 14
    assert way.energy.upper == 0


def test_of_several_beginnings_a_cheapest_is_taken():
    # 0 -> 2 costs 3 and 1 -> 2 costs 1, which is the second of the two
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[3.0, -9.0, 0.0], [-9.0, 1.0, 0.0], [0.0, 0.0, 5.0]]))
    begin = np.array([True, True, False])
    way = cheapest_way(table, window_gaps(table), begin, ~begin)
    assert (way.states, way.energy.value, way.energy.lower <= 1 <= way.energy.upper) == ((1, 2), 1.0, True)


def test_one_attractor_has_no_way_to_another():
    found = cycle_barriers(mg.LogitTable(mg.StateSpace(2, 1), np.array([[1.0, 0.0], [1.0, 0.0]])))
    assert found.costs.value.tolist() == [[0.0]]
    assert found.direct_lower.tolist() == [[np.inf]]


def test_costs_that_are_rounded_have_bounds_that_differ():
    # 0.1 + 0.2 and more: not multiples of any unit that 53 bits of the sum could hold
    logits = np.array([[0.1, 1e-9, -3.0], [0.3, 0.1, -1e9], [1e-3, 7.7, 1e9]])
    found = cycle_barriers(mg.LogitTable(mg.StateSpace(3, 1), logits))
    assert not found.exact
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(found.costs.lower, found.costs.upper)


def test_an_index_that_is_none_is_refused():
    table = drawn_table((2, 2), 1, "float32")
    found = cycle_barriers(table)
    for index in (-1, len(found.attractors), True, 0.5):
        with pytest.raises(mg.InvalidInput, match=r"an attractor must be a number in 0\.\.\d+, got .*; see labels"):
            way_between(table, found, 0, index)


def test_logits_that_are_no_numbers_are_refused():
    for broken in (np.nan, np.inf):
        table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, 1.0], [broken, 0.0]]))
        with pytest.raises(mg.InvalidInput, match=r"a number for some token and NaN for none, got .* after the window"):
            cycle_barriers(table)
    nothing = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, 1.0], [-np.inf, -np.inf]]))
    with pytest.raises(mg.InvalidInput, match="got -inf for every token after the window '1'"):
        cycle_barriers(nothing)


def test_too_many_cycles_are_refused(monkeypatch):
    table = mg.LogitTable(mg.StateSpace(4, 1), np.eye(4))
    monkeypatch.setattr(module, "MOST_TRANSITIONS", 63)
    with pytest.raises(mg.TooLarge, match=r"transitions at most, got 4 of 4 states x 4 tokens; give a shorter context"):
        cycle_barriers(table)


def test_a_step_is_taken_even_from_an_end():
    # 0 -> 1 costs 1 and 1 -> 0 costs 2; staying costs 5 and 7: from 0 back to 0 past no other end by the 5 alone
    costs = WindowCosts(mg.StateSpace(2, 1), np.array([[5.0, 1.0], [2.0, 7.0]]))
    ends = [np.array([0]), np.array([1])]
    assert direct_costs(costs, ends, ends).tolist() == [[5.0, 1.0], [2.0, 7.0]]
    assert direct_costs(costs, ends[:1], ends[:1]).tolist() == [[3.0]]
