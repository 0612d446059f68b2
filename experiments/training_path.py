"""What does training change, step by step? Writes results/training_path/.

The seed's baby GPT, at every step of the demo's training, and a GPT of names, every 50 steps. Each
model is a chain over the same windows:

    table        loss, entropy rate, divergence from the data, spectral gap, greedy cycles, stationary mass on the
                 windows seen in training, P(red): digits that are certain, but for the spectral gap, an estimate
                 beside a bound that is proved
    names        of the model of names the same, three of context
    data         the chains of the texts themselves, to which training should lead
    states.gif   the baby's state graph as it learns, and its first and last picture
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import markovgpt as mg
from experiments.names_models import LETTERS, default_names, names_in
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.empirical import divergence_from_data, stationary_mass
from markovgpt.analysis.entropy import entropy_rate
from markovgpt.analysis.result import Answer
from markovgpt.analysis.spectrum import spectral_gap
from markovgpt.chains.counted import WindowCounts, count_windows, counted_chain, in_a_row
from markovgpt.demo import BITS, RED, SEED, START, STEPS, TEXT, baby_gpt
from markovgpt.export.figures import PAGE_INCHES
from markovgpt.export.outward import bounds_in_digits
from markovgpt.export.training_figure import training_figure
from markovgpt.graphs.animation import Moment, draw_moment, write_animation
from markovgpt.solvers.certificate import Enclosure

CONTEXT, WITHIN = 3, 10
WORDS = ("die", "sex")  # one is in names that there are, the other is in none
NAMES_STEPS, EVERY, BATCH, RATE = 1500, 50, 512, 3e-3
WIDTH = {"n_layer": 2, "n_head": 4, "n_embd": 32}
LOSS, ENTROPY, DIVERGENCE = "loss (bits)", "entropy rate (bits)", "divergence from data (bits)"
GAP, GAP_BOUND, CYCLES, LONGEST, MASS = (
    "spectral gap",
    "gap at least",
    "greedy cycles",
    "longest",
    "mass on seen windows",
)
ESTIMATED_DIGITS = 4

Row = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    text: Path | None = option(None, "a text file, a name a line; none: the names of HTML's characters")
    baby_steps: int = option(STEPS, "optimiser steps of the baby GPT")
    steps: int = option(NAMES_STEPS, "optimiser steps of the model of names")
    every: int = option(EVERY, "steps between two looks at the model of names")


@dataclass(frozen=True, eq=False)
class Questions:
    """What is asked of every model along a training.

    Parameters
    ----------
    counts: of the data it learns.
    reds: the column's name -> P(red), asked of a chain.
    """

    counts: WindowCounts
    reds: Mapping[str, Callable[[mg.TransitionOperator], Answer]]

    def answered(self, step: int, table: mg.LogitTable) -> Row:
        """The row of one model."""
        chain = mg.WindowChain.from_logits(table)
        fit, gap, cycles = (
            divergence_from_data(self.counts, chain),
            spectral_gap(chain),
            mg.greedy_machine(table).cycles,
        )
        return {
            "step": step,
            LOSS: mg.certified_digits(fit.cross_entropy),
            ENTROPY: mg.certified_digits(bits_of(chain)),
            DIVERGENCE: mg.certified_digits(fit.divergence),
            GAP: f"{gap.value:.{ESTIMATED_DIGITS}g}",
            GAP_BOUND: bounds_in_digits(gap, ESTIMATED_DIGITS)[0],
            CYCLES: len(cycles),
            LONGEST: max(map(len, cycles)),
            MASS: mg.certified_digits(stationary_mass(mg.stationary_distributions(chain).only(), self.counts.seen)),
            **{name: mg.certified_digits(ask(chain)) for name, ask in self.reds.items()},
        }


def bits_of(chain: mg.TransitionOperator) -> Answer:
    """The entropy rate as an answer."""
    rate = entropy_rate(chain)
    parts = [np.asarray(part) for part in (rate.bits, rate.bits_lower, rate.bits_upper)]
    return Answer.of(Enclosure(*parts, rate.residual, rate.method))


def of_bits(chain: mg.TransitionOperator) -> Answer:
    """How likely the baby is to write 000 soon."""
    return mg.hitting_probability(chain, RED, start=START, within=WITHIN)


def of_letters(word: str, chain: mg.TransitionOperator) -> Answer:
    """How likely a word is in the first letters of a name, before its end."""
    return mg.hitting_probability(chain, word, start=(0,) * CONTEXT, within=WITHIN, stop_tokens=(0,))


def baby(steps: int = STEPS) -> tuple[list[Row], list[Moment], Questions]:
    """The demo's training, seen at every step: its rows, and the chains as pictures."""
    counts = count_windows(BITS.encode(TEXT), mg.StateSpace(len(BITS), CONTEXT), vocabulary=BITS)
    asked = Questions(counts, {f"P({RED} within {WITHIN})": of_bits})
    rows: list[Row] = []
    moments: list[Moment] = []

    def look(step: int, model: mg.GPT) -> None:
        table = mg.tabulate(model)
        rows.append(asked.answered(step, table) | {"it says, for ever": loops(table)})
        chain = mg.WindowChain.from_logits(table)
        caption = f"after {step} steps: loss {float(rows[-1][LOSS]):.3f} bits per token"
        moments.append(Moment(chain, mg.stationary_distributions(chain).only().value, caption))

    baby_gpt(steps, on_step=look)
    return rows, moments, asked


