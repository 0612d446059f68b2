"""Texts no longer than the window: counted one by one, and a model's tree beside its listed chain."""

from itertools import product

import numpy as np
import pytest
import torch

import markovgpt as mg
from experiments.long_windows import counted, interval, long_rows, rows_of_model, size_rows
from experiments.token_tree import Bounds


def counted_one_by_one(V, L, n):
    """All texts that begin with 0 and have fewer than n tokens more, and the windows they end in."""
    texts = [(0, *tokens) for k in range(n) for tokens in product(range(V), repeat=k)]
    return len(texts), len({text[-L:] for text in texts})


@pytest.mark.parametrize(("V", "L"), [(2, 1), (2, 3), (3, 2)])
def test_sizes_against_all_texts(V, L):
    for n, row in zip(range(1, 7), size_rows([(V, L)], range(1, 7)), strict=True):
        assert (row["texts"], row["windows"]) == tuple(f"{number:,}" for number in counted_one_by_one(V, L, n))
        assert row["fewer calls"].startswith("neither" if n <= L else "merged")


def test_sizes_of_long_windows():
    (row,) = size_rows([(64, 16)], [50])
    # 64**0 + ... + 64**14 + 64**16 windows, 64**49 + 64**48 + ... texts
    assert (row["windows"], row["merged can be listed"]) == (counted(64**16 + 64**14 + 64**13), "no: only bounds")
    assert float(row["texts"]) == pytest.approx(64.0**50 / 63, rel=1e-2)


def test_rows_of_a_model_are_those_of_its_windows():
    logits = {1: [0.0, 1.0], 2: [2.0, 0.0]}
    model = mg.as_model(
        lambda windows: torch.tensor([logits[windows.shape[1]]] * len(windows)), vocab_size=2, context_length=2
    )
    found = rows_of_model(model, mg.SamplingSettings())([(0,), (0, 1), (1,)])
    e, f = np.e / (1 + np.e), np.e**2 / (1 + np.e**2)
    np.testing.assert_allclose(found, [[1 - e, e], [f, 1 - f], [1 - e, e]], rtol=1e-6)


def test_nothing_merges_within_the_window():
    model = mg.as_model(lambda windows: torch.zeros(len(windows), 27), vocab_size=27, context_length=3)
    asked = {"temperature": 1.0, "most_prefixes": 100}
    (whole,) = long_rows(model, "a", [3], most_listed=9, **asked)[:1]
    assert (whole["P, merged"], whole["windows"]) == ("not listed", "757")  # 1 + 27 + 729, each text a window
    rows = long_rows(model, "a", [2, 5], most_listed=1000, **asked)
    first, second, third, last = rows
    # all 27 tokens alike: P(a within 2) = 1 - (26/27)**2; a start, 27 windows after it
    assert (first["texts"], first["windows"], first["P, merged"][:8]) == ("28", "28", "0.072702")
    assert (first["prefixes, tree"], first["calls, tree"]) == ("27", "27")  # what is red need not be expanded
    lower, upper = map(float, first["bounds, tree"].strip("[]").split(", "))
    assert lower <= 1 - (26 / 27) ** 2 <= upper < lower + 2e-6
    assert (second["P, merged"], second["windows"]) == ("not listed", "over 1,000")
    assert third["texts"] == "3"
    assert (last["texts"], last["tokens kept"]) == ("31", 2)


def test_how_bounds_are_written():
    assert interval(Bounds(1, 1, 0.0, 2 / 3)) == "[0, 0.666667]"
