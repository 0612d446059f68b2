"""How long until the window that is hardest to reach, as the temperature falls? Writes results/hitting_times/.

Three systems: the baby GPT of the seed notebook (2 tokens, context 3: 8 windows), its like of 3 tokens and context 4
(81 windows), both asked for the largest expected hitting time over all pairs of a start and a red window (starts that
soon do the same differ by less than the bounds); and a model of names (27 tokens, context 4: 531,441 windows), asked
for the window that is least likely in the long run.

    table       the largest expected hitting time E at each temperature, T ln E beside its limit, and how the slope of
                ln E in 1/T changes
    recipes     the same E by the usual recipes in doubles: how far they are from the certified value
    published   E at T = 0.6, and where doubles fail, beside an earlier "naughty states" study of the notebook, whose
                weights are not published
    words       the model of names: its least likely window from the worst start
    times       E against 1/T, and where the recipes break off
"""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import markovgpt as mg
from experiments.hardest import LN10, Hardest, chain_at, exponent_of, hardest_of
from experiments.names_models import SMALL_STEPS, model_at
from experiments.names_models import STEPS as NAMES_STEPS
from experiments.recipes import RECIPES, by_hand
from experiments.study import Findings, Study, option, run
from experiments.three_tokens import THREE_TEXT, three_gpt
from markovgpt.demo import SEED, STEPS, TEXT, baby_gpt
from markovgpt.export.figure_text import logarithmic_axis
from markovgpt.export.figures import COLUMN_INCHES, DASHES, MARKERS, PALETTE, STYLE
from markovgpt.models.identity import identity_of

TEMPERATURES = (1, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2, 0.17, 0.15, 0.14, 0.13, 0.12, 0.11, 0.1, 0.08, 0.06, 0.05, 0.03, 0.02)
COLD = 0.2  # below it lies what is asked of a phase transition
OFF = 0.01  # a recipe has failed where it is further off
NO_TIME = 1e3  # where the figure puts what is no time
STUDIED = "an earlier 'naughty states' study of the notebook"
PUBLISHED_AT, PUBLISHED = 0.6, {81: "105,595"}
PUBLISHED_END = "0.12"  # of the recipes in doubles

Row = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    temperatures: tuple[float, ...] = option(TEMPERATURES, "falling, of all pairs of 8 and 81 windows")
    steps: int = option(STEPS, "optimiser steps of the two small models")
    context_of_three: int = option(4, "context of the model of 3 tokens")
    model: Path | None = option(None, "a checkpoint of a model of names; the project's own where there is none")
    names_context: int = option(4, "its context")
    names_steps: int = option(NAMES_STEPS, "its optimiser steps")
    names_temperatures: tuple[float, ...] = option((1.0, 0.3, 0.1), "falling, of the model of names")

    def __post_init__(self) -> None:
        for name in ("temperatures", "names_temperatures"):
            given = getattr(self, name)
            if len(given) < 2 or min(given) <= 0 or sorted(set(given), reverse=True) != list(given):
                raise mg.InvalidInput(f"{name} must be two at least, above 0 and falling, got {given}; sort them")


def rows_of(name: str, table: mg.LogitTable, hardest: Sequence[Hardest], limit: mg.Answer) -> list[Row]:
    """A system's rows: slopes and second difference quotients are those of ln E in 1/T, to the temperature before."""
    label = table.space.label
    logs = [each.ln for each in hardest]
    inverse = [1 / each.temperature for each in hardest]
    slopes = np.diff(logs) / np.diff(inverse)
    bends = 2 * np.diff(slopes) / (np.array(inverse[2:]) - inverse[:-2])
    rows = []
    for place, each in enumerate(hardest):
        rows.append(
            {
                "system": name,
                "T": f"{each.temperature:g}",
                "E": mg.certified_digits(each.answer),
                "from": label(each.start, table.vocabulary),
                "to": label(each.target, table.vocabulary),
                "T ln E": f"{each.temperature * logs[place]:.6f}",
                "limit": f"{limit.value:.6f}",
                "ln E - limit/T": f"{logs[place] - limit.value / each.temperature:.5f}",
                "slope": f"{slopes[place - 1]:.6f}" if place else "",
                "second difference": f"{bends[place - 2]:.2e}" if place > 1 else "",
            }
        )
    return rows


def recipe_rows(name: str, table: mg.LogitTable, hardest: Sequence[Hardest]) -> list[Row]:
    """What the recipes make of the same pair at each temperature."""
    rows = []
    for each in hardest:
        rows.append({"system": name, "T": f"{each.temperature:g}", "certified E": mg.certified_digits(each.answer)})
        chain = by_hand(np.asarray(table.logits, dtype=np.float64), each.temperature)
        for recipe, times_of in RECIPES.items():
            rows[-1][recipe] = outcome(times_of(chain, each.target)[each.start], each.answer)
    return rows


