"""What would a model of names write, exactly? Writes results/names/.

A GPT over 27 tokens (the end of the line and a to z) that learned a list of names; a name is what it writes on a fresh
line until the line ends. For each context length:

    table     windows, bits per token, the tokens for each end of a line, how far the law of lengths is from the list's
              in total variation, the probability to write a name of the list, and the likeliest name
    likeliest the likeliest whole names, of all that there are, and whether they stand in the list
    lengths   the law of lengths beside that of the list
    long_run  the windows in which it is most of the time, beside their share of the list
    red       words that it should not write: in a name, and in at least one of 1,000 names
    memory    bits per token that are lost with a memory of fewer tokens

and of context length 4 ``long_run_4.pdf``, one cell for each of the 27**4 windows, and ``lengths_4.svg``.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import markovgpt as mg
from experiments.few_digits import in_few_digits
from experiments.flags import require_above_zero
from experiments.names_models import (
    END,
    ENDS,
    LETTERS,
    SMALL_STEPS,
    STEPS,
    default_names,
    names_in,
    names_model,
    trained_names_model,
)
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.entropy import in_bits, row_entropies
from markovgpt.analysis.row_mean import mean_under
from markovgpt.analysis.text_set import any_text_probability
from markovgpt.export.figures import bar_figure
from markovgpt.export.mosaic_figure import mosaic_figure
from markovgpt.export.outward import bounds_in_digits
from markovgpt.models.identity import identity_of
from markovgpt.scaled import as_floats
from markovgpt.solvers.certificate import Enclosure

START = "\n"
WORDS = ("ass", "sex")
MOST_DRAWN = 2**20  # windows
NOTHING = "(none)"  # a line that ends at once
SERIES = 1000  # names, of which at least one holds the word

Row = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    text: Path | None = option(None, "a file of names, one a line; none: the names of HTML's characters")
    model: Path | None = option(None, "checkpoint of a model of names; none: those that are trained here on the text")
    context_lengths: tuple[int, ...] = option((4, 5), "of the models that are trained here; 5 has 14 million windows")
    steps: int = option(STEPS, "optimiser steps of the models that are trained here")
    words: tuple[str, ...] = option(WORDS, "what should not be written")
    likeliest: int = option(20, "how many names are shown")
    heaviest: int = option(20, "how many windows are shown")
    longest: int = option(24, "letters to which the law of lengths is shown, at least the longest name of the list")

    def __post_init__(self) -> None:
        require_above_zero("likeliest, heaviest and longest", (self.likeliest, self.heaviest, self.longest))


@dataclass(frozen=True, eq=False)
class Spoken:
    """A model of names as a chain.

    Parameters
    ----------
    name: of the tables, its context length.
    lines: from the beginning of a line on, the shorter windows included.
    stream: the full windows alone.
    """

    name: str
    lines: mg.WindowChain
    stream: mg.WindowChain

    @classmethod
    def of(cls, model: mg.NextTokenModel) -> "Spoken":
        """The chains of a model."""
        whole = mg.tabulate(model, with_prefixes=True)
        L = whole.context_length
        space = mg.StateSpace(whole.vocab_size, L)
        full = mg.LogitTable(space, whole.logits[whole.space.first_state(L) :], whole.vocabulary)
        return cls(str(L), mg.WindowChain.from_logits(whole), mg.WindowChain.from_logits(full))


def bounded(name: str, answer: mg.Answer) -> Row:
    """A number and its bounds as cells."""
    lower, upper = bounds_in_digits(answer)
    return {name: mg.certified_digits(answer), f"{name} lower": lower, f"{name} upper": upper}


def likeliest_rows(spoken: Spoken, names: Sequence[str], k: int) -> list[Row]:
    """The k likeliest names."""
    listed = set(names)
    found = mg.most_likely_paths(spoken.lines, list(ENDS), start=START, k=k)
    rows = []
    for rank, path in enumerate(found, start=1):
        name = (path.text or "").removesuffix("\n")
        known = "yes" if name in listed else "no"
        rows.append(
            {
                "context": spoken.name,
                "rank": rank,
                "name": name or NOTHING,
                **bounded("P", path.probability),
                "listed": known,
            }
        )
    return rows


def lengths_apart(law: mg.HittingLaw, counts: Sequence[int]) -> mg.Answer:
    """The total variation between the law of lengths and what was counted; within the bounds of the law.

    Half the sum of |P(length = k) - c_k / n|, and of what is longer than any counted.

    Parameters
    ----------
    law: of the tokens of a name with its end; it reaches at least as far as the counts.
    counts: of the names of 0, 1, .. letters.
    """
    n, reach = sum(counts), len(counts)
    shares = [Fraction(count, n) for count in counts]
    bounds = [
        [Fraction(float(end)) for end in (law.probability.lower[k + 1], law.probability.upper[k + 1])]
        for k in range(reach)
    ]
    least = sum(max(low - share, share - high, 0) for share, (low, high) in zip(shares, bounds, strict=True))
    most = sum(max(high - share, share - low) for share, (low, high) in zip(shares, bounds, strict=True))
    lower = (least + Fraction(float(law.alive.lower[reach]))) / 2
    upper = (most + Fraction(float(law.alive.upper[reach]))) / 2
    return between(np.nextafter(float(lower), 0.0), np.nextafter(float(upper), 1.0))


def between(lower: float, upper: float) -> mg.Answer:
    """A number of which bounds are known."""
    low, value, high = (np.array(number) for number in (lower, (lower + upper) / 2, upper))
    return mg.Answer.of(Enclosure(value, low, high, 0.0, "bounds"))


def tokens_of_a_name(stream: mg.WindowChain, long_run: mg.Answer) -> mg.Answer:
    """How many tokens there are in the long run for each end of a line, the end among them.

    >>> coin = mg.WindowChain(mg.StateSpace(2, 1), np.array([[0.25, 0.75], [0.25, 0.75]]))
    >>> round(tokens_of_a_name(coin, mg.stationary_distributions(coin).only()).value, 12)
    4.0
    """
    at_end = np.where(np.arange(stream.n_states) % stream.space.vocab_size == END, 1.0, 0.0)
    share = mean_under(long_run, Enclosure(at_end, at_end, at_end, 0.0, "ends of lines"))
    lower, upper = (float(as_floats(part)) for part in (share.lower, share.upper))
    return between(np.nextafter(1 / upper, 0.0), np.nextafter(1 / lower, np.inf))


def length_rows(name: str, law: mg.HittingLaw, counts: Sequence[int]) -> list[Row]:
    """The law of lengths beside what was counted."""
    rows = []
    for letters in range(len(law.probability.value) - 1):
        counted = counts[letters] if letters < len(counts) else 0
        digits = mg.certified_digits(law.probability, letters + 1)
        share = f"{counted / sum(counts):.6f}"
        rows.append({"context": name, "letters": letters, "P": digits, "names": counted, "share of the list": share})
    return rows


def long_run_rows(spoken: Spoken, names: Sequence[str], long_run: mg.Answer, k: int) -> list[Row]:
    """The k heaviest windows, and how often they stand in the list, its lines one after the other in a circle."""
    stream = LETTERS.encode("".join(name + "\n" for name in names))
    L = spoken.stream.space.context_length
    around = [*stream, *stream[:L]]
    counted = Counter(tuple(around[i : i + L]) for i in range(len(stream)))
    rows = []
    for rank, state in enumerate(np.argsort(-long_run.value, kind="stable")[:k].tolist(), start=1):
        window = spoken.stream.space.decode(state)
        rows.append(
            {
                "context": spoken.name,
                "rank": rank,
                "window": LETTERS.show(window),
                "share": mg.certified_digits(long_run, state),
                "share of the list": f"{counted[window] / len(stream):.6f}",
            }
        )
    return rows


def red_rows(spoken: Spoken, names: Sequence[str], words: Sequence[str]) -> list[Row]:
    """How likely each word is, and how many names of the list hold it."""
    rows = []
    for word in words:
        once = mg.hitting_probability(spoken.lines, word, start=START, stop_tokens=[END])
        rows.append(
            {
                "context": spoken.name,
                "word": word,
                **bounded("P in a name", once),
                f"P in {SERIES} names": mg.certified_digits(mg.in_conversations(once, SERIES)),
                "listed names with it": sum(word in name for name in names),
            }
        )
    return rows


def memory_rows(name: str, used: mg.MemoryUse) -> list[Row]:
    """The bits per token that are lost with a memory of 0, 1, .. tokens."""
    return [
        {"context": name, "tokens remembered": each.order, **bounded("bits lost", each.lost_bits)}
        for each in used.orders
    ]


def asked(spoken: Spoken, names: Sequence[str], settings: Settings, folder: Path) -> tuple[Row, dict[str, list[Row]]]:
    """The row of a model in the table, and its rows in the others; draws its figures."""
    counts = np.bincount([len(name) for name in names]).tolist()
    longest = max(settings.longest, len(counts) - 1)
    law = mg.hitting_law(spoken.lines, list(ENDS), start=START, steps=longest + 1)
    used = mg.memory_use(spoken.stream)
    long_run = used.long_run
    tables = {
        "likeliest": likeliest_rows(spoken, names, settings.likeliest),
        "lengths": length_rows(spoken.name, law, counts),
        "long_run": long_run_rows(spoken, names, long_run, settings.heaviest),
        "red": red_rows(spoken, names, settings.words),
        "memory": memory_rows(spoken.name, used),
    }
    rate = in_bits(mean_under(long_run, row_entropies(spoken.stream)))
    row = {
        "context": spoken.name,
        "windows": spoken.stream.n_states,
        "bits per token": mg.certified_digits(mg.Answer.of(rate)),
        "tokens of a name": mg.certified_digits(tokens_of_a_name(spoken.stream, long_run)),
        "of the list": f"{1 + sum(map(len, names)) / len(names):.6f}",
        "lengths apart": mg.certified_digits(lengths_apart(law, counts)),
        "P(listed)": mg.certified_digits(any_text_probability(spoken.lines, START, [name + "\n" for name in names])),
        "likeliest name": tables["likeliest"][0]["name"],
        "P(it)": tables["likeliest"][0]["P"],
    }
    if spoken.stream.n_states <= MOST_DRAWN:
        picture = folder / f"long_run_{spoken.name}.pdf"  # a third of the size of an .svg
        mosaic_figure(long_run, spoken.stream.space, picture, label="share of the long run", vocabulary=LETTERS)
    draw_lengths(law, counts, folder / f"lengths_{spoken.name}.svg")
    return row, tables


def draw_lengths(law: mg.HittingLaw, counts: Sequence[int], path: Path) -> None:
    """The law of lengths beside what was counted."""
    P, steps = law.probability, slice(1, None)
    listed = np.zeros(len(P.value) - 1)
    listed[: len(counts)] = np.array(counts) / sum(counts)
    groups = {"the model": P.value[steps], "the list": listed}
    labels = [str(letters) for letters in range(len(listed))]
    bar_figure(groups, labels, path, x_label="letters of a name", y_label="probability")


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figures."""
    names = default_names() if settings.text is None else names_in(settings.text)
    rows: list[Row] = []
    parts: dict[str, list[Row]] = {}
    weights = {}
    lengths: Sequence[int | None] = settings.context_lengths if settings.model is None else (None,)
    for length in lengths:
        if settings.model is None and length is not None:
            model = trained_names_model(length, settings.steps, names)
        else:
            model = names_model(settings.model or "")
        spoken = Spoken.of(model)
        row, tables = asked(spoken, names, settings, folder)
        weights[spoken.name] = identity_of(model)["weights_sha256"]
        rows.append(row)
        for name, own in tables.items():
            parts.setdefault(name, []).extend(own)
        print(f"context {spoken.name} is done", flush=True)
    for name, table in {"table": rows, **parts}.items():
        mg.write_table(table, folder, name)
    return Findings(sentences(rows[-1], parts, len(names)), recorded={"weights_sha256": weights})


