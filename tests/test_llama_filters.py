"""llama.cpp's filters against its loops written out, one token at a time in float32."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from markovgpt.chains.llama_filters import kept_by_llama_cpp
from markovgpt.chains.margins import Margins

F = np.float32


def softmax(lying):
    top = max(logit for _, logit in lying)
    weights = [F(math.exp(F(logit - top))) for _, logit in lying]
    total = F(0)
    for weight in weights:
        total = F(total + weight)
    return [F(weight / total) for weight in weights]


def falling(lying):
    return sorted(lying, key=lambda token: (-token[1], token[0]))


def until(chances, enough):
    """How many tokens are taken until enough says so of the running sum."""
    total = F(0)
    for taken, chance in enumerate(chances):
        total = F(total + chance)
        if enough(total):
            return taken + 1
    return len(chances)


def kept_one_by_one(logits, values):
    """llama.cpp's samplers as it writes them, with lists of (id, logit); of equals the lower id first."""
    lying = [(token, F(logit)) for token, logit in enumerate(logits)]
    if "top_k" in values:
        lying = falling(lying)[: values["top_k"]]
    if "typical_p" in values:
        lying = falling(lying)
        chances = softmax(lying)
        entropy = F(0)
        for chance in chances:
            entropy = F(entropy + F(-chance * F(math.log(chance))))
        strange = [abs(F(-F(math.log(chance)) - entropy)) for chance in chances]
        order = sorted(range(len(lying)), key=lambda place: strange[place])
        count = until([chances[place] for place in order], lambda total: total > F(values["typical_p"]))
        lying = [lying[place] for place in order[:count]]
    if "top_p" in values:
        chance_of = {token: chance for (token, _), chance in zip(lying, softmax(lying), strict=True)}
        lying = falling(lying)
        lying = lying[: until([chance_of[token] for token, _ in lying], lambda total: total >= F(values["top_p"]))]
    if "min_p" in values:
        least = F(max(logit for _, logit in lying) + F(math.log(F(values["min_p"]))))
        lying = [token for token in lying if token[1] >= least]
    return {token for token, _ in lying}


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=9),
        st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=30),
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "top_k": st.integers(1, 12),
            "typical_p": st.sampled_from([0.1, 0.5, 0.9]),
            "top_p": st.sampled_from([0.1, 0.5, 0.8, 0.95]),
            "min_p": st.sampled_from([0.02, 0.3, 1.0]),
        },
    ),
)
def test_the_tokens_left_are_those_of_the_loops(logits, values):
    row = np.array([logits], dtype=np.float32)
    assert set(np.flatnonzero(kept_by_llama_cpp(row, values, None)[0])) == kept_one_by_one(logits, values)
    assert kept_by_llama_cpp(row, values, Margins(1)).tolist() == kept_by_llama_cpp(row, values, None).tolist()


def test_the_likeliest_token_can_be_the_least_typical():
    # .4 and six times .1: the entropy is 1.75 nats; the surprisals .92 and 2.30 lie .83 and .55 from it
    row = np.log(np.array([[0.4, *[0.1] * 6]], dtype=np.float32))
    assert kept_by_llama_cpp(row, {"typical_p": 0.45}, None).tolist() == [[False] + [True] * 5 + [False]]


def test_a_token_of_probability_zero_leaves_the_others_alone():
    row = np.array([[0.0, -np.inf, -1.0, -200.0]], dtype=np.float32)
    assert kept_by_llama_cpp(row, {"typical_p": 0.9}, None).tolist() == [[True, False, True, False]]


@pytest.mark.parametrize(
    ("values", "weights", "margin"),
    [
        ({"top_k": 1}, [4, 1], math.log(4)),
        ({"top_k": 1}, [1, 1], 0.0),
        ({"top_p": 0.6}, [5, 3, 2], 0.1 / 0.6),
        ({"min_p": 0.5}, [5, 3, 2], 0.2),
        ({"top_k": 3}, [5, 3, 2], math.inf),
    ],
)
def test_the_margin_of_a_cut_is_what_it_is_by_hand(values, weights, margin):
    margins = Margins(1)
    kept_by_llama_cpp(np.log(np.array([weights], dtype=np.float32)), values, margins)
    assert margins.smallest[0] == pytest.approx(margin, abs=1e-5)
    assert margins.tied[0] == (margin == 0)
