"""Hitting, times, rewards, visits and absorption against exact fractions and chains solved by hand."""

import json
from fractions import Fraction

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg


def draw_states(data, n, *, at_least=1):
    """Some of n states."""
    return sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=min(at_least, n), max_size=n)))


def check_against_fractions(matrix, target, avoiding):
    """Every question about one chain, every start, compared exactly."""
    rows, chain = oracles.exact_rows(matrix), mg.SparseChain.from_matrix(matrix)
    n = len(rows)
    answer = mg.hitting_probability(chain, target, avoiding=avoiding or None)
    for state, exact in enumerate(oracles.hitting(rows, target, avoiding)):
        oracles.assert_encloses(answer, exact, state)
    reward = [(7 * state) % 3 / 4 for state in range(n)]
    for weights, answer in (
        ([1] * n, mg.expected_hitting_time(chain, target)),
        (reward, mg.expected_reward(chain, reward, target)),
    ):
        for state, exact in enumerate(oracles.expected_reward(rows, weights, target)):
            oracles.assert_encloses(answer, exact, state)
    ends = mg.absorption_probabilities(chain)
    for column, states in enumerate(ends.classes):
        for state, exact in enumerate(oracles.hitting(rows, states.tolist())):
            oracles.assert_encloses(ends, exact, (state, column))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_every_answer_is_the_exact_one(matrix, data):
    target = draw_states(data, len(matrix))
    avoiding = [state for state in draw_states(data, len(matrix), at_least=0) if state not in target]
    check_against_fractions(matrix, target, avoiding)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_ten_thousand_chains_are_answered_exactly(matrix, data):
    target = draw_states(data, len(matrix))
    avoiding = [state for state in draw_states(data, len(matrix), at_least=0) if state not in target]
    check_against_fractions(matrix, target, avoiding)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_visits_are_the_exact_ones_where_the_target_is_sure(matrix, data):
    n = len(matrix)
    target = draw_states(data, n)
    start = data.draw(st.integers(0, n - 1))
    chain, rows = mg.SparseChain.from_matrix(matrix), oracles.exact_rows(matrix)
    if None in oracles.expected_reward(rows, [1] * n, target):
        return
    answer = mg.expected_visits(chain, target, start)
    for state, exact in enumerate(oracles.visits(rows, target, start)):
        oracles.assert_encloses(answer, exact, state)


def test_the_gambler_wins_as_the_formula_says():
    answer = mg.hitting_probability(chains.gambler(), [3])
    for state, exact in enumerate((Fraction(0), Fraction(1, 13), Fraction(4, 13), Fraction(1))):
        oracles.assert_encloses(answer, exact, state)


def test_hitting_probabilities_satisfy_their_equation():
    generator = np.random.default_rng(11)
    matrix = generator.random((40, 40)) ** 8
    matrix[0] = matrix[1] = 0
    matrix[0, 0] = matrix[1, 1] = 1
    matrix /= matrix.sum(axis=1, keepdims=True)
    value = mg.hitting_probability(mg.SparseChain.from_matrix(matrix), [0]).value
    assert matrix[2:] @ value == pytest.approx(value[2:], rel=1e-13)
    assert (value[0], value[1]) == (1, 0)


def test_times_satisfy_their_equation():
    chain = chains.uniform_windows(3, 3)
    value = mg.expected_hitting_time(chain, [5]).value
    expected = 1 + chain.to_csr() @ value
    expected[5] = 0
    assert value == pytest.approx(expected, rel=1e-13)


def test_a_trap_that_avoids_the_target_is_a_proved_zero():
    answer = mg.hitting_probability(chains.trap(), [2])
    assert (answer.lower[1], answer.value[1], answer.upper[1]) == (0, 0, 0)
    assert answer.log10_upper[1] == -np.inf
    oracles.assert_encloses(answer, Fraction(1, 2), 0)
    assert mg.expected_hitting_time(chains.trap(), [2]).lower.tolist() == [np.inf, np.inf, 0]


def test_an_absorbing_target_is_hit_from_itself():
    answer = mg.hitting_probability(chains.trap(), [2], start=2)
    assert (answer.lower, answer.value, answer.upper) == (1, 1, 1)
    assert mg.expected_hitting_time(chains.trap(), [2], start=2).upper == 0


def test_an_exit_through_a_self_loop_of_almost_one_takes_its_time():
    answer = mg.expected_hitting_time(chains.slow_exit(), [1], start=0)
    oracles.assert_encloses(answer, chains.slow_exit_time())
    assert answer.value == pytest.approx(1e13, rel=1e-12)
    assert answer.upper / answer.lower - 1 < 1e-12


