"""Logits -> log-probabilities under the sampling settings people use, as the engines people use apply them.

Which tokens are kept is decided in float32, by the operations of the engine (`markovgpt.chains.engines`) in its order;
the probabilities of the kept ones are then taken in float64. The relative error of such a probability is about
``|logit gap / temperature| * 2**-53``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.engines import ENGINES as ENGINES
from markovgpt.chains.engines import ENGINES_BY_NAME, PENALTY, Engine
from markovgpt.chains.generation_config import resolved
from markovgpt.chains.margins import Cuts, Float32Array, Margins
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray
from markovgpt.shown import Shown

Mask = NDArray[np.bool_]
WIDEST_GAP = 1e38  # between scores, in float32
LARGEST = float(np.finfo(np.float64).max)
RANGES: dict[str, tuple[Callable[[float], bool], str, int]] = {  # what is allowed, in words, and what keeps everything
    "top_p": (lambda value: 0 < value <= 1, "lie in (0, 1]", 1),
    "min_p": (lambda value: 0 <= value <= 1, "lie in [0, 1]", 0),
    "typical_p": (lambda value: 0 < value <= 1, "lie in (0, 1]", 1),
    "epsilon_cutoff": (lambda value: 0 <= value < 1, "lie in [0, 1)", 0),
    "eta_cutoff": (lambda value: 0 <= value < 1, "lie in [0, 1)", 0),
    PENALTY: (lambda value: 0 < value < math.inf, "be above 0 and finite", 1),
}


@dataclass(frozen=True)
class SamplingSettings(Shown):
    """How the next token is drawn from the logits.

    Parameters
    ----------
    temperature: at least 0; 0 is the argmax, the lowest token id on ties.
    top_k: None (off), or keep the k tokens with the largest logits, k >= 1. For "huggingface" at most V; the other
        engines take V for more.
    top_p: None (off), or keep the smallest set of likeliest tokens with mass of at least top_p, 0 < top_p <= 1; among
        equal tokens the lower ids stay.
    min_p: None (off), or keep tokens with p >= min_p * max p, 0 <= min_p <= 1.
    engine: whose order, ties and edge cases; one of `ENGINES`, described in `markovgpt.chains.engines`.
    typical_p: None (off), or keep the tokens whose surprisal is nearest to the entropy, until their mass reaches
        typical_p, 0 < typical_p <= 1.
    epsilon_cutoff: None (off), or keep tokens with p >= epsilon_cutoff, and the likeliest, 0 <= epsilon_cutoff < 1.
    eta_cutoff: None (off), or the same with min(e, sqrt(e) exp(-entropy)) for the number e given, 0 <= e < 1.
    window_repetition_penalty: None (off), or a number above 0: the logits of tokens that are in the window are divided
        by it, or multiplied where they are below 0. The engines penalise the whole text, which is no function of the
        window and so no Markov chain; for texts no longer than the window, and for llama.cpp with ``penalty_last_n`` =
        L, the two are the same.

    Raises
    ------
    InvalidInput: a setting outside its range, or one that the engine does not have.

    >>> settings = SamplingSettings(temperature=2.0, top_k=2)
    >>> np.exp(settings.log_probabilities([0.0, 0.0, -5.0])).round(12).tolist()
    [0.5, 0.5, 0.0]
    >>> SamplingSettings(temperature=0).log_probabilities([1.0, 3.0, 3.0]).tolist()
    [-inf, 0.0, -inf]
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    engine: str = "huggingface"
    typical_p: float | None = None
    epsilon_cutoff: float | None = None
    eta_cutoff: float | None = None
    window_repetition_penalty: float | None = None

    def __post_init__(self) -> None:
        _require_number("temperature", self.temperature)
        if not 0 <= self.temperature < math.inf:
            raise InvalidInput(f"temperature must be at least 0 and finite, got {self.temperature}; 0 is the argmax")
        if self.top_k is not None and (
            isinstance(self.top_k, bool) or not isinstance(self.top_k, int | np.integer) or self.top_k < 1
        ):
            raise InvalidInput(f"top_k must be a whole number of at least 1, got {self.top_k}; None turns it off")
        for name, (within, allowed, off) in RANGES.items():
            value = getattr(self, name)
            if value is not None:
                _require_number(name, value)
                if not within(value):
                    raise InvalidInput(f"{name} must {allowed}, got {value}; None or {off} turns it off")
        if self.engine not in ENGINES_BY_NAME:
            raise InvalidInput(f"engine must be one of {', '.join(ENGINES)}, got {self.engine!r}; choose one of them")
        self._habits.require(self.temperature, self.active)

    @classmethod
    def from_generation_config(
        cls, folder: str | Path, *, do_sample: bool | None = None, penalty_over_window: bool = False
    ) -> "SamplingSettings":
        """What ``generate`` of transformers samples with in a ``save_pretrained`` folder, inherited defaults included.

        Parameters
        ----------
        do_sample: as the argument of ``generate``; None takes the folder's, which is False where it says nothing. False
            is the argmax: temperature 0, and no filter.
        penalty_over_window: take a ``repetition_penalty`` over the window rather than refuse it.

        Raises
        ------
        InvalidInput: a file that is missing or damaged, a value outside its range, a setting that is no function of the
            window or is not offered here; the file and the reason are named.
        """
        file, settings = resolved(Path(folder), do_sample, penalty_over_window)
        try:
            return cls(**settings)
        except InvalidInput as error:
            raise InvalidInput(f"{file} must hold settings to sample with, got: {error}") from error

    @property
    def active(self) -> dict[str, float]:
        """The settings besides the temperature that are given and do not say "keep all", by name.

        >>> SamplingSettings(top_k=3, top_p=1.0, min_p=0.1).active
        {'top_k': 3, 'min_p': 0.1}
        """
        found: dict[str, float] = {} if self.top_k is None else {"top_k": self.top_k}
        for name, (_, _, off) in RANGES.items():
            value = getattr(self, name)
            if value is not None and value != off:
                found[name] = value
        return found

    @property
    def needs_windows(self) -> bool:
        """Whether the probabilities depend on the window beyond its logits: under a penalty."""
        return PENALTY in self.active

    def log_probabilities(self, logits: ArrayLike, windows: ArrayLike | None = None) -> FloatArray:
        """Natural logarithms (..., V) of the next-token probabilities; -inf means impossible, and nothing else does.

        Parameters
        ----------
        logits: (..., V), any float dtype; -inf marks a token the model itself rules out.
        windows: (..., T) the tokens that the logits follow; looked at only under a penalty.

        Raises
        ------
        InvalidInput: no tokens, NaN or +inf, a row of -inf alone, top_k above V, or a penalty without windows.
        """
        given, exact, scores = self._prepared(logits, windows)
        possible = self._kept(exact, scores, None)
        if self._temperature == 0:
            best = np.where(possible, exact, -np.inf).argmax(axis=-1)  # the first of equals
            return np.where(np.arange(exact.shape[-1]) == best[:, None], 0.0, -np.inf).reshape(given)
        left = np.where(possible, exact, -np.inf)
        with np.errstate(over="ignore"):
            gaps = (left - left.max(axis=-1, keepdims=True)) / self._temperature
        # a gap beyond the doubles is still possible: only the support may say -inf
        gaps = np.where(possible, np.maximum(gaps, -LARGEST), -np.inf)
        return np.asarray(gaps - np.log(np.exp(gaps).sum(axis=-1, keepdims=True))).reshape(given)

    def cuts(self, logits: ArrayLike, windows: ArrayLike | None = None) -> Cuts:
        """How many of these rows tie across a cut, or come within 1e-6 of being cut differently; see `count_cuts`.

        Parameters and refusals are those of `log_probabilities`. At temperature 0 the cut is below the largest logit.

        >>> SamplingSettings(top_k=1).cuts([[2.0, 2.0, 1.0], [2.0, 1.0, 1.0]])
        Cuts(n_rows=2, n_tied=1, n_narrow=0, smallest_margin=0.0)
        """
        _, exact, scores = self._prepared(logits, windows)
        margins = Margins(len(exact))
        possible = self._kept(exact, scores, margins)
        if self._temperature == 0 and exact.shape[-1] > 1:
            two_best = np.partition(np.where(possible, exact, -np.inf), -2, axis=-1)[:, -2:]
            margins.between(two_best[:, 1], two_best[:, 0])
        return margins.cuts()

    @property
    def _habits(self) -> Engine:
        """What the engine does."""
        return ENGINES_BY_NAME[self.engine]

    @property
    def _temperature(self) -> float:
        """The temperature as the engine takes it."""
        return max(self.temperature, self._habits.lowest_temperature) if self.temperature > 0 else 0.0

    def _prepared(
        self, logits: ArrayLike, windows: ArrayLike | None
    ) -> tuple[tuple[int, ...], FloatArray, Float32Array]:
        """The shape given; the logits (rows, V) after a penalty; and what the engine's filters see, in float32."""
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
        if self.engine == "huggingface" and self.top_k is not None and self.top_k > V:
            raise InvalidInput(
                f"top_k must be at most the vocabulary's {V} tokens, got {self.top_k}; None turns it off"
            )
        exact = given.reshape(-1, V).astype(np.float64)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # _in_range looks after them
            scores = exact.astype(np.float32)
            if self.window_repetition_penalty is not None and self.needs_windows:
                penalty, seen = self.window_repetition_penalty, _tokens_in(windows, given.shape)
                scores = np.where(seen, self._habits.penalised(scores, penalty), scores)
                exact = np.where(seen, _penalised(exact, penalty), exact)
            temperature = 1.0 if self._habits.temperature_last or self._temperature == 0 else self._temperature
            if temperature != 1:
                scores = scores / np.float32(temperature)
        return given.shape, exact, _in_range(scores, exact, temperature)

    def _kept(self, exact: FloatArray, scores: Float32Array, margins: Margins | None) -> Mask:
        """Which tokens (rows, V) the settings leave, of those that the model does not rule out."""
        values = {name: value for name, value in self.active.items() if name != PENALTY}
        # the largest logit survives every filter but typical_p, which only llama.cpp applies at temperature 0
        idle = self._temperature == 0 and not (self._habits.temperature_last and "typical_p" in values)
        possible = np.isfinite(exact)
        return possible & self._habits.kept(scores, values, margins) if values and not idle else possible


