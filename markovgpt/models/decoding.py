"""What does a model write when the likeliest token, or the likeliest few texts, are kept at each step?

Greedy decoding writes the likeliest token. Beam search keeps the k likeliest texts of each length, extends each by
every token, and keeps the k likeliest of those; neither need find the likeliest text. A text longer than the model's
window is read through its last L tokens. Of equal scores the earlier beam goes first, then the lower token id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.models.protocol import NextTokenModel
from markovgpt.shown import Shown

Tokens = NDArray[np.int64]
Floats = NDArray[np.float64]

LOWEST_LOG = -1e300  # of a possible token: a gap of logits beyond the doubles is still possible
STEEPEST_PENALTY = 10.0
BYTES_PER_SCORE = 48  # a score, while the largest are looked for


@dataclass(frozen=True)
class Decoded(Shown):
    """A text that a decoder wrote.

    Parameters
    ----------
    tokens: what was written after the prompt; a stop token that ended it is the last one.
    log_probability: of these tokens after the prompt, the sum of log-softmax, in nats.
    score: what texts are ranked by: log_probability / len(tokens)**length_penalty; 0 for no tokens.
    text: the same as text, if the vocabulary is known.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    text: str | None = None


def greedy_decode(
    model: NextTokenModel, prompt: str | Sequence[int], n_tokens: int, *, stop_tokens: Sequence[int] = ()
) -> Decoded:
    """What is written when the likeliest token always comes next?

    Parameters and refusals are those of `beam_search`, which it is with one beam.

    >>> from markovgpt.models.module_model import as_model
    >>> def other(windows): return np.log([[0.2, 0.8], [0.9, 0.1]])[np.asarray(windows)[:, -1]]
    >>> found = greedy_decode(as_model(other, vocab_size=2, context_length=1), [0], 3)
    >>> found.tokens, round(float(np.exp(found.log_probability)), 12)                             # 0.8 * 0.9 * 0.8
    ((1, 0, 1), 0.576)
    """
    return beam_search(model, prompt, n_tokens, 1, stop_tokens=stop_tokens)[0]


def beam_search(
    model: NextTokenModel,
    prompt: str | Sequence[int],
    n_tokens: int,
    n_beams: int,
    *,
    stop_tokens: Sequence[int] = (),
    length_penalty: float = 1.0,
) -> tuple[Decoded, ...]:
    """Which are the best texts of n tokens that a search with k beams finds?

    Parameters
    ----------
    model: any `NextTokenModel`; its distribution is taken at temperature 1. A `LogitTable` is one too, and a
        `markovgpt.chains.chain_model.ChainModel` is one under sampling settings.
    prompt: what the text begins with, token ids or, where the vocabulary is known, text; at least one token.
    n_tokens: how many are written, at least 0.
    n_beams: k, at least 1; with one beam this is `greedy_decode`.
    stop_tokens: tokens that end the text when they are written; one in the prompt ends nothing.
    length_penalty: p in the score log P / n**p, from -10 to 10; it matters where texts end at different lengths.

    Returns
    -------
    The k texts of the highest scores found, best first; fewer where fewer are possible.

    Raises
    ------
    InvalidInput: an empty prompt, ids outside the vocabulary, text that it does not spell, numbers outside their range,
        logits with NaN or +inf or nothing but -inf (the window is named).
    TooLarge: the scores of all beams would not fit.

    Method: each step asks the model once about every different window. Without stop tokens all texts have n tokens.
    With them the search is that of transformers (``generate`` with ``early_stopping=False``): of the best
    k (1 + number of stop tokens) extensions those among the first k that end are put aside with their scores, and the k
    best that do not are extended; it is over when k texts are aside and the best that goes on, were it to end here,
    would score no better than the worst of them. Scores are float64, there float32: texts closer than that may change
    places.

    Source: `GenerationMixin._beam_search` of transformers 5.23.

    >>> from markovgpt.models.module_model import as_model
    >>> rows = np.log([[0.1, 0.5, 0.4], [0.2, 0.4, 0.4], [0.05, 0.05, 0.9]])
    >>> model = as_model(lambda windows: rows[np.asarray(windows)[:, -1]], vocab_size=3, context_length=1)
    >>> greedy_decode(model, [0], 2).tokens, beam_search(model, [0], 2, 2)[0].tokens        # 0.5 * 0.4, 0.4 * 0.9
    ((1, 1), (2, 2))
    """
    begun, stops = _tokens_of(model, prompt), _token_ids(model, stop_tokens, "stop_tokens")
    _require_count("n_tokens", n_tokens, 0)
    _require_count("n_beams", n_beams, 1)
    is_number = isinstance(length_penalty, int | float | np.integer | np.floating) and not isinstance(
        length_penalty, bool
    )
    if not is_number or not abs(length_penalty) <= STEEPEST_PENALTY:
        raise InvalidInput(
            f"length_penalty must be a number from {-STEEPEST_PENALTY:.0f} to {STEEPEST_PENALTY:.0f}, got "
            f"{length_penalty}; 1 is the mean per token"
        )
    V, L = model.vocab_size, model.context_length
    require_memory(
        n_beams * (BYTES_PER_SCORE * V + 24 * (len(begun) + n_tokens)),
        f"{n_beams} beams x {V} tokens",
        "give fewer beams",
    )
    texts, sums, ended = begun[None, :], np.zeros(1), [] if n_tokens else [_decoded(model, begun[:0], 0.0, 0.0)]
    for written in range(1, n_tokens + 1):
        each = sums[:, None] + _log_probabilities(model, texts[:, -L:])  # (beams, V)
        best = _largest(each.reshape(-1), n_beams * max(2, 1 + len(np.unique(stops))))
        beam, token = np.divmod(best, V)
        texts, sums = np.column_stack([texts[beam], token]), each.reshape(-1)[best]
        over, scores = np.isin(token, stops) | (written == n_tokens), sums / written**length_penalty
        aside = [
            _decoded(model, texts[place, len(begun) :], sums[place], scores[place])
            for place in np.flatnonzero(over[:n_beams])
        ]
        ended = sorted(ended + aside, key=lambda text: -text.score)[:n_beams]
        texts, sums, scores = texts[~over][:n_beams], sums[~over][:n_beams], scores[~over][:n_beams]
        if not len(texts) or (len(ended) == n_beams and scores[0] <= ended[-1].score):
            break
    return tuple(ended)


