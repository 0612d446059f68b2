"""Views of a chain: which states are shown, what leads where, and how much is left out."""

import pathlib
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.demo import baby_gpt
from markovgpt.graphs.merged_views import suffix_graph
from markovgpt.graphs.views import around_red, heaviest_states, likely_steps, state_graph, ways_to_red
from tests.oracles import exact_rows, exact_windows, hitting, stationary
from tests.random_chains import matrices, window_chains
from tests.reference_chains import gambler, line, two_periods, uniform_windows

NAMES = pathlib.Path(__file__).parents[2] / "shared" / "data" / "nanogpt_names_ctx4" / "ckpt.pt"
SMALL = window_chains([(2, 1), (2, 2), (2, 3), (3, 2)])


def exact_long_run(rows, start):
    """The share of the long run of each state from a start, exactly: each class's share times the way into it."""
    n = len(rows)
    reach = np.array([[entry > 0 for entry in row] for row in rows]) | np.eye(n, dtype=bool)
    for _ in range(n.bit_length()):
        reach = reach @ reach
    shares = [Fraction(0)] * n
    for state in range(n):
        members = np.flatnonzero(reach[state]).tolist()
        if state == members[0] and all(reach[other, state] for other in members):
            end = hitting(rows, members)[start]
            for member, share in zip(members, stationary(rows, members), strict=True):
                shares[member] += end * share
    return shares


def said(sentence):
    """The masses that a sentence names, as fractions."""
    return [Fraction(part.split()[0].rstrip(".;")) for part in sentence.split("at most ")[1:]]


def assert_left_out(graph, shares):
    """The bound of the mass that is left out holds, is tight, and is the one that is written, rounded up."""
    exact = sum((share for state, share in enumerate(shares) if state not in graph), Fraction(0))
    bound = Fraction(graph.graph["mass_left_out"])
    assert exact <= bound <= exact * (1 + Fraction(1, 10**9)) or (exact < 1e-300 and 0 < bound < 1e-299)
    if len(graph) == len(shares):
        assert graph.graph["mass_left_out"] == 0
    written = sum(said(graph.graph["left_out"]), Fraction(0))
    assert exact <= written <= exact * Fraction(1011, 1000)


def test_the_whole_chain_is_shown_with_its_marks():
    graph = state_graph(gambler(), red=[3], start=1)
    assert graph.graph == {"title": "All 4 states", "left_out": "", "mass_left_out": 0.0}
    assert {name: [graph.nodes[s][name] for s in range(4)] for name in ("red", "start", "absorbing", "cycle")} == {
        "red": [False, False, False, True],
        "start": [False, True, False, False],
        "absorbing": [True, False, False, True],
        "cycle": [True, False, False, True],  # 1 -> 0 and 2 -> 1 are likelier
    }
    assert {edge: graph.edges[edge]["weight"] for edge in graph.edges} == {
        (0, 0): 1.0,
        (1, 0): 0.75,
        (1, 2): 0.25,
        (2, 1): 0.75,
        (2, 3): 0.25,
        (3, 3): 1.0,
    }


def test_what_was_not_asked_for_is_absent():
    assert set(state_graph(gambler()).nodes[1]) == {"label", "n_states", "absorbing", "cycle"}


def test_the_long_run_stands_on_the_states():
    graph = state_graph(gambler(), start=1, long_run=True)
    for state, exact in enumerate([12 / 13, 0, 0, 1 / 13]):
        found = graph.nodes[state]
        assert found["long_run_lower"] <= exact <= found["long_run_upper"]
        assert found["long_run"] == pytest.approx(exact, rel=1e-14)
    with pytest.raises(mg.InvalidInput, match="2 recurrent classes; say where it begins"):
        state_graph(gambler(), long_run=True)


