"""Distances from the long run against fractions, and mixing times against the definition."""

import math
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis import mixing as module
from markovgpt.analysis.mixing import doeblin_bound, mixing_time, total_variation_from_stationarity
from markovgpt.solvers.certificate import Enclosure

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"
WEATHER = [[0.9, 0.1], [0.3, 0.7]]


def exact_distances(matrix, steps):
    """d_s(t) of each start s for t = 0 .. steps as fractions, of a chain with one recurrent class."""
    rows, n = oracles.exact_rows(matrix), len(matrix)
    states = mg.recurrent_classes(mg.SparseChain.from_matrix(matrix))[0].tolist()
    share = dict(zip(states, oracles.stationary(rows, states), strict=True))
    lived = [share.get(i, Fraction(0)) for i in range(n)]
    ahead = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    found = []
    for _ in range(steps + 1):
        found.append([sum(abs(x - p) for x, p in zip(row, lived, strict=True)) / 2 for row in ahead])
        ahead = [[sum(row[k] * rows[k][j] for k in range(n)) for j in range(n)] for row in ahead]
    return found


def within_bounds(answer, exact):
    """Whether an answer holds a fraction and is narrow."""
    return Fraction(answer.lower) <= exact <= Fraction(answer.upper) and answer.upper - answer.lower < 1e-10


@pytest.fixture(params=[1000, 0], ids=["small", "large"])
def way(request, monkeypatch):
    """Either way for any chain."""
    monkeypatch.setattr(module, "DENSE", request.param)
    return request.param


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(largest=4), st.integers(0, 6), st.booleans())
def test_distances_are_those_of_fractions(matrix, steps, is_large):
    chain = mg.SparseChain.from_matrix(matrix)
    if len(mg.recurrent_classes(chain)) > 1:
        return
    exact = exact_distances(matrix, steps)[steps]
    if not is_large:
        assert within_bounds(total_variation_from_stationarity(chain, steps), max(exact))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DENSE", 0 if is_large else 1000)
        for state, distance in enumerate(exact):
            assert within_bounds(total_variation_from_stationarity(chain, steps, start=state), distance)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(largest=4), st.sampled_from([0.6, 0.25, 0.01]))
def test_mixing_times_are_the_first_steps_within_epsilon(matrix, epsilon):
    chain = mg.SparseChain.from_matrix(matrix)
    found = mixing_time(chain, epsilon)
    classes = mg.recurrent_classes(chain)
    if len(classes) > 1 or epsilon < 1 - 1 / mg.period(chain, classes[0]):
        assert (found.lower, found.upper, found.is_exact) == (math.inf, math.inf, True)
        return
    assert found.lower <= found.upper
    distances = exact_distances(matrix, 12)
    for start in (None, 0):
        found = mixing_time(chain, epsilon, start=start)
        over = [max(each) if start is None else each[start] for each in distances]
        for steps, distance in enumerate(over):
            assert distance <= Fraction(epsilon) or found.upper > steps
            assert distance > Fraction(epsilon) or found.lower <= steps


@pytest.mark.parametrize("a", [0.3, 0.01, 1e-5, 1e-8])
@pytest.mark.parametrize("epsilon", [0.25, 1e-6, 1e-40, 1e-250])
def test_two_states_by_hand(a, epsilon):
    # symmetrical: d(t) = (1 - 2a)^t / 2
    found = mixing_time(mg.SparseChain.from_matrix([[1 - a, a], [a, 1 - a]]), epsilon)
    exact = math.log(2 * epsilon) / math.log1p(-2 * a)
    assert found.lower <= math.ceil(exact) * (1 + 1e-9) + 1
    assert exact * (1 - 1e-9) <= found.upper
    assert found.upper - found.lower <= exact * 1e-5
    if a > 1e-3:
        assert found.is_exact
        assert found.lower == math.ceil(exact)