def test_the_ladders_goal_has_probability_1e_157():
    answer = mg.hitting_probability(chains.ladder(), [16], start=0)
    oracles.assert_encloses(answer, chains.ladder_probability())
    assert answer.value == pytest.approx(1.0000000999e-157, rel=1e-10)
    assert answer.upper / answer.lower - 1 < 1e-10


def test_a_run_of_1e_800_keeps_its_digits():
    chain, p = chains.rare_run(), Fraction(1e-40)
    p = p / (p + Fraction(1.0))  # 1 - 1e-40 is stored as 1: the chain is the exact normalisation of what is stored
    answer = mg.expected_hitting_time(chain, [20], start=0)
    exact = (1 - p**20) / ((1 - p) * p**20)
    oracles.assert_encloses(answer, exact)
    assert (answer.value, answer.upper) == (np.inf, np.inf)
    assert answer.lower == np.finfo(float).max
    assert answer.log10 == pytest.approx(800, abs=1e-9)
    before_failure = mg.hitting_probability(mg.SparseChain.from_matrix(_with_failure(chain)), [20], start=0)
    oracles.assert_encloses(before_failure, p**20)
    assert (before_failure.value, before_failure.lower) == (0, 0)
    assert 0 < before_failure.upper < 1e-300


def _with_failure(chain):
    """The run, but a failure leads to a state of its own that is never left."""
    matrix = chain.to_csr().toarray()
    n = len(matrix)
    wider = np.zeros((n + 1, n + 1))
    wider[:n, :n] = matrix
    wider[: n - 1, n] = matrix[: n - 1, 0]
    wider[: n - 1, 0] = 0
    wider[n, n] = 1
    return wider


@pytest.mark.parametrize(
    ("vocab_size", "word"), [(2, "111"), (2, "101"), (2, "100"), (3, "0101"), (27, (19, 5, 24)[:2])]
)
def test_conways_waiting_times_hold_on_the_uniform_chain(vocab_size, word):
    tokens = tuple(int(token) for token in word)
    chain = chains.uniform_windows(vocab_size, len(tokens))
    answer = mg.expected_hitting_time(
        chain, mg.ending_with(chain.space, tokens), start=np.full(chain.n_states, 1 / chain.n_states)
    )
    # start mass and rows of 1/3 and 1/27 are rounded: compare within their rounding
    assert answer.value + len(tokens) == pytest.approx(chains.conway_number(tokens, vocab_size), rel=1e-12)


@pytest.mark.skipif(not chains.CASES.exists(), reason="the outside cases are not beside this checkout")
def test_the_haddad_monmege_chain_is_answered():
    folder = chains.CASES / "haddad_monmege_20"
    matrix = chains.read_tra(folder / "haddad_monmege_20.tra")
    labels = chains.read_lab(folder / "haddad_monmege_20.lab")
    cases = [case for case in json.loads((chains.CASES / "index.json").read_text()) if case["name"] == folder.name]
    reach = [case for case in cases if case["kind"] == "reach"]
    assert reach
    chain = mg.SparseChain.from_matrix(matrix)
    for case in reach:
        answer = mg.hitting_probability(chain, labels[case["label"]], start=labels["init"][0])
        exact = Fraction(case["reference_exact"])
        assert abs(Fraction(answer.value) / exact - 1) < Fraction(1, 10**10)
        assert Fraction(answer.lower) <= exact * Fraction(1 + 1e-12)
        assert exact * Fraction(1 - 1e-12) <= Fraction(answer.upper)


def test_a_state_that_is_target_and_to_avoid_counts_as_reached():
    line = chains.line()
    assert mg.hitting_probability(line, [5], avoiding=[5], start=0).value == 1
    assert mg.hitting_probability(line, [5], avoiding=[3], start=0).upper == 0
    assert mg.hitting_probability(line, [5], avoiding=[0], start=0).upper == 0  # the start is to be avoided
    assert mg.hitting_probability(line, [5], avoiding=[3], start=4).lower == 1


def test_a_start_distribution_mixes_the_answers():
    start = np.array([0.0, 0.5, 0.5, 0.0])
    oracles.assert_encloses(mg.hitting_probability(chains.gambler(), [3], start=start), Fraction(5, 26))
    assert mg.expected_hitting_time(chains.gambler(), [3], start=start).value == np.inf
    assert mg.expected_hitting_time(chains.gambler(), [0, 3], start=np.array([0.5, 0, 0, 0.5])).value == 0


def test_a_start_distribution_from_which_the_target_is_sure_is_a_proved_one():
    for start in ([0.5, 0.5, 0.0], [0.3, 0.3, 0.4], [0.0, 0.25, 0.75]):
        answer = mg.hitting_probability(
            mg.SparseChain.from_matrix([[0.5, 0.5, 0], [0, 0, 1], [0, 0, 1]]), [2], start=np.array(start)
        )
        assert answer.lower == answer.upper == 1


