"""Memory by hand, against exact conditional entropies to sixty digits, and against a coin that forgets."""

from itertools import pairwise, product
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from random_chains import window_chains

import markovgpt as mg
from markovgpt.analysis import memory_order
from markovgpt.analysis.memory_order import memory_use
from markovgpt.scaled import as_floats, is_positive

DATA = Path(__file__).parents[2] / "shared" / "data"
BITS = mg.Vocabulary(("0", "1"))


def dense(chain):
    """The exact normalisation of the chain's rows, as high-precision numbers, token by token."""
    table = chain.next_token_probs
    if isinstance(table, np.ndarray):
        rows = [[mpmath.mpf(float(entry)) for entry in row] for row in table]
    else:
        mantissas, exponents = table.mantissa.tolist(), table.exponent.tolist()
        rows = [
            [mpmath.ldexp(mpmath.mpf(m), e) if m else mpmath.mpf(0) for m, e in zip(*row, strict=True)]
            for row in zip(mantissas, exponents, strict=True)
        ]
    return [[entry / mpmath.fsum(row) for entry in row] for row in rows]


def stationary(chain, rows):
    """Of one recurrent class, by Gaussian elimination."""
    (states,) = mg.recurrent_classes(chain)
    n, V = chain.n_states, chain.space.vocab_size
    place = {int(state): i for i, state in enumerate(states)}
    matrix = mpmath.zeros(len(states))
    for state, i in place.items():
        matrix[i, i] -= 1
        for token in range(V):
            if rows[state][token]:
                matrix[place[state * V % n + token], i] += rows[state][token]
    for i in range(len(states)):
        matrix[len(states) - 1, i] = 1
    solved = mpmath.lu_solve(matrix, mpmath.matrix([0] * (len(states) - 1) + [1]))
    return [solved[place[s]] if s in place else mpmath.mpf(0) for s in range(n)]


def conditional_entropy(chain, rows, masses, order):
    """H(next token | the last m), in bits, from the joint law of m + 1 tokens, summed by definition."""
    V = chain.space.vocab_size
    together = {}
    for state, token in product(range(chain.n_states), range(V)):
        key = (state % V**order, token)
        together[key] = together.get(key, mpmath.mpf(0)) + masses[state] * rows[state][token]
    before = {u: mpmath.fsum(together[u, t] for t in range(V)) for u in range(V**order)}
    return -mpmath.fsum(m * mpmath.log(m / before[u], 2) for (u, _), m in together.items() if m)


def sticky(context_length, stay=0.75):
    """A chain of order 1, told as if it looked further: it repeats its newest token with 3/4."""
    space = mg.StateSpace(2, context_length)
    newest = space.token_from_end(0)
    return mg.WindowChain(space, np.where(newest[:, None] == np.arange(2), stay, 1 - stay), BITS)


def repeats_its_oldest():
    """Windows of two tokens; the next is the older one with 3/4: the newest alone says nothing."""
    space = mg.StateSpace(2, 2)
    oldest = space.token_from_end(1)
    return mg.WindowChain(space, np.where(oldest[:, None] == np.arange(2), 0.75, 0.25), BITS)


def test_a_chain_of_order_one_told_with_three_tokens_loses_exactly_nothing_with_one():
    found = memory_use(sticky(3))
    for loss in found.orders[1:]:
        assert loss.lost_bits.lower == loss.lost_bits.value == loss.lost_bits.upper == 0
        assert "equal" in loss.lost_bits.method
    fair = 1 + 0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)  # 1 - H(1/4)
    assert found.orders[0].lost_bits.lower <= fair <= found.orders[0].lost_bits.upper
    assert found.orders[0].lost_bits.upper - found.orders[0].lost_bits.lower < 1e-11
    assert np.allclose(found.chain(1).next_token_probs, [[0.75, 0.25], [0.25, 0.75]], rtol=1e-13)
    assert np.allclose(found.chain(0).next_token_probs, 0.5, rtol=1e-13)
    assert [found.chain(m).n_states for m in range(4)] == [2, 2, 4, 8]
    assert found.chain(3) is found.whole


