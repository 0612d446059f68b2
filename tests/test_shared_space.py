"""One state space for two models: the lifted chain says what the shorter one says, token by token."""

import numpy as np
import pytest
from random_chains import drawn_chain

import markovgpt as mg
from markovgpt.analysis.shared_space import on_one_space, on_same_windows

AB, BA = mg.Vocabulary(("a", "b")), mg.Vocabulary(("b", "a"))


@pytest.mark.parametrize("prefixes", [False, True])
@pytest.mark.parametrize("kind", ["cold", "scaled"])
def test_a_lifted_row_is_that_of_the_newest_tokens(prefixes, kind):
    short = drawn_chain(mg.StateSpace(3, 2, prefixes), kind, 5)
    long = drawn_chain(mg.StateSpace(3, 4, prefixes), "cold", 6)
    for pair in ((short, long), (long, short)):
        found = on_one_space(*pair, shared=True)
        lifted = found[pair.index(short)]
        assert found[pair.index(long)] is long
        assert lifted.space == long.space
        table, own = mg.ScaledArray.of(lifted.next_token_probs), mg.ScaledArray.of(short.next_token_probs)
        for state in range(long.n_states):
            window = long.space.decode(state)[-2:]
            row = short.space.encode(window)
            assert table.mantissa[state].tolist() == own.mantissa[row].tolist()
            assert table.exponent[state].tolist() == own.exponent[row].tolist()


def test_a_lifted_chain_answers_as_the_shorter_one():
    short, long = (drawn_chain(mg.StateSpace(2, length), "cold", 3) for length in (1, 3))
    lifted = on_one_space(short, long, shared=True)[0]
    for n in range(4):
        was = mg.hitting_probability(short, mg.red_tokens((1,)), start=(0,), within=n)
        now = mg.hitting_probability(lifted, mg.red_tokens((1,)), start=(0, 0, 0), within=n)
        assert now.value == pytest.approx(was.value, rel=1e-14)


def test_tokens_in_another_order_are_renumbered():
    space = mg.StateSpace(2, 2)
    table = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])  # bb ba ab aa, then b or a
    before = mg.WindowChain(space, np.full((4, 2), 0.5), AB)
    moved = on_one_space(before, mg.WindowChain(space, table, BA), shared=True)[1]
    assert moved.vocabulary == AB
    assert moved.next_token_probs.tolist() == [[0.6, 0.4], [0.7, 0.3], [0.8, 0.2], [0.9, 0.1]]  # aa ab ba bb


def test_tables_of_logits_move_the_same_way():
    space = mg.StateSpace(2, 1)
    before = mg.LogitTable(mg.StateSpace(2, 2), np.zeros((4, 2)), AB)
    after = mg.LogitTable(space, np.array([[1.0, 2.0], [3.0, 4.0]]), BA)
    moved = on_same_windows(before, after, shared=True)[1]
    assert moved.logits.tolist() == [[4.0, 3.0], [2.0, 1.0], [4.0, 3.0], [2.0, 1.0]]


def test_chains_over_the_same_states_are_left_alone():
    chain, other = (drawn_chain(mg.StateSpace(2, 2), "cold", seed) for seed in (1, 2))
    assert on_one_space(chain, other) == (chain, other)
    sparse = mg.SparseChain.from_matrix(np.eye(4))
    assert on_one_space(sparse, chain) == (sparse, chain)


def windows(V, L, vocabulary=None, *, prefixes=False):
    """A uniform chain."""
    space = mg.StateSpace(V, L, prefixes)
    return mg.WindowChain(space, np.full((space.n_states, V), 1 / V), vocabulary)


def listed(n, **more):
    """A chain that stays."""
    return mg.SparseChain(mg.SparseChain.from_matrix(np.eye(n)).edges(), n, **more)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (windows(2, 2), windows(2, 3), r"got 2 and 3 tokens; shared=True \(--shared\) takes both over the longer"),
        (windows(2, 2, AB), windows(2, 2, BA), r"one order, got another order; shared=True \(--shared\) renumbers"),
        (windows(2, 2), windows(3, 2), "the same tokens, got 2 and 3 of them"),
        (windows(2, 2), windows(2, 2, prefixes=True), "both be with prefixes or without, got False and True"),
        (windows(2, 1, AB), windows(2, 1, mg.Vocabulary(("a", "c"))), "got b only before, c only after"),
        (windows(2, 1, AB), windows(3, 1, mg.Vocabulary(("b", "a", "c"))), "got c only after; a chain of both"),
        (listed(2), listed(3), "the same states, got 2 and 3; build both over the same list"),
        (listed(2, labels=("x", "y")), listed(2, labels=("x", "z")), "state 1 is 'y' and 'z'"),
        (listed(2, vocabulary=AB), listed(2, vocabulary=BA), "the same tokens, got another order"),
        (listed(4, space=mg.StateSpace(2, 2)), listed(4, space=mg.StateSpace(4, 1)), "over the same windows, got oth"),
    ],
)
def test_what_differs_is_named(before, after, message):
    with pytest.raises(mg.InvalidInput, match=message):
        on_one_space(before, after)


def test_a_table_that_would_not_fit_is_refused(monkeypatch):
    pair = windows(2, 2), windows(2, 4)
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match="a table of 16 states x 2 tokens"):
        on_one_space(*pair, shared=True)
