"""Sampling settings against a reference written one row and one token at a time."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg

EXAMPLE = np.log([0.40, 0.25, 0.15, 0.10, 0.06, 0.04])


def kept_tokens(logits, temperature, top_k, top_p, min_p):
    """Which tokens Hugging Face's warpers leave, in their order, one row at a time in float32."""
    f = np.float32
    scores = [f(x) for x in logits]
    kept = set(range(len(scores)))
    if top_k is not None:
        kth = sorted(scores, reverse=True)[top_k - 1]
        kept = {t for t in kept if scores[t] >= kth}

    def weights():
        top = max(scores[t] for t in kept)
        return {t: f(math.exp(f((scores[t] - top) / f(temperature)))) for t in kept}

    if top_p is not None and top_p < 1:
        w = weights()
        total = sum(w.values())
        mass = 0.0
        for token in sorted(kept, key=lambda t: (w[t], -t))[:-1]:  # least likely first, of equals the higher id
            mass += w[token] / total
            if mass <= 1 - top_p:
                kept.discard(token)
    if min_p:
        w = weights()
        kept = {t for t in kept if w[t] >= min_p}
    return kept


def support(found):
    return set(np.flatnonzero(np.isfinite(found)))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(-8, 8), min_size=1, max_size=8),
    st.sampled_from([0.3, 1.0, 1.7]),
    st.sampled_from([None, 1, 2, 5]),
    st.sampled_from([None, 0.11, 0.53, 0.87, 1.0]),
    st.sampled_from([None, 0.0, 0.03, 0.33, 1.0]),
)
def test_the_kept_tokens_and_their_shares_are_the_references(logits, temperature, top_k, top_p, min_p):
    top_k = None if top_k is None else min(top_k, len(logits))
    chosen = mg.SamplingSettings(temperature, top_k, top_p, min_p)
    found = chosen.log_probabilities(np.array(logits, dtype=float))
    expected = kept_tokens(logits, temperature, top_k, top_p, min_p)
    assert support(found) == expected
    total = sum(math.exp((logits[t] - max(logits)) / temperature) for t in expected)
    for token in expected:
        share = math.exp((logits[token] - max(logits)) / temperature) / total
        assert math.exp(found[token]) == pytest.approx(share, rel=1e-13)


def test_the_worked_example_keeps_four_tokens():
    # T = 1.5, top_k = 5, top_p = 0.8, min_p = 0.2: (.40 .25 .15 .10)**(2/3) / sum = .378 .276 .196 .150
    found = np.exp(mg.SamplingSettings(1.5, 5, 0.8, 0.2).log_probabilities(EXAMPLE))
    assert found.round(3).tolist() == [0.378, 0.276, 0.196, 0.150, 0, 0]


def test_the_nucleus_is_taken_of_what_top_k_left():
    # the best two alone have shares 8/13 and 5/13: the first is enough for 0.6; of all six tokens it would be 0.4
    assert support(mg.SamplingSettings(top_k=2, top_p=0.6).log_probabilities(EXAMPLE)) == {0}
    assert support(mg.SamplingSettings(top_p=0.6).log_probabilities(EXAMPLE)) == {0, 1}


def test_the_nucleus_is_taken_at_the_temperature():
    # at T = 1/2 the shares are 16 : 6.25 : 2.25 : 1 : .36 : .16 of 26.02, the first two together 0.855
    assert support(mg.SamplingSettings(0.5, top_p=0.8).log_probabilities(EXAMPLE)) == {0, 1}
    assert support(mg.SamplingSettings(0.5, min_p=0.3).log_probabilities(EXAMPLE)) == {0, 1}


@pytest.mark.parametrize("tokens", [2, 4, 5, 8, 10])
@pytest.mark.parametrize("top_p", [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9])
def test_of_equal_tokens_as_many_stay_as_in_torch(tokens, top_p):
    # the operations of TopPLogitsWarper: a double 1 - p against a float32 cumulative mass
    cumulative = torch.zeros(tokens).softmax(-1).cumsum(-1)
    dropped = int((cumulative <= 1 - top_p)[:-1].sum())
    assert support(mg.SamplingSettings(top_p=top_p).log_probabilities([0.0] * tokens)) == set(range(tokens - dropped))


@pytest.mark.parametrize(("weights", "min_p"), [([5, 5, 3], 0.6), ([2, 2, 1], 0.5), ([4, 1], 0.25), ([5, 4, 4], 0.8)])
def test_min_p_at_its_edge_keeps_what_it_keeps_in_torch(weights, min_p):
    # the operations of MinPLogitsWarper: float32 probabilities against min_p times the largest
    logits = np.log(np.array(weights) / sum(weights))
    chances = torch.tensor(logits, dtype=torch.float32).softmax(-1)
    stays = (chances >= min_p * chances.max()).tolist()
    assert support(mg.SamplingSettings(min_p=min_p).log_probabilities(logits)) == set(np.flatnonzero(stays))


