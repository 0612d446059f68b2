"""Chains over all windows: what they are made of, and what they refuse."""

import tracemalloc

import decimals
import numpy as np
import pytest

import markovgpt as mg
from markovgpt.scaled import ScaledArray

HALVES = np.full((4, 2), 0.5)
SPACE = mg.StateSpace(2, 2)


def changed(row, entries):
    """Fair coins, but for one row."""
    rows = HALVES.copy()
    rows[row] = entries
    return rows


def test_a_chain_is_the_softmax_of_its_table():
    logits = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 0.0], [3.0, 1.0]])
    chain = mg.WindowChain.from_logits(mg.LogitTable(SPACE, logits), mg.SamplingSettings(temperature=2))
    expected = np.exp(logits / 2) / np.exp(logits / 2).sum(axis=1, keepdims=True)
    assert chain.next_token_probs == pytest.approx(expected, rel=1e-15)
    assert not chain.next_token_probs.flags.writeable


def test_one_table_serves_every_setting_without_a_model_call():
    calls = []

    def model(windows):
        calls.append(len(windows))
        return np.zeros((len(windows), 2))

    table = mg.tabulate(mg.as_model(model, vocab_size=2, context_length=2))
    asked = len(calls)
    for temperature in (0.0, 0.5, 1.0):
        mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature))
    assert len(calls) == asked


def test_from_model_tabulates_on_the_way():
    model = mg.as_model(lambda w: np.zeros((len(w), 2)), vocab_size=2, context_length=2)
    assert mg.WindowChain.from_model(model).next_token_probs.tolist() == HALVES.tolist()
    assert mg.WindowChain.from_model(model, with_prefixes=True).n_states == 6


@pytest.mark.parametrize("temperature", [1e-3, 1e-6, 1e-9])
def test_cold_chains_keep_every_token_possible(temperature):
    table = mg.LogitTable(SPACE, np.array([[0.0, -2.0]] * 4))
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature))
    probs = chain.next_token_probs
    assert isinstance(probs, ScaledArray)
    assert probs.positive().all()
    assert probs.log10()[0, 1] == pytest.approx(-2 / temperature / np.log(10), rel=1e-12)


def test_a_temperature_below_any_exponent_is_refused_with_its_limit():
    table = mg.LogitTable(SPACE, np.array([[0.0, -2.0]] * 4))
    with pytest.raises(mg.InvalidInput, match=r"got -2e\+20; raise the temperature, or take temperature 0, the limit"):
        mg.WindowChain.from_logits(table, mg.SamplingSettings(1e-20))


def test_a_row_that_does_not_sum_to_one_is_named_with_its_sum():
    with pytest.raises(mg.InvalidInput, match=r"next_token_probs must sum to 1, got 0.9000000\d* in row 2; divide"):
        mg.WindowChain(SPACE, changed(2, [0.4, 0.5]))
    with pytest.raises(mg.InvalidInput, match=r"got 1.00000000\d* in row 1"):
        mg.WindowChain(SPACE, changed(1, [0.5, 0.5 + 1e-10]))


@pytest.mark.parametrize(("entries", "shown"), [([-0.5, 1.5], "-0.5"), ([np.nan, 1], "nan"), ([np.inf, 0], "inf")])
def test_entries_that_are_no_probabilities_name_token_and_window(entries, shown):
    with pytest.raises(
        mg.InvalidInput, match=rf"a probability must lie in \[0, 1\], got {shown} of token 0 after '10'"
    ):
        mg.WindowChain(SPACE, changed(2, entries))


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(mg.InvalidInput, match=r"next_token_probs must have the shape \(n_states, V\) = \(4, 2\)"):
        mg.WindowChain(SPACE, HALVES[:3])


def test_transitions_that_would_not_fit_are_refused(monkeypatch):
    chain = mg.WindowChain(SPACE, HALVES)
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match="the transitions of 4 states x 2 tokens need 768 bytes, budget 750 bytes"):
        chain.to_csr()


def test_probabilities_that_would_not_fit_are_refused(monkeypatch):
    table = mg.LogitTable(SPACE, np.zeros((4, 2)))
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100)
    with pytest.raises(mg.TooLarge, match="the probabilities of 4 states x 2 tokens need 128 bytes, budget 75 bytes"):
        mg.WindowChain.from_logits(table)


def test_a_chain_keeps_the_tables_vocabulary():
    table = mg.LogitTable(SPACE, np.zeros((4, 2)), mg.Vocabulary(("a", "b")))
    assert [mg.WindowChain.from_logits(table).label(state) for state in range(4)] == ["aa", "ab", "ba", "bb"]


