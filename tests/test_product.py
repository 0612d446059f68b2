"""Chains with an automaton that reads along, against pairs listed one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.chains.automaton import TokenAutomaton, aho_corasick
from markovgpt.chains.listed_windows import ListedWindows
from markovgpt.chains.product import product, stays
from markovgpt.scaled import ScaledArray, as_floats

EVER = TokenAutomaton(np.array([[0, 1], [1, 1]], dtype=np.int32), np.array([False, True]))  # a 1 was read at some time

PARITY = TokenAutomaton(np.array([[0, 1], [1, 0]], dtype=np.int32), np.array([False, True]))  # of the ones so far


def drawn_chain(seed, vocab_size, context_length, *, with_prefixes=False, zeros=0.3):
    rng = np.random.default_rng(seed)
    space = mg.StateSpace(vocab_size, context_length, with_prefixes)
    weights = rng.dirichlet(np.full(vocab_size, 0.7), size=space.n_states) * (
        rng.random((space.n_states, vocab_size)) > zeros
    )
    weights[weights.sum(axis=1) == 0, 0] = 1.0
    return mg.WindowChain(space, weights / weights.sum(axis=1, keepdims=True))


def pairs_listed(chain, automaton):
    """The matrix over all pairs (window, automaton state), by definition."""
    n, K = chain.n_states, automaton.n_states
    matrix = np.zeros((n * K, n * K))
    for source, target, probability in zip(*chain.edges(), strict=True):
        token = chain.space.decode(int(target))[-1]
        for state in range(K):
            matrix[source * K + state, target * K + automaton.next_state[state, token]] += probability
    return matrix


PATTERNS = [
    aho_corasick([(0, 1)], 2),
    aho_corasick([(1, 1, 1, 0, 1)], 2),
    aho_corasick([(0, 0, 0), (0, 1, 0, 1)], 2),
    EVER,
    PARITY,
]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(PATTERNS), st.integers(1, 3), st.booleans())
def test_a_product_is_the_part_of_all_pairs_that_can_be_reached(seed, automaton, L, with_prefixes):
    chain = drawn_chain(seed, 2, L, with_prefixes=with_prefixes)
    both, entries = product(chain, automaton.next_state, automaton.states_of(chain.space))
    assert entries.tolist() == list(range(chain.n_states))
    pair = both.window_of * automaton.n_states + both.automaton_state
    assert len(set(pair.tolist())) == len(pair)
    whole = pairs_listed(chain, automaton)
    assert whole[pair].sum(axis=1) == pytest.approx(whole[np.ix_(pair, pair)].sum(axis=1))  # nothing leads elsewhere
    expected = whole[np.ix_(pair, pair)]
    assert both.to_csr().toarray().tolist() == expected.tolist()
    rng = np.random.default_rng(seed)
    vector = rng.random(len(pair))
    assert both.push(vector) == pytest.approx(vector @ expected, rel=1e-14)
    assert both.pull(vector) == pytest.approx(expected @ vector, rel=1e-14)
    assert as_floats(both.pull(ScaledArray.of(vector))) == pytest.approx(expected @ vector, rel=1e-14)
    assert both.largest_row >= max((expected > 0).sum(axis=1))
    assert both.largest_column >= max((expected > 0).sum(axis=0))
    assert float(both.smallest_probability.to_float()) <= expected[expected > 0].min()
    begin, through = rng.random(len(pair)) < 0.2, rng.random(len(pair)) < 0.8
    plain = mg.SparseChain.from_matrix(expected)
    assert both.reaching(begin, through).tolist() == plain.reaching(begin, through).tolist()
    assert both.reached_from(begin, through).tolist() == plain.reached_from(begin, through).tolist()
    of = rng.random(len(pair)) < 0.5
    for found, wanted in zip(both.edges(of=of), plain.edges(of=of), strict=True):
        assert found.tolist() == wanted.tolist()
    assert both.as_list.to_csr().toarray().tolist() == expected.tolist()


def test_what_the_window_shows_is_not_listed():
    chain = drawn_chain(1, 2, 3)
    automaton = aho_corasick([(0, 1, 1)], 2)
    both, _ = product(chain, automaton.next_state, automaton.states_of(chain.space))
    assert both.n_states == 8
    assert len(both.transitions.source) == 0


def test_walks_may_begin_in_another_automaton_state():
    chain = drawn_chain(1, 2, 2, zeros=0)
    automaton = aho_corasick([(1,)], 2)
    begins = np.array([-1, 0, -1, -1])  # in the window 01 as if nothing had been read
    both, entries = product(chain, automaton.next_state, automaton.states_of(chain.space), begins)
    assert both.n_states == 5
    assert entries.tolist() == [0, 4, 2, 3]
    assert (both.window_of[4], both.automaton_state[4]) == (1, 0)
    assert both.push(np.eye(5)[4])[:4] == pytest.approx(chain.push(np.eye(4)[1]))
    assert both.space.decode(4) == (0, 1)
    assert both.space.encode((0, 1)) == 1
    assert both.space.token_from_end(0).tolist() == [0, 1, 0, 1, 1]
    assert both.label(4) == "01 [0]"
    assert both.entered.tolist() == [False] * 5


def test_a_listed_chain_reads_along_too():
    def count_up(windows):  # 0 1 2 0 1 2, or 0 again
        newest = np.asarray(windows)[:, -1]
        logits = np.full((len(newest), 3), -np.inf)
        logits[np.arange(len(newest)), (newest + 1) % 3] = 0.0
        logits[newest == 2, 2] = -1.0
        return logits

    model = mg.as_model(count_up, vocab_size=3, context_length=2)
    chain = mg.reachable_chain(model, mg.SamplingSettings(), (0, 1))
    found = mg.hitting_probability(chain, mg.red_tokens((2, 2, 2)), start=(0, 1), within=4)
    again = 1 / (1 + np.e)  # 0 1 | 2 2 2, or 0 1 | 2 0 1 2 and no more time
    assert found.value == pytest.approx(again**2, rel=1e-12)


def test_a_step_that_stands_for_no_token_is_not_read():
    model = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=3)
    chain = mg.reachable_chain(model, mg.SamplingSettings(), (0, 1), within=1)  # 010 and 011 are cut off there
    found = mg.hitting_probability(chain, mg.red_tokens((1, 1, 1, 1)), start=(0, 1))
    assert found.value == 0


def test_a_product_that_would_not_fit_is_refused_first(monkeypatch):
    chain = drawn_chain(1, 2, 10)
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 20_000)
    with pytest.raises(mg.TooLarge, match="pairs of a window and what has been written of a pattern"):
        product(chain, PARITY.next_state, PARITY.states_of(chain.space))


def test_states_that_are_no_windows_are_refused():
    chain = mg.SparseChain.from_matrix(np.eye(2))
    with pytest.raises(mg.InvalidInput, match="a pattern of tokens needs a chain over windows"):
        mg.hitting_probability(chain, mg.red_tokens((0,)), start=0)


def test_a_chain_of_single_precision_is_normalised_where_it_is_listed():
    table = mg.tabulate(mg.GPT(mg.GPTConfig(3, 2)).eval())
    chain = mg.WindowChain.from_logits(table, dtype=np.float32)
    stored = chain.next_token_probs.astype(np.float64)
    exact = mg.WindowChain(chain.space, stored / stored.sum(axis=1, keepdims=True))
    red = mg.red_tokens((0, 1, 2, 0))
    found, expected = (mg.hitting_probability(c, red, start=(1, 1), within=9) for c in (chain, exact))
    assert found.value == pytest.approx(expected.value, rel=1e-14)
    assert found.upper / found.lower - 1 < 1e-12


def test_a_window_that_does_not_slide_into_itself_can_only_be_where_a_chain_was_cut_off():
    chain = mg.SparseChain.from_matrix(np.eye(4))
    windows = ListedWindows(2, 2, ((0,), (0, 0), (0, 1), (1, 1)))
    cut = mg.SparseChain(chain.transitions, 4, None, windows)
    assert stays(cut).tolist() == [True, False, True, False]