def test_the_likeliest_stays_though_its_share_is_no_larger_in_float32():
    # the logits differ in float32, exp(-1e-9) is 1 in float32: Hugging Face sorts the logits
    assert support(mg.SamplingSettings(top_p=0.1).log_probabilities([0.0, 1e-9])) == {1}


def test_the_kept_tokens_are_chosen_in_float32():
    # 1 + 1e-12 is 1 in float32: a tie with the first, in the shares of the kept ones a larger logit
    found = mg.SamplingSettings(top_k=1).log_probabilities([1.0, 1.0 + 1e-12, 0.0])
    assert support(found) == {0, 1}
    assert found[1] > found[0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=9),
    st.sampled_from([0.05, 0.7, 1.0, 3.0]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([None, 0.2, 0.9]),
    st.sampled_from([None, 0.1]),
)
def test_rows_sum_to_one_and_a_stricter_setting_keeps_a_subset(logits, temperature, top_k, top_p, min_p):
    top_k = None if top_k is None else min(top_k, len(logits))
    given_ones = mg.SamplingSettings(temperature, top_k, top_p, min_p)
    everything = support(given_ones.log_probabilities(logits))
    for stricter in ({}, {"top_k": 1}, {"top_p": 0.1}, {"min_p": 0.5}):
        found = dataclasses.replace(given_ones, **stricter).log_probabilities(logits)
        assert abs(math.fsum(np.exp(found).tolist()) - 1) <= (len(logits) + 8) * 2**-52
        assert {int(np.argmax(logits))} <= support(found) <= everything


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=8, unique=True))
def test_temperature_zero_is_the_limit_of_small_temperatures(logits):
    limit = np.exp(mg.SamplingSettings(temperature=0).log_probabilities(logits))
    near = np.exp(mg.SamplingSettings(temperature=1e-3).log_probabilities(logits))  # gaps of at least 1000 nats
    assert near.tolist() == limit.tolist()


@pytest.mark.parametrize("setting", [{"top_p": 0.9}, {"min_p": 0.5}])
@pytest.mark.parametrize("temperature", [1e-9, 1e-300])
def test_at_a_tiny_temperature_the_filters_leave_the_best_and_its_ties(setting, temperature):
    assert support(mg.SamplingSettings(temperature, **setting).log_probabilities([1.0, 1.0, 0.0])) == {0, 1}


@pytest.mark.parametrize("setting", [{}, {"top_k": 2}, {"top_p": 0.9}, {"min_p": 0.5}])
def test_float64_logits_beyond_float32_are_no_numbers_lost(setting):
    found = mg.SamplingSettings(**setting).log_probabilities([0.0, 1e39])
    assert np.exp(found).tolist() == [0.0, 1.0]


def test_ties_with_the_kth_token_all_stay():
    assert support(mg.SamplingSettings(top_k=2).log_probabilities([1.0, 3.0, 1.0, 1.0])) == {0, 1, 2, 3}
    assert support(mg.SamplingSettings(top_k=1).log_probabilities([3.0, 3.0, 1.0])) == {0, 1}


def test_ties_at_the_nucleus_go_to_the_lowest_token():
    assert support(mg.SamplingSettings(top_p=0.5).log_probabilities([0.0] * 4)) == {0, 1}


@pytest.mark.parametrize("off", [{"top_p": 1.0}, {"top_p": 1}, {"min_p": 0.0}, {"top_k": 6}])
def test_a_setting_that_keeps_all_is_off_to_the_bit(off):
    assert mg.SamplingSettings(**off).log_probabilities(EXAMPLE).tolist() == (
        mg.SamplingSettings().log_probabilities(EXAMPLE).tolist()
    )


def test_the_likeliest_token_always_stays():
    assert support(mg.SamplingSettings(top_p=1e-9).log_probabilities(EXAMPLE)) == {0}
    assert support(mg.SamplingSettings(min_p=1.0).log_probabilities(EXAMPLE)) == {0}


def test_temperature_zero_is_the_argmax_of_the_lowest_id():
    found = mg.SamplingSettings(temperature=0).log_probabilities([[1.0, 2.0, 2.0], [-np.inf, -5.0, -5.0]])
    assert found.tolist() == [[-np.inf, 0.0, -np.inf]] * 2