def test_probabilities_with_too_few_digits_for_a_double_are_kept_scaled():
    # e**-715 = 10**-310.5 is a double of 44 bits only: the normal ones end at e**-708.4
    chain = mg.WindowChain.from_logits(mg.LogitTable(SPACE, np.array([[0.0, -715.0]] * 4)))
    assert isinstance(chain.next_token_probs, ScaledArray)
    assert chain.next_token_probs.log10()[0, 1] == pytest.approx(-715 / np.log(10), rel=1e-15)


def test_a_scaled_table_is_read_only_too():
    chain = mg.WindowChain(SPACE, ScaledArray.of(HALVES))
    with pytest.raises(ValueError, match="read-only"):
        chain.next_token_probs[0, 0] = 0.9


@pytest.mark.parametrize("setting", [{}, {"top_k": 5}, {"top_p": 0.9}, {"min_p": 0.1}, {"temperature": 1e-3}])
def test_the_memory_is_at_most_a_quarter_above_its_estimate(monkeypatch, setting):
    estimates = []
    monkeypatch.setattr("markovgpt.chains.window_chain.require_memory", lambda size, *_, **__: estimates.append(size))
    space = mg.StateSpace(30, 3)
    table = mg.LogitTable(space, np.random.default_rng(0).normal(size=(27000, 30)).astype(np.float32))
    tracemalloc.start()
    mg.WindowChain.from_logits(table, mg.SamplingSettings(**setting))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 1.25 * max(estimates)


# -- tables of single precision and in files --------------------------------------------------------------------------


def single_table(space, seed=3):
    """Rows of 24-bit probabilities, and what they stand for: each row over its sum, in doubles."""
    weights = np.random.default_rng(seed).random((space.n_states, space.vocab_size)) + 0.01
    rows = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    wide = rows.astype(np.float64)
    return rows, wide / wide.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("prefixes", [False, True])
def test_a_single_precision_table_is_the_chain_of_its_rows_over_their_sums(prefixes):
    space = mg.StateSpace(3, 3, prefixes)
    rows, exact = single_table(space)
    assert np.abs(rows.astype(np.float64).sum(axis=1) - 1).max() > 1e-9  # or nothing would be tested
    chain, reference = mg.WindowChain(space, rows), mg.WindowChain(space, exact)
    assert chain.next_token_probs.dtype == np.float32
    vector = np.random.default_rng(0).random(space.n_states)
    assert chain.push(vector) == pytest.approx(reference.push(vector), rel=1e-14)
    assert chain.pull(vector) == pytest.approx(reference.pull(vector), rel=1e-14)
    assert chain.pull(np.ones(space.n_states)) == pytest.approx(1, abs=1e-14)
    assert chain.edges().probability.dtype == np.float64


@pytest.mark.parametrize("eliminated", [0, 600])
@pytest.mark.parametrize("prefixes", [False, True])
def test_answers_of_a_single_precision_table_hold_those_of_its_exact_chain(monkeypatch, eliminated, prefixes):
    monkeypatch.setattr("markovgpt.solvers.live_system.ELIMINATED_WINDOWS", eliminated)
    space = mg.StateSpace(2, 3, prefixes)
    rows, _ = single_table(space)
    chain, n = mg.WindowChain(space, rows), space.n_states
    matrix = decimals.window_rows(chain)
    target, full = [n - 1], list(range(n - 8, n))
    times, shares = decimals.expected_reward(matrix, [1] * n, target), decimals.stationary(matrix, full)
    answer, single = mg.expected_hitting_time(chain, target), mg.expected_hitting_time(chain, target, start=0)
    distribution = mg.stationary_distributions(chain).answers[0]
    assert all(decimals.encloses(answer, exact, state) for state, exact in enumerate(times))
    assert decimals.encloses(single, times[0])
    assert all(decimals.encloses(distribution, exact, state) for state, exact in enumerate(shares))
    assert answer.upper.max() / answer.lower.max() < 1 + 1e-10


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_chain_in_a_file_is_the_one_in_memory(tmp_path, dtype):
    space = mg.StateSpace(3, 3, with_prefixes=True)
    table = mg.LogitTable(space, np.random.default_rng(1).normal(size=(space.n_states, 3)))
    file = tmp_path / "probabilities.npy"
    mapped = mg.WindowChain.from_logits(table, mg.SamplingSettings(top_k=2), dtype=dtype, file=file)
    inside = mg.WindowChain.from_logits(table, mg.SamplingSettings(top_k=2), dtype=dtype)
    assert isinstance(mapped.next_token_probs, np.memmap)
    assert not mapped.next_token_probs.flags.writeable
    assert np.load(file).tolist() == inside.next_token_probs.tolist()
    assert inside.next_token_probs.dtype == mapped.next_token_probs.dtype == dtype
    opened = mg.WindowChain(space, np.load(file, mmap_mode="r"))
    vector = np.random.default_rng(2).random(space.n_states)
    for chain in (mapped, opened):
        assert chain.push(vector).tolist() == inside.push(vector).tolist()
        assert chain.strong_components()[0].tolist() == inside.strong_components()[0].tolist()
        assert (
            mg.expected_hitting_time(chain, [5]).value.tolist() == mg.expected_hitting_time(inside, [5]).value.tolist()
        )


