"""Horizons against paths one by one, closed forms, and the hazard bracket far beyond both."""

from fractions import Fraction
from unittest.mock import patch

import mpmath
import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis import arrivals
from markovgpt.analysis.arrivals import FEW, LISTED_STEPS, MOST_STEPS, PLAIN_STEPS
from markovgpt.chains.listed import Products


@pytest.mark.parametrize("of_each", [FEW, 1])  # with 1 every start is followed by a list of what is ahead of it
@settings(max_examples=50, deadline=None, derandomize=True)
@given(matrices(largest=4), st.data())
def test_horizons_are_sums_over_paths(of_each, matrix, data):
    n = len(matrix)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    avoiding = data.draw(st.sets(st.integers(0, n - 1)))
    first = data.draw(st.integers(0, 3))
    last = data.draw(st.integers(first, 4))
    chain = mg.SparseChain.from_matrix(matrix)
    answer = mg.hitting_probability(chain, sorted(target), within=(first, last), avoiding=sorted(avoiding) or None)
    # a target that is also to be avoided counts as reached when it is entered, but may not be left before `first`
    expected = oracles.within(oracles.exact_rows(matrix), target, first, last, avoiding)
    for state, exact in enumerate(expected):
        oracles.assert_encloses(answer, exact, state)
        with patch.multiple(arrivals, FEW=of_each, LISTED_STEPS=0):
            from_here = mg.hitting_probability(
                chain, sorted(target), start=state, within=(first, last), avoiding=sorted(avoiding) or None
            )
        oracles.assert_encloses(from_here, exact)
        assert (answer.lower[state] == 1) == (from_here.lower == 1) == (exact == 1)  # what is sure is proved


# at the lower temperature some steps have a probability below the doubles
@pytest.mark.parametrize(("dtype", "temperature"), [(np.float64, 1.0), (np.float32, 1.0), (np.float64, 0.002)])
@pytest.mark.parametrize("target", ["11", "1111110", ["11", "0000000"]])
def test_the_few_windows_ahead_of_a_start_are_followed_as_all_are(dtype, temperature, target, monkeypatch):
    logits = np.random.default_rng(8).normal(size=(mg.StateSpace(3, 5, with_prefixes=True).n_states, 3))
    table = mg.LogitTable(mg.StateSpace(3, 5, with_prefixes=True), logits, mg.Vocabulary(list("012")))
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature, top_k=2), dtype=dtype)
    listed = []
    monkeypatch.setattr(arrivals, "Products", lambda *given: listed.append(given) or Products(*given))
    for within in ((0, 40), (LISTED_STEPS, 50)):
        ask = {"start": "0", "within": within, "stop_tokens": [2], "avoiding": "101"}
        few = mg.hitting_probability(chain, target, **ask)
        with patch.object(arrivals, "MOST_LISTED", 0):
            all_ = mg.hitting_probability(chain, target, **ask)
        assert few.lower <= all_.upper
        assert all_.lower <= few.upper
        assert few.log10 == pytest.approx(all_.log10, abs=1e-12)
    assert len(listed) == 2


def test_a_deterministic_chain_of_length_five_has_no_off_by_one():
    for within, expected in [(0, 0), (4, 0), (5, 1), (6, 1), (10**15, 1), ((5, 5), 1), ((0, 4), 0), ((6, 9), 1)]:
        answer = mg.hitting_probability(chains.line(), [5], start=0, within=within)
        assert answer.value == pytest.approx(expected, abs=1e-12)
        assert answer.lower <= expected <= answer.upper
        if not expected:
            assert answer.upper == 0


def test_an_interval_may_begin_after_a_first_visit():
    # 0 -> 1 -> 2 -> 2: state 1 is visited at step 1 only
    chain = mg.SparseChain.from_matrix([[0, 1, 0], [0, 0, 1], [0, 0, 1]])
    ask = [mg.hitting_probability(chain, [1], start=0, within=interval).value for interval in ((0, 5), (1, 1), (2, 5))]
    assert ask == [1, 1, 0]
    # what is to be avoided is avoided before the interval too
    assert mg.hitting_probability(chain, [2], start=0, within=(2, 3), avoiding=[1]).upper == 0


def test_within_zero_is_the_indicator():
    answer = mg.hitting_probability(chains.gambler(), [1, 3], within=0)
    assert answer.lower.tolist() == answer.upper.tolist() == [0, 1, 0, 1]


