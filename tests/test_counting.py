"""Counts against fractions step by step, closed forms at any length, and the long run."""

import math
from fractions import Fraction

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis.counting import expected_count, occurrence_rate


def exact_count(rows, target, start, tokens, avoiding=()):
    """How often the target is entered at steps 1 .. n before anything to avoid was entered, exactly."""
    n, count = len(rows), Fraction(0)
    mass = [Fraction(int(i == start and i not in avoiding)) for i in range(n)]
    for _ in range(tokens):
        mass = [sum(mass[i] * rows[i][j] for i in range(n)) for j in range(n)]
        count += sum(mass[i] for i in target)
        mass = [Fraction(0) if i in avoiding else x for i, x in enumerate(mass)]
    return count


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_counts_are_the_exact_ones(matrix, data):
    n = len(matrix)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    avoiding = data.draw(st.sets(st.integers(0, n - 1)))
    start, tokens = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, 6))
    answer = expected_count(
        mg.SparseChain.from_matrix(matrix),
        sorted(target),
        start=start,
        tokens=tokens,
        avoiding=sorted(avoiding) or None,
    )
    oracles.assert_encloses(answer, exact_count(oracles.exact_rows(matrix), target, start, tokens, avoiding))


@pytest.mark.parametrize("tokens", [0, 2, 3, 1000, 10**15, 10**20])
def test_a_word_is_expected_once_in_v_to_its_length(tokens):
    # from 000 the word 111 can end at step 3 at the earliest, and from then on the last three tokens are any
    chain = chains.uniform_windows(2, 3)
    answer = expected_count(chain, mg.ending_with(chain.space, (1, 1, 1)), start=(0, 0, 0), tokens=tokens)
    oracles.assert_encloses(answer, Fraction(max(tokens - 2, 0), 8))
    assert answer.iterations <= 128
    assert answer.lower == 0 or answer.upper / answer.lower < 1 + 1e-10


def test_a_window_that_holds_the_word_already_has_written_nothing():
    chain = chains.uniform_windows(2, 3)
    red = mg.ending_with(chain.space, (1, 1, 1))
    assert expected_count(chain, red, start=(1, 1, 1), tokens=0).upper == 0
    oracles.assert_encloses(expected_count(chain, red, start=(1, 1, 1), tokens=1), Fraction(1, 2))