def test_a_single_precision_chain_is_the_rounded_softmax():
    logits = np.random.default_rng(1).normal(size=(4, 2))
    chain = mg.WindowChain.from_logits(mg.LogitTable(SPACE, logits), dtype=np.float32)
    exact = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert chain.next_token_probs.tolist() == exact.astype(np.float32).tolist()


@pytest.mark.parametrize(
    ("dtype", "shown"), [(np.float16, "float16"), (np.int64, "int64"), ("complex128", "complex128")]
)
def test_other_dtypes_are_refused(dtype, shown):
    with pytest.raises(mg.InvalidInput, match=rf"dtype must be float64 or float32, got {shown}; float64 is usual"):
        mg.WindowChain.from_logits(mg.LogitTable(SPACE, np.zeros((4, 2))), dtype=dtype)


def test_what_single_precision_or_a_file_cannot_hold_is_refused(tmp_path):
    table = mg.LogitTable(SPACE, np.array([[0.0, -100.0]] * 4))
    with pytest.raises(mg.InvalidInput, match=r"at least -87 for a float32 table, got -100.0; raise the temperature"):
        mg.WindowChain.from_logits(table, dtype=np.float32)
    colder = mg.LogitTable(SPACE, np.array([[0.0, -700.0]] * 4))
    with pytest.raises(mg.InvalidInput, match=r"at least -690 for a float64 table in a file, got -700.0; raise the"):
        mg.WindowChain.from_logits(colder, file=tmp_path / "cold.npy")
    assert isinstance(mg.WindowChain.from_logits(table).next_token_probs, np.ndarray)


def test_a_single_precision_row_may_be_off_by_its_rounding_and_no_more():
    space = mg.StateSpace(2, 1)
    third = np.float32(1 / 3)
    mg.WindowChain(space, np.array([[third, np.float32(2 / 3)]] * 2, dtype=np.float32))
    with pytest.raises(mg.InvalidInput, match="next_token_probs must sum to 1"):
        mg.WindowChain(space, np.array([[third, np.float32(0.6667)]] * 2, dtype=np.float32))


@pytest.mark.parametrize("kind", ["double", "single", "scaled"])
def test_the_edges_of_some_states_are_those_of_all_that_leave_them(kind):
    space = mg.StateSpace(3, 2, with_prefixes=True)
    weights = np.random.default_rng(4).random((12, 3)) * (np.random.default_rng(5).random((12, 3)) < 0.6) + np.eye(3)[0]
    probs = weights / weights.sum(axis=1, keepdims=True)
    given = {"double": probs, "single": probs.astype(np.float32), "scaled": ScaledArray.of(probs)}[kind]
    chain = mg.WindowChain(space, given)
    mask = np.arange(12) % 3 == 1
    source, target, probability = chain.edges()
    some = chain.edges(mask)
    left = mask[source]
    assert (some.source.tolist(), some.target.tolist()) == (source[left].tolist(), target[left].tolist())
    found, expected = ScaledArray.of(some.probability), ScaledArray.of(probability[left])
    assert found.to_float().tolist() == expected.to_float().tolist()
    assert len(chain.edges(np.zeros(12, dtype=bool)).source) == 0


@pytest.mark.parametrize("prefixes", [False, True])
@pytest.mark.parametrize("temperature", [0.7, 1e-4])
def test_a_penalty_over_the_window_is_taken_row_by_row(prefixes, temperature):
    # each row asked for on its own; at the lower temperature the table needs more than doubles
    space = mg.StateSpace(3, 3, prefixes)
    table = mg.LogitTable(space, np.random.default_rng(8).normal(size=(space.n_states, 3)))
    settings = mg.SamplingSettings(temperature, top_k=2, window_repetition_penalty=1.7)
    chain = mg.WindowChain.from_logits(table, settings)
    assert isinstance(chain.next_token_probs, ScaledArray) == (temperature == 1e-4)
    for state in range(space.n_states):
        window = space.decode(state)
        seen = [token in window for token in range(3)]
        row = table.logits[state]
        penalised = np.where(seen, np.where(row < 0, row * 1.7, row / 1.7), row)
        alone = mg.SamplingSettings(temperature, top_k=2).log_probabilities(penalised)
        found = chain.next_token_probs[state]
        logs = (ScaledArray.of(found) if temperature == 0.7 else found).log10() * np.log(10)
        possible = np.isfinite(alone)
        assert np.isfinite(logs).tolist() == possible.tolist()
        assert logs[possible] == pytest.approx(alone[possible], rel=1e-9, abs=1e-12)
