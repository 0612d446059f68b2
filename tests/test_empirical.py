"""What is left to learn, against its definition in many digits, by hand, and by the loss of training."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.empirical import divergence_from_data, stationary_mass
from markovgpt.chains.counted import count_windows, counted_chain
from markovgpt.demo import TEXT, baby_gpt
from markovgpt.scaled import ScaledArray

BABY = tuple(map(int, TEXT))
SPACE = mg.StateSpace(2, 1)


def exactly(counts, chain):
    """Divergence, cross entropy and entropy in bits, to fifty digits, of the exact normalisation of the rows."""
    table = chain.next_token_probs
    mp.mp.dps = 50
    scaled = ScaledArray.of(np.asarray(table, dtype=np.float64) if isinstance(table, np.ndarray) else table)
    rows = [
        [mp.ldexp(mp.mpf(float(m)), int(e)) if m else mp.mpf(0) for m, e in zip(*pair, strict=True)]
        for pair in zip(scaled.mantissa, scaled.exponent, strict=True)
    ]
    cross, own = mp.mpf(0), mp.mpf(0)
    for state, token, count, of in zip(counts.state, counts.token, counts.count, counts.window_count, strict=True):
        share = mp.mpf(int(count)) / counts.total
        cross -= share * mp.log(rows[state][token] / mp.fsum(rows[state]), 2)
        own -= share * mp.log(mp.mpf(int(count)) / int(of), 2)
    return cross - own, cross, own


def encloses(answer, exact, width):
    """Whether the bounds hold and are narrow."""
    assert mp.mpf(answer.lower) <= exact <= mp.mpf(answer.upper)
    assert answer.lower <= answer.value <= answer.upper
    assert answer.upper - answer.lower <= width
    return True


def test_a_sure_text_under_a_loaded_coin_by_hand():
    # 0 and 1 take turns, two of each; the coin says the other side with 3/4 after 0 and 1/4 after 1
    counts = count_windows((0, 1, 0, 1), SPACE, wrap_around=True)
    found = divergence_from_data(counts, mg.WindowChain(SPACE, np.array([[0.25, 0.75], [0.25, 0.75]])))
    expected = (np.log2(4 / 3) + 2) / 2
    assert found.divergence.value == pytest.approx(expected, rel=1e-14)
    assert found.cross_entropy.value == pytest.approx(expected, rel=1e-14)
    assert (found.entropy.lower, found.entropy.upper) == (0, 0)
    assert found.n_impossible == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 2), min_size=3, max_size=60), st.integers(0, 10**6), st.sampled_from([1.0, 1e-3, 30.0]))
def test_bounds_hold_against_many_digits(text, seed, spread):
    space = mg.StateSpace(3, 2)
    logits = np.random.default_rng(seed).normal(size=(9, 3)) * spread
    chain = mg.WindowChain.from_logits(mg.LogitTable(space, logits))
    counts = count_windows(text, space, wrap_around=True)
    found = divergence_from_data(counts, chain)
    for answer, exact in zip(
        (found.divergence, found.cross_entropy, found.entropy), exactly(counts, chain), strict=True
    ):
        assert encloses(answer, exact, 1e-12 * (1 + answer.value))


@pytest.mark.parametrize("off", [0.0, 1e-15, 1e-12, 1e-6, 1e-3, 0.2499, 0.2501, 0.9])
def test_a_model_close_to_the_data_keeps_its_digits(off):
    # q = 1/2 each; p = (1 + off) / 2 and (1 - off) / 2: the divergence is - log2(1 - off**2) / 2, about off**2 / 2 ln 2
    counts = count_windows((0, 0, 1, 1), SPACE, wrap_around=True)
    chain = mg.WindowChain(SPACE, np.array([[(1 + off) / 2, (1 - off) / 2]] * 2))
    found = divergence_from_data(counts, chain).divergence
    exact = exactly(counts, chain)[0]
    assert encloses(found, exact, 2e-14 * off + 3e-13 * found.value + 1e-28)
    if off >= 1e-12:
        assert found.lower > 0
    if off >= 1e-6:
        mp.mp.dps = 30
        assert float(-mp.log(1 - mp.mpf(off) ** 2, 2) / 2) == pytest.approx(found.value, rel=1e-8)


@pytest.mark.parametrize("off", [-1e-4, -1e-9, -1e-13, 1e-13, 1e-9, 1e-4])
def test_bounds_allow_for_shares_that_doubles_round(off):
    # q = 1/7, 2/7, 4/7, none of them a double: half a unit off moves the divergence by off times as much
    space = mg.StateSpace(3, 1)
    counts = count_windows(None, space, examples=([[0]] * 7, [[0], [1], [1], [2], [2], [2], [2]]))
    rows = np.array([[1 / 7 + off, 2 / 7 - 3 * off, 4 / 7 + 2 * off]] * 3)
    found = divergence_from_data(counts, mg.WindowChain(space, rows)).divergence
    assert encloses(found, exactly(counts, mg.WindowChain(space, rows))[0], 5e-14 * abs(off) + 1e-27)


def test_what_the_model_says_elsewhere_counts():
    # after 0 always 1; the model gives the other tokens 1/2 of the row: exactly one bit
    counts = count_windows((0, 1, 0, 1), mg.StateSpace(3, 1))
    rows = np.array([[0.25, 0.5, 0.25], [0.5, 0.125, 0.375], [1.0, 0.0, 0.0]])
    found = divergence_from_data(counts, mg.WindowChain(mg.StateSpace(3, 1), rows))
    assert found.divergence.value == pytest.approx(1, rel=1e-14)
    assert found.divergence.lower <= 1 <= found.divergence.upper


def test_a_sure_model_of_a_sure_text_wastes_nothing_by_proof():
    counts = count_windows((0, 1, 0, 1), SPACE)
    chain = mg.WindowChain(SPACE, np.array([[0.0, 1.0], [1.0, 0.0]]))
    found = divergence_from_data(counts, chain)
    for answer in (found.divergence, found.cross_entropy, found.entropy):
        assert (answer.lower, answer.value, answer.upper) == (0, 0, 0)


def test_a_model_below_the_doubles_is_far_and_not_infinitely():
    logits = np.array([[0.0, -2000.0], [-2000.0, 0.0]])
    chain = mg.WindowChain.from_logits(mg.LogitTable(SPACE, logits))
    counts = count_windows((0, 1, 0, 1), SPACE)
    found = divergence_from_data(counts, chain)
    assert found.divergence.value == pytest.approx(2000 / np.log(2), rel=1e-12)
    assert encloses(found.divergence, exactly(counts, chain)[0], 1e-9)
    assert encloses(found.cross_entropy, exactly(counts, chain)[1], 1e-9)


def test_single_precision_rows_are_the_ones_that_are_stored():
    logits = np.random.default_rng(3).normal(size=(9, 3))
    space = mg.StateSpace(3, 2)
    chain = mg.WindowChain.from_logits(mg.LogitTable(space, logits), dtype=np.float32)
    counts = count_windows(np.random.default_rng(4).integers(0, 3, 50), space)
    for answer, exact in zip(
        (divergence_from_data(counts, chain).divergence, divergence_from_data(counts, chain).cross_entropy),
        exactly(counts, chain),
        strict=False,
    ):
        assert encloses(answer, exact, 1e-12)


def test_what_the_model_cannot_say_is_infinitely_far():
    counts = count_windows((0, 0, 1, 0), SPACE)
    chain = mg.WindowChain(SPACE, np.array([[1.0, 0.0], [0.5, 0.5]]))
    found = divergence_from_data(counts, chain)
    assert found.n_impossible == 1
    for answer in (found.divergence, found.cross_entropy):
        assert (answer.lower, answer.value, answer.upper) == (np.inf, np.inf, np.inf)
        assert mg.certified_digits(answer) == "inf"
    assert found.entropy.value == pytest.approx(2 / 3, rel=1e-14)  # 0 -> 0 and 0 -> 1 once each, two of three examples
    assert found.summary()["divergence"]["value"] == np.inf


def test_a_state_that_is_kept_says_nothing():
    space = mg.StateSpace(2, 2)
    chain = mg.with_absorbing(mg.WindowChain(space, np.full((4, 2), 0.5)), [1])
    assert divergence_from_data(count_windows((0, 1, 1), space), chain).n_impossible == 1
    assert divergence_from_data(count_windows((1, 1, 1), space), chain).divergence.value == pytest.approx(1)


def test_the_cross_entropy_is_the_loss_of_training():
    chains = {}
    log = baby_gpt(on_step=lambda step, model: chains.update({step: mg.WindowChain.from_model(model)})).log
    counts = count_windows(BABY, mg.StateSpace(2, 3))
    for step in (0, 10, 40, 49):
        bits = divergence_from_data(counts, chains[step]).cross_entropy.value
        assert bits * np.log(2) == pytest.approx(log[step]["loss"], abs=1e-6)


def test_other_windows_are_refused():
    chain = mg.WindowChain(SPACE, np.full((2, 2), 0.5))
    with pytest.raises(
        mg.InvalidInput, match=r"over the chain's own windows, got 4 windows of 2 tokens and 2 windows of 1"
    ):
        divergence_from_data(count_windows((0, 1, 0), mg.StateSpace(2, 2)), chain)
    with pytest.raises(mg.InvalidInput, match=r"and none; count over chain\.space"):
        divergence_from_data(count_windows((0, 1, 0), SPACE), mg.SparseChain.from_matrix(np.eye(2)))


@given(st.integers(0, 10**6), st.integers(2, 8), st.data())
def test_mass_is_the_sum_of_the_shares(seed, n, data):
    matrix = np.random.default_rng(seed).dirichlet(np.full(n, 0.3), size=n) + np.roll(np.eye(n), 1, axis=1)
    matrix /= matrix.sum(axis=1, keepdims=True)
    lived = mg.stationary_distributions(mg.SparseChain.from_matrix(matrix)).only()
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    inside, outside = stationary_mass(lived, mask), stationary_mass(lived, ~mask)
    balance = np.vstack([matrix.T - np.eye(n), np.ones(n)])
    share = np.linalg.lstsq(balance, np.append(np.zeros(n), 1), rcond=None)[0]
    assert inside.value == pytest.approx(share[mask].sum(), abs=1e-9)
    assert inside.lower <= inside.value <= inside.upper <= 1
    assert inside.lower + outside.lower <= 1 + 1e-15
    assert inside.upper + outside.upper >= 1 - 1e-15
    assert (inside.lower == inside.upper) == (mask.all() or not mask.any())


def test_mass_outside_keeps_its_digits_however_small():
    # 0 -> 1 with 1e-30, 1 -> 0 surely: pi_1 = 1e-30 / (1 + 1e-30)
    chain = mg.SparseChain.from_matrix([[1 - 1e-30, 1e-30], [1.0, 0.0]])
    lived = mg.stationary_distributions(chain).only()
    outside = stationary_mass(lived, np.array([False, True]))
    assert outside.value == pytest.approx(1e-30, rel=1e-14)
    assert outside.upper / outside.lower < 1 + 1e-12
    assert stationary_mass(lived, np.array([True, False])).upper == 1


def test_mass_on_transient_states_is_0_and_on_the_others_1_by_proof():
    lived = mg.stationary_distributions(mg.SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])).only()
    for mask, share in (([True, False], 0), ([False, True], 1), ([True, True], 1), ([False, False], 0)):
        answer = stationary_mass(lived, np.array(mask))
        assert (answer.lower, answer.value, answer.upper) == (share,) * 3
        assert answer.method == "graph search on the support"


def test_a_mask_of_another_shape_is_refused():
    lived = mg.stationary_distributions(mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])).only()
    for mask in (np.array([True]), np.array([0, 1])):
        with pytest.raises(mg.InvalidInput, match=r"states must be a bool mask of shape \(2,\), got"):
            stationary_mass(lived, mask)


def test_a_circle_spends_its_time_on_its_own_windows():
    counts = count_windows(BABY, mg.StateSpace(2, 3), wrap_around=True)
    rows = np.full((8, 2), 0.5)
    rows[counts.state, 0] = 0.0
    rows[counts.state, 1] = 0.0
    rows[counts.state, counts.token] = counts.count / counts.window_count
    chain = mg.WindowChain(mg.StateSpace(2, 3), rows)
    lived = mg.stationary_distributions(chain).only()
    assert stationary_mass(lived, counts.seen).lower == 1
    found = divergence_from_data(counts, chain)
    assert found.divergence.lower == 0
    assert found.divergence.upper < 1e-28
    assert counted_chain(counts).n_states == counts.seen.sum()