def test_a_chain_of_too_many_states_is_not_shown_whole():
    with pytest.raises(mg.TooLarge, match="got 16,384 states; show a part of it"):
        state_graph(uniform_windows(2, 14))
    with pytest.raises(mg.TooLarge, match="got 625 states and 390,625 edges"):
        state_graph(mg.SparseChain.from_matrix(np.full((625, 625), 1 / 625)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SMALL, st.integers(1, 6), st.data())
def test_the_heaviest_states_are_those_of_the_exact_long_run(chain, k, data):
    start = data.draw(st.integers(0, chain.n_states - 1))
    shares = exact_long_run(exact_windows(chain), start)
    graph = heaviest_states(chain, k, start=start)
    visited = [state for state, share in enumerate(shares) if share > 0]
    assert len(graph) == min(k, len(visited))
    least = min(shares[state] for state in graph)
    assert least > 0
    assert all(share <= least * (1 + Fraction(1, 10**9)) for state, share in enumerate(shares) if state not in graph)
    for state in graph:
        found = graph.nodes[state]
        assert Fraction(found["long_run_lower"]) <= shares[state] <= Fraction(found["long_run_upper"])
    assert_left_out(graph, shares)


def test_the_heaviest_states_keep_what_leads_where_among_them():
    # 0.9 0.1 / 0.3 0.5 0.2 / 0.5 0.5: balance across each cut gives 15 : 5 : 2
    weather = mg.SparseChain.from_matrix([[0.9, 0.1, 0.0], [0.3, 0.5, 0.2], [0.0, 0.5, 0.5]])
    graph = heaviest_states(weather, 2)
    assert graph.graph["title"] == "The 2 states with most of the long run"
    assert {edge: graph.edges[edge]["weight"] for edge in graph.edges} == {
        (0, 0): 0.9,
        (0, 1): 0.1,
        (1, 0): 0.3,
        (1, 1): 0.5,
    }
    whole = heaviest_states(weather, 3)
    assert (whole.graph["left_out"], whole.graph["mass_left_out"]) == ("", 0.0)


def test_the_mass_left_out_is_said_below_the_doubles():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, -2.0]] * 2))
    cold = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=1e-3))
    graph = heaviest_states(cold, 1)  # e**-2000 = 2.5769e-869
    assert graph.graph["left_out"] == "Left out: 1 of 2 states with at most 2.58e-869 of the long run."
    assert graph.graph["mass_left_out"] == 5e-324


def test_states_that_the_long_run_never_visits_have_none_of_it():
    graph = heaviest_states(line(), 3)
    assert list(graph) == [5]
    assert graph.graph["left_out"] == "Left out: 5 of 6 states with none of the long run."
    assert graph.graph["mass_left_out"] == 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(), st.integers(0, 3), st.integers(1, 4), st.data())
def test_what_is_shown_around_red_leads_to_it(matrix, steps, k, data):
    n = len(matrix)
    start = data.draw(st.integers(0, n - 1))
    red = sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1)))
    chain, rows = mg.SparseChain.from_matrix(matrix), exact_rows(matrix)
    distance = dict.fromkeys(red, 0)  # breadth first, by hand
    for far in range(1, n + 1):
        before = {i for i in range(n) for j, d in distance.items() if d == far - 1 and rows[i][j] > 0}
        distance.update(dict.fromkeys(before - set(distance), far))
    shares = exact_long_run(rows, start)
    graph = around_red(chain, red, steps, k=k, start=start)
    by_distance = [[s for s in graph if distance.get(s) == far] for far in range(steps + 1)]
    assert sum(map(len, by_distance)) == len(graph)
    for far, shown in enumerate(by_distance):
        eligible = [s for s, d in distance.items() if d == far]
        if far:
            eligible = [s for s in eligible if any(rows[s][j] > 0 for j in by_distance[far - 1])]
        assert len(shown) == min(k, len(eligible))
        assert set(shown) <= set(eligible)
        least = min((shares[s] for s in shown), default=0)
        assert all(shares[s] <= least * (1 + Fraction(1, 10**9)) for s in set(eligible) - set(shown))
    assert {s for s in graph if graph.nodes[s]["red"]} == set(by_distance[0])
    assert_left_out(graph, shares)


def test_around_red_says_what_is_near_and_what_is_further_away():
    chain = uniform_windows(2, 3)  # every window has 1/8 of the long run
    graph = around_red(chain, [7], 1, k=1)  # 111 is entered from 011 and 111
    assert list(graph) == [3, 7]
    assert graph.graph["title"] == "Red and what leads to it within 1 step"
    assert graph.graph["left_out"] == "Left out: 6 states further away with at most 0.751 of the long run."
    cut = around_red(chain, [6, 7], 1, k=1)  # 6 = 110 is kept; it is entered from 011 and 111, and 111 is red itself
    assert list(cut) == [3, 6]
    assert cut.graph["left_out"] == (
        "Left out: 1 of 3 states so near to red with at most 0.126 of the long run; "
        "5 states further away with at most 0.626 of the long run."
    )