@pytest.mark.parametrize("tokens", [63, 64, 65, 66, 67, 1000, 10**15 + 1])
def test_a_round_of_three_comes_by_every_third_step(tokens):
    cycle = mg.SparseChain.from_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    for start in range(3):
        answer = expected_count(cycle, [0], start=start, tokens=tokens)
        oracles.assert_encloses(answer, Fraction((tokens + start) // 3))


def stopping():
    """From 0: on to itself with 1/2, to the red 1 with 1/4, to the end 2 with 1/4; from 1 back to 0."""
    return mg.SparseChain.from_matrix([[0.5, 0.25, 0.25], [1, 0, 0], [0, 0, 1]])


def test_an_end_leaves_a_geometric_count():
    # each time at 0, what is left is red with 1/2 or the end with 1/2: 1 red on average
    for options in ({"avoiding": [2]}, {}):
        answer = expected_count(stopping(), [1], start=0, tokens=10**12, **options)
        oracles.assert_encloses(answer, Fraction(1))
        assert answer.upper - answer.lower < 1e-10


def test_a_red_end_counts_once():
    chain = stopping()
    oracles.assert_encloses(expected_count(chain, [2], start=0, tokens=10**6, avoiding=[2]), Fraction(1))
    oracles.assert_encloses(expected_count(chain, [2], start=2, tokens=9), Fraction(9))
    assert expected_count(chain, [2], start=2, tokens=9, avoiding=[2]).upper == 0
    assert expected_count(chain, [1], start=2, tokens=9).upper == 0


def test_stop_tokens_end_the_text():
    chain = chains.uniform_windows(3, 2)  # each token: red 1, stop 2, or neither
    answer = expected_count(chain, mg.ending_with(chain.space, (1,)), start=(0, 0), tokens=10**9, stop_tokens=[2])
    assert answer.value == pytest.approx(1, rel=1e-12)  # 1/3 + (2/3) / 3 + ...; rows of 1/3 are rounded
    oracles.assert_encloses(answer, Fraction(1))


def test_a_count_below_the_doubles_has_logarithms():
    p = Fraction(1e-40) / (Fraction(1e-40) + 1)
    answer = expected_count(chains.rare_run(), [20], start=0, tokens=20)
    oracles.assert_encloses(answer, p**20)
    assert answer.value == 0
    assert answer.upper > 0


def test_a_start_may_be_a_distribution():
    begin = np.array([0.25, 0.5, 0.25])
    exact = sum(
        Fraction(b) * exact_count(oracles.exact_rows(stopping().to_csr().toarray()), {1}, start, 4)
        for start, b in enumerate(begin.tolist())
    )
    oracles.assert_encloses(expected_count(stopping(), [1], start=begin, tokens=4), exact)


def test_only_the_class_that_is_reached_counts():
    # two coins that never meet, red on every other toss and on every fourth
    chain = mg.SparseChain.from_matrix([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.75, 0.25], [0, 0, 0.75, 0.25]])
    for start, rate in ((0, Fraction(1, 2)), (2, Fraction(1, 4))):
        answer = expected_count(chain, [1, 3], start=start, tokens=10**9)
        oracles.assert_encloses(answer, rate * 10**9)
        assert answer.upper / answer.lower < 1 + 1e-10


@pytest.mark.parametrize("tokens", [-1, 2.5, True, "many"])
def test_a_number_of_tokens_that_means_nothing_is_refused(tokens):
    with pytest.raises(mg.InvalidInput, match="tokens must be a whole number of at least 0"):
        expected_count(chains.line(), [5], start=0, tokens=tokens)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_rates_are_those_of_the_long_run(matrix, data):
    n = len(matrix)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    start = data.draw(st.integers(0, n - 1))
    chain, rows, exact = mg.SparseChain.from_matrix(matrix), oracles.exact_rows(matrix), Fraction(0)
    for states in mg.recurrent_classes(chain):
        share = oracles.stationary(rows, states.tolist())
        inside = sum(x for state, x in zip(states.tolist(), share, strict=True) if state in target)
        exact += inside * oracles.hitting(rows, states.tolist())[start]
    oracles.assert_encloses(occurrence_rate(chain, sorted(target), start=start, per=1000), 1000 * exact)


def test_an_irreducible_chain_needs_no_start():
    chain = chains.uniform_windows(2, 4)
    red = mg.ending_with(chain.space, (1, 0, 1))
    oracles.assert_encloses(occurrence_rate(chain, red), Fraction(125))
    oracles.assert_encloses(occurrence_rate(chain, red, start=(0, 0, 0, 0), per=8), Fraction(1))


def test_a_prompts_windows_are_transient_and_never_come_back():
    assert occurrence_rate(chains.line(), [2]).upper == 0
    oracles.assert_encloses(occurrence_rate(chains.line(), [5]), Fraction(1000))


def test_several_classes_need_a_start():
    with pytest.raises(mg.InvalidInput, match="got one with 2 recurrent classes: 1, 2"):
        occurrence_rate(chains.two_periods(), [1])
    oracles.assert_encloses(occurrence_rate(chains.two_periods(), [1], start=0), Fraction(125))
    assert occurrence_rate(chains.two_periods(), [1], start=3).upper == 0


@pytest.mark.parametrize("per", [0, -1, math.inf, math.nan])
def test_a_number_of_tokens_to_count_in_is_above_zero(per):
    with pytest.raises(mg.InvalidInput, match="per must be a number of tokens above 0"):
        occurrence_rate(chains.line(), [5], per=per)


def test_a_text_that_was_complete_where_the_chain_stops_stays_complete():
    # even coins from 00, stopped by the first 1: 0001 is what was written unless the very next token is that 1
    model = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=2)
    chain = mg.reachable_chain(model, mg.SamplingSettings(), (0, 0))
    stopped = mg.with_absorbing(chain, [chain.space.encode((0, 1))])
    found = mg.occurrence_rate(stopped, mg.red_tokens((0, 0, 0, 1)), start=(0, 0), per=1)
    assert found.lower <= 0.5 <= found.upper
