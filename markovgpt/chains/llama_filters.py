"""The filters of llama.cpp, in its order: top_k, typical_p, top_p, min_p, and the temperature only after them.

Sums run in float32, token after token, in the order that the filters before left the tokens in; exp and log are rounded
once. llama.cpp sorts equal tokens in no order that is its own; here the lower ids come first. A token of probability 0
makes its typical_p undefined (0 * log 0); here such a token adds nothing to the entropy and is the least typical.

Source: ``src/llama-sampler.cpp`` and ``common/common.h`` of the llama.cpp that llama-cpp-python 0.3.36 brings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.margins import Float32Array, Margins, Values

Order = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The tokens that are left, in the order in which they lie.

    Parameters
    ----------
    logits: (rows, V) in the order of the ids; -inf marks what is gone.
    order: (rows, V) ids; None while they lie as they came.
    """

    logits: Float32Array
    order: Order | None = None

    def lying(self) -> Float32Array:
        """The logits (rows, V) in the order in which they lie."""
        return self.logits if self.order is None else np.take_along_axis(self.logits, self.order, axis=1)

    def falling(self) -> Order:
        """The ids from the largest logit down, of equals the lower first."""
        return np.argsort(-self.logits, axis=1, kind="stable")

    def without(self, goes: NDArray[np.bool_]) -> "Candidates":
        """Those that remain when what goes (rows, V), as they lie, is gone."""
        by_id = goes
        if self.order is not None:
            by_id = np.empty_like(goes)
            np.put_along_axis(by_id, self.order, goes, axis=1)
        return Candidates(np.where(by_id, np.float32(-np.inf), self.logits), self.order)


def kept_by_llama_cpp(scores: Float32Array, values: Values, margins: Margins | None) -> NDArray[np.bool_]:
    """Which tokens (rows, V) llama.cpp's default chain of samplers leaves.

    Parameters
    ----------
    scores: (rows, V) logits, before any temperature; finite, or -inf.
    values: the settings that are on, by name.
    margins: where the filters note how near their cuts were; None does not ask.

    >>> row = np.log(np.array([[0.5, 0.3, 0.2]], dtype=np.float32))
    >>> kept_by_llama_cpp(row, {"top_p": 0.5}, None).tolist(), kept_by_llama_cpp(row, {"min_p": 0.5}, None).tolist()
    ([[True, False, False]], [[True, True, False]])
    """
    left = Candidates(scores)
    if "top_k" in values:
        left = _top_k(left, int(values["top_k"]), margins)
    if "typical_p" in values:
        left = _typical_p(left, np.float32(values["typical_p"]), margins)
    if "top_p" in values:
        left = _top_p(left, np.float32(values["top_p"]), margins)
    if "min_p" in values:
        left = _min_p(left, np.float32(values["min_p"]), margins)
    return np.asarray(left.logits > -np.inf)


def _top_k(left: Candidates, k: int, margins: Margins | None) -> Candidates:
    """The k largest logits and no more: of equals across the cut only some stay."""
    falling = Candidates(left.logits, left.falling())
    cut = np.full(len(left.logits), k)
    if margins:
        _note_neighbours(margins, falling.lying(), cut)
    return falling.without(_from(cut, left.logits))


def _typical_p(left: Candidates, mass: np.float32, margins: Margins | None) -> Candidates:
    """The tokens whose surprisal is nearest to the entropy, until together they have more than the mass."""
    falling = left.falling()
    chances = _shares(np.take_along_axis(left.logits, falling, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(chances.astype(np.float64)).astype(np.float32)
        entropy = np.add.accumulate(np.nan_to_num(-chances * logs), axis=1)[:, -1:]
    strangeness = np.abs(-logs - entropy)
    by_strangeness = np.argsort(strangeness, axis=1, kind="stable")
    gathered = np.add.accumulate(np.take_along_axis(chances, by_strangeness, axis=1), axis=1)
    cut = _first(gathered > mass) + 1
    if margins:
        margins.against(gathered[:, :-1], mass)
        _note_neighbours(margins, np.take_along_axis(strangeness, by_strangeness, axis=1), cut)
    lying = Candidates(left.logits, np.take_along_axis(falling, by_strangeness, axis=1))
    return lying.without(_from(cut, left.logits))


def _top_p(left: Candidates, p: np.float32, margins: Margins | None) -> Candidates:
    """The fewest of the likeliest tokens that together have at least p."""
    total = np.add.accumulate(_weights(left.lying()), axis=1)[:, -1:]  # summed before they are sorted
    falling = Candidates(left.logits, left.falling())
    gathered = np.add.accumulate(_weights(falling.lying()) / total, axis=1)
    cut = _first(gathered >= p) + 1
    if margins:
        margins.against(gathered[:, :-1], p)
        _note_neighbours(margins, falling.lying(), cut)
    return falling.without(_from(cut, left.logits))


def _min_p(left: Candidates, share: np.float32, margins: Margins | None) -> Candidates:
    """The logits of at least the largest plus log of the share."""
    best = left.logits.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore"):  # a share that is 0 in float32 cuts nothing
        least = best + np.float32(np.log(np.float64(share)))
    if margins:
        with np.errstate(over="ignore"):
            odds = np.exp(np.where(left.logits < best, left.logits.astype(np.float64) - least, np.inf))
        margins.against(odds, 1.0)
    gone = np.where(left.logits >= least, left.logits, np.float32(-np.inf))
    return Candidates(gone, left.order)


def _weights(lying: Float32Array) -> Float32Array:
    """exp of the distance from the largest logit."""
    gaps = lying - lying.max(axis=1, keepdims=True)
    return np.asarray(np.exp(gaps.astype(np.float64)).astype(np.float32))  # rounded once, as expf nearly always is


def _shares(lying: Float32Array) -> Float32Array:
    """Probabilities, their sum taken in the order in which the tokens lie."""
    weights = _weights(lying)
    return np.asarray(weights / np.add.accumulate(weights, axis=1)[:, -1:])


def _first(reached: NDArray[np.bool_]) -> Order:
    """The first place (rows,) where something is reached, the last place where it never is."""
    return np.asarray(np.where(reached.any(axis=1), reached.argmax(axis=1), reached.shape[1] - 1))


def _from(cut: Order, like: Float32Array) -> NDArray[np.bool_]:
    """The places (rows, V) from a cut (rows,) on."""
    return np.asarray(np.arange(like.shape[1]) >= cut[:, None])


def _note_neighbours(margins: Margins, ordered: Float32Array, cut: Order) -> None:
    """Note the two tokens beside a cut: the places cut - 1 and cut (rows,) of what was sorted."""
    rows, last = np.arange(len(cut)), ordered.shape[1] - 1
    after = np.where(cut <= last, ordered[rows, np.minimum(cut, last)], np.inf)
    margins.between(ordered[rows, np.minimum(cut, last + 1) - 1], after)