def test_what_the_oldest_token_says_is_lost_at_once():
    # two interleaved sticky coins: the newest token is of the other one, so one token of memory is as good as none
    found = memory_use(repeats_its_oldest())
    fair = 1 + 0.75 * np.log2(0.75) + 0.25 * np.log2(0.25)
    for loss in found.orders:
        assert loss.lost_bits.lower <= fair <= loss.lost_bits.upper
        assert abs(loss.lost_bits.value - fair) < 1e-12


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains(shapes=[(1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (4, 2)]))
def test_what_is_lost_is_the_difference_of_conditional_entropies(chain):
    assume(not chain.space.with_prefixes and len(mg.recurrent_classes(chain)) == 1)
    L = chain.space.context_length
    with mpmath.workdps(400):
        rows = dense(chain)
        masses = stationary(chain, rows)
        entropies = [conditional_entropy(chain, rows, masses, m) for m in range(L + 1)]
        for m, loss in enumerate(memory_use(chain).orders):
            exact = entropies[m] - entropies[L]
            assert loss.lost_bits.lower <= exact + mpmath.mpf(10) ** -300
            assert exact - mpmath.mpf(10) ** -300 <= loss.lost_bits.upper
            assert abs(loss.lost_bits.value - exact) < 1e-11


@settings(max_examples=40, deadline=None, derandomize=True)
@given(window_chains(shapes=[(2, 2), (2, 3), (3, 2)]))
def test_the_best_chain_is_the_long_runs_own(chain):
    assume(not chain.space.with_prefixes and len(mg.recurrent_classes(chain)) == 1)
    lived = as_floats(mg.stationary_distributions(chain).only().enclosure.value)
    table, V = as_floats(chain.next_token_probs), chain.space.vocab_size
    for m, loss in enumerate(memory_use(chain).orders):
        mine = as_floats(loss.chain.next_token_probs)
        assert np.allclose(mine.sum(axis=1), 1, rtol=1e-14)
        for u in range(V**m):
            states = [s for s in range(chain.n_states) if s % V**m == u]
            mass = lived[states].sum()
            if mass > 1e-200:  # the definition: a mean of rows
                assert np.allclose(mine[u], lived[states] @ table[states] / mass, rtol=1e-9, atol=1e-13)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(window_chains(shapes=[(2, 2), (2, 3), (3, 2)]))
def test_every_order_lives_in_one_class_where_the_whole_chain_does(chain):
    assume(not chain.space.with_prefixes and len(mg.recurrent_classes(chain)) == 1)
    lived = mg.stationary_distributions(chain).only().enclosure.value
    V = chain.space.vocab_size
    for loss in memory_use(chain).orders:
        length = loss.chain.space.context_length
        (states,) = mg.recurrent_classes(loss.chain)
        expected = {int(state) % V**length for state in np.flatnonzero(is_positive(lived))}
        assert set(states.tolist()) == expected


def test_tokens_that_never_stand_together_take_the_row_of_their_longest_end():
    # 0 1 2 0 1 2 ..: after 1 1 the row is that of 1, though the whole chain says something else there
    space = mg.StateSpace(3, 3)
    newest = space.token_from_end(0)
    table = np.where((newest[:, None] + 1) % 3 == np.arange(3), 1.0, 0.0)
    table[space.encode((0, 1, 1))] = (0.5, 0.5, 0.0)
    found = memory_use(mg.WindowChain(space, table))
    assert found.chain(2).next_token_probs[3 * 1 + 1].tolist() == [0, 0, 1]
    assert found.chain(2).next_token_probs[3 * 0 + 2].tolist() == [1, 0, 0]
    assert [loss.lost_bits.upper for loss in found.orders[1:]] == [0, 0]
    assert abs(found.orders[0].lost_bits.value - np.log2(3)) < 1e-14