def test_following_a_start_and_squaring_agree(way):
    chain = mg.SparseChain.from_matrix(WEATHER)
    # from the second state 3/4 of 0.6^t, from the first a quarter of it
    assert [mixing_time(chain, 0.01, start=state).lower for state in (0, 1)] == [7, 9]
    assert mixing_time(chain, 0.01, start=np.array([0.75, 0.25])).upper == 0
    assert mixing_time(chain, 0.01, start=np.array([0.5, 0.5])).lower == 7  # (1/4) 0.6^t
    answer = total_variation_from_stationarity(chain, 3, start=1)
    assert answer.value == pytest.approx(0.162, rel=1e-12)
    assert answer.method == ("powers of the matrix to step 3" if way else "3 products")


def test_roundings_of_many_steps_are_counted():
    # symmetrical, so the long run is a half each exactly, and d(t) = (1 - 2p)^t / 2 soon is far below the roundings
    matrix = [[2 / 3, 1 / 3], [1 / 3, 2 / 3]]
    stay, leave = oracles.exact_rows(matrix)[0]
    half = np.array([0.5, 0.5])
    followed = module._followed(
        mg.SparseChain.from_matrix(matrix), np.array([1.0, 0.0]), Enclosure(half, half, half, 0.0, "")
    )
    for steps, (below, above) in enumerate(islice(followed, 60)):
        assert Fraction(below) <= (stay - leave) ** steps / 2 <= Fraction(above)


def test_what_never_mixes_is_infinite_by_proof():
    swing = mg.SparseChain.from_matrix([[0.0, 1.0], [1.0, 0.0]])
    for start in (None, 0):
        found = mixing_time(swing, 0.49, start=start)
        assert (found.lower, found.upper, found.method) == (math.inf, math.inf, "graph search on the support")
        assert mixing_time(swing, 0.51, start=start).lower == 0  # TV is 1/2 at every step
    assert mixing_time(swing, 0.1, start=np.array([0.5, 0.5])).upper == 0
    several = mixing_time(chains.two_periods())
    assert several.lower == several.upper == math.inf
    assert mixing_time(chains.two_periods(), 0.3, start=3).lower == math.inf


def test_a_start_in_a_chain_of_several_classes_has_a_limit_of_its_own(way):
    # 0 stays with 1/2, else falls into 1 or 2: TV from (0, 1/2, 1/2) is (1/2)^t
    assert mixing_time(chains.trap(), 0.2, start=0).lower == 3
    assert mixing_time(chains.trap(), 0.2, start=0).upper == 3
    assert total_variation_from_stationarity(chains.trap(), 5, start=0).value == pytest.approx(1 / 32)
    assert mixing_time(chains.trap(), 0.2, start=1).upper == 0


def test_a_start_that_turns_for_ever_has_no_upper_bound(way):
    found = mixing_time(chains.two_periods(), 0.25, start=0)
    assert found.upper == math.inf
    assert found.lower > 1000
    assert not found.is_exact


def test_a_chain_too_slow_for_doubles_has_a_lower_bound():
    found = mixing_time(mg.SparseChain.from_matrix([[1 - 1e-16, 1e-16], [1e-17, 1]]))
    assert found.lower > 1e12
    assert found.upper == math.inf


def test_the_worst_start_of_a_large_chain_is_bounded_from_both_sides(monkeypatch):
    logits = np.random.default_rng(7).normal(size=(126, 2)) * 2
    chain = mg.WindowChain.from_logits(mg.LogitTable(mg.StateSpace(2, 6, with_prefixes=True), logits))
    exact = mixing_time(chain, 0.1)
    assert exact.is_exact
    monkeypatch.setattr(module, "DENSE", 10)
    wide = mixing_time(chain, 0.1)
    lived = mg.stationary_distributions(chain).only().value
    assert wide.lower == max(mixing_time(chain, 0.1, start=state).lower for state in module._bad_starts(chain, lived))
    assert exact.lower / 2 <= wide.lower <= exact.lower <= wide.upper <= exact.lower * 2
    assert wide.method.endswith("at least that of a bad start")
    with pytest.raises(mg.TooLarge, match=r"the worst of all starts needs at most 10 states, got 126; give a start"):
        total_variation_from_stationarity(chain, 3)
    with pytest.raises(mg.TooLarge, match=r"steps need at most 10 states, got 126"):
        doeblin_bound(chain, 3)


