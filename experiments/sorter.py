"""Is a nano GPT that sorts six letters right, on every input and at every temperature? Writes results/sorter/.

The model of Brendan Bycroft's visualisation (minGPT's sorting demo): A, B and C, windows of 11, 265,719 of them with
the shorter ones. An input of 6 letters is a prefix window, each letter said makes it longer, and after the fifth the
window is full: the sixth is said before anything slides. So the right output of an input is one path through prefix
states, and its probability is exact.

``table``: the 729 inputs under each sampling setting. ``steps``: which of the six letters is the first that is wrong,
and whether the rest is right then, or the output at least in order. ``worst``: the inputs that fail most. ``margins``:
how clear the closest choices of the machine at temperature zero are, on its way to right outputs. ``check``: the same
by sampling from the model, and by products of its forward passes.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import markovgpt as mg
from experiments.flags import require_above_zero
from experiments.sorting_check import check_row
from experiments.sorting_law import SortingLaw, sorting_law
from experiments.sorting_models import (
    ALPHABET,
    LETTERS,
    SMALL_LETTERS,
    SMALL_STEPS,
    STEPS,
    Tokens,
    inputs_of,
    sorter_at,
    trained_sorter,
    unseen_inputs,
)
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.paths import ratio
from markovgpt.export.figures import line_figure
from markovgpt.models.identity import identity_of
from markovgpt.scaled import is_positive
from markovgpt.solvers.certificate import Enclosure, at_most_one, mean_over

WORST = 10
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "a checkpoint of a sorter; none trains one here")
    n_head: int | None = option(None, "heads of a checkpoint that does not say (minGPT's gpt-nano has 3)")
    letters: int = option(LETTERS, "of an input, for the sorter that is trained here")
    steps: int = option(STEPS, "optimiser steps of it")
    temperatures: tuple[float, ...] = option((0.0, 0.5, 1.0, 1.5, 2.0), "sampling temperatures")
    top_k: tuple[int, ...] = option((1, 2), "numbers of letters that are left to choose from")
    top_p: tuple[float, ...] = option((0.9, 0.99), "masses of letters that are left to choose from")
    truncated_at: tuple[float, ...] = option((1.0, 2.0), "temperatures at which top_k and top_p are tried")
    worst_at: float = option(1.0, "temperature of the table of the inputs that fail most")
    sampled_at: tuple[float, ...] = option((1.0, 2.0), "temperatures at which texts are sampled, above 0")
    samples: int = option(100_000, "texts that are sampled at each")

    def __post_init__(self) -> None:
        require_above_zero("sampled_at", self.sampled_at)

    def all_settings(self) -> dict[str, mg.SamplingSettings]:
        """What is asked about, by name."""
        found = {f"T = {T:g}": mg.SamplingSettings(temperature=T) for T in self.temperatures}
        for T in self.truncated_at:
            for k in self.top_k:
                found[f"T = {T:g}, top_k = {k}"] = mg.SamplingSettings(temperature=T, top_k=k)
            for p in self.top_p:
                found[f"T = {T:g}, top_p = {p:g}"] = mg.SamplingSettings(temperature=T, top_p=p)
        return found


def mean(found: Enclosure, over: Mask) -> mg.Answer:
    """The mean over inputs that are equally likely; all of them impossible, or sure, stays exact."""
    lower = mg.Answer.of(found).lower[over]
    if (lower == 1).all():
        return mg.Answer.of(Enclosure(*(np.ones(()),) * 3, 0.0, found.method))
    return mg.Answer.of(at_most_one(mean_over(over / over.sum(), found)))


def largest(found: Enclosure) -> int:
    """The input with the largest probability, the first of equals."""
    return int(np.argmax(mg.Answer.of(found).log10))


def setting_row(name: str, law: SortingLaw, inputs: Tokens, unseen: Mask | None) -> dict[str, str]:
    """The inputs under a setting."""
    everyone, fails = np.ones(len(inputs), dtype=bool), is_positive(law.wrong.upper)
    place = largest(law.wrong)
    row = {
        "setting": name,
        "P(right), mean": mg.certified_digits(mean(law.right, everyone)),
        "P(wrong), mean": mg.certified_digits(mean(law.wrong, everyone)),
        "P(wrong), worst input": mg.certified_digits(mg.Answer.of(law.wrong), place),
        "worst input": ALPHABET.show(inputs[place]) if fails.any() else "",
        "inputs that cannot fail": f"{int((~fails).sum())} of {len(inputs)}",
    }
    if unseen is not None:
        row["P(wrong), inputs never trained on"] = mg.certified_digits(mean(law.wrong, unseen))
    return row


def step_rows(name: str, law: SortingLaw) -> list[dict[str, str]]:
    """The letters at which the output goes wrong, and what comes after."""
    everyone = np.ones(law.wrong.value.shape[0], dtype=bool)
    count = law.first_error.value.shape[1]
    failing = mean(law.wrong, everyone).enclosure
    if not is_positive(failing.upper).any():
        return []
    rows = []
    for k in range(count):
        first, rest, order = (
            mean(column(part, k), everyone).enclosure for part in (law.first_error, law.rest_right, law.in_order)
        )
        possible, last = bool(is_positive(first.upper).any()), k == count - 1
        rows.append(
            {
                "setting": name,
                "letter": str(k + 1),
                "P(first error here), mean": mg.certified_digits(mg.Answer.of(first)),
                "share of all failures": shown_ratio(first, failing),
                "then the rest is right": shown_ratio(rest, first) if possible and not last else "",
                "then the output is in order": shown_ratio(order, first) if possible else "",
            }
        )
    return rows


def column(found: Enclosure, k: int) -> Enclosure:
    """The probabilities about one letter."""
    return Enclosure(found.value[:, k], found.lower[:, k], found.upper[:, k], found.residual, found.method)


def shown_ratio(part: Enclosure, whole: Enclosure) -> str:
    """A quotient of probabilities in certified digits."""
    return mg.certified_digits(mg.Answer.of(at_most_one(ratio(part, whole))))


@dataclass(frozen=True, eq=False)
class Margins:
    """By how much the right letter's logit leads, (n, m) in nats, and the letter next to it."""

    lead: NDArray[np.float64]
    rival: Tokens


