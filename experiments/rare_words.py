"""How rare may a word be before sampling says nothing of it? Writes results/rare_words/.

The question is P(the word stands in one name), a name being what a model of names writes on a fresh line until it ends,
cut after 40 tokens; it is answered exactly and asked of a million sampled names:

    table     words whose probability falls from 1e-2 to 1e-30: exact, how often they were seen, the interval of Clopper
              and Pearson, how many orders too high the rule of three is (3 / n for what was never seen), how many names
              a relative standard error of 10 % would take, and how many years that is
    coverage  the three usual intervals of 95 % for each word, and how often each really holds its probability: sums of
              the binomial law (`experiments.binomial_intervals`), no simulation
    intervals the same for other probabilities, without a word

words.svg is drawn from the table, coverage.svg from the intervals.

The words are from the Python documentation, found by how often they stand in a name on average, which bounds the
probability from above. The names are drawn from the chain's own rows.
"""

import math
import re
import string
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import markovgpt as mg
from experiments.binomial_intervals import KINDS, coverage, intervals, shown_coverage
from experiments.few_digits import in_few_digits
from experiments.flags import require_above_zero
from experiments.names_models import END, ENDS, LETTERS, SMALL_STEPS, STEPS, model_at, names_in
from experiments.study import Findings, Study, option, run
from markovgpt.export.figure_text import legend_above, logarithmic_axis
from markovgpt.export.figures import COLUMN_INCHES, IMPOSSIBLE, MARKERS, PALETTE, STYLE, saved
from markovgpt.export.panels import Curve, Panel, panel_figure
from markovgpt.export.powers_of_ten import PowersOfTen
from markovgpt.models.identity import identity_of
from markovgpt.scaled import ScaledArray, as_floats

START, SEED, BATCH = "\n", 1337, 50_000
EXPONENTS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18, 21, 24, 27, 30)
SECONDS_PER_YEAR = 365.25 * 24 * 3600
PER_DECADE = 24  # points of the figure of coverages
RELATIVE = 0.1  # the standard error asked for, over p

Row = dict[str, Any]
Texts = NDArray[np.uint8]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "checkpoint of a model of names; none: one that is trained here")
    context_length: int = option(4, "of the model that is trained here")
    steps: int = option(STEPS, "optimiser steps of the model that is trained here")
    words: Path | None = option(None, "a file of words to choose from; none: those of the Python documentation")
    temperatures: tuple[float, ...] = option((1.0, 0.5), "sampling temperatures")
    exponents: tuple[int, ...] = option(EXPONENTS, "for each a word of about 10 to the minus that")
    names: int = option(1_000_000, "sampled at each temperature")
    longest: int = option(40, "tokens of a name")
    names_per_second: float = option(1e6, "of a sampler, for the years")

    def __post_init__(self) -> None:
        if self.names < 1 or self.longest < 1 or not self.names_per_second > 0:
            raise mg.InvalidInput(
                "names, longest and names-per-second must be above 0, got "
                f"{self.names}, {self.longest} and {self.names_per_second:g}; the defaults take a minute"
            )
        require_above_zero("temperatures", self.temperatures)


def documented_words() -> tuple[str, ...]:
    """The words in lower case of two letters or more in the documentation that Python carries, in order.

    >>> "yield" in documented_words(), "Python" in documented_words()
    (True, False)
    """
    found = re.findall(r"\w+", " ".join(topics.values()))
    return tuple(sorted({word for word in found if len(word) > 1 and set(word) <= set(string.ascii_lowercase)}))


def expected_counts(chain: mg.WindowChain, words: Sequence[str]) -> NDArray[np.float64]:
    """How often each word stands in a name on average, as decimal logarithms; no word is likelier than it says.

    A word is as often as the windows that end with its first L letters, times what its other letters have after them.
    """
    visits = np.asarray(mg.expected_visits(chain, ENDS, START).value)
    V, L = chain.space.vocab_size, chain.space.context_length
    ending = {
        size: sum(visits[chain.level(length)].reshape(-1, V**size).sum(axis=0) for length in range(size, L + 1))
        for size in range(1, L + 1)
    }
    found = []
    for word in words:
        tokens = LETTERS.encode(word)
        head, others = tokens[:L], range(L, len(tokens))
        number = int(np.polyval(head, V))
        states = [chain.space.encode(tokens[place - L : place]) for place in others]
        each = ScaledArray.of(chain.next_token_probs[states, [tokens[place] for place in others]]).log10()
        found.append(ScaledArray.of(ending[len(head)][number]).log10() + each.sum())
    return np.array(found)


def chosen(words: Sequence[str], logarithms: NDArray[np.float64], exponents: Sequence[int]) -> list[str]:
    """For each exponent the word nearest to it, no word twice.

    >>> chosen(["a", "b", "c"], np.array([-1.0, -2.9, -np.inf]), [3, 2])
    ['b', 'a']
    """
    left = dict(zip(words, logarithms.tolist(), strict=True))
    found: list[str] = []
    for exponent in exponents:
        if not left:
            raise mg.InvalidInput(
                f"there must be a word for each of {len(exponents)} exponents, got {len(words)}; give a longer list"
            )
        nearest = min(left, key=lambda word: (abs(left[word] + exponent), word))
        found.append(nearest)
        left.pop(nearest)
    return found