def test_a_run_within_as_many_steps_is_its_product():
    p = Fraction(1e-40) / (Fraction(1e-40) + 1)
    answer = mg.hitting_probability(chains.rare_run(), [20], start=0, within=20)
    oracles.assert_encloses(answer, p**20)
    assert (answer.value, answer.lower) == (0.0, 0.0)
    assert 0 < answer.upper < 1e-300
    assert mg.hitting_probability(chains.rare_run(), [20], start=0, within=19).upper == 0


def leaving(p, loss=0.0):
    """Stay with what is left, be hit with p, be lost with ``loss``."""
    return mg.SparseChain.from_matrix([[1 - p - loss, p, loss], [0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("steps", [PLAIN_STEPS, PLAIN_STEPS + 1, 10**6, 10**13, 10**15])
@pytest.mark.parametrize(("p", "loss"), [(8e-23, 0.0), (1e-13, 0.0), (1e-5, 2e-5), (0.25, 1e-9), (1e-300, 1e-3)])
def test_geometric_waiting_is_bracketed_at_any_horizon(p, loss, steps):
    answer = mg.hitting_probability(leaving(p, loss), [1], start=0, within=steps)
    with mpmath.workdps(60):
        weights = [mpmath.mpf(1 - p - loss), mpmath.mpf(p), mpmath.mpf(loss)]
        stay, hit = weights[0] / sum(weights), weights[1] / sum(weights)
        exact = hit * (-mpmath.expm1(steps * mpmath.log1p(stay - 1))) / (1 - stay)
        assert answer.lower <= exact <= answer.upper
        assert answer.log10_lower <= mpmath.log10(exact) <= answer.log10_upper
        assert answer.upper / answer.lower - 1 < 1e-10


def test_a_mixing_chain_is_bracketed_after_few_steps():
    generator = np.random.default_rng(2)
    matrix = generator.random((6, 6))
    matrix[:, 5] *= 1e-12
    matrix[5] = [0, 0, 0, 0, 0, 1]
    matrix /= matrix.sum(axis=1, keepdims=True)
    rows = oracles.exact_rows(matrix)
    steps = 10**9
    with mpmath.workdps(60):
        q = mpmath.matrix([[mpmath.mpf(x.numerator) / x.denominator for x in row[:5]] for row in rows[:5]])
        alive = (q**steps) * mpmath.ones(5, 1)
        answer = mg.hitting_probability(mg.SparseChain.from_matrix(matrix), [5], within=steps)
        for state in range(5):
            assert answer.lower[state] <= 1 - alive[state] <= answer.upper[state]
    assert (answer.upper / answer.lower - 1).max() < 1e-9
    assert answer.iterations < 200
    assert "hazard bracket to step 1000000000" in answer.method


def test_steps_after_which_nothing_can_come_are_not_taken_nor_told_of():
    line = mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5], [0, 0, 1, 0], [0, 0, 0, 1]])
    answer = mg.hitting_probability(line, [3], within=10**15)  # from 0 by way of 1 alone; 2 leads nowhere
    assert answer.value.tolist() == [0.25, 0.5, 0, 1]
    assert answer.method == "3 products"
    assert answer.iterations == 3


@pytest.mark.parametrize("steps", [10**7, 10**7 + 1, 10**15, 10**15 + 1])
def test_what_survives_in_a_cycle_is_bracketed_over_whole_rounds(steps):
    # period 2: the end can be entered from state 1 only, every other step; from 0 after 2, 4, ...
    chain = mg.SparseChain.from_matrix([[0, 1, 0], [1 - 1e-6, 0, 1e-6], [0, 0, 1]])
    p = Fraction(1e-6) / (Fraction(1 - 1e-6) + Fraction(1e-6))
    with mpmath.workdps(60):
        for start, rounds in ((0, steps // 2), (1, (steps + 1) // 2)):
            answer = mg.hitting_probability(chain, [2], start=start, within=steps)
            exact = -mpmath.expm1(rounds * mpmath.log1p(-mpmath.mpf(p.numerator) / p.denominator))
            assert answer.lower <= exact <= answer.upper
            assert answer.upper / answer.lower < 1 + 1e-9
            assert answer.iterations < 200


@pytest.mark.slow
def test_a_bracket_that_stays_wide_says_so_and_still_holds():
    # two states that never meet, with hazards of 1e-6 and 1e-3, reached from 0 with even chances
    chain = mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 1 - 1e-6, 0, 1e-6], [0, 0, 1 - 1e-3, 1e-3], [0, 0, 0, 1]])
    steps = 10**6
    answer = mg.hitting_probability(chain, [3], start=0, within=steps)
    exact = -0.5 * (np.expm1((steps - 1) * np.log1p(-1e-6)) + np.expm1((steps - 1) * np.log1p(-1e-3)))
    assert answer.lower <= exact <= answer.upper
    assert 0 <= answer.value <= 1
    assert "wide: what survives is periodic or splits" in answer.method


