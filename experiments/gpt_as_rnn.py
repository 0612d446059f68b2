"""When is a GPT with a key-value cache the Markov chain of its windows? Writes results/gpt_as_rnn/.

The chain's next letter follows from the newest L tokens, at positions from 0. A cache that grows computes the same up
to L tokens and then cannot go on, for want of positions. One that rolls goes on with keys and values that were made
when older tokens could still be seen: its state is no window, but the whole text.

Two rules for the positions are tried. Where the newest token always takes the last one, the others stand there too in
the end; where positions begin again at 0, they are in their order only when a multiple of L has been dropped, and what
is left then is due to the stale keys and values alone.

``table``: on texts that the chain writes, the total variation between the chain's next-token law and the rolling
cache's, after so many tokens have been dropped; means with the 99 % interval of so many independent texts.
``histories``: pairs of texts of L + 1 tokens that the chain wrote, which differ in the oldest token alone: one window,
one law of the chain, two of the cache. ``cost``: operations and time of a token when the window is computed anew and
when a cache is kept. ``windows``: time of a window, by full forward passes, by the last step of a full cache, and by
the tabulation with shared prefixes. Times are smallest to largest of some rounds that take turns.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import markovgpt as mg
from experiments.cache_cost import ROUNDS, SHAPES, cost_row, windows_row
from experiments.key_value_cache import (
    GROWING,
    LAST,
    ROLLING,
    Tokens,
    cached_logits,
    chain_texts,
    law_of,
    sliding_logits,
)
from experiments.names_models import END, LETTERS, model_at
from experiments.study import Findings, Study, option, run
from markovgpt.export.figures import line_figure
from markovgpt.models.identity import identity_of

SEED, HALF_WIDTH = 1337, 2.5758  # standard deviations of a 99 % interval
LOGITS = "largest difference of logits"
Law = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "a checkpoint of a GPT of names; none trains one here")
    context_length: int = option(8, "window of the model that is trained here")
    steps: int = option(500, "optimiser steps of it")
    texts: int = option(1000, "texts that the chain writes")
    dropped: tuple[int, ...] = option((1, 2, 4, 8, 12, 16, 32), "numbers of dropped tokens that are looked at")
    pairs: int = option(5, "pairs of histories that are shown")
    lengths: tuple[int, ...] = option((4, 8, 16, 32, 64, 128, 256), "windows whose cost is measured")
    batch: int = option(16, "texts side by side when costs are measured")
    shapes: tuple[str, ...] = option(tuple(SHAPES), "models whose windows are all tabulated")

    def __post_init__(self) -> None:
        if min(self.dropped, default=0) < 1 or self.texts < 2:
            raise mg.InvalidInput(
                f"dropped must be numbers of at least 1 and texts at least 2, got {self.dropped} and {self.texts}; "
                "with none dropped the laws are the same"
            )
        if self.pairs < 1 or self.batch < 1:
            raise mg.InvalidInput(f"pairs and batch must be at least 1, got {self.pairs} and {self.batch}; give more")
        strangers = set(self.shapes) - set(SHAPES)
        if strangers:
            raise mg.InvalidInput(f"shapes must be of {', '.join(SHAPES)}, got {', '.join(strangers)}; leave them out")


def total_variation(one: Law, other: Law) -> Law:
    """Half the sum of the absolute differences, along the last axis."""
    return np.asarray(np.abs(one - other).sum(axis=-1) / 2)


def divergence(one: Law, other: Law) -> Law:
    """The nats by which the other predicts what one says worse than it does itself, along the last axis."""
    return np.asarray((one * np.log(one / other)).sum(axis=-1))


def interval(values: Law, digits: int = 4) -> str:
    """A mean over independent texts between its limits of 99 %.

    >>> interval(np.array([0.0, 1.0] * 50))
    '0.3706 to 0.6294'
    """
    half = HALF_WIDTH * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean() - half:.{digits}f} to {values.mean() + half:.{digits}f}"


@dataclass(frozen=True, eq=False)
class Drift:
    """How far a rolling cache is from the chain, (texts, tokens dropped) each; column 0 is before any.

    Total variation and divergence of the laws, and the largest difference of logits.
    """

    distance: Law
    lost: Law
    logits: Law


def drift_of(model: mg.NextTokenModel, texts: Tokens, rule: str) -> Drift:
    """The laws of a rolling cache beside those of the chain, along texts."""
    first = model.context_length - 1
    anew, cached = sliding_logits(model, texts)[:, first:], cached_logits(model, texts, rule)[:, first:]
    ours, theirs = law_of(anew), law_of(cached)
    apart = np.abs(anew.astype(np.float64) - cached).max(axis=-1)
    return Drift(total_variation(ours, theirs), divergence(ours, theirs), apart)


def drift_rows(drifts: dict[str, Drift], dropped: tuple[int, ...]) -> list[dict[str, str]]:
    """A row for each rule and number of tokens dropped."""
    return [
        {
            "cache": rule,
            "tokens dropped": str(count),
            "total variation, mean": interval(drift.distance[:, count]),
            "worst": f"{drift.distance[:, count].max():.4f}",
            "nats a token lost": interval(drift.lost[:, count]),
            LOGITS: f"{drift.logits[:, count].max():.2f}",
        }
        for rule, drift in drifts.items()
        for count in dropped
    ]


def agreement_row(model: mg.NextTokenModel, texts: Tokens) -> dict[str, str]:
    """The growing cache, as long as it can go on."""
    L = model.context_length
    begun = texts[:, :L]
    ours, theirs = sliding_logits(model, begun), cached_logits(model, begun, GROWING)
    distance = total_variation(law_of(ours), law_of(theirs)).max()
    return {
        "cache": GROWING,
        "tokens dropped": f"0 (of 1 to {L})",
        "total variation, mean": "",
        "worst": above(distance),
        "nats a token lost": "",
        LOGITS: above(np.abs(ours - theirs).max()),
    }


def above(number: float) -> str:
    """The next power of ten that is not below a number; 0 of 0.

    >>> above(2e-7), above(0.0)
    ('below 1e-06', '0')
    """
    return f"below {10.0 ** np.ceil(np.log10(float(number))):.0e}" if number else "0"


def history_rows(model: mg.NextTokenModel, texts: Tokens, rule: str, count: int) -> list[dict[str, str]]:
    """The pairs of written histories with one window whose laws differ most, each window once."""
    L = model.context_length
    pieces = np.lib.stride_tricks.sliding_window_view(texts, L + 1, axis=1).reshape(-1, L + 1)
    pieces = np.unique(pieces, axis=0)
    laws = law_of(cached_logits(model, pieces, rule)[:, -1])
    chain = law_of(np.asarray(model.next_token_logits(pieces[:, 1:])))
    _, window = np.unique(pieces[:, 1:], axis=0, return_inverse=True)
    order = np.argsort(window.ravel(), kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(window.ravel()[order])) + 1)
    found = []
    for group in groups:
        if len(group) > 1:
            apart = total_variation(laws[group][:, None], laws[group][None])
            i, j = divmod(int(apart.argmax()), len(group))
            found.append((float(apart[i, j]), int(group[min(i, j)]), int(group[max(i, j)])))
    found.sort(key=lambda pair: -pair[0])
    rows = []
    for distance, one, other in found[:count]:
        token = int(np.abs(laws[one] - laws[other]).argmax())
        rows.append(
            {
                "window": LETTERS.show(pieces[one, 1:]),
                "dropped before it": f"{LETTERS.show(pieces[one, :1])} or {LETTERS.show(pieces[other, :1])}",
                "next": LETTERS.show([token]),
                "chain": f"{chain[one, token]:.4f}",
                "cache, after the first": f"{laws[one, token]:.4f}",
                "cache, after the second": f"{laws[other, token]:.4f}",
                "total variation of the two": f"{distance:.4f}",
            }
        )
    return rows


def draw(drifts: dict[str, Drift], costs: list[dict[str, str]], folder: Path) -> None:
    """The mean distance as tokens are dropped, and the time of a token as the window grows."""
    curves = {rule: (np.arange(drift.distance.shape[1]), drift.distance.mean(axis=0)) for rule, drift in drifts.items()}
    path = folder / "drift.svg"
    line_figure(curves, path, x_label="tokens dropped", y_label="mean total variation", markers=False)
    lengths = [int(row["L"]) for row in costs]
    times = {
        name: (lengths, [float(row[f"microseconds {name}"].split(" to ")[0]) for row in costs])
        for name in ("anew", "with a cache")
    }
    path = folder / "cost.svg"
    line_figure(times, path, x_label="window L", y_label="microseconds a token", logarithmic=("x", "y"))


def make(settings: Settings, folder: Path) -> Findings:
    """Compare, measure, and write tables and figures."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = model_at(settings.model, settings.context_length, settings.steps)
    L = model.context_length
    texts = chain_texts(model, END, settings.texts, L + max(settings.dropped), SEED)
    drifts = {rule: drift_of(model, texts, rule) for rule in ROLLING}
    rows = [agreement_row(model, texts), *drift_rows(drifts, settings.dropped)]
    histories = history_rows(model, texts, LAST, settings.pairs)
    costs = [cost_row(length, settings.batch) for length in settings.lengths]
    windows = [windows_row(name) for name in settings.shapes]
    torch.set_num_threads(threads)
    tables = {"table": rows, "histories": histories, "cost": costs, "windows": windows}
    for name, part in tables.items():
        if part:
            mg.write_table(part, folder, name)
    draw(drifts, costs, folder)
    return Findings(
        sentences(rows, histories, costs, windows),
        recorded={"seed": SEED, "rounds": ROUNDS, "weights_sha256": identity_of(model)["weights_sha256"]},
    )