def outcome(computed: float, exact: mg.Answer) -> str:
    """How far a number is from what it should be, relative, in one digit; or what it is instead of a time.

    >>> two = mg.expected_hitting_time(mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]]), [1], start=0)
    >>> outcome(2.5, two), outcome(-3.0, two), outcome(math.inf, two), outcome(math.nan, two)
    ('2e-01', 'negative', 'infinite', 'no number')
    """
    if not math.isfinite(computed):
        return "no number" if math.isnan(computed) else "infinite"
    if computed <= 0:
        return "negative"
    error = abs(math.expm1((math.log10(computed) - exact.log10) * LN10)) if exact.log10 > 250 else 0.0
    return f"{error or abs(computed / exact.value - 1):.0e}"


def failed(written: str) -> bool:
    """Whether a recipe's outcome is no time, or off by more than one in a hundred."""
    return not written[0].isdigit() or float(written) > OFF


def last_right(rows: Sequence[Row], recipe: str) -> str | None:
    """The lowest temperature down to which a recipe is right; empty where it never is, None where it always is."""
    right = ""
    for row in rows:
        if failed(row[recipe]):
            return right
        right = row["T"]
    return None


def word_row(table: mg.LogitTable, temperature: float) -> tuple[Row, Hardest, float]:
    """The least likely window in the long run, its time from the worst start, and the seconds that took."""
    began = time.perf_counter()
    long_run = mg.stationary_distributions(chain_at(table, temperature)).only()
    target = int(np.argmin(long_run.log10))
    found = hardest_of(table, temperature, [target])
    seconds = time.perf_counter() - began
    limit = mg.arrival_exponents(table, [target], start=found.start).time
    row = {
        "windows": f"{table.space.n_states:,}",
        "T": f"{temperature:g}",
        "least likely window": table.space.label(target, table.vocabulary),
        "its share in the long run": mg.certified_digits(long_run, target),
        "worst start": table.space.label(found.start, table.vocabulary),
        "E": mg.certified_digits(found.answer),
        "T ln E": f"{temperature * found.ln:.6f}",
        "limit": f"{limit.value:.6f}",
    }
    return row, found, seconds


def published_rows(
    hardest: Sequence[Sequence[Hardest]], recipes: Sequence[Sequence[Row]], sizes: Sequence[int]
) -> list[Row]:
    """Ours beside what the earlier study reports: E where the temperature is among ours, and where doubles fail."""
    rows = [
        ("E", size, f"T = {PUBLISHED_AT:g}", PUBLISHED.get(size, "not given"), mg.certified_digits(each.answer))
        for own, size in zip(hardest, sizes, strict=True)
        for each in own
        if each.temperature == PUBLISHED_AT
    ]
    rows += [
        (f"where {recipe} is off by more than 1 %", size, "doubles", f"below T = {PUBLISHED_END}", failing(right))
        for own, size in zip(recipes, sizes, strict=True)
        for recipe in RECIPES
        for right in [last_right(own, recipe)]
    ]
    source = f"{STUDIED}; weights of its own, not published"
    return [
        {"question": what, "windows": f"{size:,}", "at": at, "published": theirs, "ours": ours, "source": source}
        for what, size, at, theirs, ours in rows
    ]


