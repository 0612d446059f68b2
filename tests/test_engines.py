"""Engines by name: against vectors that their own code gave, and by their refusals.

The vectors were made by running that code on the rows below, not by this package: vLLM 0.33.0's functions
apply_repetition_penalties_torch, MinPLogitsProcessor.apply and apply_top_k_top_p_pytorch, in Sampler.sample's order;
the samplers of llama.cpp as llama-cpp-python 0.3.36 brings it, compiled from src/llama-sampler.cpp and chained in the
default order of common/common.h; the three lines of nanoGPT's GPT.generate; and TransformerLens 4.3.0's sample_logits,
its Categorical replaced to show the logits it is given.
"""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.engines import ENGINES, ENGINES_BY_NAME
from markovgpt.chains.sampling import ENGINES as ENGINES_OF_SAMPLING

PLAIN = [2.0, 0.5, -1.25, 1.75, 0.0, -3.0, 1.0, 0.25]
TIED = [1.0, 2.0, 1.0, 0.0, 2.0, 1.0, -1.0, 0.0]
WINDOW = [0, 2, 0]
EXAMPLE = np.log([0.40, 0.25, 0.15, 0.10, 0.06, 0.04])
ALL_FOUR = {"temperature": 1.5, "top_k": 5, "top_p": 0.8, "min_p": 0.2}
PENALISED = {"temperature": 0.8, "window_repetition_penalty": 1.3, "top_k": 4}
TYPICAL = {"temperature": 0.8, "top_k": 6, "typical_p": 0.6, "top_p": 0.9, "min_p": 0.05}
VECTORS = [
    ("vllm", PLAIN, ALL_FOUR, {0: 0.366599, 1: 0.134864, 3: 0.310319, 6: 0.188218}),
    ("vllm", TIED, ALL_FOUR, {1: 0.330378, 2: 0.169622, 4: 0.330378, 5: 0.169622}),
    ("vllm", PLAIN, {"temperature": 0.7, "top_p": 0.9}, {0: 0.486229, 1: 0.057044, 3: 0.340201, 6: 0.116525}),
    ("vllm", PLAIN, {"top_k": 3}, {0: 0.465836, 3: 0.362793, 6: 0.171371}),
    ("vllm", TIED, {"top_k": 3}, {0: 0.118532, 1: 0.322202, 2: 0.118532, 4: 0.322202, 5: 0.118532}),
    ("vllm", PLAIN, {"min_p": 0.3, "top_p": 0.7}, {0: 0.562177, 3: 0.437823}),
    ("vllm", TIED, {"min_p": 0.3, "top_p": 0.7}, {1: 0.422319, 4: 0.422319, 5: 0.155362}),
    ("vllm", TIED, PENALISED, {0: 0.079056, 1: 0.368198, 2: 0.079056, 4: 0.368198, 5: 0.105491}),
    ("vllm", PLAIN, {"temperature": 0, "top_k": 2, "window_repetition_penalty": 2.0}, {3: 1.0}),
    ("llama.cpp", PLAIN, ALL_FOUR, {0: 0.423747, 3: 0.358694, 6: 0.217559}),
    ("llama.cpp", TIED, ALL_FOUR, {0: 0.169622, 1: 0.330378, 4: 0.330378, 5: 0.169622}),
    (
        "llama.cpp",
        PLAIN,
        {"temperature": 0.7, "top_p": 0.9},
        {0: 0.467568, 1: 0.054855, 3: 0.327144, 6: 0.112053, 7: 0.03838},
    ),
    ("llama.cpp", PLAIN, {"top_k": 4}, {0: 0.421975, 1: 0.094155, 3: 0.328634, 6: 0.155236}),
    ("llama.cpp", TIED, {"top_k": 4}, {0: 0.134471, 1: 0.365529, 2: 0.134471, 4: 0.365529}),
    ("llama.cpp", PLAIN, {"temperature": 2.0, "min_p": 0.3}, {0: 0.401763, 3: 0.354555, 6: 0.243682}),
    ("llama.cpp", PLAIN, {"typical_p": 0.5}, {0: 0.465836, 3: 0.362793, 6: 0.171371}),
    ("llama.cpp", TIED, {"typical_p": 0.5}, {0: 0.174878, 2: 0.174878, 4: 0.475367, 5: 0.174878}),
    ("llama.cpp", PLAIN, TYPICAL, {0: 0.495511, 3: 0.362523, 6: 0.141966}),
    ("llama.cpp", TIED, TYPICAL, {1: 0.5, 4: 0.5}),
    ("llama.cpp", PLAIN, PENALISED, {0: 0.324058, 1: 0.088486, 3: 0.422143, 6: 0.165314}),
    ("llama.cpp", PLAIN, {"temperature": 0, "typical_p": 0.2}, {3: 1.0}),
    ("llama.cpp", PLAIN, {"temperature": 0, "top_k": 2, "window_repetition_penalty": 2.0}, {3: 1.0}),
    ("nanogpt", PLAIN, {"temperature": 0.8, "top_k": 3}, {0: 0.495511, 3: 0.362523, 6: 0.141966}),
    (
        "nanogpt",
        TIED,
        {"temperature": 0.8, "top_k": 3},
        {0: 0.100194, 1: 0.34971, 2: 0.100194, 4: 0.34971, 5: 0.100194},
    ),
    (
        "nanogpt",
        TIED,
        {"temperature": 1.5, "top_k": 200},
        {0: 0.122161, 1: 0.237938, 2: 0.122161, 3: 0.06272, 4: 0.237938, 5: 0.122161, 6: 0.032201, 7: 0.06272},
    ),
    (
        "transformer_lens",
        PLAIN,
        {"temperature": 1.5, "top_p": 0.8},
        {0: 0.329036, 1: 0.121046, 3: 0.278523, 6: 0.168933, 7: 0.102463},
    ),
    ("transformer_lens", PLAIN, {"temperature": 0.7, "top_k": 3}, {0: 0.515644, 3: 0.360782, 6: 0.123575}),
    ("transformer_lens", TIED, {"top_p": 0.3}, {1: 0.5, 4: 0.5}),
    ("transformer_lens", TIED, PENALISED, {0: 0.079056, 1: 0.368198, 2: 0.079056, 4: 0.368198, 5: 0.105491}),
    ("transformer_lens", PLAIN, {"temperature": 0, "window_repetition_penalty": 2.0}, {3: 1.0}),
]


