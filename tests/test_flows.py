"""Dangerous windows and flows against exact fractions, the conservation of flow, and walks one by one."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.analysis import flows
from markovgpt.analysis.flows import dangerous_windows, red_flow

NAMES = Path(__file__).parents[2] / "shared" / "data" / "nanogpt_names_ctx4" / "ckpt.pt"


def exact_flow(rows, target, start, avoiding=()):
    """Visits to the states on a way, committors and the hitting probability, in fractions."""
    n, ends = len(rows), set(target)
    committor = oracles.hitting(rows, ends, avoiding)
    live = [s for s in range(n) if committor[s] > 0 and s not in ends]
    transposed = [list(column) for column in zip(*oracles.identity_minus(rows, live), strict=True)]
    solved = oracles.solve(transposed, [Fraction(start[s]) for s in live])
    visits = [dict(zip(live, solved, strict=True)).get(s, Fraction(0)) for s in range(n)]
    return visits, committor, sum(Fraction(start[s]) * committor[s] for s in range(n))


def drawn_question(n, data):
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    avoiding = data.draw(st.sets(st.integers(0, n - 1), max_size=2))
    begin = np.zeros(n)
    begin[data.draw(st.integers(0, n - 1))] += 0.25
    begin[data.draw(st.integers(0, n - 1))] += 0.75
    return sorted(target), sorted(avoiding), begin


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices(largest=5), st.data())
def test_danger_is_visits_times_the_committor(matrix, data):
    n = len(matrix)
    target, avoiding, begin = drawn_question(n, data)
    visits, committor, hitting = exact_flow(oracles.exact_rows(matrix), target, begin, avoiding)
    found = dangerous_windows(
        mg.SparseChain.from_matrix(matrix), target, start=begin, k=n, avoiding=avoiding if avoiding else None
    )
    oracles.assert_encloses(found.hitting, hitting)
    assert set(found.states.tolist()) == {s for s in range(n) if visits[s] > 0}
    assert found.labels == tuple(map(str, found.states.tolist()))
    for place, state in enumerate(found.states.tolist()):
        oracles.assert_encloses(found.visits, visits[state], place)
        oracles.assert_encloses(found.committor, committor[state], place)
        oracles.assert_encloses(found.danger, visits[state] * committor[state], place)
    dangers = [visits[s] * committor[s] for s in found.states.tolist()]
    assert all(more >= less * (1 - Fraction(1, 10**9)) for more, less in pairwise(dangers))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices(largest=5), st.integers(1, 30), st.data())
def test_transitions_are_taken_as_often_as_fractions_say(matrix, k, data):
    target, avoiding, begin = drawn_question(len(matrix), data)
    rows = oracles.exact_rows(matrix)
    visits, committor, hitting = exact_flow(rows, target, begin, avoiding)
    found = red_flow(
        mg.SparseChain.from_matrix(matrix), target, start=begin, k=k, avoiding=avoiding if avoiding else None
    )
    n = len(rows)
    flow = {(s, t): visits[s] * rows[s][t] * committor[t] for s in range(n) for t in range(n)}
    strongest = sorted((f / hitting for f in flow.values() if f), reverse=True)[:k]
    assert found.tokens == ()
    assert len(found.sources) == len(found.targets) == len(strongest)
    for place, (source, end) in enumerate(zip(found.sources.tolist(), found.targets.tolist(), strict=True)):
        oracles.assert_encloses(found.times_taken, flow[source, end] / hitting, place)
        assert abs(flow[source, end] / hitting / strongest[place] - 1) < Fraction(1, 10**9)
    oracles.assert_encloses(found.hitting, hitting)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains([(2, 1), (2, 2), (2, 3), (3, 2)]), st.data())
def test_tokens_are_written_as_often_as_fractions_say(chain, data):
    n, V = chain.n_states, chain.space.vocab_size
    target, avoiding, begin = drawn_question(n, data)
    source, end, weight = chain.edges()
    rows = [[Fraction(0)] * n for _ in range(n)]
    scaled = mg.ScaledArray.of(weight)
    for s, t, m, e in zip(
        source.tolist(), end.tolist(), scaled.mantissa.tolist(), scaled.exponent.tolist(), strict=True
    ):
        rows[s][t] = Fraction(m) * Fraction(2) ** e
    rows = [[entry / sum(row) for entry in row] for row in rows]
    visits, committor, hitting = exact_flow(rows, target, begin, avoiding)
    written = [Fraction(0)] * V
    for s in range(n):
        for t in range(n):
            written[chain.space.decode(t)[-1]] += visits[s] * rows[s][t] * committor[t]
    found = red_flow(chain, target, start=begin, avoiding=avoiding if avoiding else None)
    assert set(found.tokens) == {token for token in range(V) if written[token]}
    for place, token in enumerate(found.tokens):
        oracles.assert_encloses(found.times_written, written[token] / hitting, place)
    assert found.times_written.value.tolist() == sorted(found.times_written.value.tolist(), reverse=True)


def test_a_gambler_passes_both_states_before_the_end():
    # given the win with 1/13: each detour 1 -> 2 -> 1 has 3/16, so 16/13 visits to 1 and to 2 and 3/13 ways back
    flow = red_flow(chains.gambler(), [3], start=1)
    edges = list(zip(flow.sources.tolist(), flow.targets.tolist(), strict=True))
    assert sorted(edges) == [(1, 2), (2, 1), (2, 3)]
    times = dict(zip(edges, flow.times_taken.value, strict=True))
    assert times == pytest.approx({(1, 2): 16 / 13, (2, 3): 1, (2, 1): 3 / 13})
    summary = flow.summary()
    assert summary["sources"] == flow.sources.tolist()
    assert summary["times_taken"]["value"] == flow.times_taken.value.tolist()
    shown = dangerous_windows(chains.gambler(), [3], start=1).summary()
    assert (shown["states"], shown["labels"]) == ([1, 2], ["1", "2"])


def test_what_flows_into_the_target_is_the_probability_to_reach_it():
    random = np.random.default_rng(5)
    space = mg.StateSpace(3, 4)
    chain = mg.WindowChain(space, random.dirichlet([0.5] * 3, size=81))
    red, end = mg.ending_with(space, (0, 1, 2)), mg.ending_with(space, (2, 2, 2))
    flow = red_flow(chain, red, start=0, k=10**6, avoiding=end)
    into = red[flow.targets]
    assert flow.times_taken.value[into].sum() == pytest.approx(1, rel=1e-12)  # given that it is reached
    out_of_start = flow.times_taken.value[flow.sources == 0].sum()
    assert out_of_start - flow.times_taken.value[flow.targets == 0].sum() == pytest.approx(1, rel=1e-10)
    tokens = dict(zip(flow.tokens, flow.times_written.value, strict=True))
    for token in range(3):
        written = space.token_from_end(0)[flow.targets] == token
        assert tokens[token] == pytest.approx(flow.times_taken.value[written].sum(), rel=1e-12)
    best = red_flow(chain, red, start=0, k=3, avoiding=end)
    assert best.times_taken.value.tolist() == flow.times_taken.value[:3].tolist()


def test_the_strongest_transitions_are_found_without_listing_all(monkeypatch):
    random = np.random.default_rng(8)
    space = mg.StateSpace(2, 8)
    chain = mg.WindowChain(space, random.dirichlet([0.3] * 2, size=256))
    red, end = mg.ending_with(space, (0, 1, 0, 1, 1)), mg.ending_with(space, (1, 1, 1, 0))
    whole = red_flow(chain, red, start=0, k=10**6, avoiding=end)
    monkeypatch.setattr(flows, "LISTED_FIRST", 1)
    for k in (1, 5, 50):
        some = red_flow(chain, red, start=0, k=k, avoiding=end)
        assert some.sources.tolist() == whole.sources[:k].tolist()
        assert some.times_taken.value.tolist() == whole.times_taken.value[:k].tolist()


def test_where_nothing_ends_the_walk_danger_is_visits():
    chain = chains.uniform_windows(2, 3)
    found = dangerous_windows(chain, (np.arange(8) == 7), start=0, k=99)
    assert found.committor.lower.tolist() == found.committor.upper.tolist() == [1.0] * 7
    expected = mg.expected_visits(chain, [7], 0).value
    assert found.danger.value == pytest.approx(expected[found.states], rel=1e-12)
    assert found.labels[0] == chain.label(int(found.states[0]))
    assert found.hitting.lower == 1


def test_tokens_that_end_the_text_are_not_on_the_way():
    space = mg.StateSpace(3, 1)
    chain = mg.WindowChain(space, np.tile([0.5, 0.25, 0.25], (3, 1)))
    flow = red_flow(chain, [2], start=1, stop_tokens=[0])
    # before 2 is written there are 1s alone, each with 1/4: 1/3 of one on average
    assert flow.tokens == (2, 1)
    assert flow.times_written.value == pytest.approx([1, 1 / 3])
    assert flow.hitting.value == pytest.approx(1 / 3)


def test_what_cannot_be_reached_has_no_flow_and_a_start_in_it_none_either():
    for start, hitting in ((1, 0), (0, 1)):
        found = dangerous_windows(chains.trap(), [0], start=start)
        flow = red_flow(chains.trap(), [0], start=start)
        assert (len(found.states), len(flow.sources), flow.tokens) == (0, 0, ())
        assert found.hitting.lower == found.hitting.upper == flow.hitting.value == hitting
    windows = chains.uniform_windows(2, 2)
    assert red_flow(windows, [0], start=0).tokens == ()


def test_rows_of_single_numbers_are_normalised():
    # 00 stays or leads to 01, the target
    probs = np.tile(np.array([[0.1, 0.9]], dtype=np.float32), (4, 1))
    stay = Fraction(float(probs[0, 0])) / (Fraction(float(probs[0, 0])) + Fraction(float(probs[0, 1])))
    flow = red_flow(mg.WindowChain(mg.StateSpace(2, 2), probs), [1], start=0)
    oracles.assert_encloses(flow.times_taken, Fraction(1), 0)
    oracles.assert_encloses(flow.times_taken, stay / (1 - stay), 1)
    oracles.assert_encloses(flow.times_written, stay / (1 - stay), 1)


def test_danger_far_below_the_doubles_has_its_logarithm():
    # 0 -> 1 -> 2 -> 3, each with 1e-200, else into the trap 4: danger(s) is 1e-600 everywhere on the way
    matrix = np.zeros((5, 5))
    for state in range(3):
        matrix[state, state + 1], matrix[state, 4] = 1e-200, 1
    matrix[3, 3] = matrix[4, 4] = 1
    found = dangerous_windows(mg.SparseChain.from_matrix(matrix), [3], start=0)
    p = Fraction(1e-200) / (Fraction(1e-200) + 1)
    assert sorted(found.states.tolist()) == [0, 1, 2]
    for place, state in enumerate(found.states.tolist()):
        oracles.assert_encloses(found.danger, p**3, place)
        oracles.assert_encloses(found.visits, p**state, place)


@pytest.mark.parametrize("ask", [dangerous_windows, red_flow])
def test_what_is_asked_wrongly_is_refused(ask, monkeypatch):
    with pytest.raises(mg.InvalidInput, match=r"k must be a whole number of at least 1, got 0; it is how many are"):
        ask(chains.gambler(), [3], start=1, k=0)
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100)
    with pytest.raises(mg.TooLarge, match=r"visits and committors of 4 states need .*; give a shorter context"):
        ask(chains.gambler(), [3], start=1)


@pytest.mark.skipif(not NAMES.exists(), reason="the model of names is not here")
def test_a_name_is_written_by_the_tokens_of_its_spelling():
    chain = mg.WindowChain.from_logits(mg.tabulate(mg.load_model(NAMES), context_length=3))
    end = mg.ending_with(chain.space, "\n", chain.vocabulary)
    flow = red_flow(chain, "emm", start="emi", avoiding=end, k=3)
    assert flow.tokens[0] == chain.vocabulary.encode("m")[0]
    into = mg.hitting_probability(chain, "emm", start="emi", avoiding=end)
    assert flow.hitting.lower <= into.upper
    assert into.lower <= flow.hitting.upper
    assert (flow.times_taken.lower <= flow.times_taken.upper).all()
