"""What do greedy decoding and beam search miss of the likeliest text? Writes results/decoding/.

The likeliest text of exactly n tokens, found by Viterbi's recursion over all windows, beside what the likeliest token
(one beam) and 2 .. 16 beams write on the same chain: the baby GPT of the notebook, a drawn GPT, and a model of names.

    decoders     every decoder's text, its probability, and its share of the largest probability there is, with bounds
    table        the shares in three digits, and the fewest beams from which on all of them find the likeliest text
    share.svg    the share against the number of beams, of the prompt that misses most
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

import markovgpt as mg
from experiments.few_digits import in_few_digits
from experiments.names_models import LETTERS, SMALL_STEPS, STEPS, model_at
from experiments.study import Findings, Study, option, run
from markovgpt.analysis.continuations import DecodedText, DecodingComparison, compare_decoders
from markovgpt.demo import SEED, baby_gpt
from markovgpt.export.figures import COLUMN_INCHES
from markovgpt.export.outward import bounds_in_digits, log10_bounds
from markovgpt.export.panels import Curve, Panel, panel_figure
from markovgpt.models.identity import identity_of

LENGTHS, BEAMS, SHOWN = (4, 8, 16, 32), tuple(range(1, 17)), (1, 2, 4, 8, 16)
PROMPTS = ("\n", "\nj", "\nma")  # of a model of names
DECIMALS = 6  # of logarithms
Row = dict[str, str]


@dataclass(frozen=True)
class Settings:
    """What is varied."""

    model: Path | None = option(None, "checkpoint of a model of names; none: one that is trained here")
    context_length: int = option(4, "of the model that is trained here")
    steps: int = option(STEPS, "optimiser steps of the model that is trained here")
    lengths: tuple[int, ...] = option(LENGTHS, "tokens of the texts")
    beams: tuple[int, ...] = option(BEAMS, "beams of the decoders; 1 is greedy decoding")
    prompts: tuple[str, ...] = option(PROMPTS, "what the model of names goes on from")


@dataclass(frozen=True, eq=False)
class Case:
    """A model, its sampling settings, and the prompts it goes on from."""

    name: str
    model: mg.NextTokenModel
    settings: mg.SamplingSettings
    prompts: tuple[str, ...]


def baby() -> Case:
    """The notebook's model, trained as the demo trains it; its shorter windows are not, so that prompts are full."""
    return Case("baby GPT", baby_gpt().model, mg.SamplingSettings(), ("111", "010", "000"))


