"""Train a GPT on a token sequence or on given examples."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from markovgpt.errors import InvalidInput
from markovgpt.models.gpt import GPT, GPTConfig
from markovgpt.models.threads import one_torch_thread
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary, token_ids

IGNORED = -1
LOWER_RATE = "give a lower learning_rate; the notebook's is 1e-3"


@dataclass(frozen=True, eq=False, repr=False)
class TrainedGPT(Shown):
    """What training gives: the model, and the loss (nats per predicted token) before each step.

    ``log`` is a tuple of rows ``{"step": int, "loss": float}``, as pandas.DataFrame takes them.
    """

    model: GPT
    log: tuple[dict[str, float], ...]


def train_gpt(
    tokens: Sequence[int] | None,
    config: GPTConfig,
    *,
    steps: int,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.1,
    batch_size: int | None = None,
    seed: int = 1337,
    positions: Literal["last", "all"] = "last",
    examples: tuple[ArrayLike, ArrayLike] | None = None,
    vocabulary: Vocabulary | None = None,
    on_step: Callable[[int, GPT], object] | None = None,
) -> TrainedGPT:
    """Train a GPT from scratch with AdamW on the cross-entropy of the next token.

    Parameters
    ----------
    tokens: the training sequence; every window of L tokens and the token after it is one example.
    config: the sizes of the model.
    steps: optimiser steps, at least 0.
    learning_rate, weight_decay: AdamW's, above 0 and at least 0.
    batch_size: examples a step, drawn with replacement; None takes them all, every step.
    seed: of the initialisation and the draws. The global generator is left as it was. One thread computes, so that
        the weights do not depend on the number of cores.
    positions: "last" is the notebook's loss, on full windows only (shorter prefixes stay untrained); "all" also
        learns the token after every shorter prefix of a window.
    examples: instead of tokens, (inputs (N, T), targets (N, T)); a target of -1 is ignored.
    vocabulary: kept with the model.
    on_step: called with k and the model as it is after k steps, for k = 0 .. steps: the model whose loss ``log[k]`` is,
        and at last the trained one. It looks at the model itself (copy what is to be kept), in eval mode and without
        gradients, on the one thread; what it draws at random changes neither the training nor the global generator.

    Raises
    ------
    InvalidInput: no example, tokens outside the vocabulary, a setting outside its range, or a loss that diverges.

    >>> trained = train_gpt([0, 1, 0, 1, 0, 1], GPTConfig(2, 2, n_layer=1), steps=2)
    >>> [row["step"] for row in trained.log], trained.log[1]["loss"] < trained.log[0]["loss"]
    ([0, 1], True)
    >>> seen = []
    >>> _ = train_gpt([0, 1, 0, 1], GPTConfig(2, 2), steps=2, on_step=lambda step, model: seen.append(step))
    >>> seen
    [0, 1, 2]
    """
    _check_settings(steps, learning_rate, weight_decay, batch_size, positions)
    inputs, targets = _examples(tokens, config, positions, examples)
    with one_torch_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = GPT(config, vocabulary)
        optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
        log = []
        for step in range(steps):
            _look(on_step, step, model)
            chosen = slice(None) if batch_size is None else torch.randint(len(inputs), (batch_size,))
            logits = model(inputs[chosen])  # (B, T, V)
            loss = functional.cross_entropy(logits.flatten(0, 1), targets[chosen].flatten(), ignore_index=IGNORED)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            log.append({"step": step, "loss": loss.item()})
            if not math.isfinite(log[-1]["loss"]):
                raise InvalidInput(
                    f"training must keep a finite loss, got {log[-1]['loss']} at step {step}; {LOWER_RATE}"
                )
        if not all(torch.isfinite(parameter).all() for parameter in model.parameters()):
            raise InvalidInput(f"training must keep finite weights, got others after {steps} steps; {LOWER_RATE}")
        _look(on_step, steps, model)
    return TrainedGPT(model.eval(), tuple(log))


def _look(on_step: Callable[[int, GPT], object] | None, step: int, model: GPT) -> None:
    """Show the model as it answers questions, and put it and the dice back as training needs them."""
    if on_step is not None:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            on_step(step, model.eval())
        model.train()


def _check_settings(
    steps: int, learning_rate: float, weight_decay: float, batch_size: int | None, positions: str
) -> None:
    """Refuse settings outside their range."""
    if not isinstance(steps, int) or steps < 0:
        raise InvalidInput(f"steps must be a whole number of at least 0, got {steps}; 0 gives the untrained model")
    if not learning_rate > 0 or not weight_decay >= 0:
        raise InvalidInput(
            f"learning_rate must be above 0 and weight_decay at least 0, got {learning_rate} and {weight_decay}; "
            "the notebook's are 1e-3 and 0.1"
        )
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise InvalidInput(
            f"batch_size must be a whole number of at least 1, got {batch_size}; None takes every example"
        )
    if positions not in ("last", "all"):
        raise InvalidInput(f"positions must be 'last' or 'all', got {positions!r}; the notebook's is 'last'")


def _examples(
    tokens: Sequence[int] | None,
    config: GPTConfig,
    positions: str,
    examples: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[Tensor, Tensor]:
    """Inputs and targets, both (N, T)."""
    if (tokens is None) == (examples is None):
        raise InvalidInput("give either tokens or examples, got both or neither; pass tokens=None with examples")
    if examples is not None:
        inputs, targets = (
            token_ids(part, config.vocab_size, least=least) for part, least in zip(examples, (0, IGNORED), strict=True)
        )
        if inputs.ndim != 2 or inputs.shape != targets.shape or not 1 <= inputs.shape[1] <= config.context_length:
            raise InvalidInput(
                f"examples must be two arrays (N, T) of one shape with T in 1..{config.context_length}, "
                f"got {inputs.shape} and {targets.shape}; mark what is not to be learnt by a target of -1"
            )
    else:
        sequence, L = token_ids(tokens, config.vocab_size), config.context_length
        if sequence.ndim != 1 or len(sequence) <= L:
            raise InvalidInput(
                f"tokens must be one sequence of more than context_length={L} tokens, got shape {sequence.shape}; "
                "give more text or a shorter context"
            )
        windows = np.lib.stride_tricks.sliding_window_view(sequence, L + 1)  # (N, L + 1)
        inputs, targets = windows[:, :-1].copy(), windows[:, 1:].copy()
        if positions == "last":
            targets[:, :-1] = IGNORED
    if not (targets != IGNORED).any(axis=None):
        raise InvalidInput("examples must hold a target to learn, got only -1; give the tokens that should follow")
    return torch.from_numpy(inputs), torch.from_numpy(targets)
