"""The speed experiment compares like with like."""

import torch

import markovgpt as mg
from experiments.tabulation_speed import CASES, bare_rate, by_full_forwards, drawn, growth_apart, spread


def test_both_sides_make_the_same_table():
    model = drawn(mg.GPTConfig(3, 4, n_layer=2, n_head=3, n_embd=12, bias=True, activation="gelu_tanh", tied=False))
    threads = torch.get_num_threads()
    forwards = by_full_forwards(model, mg.StateSpace(3, 4, with_prefixes=True), batch=7, threads=1)
    assert torch.get_num_threads() == threads
    assert torch.allclose(forwards, torch.tensor(mg.tabulate(model, with_prefixes=True).logits), atol=1e-5)


def test_the_cases_are_the_published_ones():
    spaces = [mg.StateSpace(c.config.vocab_size, c.config.context_length, c.with_prefixes) for c in CASES]
    assert [space.n_states for space in spaces] == [265_719, 531_441]


def test_a_bare_rate_is_some_billion_operations_a_second():
    assert 0.1 < bare_rate(64, mg.GPTConfig(3, 4), 1, least_seconds=0.05) < 1e5


def test_a_row_of_growth_says_what_it_took():
    row = growth_apart(2, on_disk=True)
    assert (row["L"], row["windows"], row["kept"]) == ("2", "729", "on disk")
    assert float(row["seconds"]) < 60


def test_a_spread_is_the_smallest_and_the_largest():
    assert spread([2.0, 1.0, 3.0]) == "1.00 to 3.00"