def drawn() -> Case:
    """A GPT of the names' shape with weights as drawn: nearly even at temperature 1, and so asked at a low one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = mg.GPT(
            mg.GPTConfig(len(LETTERS), 4, n_layer=2, n_head=4, n_embd=32, layer_norm_bias=False), LETTERS
        ).eval()
    return Case("drawn GPT", model, mg.SamplingSettings(temperature=0.12), PROMPTS)


def names(settings: Settings) -> Case:
    """The model of names."""
    model = model_at(settings.model, settings.context_length, settings.steps)
    return Case("names", model, mg.SamplingSettings(), settings.prompts)


def rows_of(case: Case, lengths: Sequence[int] = LENGTHS, beams: Sequence[int] = BEAMS) -> tuple[list[Row], list[Row]]:
    """The rows of both tables for a model."""
    chain = mg.WindowChain.from_logits(mg.tabulate(case.model, with_prefixes=True), case.settings)
    tidy, wide = [], []
    for prompt in case.prompts:
        for n in lengths:
            found = compare_decoders(chain, prompt, n, n_beams=beams)
            asked = {
                "model": case.name,
                "temperature": f"{case.settings.temperature:g}",
                "prompt": shown(prompt),
                "tokens": str(n),
            }
            tidy += [{**asked, **decoder_row(text, found)} for text in found.decoded]
            wide.append({**asked, **reader_row(found)})
    return tidy, wide


def decoder_row(found: DecodedText, beside: DecodingComparison) -> Row:
    """What one decoder found."""
    log_lower, log_upper = log10_bounds(found.share, DECIMALS)
    lower, upper = bounds_in_digits(found.share)
    return {
        "beams": str(found.n_beams),
        "text": shown(found.text or ""),
        "probability": mg.certified_digits(found.probability),
        "share": mg.certified_digits(found.share),
        "share lower": lower,
        "share upper": upper,
        "log10 share lower": log_lower,
        "log10 share upper": log_upper,
        "likeliest text": shown(beside.exact.best.text or ""),
        "its probability": mg.certified_digits(beside.exact.best.probability),
    }


def reader_row(found: DecodingComparison) -> Row:
    """The likeliest text, and the share of it that some decoders find."""
    shares = {text.n_beams: in_few_digits(mg.certified_digits(text.share)) for text in found.decoded}
    enough = [text.n_beams for text in found.decoded if text.share.upper == 1]
    missed = [text.n_beams for text in found.decoded if text.share.upper < 1]
    from_here = [beams for beams in enough if beams > max(missed, default=0)]
    return {
        "likeliest text": shown(found.exact.best.text or ""),
        "probability": in_few_digits(mg.certified_digits(found.exact.best.probability)),
        "proved": "yes" if found.exact.is_certain else "ties",
        **{"greedy" if beams == 1 else f"{beams} beams": shares[beams] for beams in SHOWN if beams in shares},
        "beams needed": str(min(from_here)) if from_here else f"over {max(missed)}",
    }


def shown(text: str) -> str:
    """A text on one line."""
    return text.replace("\n", "\\n")


def draw_shares(rows: Sequence[Row], path: Path) -> None:
    """A panel for each model and a curve for each length: the least share over the prompts."""
    columns = {"beams": int, "tokens": int, "log10 share upper": float}
    frame = pd.DataFrame(rows).astype(columns)
    panels = []
    for model, own in frame.groupby("model", sort=False):
        curves = {}
        for n, part in own.groupby("tokens"):
            least = part.groupby("beams")["log10 share upper"].min()
            curves[f"{n} tokens"] = Curve(least.index, least)
        lowest = min(1.05 * own["log10 share upper"].min(), -1)  # where nothing is missed too
        panels.append(Panel(curves, title=str(model), limits={"bottom": lowest, "top": 0}, ticks=(1, 4, 8, 12, 16)))
    labels = {"x_label": "beams (1: greedy decoding)", "y_label": "log10 share of the likeliest text's probability"}
    panel_figure(panels, path, columns=2, inches=COLUMN_INCHES * 1.6, **labels)


def make(settings: Settings, folder: Path) -> Findings:
    """Make the tables and the figure."""
    cases = [baby(), drawn(), names(settings)]
    tidy: list[Row] = []
    wide: list[Row] = []
    for case in cases:
        decoders, readers = rows_of(case, settings.lengths, settings.beams)
        tidy, wide = tidy + decoders, wide + readers
        print(f"{case.name} is done", flush=True)
    mg.write_table(tidy, folder, "decoders")
    mg.write_table(wide, folder, "table")
    draw_shares(tidy, folder / "share.svg")
    proved = sum(row["proved"] == "yes" for row in wide)
    below = [int(row["beams"]) for row in tidy if float(row["share upper"]) < 1]
    least, most = min(settings.beams), max(settings.beams)
    worst = min((row for row in tidy if int(row["beams"]) == least), key=lambda row: float(row["log10 share upper"]))
    return Findings(
        [
            f"Of {len(wide)} likeliest texts {missed(least, below)}, {missed(most, below)}.",
            f"The worst text by {least} beam{'s' * (least > 1)} has {in_few_digits(worst['share'])} of the "
            f"likeliest one's probability ({worst['model']}, T = {worst['temperature']}, {worst['tokens']} tokens).",
            f"{proved} of the {len(wide)} likeliest texts are proved to be the only ones.",
        ],
        recorded={
            "weights_sha256": {case.name: identity_of(case.model)["weights_sha256"] for case in cases},
            "temperatures": {case.name: case.settings.temperature for case in cases},
            "seed": SEED,
        },
    )


def missed(beams: int, below: Sequence[int]) -> str:
    """How many of the texts a number of beams misses.

    >>> missed(1, [1, 2, 1]), missed(2, [1, 2, 1])
    ('greedy decoding misses 2', '2 beams miss 1')
    """
    many = below.count(beams)
    return f"greedy decoding misses {many}" if beams == 1 else f"{beams} beams miss {many}"


STUDY = Study(
    "decoding",
    "What do greedy decoding and beam search miss of the likeliest text?",
    Settings(),
    Settings(context_length=2, steps=SMALL_STEPS, lengths=(4, 8), beams=(1, 2, 4), prompts=("\n",)),
    make,
)

if __name__ == "__main__":
    sys.exit(run(STUDY))
