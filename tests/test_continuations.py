"""The likeliest texts against all texts in exact fractions, by hand, and beside decoders that miss them."""

import math
import pathlib
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains

import markovgpt as mg
from markovgpt.analysis import continuations
from markovgpt.analysis.continuations import compare_decoders, continuation_probability, most_probable_continuation
from markovgpt.scaled import ScaledArray, to_fraction

NAMES = pathlib.Path(__file__).parents[2] / "shared" / "data" / "nanogpt_names_ctx4" / "ckpt.pt"
TRAP = [[0.1, 0.5, 0.4], [0.2, 0.4, 0.4], [0.05, 0.05, 0.9]]  # 1 is likelier, but 2 is followed by another 2
NEARLY = 1 + Fraction(1, 10**9)


def exactly(number):
    """One number, scaled or not, as a fraction."""
    scaled = ScaledArray.of(number)
    return to_fraction(float(scaled.mantissa), int(scaled.exponent)) if scaled.mantissa > 0 else Fraction(0)


def assert_within(answer, exact):
    """The bounds hold a fraction of any size."""
    found = answer.enclosure
    assert exactly(found.lower) <= exact <= exactly(found.upper)
    assert exact / NEARLY <= exactly(found.value) <= exact * NEARLY


def all_texts(rows, start, n):
    """{states: exact probability} of every walk of n steps that is possible."""
    found = {(start,): Fraction(1)}
    for _ in range(n):
        found = {
            (*states, after): chance * p for states, chance in found.items() for after, p in rows[states[-1]].items()
        }
    return found


def sparse_rows(chain):
    """{state: {state after: exact probability}} of what a chain stores."""
    source, target, weight = chain.edges()
    rows = {state: {} for state in range(chain.n_states)}
    for before, after, place in zip(source.tolist(), target.tolist(), range(len(source)), strict=True):
        rows[before][after] = exactly(weight[place])
    return {state: {after: p / sum(row.values()) for after, p in row.items()} for state, row in rows.items()}


def assert_likeliest(found, expected, k):
    """The texts found are the k likeliest, up to what doubles cannot separate; bounds hold of these and of others."""
    chances = [expected[text.states] for text in found.texts]
    assert len({text.states for text in found.texts}) == len(chances) == min(k, len(expected))
    for text, chance in zip(found.texts, chances, strict=True):
        assert_within(text.probability, chance)
    assert all(better * NEARLY >= worse for better, worse in pairwise(chances))
    listed = {text.states for text in found.texts}
    other = max((chance for states, chance in expected.items() if states not in listed), default=Fraction(0))
    assert_within(found.next_best, other)
    assert_within(found.most, max(expected.values()))
    assert other <= chances[-1] * NEARLY
    if found.is_certain:
        assert other <= min(chances)
    elif other:
        assert min(chances) <= other * NEARLY


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains([(1, 2), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2)]), st.data())
def test_the_likeliest_texts_over_windows_are_the_likeliest_of_all(chain, data):
    start = data.draw(st.integers(0, chain.n_states - 1))
    n, k = data.draw(st.integers(0, 5)), data.draw(st.integers(1, 5))
    found = most_probable_continuation(chain, start, n, k=k)
    assert_likeliest(found, all_texts(sparse_rows(chain), start, n), k)
    for text in found.texts:
        assert len(text.tokens) == n == text.n_steps
        states = [start]
        for token in text.tokens:
            states.append(chain.space.encode((*chain.space.decode(states[-1]), token)[-chain.space.context_length :]))
        assert text.states == tuple(states)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(largest=5), st.data())
def test_the_likeliest_walks_of_any_chain_are_the_likeliest_of_all(matrix, data):
    chain = mg.SparseChain.from_matrix(matrix)
    start = data.draw(st.integers(0, chain.n_states - 1))
    n, k = data.draw(st.integers(0, 6)), data.draw(st.integers(1, 5))
    found = most_probable_continuation(chain, start, n, k=k)
    assert_likeliest(found, all_texts(sparse_rows(chain), start, n), k)
    assert all((text.tokens, text.text) == (None, None) for text in found.texts)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 17])
def test_layers_that_are_made_again_are_the_same(monkeypatch, n):
    random = np.random.default_rng(n)
    rows = random.dirichlet(np.ones(3), size=9)
    chain = mg.WindowChain(mg.StateSpace(3, 2), rows)
    whole = most_probable_continuation(chain, 4, n, k=3)
    monkeypatch.setattr(continuations, "allowed_bytes", lambda: 0)
    again = most_probable_continuation(chain, 4, n, k=3)
    assert [text.states for text in again.texts] == [text.states for text in whole.texts]
    assert again.next_best.value == whole.next_best.value
    if n <= 7:
        assert_likeliest(again, all_texts(sparse_rows(chain), 4, n), 3)