def test_the_error_on_a_question_by_hand():
    # red is 11. The whole chain, from 00: it must write 0 1 1, or 1 1 ..; each token repeats the one before the newest
    chain = repeats_its_oldest()
    found = memory_use(chain, target="11", start="00", within=2)
    assert abs(found.answer.value - 1 / 16) < 1e-15  # 1 against 0 with 1/4, and again, since 0 is the oldest then
    for loss in found.orders:  # a fair coin twice
        assert loss.answer.lower <= 0.25 <= loss.answer.upper
        assert loss.ratio.lower <= 4 <= loss.ratio.upper
        assert loss.ratio.upper - loss.ratio.lower < 1e-10
    forever = memory_use(chain, target="11", start="00")
    assert abs(forever.orders[1].answer.value - 6) < 1e-12  # Conway: 2 + 4
    assert forever.summary()["orders"][1]["states"] == 2


def test_a_word_longer_than_the_window_is_asked_through_the_product():
    found = memory_use(sticky(2), target="1111", start="01", within=3)
    assert abs(found.answer.value - 0.75**3) < 1e-14
    assert abs(found.orders[1].ratio.value - 1) < 1e-13
    forgotten = found.orders[0]  # order 0 still sees the token it begins with
    assert abs(forgotten.answer.value - 1 / 8) < 1e-13


def test_a_start_is_cut_whatever_it_is():
    chain, red = repeats_its_oldest(), mg.red_strings("11", vocabulary=BITS)
    by_window = memory_use(chain, target=red, start=(1, 0), within=3)
    assert by_window.orders[1].answer.value == memory_use(chain, target=red, start=2, within=3).orders[1].answer.value
    spread = np.array([0.0, 0.0, 1.0, 0.0])
    by_distribution = memory_use(chain, target=red, start=spread, within=3)
    assert by_distribution.orders[1].answer.value == by_window.orders[1].answer.value
    everywhere = memory_use(chain, target=["11"], start=mg.stationary_distributions(chain).only(), within=0)
    assert everywhere.answer.lower <= 0.25 <= everywhere.answer.upper  # all windows are as likely
    assert everywhere.orders[1].answer.lower <= 0.0 <= everywhere.orders[1].answer.upper  # one token is not 11


def test_a_red_that_cannot_come_has_no_ratio():
    space = mg.StateSpace(2, 2)
    alternating = mg.WindowChain(space, np.array([[0.0, 1], [1, 0], [0, 1], [1, 0]]), BITS)
    found = memory_use(alternating, target="11", start="01", within=10)
    assert found.answer.upper == 0
    assert found.orders[1].ratio is None
    assert found.orders[0].answer.value > 0.9
    assert memory_use(alternating, target="11", start="01").orders[0].ratio is None  # for ever


def test_temperature_zero_is_asked_like_any_other():
    random = np.random.default_rng(3)
    table = mg.LogitTable(mg.StateSpace(3, 3), random.normal(size=(27, 3)))
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0))
    classes = mg.recurrent_classes(chain)
    start = int(classes[0][0])
    found = memory_use(chain, start=start)
    said = [state % 3 for state in classes[0]]
    counts = np.bincount(said) / len(said)
    entropy = -sum(p * np.log2(p) for p in counts if p)
    assert abs(found.orders[0].lost_bits.value - entropy) < 1e-12


def test_several_classes_count_as_the_start_says():
    # 00.. for ever or 11.. for ever, 3 : 1 from the start: without memory H(1/4), with one token nothing
    space = mg.StateSpace(2, 2)
    chain = mg.WindowChain(space, np.array([[1.0, 0], [0.25, 0.75], [0.75, 0.25], [0.0, 1.0]]))
    with pytest.raises(mg.InvalidInput, match="2 recurrent classes"):
        memory_use(chain)
    # from 10: 0 with 3/4 (00), else 01, which goes to 10 with 1/4 and to 11 with 3/4: x = 3/4 + x/16, x = 4/5
    found = memory_use(chain, start=(1, 0))
    entropy = -(0.8 * np.log2(0.8) + 0.2 * np.log2(0.2))
    assert found.orders[0].lost_bits.lower <= entropy <= found.orders[0].lost_bits.upper
    assert found.orders[1].lost_bits.upper == 0
    for state, share in enumerate((0.8, 0, 0, 0.2)):
        assert found.long_run.lower[state] <= share <= found.long_run.upper[state]