def sampled(chain: mg.WindowChain, names: int, longest: int, seed: int) -> Iterator[Texts]:
    """Names drawn from the rows of a chain, in batches (names, longest + 1), filled up with ends of lines."""
    sums = np.cumsum(as_floats(chain.next_token_probs), axis=1)
    dice, start = np.random.default_rng(seed), chain.space.encode(LETTERS.encode(START))
    for first in range(0, names, BATCH):
        count = min(BATCH, names - first)
        texts = np.full((count, longest + 1), END, dtype=np.uint8)
        going, states = np.arange(count), np.full(count, start)
        for place in range(longest):
            ahead = sums[states]
            token = (dice.random(len(going))[:, None] * ahead[:, -1:] >= ahead).sum(axis=1)
            texts[going, place] = token
            still = token != END
            going, states = going[still], chain.space.successors(token[still], states[still])
        yield texts


def how_many_hold(texts: Texts, word: bytes) -> int:
    """In how many names does a word stand?

    >>> how_many_hold(np.array([[1, 2, 1, 2, 0], [2, 1, 0, 0, 0]], dtype=np.uint8), bytes([1, 2]))
    1
    """
    whole, width = texts.tobytes(), texts.shape[1]  # an end of line stands between two names
    found, place = 0, whole.find(word)
    while place >= 0:
        found += 1
        place = whole.find(word, (place // width + 1) * width)
    return found


def rows_of(word: str, temperature: float, exact: mg.Answer, seen: int, settings: Settings) -> tuple[Row, Row]:
    """What sampling says of a word beside its probability, and how often the intervals hold it."""
    n, p = settings.names, exact.value
    found = intervals(seen, n)
    needed = (1 - p) / (RELATIVE**2 * p)
    begin = {"temperature": f"{temperature:g}", "word": word, "P": mg.certified_digits(exact)}
    ends = [coverage(Decimal(bound), n) for bound in (exact.lower, exact.upper)]
    table = {
        **begin,
        "seen": seen,
        "estimate": f"{seen / n:.3g}",
        "95 % interval": shown(found["Clopper-Pearson"]),
        "orders too high": f"{math.log10(3 / n / p):.1f}" if seen == 0 else "",
        "names for 10 %": f"{needed:.2e}",
        "years": f"{needed / settings.names_per_second / SECONDS_PER_YEAR:.2e}",
    }
    covered = begin | {"seen": seen}
    for kind in KINDS:
        covered |= {kind: shown(found[kind]), f"{kind} holds": shown_coverage([end[kind] for end in ends])}
    return table, covered


def shown(interval: tuple[float, float]) -> str:
    """An interval in three digits.

    >>> shown((0.0, 3.68887e-06))
    '[0, 3.69e-06]'
    """
    return f"[{interval[0]:.3g}, {interval[1]:.3g}]"


def draw_words(points: Sequence[tuple[float, float, int]], n: int, path: Path) -> None:
    """Estimates against probabilities (temperature, p, seen), with their intervals; what was not seen in a strip."""
    strip, top = 10 ** (-math.log10(n) - 2.2), 2.0  # 2.5 % / n, the least bound above 0, stands above it
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(COLUMN_INCHES, 3.0), layout="constrained")
        least = min(p for _, p, _ in points) / 10
        logarithmic_axis(axes, "x")
        logarithmic_axis(axes, "y")
        axes.plot([strip * 3, 1], [strip * 3, 1], color="0.5", linewidth=0.8)
        axes.axhspan(strip / 3, strip * 3, **IMPOSSIBLE)
        axes.axhline(3 / n, color="0.5", linestyle=":", linewidth=0.8)
        handles = []
        for index, temperature in enumerate(dict.fromkeys(t for t, _, _ in points)):
            own = [(p, seen, intervals(seen, n)["Clopper-Pearson"]) for t, p, seen in points if t == temperature]
            x, y = [p for p, _, _ in own], [seen / n if seen else strip for _, seen, _ in own]
            reach = [[here - max(low, strip) for here, (_, _, (low, _)) in zip(y, own, strict=True)]]
            reach.append([high - here for here, (_, _, (_, high)) in zip(y, own, strict=True)])
            colour, marker = PALETTE[index], MARKERS[index]
            axes.errorbar(x, y, reach, fmt="none", ecolor=colour, elinewidth=0.7, capsize=1.5)
            handles += axes.plot(x, y, linestyle="", color=colour, marker=marker, fillstyle="none", markersize=4)
        axes.text(least * 2, 6 / n, f"3/n, n = {n:,}", fontsize=7, va="bottom")
        axes.text(0.02, 0.2, "y = x", fontsize=7, ha="right", va="bottom")
        axes.set(xlim=(least, 1), ylim=(strip / 3, top))
        ticks = [10.0**-k for k in range(0, math.ceil(math.log10(n)) + 1, 2)]
        powers = PowersOfTen()
        powers.set_axis(axes.yaxis)
        axes.set_yticks([strip, *ticks])
        axes.yaxis.set_major_formatter(lambda tick, _: "never" if tick == strip else powers(tick))
        axes.minorticks_off()
        axes.set(xlabel="exact probability that the word stands in a name", ylabel="share of the sampled names")
        names = [f"T = {temperature:g}" for temperature in dict.fromkeys(t for t, _, _ in points)]
        legend_above(figure, handles, names, len(names))
        saved(figure, path)


def coverage_rows(samples: int) -> list[Row]:
    """How often each interval holds p, for p from 0.01 to 10,000 over the number of samples."""
    rows = []
    for step in range(-2 * PER_DECADE, 4 * PER_DECADE + 1):
        share = Decimal(f"{10 ** (step / PER_DECADE):.3g}") / samples
        if share < 1:
            held = {kind: f"{found[0]:.4f}" for kind, found in coverage(share, samples).items()}
            rows.append({"p": f"{share:.3g}", **held})
    return rows


def draw_coverage(rows: Sequence[Row], path: Path) -> None:
    """How often each interval holds, against the probability."""
    chances = [float(row["p"]) for row in rows]
    curves = {kind: Curve(chances, [float(row[kind]) for row in rows]) for kind in KINDS}
    panel = Panel(curves, logarithmic=("x",), levels=(0.95,), limits={"bottom": 0.0, "top": 1.02})
    label = "chance that the interval holds p"
    panel_figure([panel], path, panel_inches=2.3, x_label="probability p", y_label=label)


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figures."""
    model = model_at(settings.model, settings.context_length, settings.steps)
    words = documented_words() if settings.words is None else names_in(settings.words)
    logits = mg.tabulate(model, with_prefixes=True)
    tables: tuple[list[Row], list[Row]] = ([], [])
    points, seconds = [], 0.0
    for index, temperature in enumerate(settings.temperatures):
        chain = mg.WindowChain.from_logits(logits, mg.SamplingSettings(temperature))
        asked = chosen(words, expected_counts(chain, words), settings.exponents)
        seen, began = dict.fromkeys(asked, 0), time.perf_counter()
        for texts in sampled(chain, settings.names, settings.longest, SEED + index):
            for word in asked:
                seen[word] += how_many_hold(texts, bytes(LETTERS.encode(word)))
        seconds += time.perf_counter() - began
        print(f"T = {temperature:g}: {settings.names:,} names are drawn", flush=True)
        for word in asked:
            exact = mg.hitting_probability(chain, word, start=START, stop_tokens=[END], within=settings.longest)
            for table, row in zip(tables, rows_of(word, temperature, exact, seen[word], settings), strict=True):
                table.append(row)
            points.append((temperature, exact.value, seen[word]))
    for table, name in zip(tables, ("table", "coverage"), strict=True):
        mg.write_table(table, folder, name)
    draw_words(points, settings.names, folder / "words.svg")
    grid = coverage_rows(settings.names)
    mg.write_table(grid, folder, "intervals")
    draw_coverage(grid, folder / "coverage.svg")
    return Findings(
        sentences(*tables, points, settings),
        recorded={"weights_sha256": identity_of(model)["weights_sha256"], "seed": SEED, "candidates": len(words)},
        diagnostics={"names per second": settings.names * len(settings.temperatures) / seconds},
    )


def sentences(
    table: Sequence[Row], covered: Sequence[Row], points: Sequence[tuple[float, float, int]], settings: Settings
) -> list[str]:
    """The three sentences."""
    unseen = [place for place, (_, _, seen) in enumerate(points) if not seen]
    rarest = min(range(len(points)), key=lambda place: points[place][1])
    inside = sum(low <= p <= high for _, p, k in points for low, high in [intervals(k, settings.names)[KINDS[2]]])
    middle = min(range(len(points)), key=lambda place: abs(math.log10(points[place][1] * settings.names)))
    likeliest = max((points[place][1] for place in unseen), default=0.0)
    last, near = table[rarest], covered[middle]
    return [
        f"Of {len(points)} words {settings.names:,} sampled names never show {len(unseen)}, the likeliest of which has "
        f"P = {likeliest:.2g}; exactly, {last['word']} has {in_few_digits(last['P'])}.",
        f"At P = {in_few_digits(near['P'])} the normal interval of 95 % holds with probability "
        f"{near['normal holds']}, Clopper and Pearson's with {near['Clopper-Pearson holds']}; the latter held "
        f"{inside} of the {len(points)} words.",
        f"For {last['word']} the rule of three is {last['orders too high'] or '0'} orders too high, and a relative "
        f"error of 10 % would take {last['names for 10 %']} names, {last['years']} years at "
        f"{settings.names_per_second:g} a second.",
    ]


STUDY = Study(
    "rare_words",
    "How rare may a word be before sampling says nothing of it?",
    Settings(),
    Settings(context_length=2, steps=SMALL_STEPS, temperatures=(1.0,), exponents=(2, 4, 8, 16), names=10_000),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
