"""What is sampled is what the chain says: a million tokens by each engine, drawn by code that is not this package's.

The logits are transformers' own GPT-2's. They are cut by transformers' own warpers, and for the other engines by small
samplers in this file, in float32, each operation in the order of the engine's source: vLLM 0.33.0's
``apply_top_k_top_p_pytorch`` and min_p processor, llama.cpp's samplers token by token, nanoGPT's ``generate``,
TransformerLens 4.3.0's ``sample_logits``.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LogitsProcessorList
from transformers.generation import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

import markovgpt as mg
from markovgpt.analysis.counting import expected_count
from markovgpt.chains.engines import ENGINES

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"
SEED, WALKERS, TOKENS, START, SIGMAS = 1337, 1000, 1000, (0, 0, 0), 5
LETTERS = "\nabcdefghijklmnopqrstuvwxyz"
WORDS = ("an", "ann", "ell", "lia", "kay", "anna", "elia", "\nann", "mariah")  # up to twice the window
FEWEST = 25  # times that a word is said by all walkers: of fewer the spread is not known


def huggingface(logits, temperature, top_k, top_p, min_p):
    """The warpers in the order of ``_get_logits_processor``."""
    warpers = LogitsProcessorList(
        [
            TemperatureLogitsWarper(temperature),
            TopKLogitsWarper(top_k),
            TopPLogitsWarper(top_p),
            MinPLogitsWarper(min_p),
        ]
    )
    return warpers(None, logits).softmax(-1)


def vllm(logits, temperature, top_k, top_p, min_p):
    """Temperature, min_p, then top_k and top_p on one ascending sort."""
    logits = logits / temperature
    shares = logits.softmax(-1)
    logits = logits.masked_fill(shares < min_p * shares.amax(-1, keepdim=True), -torch.inf)
    rising, order = logits.sort(dim=-1, descending=False)
    kth = rising.gather(1, torch.full((len(rising), 1), rising.shape[1] - top_k))
    rising = rising.masked_fill(rising < kth, -torch.inf)
    gone = rising.softmax(-1).cumsum(-1) <= 1 - torch.tensor(top_p)
    gone[:, -1] = False
    return logits.scatter(-1, order, rising.masked_fill(gone, -torch.inf)).softmax(-1)


def llama_cpp(logits, temperature, top_k, top_p, min_p):
    """top_k, top_p, min_p, the temperature last; each sum token after token."""
    shares = torch.zeros_like(logits)
    for row, given in enumerate(logits.numpy()):
        candidates = sorted(range(len(given)), key=lambda token: (-given[token], token))[:top_k]
        weights = [np.exp(given[token] - given[candidates[0]]) for token in candidates]
        total, gathered, last = np.float32(0), np.float32(0), len(candidates)
        for weight in weights:
            total += weight
        for place, weight in enumerate(weights):
            gathered += weight / total
            if gathered >= np.float32(top_p):
                last = place + 1
                break
        least = given[candidates[0]] + np.float32(np.log(min_p))
        left = [token for token in candidates[:last] if given[token] >= least]
        shares[row, left] = torch.from_numpy(given[left] / np.float32(temperature)).softmax(-1)
    return shares


def nanogpt(logits, temperature, top_k):
    """The lines of ``generate``."""
    logits = logits / temperature
    v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
    logits[logits < v[:, [-1]]] = -float("Inf")
    return logits.softmax(-1)


def transformer_lens(logits, temperature, top_k=None, top_p=None):
    """top_k, or else top_p."""
    logits = logits / temperature
    if top_k is not None:
        return logits.masked_fill(logits < logits.topk(top_k)[0][..., -1:], -torch.inf).softmax(-1)
    falling, order = torch.sort(logits, descending=True)
    gone = falling.softmax(-1).cumsum(-1) > top_p
    gone[..., 1:] = gone[..., :-1].clone()
    gone[..., 0] = False
    return logits.masked_fill(gone.scatter(1, order, gone), -torch.inf).softmax(-1)


ALL_THREE = {"top_k": 14, "top_p": 0.92, "min_p": 0.06}
CASES = [
    ("huggingface", huggingface, {"temperature": 0.8, **ALL_THREE}),
    ("vllm", vllm, {"temperature": 1.3, **ALL_THREE}),
    ("llama.cpp", llama_cpp, {"temperature": 1.4, **ALL_THREE}),
    ("nanogpt", nanogpt, {"temperature": 0.7, "top_k": 9}),
    ("transformer_lens", transformer_lens, {"temperature": 1.2, "top_k": 12}),
    ("transformer_lens", transformer_lens, {"temperature": 0.8, "top_p": 0.85}),
]


def test_every_engine_is_simulated():
    assert {engine for engine, _, _ in CASES} == set(ENGINES)


@dataclass
class Model:
    """The table of this package, and every window with what transformers says after it."""

    table: mg.LogitTable
    windows: np.ndarray
    logits: torch.Tensor


@pytest.fixture(scope="module")
def names():
    if not NAMES.exists():
        pytest.skip(f"the names model is not at {NAMES}")
    table = mg.tabulate(mg.load_model(NAMES))
    windows = np.array(list(itertools.product(range(27), repeat=3)))
    module = AutoModelForCausalLM.from_pretrained(NAMES).eval()
    with torch.no_grad():
        logits = torch.cat([module(some).logits[:, -1] for some in torch.from_numpy(windows).split(2048)])
    return Model(table, windows, logits)


def said(names, shares):
    """(walkers, tokens) what walkers say, given the probabilities (windows, V) after each window."""
    number = {window: place for place, window in enumerate(map(tuple, names.windows.tolist()))}
    after = torch.tensor([[number[(*window[1:], token)] for token in range(27)] for window in names.windows.tolist()])
    dice, window = torch.Generator().manual_seed(SEED), torch.full((WALKERS,), number[START])
    texts = torch.empty((WALKERS, TOKENS), dtype=torch.int64)
    for place in range(TOKENS):
        texts[:, place] = torch.multinomial(shares[window], 1, generator=dice)[:, 0]
        window = after[window, texts[:, place]]
    return texts.numpy()


def times(texts, word):
    """(walkers,) how often each says a word; what stands before the first token counts as its beginning."""
    whole = np.concatenate([np.tile(START, (len(texts), 1)), texts], axis=1)
    ends = np.lib.stride_tricks.sliding_window_view(whole, len(word), axis=1)[:, max(0, len(START) + 1 - len(word)) :]
    return (ends == word).all(axis=-1).sum(axis=1)


def test_times_are_counted_by_hand():
    texts = np.array([[0, 1, 0, 1], [1, 1, 1, 1]])
    assert times(texts, (1,)).tolist() == [2, 4]
    assert times(texts, (1, 1)).tolist() == [0, 3]
    assert times(texts, (0, 0, 0)).tolist() == [1, 0]  # the start itself was not said
    assert times(texts, (0, 0, 0, 0, 1)).tolist() == [1, 0]
    assert times(texts, (0, 0, 1)).tolist() == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "sampler", "given"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_a_million_tokens_are_as_the_chain_says(names, engine, sampler, given):
    chain = mg.WindowChain.from_logits(names.table, mg.SamplingSettings(engine=engine, **given))
    texts = said(names, sampler(names.logits.clone(), **given))
    compared = 0
    for word in (*((token,) for token in range(27)), *(tuple(map(LETTERS.index, word)) for word in WORDS)):
        found, red = times(texts, word), mg.red_tokens(word)
        expected = expected_count(chain, red, start=START, tokens=TOKENS)
        ever = mg.hitting_probability(chain, red, start=START, within=(1, TOKENS))
        if expected.upper == 0:
            assert not found.any(), word
            continue
        if expected.value * WALKERS >= FEWEST:
            compared += 1
            error = found.std(ddof=1) / np.sqrt(WALKERS)
            assert abs(found.mean() - expected.value) < SIGMAS * error, (word, found.mean(), expected.value)
        share = (found > 0).mean()
        spread = np.sqrt(ever.value * (1 - ever.lower) / WALKERS)
        one = 1 / WALKERS  # a share is no finer
        assert abs(share - ever.value) <= SIGMAS * spread + one, (word, share, ever.value)
    assert compared >= 30