@pytest.mark.parametrize("temperature", [1e-9, 1e-300, 1e-308])
def test_a_tiny_temperature_leaves_the_support_alone(temperature):
    found = mg.SamplingSettings(temperature).log_probabilities(EXAMPLE)
    assert np.isfinite(found).all()
    assert found[0] == 0.0
    assert (np.diff(found) < 0).all() or temperature == 1e-308


def test_a_huge_temperature_is_nearly_uniform():
    assert np.exp(mg.SamplingSettings(1e9).log_probabilities(EXAMPLE)) == pytest.approx(1 / 6, rel=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_logits_of_any_dtype_are_used_exactly(dtype):
    logits = EXAMPLE.astype(dtype)
    exact = logits.astype(np.float64)
    found = mg.SamplingSettings().log_probabilities(logits)
    assert found.dtype == np.float64
    assert found == pytest.approx(exact - np.log(np.exp(exact).sum()), rel=1e-14)


def test_a_token_the_model_rules_out_stays_impossible():
    for chosen in (mg.SamplingSettings(), mg.SamplingSettings(top_k=3), mg.SamplingSettings(top_p=0.99, min_p=1e-9)):
        assert support(chosen.log_probabilities([0.0, -np.inf, 1.0])) == {0, 2}


def test_rows_of_any_shape_are_taken_apart():
    logits = np.arange(24.0).reshape(2, 3, 4) % 5
    found = mg.SamplingSettings(0.7, top_k=2, top_p=0.9).log_probabilities(logits)
    for place in np.ndindex(2, 3):
        assert found[place].tolist() == mg.SamplingSettings(0.7, 2, 0.9).log_probabilities(logits[place]).tolist()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"temperature": -0.5}, r"temperature must be at least 0 and finite, got -0.5"),
        ({"temperature": np.inf}, "temperature must be at least 0 and finite, got inf"),
        ({"temperature": np.nan}, "temperature must be a number, got nan"),
        ({"temperature": "hot"}, "temperature must be a number, got hot"),
        ({"temperature": True}, "temperature must be a number, got True"),
        ({"temperature": None}, "temperature must be a number, got None"),
        ({"top_k": 0}, "top_k must be a whole number of at least 1, got 0"),
        ({"top_k": -1}, "top_k must be a whole number of at least 1, got -1"),
        ({"top_k": 2.5}, "top_k must be a whole number of at least 1, got 2.5"),
        ({"top_k": True}, "top_k must be a whole number of at least 1, got True"),
        ({"top_p": 0}, r"top_p must lie in \(0, 1\], got 0"),
        ({"top_p": -0.1}, r"top_p must lie in \(0, 1\], got -0.1"),
        ({"top_p": 1.1}, r"top_p must lie in \(0, 1\], got 1.1"),
        ({"top_p": np.nan}, "top_p must be a number, got nan"),
        ({"min_p": -0.1}, r"min_p must lie in \[0, 1\], got -0.1"),
        ({"min_p": 1.1}, r"min_p must lie in \[0, 1\], got 1.1"),
        ({"min_p": np.nan}, "min_p must be a number, got nan"),
        ({"top_p": "most"}, "top_p must be a number, got most"),
        (
            {"engine": "steam"},
            "engine must be one of huggingface, vllm, llama.cpp, nanogpt, transformer_lens, got 'steam'",
        ),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.SamplingSettings(**setting)


@pytest.mark.parametrize("bad", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]])
@pytest.mark.parametrize("temperature", [0, 1])
def test_logits_that_are_no_numbers_are_refused_with_their_row(bad, temperature):
    with pytest.raises(mg.InvalidInput, match=r"logits must be numbers or -inf, .* in row 1; look for NaN"):
        mg.SamplingSettings(temperature).log_probabilities([[0.0, 1.0], bad, [0.0, 1.0]])


@pytest.mark.parametrize("logits", [1.0, [], [[]]])
def test_logits_without_tokens_are_refused(logits):
    with pytest.raises(mg.InvalidInput, match="logits must have a last axis of V >= 1 tokens"):
        mg.SamplingSettings().log_probabilities(logits)


