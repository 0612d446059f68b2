"""Conditioning on the target against exact fractions, the gambler's formula and chances of 1e-800."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt import memory
from markovgpt.analysis import conditional
from markovgpt.analysis.conditional import conditional_chain, conditional_hitting_time
from markovgpt.analysis.reachability import ever_reached


def exact_times(rows, target, avoiding=()):
    """E_i[T | T < infinity], exactly, by the equation g = Q g + h for g = E_i[T ; T < infinity]; None where h is 0."""
    ends, h = set(target), oracles.hitting(rows, target, avoiding)
    live = [i for i in range(len(rows)) if h[i] > 0 and i not in ends]
    solved = dict(zip(live, oracles.solve(oracles.identity_minus(rows, live), [h[i] for i in live]), strict=True))
    return [solved.get(i, Fraction(0)) / h[i] if h[i] else None for i in range(len(rows))]


def drawn(matrix, data):
    """A target, and other states to avoid."""
    target = data.draw(st.sets(st.integers(0, len(matrix) - 1), min_size=1))
    return sorted(target), sorted(data.draw(st.sets(st.integers(0, len(matrix) - 1))) - target)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_times_are_the_exact_ones_from_every_start(matrix, data):
    target, avoiding = drawn(matrix, data)
    chain, rows = mg.SparseChain.from_matrix(matrix), oracles.exact_rows(matrix)
    for start, exact in enumerate(exact_times(rows, target, avoiding)):
        if exact is None:
            with pytest.raises(mg.InvalidInput, match="a start must lead to the target to be conditioned on it"):
                conditional_hitting_time(chain, target, start=start, avoiding=avoiding or None)
        else:
            answer = conditional_hitting_time(chain, target, start=start, avoiding=avoiding or None)
            oracles.assert_encloses(answer, exact)


@pytest.mark.parametrize("coins", [2, 5, 10])
def test_a_fair_gambler_who_wins_has_played_as_the_formula_says(coins):
    chain = chains.gambler(win=0.5, coins=coins)
    for start in range(1, coins + 1):
        answer = conditional_hitting_time(chain, [coins], start=start)
        oracles.assert_encloses(answer, Fraction(coins**2 - start**2, 3))


def test_a_deterministic_chain_of_length_five_takes_five_steps():
    for start in range(6):
        answer = conditional_hitting_time(chains.line(), [5], start=start)
        assert answer.value == pytest.approx(5 - start, abs=1e-12)
        assert answer.lower <= 5 - start <= answer.upper
    within = conditional_hitting_time(chains.line(), [5], start=5)
    assert (within.lower, within.value, within.upper) == (0, 0, 0)


@pytest.mark.parametrize("word", [(1, 1, 1), (1, 0, 1), (1, 0, 0)])
def test_what_is_sure_takes_as_long_as_conway_says(word):
    chain = chains.uniform_windows(2, 3)
    red = mg.ending_with(chain.space, word)
    answer = conditional_hitting_time(chain, red, start=np.full(8, 1 / 8))
    oracles.assert_encloses(answer, Fraction(chains.conway_number(word, 2) - 3))


def test_a_goal_of_1e_157_is_conditioned_on():
    rows = oracles.exact_rows(chains.ladder().to_csr().toarray())
    answer = conditional_hitting_time(chains.ladder(), [16], start=0)
    oracles.assert_encloses(answer, exact_times(rows, [16])[0])
    assert answer.upper / answer.lower - 1 < 1e-9


def fallen(length=20, chance=1e-40):
    """A run of successes that a failure ends for good: it takes ``length`` steps if it comes, with 1e-800."""
    matrix = np.zeros((length + 2, length + 2))
    for done in range(length):
        matrix[done, done + 1], matrix[done, length + 1] = chance, 1 - chance
    matrix[length, length] = matrix[length + 1, length + 1] = 1
    return mg.SparseChain.from_matrix(matrix)


def test_a_run_of_1e_800_that_comes_takes_its_length():
    oracles.assert_encloses(conditional_hitting_time(fallen(), [20], start=0), Fraction(20))
    found = conditional_chain(fallen(), [20])
    assert found.n_states == 21
    assert found.to_csr().toarray() == pytest.approx(chains.line(20).to_csr().toarray(), rel=1e-15)


def test_a_start_is_weighed_by_its_chance():
    # half at 1 and half at 2 of 3 coins: those who win started at 2 with 4 / 5
    begin = np.array([0, 0.5, 0.5, 0])
    times = exact_times(oracles.exact_rows(chains.gambler().to_csr().toarray()), [3])
    exact = (times[1] * Fraction(1, 13) + times[2] * Fraction(4, 13)) / Fraction(5, 13)
    oracles.assert_encloses(conditional_hitting_time(chains.gambler(), [3], start=begin), exact)
    half_won = np.array([0.25, 0.25, 0, 0.5])
    exact = times[1] * Fraction(1, 52) / (Fraction(1, 52) + Fraction(1, 2))
    oracles.assert_encloses(conditional_hitting_time(chains.gambler(), [3], start=half_won), exact)


def test_a_wide_committor_makes_a_wide_time(monkeypatch):
    def widened(asked):
        found = ever_reached(asked)
        return replace(found, lower=found.lower * 0.9, upper=found.upper * 1.1)

    monkeypatch.setattr(conditional, "ever_reached", widened)
    answer = conditional_hitting_time(chains.gambler(), [3], start=1)
    assert answer.value == pytest.approx(32 / 13, rel=1e-12)
    assert answer.lower == pytest.approx(32 / 13 * 0.9 / 1.1, rel=1e-12)
    assert answer.upper == pytest.approx(32 / 13 * 1.1 / 0.9, rel=1e-12)


def test_stop_tokens_are_survived():
    chain = chains.uniform_windows(3, 2)  # red 1 and stop 2: the first of them is as late if it is known to be red
    red = mg.ending_with(chain.space, (1,))
    answer = conditional_hitting_time(chain, red, start=(0, 0), stop_tokens=[2])
    oracles.assert_encloses(answer, Fraction(3, 2))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_the_conditioned_chain_is_the_exact_one(matrix, data):
    target, avoiding = drawn(matrix, data)
    rows = oracles.exact_rows(matrix)
    h = oracles.hitting(rows, target, avoiding)
    kept = [i for i in range(len(rows)) if h[i] > 0]
    found = conditional_chain(mg.SparseChain.from_matrix(matrix), target, avoiding=avoiding or None)
    assert found.labels == tuple(map(str, kept))
    listed = {
        (kept[i], kept[j]): p
        for i, j, p in zip(
            found.transitions.source,
            found.transitions.target,
            mg.ScaledArray.of(found.transitions.probability).log10(),
            strict=True,
        )
    }
    for i in kept:
        for j in range(len(rows)):
            exact = Fraction(int(i == j)) if i in target else rows[i][j] * h[j] / h[i]
            if exact:
                assert listed.pop((i, j)) == pytest.approx(float(oracles.log10(exact)), rel=1e-12, abs=1e-12)
    assert not listed


def test_the_conditioned_chain_reaches_the_target_when_it_should():
    chain = chains.gambler(coins=6)
    found = conditional_chain(chain, [6])
    assert found.labels == ("1", "2", "3", "4", "5", "6")
    times = exact_times(oracles.exact_rows(chain.to_csr().toarray()), [6])
    for state, label in enumerate(found.labels):
        assert mg.hitting_probability(found, [5], start=state).lower == 1  # proved: nothing else is left
        assert mg.expected_hitting_time(found, [5], start=state).value == pytest.approx(
            float(times[int(label)]), rel=1e-12
        )


def test_windows_stay_windows():
    chain = chains.uniform_windows(3, 2)
    red = mg.ending_with(chain.space, (1,))
    found = conditional_chain(chain, red, start=(0, 0), avoiding=mg.ending_with(chain.space, (2,)))
    assert found.labels == ("00", "01")
    assert found.space.decode(1) == (0, 1)
    assert found.to_csr().toarray() == pytest.approx(np.array([[1 / 3, 2 / 3], [0, 1]]), rel=1e-14)
    assert mg.hitting_probability(found, mg.ending_with(found.space, (1,)), start=(0, 0)).lower == 1


def test_a_start_keeps_what_it_meets():
    assert conditional_chain(chains.line(), [5], start=3).labels == ("3", "4", "5")
    assert conditional_chain(chains.line(), [5], start=5).labels == ("5",)
    assert conditional_chain(chains.trap(), [1, 2], start=1).labels == ("1",)


def test_chances_below_the_doubles_stay_transitions():
    # from 0 on with 1e-200 at 1 and at 2, or directly with 1/2: the way round has 1e-400 beside it
    matrix = [[0, 1e-200, 0, 0.5, 0.5], [0, 0, 1e-200, 0, 1], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    found = conditional_chain(mg.SparseChain.from_matrix(matrix), [3], start=0)
    assert found.labels == ("0", "1", "2", "3")
    assert found.transitions.probability.log10() == pytest.approx([np.log10(2) - 400, 0, 0, 0, 0], abs=1e-12)


def test_what_cannot_be_conditioned_on_is_refused():
    for ask in (conditional_hitting_time, conditional_chain):
        with pytest.raises(mg.InvalidInput, match="a start must lead to the target to be conditioned on it"):
            ask(chains.trap(), [2], start=1)
        with pytest.raises(mg.InvalidInput, match="a start must lead to the target to be conditioned on it"):
            ask(chains.gambler(), [3], start=0, avoiding=[0])
    with pytest.raises(mg.InvalidInput, match="start must be given"):
        conditional_hitting_time(chains.trap(), [2], start=None)


def test_what_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match=r"ask only about what can be reached from a start"):
        conditional_chain(chains.gambler(), [3])


def test_given_a_text_longer_than_the_window():
    # even coins, three ones in a row before a stop at the first 0 that is written: 1/8, and always 111
    coins = mg.WindowChain(mg.StateSpace(2, 2), np.full((4, 2), 0.5))
    red = mg.red_tokens((1, 1, 1))
    given = mg.conditional_chain(coins, red, start=(0, 0), stop_tokens=(0,))
    assert given.labels == ("01", "11", "11 [6]", "00 [0]")
    assert given.to_csr().toarray().tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
    assert given.space is None  # two of its states have the window 11
    assert mg.conditional_hitting_time(coins, red, start=(0, 0), stop_tokens=(0,)).value == pytest.approx(3)
