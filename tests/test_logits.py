"""Tabulation: every window asked once, each row a function of its window alone."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.chains.logits import TILE_ROWS, ask


def digits(windows):
    """Logits from which the window can be read: its tokens as one number, and its length."""
    windows = np.asarray(windows)
    number = windows @ (10.0 ** np.arange(windows.shape[1])[::-1])
    return np.stack([number, np.full(len(windows), float(windows.shape[1]))], axis=1)


@pytest.fixture
def reader():
    return mg.as_model(digits, vocab_size=2, context_length=9)  # 512 windows: two tiles


@pytest.mark.parametrize("with_prefixes", [False, True])
def test_each_row_is_what_the_model_says_after_its_window(reader, with_prefixes):
    table = mg.tabulate(reader, with_prefixes=with_prefixes)
    assert len(table.logits) == table.space.n_states
    for state, row in enumerate(table.logits):
        window = table.space.decode(state)
        assert row.tolist() == [float("".join(map(str, window))), len(window)]


def test_the_model_is_asked_once_about_each_window():
    asked = []

    def count(windows):
        asked.extend(map(tuple, np.unique(np.asarray(windows), axis=0).tolist()))
        return np.zeros((len(windows), 2))

    mg.tabulate(mg.as_model(count, vocab_size=2, context_length=9), with_prefixes=True)
    assert len(asked) == len(set(asked)) == mg.StateSpace(2, 9, with_prefixes=True).n_states


def test_every_batch_has_the_same_number_of_rows():
    sizes = set()

    def measure(windows):
        sizes.add(len(windows))
        return np.zeros((len(windows), 3))

    mg.tabulate(mg.as_model(measure, vocab_size=3, context_length=6), with_prefixes=True)
    assert sizes == {TILE_ROWS}


def test_the_model_is_asked_on_one_thread_and_the_callers_number_comes_back():
    threads, before = set(), torch.get_num_threads()

    def watched(windows):
        threads.add(torch.get_num_threads())
        return np.zeros((len(windows), 2))

    torch.set_num_threads(2)
    mg.tabulate(mg.as_model(watched, vocab_size=2, context_length=2))
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert (threads, after) == ({1}, 2)


@pytest.mark.parametrize("shape", [(1, 2), (TILE_ROWS, 3), (TILE_ROWS,), (TILE_ROWS, 1, 2)])
def test_a_models_answer_of_another_shape_is_refused(shape):
    model = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=2)
    model.next_token_logits = lambda windows: np.zeros(shape)  # a model of one's own, without as_model's check
    with pytest.raises(mg.InvalidInput, match="logits"):
        mg.tabulate(model)


def test_a_row_does_not_depend_on_its_neighbours():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = mg.GPT(mg.GPTConfig(5, 4, n_layer=2, n_embd=32)).eval()
    table = mg.tabulate(mg.as_model(model, vocab_size=5, context_length=4))
    for state in (0, 7, 300, 624):
        alone = ask(model, np.array([table.space.decode(state)]))
        assert alone[0].tobytes() == table.logits[state].tobytes()


def test_a_shorter_context_asks_about_shorter_windows(reader):
    table = mg.tabulate(reader, context_length=2)
    assert table.logits[:, 1].tolist() == [2.0] * 4
    assert table.space == mg.StateSpace(2, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_models_dtype_and_vocabulary_are_kept(dtype):
    bits = mg.Vocabulary(("0", "1"))
    model = mg.as_model(lambda w: np.zeros((len(w), 2), dtype), vocab_size=2, context_length=2, vocabulary=bits)
    table = mg.tabulate(model)
    assert table.logits.dtype == dtype
    assert table.vocabulary == bits
    assert not table.logits.flags.writeable


def test_a_space_that_would_not_fit_is_refused_before_the_model_is_asked():
    def never(windows):
        raise AssertionError("the model was asked")

    model = mg.as_model(never, vocab_size=65, context_length=64)
    with pytest.raises(mg.TooLarge, match=r"65\*\*64 states x 65 tokens need .* GB, budget .*; give a shorter context"):
        mg.tabulate(model)


def test_the_remedies_that_are_named_work(reader):
    with pytest.raises(mg.TooLarge, match=r"\(context_length=, --context-length\).*\(reachable_chain\)"):
        mg.tabulate(reader, memory_budget=100)
    assert mg.tabulate(reader, context_length=2, memory_budget=100).space.n_states == 4
    always_one = mg.as_model(lambda w: np.array([[0.0, 1.0]] * len(w)), vocab_size=2, context_length=9)
    assert mg.reachable_chain(always_one, mg.SamplingSettings(temperature=0), (0,)).n_states == 10


@pytest.mark.parametrize("context_length", [0, 10])
def test_a_context_the_model_has_not_is_refused(reader, context_length):
    with pytest.raises(mg.InvalidInput, match=rf"context_length must lie in 1..9, .* got {context_length}"):
        mg.tabulate(reader, context_length=context_length)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_numbers_name_their_window(bad):
    def broken(windows):
        windows = np.asarray(windows)
        logits = np.zeros((len(windows), 2))
        logits[(windows == [1, 0]).all(axis=1), 1] = bad
        return logits

    model = mg.as_model(broken, vocab_size=2, context_length=2, vocabulary=mg.Vocabulary(("a", "b")))
    with pytest.raises(mg.InvalidInput, match=r"after the window 'ba' \(tokens \(1, 0\)\); look for NaN"):
        mg.tabulate(model)


def test_broken_weights_of_a_gpt_name_the_first_window_they_spoil():
    model = mg.GPT(mg.GPTConfig(3, 2, tied=False))
    with torch.no_grad():
        model.transformer["wte"].weight[1] = torch.nan  # 00 does not hold token 1, 01 does
    with pytest.raises(mg.InvalidInput, match=r"after the window '01' \(tokens \(0, 1\)\); look for NaN"):
        mg.tabulate(model)


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(mg.InvalidInput, match=r"logits must have the shape \(n_states, V\) = \(8, 2\), got \(8, 3\)"):
        mg.LogitTable(mg.StateSpace(2, 3), np.zeros((8, 3)))