def test_only_so_many_layers_are_kept_as_the_estimate_says(monkeypatch):
    estimated = []
    monkeypatch.setattr(continuations, "allowed_bytes", lambda: 0)
    monkeypatch.setattr(continuations, "require_memory", lambda n_bytes, what, remedy: estimated.append(n_bytes))
    most_probable_continuation(chains.uniform_windows(2, 3), 0, 100)
    assert estimated == [8 * 8 * (10 + 10 + 4)]


def test_greedy_decoding_misses_what_two_beams_and_the_recursion_find():
    letters = mg.Vocabulary(("a", "b", "c"))
    chain = mg.WindowChain(mg.StateSpace(3, 1), np.array(TRAP), letters)
    found = compare_decoders(chain, "a", 2, n_beams=[1, 2])
    greedy, beams = found.decoded
    # 0.5 * 0.4, the lower token of two that tie; 0.4 * 0.9
    assert (greedy.n_beams, greedy.text, greedy.tokens, beams.text, found.exact.best.text) == (
        1,
        "bb",
        (1, 1),
        "cc",
        "cc",
    )
    assert [greedy.probability.value, beams.probability.value] == pytest.approx([0.2, 0.36], rel=1e-15)
    exact = [[Fraction(p) / sum(map(Fraction, row)) for p in row] for row in TRAP]
    oracles.assert_encloses(greedy.share, exact[0][1] * exact[1][1] / (exact[0][2] * exact[2][2]))
    assert (beams.share.lower, beams.share.upper) == (1, 1)
    assert found.exact.is_certain
    # the two that tie are next: 0.2 each, up to the doubles
    oracles.assert_encloses(found.exact.next_best, max(exact[0][1] * exact[1][1], exact[0][1] * exact[1][2]))


def test_a_search_that_is_too_narrow_is_told_from_one_that_is_wide_enough():
    # a b-beginning needs the third place: two likelier beginnings, and then only b is followed surely
    rows = np.array([[0, 0.4, 0.35, 0.25], [0.25] * 4, [0.25] * 4, [0, 0, 0, 1.0]])
    chain = mg.WindowChain(mg.StateSpace(4, 1), rows)
    found = compare_decoders(chain, 0, 2, n_beams=[1, 2, 3])
    assert [each.tokens for each in found.decoded] == [(1, 0), (1, 0), (3, 3)]
    for each in found.decoded[:2]:
        assert each.share.value == pytest.approx(0.4, rel=1e-12)  # 0.1 of 0.25
    assert found.decoded[2].share.lower == 1


def test_texts_that_tie_are_not_called_certain():
    even = chains.uniform_windows(2, 2)
    found = most_probable_continuation(even, 0, 3)
    assert found.best.tokens == (0, 0, 0)
    assert not found.is_certain
    oracles.assert_encloses(found.next_best, Fraction(1, 8))
    assert found.most.upper == found.next_best.upper > found.best.probability.upper  # which of them it is, is not known
    whole = most_probable_continuation(even, 0, 3, k=8)
    assert [text.tokens for text in whole.texts] == list(product((0, 1), repeat=3))
    assert whole.is_certain
    assert whole.next_best.upper == 0
    shares = compare_decoders(even, 0, 3, n_beams=[1]).decoded[0].share
    assert 1 - 1e-12 < shares.lower < 1 == shares.upper


def test_no_tokens_are_one_text_of_probability_one():
    space, letters = mg.StateSpace(2, 2, with_prefixes=True), mg.Vocabulary(("a", "b"))
    chain = mg.WindowChain(space, np.full((6, 2), 0.5), letters)
    found = most_probable_continuation(chain, "b", 0, k=5)
    (text,) = found.texts
    assert (text.states, text.tokens, text.text) == ((1,), (), "")
    assert text.probability.lower == text.probability.upper == 1
    assert (found.next_best.upper, found.is_certain) == (0, True)
    assert [each.share.lower for each in compare_decoders(chain, "b", 0).decoded] == [1] * 5


def test_what_is_impossible_is_no_text_and_what_is_sure_is_one():
    found = most_probable_continuation(chains.line(), 0, 9, k=4)
    assert [text.states for text in found.texts] == [(0, 1, 2, 3, 4, 5, 5, 5, 5, 5)]
    assert found.best.probability.lower == found.best.probability.upper == 1
    assert found.next_best.upper == 0


def test_texts_below_the_doubles_have_their_logarithms():
    rows = ScaledArray([[0.5, 0.5], [0.5, 0.5]], [[-2000, 1], [-3000, 1]])
    chain = mg.WindowChain(mg.StateSpace(2, 1), rows)
    found = most_probable_continuation(chain, 0, 4)
    assert found.best.tokens == (1, 1, 1, 1)
    # a 0 has 2**-2001 after a 0, 2**-3001 after a 1: the next best text begins with it
    assert found.next_best.log10 == pytest.approx(-2001 * math.log10(2), rel=1e-12)
    assert found.next_best.upper > 0
    answer = continuation_probability(chain, 0, [0, 0, 1, 0])
    assert answer.log10 == pytest.approx(-(2001 * 2 + 3001) * math.log10(2), rel=1e-12)