def margins_of(table: mg.LogitTable, inputs: Tokens) -> Margins:
    """The leads of the right letters on the way to right outputs."""
    right = np.sort(inputs, axis=1)
    texts = [np.hstack([inputs, right[:, :k]]) for k in range(inputs.shape[1])]
    states = np.stack([table.space.numbers(text) for text in texts], axis=1)
    logits = np.array(table.logits[states], dtype=np.float64)  # (n, m, V)
    of_right = np.take_along_axis(logits, right[..., None], axis=2)[..., 0]
    np.put_along_axis(logits, right[..., None], -np.inf, axis=2)
    return Margins(of_right - logits.max(axis=2), logits.argmax(axis=2))


def margin_rows(margins: Margins, inputs: Tokens) -> list[dict[str, str]]:
    """The closest choice at each letter."""
    right, rows = np.sort(inputs, axis=1), []
    for k in range(inputs.shape[1]):
        place = int(margins.lead[:, k].argmin())
        rows.append(
            {
                "letter": str(k + 1),
                "smallest lead (nats)": f"{margins.lead[place, k]:.4f}",
                "input": ALPHABET.show(inputs[place]),
                "said before": ALPHABET.show(right[place, :k]),
                "right letter": ALPHABET.show(right[place, k : k + 1]),
                "next to it": ALPHABET.show(margins.rival[place, k : k + 1]),
                "choices that are wrong": f"{int((margins.lead[:, k] <= 0).sum())} of {len(inputs)}",
            }
        )
    return rows


def worst_rows(chain: mg.WindowChain, law: SortingLaw, inputs: Tokens, margins: Margins) -> list[dict[str, str]]:
    """The inputs that fail most, and what is said instead."""
    order = np.argsort(-mg.Answer.of(law.wrong).log10, kind="stable")[:WORST]
    rows = []
    for place in order.tolist():
        right = tuple(np.sort(inputs[place]).tolist())
        found = mg.most_probable_continuation(chain, inputs[place].tolist(), len(right), k=2)
        instead = next((text for text in found.texts if text.tokens != right), None)
        k = int(margins.lead[place].argmin())
        rows.append(
            {
                "input": ALPHABET.show(inputs[place]),
                "right output": ALPHABET.show(right),
                "P(wrong)": mg.certified_digits(mg.Answer.of(law.wrong), place),
                "likeliest wrong output": ALPHABET.show(instead.tokens or ()) if instead else "",
                "its probability": mg.certified_digits(instead.probability) if instead else "",
                "smallest lead (nats)": f"{margins.lead[place, k]:.4f}",
                "at letter": str(k + 1),
            }
        )
    return rows


