"""Where merging gains nothing: texts no longer than the window, each of which is a state of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import markovgpt as mg
from experiments.names_models import LETTERS
from experiments.token_tree import Bounds, Rows, bounds_of_tree
from markovgpt.chains.asking import ask
from markovgpt.scaled import FloatArray

MOST_LISTED = 10**7  # windows a chain is made of

Row = dict[str, Any]


def rows_of_model(model: mg.NextTokenModel, settings: mg.SamplingSettings) -> Rows:
    """What a tree asks a model, windows of one length together."""

    def rows(windows: Sequence[tuple[int, ...]]) -> FloatArray:
        found = np.empty((len(windows), model.vocab_size))
        for length in sorted({len(window) for window in windows}):
            places = [place for place, window in enumerate(windows) if len(window) == length]
            asked = np.array([windows[place] for place in places])
            found[places] = np.exp(settings.log_probabilities(ask(model, asked), asked))
        return found

    return rows


def interval(bounds: Bounds) -> str:
    """Bounds as they are written."""
    return f"[{', '.join(bounds.in_digits())}]"


def size_rows(sizes: Sequence[tuple[int, int]], horizons: Sequence[int]) -> list[Row]:
    """Texts of fewer than n tokens more than the start, and the windows they end in, where every token is possible.

    The start is one token. After k < L more the window is the text, V**k of them; after L or more it is any of V**L,
    among which are those after L - 1.
    """
    rows = []
    for V, L in sizes:
        for n in horizons:
            texts = sum(V**k for k in range(n))
            windows = texts if n <= L else sum(V**k for k in range(L - 1)) + V**L
            rows.append({"V": V, "L": L, "n": n, "texts": counted(texts), "windows": counted(windows)})
            rows[-1]["texts a window"] = f"{texts / windows:.3g}"
            rows[-1]["fewer calls"] = "merged" if texts > windows else "neither: the merged chain is the tree"
            rows[-1]["merged can be listed"] = "yes" if windows <= MOST_LISTED else "no: only bounds"
    return rows


def counted(number: int) -> str:
    """A count, in three digits where it is long.

    >>> counted(531441), counted(64**16)
    ('531,441', '7.92e+28')
    """
    return f"{number:,}" if number < 10**9 else f"{number:.2e}"


def long_rows(
    model: mg.NextTokenModel,
    word: str,
    horizons: Sequence[int],
    *,
    temperature: float,
    most_prefixes: int,
    most_listed: int,
) -> list[Row]:
    """Both ways where the window is as long as the text, from a text of one token; with all tokens, and with two."""
    rows = []
    start, red = LETTERS.encode("\n"), LETTERS.encode(word)
    for top_k in (None, 2):
        sampling = mg.SamplingSettings(temperature=temperature, top_k=top_k)
        for n in horizons:
            tree = bounds_of_tree(
                rows_of_model(model, sampling),
                start,
                red,
                within=n,
                context_length=model.context_length,
                most_prefixes=most_prefixes,
                at_once=64,
                roundings=4 * model.vocab_size,
            )
            *_, last = tree
            texts = sum((top_k or model.vocab_size) ** k for k in range(n))
            row = {"L": model.context_length, "tokens kept": top_k or "all", "n": n, "texts": counted(texts)}
            try:
                most = {"max_states": most_listed}
                listed = mg.reachable_chain(model, sampling, start, within=n, **most)
                windows = counted(mg.reachable_chain(model, sampling, start, within=n - 1, **most).n_states)
                exact = mg.certified_digits(mg.hitting_probability(listed, mg.red_tokens(red), start=0, within=n))
            except mg.TooLarge:
                exact = "not listed"  # up to L tokens every text is a window of its own
                windows = counted(texts) if n <= model.context_length else f"over {most_listed:,}"
            row |= {"windows": windows, "P, merged": exact, "prefixes, tree": counted(last.prefixes)}
            row |= {"calls, tree": counted(last.windows), "bounds, tree": interval(last)}
            rows.append(row)
    return rows