def test_rows_of_single_numbers_are_normalised():
    probs = np.array([[0.1, 0.9], [0.3, 0.7]], dtype=np.float32)
    chain = mg.WindowChain(mg.StateSpace(2, 1), probs)
    exact = [[Fraction(float(x)) / sum(Fraction(float(y)) for y in row) for x in row] for row in probs]
    oracles.assert_encloses(most_probable_continuation(chain, 0, 3).best.probability, exact[0][1] * exact[1][1] ** 2)


def test_a_step_that_stands_for_no_token_is_not_written():
    space = mg.StateSpace(2, 2)
    ended = mg.with_absorbing(mg.WindowChain(space, np.full((4, 2), 0.5)), [space.encode((0, 1))])
    found = most_probable_continuation(ended, [1, 0], 3)
    assert found.best.states == (2, 1, 1, 1)
    assert (found.best.tokens, found.best.text) == (None, None)
    assert most_probable_continuation(ended, [1, 0], 1).best.tokens == (0,)


def test_a_given_text_has_its_probability():
    letters = mg.Vocabulary(("a", "b", "c"))
    chain = mg.WindowChain(mg.StateSpace(3, 1), np.array(TRAP), letters)
    exact = [[Fraction(p) / sum(map(Fraction, row)) for p in row] for row in TRAP]
    oracles.assert_encloses(continuation_probability(chain, "a", "bca"), exact[0][1] * exact[1][2] * exact[2][0])
    assert continuation_probability(chain, "a", "").lower == 1
    part = mg.SparseChain(chain.edges(), 3, space=chain.space)
    oracles.assert_encloses(continuation_probability(part, 0, [1, 2, 0]), exact[0][1] * exact[1][2] * exact[2][0])
    never = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.0, 1.0], [0.5, 0.5]]))
    assert continuation_probability(never, 1, [0, 0, 1]).upper == 0


@pytest.mark.parametrize("n", [-1, 1.5, True, None, 65_537, 10**24])
def test_a_number_of_tokens_that_is_none_is_refused(n):
    with pytest.raises(mg.InvalidInput, match=r"n_tokens must be a whole number in 0\.\.65536, got .*; it is how many"):
        most_probable_continuation(chains.gambler(), 1, n)


@pytest.mark.parametrize("k", [0, 2.0])
def test_a_number_of_texts_that_is_none_is_refused(k):
    with pytest.raises(mg.InvalidInput, match=r"k must be a whole number of at least 1, got"):
        most_probable_continuation(chains.gambler(), 1, 3, k=k)


def test_starts_that_are_no_one_state_are_refused():
    with pytest.raises(mg.InvalidInput, match=r"start must lie in 0\.\.3, got 4"):
        most_probable_continuation(chains.gambler(), 4, 3)
    with pytest.raises(mg.InvalidInput, match="start must be a state, a distribution, a window"):
        most_probable_continuation(chains.uniform_windows(2, 2), np.full(4, 0.25), 3)
    with pytest.raises(mg.InvalidInput, match="needs a chain over windows"):
        continuation_probability(chains.gambler(), 1, [0])


def test_tokens_that_are_none_are_refused():
    even = chains.uniform_windows(2, 2)
    with pytest.raises(mg.InvalidInput, match=r"tokens must be whole numbers in 0\.\.1, got 2"):
        continuation_probability(even, 0, [0, 2])
    with pytest.raises(mg.InvalidInput, match="a text needs a vocabulary, got 'ab' without one; give token ids"):
        continuation_probability(even, 0, "ab")
    with pytest.raises(mg.InvalidInput, match="n_beams must be a whole number of at least 1, got 0"):
        compare_decoders(even, 0, 2, n_beams=[0])


def test_what_would_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10_000)
    with pytest.raises(
        mg.TooLarge, match=r"the least costs of 60000 tokens from 4 states need .*; ask for fewer tokens"
    ):
        most_probable_continuation(chains.uniform_windows(2, 2), 0, 60_000)


def test_decoders_are_compared_on_all_windows_and_for_a_list_of_beams():
    for chain, beams in ((chains.gambler(), [1]), (chains.uniform_windows(2, 2), 4)):
        with pytest.raises(mg.InvalidInput, match="decoders need a chain over all windows and a list of numbers of"):
            compare_decoders(chain, 1, 3, n_beams=beams)


@pytest.mark.skipif(not NAMES.exists(), reason="the model of names is not here")
def test_names_go_on_as_the_best_of_many_beams_says():
    chain = mg.WindowChain.from_logits(mg.tabulate(mg.load_model(NAMES)))
    found = compare_decoders(chain, "\n\n\n\n", 8, n_beams=[1, 1000])
    greedy, wide = found.decoded
    assert found.exact.is_certain
    assert wide.tokens == found.exact.best.tokens
    rows, state, chance = np.asarray(chain.next_token_probs), 0, 1.0
    for token in found.exact.best.tokens:
        chance, state = chance * rows[state, token], (state * 27 + token) % 27**4
    assert found.exact.best.probability.value == pytest.approx(chance, rel=1e-12)
    assert greedy.share.upper < 1