@pytest.mark.parametrize("begin", [0.1, 0.3, 0.5])
def test_a_start_partly_in_the_target_keeps_what_little_comes_later(begin):
    for tiny in (1e-17, 3e-17, 1e-30):  # next to the start's own share it is lost in a double
        trap = mg.SparseChain.from_matrix([[1, 0, 0], [0, 1, 0], [tiny, 1.0, 0]])
        later = Fraction(tiny) / (1 + Fraction(tiny))
        answer = mg.hitting_probability(trap, [0], start=np.array([begin, 0, 1 - begin]))
        oracles.assert_encloses(answer, Fraction(begin) + Fraction(1 - begin) * later)


def test_visits_count_the_start_and_stop_at_the_target():
    assert mg.expected_visits(chains.line(), [5], 0).value.tolist() == [1, 1, 1, 1, 1, 0]
    assert mg.expected_visits(chains.line(), [3], 1).value.tolist() == [0, 1, 1, 0, 0, 0]
    assert mg.expected_visits(chains.line(), [3], 3).value.tolist() == [0] * 6
    # the trap is visited for ever; state 0 twice: 1 + 1/2 + 1/4 + ...
    answer = mg.expected_visits(chains.trap(), [2], 0)
    assert answer.value == pytest.approx([2, np.inf, 0])
    assert answer.lower[1] == np.inf


def test_rewards_are_counted_per_visit():
    assert mg.expected_reward(chains.line(), [1, 2, 4, 8, 16, 32], [5], start=0).value == pytest.approx(31)
    assert mg.expected_reward(chains.line(), [0] * 6, [5], start=0).upper == 0
    assert mg.expected_reward(chains.trap(), [0, 0, 0], [2], start=0).value == np.inf  # as model checkers have it


def test_absorption_gives_each_class_its_share():
    ends = mg.absorption_probabilities(chains.two_periods(), start=0)
    assert [states.tolist() for states in ends.classes] == [[1, 2], [3, 4, 5]]
    assert ends.probabilities == pytest.approx([0.25, 0.75], rel=1e-14)
    everywhere = mg.absorption_probabilities(chains.two_periods())
    assert everywhere.lower[4].tolist() == [0, 1]
    assert everywhere.upper[4].tolist() == [0, 1]


def test_two_red_windows_share_the_baby_chain():
    chain = chains.uniform_windows(2, 3)
    ends = mg.absorption_probabilities(mg.with_absorbing(chain, [0, 7]), start=2)
    # from 010: by symmetry of 0 and 1 the first run of three equal bits; the last bit 0 is a run of one.
    # a(run r of 0): a1 = 1/2 a2 + 1/2 (1 - a1), a2 = 1/2 + 1/2 (1 - a1): a1 = 4/7
    assert ends.probabilities == pytest.approx([4 / 7, 3 / 7], rel=1e-13)


@pytest.mark.parametrize("reward", [[-1, 0, 0], [np.nan, 0, 0], [np.inf, 0, 0], [1, 2]])
def test_rewards_that_mean_nothing_are_refused(reward):
    with pytest.raises(mg.InvalidInput, match="reward must be 3 non-negative finite numbers"):
        mg.expected_reward(chains.trap(), reward, [2])


@pytest.mark.parametrize("ask", [mg.hitting_probability, mg.expected_hitting_time])
def test_an_empty_target_is_refused(ask):
    with pytest.raises(mg.InvalidInput, match="target must mark at least one of the 3 states, got none"):
        ask(chains.trap(), [])


def test_absorption_of_too_many_classes_is_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100_000)
    with pytest.raises(mg.TooLarge, match=r"300 states x 300 classes need .*; ask from one start"):
        mg.absorption_probabilities(mg.SparseChain.from_matrix(np.eye(300)))


def test_a_text_that_has_ended_is_not_red_any_more():
    # tokens 0, 1, 2 with 1/2, 1/4, 1/4: of 0 and 2 the first is 2 with 1/3, within two tokens 1/4 + 1/16
    chain = mg.WindowChain(mg.StateSpace(3, 1), np.tile([0.5, 0.25, 0.25], (3, 1)))
    oracles.assert_encloses(mg.hitting_probability(chain, [2], start=1, stop_tokens=[0]), Fraction(1, 3))
    within = mg.hitting_probability(chain, [2], start=1, stop_tokens=[0], within=2)
    oracles.assert_encloses(within, Fraction(5, 16))


def test_visits_need_a_start():
    with pytest.raises(mg.InvalidInput, match="start must be given, got None"):
        mg.expected_visits(chains.gambler(), [3], None)
