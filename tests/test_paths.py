"""The likeliest ways against all ways in exact fractions, against probabilities by hand, and on a trained model."""

import pathlib
from fractions import Fraction
from itertools import pairwise

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis.paths import Path, most_likely_paths
from markovgpt.vocabulary import Vocabulary

NAMES = pathlib.Path(__file__).parents[2] / "shared" / "data" / "nanogpt_names_ctx4" / "ckpt.pt"


def all_ways(rows, target, start, most, avoiding=()):
    """{states: exact probability} of every way of at most so many steps to the first visit of the target."""
    found, growing = {}, {(start,): Fraction(1)}
    for _ in range(most + 1):
        found |= {states: chance for states, chance in growing.items() if states[-1] in target}
        growing = {
            (*states, after): chance * rows[states[-1]][after]
            for states, chance in growing.items()
            if states[-1] not in target and states[-1] not in avoiding
            for after in range(len(rows))
            if rows[states[-1]][after]
        }
    return found


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(largest=4), st.data())
def test_the_likeliest_ways_are_the_likeliest_of_all(matrix, data):
    n = len(matrix)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    avoiding = data.draw(st.sets(st.integers(0, n - 1), max_size=1))
    start, within, k = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, 5)), data.draw(st.integers(1, 8))
    expected = all_ways(oracles.exact_rows(matrix), target, start, within, avoiding)
    ways = most_likely_paths(
        mg.SparseChain.from_matrix(matrix),
        sorted(target),
        start=start,
        k=k,
        within=within,
        avoiding=sorted(avoiding) or None,
    )
    assert len({way.states for way in ways}) == len(ways) == min(k, len(expected))
    for way in ways:
        oracles.assert_encloses(way.probability, expected[way.states])
        assert way.n_steps == len(way.states) - 1 == way.probability.iterations
    chances = [expected[way.states] for way in ways]
    for better, worse in pairwise(chances):
        assert better >= worse * (1 - Fraction(1, 10**12))
    left = [chance for states, chance in expected.items() if states not in {way.states for way in ways}]
    assert all(chance <= chances[-1] * (1 + Fraction(1, 10**9)) for chance in left)


def test_a_gambler_wins_by_two_tosses_or_by_detours():
    # from 1 of 3 coins: 1/16 at once, and 3/16 for each detour 1 -> 2 -> 1
    ways = most_likely_paths(chains.gambler(), [3], start=1, k=3)
    assert [way.states for way in ways] == [(1, 2, 3), (1, 2, 1, 2, 3), (1, 2, 1, 2, 1, 2, 3)]
    for n, way in enumerate(ways):
        oracles.assert_encloses(way.probability, Fraction(3**n, 16 ** (n + 1)))
        assert (way.tokens, way.text) == (None, None)


def test_the_parts_of_all_ways_are_the_whole():
    game = chains.gambler()
    whole = mg.hitting_probability(game, [3], start=1)
    shares = [way.share_of(whole) for way in most_likely_paths(game, [3], start=1, k=60)]
    for n, share in enumerate(shares[:10]):
        oracles.assert_encloses(share, Fraction(13, 16) * Fraction(3, 16) ** n)
    assert sum(share.value for share in shares) == pytest.approx(1, rel=1e-12)


def test_the_share_of_what_cannot_be_is_zero_and_of_all_is_one():
    line = chains.line()
    way = most_likely_paths(line, [5], start=0)[0]
    assert way.share_of(mg.hitting_probability(line, [5], start=0)).upper == 1
    never = Path((1,), mg.hitting_probability(chains.trap(), [0], start=1))
    assert never.share_of(mg.hitting_probability(chains.trap(), [0], start=0)).upper == 0
    assert never.share_of(never.probability).upper == 0


def test_ways_are_written_as_tokens_and_text():
    space, letters = mg.StateSpace(3, 2), Vocabulary(("\n", "a", "b"))
    chain = mg.WindowChain(space, np.tile([0.2, 0.5, 0.3], (9, 1)), letters)
    ways = most_likely_paths(chain, "ab", start=(0, 0), k=3)
    # 0.15, and half of it after another a, 0.3 of it after a b
    assert [way.text for way in ways] == ["ab", "aab", "bab"]
    assert [way.tokens for way in ways] == [(1, 2), (1, 1, 2), (2, 1, 2)]
    assert ways[0].probability.value == pytest.approx(0.15, rel=1e-15)
    assert [way.text for way in most_likely_paths(chain, "b\n", start=(0, 0), k=9, within=2)] == ["b\n"]


def test_prefixes_are_part_of_the_way():
    space = mg.StateSpace(2, 3, with_prefixes=True)
    chain = mg.WindowChain(space, np.tile([0.75, 0.25], (14, 1)))
    way = most_likely_paths(chain, [space.encode((0, 1, 1))], start=(0,), k=1)[0]
    assert way.states == tuple(space.encode(window) for window in [(0,), (0, 1), (0, 1, 1)])
    assert way.tokens == (1, 1)
    oracles.assert_encloses(way.probability, Fraction(1, 16))


