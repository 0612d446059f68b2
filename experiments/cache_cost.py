"""What a token, and a window, cost with and without a cache: operations counted, and times of rounds in turns."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import markovgpt as mg
from experiments.key_value_cache import LAST, KeyValueCache, Tokens, operations

SEED, ROUNDS, MOST_ROUNDS, ENOUGH_SECONDS = 1337, 5, 50, 3.0
NARROW: dict[str, Any] = {"n_layer": 2, "n_head": 4, "n_embd": 32}
SHAPES = {  # whose windows are all tabulated
    "names, 27**3": mg.GPTConfig(27, 3, **NARROW),
    "sorter, 3**11": mg.GPTConfig(3, 11, n_layer=3, n_head=3, n_embd=48, bias=True, tied=False),
}


def drawn(config: mg.GPTConfig) -> mg.GPT:
    """A model of these sizes; how long the arithmetic takes does not depend on the weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return mg.GPT(config).eval()


def rounds_of(*works: Callable[[], object]) -> list[list[float]]:
    """Seconds of each work, in rounds in which they take turns; the first round does not count.

    There are at least ROUNDS, and up to MOST_ROUNDS of what is quick: one that is interrupted says little.
    """
    taken: list[list[float]] = [[] for _ in works]
    for done in range(1 + MOST_ROUNDS):
        if done > ROUNDS and sum(map(sum, taken)) > ENOUGH_SECONDS:
            break
        for place, work in enumerate(works):
            began = time.perf_counter()
            work()
            taken[place].append(time.perf_counter() - began)
    return [times[1:] for times in taken]


def spread(times: list[float], each: int) -> str:
    """Microseconds of one of so many, smallest to largest."""
    return f"{min(times) / each * 1e6:.3g} to {max(times) / each * 1e6:.3g}"


def full_cache(model: mg.GPT, texts: Tokens) -> KeyValueCache:
    """A cache that has read texts (N, L)."""
    cache = KeyValueCache(model, LAST)
    for place in range(texts.shape[1]):
        cache.read(texts[:, place])
    return cache


def cost_row(length: int, batch: int) -> dict[str, str]:
    """A token more, by the window anew and by a full rolling cache."""
    config = mg.GPTConfig(27, length, **NARROW)
    model = drawn(config)
    texts = np.random.default_rng(SEED).integers(27, size=(batch, length))
    cache = full_cache(model, texts)
    anew, kept = rounds_of(lambda: model.next_token_logits(texts), lambda: cache.read(texts[:, 0]))
    counted = operations(config, length, length), operations(config, 1, length)
    return {
        "L": str(length),
        "operations anew": f"{counted[0]:,}",
        "operations with a cache": f"{counted[1]:,}",
        "ratio of operations": f"{counted[0] / counted[1]:.1f}",
        "microseconds anew": spread(anew, batch),
        "microseconds with a cache": spread(kept, batch),
        "ratio of times": f"{min(anew) / min(kept):.1f}",
    }


def windows_row(name: str, batch: int = 4096) -> dict[str, str]:
    """Every window of a shape, or for the others a batch of them, in microseconds a window."""
    config = SHAPES[name]
    model, space = drawn(config), mg.StateSpace(config.vocab_size, config.context_length)
    texts = space.windows(config.context_length, 0, batch)
    cache = full_cache(model, texts)
    anew, kept, tabulated = rounds_of(
        lambda: model.next_token_logits(texts),
        lambda: cache.read(texts[:, 0]),
        lambda: mg.tabulate(model, workers=1),
    )
    return {
        "windows": name,
        "full forward passes": spread(anew, batch),
        "last step of a full cache": spread(kept, batch),
        "tabulated with shared prefixes": spread(tabulated, space.n_states),
        "forward passes / tabulated": f"{min(anew) / batch / (min(tabulated) / space.n_states):.1f}",
    }
