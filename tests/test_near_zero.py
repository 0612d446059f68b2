"""Escapes and the long run near temperature zero: by hand, by all trees over all windows, by exact distributions."""

import math
from decimal import Decimal, localcontext
from itertools import product
from pathlib import Path

import decimals
import networkx as nx
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cycle_barriers import drawn_table, explicit

import markovgpt as mg
from markovgpt.analysis import near_zero as module
from markovgpt.analysis.cycle_barriers import cycle_barriers
from markovgpt.analysis.near_zero import cheapest_tree, escapes, long_run_near_zero, way_out, window_exponent
from markovgpt.vocabulary import Vocabulary

SHAPES = [(2, 1), (2, 2), (2, 3), (3, 1), (4, 1)]
COLD = Decimal("0.002")
NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"


def cold_rows(table, temperature=COLD):
    """{successor: probability} for each window, from the definition of the softmax, to 60 digits."""
    rows = []
    with localcontext(decimals.PRECISE):
        for state in range(table.space.n_states):
            logits = [Decimal(float(x)) for x in table.logits[state]]
            weights = [((x - max(logits)) / temperature).exp() if x.is_finite() else Decimal(0) for x in logits]
            window = table.space.decode(state)
            after = [
                table.space.encode((*window, token)[-table.space.context_length :]) for token in range(len(logits))
            ]
            rows.append({j: w / sum(weights) for j, w in zip(after, weights, strict=True) if w})
    return rows


def exponent_of(number, temperature=COLD):
    """-T log of a number."""
    with localcontext(decimals.PRECISE):
        return float(-temperature * number.ln())


def slack(table, temperature=COLD):
    """How far exponents may be from their limit: by T log of the number of forests, V**n at most, twice, and of n."""
    n, V = table.space.n_states, table.space.vocab_size
    return float(temperature) * (2 * n * math.log(V) + math.log(n)) + 1e-12


def cheapest_trees(table):
    """The least cost of a tree over all windows to each window, exactly, by Edmonds' algorithm."""
    graph, found = explicit(table), []
    for root in graph:
        backward = nx.DiGraph()
        backward.add_weighted_edges_from((j, i, w) for i, j, w in graph.edges(data="weight") if i not in (root, j))
        found.append(sum(w for _, _, w in nx.minimum_spanning_arborescence(backward).edges(data="weight")))
    return found


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.sampled_from(["float32", "float64", "ties"]))
def test_exponents_are_those_of_trees_over_all_windows(shape, seed, kind):
    table = drawn_table(shape, seed, kind)
    barriers, trees = cycle_barriers(table), cheapest_trees(table)
    found = long_run_near_zero(barriers)
    exact = [trees[states[0]] - min(trees) for states in barriers.attractors]
    for index, exponent in enumerate(exact):
        oracles.assert_encloses(found.exponents, exponent, index)
        assert all(trees[state] - min(trees) == exponent for state in barriers.attractors[index])
    if found.decided[0]:
        assert found.winners == (tuple(index for index, exponent in enumerate(exact) if exponent == 0),)
    assert found.decided[0] or kind == "float64"
    for state in range(table.space.n_states):
        oracles.assert_encloses(window_exponent(table, barriers, found, state), trees[state] - min(trees))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.sampled_from(["float32", "float64", "ties"]))
def test_exponents_are_those_of_exact_distributions_when_it_is_cold(shape, seed, kind):
    table = drawn_table(shape, seed, kind)
    barriers = cycle_barriers(table)
    exact = decimals.stationary(cold_rows(table), range(table.space.n_states))
    found = long_run_near_zero(barriers).exponents
    for index, states in enumerate(barriers.attractors):
        share = sum((exact[state] for state in states), Decimal(0))
        assert exponent_of(share) == pytest.approx(found.value[index], abs=slack(table))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.sampled_from(["float32", "ties", "ruled out"]))
def test_escapes_are_those_of_exact_times_when_it_is_cold(shape, seed, kind):
    table = drawn_table(shape, seed, kind)
    barriers, rows = cycle_barriers(table), cold_rows(table)
    for index, escape in enumerate(escapes(barriers)):
        others = {int(s) for k, part in enumerate(barriers.attractors) if k != index for s in part}
        start = int(barriers.attractors[index][0])
        way = way_out(table, barriers, index)
        assert way.energy.value == escape.depth.value
        assert escape.decided
        if escape.depth.value == np.inf:
            assert decimals.hitting(rows, others)[start] == 0
            assert (escape.leads_to, way.states) == ((), ())
            continue
        time = decimals.expected_reward(rows, [1.0] * len(rows), others)[start]
        assert -exponent_of(time) == pytest.approx(escape.depth.value, abs=slack(table))
        for k, part in enumerate(barriers.attractors):
            if k != index:
                first = decimals.hitting(rows, part.tolist(), others - set(part.tolist()))[start]
                # of those that cost no more the share stays; the others' falls
                assert (first > 0 and exponent_of(first) < 0.05) == (k in escape.leads_to)


