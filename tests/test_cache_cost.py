"""What a token costs: the counted operations, and that what is timed takes turns."""

import numpy as np
import pytest

import markovgpt as mg
from experiments import cache_cost
from experiments.cache_cost import cost_row, drawn, full_cache, rounds_of, spread, windows_row


@pytest.fixture
def two_rounds(monkeypatch):
    """No more than two rounds."""
    monkeypatch.setattr(cache_cost, "MOST_ROUNDS", 2)


def test_works_take_turns_and_the_first_round_does_not_count(two_rounds):
    done = []
    times = rounds_of(lambda: done.append("a"), lambda: done.append("b"))
    assert done == ["a", "b"] * 3
    assert [len(part) for part in times] == [2, 2]


def test_what_takes_long_is_done_five_times(monkeypatch):
    monkeypatch.setattr(cache_cost, "ENOUGH_SECONDS", 0.0)
    assert [len(part) for part in rounds_of(lambda: None)] == [5]


def test_times_are_of_one_of_many():
    assert spread([0.002, 0.001, 0.003], 100) == "10 to 30"


def test_a_full_cache_holds_the_window():
    model = drawn(mg.GPTConfig(5, 4, n_layer=2, n_head=1, n_embd=4))
    cache = full_cache(model, np.array([[1, 2, 3, 4], [0, 0, 0, 0]]))
    assert cache.n_read == 4
    assert [key.shape for key, _ in cache.kept] == [(2, 1, 4, 4)] * 2


def test_a_row_counts_the_operations(two_rounds):
    row = cost_row(4, 2)
    # 2 layers of 2 * 12 * 32**2 for the matrices and 4 * 4 * 32 for what is looked at, and 2 * 32 * 27 at the end
    of_token = 2 * (2 * 12 * 32**2 + 4 * 4 * 32) + 2 * 32 * 27
    assert row["operations with a cache"] == f"{of_token:,}"
    assert row["operations anew"] == f"{4 * of_token:,}"
    assert row["ratio of operations"] == "4.0"
    assert float(row["ratio of times"]) > 0


def test_windows_of_a_shape(two_rounds, monkeypatch):
    monkeypatch.setitem(cache_cost.SHAPES, "tiny", mg.GPTConfig(2, 3, n_layer=1, n_head=1, n_embd=4))
    row = windows_row("tiny", batch=8)
    assert row["windows"] == "tiny"
    assert float(row["forward passes / tabulated"]) >= 0