def test_red_may_be_a_text():
    chain = mg.WindowChain(mg.StateSpace(2, 2), np.full((4, 2), 0.5), mg.Vocabulary(("a", "b")))
    graph = around_red(chain, "bb", 5)
    assert {graph.nodes[s]["label"]: graph.nodes[s]["red"] for s in graph} == {
        "aa": False,
        "ab": False,
        "ba": False,
        "bb": True,
    }
    with pytest.raises(
        mg.InvalidInput, match="red must be seen in a window of 2 tokens here, got bbb; ask about a part"
    ):
        around_red(chain, "bbb")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(5), st.integers(1, 4), st.data())
def test_the_ways_are_the_likeliest_of_all_paths(matrix, k, data):
    n, longest = len(matrix), 5
    red = data.draw(st.integers(0, n - 1))
    start = data.draw(st.integers(0, n - 1))
    rows = exact_rows(matrix)
    whole = hitting(rows, [red])[start]
    assume(whole > 0)
    chances = {}
    for length in range(longest + 1):
        for path in product(range(n), repeat=length):
            states = (start, *path)
            if states[-1] == red and red not in states[:-1]:
                chance = Fraction(1)
                for i, j in pairwise(states):
                    chance *= rows[i][j]
                if chance:
                    chances[states] = chance
    ranked = sorted(chances, key=chances.get, reverse=True)
    # a longer path, and one that is as likely up to roundings, may be among the k just as well
    found = mg.most_likely_paths(mg.SparseChain.from_matrix(matrix), [red], start=start, k=k)
    assume(all(way.n_steps <= longest for way in found) and len(ranked) >= len(found))
    best = ranked[: len(found)]
    if len(ranked) > len(best):
        assume(chances[best[-1]] > chances[ranked[len(best)]] * (1 + Fraction(1, 10**6)))
    graph = ways_to_red(mg.SparseChain.from_matrix(matrix), [red], start, k=k)
    assert set(graph) == {state for path in best for state in path}
    assert set(graph.edges) == {step for path in best for step in pairwise(path)}
    assert graph.nodes[start]["start"]
    assert graph.nodes[red]["red"]
    if "these have" in graph.graph["left_out"]:
        share = Fraction(graph.graph["left_out"].split("these have ")[1].split()[0])
        exact = sum(chances[path] for path in best) / whole
        assert exact * Fraction(989, 1000) <= share <= exact


def test_ways_to_red_by_hand():
    graph = ways_to_red(gambler(), [3], 1, k=2)  # 1/16, and 3/16 of it by way of 2 1 2 3: 1/16 + 3/256 = 19/256 of 1/13
    assert graph.graph["title"] == "The 2 likeliest ways to red from 1"
    assert sorted(graph.edges) == [(1, 2), (2, 1), (2, 3)]
    assert graph.graph["left_out"] == (  # 13 * 19 / 256 = 0.96484; the state 0 has 12/13 = 0.92308
        "Left out: 1 of 4 states with at most 0.924 of the long run; "
        "all other ways, these have 0.964 of P(red) or more."
    )
    straight = ways_to_red(line(), [5], 0)
    assert straight.graph == {"title": "The likeliest way to red from 0", "left_out": "", "mass_left_out": 0.0}


