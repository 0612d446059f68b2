"""At temperature 0 a chain is a legal chain for every question: several classes, periods, ways that are certain.

The oracle is the walk itself, followed step by step: from each window one, so every answer is read off it.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg

GREEDY = mg.SamplingSettings(temperature=0)
SPACES = (mg.StateSpace(2, 3), mg.StateSpace(3, 2), mg.StateSpace(2, 3, with_prefixes=True))


@st.composite
def greedy_chains(draw):
    """A chain at temperature 0, and the window after each window."""
    space = draw(st.sampled_from(SPACES))
    said = draw(st.lists(st.integers(0, space.vocab_size - 1), min_size=space.n_states, max_size=space.n_states))
    chain = mg.WindowChain.from_logits(mg.LogitTable(space, np.eye(space.vocab_size)[said]), GREEDY)
    return chain, [
        space.encode((*space.decode(state), token)[-space.context_length :]) for state, token in enumerate(said)
    ]


def walk(successor, state, steps):
    """The states met, the first included."""
    met = [state]
    for _ in range(steps):
        met.append(successor[met[-1]])
    return met


def loop_of(successor, state):
    """The loop a state ends in, as a set."""
    return frozenset(walk(successor, walk(successor, state, len(successor))[-1], len(successor)))


def exactly(answer, value):
    """Whether an answer is this number, and says so with bounds that are it."""
    return answer.value == answer.lower == answer.upper == value


@settings(max_examples=60, deadline=None, derandomize=True)
@given(greedy_chains())
def test_its_shape_is_that_of_its_loops(made):
    chain, successor = made
    loops = {loop_of(successor, state) for state in range(chain.n_states)}
    assert {frozenset(states.tolist()) for states in mg.recurrent_classes(chain)} == loops
    assert all(mg.period(chain, sorted(loop)) == len(loop) for loop in loops)
    assert mg.is_irreducible(chain) == (loops == {frozenset(range(chain.n_states))})
    assert len(mg.communicating_classes(chain)) == len(loops) + chain.n_states - sum(map(len, loops))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(greedy_chains(), st.data())
def test_the_long_run_is_spread_evenly_around_a_loop(made, data):
    chain, successor = made
    found = mg.stationary_distributions(chain)
    for states, answer in zip(found.classes, found.answers, strict=True):
        assert (answer.lower <= 1 / len(states)).all()
        assert (answer.upper >= 1 / len(states)).all()
        assert (answer.upper - answer.lower < 1e-12).all()
    start = data.draw(st.integers(0, chain.n_states - 1))
    loop = loop_of(successor, start)
    expected = [1 / len(loop) if state in loop else 0.0 for state in range(chain.n_states)]
    assert mg.long_run_distribution(chain, start).value == pytest.approx(expected, rel=1e-12, abs=0)
    ends = mg.absorption_probabilities(chain, start=start)
    assert ends.value.tolist() == [float(set(states.tolist()) == loop) for states in ends.classes]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(greedy_chains(), st.data())
def test_reaching_is_certain_or_impossible(made, data):
    chain, successor = made
    start, red = (data.draw(st.integers(0, chain.n_states - 1)) for _ in range(2))
    n = data.draw(st.integers(0, 12))
    met = walk(successor, start, 2 * chain.n_states)
    first = met.index(red) if red in met else math.inf
    assert exactly(mg.hitting_probability(chain, [red], start=start), float(first < math.inf))
    assert exactly(mg.hitting_probability(chain, [red], start=start, within=n), float(first <= n))
    assert exactly(mg.hitting_probability(chain, [red], start=start, within=10**9), float(first < math.inf))
    time = mg.expected_hitting_time(chain, [red], start=start)
    assert time.value == pytest.approx(first, rel=1e-12)
    assert time.lower <= first <= time.upper
    law = mg.hitting_law(chain, [red], start=start, steps=12)
    assert law.probability.value.tolist() == [float(k == first) for k in range(13)]
    least = mg.hitting_quantile(chain, [red], start=start, probability=0.5)
    assert (least.value, least.lower, least.upper) == (first, first, first)
    paths = mg.most_likely_paths(chain, [red], start=start, k=3)
    assert [path.states for path in paths] == ([tuple(met[: first + 1])] if first < math.inf else [])
    if first < math.inf:
        assert exactly(paths[0].probability, 1.0)
        assert mg.conditional_hitting_time(chain, [red], start=start).value == pytest.approx(first, rel=1e-12)
        assert mg.conditional_chain(chain, [red]).n_states >= 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(greedy_chains(), st.data())
def test_counts_are_those_of_the_walk(made, data):
    chain, successor = made
    start, red = (data.draw(st.integers(0, chain.n_states - 1)) for _ in range(2))
    n = data.draw(st.integers(0, 12))
    met = walk(successor, start, n)
    assert mg.transient_distribution(chain, start, n).value.tolist() == np.eye(chain.n_states)[met[-1]].tolist()
    assert mg.expected_count(chain, [red], start=start, tokens=n).value == pytest.approx(met[1:].count(red))
    loop = loop_of(successor, start)
    rate = mg.occurrence_rate(chain, [red], start=start)
    assert rate.value == pytest.approx(1000 * (red in loop) / len(loop), rel=1e-12)
    visits = mg.expected_visits(chain, [red], start)
    before = walk(successor, start, 2 * chain.n_states)
    for state in range(chain.n_states):
        if red in before:
            expected = float(state in before[: before.index(red)])
        else:
            expected = math.inf if state in loop else float(state in before)
        assert visits.value[state] == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(greedy_chains(), st.data())
def test_patterns_longer_than_the_window_are_read_off_what_it_says(made, data):
    chain, successor = made
    space = chain.space
    start = space.encode((0,) * space.context_length)
    said = [space.decode(state)[-1] for state in walk(successor, start, 40)[1:]]
    pattern = tuple(data.draw(st.lists(st.integers(0, 1), min_size=4, max_size=5)))
    history = space.decode(start)
    text = [*history, *said]
    within = next((k for k in range(41) if tuple(text[: k + len(history)][-len(pattern) :]) == pattern), math.inf)
    answer = mg.hitting_probability(chain, mg.red_tokens(pattern), start=start, within=40)
    assert exactly(answer, float(within <= 40))


def test_a_waiting_time_that_is_certain_has_no_quasi_stationary_law():
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 1), np.eye(2)), GREEDY)
    for start in (0, 1):
        with pytest.raises(mg.InvalidInput, match="texts that can go on for ever before the target, got none"):
            mg.quasi_stationary(chain, [1], start=start)


def test_where_red_comes_from_is_the_only_way_there():
    # 1 -> 0 -> 2 -> 3 -> 3
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(4, 1), np.eye(4)[[2, 0, 3, 3]]), GREEDY)
    dangerous = mg.dangerous_windows(chain, [3], start=1)
    assert sorted(dangerous.states.tolist()) == [0, 1, 2]
    assert dangerous.danger.value == pytest.approx([1, 1, 1], rel=1e-12)
    flow = mg.red_flow(chain, [3], start=1)
    assert sorted(zip(flow.sources.tolist(), flow.targets.tolist(), strict=True)) == [(0, 2), (1, 0), (2, 3)]
    assert flow.times_taken.value == pytest.approx([1, 1, 1], rel=1e-12)
    assert exactly(flow.hitting, 1.0)


def test_a_table_at_temperature_zero_is_judged_by_its_settings():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, 1.0], [1.0, 0.0]]))
    found = mg.break_points(table, [1], start=0, settings=GREEDY)
    assert found
    chain = mg.WindowChain.from_logits(table, GREEDY)
    ended = mg.with_absorbing(chain, [1])
    assert exactly(mg.hitting_probability(ended, [1], start=0), 1.0)
    twice = mg.in_conversations(mg.hitting_probability(chain, [1], start=0), 3)
    assert exactly(twice, 1.0)