def probabilities(logits, engine, window=None, **given):
    return np.exp(mg.SamplingSettings(engine=engine, **given).log_probabilities(logits, window))


@pytest.mark.parametrize(("engine", "logits", "given", "expected"), VECTORS)
def test_an_engine_gives_what_its_own_code_gave(engine, logits, given, expected):
    found = probabilities(logits, engine, WINDOW, **given)
    vector = np.zeros(8)
    vector[list(expected)] = list(expected.values())
    if logits is TIED:  # which of equals stay is the engine's accident, how many is not
        assert np.sort(found) == pytest.approx(np.sort(vector), abs=2e-6)
        assert ((found > 0) == (vector > 0)).all() or mg.SamplingSettings(engine=engine, **given).cuts(
            logits, WINDOW
        ).n_tied
    else:
        assert found == pytest.approx(vector, abs=2e-6)
        assert ((found > 0) == (vector > 0)).all()


def test_the_worked_example_differs_by_engine():
    # shares at T = 1.5 of the best five; llama.cpp takes top_p of .40 : .25 : .15 of .96 first: .83 is enough
    assert probabilities(EXAMPLE, "huggingface", **ALL_FOUR).round(3).tolist() == [0.378, 0.276, 0.196, 0.150, 0, 0]
    assert probabilities(EXAMPLE, "llama.cpp", **ALL_FOUR).round(3).tolist() == [0.444, 0.325, 0.231, 0, 0, 0]


def test_vllm_raises_a_temperature_below_a_hundredth():
    assert probabilities([1.0, 0.99], "vllm", temperature=1e-4) == pytest.approx(
        [1 / (1 + np.exp(-1)), 0.2689414], 1e-6
    )
    assert probabilities([1.0, 0.99], "vllm", temperature=0).tolist() == [1, 0]


