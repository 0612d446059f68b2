"""Tabulation: every window asked once, each row a function of its window alone."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt.chains import logits, workers
from markovgpt.models.cached_tree import CachedModel
from markovgpt.models.prefix_tree import PrefixWalk


def digits(windows):
    """Logits from which the window can be read: its tokens as one number, and its length."""
    windows = np.asarray(windows)
    number = windows @ (10.0 ** np.arange(windows.shape[1])[::-1])
    return np.stack([number, np.full(len(windows), float(windows.shape[1]))], axis=1)


@pytest.fixture
def reader():
    return mg.as_model(digits, vocab_size=2, context_length=9)  # 512 windows: two batches


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


def test_the_remedies_that_are_named_work(reader, tmp_path):
    budget = 18_000  # a worker of the reader holds two batches of 256 x 2 doubles and its block twice
    remedies = (
        r"\(context_length=, --context-length\), keep it on disk \(directory=, --on-disk\), .*\(reachable_chain\)"
    )
    with pytest.raises(mg.TooLarge, match=remedies):
        mg.tabulate(reader, memory_budget=budget)
    assert mg.tabulate(reader, context_length=2, memory_budget=budget).space.n_states == 4
    on_disk = mg.tabulate(reader, memory_budget=25_000, directory=tmp_path)
    assert on_disk.logits.tolist() == mg.tabulate(reader).logits.tolist()
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


@pytest.fixture
def gpt():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return mg.GPT(mg.GPTConfig(3, 9, n_layer=2)).eval()


@pytest.mark.parametrize("settings", [{"workers": 1}, {"workers": 3}, {"memory_budget": 2 * 10**7}])
def test_workers_and_budget_leave_the_bytes_as_they_are(gpt, settings):
    assert mg.tabulate(gpt, **settings).logits.tobytes() == mg.tabulate(gpt).logits.tobytes()


def test_torch_runs_on_one_thread_in_every_worker(gpt, monkeypatch):
    seen, before, whole = set(), torch.get_num_threads(), PrefixWalk.visit

    def watched(walk, *place):
        seen.add((threading.get_ident(), torch.get_num_threads()))
        return whole(walk, *place)

    monkeypatch.setattr(PrefixWalk, "visit", watched)
    torch.set_num_threads(4)
    mg.tabulate(gpt, workers=2)
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert after == 4
    assert {threads for _, threads in seen} == {1}
    assert len(seen) == 2


def test_a_budget_for_one_worker_gives_one(gpt, monkeypatch):
    crews = []
    monkeypatch.setattr(logits, "work_through", lambda blocks, crew: crews.append(len(crew)) or work(blocks, crew))
    work = workers.work_through
    mg.tabulate(gpt, workers=2)
    mg.tabulate(gpt, workers=2, memory_budget=10**7)
    assert crews == [2, 1]


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_workers_below_one_are_refused(reader, count):
    with pytest.raises(mg.InvalidInput, match=rf"workers must be a whole number of at least 1, got {count}"):
        mg.tabulate(reader, workers=count)


def test_progress_is_silent_where_nobody_watches(reader, capsys):
    mg.tabulate(reader, progress=True)
    assert capsys.readouterr() == ("", "")


def test_progress_shows_rate_remaining_time_and_memory_on_a_terminal(reader, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    mg.tabulate(reader, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(r"512/512 \[\d\d:\d\d<\d\d:\d\d, .* windows/s, [\d.]+ [MG]B\]", err)


def test_a_model_made_in_memory_has_an_origin(gpt):
    source = mg.tabulate(gpt, context_length=2).source
    assert (source.format, source.dtype, len(source.weights_sha256)) == ("memory", "float32", 64)


def test_a_model_that_changes_its_dtype_is_refused():
    dtypes = iter([np.float32] * 16 + [np.float64] * 99)
    model = mg.as_model(lambda w: np.full((len(w), 2), 1e300, next(dtypes)), vocab_size=2, context_length=13)
    with np.errstate(over="ignore"), pytest.raises(mg.InvalidInput, match="must give"):
        mg.tabulate(model)


def test_numpys_integers_are_integers(gpt, tmp_path):
    table = mg.tabulate(gpt, context_length=np.int64(2), directory=tmp_path)
    assert table.space == mg.StateSpace(3, 2)
    assert mg.StateSpace(np.int32(65), np.int64(64)).n_states == 65**64


def test_a_subclass_answers_in_its_own_way():
    class Silent(mg.GPT):
        def next_token_logits(self, windows):
            return np.zeros((len(windows), 2))

    assert not mg.tabulate(Silent(mg.GPTConfig(2, 3))).logits.any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype, tmp_path):
    half = mg.GPT(mg.GPTConfig(3, 4, n_layer=1)).to(dtype)
    table = mg.tabulate(half)
    assert table.logits.dtype == np.float32
    assert table.logits.tobytes() == mg.tabulate(mg.GPT.float(half)).logits.tobytes()


@pytest.mark.parametrize("directory", [False, True])
def test_what_would_not_fit_is_refused_before_the_model_is_asked_how(directory, tmp_path, monkeypatch):
    class Unasked(CachedModel):
        def cache_agrees(self, context_length):
            raise AssertionError("the model was asked")

    model = Unasked(torch.nn.Embedding(65, 65), 65, 2048, None)
    with pytest.raises(mg.TooLarge, match="give"):
        mg.tabulate(model, directory=tmp_path / "table" if directory else None)
    assert not (tmp_path / "table").exists()


MEASURED = """
import markovgpt as mg
from markovgpt.memory import peak_bytes
model = mg.GPT(mg.GPTConfig(27, 4, n_layer=2, n_embd=32))
mg.tabulate(model, context_length=1)  # what torch takes at its first use is not the table's
before = peak_bytes()
mg.tabulate(model, workers=2)
print(mg.tabulation_bytes(model, workers=2) / (peak_bytes() - before))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is told on Linux")
def test_the_memory_that_is_predicted_is_the_memory_it_takes():
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    assert 0.8 < float(done.stdout) < 1.25


def test_a_table_says_again_what_the_model_said(reader):
    table = mg.tabulate(reader, with_prefixes=True)
    for length in (1, 4, 9):
        windows = mg.StateSpace(2, length).windows(length)[::3]
        assert table.next_token_logits(windows).tolist() == digits(windows).tolist()
    assert (table.vocab_size, table.context_length) == (2, 9)
    assert isinstance(table, mg.NextTokenModel)


def test_a_table_says_nothing_about_windows_it_does_not_hold(reader):
    table = mg.tabulate(reader)
    with pytest.raises(mg.InvalidInput, match=r"a window must hold 9 tokens, got 4.*with_prefixes=True"):
        table.next_token_logits(np.zeros((1, 4), dtype=np.int64))