def test_the_distribution_after_n_steps_is_a_power_of_the_matrix():
    rows = oracles.exact_rows([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.0, 0.0, 1.0]])
    exact = [Fraction(1), Fraction(0), Fraction(0)]
    for _ in range(7):
        exact = [sum(exact[i] * rows[i][j] for i in range(3)) for j in range(3)]
    chain = mg.SparseChain.from_matrix([[float(x) for x in row] for row in rows])
    answer = mg.transient_distribution(chain, 0, 7)
    for state in range(3):
        oracles.assert_encloses(answer, exact[state], state)


def test_no_step_leaves_the_start_as_it_is():
    answer = mg.transient_distribution(chains.gambler(), 1, 0)
    assert answer.lower.tolist() == answer.upper.tolist() == [0, 1, 0, 0]


def test_a_distribution_below_the_doubles_has_logarithms():
    answer = mg.transient_distribution(chains.rare_run(), 0, 20)
    assert answer.log10[20] == pytest.approx(-800, abs=1e-9)
    assert answer.log10[5] == pytest.approx(-200, abs=1e-9)


@pytest.mark.parametrize("within", [-1, 2.5, "ten", True, (3, 2), (-1, 2), (1, 2, 3), (0, 0.5)])
def test_a_horizon_that_means_nothing_is_refused(within):
    with pytest.raises(mg.InvalidInput, match=r"within must be a whole number n of at least 0, or \(a, b\)"):
        mg.hitting_probability(chains.line(), [5], start=0, within=within)


def test_an_interval_that_begins_too_late_is_refused():
    with pytest.raises(mg.InvalidInput, match="an interval must begin at step 65536 at the latest"):
        mg.hitting_probability(chains.line(), [5], within=(MOST_STEPS + 1, MOST_STEPS + 2))


@pytest.mark.parametrize("steps", [-1, 0.5, MOST_STEPS + 1])
def test_a_number_of_steps_out_of_range_is_refused(steps):
    with pytest.raises(mg.InvalidInput, match=r"steps must be a whole number in 0..65536"):
        mg.transient_distribution(chains.line(), 0, steps)


def test_what_every_path_has_done_by_then_is_certain_exactly():
    # 0 leads to 1 or 2, both of them to 3, which is never left; 4 may wait
    rows = [[0, 0.3, 0.7, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0.5, 0.5]]
    chain = mg.SparseChain.from_matrix(rows)
    by_two = mg.hitting_probability(chain, [3], within=2)
    for bound in (by_two.value, by_two.lower, by_two.upper):
        assert bound[:4].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert by_two.lower[4] <= 0.75 <= by_two.upper[4] < 1
    for horizon in (2, 200, 300, 10**12):
        answer = mg.hitting_probability(chain, [3], start=0, within=horizon)
        assert (answer.lower, answer.upper, answer.method) == (1.0, 1.0, "graph search on the support")
    assert mg.hitting_probability(chain, [3], start=0, within=1).value == 0.0
    avoiding = mg.hitting_probability(chain, [3], start=0, within=2, avoiding=[1])
    assert avoiding.upper < 0.7 + 1e-12
    assert mg.hitting_probability(chain, [1, 2], start=0, within=1, avoiding=[1]).lower == 1.0  # in both: reached
    both = np.array([0.5, 0, 0.5, 0, 0])
    assert mg.hitting_probability(chain, [3], start=both, within=2).lower == 1.0
    assert mg.hitting_probability(chain, [3], start=np.array([0.5, 0, 0, 0, 0.5]), within=2).upper < 0.875 + 1e-12