def test_single_precision_rows_are_the_chain_of_their_normalisation():
    random = np.random.default_rng(8)
    table = mg.LogitTable(mg.StateSpace(3, 2), random.normal(size=(9, 3)))
    single = mg.WindowChain.from_logits(table, dtype=np.float32)
    with mpmath.workdps(60):
        rows = dense(single)
        masses = stationary(single, rows)
        for m, loss in enumerate(memory_use(single).orders):
            exact = conditional_entropy(single, rows, masses, m) - conditional_entropy(single, rows, masses, 2)
            assert loss.lost_bits.lower <= exact <= loss.lost_bits.upper


def test_nearly_equal_rows_lose_the_square_of_their_difference():
    # rows 1/2 +- e at equal masses: chi-square over two, 2 e**2 nats, where log differences would be lost
    e = 2.0**-30
    space = mg.StateSpace(2, 2)
    signs = np.array([1, 1, -1, -1])  # by the oldest token
    chain = mg.WindowChain(space, np.stack([0.5 + signs * e, 0.5 - signs * e], axis=1))
    loss = memory_use(chain).orders[1].lost_bits
    with mpmath.workdps(60):
        rows = dense(chain)
        masses = stationary(chain, rows)
        exact = conditional_entropy(chain, rows, masses, 1) - conditional_entropy(chain, rows, masses, 2)
        assert loss.lower <= exact <= loss.upper
        assert abs(loss.value / exact - 1) < 1e-6
    assert loss.lower > 0


def test_bounds_too_wide_say_nothing_but_what_is_always_true(monkeypatch):
    monkeypatch.setattr(memory_order, "WIDEST", 0.0)
    loss = memory_use(repeats_its_oldest()).orders[0].lost_bits
    assert (loss.lower, round(loss.upper, 12)) == (0.0, 1.0)


def test_questions_that_shorter_windows_cannot_be_asked_are_refused():
    chain = sticky(2)
    with pytest.raises(mg.InvalidInput, match="over all full windows, got SparseChain of 2 states"):
        memory_use(mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]]))
    prefixes = mg.StateSpace(2, 2, with_prefixes=True)
    with pytest.raises(mg.InvalidInput, match="without prefixes"):
        memory_use(mg.WindowChain(prefixes, np.full((6, 2), 0.5)))
    with pytest.raises(mg.InvalidInput, match="target must be a text, several, or a pattern, got ndarray"):
        memory_use(chain, target=np.array([True, False, False, False]), start=0)
    with pytest.raises(mg.InvalidInput, match="a target needs a start, got None"):
        memory_use(chain, target="11")
    with pytest.raises(mg.InvalidInput, match="within must come with a target, got 3 alone"):
        memory_use(chain, within=3)
    for order in (-1, 3, 1.5, True):
        with pytest.raises(mg.InvalidInput, match=r"order must be a whole number in 0\.\.2"):
            memory_use(chain).chain(order)


@pytest.mark.skipif(not (DATA / "hf_names_ctx3").is_dir(), reason="the shared data are not here")
def test_a_real_model_loses_less_the_more_it_sees():
    model = mg.load_model(DATA / "hf_names_ctx3")
    found = memory_use(mg.WindowChain.from_model(model))
    lost = [loss.lost_bits for loss in found.orders]
    assert all(more.lower > less.upper > 0 for more, less in pairwise(lost))
    assert all(part.upper - part.lower < 1e-9 for part in lost)
