"""What do greedy decoding and beam search miss of the likeliest text? Writes results/decoding/.

    python -m experiments.decoding [MODEL ...]      paths of checkpoints over letters and the end of the line, or none

The likeliest text of exactly n tokens, found by Viterbi's recursion over all windows, beside what the likeliest token
(one beam) and 2 .. 16 beams write on the same chain: the baby GPT of the notebook, a drawn GPT, and the models given.

    decoders     every decoder's text, its probability, and its share of the largest probability there is, with bounds
    table        the shares in three digits, and the fewest beams from which on all of them find the likeliest text
    share.svg    the share against the number of beams, of the prompt that misses most
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

import markovgpt as mg
from experiments.few_digits import in_few_digits
from experiments.names_models import LETTERS, names_model
from markovgpt.analysis.continuations import DecodedText, DecodingComparison, compare_decoders
from markovgpt.demo import SEED, baby_gpt
from markovgpt.export.figures import COLUMN_INCHES
from markovgpt.export.outward import bounds_in_digits, log10_bounds
from markovgpt.export.panels import Curve, Panel, panel_figure
from markovgpt.export.record import write_record
from markovgpt.models.identity import identity_of

FOLDER = Path("results/decoding")
LENGTHS, BEAMS, SHOWN = (4, 8, 16, 32), tuple(range(1, 17)), (1, 2, 4, 8, 16)
PROMPTS = ("\n", "\nj", "\nma")  # of a model that is given
DECIMALS = 6  # of logarithms
Row = dict[str, str]


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


def given(path: str) -> Case:
    """A checkpoint, called by the folder it lies in."""
    place = Path(path)
    name = place.name if place.is_dir() else place.parent.name
    return Case(name, names_model(place), mg.SamplingSettings(), PROMPTS)


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


def main(arguments: Sequence[str]) -> None:
    """Make the tables and the figure."""
    began = time.perf_counter()
    cases = [baby(), drawn(), *map(given, arguments)]
    tidy: list[Row] = []
    wide: list[Row] = []
    for case in cases:
        decoders, readers = rows_of(case)
        tidy, wide = tidy + decoders, wide + readers
        print(f"{case.name} after {time.perf_counter() - began:.0f} s", flush=True)
    mg.write_table(tidy, FOLDER, "decoders")
    mg.write_table(wide, FOLDER, "table")
    draw_shares(tidy, FOLDER / "share.svg")
    write_record(
        FOLDER,
        command=" ".join(["python -m experiments.decoding", *("MODEL" for _ in arguments)]),
        settings={
            "weights_sha256": {case.name: identity_of(case.model)["weights_sha256"] for case in cases},
            "temperatures": {case.name: case.settings.temperature for case in cases},
            "prompts": {case.name: case.prompts for case in cases},
            "lengths": LENGTHS,
            "beams": BEAMS,
            "seed": SEED,
        },
        seconds=time.perf_counter() - began,
        diagnostics={},
    )
    proved = sum(row["proved"] == "yes" for row in wide)
    missed = sum(row["beams"] == "1" and float(row["share upper"]) < 1 for row in tidy)
    print(f"{len(wide)} likeliest texts, {proved} of them proved to be the only ones; greedy decoding misses {missed}")
    print(f"Tables: {FOLDER}/table.csv, decoders.csv   figure: {FOLDER}/share.svg")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except mg.MarkovGPTError as refusal:
        sys.exit(str(refusal))