def test_vllm_takes_min_p_before_top_p():
    # .5 : .3 : .2; min_p keeps what has .45 of .5: the first alone is then all the mass; top_p first would keep two
    assert probabilities(np.log([0.5, 0.3, 0.2]), "vllm", top_p=0.7, min_p=0.45).round(6).tolist() == [0.625, 0.375, 0]
    assert probabilities(np.log([0.5, 0.3, 0.2]), "vllm", top_p=0.6, min_p=0.45).round(6).tolist() == [1, 0, 0]


def test_llama_cpp_keeps_exactly_k_of_equals_and_the_lowest_ids():
    assert probabilities([0.0] * 4, "llama.cpp", top_k=3).round(6).tolist() == [0.333333] * 3 + [0]
    assert (probabilities([0.0] * 4, "nanogpt", top_k=3) == 0.25).all()


@pytest.mark.parametrize("engine", ["vllm", "llama.cpp", "nanogpt", "transformer_lens"])
def test_engines_that_take_v_for_a_larger_top_k_keep_all(engine):
    assert probabilities(EXAMPLE, engine, top_k=7) == pytest.approx(np.exp(EXAMPLE), rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("temperature", [0, 1e-300, 1.0])
def test_one_token_alone_is_certain(engine, temperature):
    assert probabilities([[3.0], [-2.0]], engine, temperature=temperature, top_k=1).tolist() == [[1], [1]]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_setting_that_keeps_all_is_off_in_every_engine(engine):
    off = {"top_p": 1, "min_p": 0, "typical_p": 1, "epsilon_cutoff": 0, "eta_cutoff": 0, "window_repetition_penalty": 1}
    assert probabilities(PLAIN, engine, **off).tolist() == probabilities(PLAIN, engine).tolist()


@pytest.mark.parametrize(
    ("engine", "given", "message"),
    [
        ("nanogpt", {"top_p": 0.9}, "top_p must be None for engine nanogpt, which has no such setting, got 0.9; leave"),
        ("nanogpt", {"window_repetition_penalty": 1.2}, "window_repetition_penalty must be None for engine nanogpt"),
        ("vllm", {"typical_p": 0.9}, r"typical_p must be None for engine vllm.* has it: huggingface, llama\.cpp$"),
        ("llama.cpp", {"eta_cutoff": 0.1}, r"eta_cutoff must be None for engine llama\.cpp.* has it: huggingface$"),
        ("transformer_lens", {"min_p": 0.1}, "min_p must be None for engine transformer_lens"),
        (
            "transformer_lens",
            {"top_k": 3, "top_p": 0.9},
            "top_k and top_p must not both be given for engine transformer_lens, which follows top_k and ignores",
        ),
        ("vllm", {"temperature": 2.5}, "temperature must be at most 2 for engine vllm, which refuses more, got 2.5"),
    ],
)
def test_what_an_engine_does_not_do_is_refused_with_the_reason(engine, given, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.SamplingSettings(engine=engine, **given)


def test_the_names_are_the_same_everywhere():
    assert ENGINES == ENGINES_OF_SAMPLING == tuple(ENGINES_BY_NAME)
    assert ENGINES == ("huggingface", "vllm", "llama.cpp", "nanogpt", "transformer_lens")


def test_a_penalty_decides_which_tokens_stay_as_it_decides_their_shares():
    # 3 / 1.2 = 2.5 stays before 2.2, which 3 / 1.2 / 1.2 = 2.08 would not
    for engine in ("vllm", "llama.cpp", "transformer_lens", "huggingface"):
        found = probabilities([3.0, 2.2, 0.0], engine, [0], top_k=1, window_repetition_penalty=1.2)
        assert found.tolist() == [1, 0, 0]


def test_shares_are_taken_of_what_is_left_when_the_likeliest_is_gone():
    # llama.cpp's typical_p drops the first; at so low a temperature the others vanish beside it, not beside each other
    found = probabilities(np.log([0.4, *[0.1] * 6]), "llama.cpp", temperature=1e-4, typical_p=0.45)
    assert found == pytest.approx([0, *[0.2] * 5, 0])