def test_the_baby_gpt_is_shown_as_dense_linear_algebra_has_it():
    chain = mg.WindowChain.from_model(baby_gpt(50).model)
    matrix = chain.to_csr().toarray()
    balance = np.vstack([matrix.T - np.eye(8), np.ones(8)])
    shares = np.linalg.lstsq(balance, np.eye(9)[8], rcond=None)[0]
    heaviest = heaviest_states(chain, 3, red="111")
    assert set(heaviest) == set(np.argsort(-shares)[:3].tolist())
    assert heaviest.graph["mass_left_out"] == pytest.approx(np.sort(shares)[:5].sum(), rel=1e-9)
    assert [node for node in heaviest if heaviest.nodes[node]["red"]] == sorted({7} & set(heaviest))
    near = around_red(chain, "111", 2)
    assert set(near) == {1, 3, 5, 7}  # x01 x11: the older tokens are free
    assert near.graph["mass_left_out"] == pytest.approx(shares[[0, 2, 4, 6]].sum(), rel=1e-9)
    whole = state_graph(chain, red="111", start="000", long_run=True)
    assert len(whole) == 8
    assert whole.number_of_edges() == np.count_nonzero(matrix)
    for state, share in enumerate(shares):
        assert whole.nodes[state]["long_run"] == pytest.approx(share, rel=1e-9)


@pytest.mark.slow
@pytest.mark.skipif(not NAMES.exists(), reason="the real inputs are not beside this checkout")
def test_half_a_million_windows_are_shown_in_part():
    chain = mg.WindowChain.from_model(mg.load_model(NAMES))
    shares = np.full(chain.n_states, 1 / chain.n_states)
    for _ in range(400):
        shares = chain.push(shares)
    heaviest = heaviest_states(chain, 20, red=[1])
    assert set(heaviest) == set(np.argsort(-shares)[:20].tolist())
    assert heaviest.graph["mass_left_out"] == pytest.approx(np.sort(shares)[:-20].sum(), rel=1e-9)
    quotient = suffix_graph(chain, 2)
    pairs = shares.reshape(27, 27, 27, 27).sum(axis=(0, 1))
    triples = shares.reshape(27, 27, 27, 27).sum(axis=0)  # pi is pi P: how often s is followed by a
    for source, target, found in quotient.edges(data=True):
        older, newer = divmod(source, 27)
        assert found["weight"] == pytest.approx(triples[older, newer, target % 27] / pairs[older, newer], rel=1e-9)
    assert quotient.number_of_edges() == 27**3


def test_views_refuse_what_makes_no_sense():
    with pytest.raises(mg.InvalidInput, match="k must be a whole number of at least 1, got 0"):
        heaviest_states(gambler(), 0, start=1)
    with pytest.raises(mg.InvalidInput, match="steps must be a whole number of at least 0, got -1; 1 shows"):
        around_red(gambler(), [3], -1, start=1)
    with pytest.raises(mg.InvalidInput, match="red must be within reach of the start, got none of it from 0"):
        ways_to_red(gambler(), [3], 0)
    with pytest.raises(mg.InvalidInput, match="2 recurrent classes; say where it begins"):
        heaviest_states(two_periods(), 3)
    with pytest.raises(mg.InvalidInput, match="red must mark at least one of the 4 states, got none"):
        around_red(gambler(), [], start=1)
    with pytest.raises(mg.TooLarge, match="got 12,000 states; show a part of it"):
        heaviest_states(uniform_windows(2, 14), 12_000)


def test_unlikely_steps_are_left_out_of_a_copy_and_their_number_is_added_to_the_words():
    weather = mg.SparseChain.from_matrix([[0.9, 0.1, 0.0], [0.3, 0.5, 0.2], [0.0, 0.5, 0.5]])
    whole, part = mg.state_graph(weather), mg.heaviest_states(weather, 2)
    likely = likely_steps(whole, 0.3)
    assert set(whole.edges) - set(likely.edges) == {(0, 1), (1, 2)}
    assert len(likely) == 3
    assert likely.graph["left_out"] == "Left out: 2 of 7 steps, less likely than 0.3."
    assert whole.graph["left_out"] == ""
    assert likely_steps(part, 0.2).graph == part.graph | {
        "left_out": "Left out: 1 of 3 states with at most 0.0910 of the long run; 1 of 4 steps, less likely than 0.2."
    }
    assert likely_steps(part, 0.1).graph == part.graph


@pytest.mark.parametrize("least", [0.0, -1.0, 1.5, float("nan")])
def test_a_least_probability_that_is_none_is_refused(least):
    with pytest.raises(mg.InvalidInput, match="least must be a probability above 0, got"):
        likely_steps(mg.state_graph(mg.SparseChain.from_matrix(np.eye(2))), least)