def sentences(last: Row, parts: dict[str, list[Row]], n_names: int) -> list[str]:
    """The three sentences, of the last model."""
    own = {name: [row for row in rows if row["context"] == last["context"]] for name, rows in parts.items()}
    likeliest, red, memory = own["likeliest"], own["red"], own["memory"]
    listed = sum(row["listed"] == "yes" for row in likeliest)
    rarest, most = (choose(red, key=lambda row: float(row["P in a name upper"])) for choose in (min, max))
    return [
        f"A model of {n_names:,} names writes one of them with probability {in_few_digits(last['P(listed)'])}, and of "
        f"its {len(likeliest)} likeliest names {listed} stand in the list.",
        f"The likeliest, {last['likeliest name']}, has probability {in_few_digits(last['P(it)'])}; lengths of names "
        f"are {in_few_digits(last['lengths apart'])} from those of the list in total variation.",
        f"In a name {most['word']} has probability {in_few_digits(most['P in a name'])}, {rarest['word']} "
        f"{in_few_digits(rarest['P in a name'])}; a memory without the oldest of its {len(memory)} tokens would cost "
        f"{in_few_digits(memory[-1]['bits lost'])} bits a token more than its {in_few_digits(last['bits per token'])}.",
    ]


STUDY = Study(
    "names",
    "What would a model of names write, exactly?",
    Settings(),
    Settings(context_lengths=(2,), steps=SMALL_STEPS, words=("ass", "die"), likeliest=5, heaviest=5),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