def test_top_k_above_the_vocabulary_is_refused():
    with pytest.raises(mg.InvalidInput, match="top_k must be at most the vocabulary's 6 tokens, got 7"):
        mg.SamplingSettings(top_k=7).log_probabilities(EXAMPLE)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"typical_p": 0}, r"typical_p must lie in \(0, 1\], got 0; None or 1 turns it off"),
        ({"typical_p": 1.5}, r"typical_p must lie in \(0, 1\], got 1.5"),
        ({"epsilon_cutoff": 1}, r"epsilon_cutoff must lie in \[0, 1\), got 1; None or 0 turns it off"),
        ({"epsilon_cutoff": -1e-9}, r"epsilon_cutoff must lie in \[0, 1\), got -1e-09"),
        ({"eta_cutoff": np.nan}, "eta_cutoff must be a number, got nan"),
        ({"eta_cutoff": 2}, r"eta_cutoff must lie in \[0, 1\), got 2"),
        ({"window_repetition_penalty": 0}, "window_repetition_penalty must be above 0 and finite, got 0; None or 1"),
        ({"window_repetition_penalty": np.inf}, "window_repetition_penalty must be above 0 and finite, got inf"),
    ],
)
def test_rarer_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.SamplingSettings(**setting)


def test_a_penalty_divides_what_the_window_holds_and_multiplies_it_below_zero():
    # window 0 0 2 of 4 tokens: 2 / 2, then 1 as it is, -1 * 2, 0 as it is
    found = mg.SamplingSettings(window_repetition_penalty=2.0).log_probabilities([2.0, 1.0, -1.0, 0.0], [0, 0, 2])
    expected = np.array([1.0, 1.0, -2.0, 0.0])
    assert found == pytest.approx(expected - np.log(np.exp(expected).sum()), rel=1e-14)


def test_a_penalty_comes_before_the_temperature_and_the_filters():
    # 3 / 2 falls behind 2: the two best are then tokens 1 and 0, at temperature 1/2 with logits 4 and 3
    chosen = mg.SamplingSettings(0.5, top_k=2, window_repetition_penalty=2.0)
    assert np.exp(chosen.log_probabilities([3.0, 2.0, 1.0], [0])).round(6).tolist() == [0.268941, 0.731059, 0]
    cold = mg.SamplingSettings(0, window_repetition_penalty=2.0)
    assert cold.log_probabilities([[3.0, 2.0, 1.0]] * 2, [[0], [2]]).tolist() == [
        [-np.inf, 0.0, -np.inf],
        [0.0, -np.inf, -np.inf],
    ]


def test_a_penalty_leaves_what_is_impossible_and_what_is_possible():
    found = mg.SamplingSettings(window_repetition_penalty=3.0).log_probabilities([-np.inf, -1.5e308, 0.0], [0, 1])
    assert np.isfinite(found).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (None, "windows must be given under a window_repetition_penalty, got none; give the tokens"),
        (
            [0, 3],
            r"windows must be token ids in 0\.\.2, one row for each row of logits \(3,\), got int64 of shape \(2,\)",
        ),
        ([-1, 0], r"windows must be token ids in 0\.\.2"),
        ([0.0, 1.0], r"windows must be token ids in 0\.\.2, .* got float64"),
        ([[0, 1]], r"windows must be token ids in 0\.\.2, .* of shape \(1, 2\)"),
    ],
)
def test_a_penalty_without_its_windows_is_refused(windows, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.SamplingSettings(window_repetition_penalty=1.2).log_probabilities([1.0, 2.0, 3.0], windows)


def test_windows_are_not_looked_at_without_a_penalty():
    assert not mg.SamplingSettings(top_k=2, window_repetition_penalty=1).needs_windows
    assert mg.SamplingSettings(window_repetition_penalty=1.1).needs_windows
    plain = mg.SamplingSettings(top_k=2)
    assert plain.log_probabilities(EXAMPLE, [99]).tolist() == plain.log_probabilities(EXAMPLE).tolist()


@pytest.mark.parametrize(
    "setting",
    [{"top_k": 2}, {"top_p": 0.9}, {"min_p": 0.5}, {"typical_p": 0.9}, {"epsilon_cutoff": 0.1}, {"eta_cutoff": 0.1}],
)
@pytest.mark.parametrize("temperature", [1.0, 1e-38, 1e-300])
def test_scores_beyond_float32_are_filtered_in_their_order(setting, temperature):
    # the largest has all the mass; top_k alone keeps the second, far away as it is
    found = mg.SamplingSettings(temperature, **setting).log_probabilities([0.0, -1e39, 1e39, -np.inf])
    assert support(found) == ({2, 0} if setting == {"top_k": 2} else {2})


def test_the_cuts_of_rows_of_any_shape_are_counted():
    rows = np.array([[[2.0, 1.0, 1.0], [2.0, 1.5, 1.0]]])
    found = mg.SamplingSettings(top_k=2).cuts(rows)
    assert (found.n_rows, found.n_tied, found.n_narrow, found.smallest_margin) == (2, 1, 0, 0.0)
    penalised = mg.SamplingSettings(top_k=1, window_repetition_penalty=2.0).cuts([[4.0, 2.0, 0.0]], [[0]])
    assert penalised.n_tied == 1
