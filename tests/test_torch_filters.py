"""The filters written in torch against transformers' own processors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

import markovgpt as mg
from markovgpt.chains import torch_filters
from markovgpt.chains.margins import Margins

WARPERS = {  # in the order of transformers' _get_logits_processor
    "top_k": TopKLogitsWarper,
    "top_p": TopPLogitsWarper,
    "min_p": MinPLogitsWarper,
    "typical_p": TypicalLogitsWarper,
    "epsilon_cutoff": EpsilonLogitsWarper,
    "eta_cutoff": EtaLogitsWarper,
}
VALUES = {
    "top_k": st.integers(1, 6),
    "top_p": st.sampled_from([0.05, 0.3, 0.5, 0.8, 0.95]),
    "min_p": st.sampled_from([0.02, 0.3, 1.0]),
    "typical_p": st.sampled_from([0.1, 0.5, 0.9]),
    "epsilon_cutoff": st.sampled_from([0.02, 0.2, 0.6]),
    "eta_cutoff": st.sampled_from([0.02, 0.2, 0.6]),
}
ROWS = st.one_of(
    st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=9),
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=40),
)


def transformers_scores(logits, temperature, given_ones, window=None):
    """What transformers' processors make of a row, those of the given settings in its order."""
    chosen = LogitsProcessorList()
    if window is not None:
        chosen.append(RepetitionPenaltyLogitsProcessor(given_ones.pop("window_repetition_penalty")))
    if temperature != 1:
        chosen.append(TemperatureLogitsWarper(temperature))
    chosen.extend(warper(given_ones[name]) for name, warper in WARPERS.items() if name in given_ones)
    ids = torch.zeros((1, 1), dtype=torch.long) if window is None else torch.tensor([window])
    return chosen(ids, torch.tensor([logits], dtype=torch.float32))[0]


def compare(logits, temperature, given_ones, window=None):
    """Hold the tokens left here against those transformers leaves; only which of equals stay may differ."""
    top_k = given_ones.get("top_k")
    ours = {**given_ones, **({"top_k": min(top_k, len(logits))} if top_k else {})}
    chosen = mg.SamplingSettings(temperature, **ours)
    found = chosen.log_probabilities(logits, window)
    expected = transformers_scores(logits, temperature, dict(given_ones), window)
    kept = np.flatnonzero(np.isfinite(found))
    wanted = np.flatnonzero(np.isfinite(expected.numpy()))
    if kept.tolist() != wanted.tolist():
        row = np.array(logits, dtype=np.float32)
        assert sorted(row[kept]) == sorted(row[wanted])
        assert chosen.cuts(logits, window).n_tied == 1
    assert np.sort(np.exp(found)) == pytest.approx(np.sort(expected.double().softmax(-1).numpy()), rel=2e-5, abs=1e-9)


@pytest.mark.parametrize("name", WARPERS)
@settings(max_examples=120, deadline=None, derandomize=True)
@given(logits=ROWS, temperature=st.sampled_from([0.3, 1.0, 1.7]), data=st.data())
def test_each_filter_leaves_what_transformers_leaves(name, logits, temperature, data):
    compare(logits, temperature, {name: data.draw(VALUES[name])})


@settings(max_examples=250, deadline=None, derandomize=True)
@given(ROWS, st.sampled_from([0.7, 1.0, 2.3]), st.fixed_dictionaries({}, optional=VALUES))
def test_filters_together_leave_what_transformers_leaves(logits, temperature, given_ones):
    compare(logits, temperature, given_ones)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ROWS, st.sampled_from([0.6, 1.3, 2.0]), st.integers(1, 4), st.data())
def test_a_penalty_over_the_window_is_transformers_on_a_text_of_that_window(logits, penalty, length, data):
    window = data.draw(st.lists(st.integers(0, len(logits) - 1), min_size=length, max_size=length))
    compare(logits, 0.9, {"window_repetition_penalty": penalty, "top_p": 0.8}, window)


def test_rows_are_filtered_apart():
    rows = np.random.default_rng(3).normal(size=(50, 27)).astype(np.float32) * 3
    chosen = mg.SamplingSettings(0.8, 9, 0.9, 0.01, typical_p=0.9, epsilon_cutoff=0.01, eta_cutoff=0.01)
    given_ones = chosen.active
    kept = np.isfinite(chosen.log_probabilities(rows))
    for row, stays in zip(rows.tolist(), kept, strict=True):
        assert stays.tolist() == np.isfinite(transformers_scores(row, 0.8, given_ones).numpy()).tolist()


@pytest.mark.parametrize("name", WARPERS)
def test_looking_at_margins_changes_nothing(name):
    rows = torch.from_numpy(np.random.default_rng(4).integers(-3, 4, (200, 11)).astype(np.float32))
    keeps, value = getattr(torch_filters, name), 4 if name == "top_k" else 0.4
    margins = Margins(200)
    assert torch.equal(keeps(rows, value, margins), keeps(rows, value, None))
    assert np.isfinite(margins.smallest).all()


@pytest.mark.parametrize(
    ("name", "value", "row", "margin"),
    [
        ("top_k", 2, [0.5, 3.0, 2.0], 1.5),  # the second largest against the third
        ("top_p", 0.7, np.log([0.5, 0.3, 0.2]).tolist(), 0.1 / 0.3),  # .2 drops of the .3 that may
        ("top_p_falling", 0.7, np.log([0.5, 0.25, 0.25]).tolist(), 0.0),  # .75 is above .7, but two equals lie there
        ("min_p", 0.5, np.log([0.5, 0.3, 0.2]).tolist(), 0.2),  # .3 and .2 against .25
        ("epsilon_cutoff", 0.25, np.log([0.5, 0.3, 0.2]).tolist(), 0.2),
    ],
)
def test_the_margin_of_a_cut_is_what_it_is_by_hand(name, value, row, margin):
    margins = Margins(1)
    getattr(torch_filters, name)(torch.tensor([row], dtype=torch.float32), value, margins)
    assert margins.smallest[0] == pytest.approx(margin, abs=1e-5)
    assert margins.tied[0] == (margin == 0)


def test_vllm_takes_one_minus_p_in_float32():
    # five equals: 1 - .8 in doubles is .2 in float32, as much as one has; 1 - float32(.8) is .19999999, which is less
    row = torch.zeros((1, 5))
    assert 1 - np.float32(0.8) < np.float32(0.2) == np.float32(1 - 0.8)
    assert torch_filters.top_p(row, 0.8, None).tolist() == [[True, True, True, True, False]]
    assert torch_filters.top_p_vllm(row, 0.8, None).tolist() == [[True] * 5]


def test_the_margin_at_every_place_is_found_in_a_long_row():
    row = np.random.default_rng(5).permutation(300).astype(np.float32)[None] ** 2
    for k in range(1, 300):
        margins = Margins(1)
        torch_filters.top_k(torch.from_numpy(row), k, margins)
        assert margins.smallest[0] == (300 - k) ** 2 - (299 - k) ** 2


def test_the_likeliest_is_no_cut_though_it_lies_on_the_threshold():
    margins = Margins(1)
    torch_filters.epsilon_cutoff(torch.tensor([[0.5, 0.3, 0.2]]).log(), 0.5, margins)
    assert margins.smallest[0] == pytest.approx(0.4, abs=1e-6)