def _penalised(logits: FloatArray, penalty: float) -> FloatArray:
    """Logits after a repetition penalty; none that is possible leaves the doubles."""
    changed = np.where(logits < 0, logits * penalty, logits / penalty)
    return np.where(np.isfinite(logits), np.clip(changed, -LARGEST, LARGEST), logits)


def _tokens_in(windows: ArrayLike | None, shape: tuple[int, ...]) -> Mask:
    """Which tokens (rows, V) are in each window, for logits of a shape (..., V)."""
    if windows is None:
        raise InvalidInput(
            f"windows must be given under a {PENALTY}, got none; give the tokens (..., T) that the logits follow"
        )
    tokens = np.asarray(windows)
    fits = tokens.ndim == len(shape) and tokens.shape[:-1] == shape[:-1] and np.issubdtype(tokens.dtype, np.integer)
    if not fits or (tokens.size and not 0 <= tokens.min() <= tokens.max() < shape[-1]):
        raise InvalidInput(
            f"windows must be token ids in 0..{shape[-1] - 1}, one row for each row of logits {shape}, got "
            f"{tokens.dtype} of shape {tokens.shape}; give the tokens (..., T) that the logits follow"
        )
    seen = np.zeros((math.prod(shape[:-1]), shape[-1]), dtype=bool)
    np.put_along_axis(seen, tokens.reshape(len(seen), tokens.shape[-1]), True, axis=-1)
    return seen


def _in_range(scores: Float32Array, exact: FloatArray, temperature: float) -> Float32Array:
    """Scores whose rows are finite where the logits are: one beyond float32 is drawn together below its largest.

    As much as it takes and no more: the order stays, and probabilities of 0 in float32 stay 0.
    """
    if np.isfinite(scores).all():
        return scores
    far = (~np.isfinite(scores) & np.isfinite(exact)).any(axis=-1)
    if far.any():
        halves = exact[far] / 2  # the distance of two doubles may be none
        gaps = halves - halves.max(axis=-1, keepdims=True)
        widest = -np.min(gaps, axis=-1, keepdims=True, where=np.isfinite(gaps), initial=0.0)
        scores[far] = gaps / np.maximum(temperature / 2, widest / WIDEST_GAP)
    return scores


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
