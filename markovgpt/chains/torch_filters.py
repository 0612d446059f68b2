"""The filters of the engines that are written in torch, each in the engine's own operations, on the CPU in float32.

A filter takes scores (rows, V), where -inf marks what is gone already, and says which tokens it leaves (rows, V). Where
an engine's sort leaves the order of equal tokens open, the lower ids stay.

Sources: transformers 5.23.0, ``generation/logits_process.py``; vLLM 0.33.0, ``v1/sample/ops/topk_topp_sampler.py``
(``apply_top_k_top_p_pytorch``) and ``v1/sample/logits_processor/builtin.py``; TransformerLens 4.3.0,
``utilities/logits_utils.py`` (``sample_logits``); nanoGPT, ``model.py`` (``GPT.generate``).
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from markovgpt.chains.margins import Float32Array, Margins, Values
from markovgpt.models.threads import one_torch_thread

Filter = Callable[[Tensor, float, Margins | None], Tensor]


def kept_in_turn(
    filters: tuple[tuple[str, Filter], ...], scores: Float32Array, values: Values, margins: Margins | None
) -> NDArray[np.bool_]:
    """Which tokens (rows, V) are left by those filters that are on, each seeing what the ones before it left.

    Parameters
    ----------
    filters: the names of settings with their filters, in the engine's order.
    scores: (rows, V) finite, or -inf.
    values: the settings that are on.
    margins: where the filters note how near their cuts were; None does not ask.

    >>> kept_in_turn((("top_k", top_k),), np.array([[0.0, 2.0, 1.0]], dtype=np.float32), {"top_k": 2}, None).tolist()
    [[False, True, True]]
    """
    left = torch.from_numpy(scores)
    with one_torch_thread():  # blocks are small: a second thread costs more than it does
        for name, keeps in filters:
            if name in values:
                left = left.masked_fill(~keeps(left, values[name], margins), -torch.inf)
    return np.asarray((left > -torch.inf).numpy())


def top_k(scores: Tensor, k: float, margins: Margins | None) -> Tensor:
    """Every token whose score is at least the k-th largest: all of its equals stay."""
    V, place = scores.shape[-1], min(int(k), scores.shape[-1]) - 1
    beside = [place, place + 1] if margins and place + 1 < V else [place]
    falling = -np.partition(-scores.numpy(), beside, axis=-1)  # the numbers of torch.topk, in a quarter of its time
    if margins and len(beside) > 1:
        margins.between(falling[:, place], falling[:, place + 1])
    return scores >= torch.from_numpy(falling[:, place, None])


def top_p(scores: Tensor, p: float, margins: Margins | None) -> Tensor:
    """Hugging Face: drop, from the least likely up, what together has at most 1 - p."""
    return _rising_nucleus(scores, 1 - p, margins)


def top_p_vllm(scores: Tensor, p: float, margins: Margins | None) -> Tensor:
    """vLLM: the same, with p and 1 - p in float32."""
    return _rising_nucleus(scores, float(1 - torch.tensor(p, dtype=torch.float32)), margins)


def _rising_nucleus(scores: Tensor, dropped_mass: float, margins: Margins | None) -> Tensor:
    """Drop, from the least likely up, what together has at most so much; the likeliest always stays."""
    ordered, order = _descending(scores)
    ordered, order = ordered.flip(-1), order.flip(-1)  # of equals, higher ids first
    mass = ordered.softmax(-1).cumsum(-1)
    goes = mass <= dropped_mass
    goes[:, -1] = False
    if margins:
        margins.against(mass[:, :-1].numpy(), dropped_mass)
        _note_neighbours(margins, ordered, goes.sum(-1))
    return torch.empty_like(goes).scatter_(-1, order, ~goes)


def top_p_falling(scores: Tensor, p: float, margins: Margins | None) -> Tensor:
    """TransformerLens: drop, from the likeliest down, what comes after a mass above p."""
    ordered, order = _descending(scores)
    mass = ordered.softmax(-1).cumsum(-1)
    goes = torch.zeros_like(scores, dtype=torch.bool)
    goes[:, 1:] = mass[:, :-1] > p
    if margins:
        margins.against(mass[:, :-1].numpy(), p)
        _note_neighbours(margins, ordered, (~goes).sum(-1))
    return torch.empty_like(goes).scatter_(-1, order, ~goes)


def min_p(scores: Tensor, share: float, margins: Margins | None) -> Tensor:
    """Every token with a probability of at least a share of the largest."""
    chances = scores.softmax(-1)
    least = share * chances.amax(-1, keepdim=True)
    if margins:
        _note_chances(margins, scores, chances, least)
    return chances >= least


def typical_p(scores: Tensor, mass: float, margins: Margins | None) -> Tensor:
    """Hugging Face: the tokens whose surprisal is nearest to the entropy, until they have the mass; equals all stay."""
    logs = scores.log_softmax(-1)
    entropy = -(logs * logs.exp()).nansum(-1, keepdim=True)
    strangeness, order = torch.sort((-logs - entropy).abs(), stable=True)
    gathered = scores.gather(-1, order).softmax(-1).cumsum(-1)
    last = (gathered < mass).sum(-1, keepdim=True).clamp(max=scores.shape[-1] - 1)
    goes = strangeness > strangeness.gather(-1, last)
    if margins:
        margins.against(gathered[:, :-1].numpy(), mass)
        _note_neighbours(margins, strangeness, last[:, 0] + 1)
    return torch.empty_like(goes).scatter_(-1, order, ~goes)


def epsilon_cutoff(scores: Tensor, epsilon: float, margins: Margins | None) -> Tensor:
    """Hugging Face: every token with a probability of at least epsilon, and the likeliest."""
    return _likely_enough(scores, torch.tensor([[epsilon]], dtype=torch.float32), margins)


def eta_cutoff(scores: Tensor, epsilon: float, margins: Margins | None) -> Tensor:
    """Hugging Face: every token with a probability of at least min(e, sqrt(e) exp(-entropy)), and the likeliest."""
    level = torch.tensor(epsilon)
    entropy: Tensor = torch.distributions.Categorical(logits=scores).entropy()  # type: ignore[no-untyped-call]
    return _likely_enough(scores, torch.min(level, torch.sqrt(level) * torch.exp(-entropy))[:, None], margins)


def _likely_enough(scores: Tensor, least: Tensor, margins: Margins | None) -> Tensor:
    """The tokens of at least a probability (1 or rows, 1), and the likeliest with its equals."""
    chances = scores.softmax(-1)
    if margins:
        _note_chances(margins, scores, chances, least)
    return (chances >= least) | (scores >= scores.amax(-1, keepdim=True))


def _descending(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Scores from the largest down and their tokens, of equals the lower ids first."""
    order = torch.from_numpy(np.argsort(-scores.numpy(), axis=-1, kind="stable"))  # as torch.sort, in half its time
    return scores.gather(-1, order), order


def _note_neighbours(margins: Margins, ordered: Tensor, cut: Tensor) -> None:
    """Note the two tokens beside a cut: the places cut - 1 and cut (rows,) of what was sorted."""
    place = cut.clamp(1, max(1, ordered.shape[-1] - 1))[:, None]
    inside = ((cut > 0) & (cut < ordered.shape[-1])).numpy()
    before = ordered.gather(-1, place - 1)[:, 0].numpy()
    after = ordered.gather(-1, place.clamp(max=ordered.shape[-1] - 1))[:, 0].numpy()
    margins.between(before, np.where(inside, after, np.inf))


def _note_chances(margins: Margins, scores: Tensor, chances: Tensor, least: Tensor) -> None:
    """Note the probabilities held against the least that stays; the likeliest stays whatever it is."""
    stays_anyway = scores >= scores.amax(-1, keepdim=True)
    margins.against(chances.masked_fill(stays_anyway, torch.inf).numpy(), least.numpy())