@pytest.mark.parametrize("seed", range(12))
def test_the_tree_is_one_of_the_cheapest(seed):
    table = drawn_table((4, 1), seed, "float32")
    barriers = cycle_barriers(table)
    costs, K = barriers.costs.value, len(barriers.attractors)
    for root in range(K):
        following = cheapest_tree(barriers, root)
        assert following[root] == -1
        for index in range(K):
            at = index
            for _ in range(K):
                at = root if at == root else following[at]
            assert at == root
        least = np.inf
        for chosen in product(range(K), repeat=K):
            graph = nx.DiGraph((i, j) for i, j in enumerate(chosen) if i != root)
            graph.add_nodes_from(range(K))
            if nx.is_directed_acyclic_graph(graph):
                least = min(least, sum(costs[i, j] for i, j in enumerate(chosen) if i != root))
        assert sum(barriers.direct_lower[i, j] for i, j in enumerate(following) if i != root) == least


def test_the_deepest_cycle_need_not_win_the_long_run():
    # 0 is left for 3, to 1; 1 for 2, to 2; 2 for 1.5, to 1; back to 0 it costs 10. Trees: to 0 10 + 1.5, to 1 3 + 1.5,
    # to 2 3 + 2.
    logits = np.array([[20.0, 17.0, 7.0], [10.0, 20.0, 18.0], [10.0, 18.5, 20.0]])
    table = mg.LogitTable(mg.StateSpace(3, 1), logits, Vocabulary(("a", "b", "c")))
    barriers = cycle_barriers(table)
    assert [escape.depth.value for escape in escapes(barriers)] == [3.0, 2.0, 1.5]
    assert [escape.leads_to for escape in escapes(barriers)] == [(1,), (2,), (1,)]
    found = long_run_near_zero(barriers)
    assert found.exponents.value.tolist() == [7.0, 0.0, 0.5]
    assert found.exponents.lower.tolist() == found.exponents.upper.tolist() == [7.0, 0.0, 0.5]
    assert (found.winners, found.decided, found.trees) == (((1,),), (True,), ((1, -1, 1),))
    assert way_out(table, barriers, 0).text == "b"
    summary = found.summary()
    assert summary["winners"] == [[1]]
    assert summary["exponents"]["value"] == [7.0, 0.0, 0.5]
    assert escapes(barriers)[0].summary()["depth"]["value"] == 3.0


def test_two_that_cost_the_same_share_the_long_run():
    # 00 and 11 are left for 2 each
    logits = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 2.0]])
    table = mg.LogitTable(mg.StateSpace(2, 2), logits)
    barriers = cycle_barriers(table)
    found = long_run_near_zero(barriers)
    assert (found.winners, found.decided) == (((0, 1),), (True,))
    assert found.exponents.upper.tolist() == [0.0, 0.0]
    # 00 -> 01 costs 2
    assert window_exponent(table, barriers, found, (0, 1)).value == 2.0
    assert window_exponent(table, barriers, found, (0, 1)).upper == 2.0


def test_what_is_closer_than_it_is_known_is_not_decided():
    # 0 and 1 are left for a third each, as computed; a gap of 1e9 + 1e-9 at 2 makes every sum a rounded one
    logits = np.array([[1 / 3, 0.0, -1e9], [0.0, 1 / 3, -1e9], [1e9, 0.0, 1e-9]])
    barriers = cycle_barriers(mg.LogitTable(mg.StateSpace(3, 1), logits))
    found = long_run_near_zero(barriers)
    assert not barriers.exact
    assert (found.winners, found.decided) == (((0, 1),), (False,))
    assert found.exponents.lower.tolist() == [0.0, 0.0]
    assert 0 < found.exponents.upper.max() < 1e-5
    # and three ways out of 0, two of which cost the same as far as is known
    logits = np.array([[1 / 3, 0.0, 0.0, -1e9], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [1e9, 0.0, 0.0, 1e-9]])
    first = escapes(cycle_barriers(mg.LogitTable(mg.StateSpace(4, 1), logits)))[0]
    assert (first.leads_to, first.decided) == ((1, 2), False)