def test_a_text_that_has_ended_does_not_go_on():
    space = mg.StateSpace(3, 1)
    chain = mg.WindowChain(space, np.tile([0.5, 0.25, 0.25], (3, 1)))
    ways = most_likely_paths(chain, [2], start=1, k=4, stop_tokens=[0])
    assert [way.tokens for way in ways] == [(2,), (1, 2), (1, 1, 2), (1, 1, 1, 2)]
    unstopped = most_likely_paths(chain, [2], start=1, k=2)
    assert [way.tokens for way in unstopped] == [(2,), (0, 2)]


def test_a_start_that_is_red_is_one_way_of_no_tokens():
    (way,) = most_likely_paths(chains.gambler(), [1, 3], start=1, k=5)
    assert (way.states, way.n_steps) == ((1,), 0)
    assert way.probability.lower == way.probability.upper == 1


def test_what_cannot_be_reached_has_no_ways():
    assert most_likely_paths(chains.trap(), [0], start=1) == ()
    assert most_likely_paths(chains.line(), [5], start=0, within=4) == ()
    assert most_likely_paths(chains.gambler(), [3], start=0, avoiding=[0]) == ()


def test_of_a_start_distribution_the_first_state_is_part_of_the_way():
    begin = np.array([0.0, 0.875, 0.125, 0.0])
    ways = most_likely_paths(chains.gambler(), [3], start=begin, k=3)
    # 2 -> 3 with 1/8 . 1/4, 1 -> 2 -> 3 with 7/8 . 1/16
    assert [way.states for way in ways] == [(1, 2, 3), (2, 3), (1, 2, 1, 2, 3)]
    for way, exact in zip(ways, [Fraction(7, 128), Fraction(1, 32), Fraction(21, 2048)], strict=True):
        oracles.assert_encloses(way.probability, exact)


def test_ways_below_the_doubles_have_their_logarithms():
    way = most_likely_paths(chains.rare_run(), [20], start=0, k=1)[0]
    p = Fraction(1e-40) / (Fraction(1e-40) + 1)
    oracles.assert_encloses(way.probability, p**20)
    sure = most_likely_paths(chains.line(), [5], start=0)[0]
    assert (sure.probability.lower, sure.probability.upper) == (1, 1)


def test_rows_of_single_numbers_are_normalised():
    probs = np.array([[0.1, 0.9], [0.3, 0.7]], dtype=np.float32)
    exact = [[Fraction(float(x)) / sum(Fraction(float(y)) for y in row) for x in row] for row in probs]
    chain = mg.WindowChain(mg.StateSpace(2, 1), probs)
    for way in most_likely_paths(chain, [1], start=0, k=3):
        oracles.assert_encloses(way.probability, exact[0][0] ** (way.n_steps - 1) * exact[0][1])


def test_two_ways_that_tie_are_both_there():
    ways = most_likely_paths(chains.uniform_windows(3, 2), [5], start=0, k=7, within=3)
    # 12 at once with 1/9, then a12 with 1/27 for every first token a
    assert [way.n_steps for way in ways] == [2, 3, 3, 3]


@pytest.mark.parametrize("k", [0, -1, 1.5, True])
def test_a_number_of_ways_that_is_none_is_refused(k):
    with pytest.raises(mg.InvalidInput, match=r"k must be a whole number of at least 1, got .*; it is how many are"):
        most_likely_paths(chains.gambler(), [3], start=1, k=k)


@pytest.mark.parametrize("within", [-1, 2.5, (1, 3)])
def test_a_horizon_that_is_none_is_refused(within):
    with pytest.raises(mg.InvalidInput, match=r"within must be a whole number of at least 0, got .*; leave it out"):
        most_likely_paths(chains.gambler(), [3], start=1, within=within)


@pytest.mark.skipif(not NAMES.exists(), reason="the model of names is not here")
def test_names_are_reached_by_the_likeliest_of_their_spellings():
    table = mg.tabulate(mg.load_model(NAMES))
    chain = mg.WindowChain.from_logits(table)
    red = chain.vocabulary.encode("emma")
    ways = most_likely_paths(chain, "emma", start=0, k=4, within=6)
    assert all(way.text.endswith("emma") for way in ways)
    # every text of at most two more tokens before it
    rows = np.asarray(chain.next_token_probs)
    chances = []
    for extra in [(), *((a,) for a in range(27)), *((a, b) for a in range(27) for b in range(27))]:
        state, chance = 0, 1.0
        for token in (*extra, *red):
            chance *= rows[state, token]
            state = (state * 27 + token) % 27**4
        chances.append(chance)
    found = [way.probability.value for way in ways]
    assert found == pytest.approx(sorted(chances, reverse=True)[:4], rel=1e-12)