def loops(table: mg.LogitTable) -> str:
    """What the greedy cycles say, once around each."""
    machine = mg.greedy_machine(table)
    return ", ".join(machine.cycle_label(index) for index in range(len(machine.cycles)))


def names(texts: Sequence[str], *, steps: int = NAMES_STEPS, every: int = EVERY) -> tuple[list[Row], Questions]:
    """A training on names, seen every so many steps."""
    stream = in_a_row(map(LETTERS.encode, texts), CONTEXT)
    counts = count_windows(stream, mg.StateSpace(len(LETTERS), CONTEXT), vocabulary=LETTERS)
    reds = {f"P({word} in a name)": partial(of_letters, word) for word in WORDS}
    asked = Questions(counts, reds)
    rows: list[Row] = []

    def look(step: int, model: mg.GPT) -> None:
        if step % every == 0:
            rows.append(asked.answered(step, mg.tabulate(model)))

    config = mg.GPTConfig(vocab_size=len(LETTERS), context_length=CONTEXT, **WIDTH)
    mg.train_gpt(
        stream,
        config,
        steps=steps,
        learning_rate=RATE,
        batch_size=BATCH,
        seed=SEED,
        vocabulary=LETTERS,
        on_step=look,
    )
    return rows, asked


def of_data(name: str, asked: Questions) -> list[Row]:
    """The chain of a text, where a training should lead: what its models are to be held against."""
    chain, counts = counted_chain(asked.counts), asked.counts
    facts = {
        "examples": str(counts.total),
        "windows seen": f"{chain.n_states} of {counts.space.n_states}",
        ENTROPY: mg.certified_digits(bits_of(chain)),
    }
    for column, ask in asked.reds.items():
        try:
            facts[column] = mg.certified_digits(ask(chain))
        except mg.InvalidInput:  # no window of the text ends with it
            facts[column] = "0"
    return [{"data": name, "quantity": quantity, "value": value} for quantity, value in facts.items()]


def draw_path(rows: Sequence[Row], facts: Sequence[Row], path: Path) -> None:
    """Every quantity over the steps in a panel of its own; a thin line is what the data's own chain has."""
    data = {row["quantity"]: row["value"] for row in facts}
    reds = [column for column in rows[0] if column.startswith("P(")]
    panels = [[LOSS], [ENTROPY], [DIVERGENCE], [GAP], [CYCLES, LONGEST], [MASS], *([red] for red in reds)]
    ideals = {column: ENTROPY if column == LOSS else column for column in (LOSS, ENTROPY, DIVERGENCE, GAP, MASS, *reds)}
    levels = {column: float(data[ideal]) for column, ideal in ideals.items() if ideal in data}
    training_figure(
        rows, path, panels=panels, x_label="step", levels=levels, columns=4, inches=PAGE_INCHES, panel_inches=1.6
    )


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables, the figures and the animation."""
    texts = default_names() if settings.text is None else names_in(settings.text)
    rows, moments, asked = baby(settings.baby_steps)
    mg.write_table(rows, folder, "table")
    facts = of_data("baby", asked)
    draw_path(rows, facts, folder / "baby.svg")
    write_animation(moments, folder / "states.gif")
    for index, name in ((0, "first"), (len(moments) - 1, "last")):
        draw_moment(moments, index, folder / f"states_{name}.svg")
    print("baby is done", flush=True)
    of_names, asked = names(texts, steps=settings.steps, every=settings.every)
    mg.write_table(of_names, folder, "names")
    found = of_data("names", asked)
    draw_path(of_names, found, folder / "names.svg")
    mg.write_table(facts + found, folder, "data")
    first, last = of_names[0], of_names[-1]
    word = f"P({WORDS[0]} in a name)"
    own = next(row["value"] for row in found if row["quantity"] == word)
    return Findings(
        [
            f"{last['step']} steps on {len(texts):,} names take the divergence from {first[DIVERGENCE][:6]} to "
            f"{last[DIVERGENCE][:6]} bits a token.",
            f"The baby GPT goes from {rows[0][LOSS][:6]} to {rows[-1][LOSS][:6]} bits a token and says "
            f"{rows[-1]['it says, for ever']} for ever at temperature 0.",
            f"{word} goes from {first[word][:9]} to {last[word][:9]}; in the names themselves it is {own[:9]}.",
        ],
        recorded={
            "baby": {"text": TEXT, "within": WITHIN},
            "seed": SEED,
            "batch_size": BATCH,
            "learning_rate": RATE,
            "context_length": CONTEXT,
            "sizes": WIDTH,
            "words": WORDS,
        },
    )


STUDY = Study(
    "training_path",
    "What does training change, step by step?",
    Settings(),
    Settings(baby_steps=2, steps=2, every=2),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