def _log_probabilities(model: NextTokenModel, windows: Tokens) -> Floats:
    """Log-softmax (B, V) of what the model says after windows (B, T), in float64; -inf for what it rules out.

    Raises
    ------
    InvalidInput: logits that are no distribution.
    """
    different, place = np.unique(windows, axis=0, return_inverse=True)
    logits = np.asarray(model.next_token_logits(different), dtype=np.float64)
    highest = logits.max(axis=1, keepdims=True)  # NaN where a row holds one
    if not np.isfinite(highest).all():
        row = int(np.argmin(np.isfinite(highest)))
        window = tuple(different[row].tolist())
        shown = "" if model.vocabulary is None else f" {model.vocabulary.show(window)!r}"
        raise InvalidInput(
            "the model must give a number for some token and NaN for none, got a largest logit of "
            f"{float(highest[row, 0])} after the window{shown} (tokens {window}); look for NaN in the weights"
        )
    with np.errstate(over="ignore"):
        gaps = np.where(np.isneginf(logits), -np.inf, np.maximum(logits - highest, LOWEST_LOG))
    found = gaps - np.log(np.exp(gaps).sum(axis=1, keepdims=True))
    return np.asarray(found[place.reshape(-1)])


def _largest(scores: Floats, count: int) -> Tokens:
    """The places of so many of the largest scores above -inf, the largest first; of equals the first."""
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        among = np.flatnonzero(scores >= least)
    else:
        among = np.arange(len(scores))
    order = among[np.argsort(-scores[among], kind="stable")][:count]
    return order[scores[order] > -np.inf]


def _decoded(model: NextTokenModel, tokens: Tokens, log_probability: float, score: float) -> Decoded:
    """What was written, for the caller."""
    said = tuple(tokens.tolist())
    text = None if model.vocabulary is None else model.vocabulary.decode(said)
    return Decoded(said, float(log_probability), float(score), text)


def _tokens_of(model: NextTokenModel, prompt: str | Sequence[int]) -> Tokens:
    """The tokens of a prompt."""
    if isinstance(prompt, str):
        if model.vocabulary is None:
            raise InvalidInput(f"a text prompt needs a vocabulary, got {prompt!r} without one; give token ids")
        prompt = model.vocabulary.encode(prompt)
    tokens = _token_ids(model, prompt, "prompt")
    if not len(tokens):
        raise InvalidInput("prompt must hold at least one token, got none; begin with what the texts begin with")
    return tokens


def _token_ids(model: NextTokenModel, given: Sequence[int], name: str) -> Tokens:
    """Token ids as an array."""
    tokens = list(given) if isinstance(given, Iterable) else [None]
    for token in tokens:
        if isinstance(token, bool) or not isinstance(token, int | np.integer) or not 0 <= token < model.vocab_size:
            raise InvalidInput(
                f"{name} must be token ids in 0..{model.vocab_size - 1}, got {given}; see the model's vocabulary"
            )
    return np.array(tokens, dtype=np.int64)


def _require_count(name: str, value: Any, least: int) -> None:
    """Refuse what is no whole number of at least so much."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InvalidInput(f"{name} must be a whole number of at least {least}, got {value}; count tokens or texts")
