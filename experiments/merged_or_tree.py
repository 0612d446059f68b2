"""Merge equal windows, or grow a tree of texts: which needs fewer model calls? Writes results/merged_or_tree/.

P(a red word within n tokens) of a model of names and of one of three tokens, once by the merged chain, which asks the
model about each window that can occur and is exact, once by a best-first tree of texts (`experiments.token_tree`),
which gives bounds from the first call on. Calls are distinct windows asked; the tree's memory of windows is ours,
without it every expanded prefix is a call.

    table         both at each horizon and temperature; the calls until the tree's are within a factor of 2
    curves        the tree's bounds each time that its expanded prefixes have doubled
    sizes         how many texts and how many windows there are within a horizon, by arithmetic
    long_windows  a context as long as the horizon: nothing merges, and the tree's bounds are all there is
    width         width of the bounds against calls
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import markovgpt as mg
from experiments.long_windows import Row, interval, long_rows, size_rows
from experiments.names_models import LETTERS, SMALL_STEPS, STEPS, model_at, trained_names_model
from experiments.study import Findings, Study, option, run
from experiments.three_tokens import THREE, THREE_TEXT, three_gpt
from experiments.token_tree import Bounds, Rows, bounds_of_tree
from markovgpt.demo import STEPS as DEMO_STEPS
from markovgpt.export.figure_text import logarithmic_axis
from markovgpt.export.figures import COLUMN_INCHES, MARKERS, PALETTE, STYLE
from markovgpt.models.identity import identity_of
from markovgpt.scaled import as_floats, is_positive

NEAR = 2  # bounds within that factor are an answer of a kind
LEAST_WIDTH = 1e-16  # in the figure
SIZES = ((3, 4), (27, 4), (27, 8), (27, 16), (64, 8), (64, 16))  # (V, L)


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "a checkpoint of a model of names; the project's own where there is none")
    context_length: int = option(4, "its context")
    steps: int = option(STEPS, "its optimiser steps")
    word: str = option("die", "the red word")
    three_word: str = option("000", "the red word of the model of three tokens")
    temperatures: tuple[float, ...] = option((1.0, 0.6, 0.3), "sampling temperatures")
    horizons: tuple[int, ...] = option((5, 10, 20, 50), "tokens n")
    most_prefixes: int = option(2**14, "prefixes that a tree expands")
    long_context: int = option(8, "context of the model of long windows")
    long_steps: int = option(300, "its optimiser steps")
    long_horizons: tuple[int, ...] = option((4, 8, 12), "tokens n asked of it")
    long_word: str = option("le", "the red word asked of it")
    long_prefixes: int = option(2**12, "prefixes that its tree expands")
    most_listed: int = option(20_000, "windows that are listed for it")

    def __post_init__(self) -> None:
        if not (self.temperatures and self.horizons and self.long_horizons):
            raise mg.InvalidInput("temperatures, horizons and long_horizons must hold one each, got none; give some")
        if min(self.horizons + self.long_horizons) < 1 or self.most_prefixes < 1:
            raise mg.InvalidInput(
                f"horizons and most_prefixes must be at least 1, got {self.horizons}, {self.long_horizons} and "
                f"{self.most_prefixes}; one token is the shortest text"
            )


@dataclass(frozen=True, eq=False)
class Compared:
    """One question, answered in both ways."""

    temperature: float
    within: int
    merged: mg.Answer
    calls: int
    tree: tuple[Bounds, ...]

    @property
    def near(self) -> Bounds | None:
        """The first bounds of the tree that are a factor of `NEAR` apart or less."""
        return next((bounds for bounds in self.tree if 0 < bounds.upper <= NEAR * bounds.lower), None)


def rows_of_chain(chain: mg.WindowChain) -> Rows:
    """What a tree asks a chain that is there already."""
    return lambda windows: as_floats(chain.next_token_probs[[chain.space.encode(window) for window in windows]])


def windows_asked(chain: mg.WindowChain, start: int, red: np.ndarray, steps: int) -> int:
    """How many windows can occur in so many steps, the start among them, that are not red: the merged chain's calls.

    >>> coin = mg.WindowChain(mg.StateSpace(2, 2), np.full((4, 2), 0.5))
    >>> [windows_asked(coin, 0, np.array([False, False, False, True]), steps) for steps in range(4)]
    [1, 2, 3, 3]
    """
    front = np.arange(chain.n_states) == start
    seen, count = red | front, 1
    for _ in range(steps):
        front = is_positive(chain.push(front.astype(np.float64))) & ~seen
        if not front.any():
            break
        seen |= front
        count += int(front.sum())
    return count


def compared(
    chain: mg.WindowChain, word: tuple[int, ...], start: tuple[int, ...], temperature: float, within: int, most: int
) -> Compared:
    """Both answers; the red word is of one window at most.

    Parameters
    ----------
    temperature: of the chain.
    most: prefixes that the tree expands.

    Raises
    ------
    MarkovGPTError: the two contradict each other.
    """
    red, state = mg.ending_with(chain.space, word), chain.space.encode(start)
    exact = mg.hitting_probability(chain, red, start=state, within=within)
    tree = bounds_of_tree(
        rows_of_chain(chain),
        start,
        word,
        within=within,
        context_length=chain.space.context_length,
        most_prefixes=most,
        roundings=chain.roundings + 2 * chain.space.vocab_size,
    )
    found = tuple(tree)
    for bounds in found:
        if bounds.lower > exact.upper or bounds.upper < exact.lower:
            raise mg.MarkovGPTError(f"the bounds of both ways must meet, got {bounds} and {exact}")
    return Compared(temperature, within, exact, windows_asked(chain, state, red, within - 1), found)


def table_row(name: str, found: Compared) -> Row:
    """What the table says of a question."""
    last, near = found.tree[-1], found.near
    return {
        "model": name,
        "T": f"{found.temperature:g}",
        "n": found.within,
        "P, merged": mg.certified_digits(found.merged),
        "calls, merged": f"{found.calls:,}",
        "prefixes, tree": f"{last.prefixes:,}",
        "calls, tree": f"{last.windows:,}",
        "bounds, tree": interval(last),
        "calls until a factor of 2": f"{near.windows:,}" if near else "more",
    }


def curve_rows(name: str, found: Compared) -> list[Row]:
    """The tree's bounds on the way."""
    return [
        {
            "model": name,
            "T": f"{found.temperature:g}",
            "n": found.within,
            "prefixes": bounds.prefixes,
            "calls": bounds.windows,
            "lower": bounds.in_digits()[0],
            "upper": bounds.in_digits()[1],
        }
        for bounds in found.tree
    ]