def test_each_recurrent_class_has_a_long_run_of_its_own():
    # 0 leads to 1 and to 2, at 1 and 4; 1 and 2 lead nowhere else
    away = -np.inf
    logits = np.array([[4.0, 3.0, 0.0], [away, 0.0, away], [away, away, 0.0]])
    table = mg.LogitTable(mg.StateSpace(3, 1), logits)
    barriers = cycle_barriers(table)
    found = long_run_near_zero(barriers)
    assert found.classes == ((1,), (2,))
    assert found.winners == ((1,), (2,))
    assert found.exponents.value.tolist() == [np.inf, 0.0, 0.0]
    assert found.trees == ((-1, -1, -1), (-1, -1, -1))
    assert window_exponent(table, barriers, found, 0).value == np.inf
    assert [escape.depth.value for escape in escapes(barriers)] == [1.0, np.inf, np.inf]
    assert way_out(table, barriers, 1).energy.value == np.inf
    with pytest.raises(mg.InvalidInput, match="a tree must lead to an attractor of the long run, got 0, which is left"):
        cheapest_tree(barriers, 0)


def test_a_single_attractor_is_never_left_for_another():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[1.0, 0.0], [1.0, 0.0]]), Vocabulary(("a", "b")))
    barriers = cycle_barriers(table)
    (escape,) = escapes(barriers)
    assert (escape.depth.value, escape.depth.lower, escape.leads_to, escape.decided) == (np.inf, np.inf, (), True)
    assert way_out(table, barriers, 0).tokens is None
    found = long_run_near_zero(barriers)
    assert (found.winners, found.trees, found.exponents.value.tolist()) == (((0,),), ((-1,),), [0.0])
    assert window_exponent(table, barriers, found, "b").value == 1.0


def test_prefixes_are_not_part_of_the_long_run():
    table = drawn_table((2, 2), 3, "float32", with_prefixes=True)
    barriers = cycle_barriers(table)
    found = long_run_near_zero(barriers)
    assert window_exponent(table, barriers, found, (1,)).value == np.inf
    whole = mg.LogitTable(mg.StateSpace(2, 2), np.array(table.logits[2:]))
    assert long_run_near_zero(cycle_barriers(whole)).exponents.value.tolist() == found.exponents.value.tolist()


def test_a_window_that_nothing_leads_to_has_an_infinite_exponent_where_costs_are_rounded():
    logits = np.array([[1e10, -1.0], [1.6e-8, -1.2e-12], [0.0, 3.0], [2.0, 0.1], [1.0, 0.0], [0.0, 1e-30]])
    table = mg.LogitTable(mg.StateSpace(2, 2, with_prefixes=True), logits)
    barriers = cycle_barriers(table)
    assert not barriers.exact
    found = window_exponent(table, barriers, long_run_near_zero(barriers), (1,))
    assert bool(found.infinite)
    assert found.value == found.lower == np.inf


def test_a_graph_beyond_networkx_is_refused(monkeypatch):
    barriers = cycle_barriers(mg.LogitTable(mg.StateSpace(4, 1), np.eye(4)))
    monkeypatch.setattr(module, "MOST_EDGES", 8)
    with pytest.raises(mg.TooLarge, match=r"at most 8 ways, got 9 between 4 attractors; leave trees out"):
        cheapest_tree(barriers, 0)
    with pytest.raises(mg.TooLarge, match="leave trees out"):
        long_run_near_zero(barriers)
    assert long_run_near_zero(barriers, with_trees=False).trees == ()


def test_windows_and_indices_that_are_none_are_refused():
    table = drawn_table((2, 2), 1, "float32")
    barriers = cycle_barriers(table)
    with pytest.raises(mg.InvalidInput, match=r"start must lie in 0\.\.3, got 4"):
        window_exponent(table, barriers, long_run_near_zero(barriers), 4)
    for ask in (lambda: way_out(table, barriers, -1), lambda: cheapest_tree(barriers, 99)):
        with pytest.raises(mg.InvalidInput, match="an attractor must be a number in"):
            ask()


@pytest.mark.skipif(not NAMES.exists(), reason="the model of names is not here")
def test_a_trained_model_goes_where_its_trees_say():
    table = mg.tabulate(mg.load_model(NAMES))
    barriers = cycle_barriers(table)
    found = long_run_near_zero(barriers)
    windows = [int(barriers.attractors[found.winners[0][0]][0]), 0, 5000, 19000]
    limits = np.array([window_exponent(table, barriers, found, window).value for window in windows])
    assert limits[0] == 0
    assert (limits[1:] > 1).all()
    off = []
    for temperature in (0.1, 0.05):
        chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))
        answer = mg.stationary_distributions(chain).only()
        off.append(-temperature * np.log(10) * answer.log10[windows] - limits)
    # what is left of them falls with the temperature
    assert (abs(off[1]) < 0.3).all()
    assert (abs(off[1]) < 0.65 * abs(off[0])).all()
