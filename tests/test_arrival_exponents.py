"""Exponents of times and probabilities: by hand, and against exact times and probabilities when it is cold."""

import decimals
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cycle_barriers import KINDS, drawn_table
from test_near_zero import NAMES, cold_rows, exponent_of, slack

import markovgpt as mg
from markovgpt.analysis import cycle_barriers as searches
from markovgpt.analysis.arrival_exponents import arrival_exponents
from markovgpt.analysis.barriers import energy_barrier
from markovgpt.vocabulary import Vocabulary

SHAPES = [(2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (3, 2)]


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.sampled_from(KINDS), st.booleans(), st.data())
def test_exponents_are_those_of_exact_times_and_probabilities_when_it_is_cold(shape, seed, kind, with_prefixes, data):
    table = drawn_table(shape, seed, kind, with_prefixes=with_prefixes)
    n, rows = table.space.n_states, cold_rows(table)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=3))
    avoided = data.draw(st.sets(st.integers(0, n - 1), max_size=2)) - target
    starts = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3, unique=True))
    begin = np.zeros(n)
    begin[starts] = 1 / len(starts)
    if set(starts) <= target:
        return
    found = arrival_exponents(table, sorted(target), start=begin, avoiding=sorted(avoided) or None)
    near = slack(table) + 0.01  # of the start's own weights
    chance = sum(decimals.hitting(rows, target, avoided)[state] for state in starts)
    if chance == 0:
        assert found.probability.value == found.probability.lower == np.inf
    else:
        assert exponent_of(chance) == pytest.approx(found.probability.value, abs=near)
        assert found.probability.lower <= found.probability.value <= found.probability.upper
    surely = [dict(row) for row in rows]
    for state in avoided:
        surely[state] = {state: type(chance)(1)} if avoided else surely[state]
    times = [decimals.expected_reward(surely, [1.0] * n, target)[state] for state in starts]
    if None in times:
        assert found.time.value == found.time.lower == np.inf
    else:
        assert -exponent_of(sum(times)) == pytest.approx(found.time.value, abs=near)
        assert found.time.lower <= found.time.value <= found.time.upper
    if kind != "float64":
        assert found.time.lower == found.time.upper
        assert found.probability.lower == found.probability.upper


def test_a_trap_beside_a_target_that_is_free():
    # from 2 both 0 and 1 are free; 1 is red, and 0 a trap that is left for 3
    logits = np.array([[5.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    table = mg.LogitTable(mg.StateSpace(3, 1), logits, Vocabulary(("a", "b", "c")))
    found = arrival_exponents(table, "b", start="c")
    assert (found.time.value, found.time.lower, found.time.upper) == (3.0, 3.0, 3.0)
    assert (found.probability.value, found.n_traps) == (0.0, 1)
    assert energy_barrier(table, "b", start="c").energy.value == 0
    summary = found.summary()
    assert (summary["time"]["value"], summary["probability"]["value"], summary["n_traps"]) == (3.0, 0.0, 1)
    # with the trap to be avoided half of the walks are red, and none of them takes long but for those that never come
    avoiding = arrival_exponents(table, [1], start=2, avoiding=[0])
    assert (avoiding.time.value, avoiding.probability.value) == (np.inf, 0.0)


def test_a_trap_that_costs_to_enter_takes_as_much_from_the_time():
    # 2 goes to 1 for nothing and to 0 for 1, which is left for 3: with exp(-1/T) a time of exp(3/T)
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[5.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, 0.0]]))
    assert arrival_exponents(table, [1], start=2).time.value == 2.0
    # a trap behind the target is none
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[9.0, 2.0, 0.0], [9.0, 0.0, 0.0], [-np.inf, 2.0, -np.inf]]))
    assert arrival_exponents(table, [1], start=2).time.value == 0.0


def test_walks_that_try_again_are_likelier_than_any_one_way():
    # 0 stays for nothing, goes to red 1 for 4 and to safety 2 for 3: one way costs 4, but P(1 before 2) is about
    # exp(-4/T) / exp(-3/T)
    table = mg.LogitTable(mg.StateSpace(3, 1), np.array([[5.0, 1.0, 2.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    found = arrival_exponents(table, [1], start=0, avoiding=[2])
    assert found.probability.value == 1.0
    assert energy_barrier(table, [1], start=0, avoiding=[2]).energy.value == 4.0


def test_what_nothing_leads_to_takes_for_ever():
    away = -np.inf
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, away], [0.0, 0.0]]))
    found = arrival_exponents(table, [1], start=0)
    assert found.time.value == found.time.lower == found.probability.value == found.probability.lower == np.inf
    # from what is to be avoided itself
    found = arrival_exponents(table, [0], start=1, avoiding=[1])
    assert (found.time.value, found.probability.value) == (np.inf, np.inf)
    begin = np.full(2, 0.5)
    found = arrival_exponents(table, [0], start=begin, avoiding=[1])
    assert (found.time.value, found.probability.value) == (np.inf, 0.0)


def test_what_is_avoided_behind_a_trap_is_seen():
    # 2 goes to 0 alone, which is left for 1 to red 1 and for 3 to 3: mostly red is first, but the time may never end
    away = -np.inf
    logits = np.array([[3.0, 2.0, away, 0.0], [0.0] * 4, [0.0, away, away, away], [0.0] * 4])
    table = mg.LogitTable(mg.StateSpace(4, 1), logits)
    assert arrival_exponents(table, [1], start=2).time.value == 1.0
    found = arrival_exponents(table, [1], start=2, avoiding=[3])
    assert (found.time.value, found.probability.value) == (np.inf, 0.0)
    # what is both red and to be avoided is red
    both = arrival_exponents(table, [1, 3], start=2, avoiding=[3])
    assert (both.time.value, both.probability.value) == (1.0, 0.0)


def test_starts_and_targets_that_are_none_are_refused():
    table = drawn_table((2, 2), 5, "float32")
    with pytest.raises(mg.InvalidInput, match="start must lie outside of the target, got one within; there the time"):
        arrival_exponents(table, [1, 2], start=2)
    with pytest.raises(mg.InvalidInput, match="target must mark at least one of the 4 states, got none"):
        arrival_exponents(table, [], start=2)
    with pytest.raises(
        mg.InvalidInput, match=r"target must be seen in a window of 2 tokens here, .* its energy_barrier"
    ):
        arrival_exponents(table, mg.red_tokens([0, 1, 1]), start=2)
    broken = mg.LogitTable(mg.StateSpace(2, 1), np.array([[np.nan, 0.0], [0.0, 0.0]]))
    with pytest.raises(mg.InvalidInput, match=r"a number for some token and NaN for none, got .* after the window"):
        arrival_exponents(broken, [1], start=0)


def test_too_many_traps_are_refused(monkeypatch):
    table = mg.LogitTable(mg.StateSpace(4, 1), np.eye(4))
    monkeypatch.setattr(searches, "MOST_TRANSITIONS", 63)
    with pytest.raises(mg.TooLarge, match="got 4 of 4 states x 4 tokens"):
        arrival_exponents(table, [1], start=0)


@pytest.mark.skipif(not NAMES.exists(), reason="the model of names is not here")
def test_the_time_of_a_trained_model_falls_to_its_exponent():
    table = mg.tabulate(mg.load_model(NAMES))
    limit = arrival_exponents(table, [5000], start=100).time.value
    off = []
    for temperature in (0.1, 0.05):
        chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))
        answer = mg.expected_hitting_time(chain, [5000], start=100)
        off.append(temperature * np.log(10) * answer.log10 - limit)
    assert 0 < off[1] < 0.65 * off[0] < 0.2