def draw_widths(found: Sequence[Compared], path: Path) -> None:
    """Width of the bounds against calls: a panel for each temperature, a curve for each horizon, and merged."""
    temperatures = list(dict.fromkeys(each.temperature for each in found))
    with mpl.rc_context(STYLE):
        size = (2 * COLUMN_INCHES, 2.5)
        figure, panels = plt.subplots(
            1, len(temperatures), figsize=size, layout="constrained", sharex=True, sharey=True, squeeze=False
        )
        for axes, temperature in zip(panels[0], temperatures, strict=True):
            own = [each for each in found if each.temperature == temperature]
            for index, each in enumerate(own):
                colour, marker = PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)]
                tree = [bounds for bounds in each.tree if bounds.windows]
                calls, widths = [bounds.windows for bounds in tree], [bounds.width for bounds in tree]
                axes.plot(calls, widths, color=colour, marker=marker, markersize=2.5, label=f"tree, n = {each.within}")
                exact = max(each.merged.upper - each.merged.lower, LEAST_WIDTH)
                axes.plot(each.calls, exact, color=colour, marker=marker, markersize=6, fillstyle="none")
            for name in ("x", "y"):
                logarithmic_axis(axes, name)
            axes.set(title=f"T = {temperature:g}", xlabel="model calls (distinct windows)")
        panels[0][0].set_ylabel("upper - lower bound")
        handles, labels = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), title="hollow: merged chain")
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figure."""
    names_model = model_at(settings.model, settings.context_length, settings.steps)
    small_model = three_gpt(DEMO_STEPS, 4)
    names, small = mg.tabulate(names_model), mg.tabulate(small_model)
    asked = {
        "names": (names, LETTERS.encode(settings.word), LETTERS.encode("\n") * settings.context_length),
        "three tokens": (small, THREE.encode(settings.three_word), THREE.encode("2222")),
    }
    found: dict[str, list[Compared]] = {}
    for model, (table, word, start) in asked.items():
        for T in settings.temperatures:
            chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=T))
            found.setdefault(model, []).extend(
                compared(chain, word, start, T, n, settings.most_prefixes) for n in settings.horizons
            )
    rows = [table_row(model, each) for model, answers in found.items() for each in answers]
    mg.write_table(rows, folder, "table")
    curves = [row for model, answers in found.items() for each in answers for row in curve_rows(model, each)]
    mg.write_table(curves, folder, "curves")
    sizes = size_rows(SIZES, settings.horizons)
    mg.write_table(sizes, folder, "sizes")
    long_model = trained_names_model(settings.long_context, settings.long_steps)
    long = long_rows(
        long_model,
        settings.long_word,
        settings.long_horizons,
        temperature=settings.temperatures[0],
        most_prefixes=settings.long_prefixes,
        most_listed=settings.most_listed,
    )
    mg.write_table(long, folder, "long_windows")
    draw_widths(found["names"], folder / "width.svg")
    return Findings(
        sentences_of(found, long),
        recorded={
            "text of the model of three tokens": THREE_TEXT,
            "weights_sha256": [
                identity_of(model)["weights_sha256"] for model in (names_model, small_model, long_model)
            ],
        },
    )


def sentences_of(found: dict[str, list[Compared]], long: Sequence[Row]) -> list[str]:
    """What was found."""
    own, few = found["names"], found["three tokens"]
    widest = max(each.merged.upper - each.merged.lower for each in own)
    near = [each.near for each in own if each.near is not None]
    budget = max(each.tree[-1].prefixes for each in own)
    most = max(each.tree[-1].width for each in few)
    same = [row for row in long if row["texts"] == row["windows"]]
    lost = [row for row in long if row["P, merged"] == "not listed"]
    least = min((bounds.windows for bounds in near), default=None)
    return [
        f"On names the merged chain answers every horizon with {own[-1].calls:,} calls at most and bounds "
        f"{widest:.0e} apart; with {budget:,} prefixes at most the tree knows P to a factor of {NEAR} in "
        f"{len(near)} of {len(own)} questions" + ("." if least is None else f", with {least:,} calls at least."),
        f"With three tokens and {few[-1].calls} windows to ask about, {few[-1].tree[-1].prefixes:,} prefixes leave the "
        f"tree's bounds up to {most:.2g} apart.",
        f"With a window of {long[0]['L']} tokens {len(same)} of {len(long)} questions have as many windows as texts: "
        f"nothing merges; {len(lost)} have more windows than are listed here, and are bounded by the tree alone.",
    ]


STUDY = Study(
    "merged_or_tree",
    "Merge equal windows, or grow a tree of texts: which needs fewer model calls?",
    Settings(),
    Settings(
        context_length=2,
        steps=SMALL_STEPS,
        word="a",
        temperatures=(1.0, 0.3),
        horizons=(5, 20),
        most_prefixes=2**8,
        long_context=3,
        long_word="a",
        long_steps=SMALL_STEPS,
        long_horizons=(2, 4),
        long_prefixes=2**8,
        most_listed=1000,
    ),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