def test_temperature_zero_is_infinite_by_proof():
    logits = np.random.default_rng(3).normal(size=(14, 2))
    table = mg.LogitTable(mg.StateSpace(2, 3, with_prefixes=True), logits)
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0))
    sole = len(mg.recurrent_classes(chain)) == 1 and len(mg.recurrent_classes(chain)[0]) == 1
    assert (mixing_time(chain).upper == math.inf) != sole
    for start in range(14):
        assert total_variation_from_stationarity(chain, 5, start=start).upper <= 1


def test_the_doeblin_bound_by_hand():
    found = doeblin_bound(mg.SparseChain.from_matrix(WEATHER), 1)  # columns: 0.3 and 0.1
    assert (round(found.common, 12), round(found.least, 12), found.steps) == (0.4, 0.1, 1)
    chain = chains.uniform_windows(2, 3)
    assert doeblin_bound(chain).steps == 3
    assert doeblin_bound(chain).least == pytest.approx(1 / 8)
    assert doeblin_bound(chain, 2).common == 0  # two tokens do not renew three


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.booleans())
def test_the_bounds_by_what_is_common_hold_for_windows(seed, prefixes):
    space = mg.StateSpace(2, 3, with_prefixes=prefixes)
    logits = np.random.default_rng(seed).normal(size=(space.n_states, 2))
    chain = mg.WindowChain.from_logits(mg.LogitTable(space, logits))
    bound, exact = doeblin_bound(chain), mixing_time(chain, 1e-3)
    assert exact.is_exact
    assert exact.lower <= bound.steps_within(1e-3) <= bound.steps_by_least(1e-3)
    for steps in (0, 1, 5, 12):
        assert total_variation_from_stationarity(chain, steps).lower <= bound.distance(steps)


@pytest.mark.parametrize("epsilon", [0, 1, -0.1, 1.5, math.nan, 1e-301])
def test_an_epsilon_that_is_none_is_refused(epsilon):
    with pytest.raises(mg.InvalidInput, match=r"epsilon must be at least 1e-300 and below 1, got .*; 0.25 is usual"):
        mixing_time(mg.SparseChain.from_matrix(WEATHER), epsilon)


def test_bad_steps_and_starts_are_refused(way):
    chain = mg.SparseChain.from_matrix(WEATHER)
    for steps in (-1, 1.5, None, *([] if way else [10**6])):
        with pytest.raises(mg.InvalidInput, match=r"steps must be a whole number of at least 0"):
            total_variation_from_stationarity(chain, steps, start=0)
    with pytest.raises(mg.InvalidInput, match=r"start must lie in 0..1, got 7"):
        mixing_time(chain, start=7)
    if way:
        with pytest.raises(mg.InvalidInput, match=r"2 recurrent classes"):
            total_variation_from_stationarity(chains.trap(), 3)
    with pytest.raises(mg.InvalidInput, match=r"has no context length to take; give steps="):
        doeblin_bound(chain)
    with pytest.raises(mg.InvalidInput, match=r"steps must be a whole number of at least 1, got 0"):
        doeblin_bound(chain, 0)


def test_a_summary_is_plain():
    assert mixing_time(mg.SparseChain.from_matrix(WEATHER)).summary() == {
        "lower": 3,
        "upper": 3,
        "epsilon": 0.25,
        "method": "powers of the matrix",
    }


@pytest.mark.skipif(not NAMES.is_dir(), reason="no shared data here")
def test_a_model_of_names_from_both_sides():
    chain = mg.WindowChain.from_logits(mg.tabulate(mg.load_model(NAMES), with_prefixes=True))
    found = mixing_time(chain, start=0)
    lived, state = mg.stationary_distributions(chain).only().value, np.eye(1, chain.n_states)[0]
    distances = []
    for _ in range(8):
        distances.append(np.abs(state - lived).sum() / 2)
        state = chain.push(state)
    assert found.is_exact
    assert found.lower == next(steps for steps, distance in enumerate(distances) if distance <= 0.25)
    answer = total_variation_from_stationarity(chain, 4, start=0)
    assert answer.value == pytest.approx(distances[4], abs=1e-9)
    worst = mixing_time(chain)
    assert found.lower <= worst.lower <= worst.upper < 100
    assert next(islice(module._bad_starts(chain, lived), 1)) is not None