def draw(laws: dict[str, SortingLaw], at: str, folder: Path) -> None:
    """Two figures: the inputs from the one that fails most, without truncation; and what comes after an error."""
    curves = {}
    for name, law in laws.items():
        values = np.sort(mg.Answer.of(law.wrong).value)[::-1]
        if "," not in name and (values > 0).any():
            curves[name] = (np.arange(1, len(values) + 1)[values > 0], values[values > 0])
    if curves:
        line_figure(
            curves,
            folder / "inputs.svg",
            x_label="inputs, the one that fails most first",
            y_label="P(wrong output)",
            logarithmic=("x", "y"),
            markers=False,
        )
    if at in curves:
        first, rest, order = (
            mg.Answer.of(part).value.mean(axis=0)
            for part in (laws[at].first_error, laws[at].rest_right, laws[at].in_order)
        )
        letters = np.arange(1, len(first) + 1)
        after = {
            "the rest is right": (letters[:-1], (rest / first)[:-1]),
            "the output is in order": (letters, order / first),
        }
        path = folder / "recovery.svg"
        line_figure(after, path, x_label=f"letter of the first error ({at})", y_label="probability after it")


def make(settings: Settings, folder: Path) -> Findings:
    """Ask about every input under every setting, and write tables and figures."""
    own = settings.model is None
    model = trained_sorter(settings.letters, settings.steps) if own else sorter_at(settings.model, settings.n_head)
    table = mg.tabulate(model, with_prefixes=True)
    letters = (model.context_length + 1) // 2
    inputs = inputs_of(letters)
    unseen = unseen_inputs(letters) if own else None
    margins = margins_of(table, inputs)
    laws, rows, steps = {}, [], []
    for name, sampling in settings.all_settings().items():
        laws[name] = law = sorting_law(mg.WindowChain.from_logits(table, sampling))
        rows.append(setting_row(name, law, inputs, unseen))
        steps += step_rows(name, law)
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=settings.worst_at))
    worst = worst_rows(chain, sorting_law(chain), inputs, margins)
    checks = [check_row(model, table, T, settings.samples) for T in settings.sampled_at]
    tables = {"table": rows, "steps": steps, "worst": worst, "margins": margin_rows(margins, inputs), "check": checks}
    for name, part in tables.items():
        if part:
            mg.write_table(part, folder, name)
    draw(laws, f"T = {settings.worst_at:g}", folder)
    return Findings(
        sentences(margins, rows, steps, worst, settings.worst_at),
        recorded={"weights_sha256": identity_of(model)["weights_sha256"]},
    )


def sentences(
    margins: Margins, rows: list[dict[str, str]], steps: list[dict[str, str]], worst: list[dict[str, str]], at: float
) -> list[str]:
    """What was found."""
    count, wrong = len(margins.lead), int((margins.lead <= 0).any(axis=1).sum())
    drawn = [row for row in rows if "," not in row["setting"] and row["setting"] != "T = 0"]
    sampled = [row for row in drawn if row["P(wrong), mean"] != "0"]
    first = (
        f"Greedily {count - wrong} of {count} inputs are sorted, the closest choice by {margins.lead.min():.2f} nats; "
        f"sampled, {', '.join(percent(row['P(wrong), mean']) + ' fail at ' + row['setting'] for row in sampled)}."
    )
    second = f"At T = {at:g} {worst[0]['input']} fails most, in {percent(worst[0]['P(wrong)'])}"
    here = [row for row in steps if row["setting"] == f"T = {at:g}"]
    if here:
        most = max(here, key=lambda row: float(row["share of all failures"]))
        after = [percent(row["then the rest is right"]) for row in here[:-1] if row["then the rest is right"]]
        share = percent(most["share of all failures"])
        second += f"; more failures begin at letter {most['letter']} ({share}) than at any other"
        second += f", and after a first error at letter 1, 2, .. the rest is right in {', '.join(after)}" * bool(after)
    cut = [row for row in rows if "," in row["setting"]]
    sure = [row for row in cut if row["P(wrong), mean"] == "0"]
    left = [f"{percent(row['P(wrong), mean'])} fail under {row['setting']}" for row in cut if row not in sure]
    third = f"Under {len(sure)} of {len(cut)} truncated settings no input can fail"
    return [first, second + ".", third + f"; on average {', '.join(left)}" * bool(left) + "."]


def percent(number: str) -> str:
    """A certified probability in per cent, with three digits.

    >>> percent("0.0080038862042"), percent("1.00000000000"), percent("[0.1, 0.2]")
    ('0.800 %', '100 %', '[0.1, 0.2]')
    """
    return number if number.startswith("[") else f"{100 * float(number):#.3g}".rstrip(".") + " %"


STUDY = Study(
    "sorter",
    "Is a nano GPT that sorts six letters right, on every input and at every temperature?",
    Settings(),
    Settings(letters=SMALL_LETTERS, steps=SMALL_STEPS, samples=2000),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