def sentences(
    rows: list[dict[str, str]],
    histories: list[dict[str, str]],
    costs: list[dict[str, str]],
    windows: list[dict[str, str]],
) -> list[str]:
    """What was found."""
    rolling = {rule: [row for row in rows if row["cache"] == rule] for rule in ROLLING}
    off = " or ".join(f"{part[0]['total variation, mean']} ({rule})" for rule, part in rolling.items())
    first = (
        f"A growing cache is the chain until its window is full; once {rolling[LAST][0]['tokens dropped']} token is "
        f"dropped, a rolling one is off by {off} in mean total variation."
    )
    second = "The texts show no window after two different dropped tokens."
    if histories:
        pair = histories[0]
        second = (
            f"It is no function of the window: after {pair['window']} the rolling cache says {pair['next']} with "
            f"{pair['cache, after the first']} or {pair['cache, after the second']}, as {pair['dropped before it']} "
            f"was dropped before it, where the chain says it with {pair['chain']}."
        )
    third = f"At L = {costs[-1]['L']} a token with a cache is {costs[-1]['ratio of times']} times faster than without"
    if windows:
        ratios = [f"{row['forward passes / tabulated']} ({row['windows']})" for row in windows]
        third += f"; to have every window, tabulation is faster than forward passes by {' and '.join(ratios)}"
    return [first, second, third + "."]


STUDY = Study(
    "gpt_as_rnn",
    "When is a GPT with a key-value cache the Markov chain of its windows?",
    Settings(),
    Settings(context_length=3, steps=40, texts=200, dropped=(1, 4), lengths=(4, 16), shapes=()),
    make,
    alone=True,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