def draw_times(curves: Sequence[tuple[str, Sequence[Hardest], float]], recipes: Sequence[Row], path: Path) -> None:
    """On the left log10 E against 1/T with the limits' slopes, on the right how far off the recipes are."""
    with mpl.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(2 * COLUMN_INCHES, 2.6), layout="constrained")
        for index, (name, hardest, limit) in enumerate(curves):
            colour, x = PALETTE[index], [1 / each.temperature for each in hardest]
            ends = [[getattr(each.answer, end) for each in hardest] for end in ("log10_lower", "log10_upper")]
            left.fill_between(x, *ends, color=colour, alpha=0.3, linewidth=0)
            left.plot(x, ends[1], color=colour, marker=MARKERS[index], label=name)
            begin, end = x[-1], x[-1] + 0.08 * (1 / curves[0][1][-1].temperature)
            slope = [ends[1][-1], ends[1][-1] + limit * (end - begin) / LN10]
            left.plot([begin, end], slope, color=colour, linestyle=DASHES[2])
        left.plot([], [], color="black", linestyle=DASHES[2], label="slope at T = 0")
        left.set(xlabel="1/T", ylabel="log10 E, expected tokens")
        left.legend(fontsize=7)
        for index, recipe in enumerate(RECIPES):
            own = [(1 / float(row["T"]), row[recipe]) for row in recipes]
            seen = [(x, float(text)) for x, text in own if text[0].isdigit()]
            lost = [x for x, text in own if not text[0].isdigit()]
            colour, marker = PALETTE[index + len(curves)], MARKERS[index + len(curves)]
            size = 6 - 2 * index  # two of them give the same
            right.plot(*zip(*seen, strict=True), color=colour, marker=marker, markersize=size, label=recipe)
            right.plot(lost, [NO_TIME * 10.0**index] * len(lost), color=colour, marker="x", linestyle="")
        hardest = curves[-1 if len(curves) == 1 else 1][1]
        widths = [max(each.answer.log10_upper - each.answer.log10_lower, 1e-17) * LN10 for each in hardest]
        right.plot([1 / each.temperature for each in hardest], widths, color="black", marker=".", label="our bounds")
        right.axhline(OFF, color="0.6", linestyle=DASHES[1], linewidth=0.8)
        logarithmic_axis(right, "y")
        right.set(xlabel="1/T", ylabel="relative error (x: no time at all)", title=curves[1][0])
        figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=4, fontsize=7)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figure."""
    models = [baby_gpt(settings.steps).model, three_gpt(settings.steps, settings.context_of_three)]
    tables = [mg.tabulate(model) for model in models]
    sizes = [table.space.n_states for table in tables]
    names = [f"{size:,} windows" for size in sizes]
    limits = [exponent_of(table) for table in tables]
    hardest = [
        [hardest_of(table, temperature, range(table.space.n_states)) for temperature in settings.temperatures]
        for table in tables
    ]
    rows = [rows_of(*system) for system in zip(names, tables, hardest, limits, strict=True)]
    recipes = [recipe_rows(*system) for system in zip(names, tables, hardest, strict=True)]
    names_model = model_at(settings.model, settings.names_context, settings.names_steps)
    names_table = mg.tabulate(names_model)
    words = [word_row(names_table, temperature) for temperature in settings.names_temperatures]
    mg.write_table([row for own in rows for row in own], folder, "table")
    mg.write_table([row for own in recipes for row in own], folder, "recipes")
    mg.write_table([row for row, _, _ in words], folder, "words")
    mg.write_table(published_rows(hardest, recipes, sizes), folder, "published")
    curves = [*zip(names, hardest, [limit.value for limit in limits], strict=True)]
    coldest, word = words[-1][0], [found for _, found, _ in words]
    curves.append((f"{coldest['windows']}, least likely", word, float(coldest["limit"])))
    draw_times(curves, recipes[1], folder / "times.svg")
    return Findings(
        sentences_of(rows, recipes, hardest, coldest),
        recorded={
            "texts": [TEXT, THREE_TEXT],
            "seed": SEED,
            "weights_sha256": [identity_of(model)["weights_sha256"] for model in (*models, names_model)],
        },
        diagnostics={
            "seconds of the least likely window, by temperature": {
                row["T"]: round(seconds, 2) for row, _, seconds in words
            }
        },
    )


def sentences_of(
    rows: Sequence[Sequence[Row]], recipes: Sequence[Sequence[Row]], hardest: Sequence[Sequence[Hardest]], word: Row
) -> list[str]:
    """What was found."""
    small, large = (own[-1] for own in rows)
    cold = [row for own in rows for row in own if row["second difference"] and float(row["T"]) < COLD]
    bend = max((abs(float(row["second difference"])) for row in cold), default=None)
    bent = "On" if bend is None else f"Below T = {COLD} no second difference exceeds {bend:.2g}, no kink is seen; on"
    width = max(LN10 * (each.answer.log10_upper - each.answer.log10_lower) for own in hardest for each in own)
    said = ", ".join(f"{recipe} {failing(last_right(recipes[1], recipe))}" for recipe in RECIPES)
    return [
        f"As T falls to {small['T']}, ln E becomes a line in 1/T: its slope is {small['slope']} (limit "
        f"{small['limit']}) on {small['system']} and {large['slope']} (limit {large['limit']}) on {large['system']}.",
        f"{bent} {large['system']} usual recipes in doubles are off by more than 1 % ({said}); certified bounds stay "
        f"within {width:.0e}, relative, at every T.",
        f"Of {word['windows']} windows the least likely at T = {word['T']} takes {word['E']} tokens on average from "
        f"its worst start; T ln E is {word['T ln E']} there, its limit {word['limit']}.",
    ]


def failing(right: str | None) -> str:
    """From where on a recipe fails.

    >>> failing("0.15"), failing(""), failing(None)
    ('below T = 0.15', 'at every T', 'nowhere')
    """
    return "nowhere" if right is None else f"below T = {right}" if right else "at every T"


STUDY = Study(
    "hitting_times",
    "How long until the window that is hardest to reach, as the temperature falls?",
    Settings(),
    Settings(
        temperatures=(0.6, 0.3, 0.1),
        context_of_three=2,
        names_context=2,
        names_steps=SMALL_STEPS,
        names_temperatures=(1.0, 0.5),
    ),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
