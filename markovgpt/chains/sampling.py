"""Logits -> log-probabilities under the sampling settings people use.

The order is Hugging Face's: temperature, top_k (every tie with the k-th stays), top_p, min_p. Which tokens are kept is
decided in float32, the engine's dtype; the probabilities of the kept ones are then taken in float64. The relative error
of such a probability is about ``|logit gap / temperature| * 2**-53``.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray

Float32Array = NDArray[np.float32]
ENGINES = ("huggingface",)


@dataclass(frozen=True)
class SamplingSettings:
    """How the next token is drawn from the logits.

    Parameters
    ----------
    temperature: at least 0; 0 is the argmax, the lowest token id on ties.
    top_k: None (off), or keep the k tokens with the largest logits, k >= 1; ties with the k-th stay.
    top_p: None (off), or keep the smallest set of likeliest tokens with mass of at least top_p, 0 < top_p <= 1; among
        equal tokens the lower ids stay.
    min_p: None (off), or keep tokens with p >= min_p * max p, 0 <= min_p <= 1.
    engine: whose order and edge cases; "huggingface".

    Raises
    ------
    InvalidInput: a setting outside its range.

    >>> settings = SamplingSettings(temperature=2.0, top_k=2)
    >>> np.exp(settings.log_probabilities([0.0, 0.0, -5.0])).round(12).tolist()
    [0.5, 0.5, 0.0]
    >>> SamplingSettings(temperature=0).log_probabilities([1.0, 3.0, 3.0]).tolist()
    [-inf, 0.0, -inf]

    Sources: transformers, ``generation/logits_process.py``, TemperatureLogitsWarper, TopKLogitsWarper,
    TopPLogitsWarper and MinPLogitsWarper.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    engine: str = "huggingface"

    def __post_init__(self) -> None:
        _require_number("temperature", self.temperature)
        if not 0 <= self.temperature < math.inf:
            raise InvalidInput(f"temperature must be at least 0 and finite, got {self.temperature}; 0 is the argmax")
        if self.top_k is not None and (
            isinstance(self.top_k, bool) or not isinstance(self.top_k, int | np.integer) or self.top_k < 1
        ):
            raise InvalidInput(f"top_k must be a whole number of at least 1, got {self.top_k}; None turns it off")
        if self.top_p is not None:
            _require_number("top_p", self.top_p)
            if not 0 < self.top_p <= 1:
                raise InvalidInput(f"top_p must lie in (0, 1], got {self.top_p}; None or 1 turns it off")
        if self.min_p is not None:
            _require_number("min_p", self.min_p)
            if not 0 <= self.min_p <= 1:
                raise InvalidInput(f"min_p must lie in [0, 1], got {self.min_p}; None or 0 turns it off")
        if self.engine not in ENGINES:
            raise InvalidInput(f"engine must be one of {', '.join(ENGINES)}, got {self.engine!r}; choose one of them")

    def log_probabilities(self, logits: ArrayLike) -> FloatArray:
        """Natural logarithms (..., V) of the next-token probabilities; -inf means impossible, and nothing else does.

        Parameters
        ----------
        logits: (..., V), any float dtype; -inf marks a token the model itself rules out.

        Raises
        ------
        InvalidInput: no tokens, NaN or +inf, a row of -inf alone, or top_k above V.
        """
        given = np.asarray(logits)
        if given.ndim == 0 or given.shape[-1] == 0:
            raise InvalidInput(
                f"logits must have a last axis of V >= 1 tokens, got shape {given.shape}; one for each token"
            )
        row = first_invalid_row(given)
        if row is not None:
            raise InvalidInput(
                "logits must be numbers or -inf, with a number in each row, got "
                f"{given.reshape(-1, given.shape[-1])[row]} in row {row}; look for NaN in the weights"
            )
        V = given.shape[-1]
        if self.top_k is not None and self.top_k > V:
            raise InvalidInput(
                f"top_k must be at most the vocabulary's {V} tokens, got {self.top_k}; None turns it off"
            )
        exact = given.astype(np.float64)
        if self.temperature == 0:
            best = exact.argmax(axis=-1)  # the first of equals
            return np.where(np.arange(V) == best[..., None], 0.0, -np.inf)
        possible = self._kept(_in_float32(exact)) & np.isfinite(exact)
        with np.errstate(over="ignore"):
            gaps = (exact - exact.max(axis=-1, keepdims=True)) / self.temperature
        # a gap beyond the doubles is still possible: only the support may say -inf
        gaps = np.where(possible, np.maximum(gaps, -np.finfo(np.float64).max), -np.inf)
        return np.asarray(gaps - np.log(np.exp(gaps).sum(axis=-1, keepdims=True)))

    def _kept(self, logits: Float32Array) -> NDArray[np.bool_]:
        """Which tokens the settings leave, decided in float32."""
        kept = np.ones(logits.shape, dtype=bool)
        if self.top_k is not None:
            kth = -np.partition(-logits, self.top_k - 1, axis=-1)[..., self.top_k - 1, None]
            kept &= logits >= kth
        if self.top_p is not None and self.top_p < 1:
            kept &= self._in_nucleus(np.where(kept, logits, -np.inf))
        if self.min_p is not None and self.min_p > 0:
            shares = torch.from_numpy(self._gaps(np.where(kept, logits, -np.inf))).softmax(-1)
            kept &= (shares >= self.min_p * shares.amax(-1, keepdim=True)).numpy()
        return kept

    def _gaps(self, logits: Float32Array) -> Float32Array:
        """log (p / max p) in float32, at this temperature."""
        temperature = max(np.float32(self.temperature), np.finfo(np.float32).tiny)
        with np.errstate(over="ignore"):
            return np.asarray((logits - logits.max(axis=-1, keepdims=True)) / temperature, dtype=np.float32)

    def _in_nucleus(self, logits: Float32Array) -> NDArray[np.bool_]:
        """Top-p: drop, from the least likely up, what together has at most 1 - top_p; the likeliest always stays."""
        ascending = np.argsort(-logits, axis=-1, kind="stable")[..., ::-1]  # of equals, higher ids first
        gaps = np.take_along_axis(self._gaps(logits), ascending, axis=-1)
        mass = torch.from_numpy(gaps).softmax(-1).cumsum(-1)  # the engine's own operations
        stays = (mass > 1 - (self.top_p or 1)).numpy()
        stays[..., -1] = True
        kept = np.empty(logits.shape, dtype=bool)
        np.put_along_axis(kept, ascending, stays, axis=-1)
        return kept


def _in_float32(logits: FloatArray) -> Float32Array:
    """Logits as the engine sees them; where they leave the range of float32, below their largest."""
    with np.errstate(over="ignore"):
        seen = logits.astype(np.float32)
        if np.isposinf(seen).any():
            seen = (logits - logits.max(axis=-1, keepdims=True)).astype(np.float32)
    return seen


def first_invalid_row(logits: NDArray[Any]) -> int | None:
    """Index, among the flattened rows, of the first that holds NaN or +inf, or nothing but -inf.

    >>> first_invalid_row(np.array([[0.0, -np.inf], [np.nan, 0.0]]))
    1
    """
    rows = logits.reshape(-1, logits.shape[-1])
    highest = rows.max(axis=-1)  # NaN where a row holds one
    invalid = ~np.isfinite(highest)
    return int(np.argmax(invalid)) if invalid.any() else None


def _require_number(name: str, value: object) -> None:
    """Refuse what is not a real number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating) or math.isnan(value):
        raise InvalidInput(f"{name} must be a number, got {value}; give it as a decimal, such as 0.7")
