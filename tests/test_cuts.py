"""Windows that the settings cut in a doubtful place, counted."""

import math

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.cuts import count_cuts, kept_tokens
from markovgpt.chains.margins import Cuts


def table_of(rows):
    rows = np.array(rows, dtype=float)
    return mg.LogitTable(mg.StateSpace(len(rows), 1), rows)


def test_ties_at_the_kth_place_are_counted():
    table = table_of([[2.0, 1.0, 1.0], [2.0, 1.5, 1.0], [1.0, 1.0, 1.0]])
    assert count_cuts(table, mg.SamplingSettings(top_k=2)) == Cuts(3, 2, 0, 0.0)
    assert count_cuts(table, mg.SamplingSettings(top_k=1)) == Cuts(3, 1, 0, 0.0)
    assert count_cuts(table, mg.SamplingSettings(top_k=3)) == Cuts(3, 0, 0, math.inf)


def test_narrow_cuts_are_counted_and_the_smallest_margin_told():
    # min_p 1/2 of .5 is .25: the second tokens have .25 and a millionth more, .3 and .1 of it
    weights = [[0.5, 0.25, 0.25], [0.5, 0.3, 0.2], [0.5, 0.4, 0.1]]
    found = count_cuts(table_of(np.log(weights)), mg.SamplingSettings(min_p=0.5))
    assert (found.n_rows, found.n_tied, found.n_narrow) == (3, 0, 1)
    assert found.smallest_margin < 1e-6
    spread = count_cuts(table_of(np.log([*weights[1:], [0.5, 0.45, 0.05]])), mg.SamplingSettings(min_p=0.5))
    assert spread == Cuts(3, 0, 0, pytest.approx(0.2, rel=1e-5))


def test_at_temperature_zero_ties_of_the_largest_are_counted():
    table = table_of([[2.0, 2.0, 1.0], [2.0, 2.0 + 1e-8, 1.0], [3.0, 1.0, 1.0]])
    assert count_cuts(table, mg.SamplingSettings(temperature=0)) == Cuts(3, 1, 1, 0.0)
    machine = mg.greedy_machine(table)
    assert machine.n_tied == 1


def test_settings_that_cut_nothing_have_no_margin():
    assert count_cuts(table_of(np.zeros((3, 3))), mg.SamplingSettings(0.5)) == Cuts(3, 0, 0, math.inf)


def test_prefixes_are_counted_with_their_own_windows():
    # the penalty halves the logit 2 of the tokens seen: both tokens tie after the windows that hold both or none
    space = mg.StateSpace(2, 2, with_prefixes=True)
    table = mg.LogitTable(space, np.full((6, 2), 2.0))
    found = count_cuts(table, mg.SamplingSettings(top_k=1, window_repetition_penalty=2.0))
    assert found == Cuts(6, 2, 0, 0.0)  # 01 and 10


@pytest.mark.parametrize(
    "settings",
    [mg.SamplingSettings(0.7, 3, 0.9), mg.SamplingSettings(top_k=2, window_repetition_penalty=3.0)],
    ids=["filters", "penalty"],
)
def test_the_tokens_that_are_kept_are_the_support_of_the_chain(settings):
    space = mg.StateSpace(5, 2, with_prefixes=True)
    table = mg.LogitTable(space, np.random.default_rng(0).normal(size=(space.n_states, 5)))
    support = mg.WindowChain.from_logits(table, settings).next_token_probs > 0
    assert kept_tokens(table, settings).tolist() == support.tolist()
    some = np.array([3, 7, 29, 4])
    assert kept_tokens(table, settings, some).tolist() == support[some].tolist()
