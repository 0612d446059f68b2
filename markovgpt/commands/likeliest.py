"""`markovgpt likeliest`: the likeliest text of n tokens, and what greedy decoding and beam search find of it."""

import argparse
import time
from typing import Any

from markovgpt.analysis.continuations import DecodingComparison, compare_decoders
from markovgpt.chains.states import window_label
from markovgpt.commands.options import add_common, add_start, chain_of, start_of
from markovgpt.commands.output import print_json
from markovgpt.export.tables import certified_digits


def add_likeliest(likeliest: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common(likeliest)
    asking = likeliest.add_argument_group("question")
    add_start(asking.add_mutually_exclusive_group(required=True), "the window to begin with")
    asking.add_argument("--tokens", metavar="N", type=int, required=True, help="how many tokens are written")
    asking.add_argument(
        "--beams", metavar="K", type=int, nargs="+", default=[1, 4, 16], help="beams to compare, 1 is greedy (1 4 16)"
    )
    likeliest.set_defaults(answer=_likeliest)


def _likeliest(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    chain, settings, table, _ = chain_of(given)
    start = start_of(given)
    found = compare_decoders(chain, start, given.tokens, n_beams=given.beams)
    if given.json:
        print_json("likeliest", settings, table, began, _described(found))
        return
    best = found.exact.best
    doubt = "" if found.exact.is_certain else ", or one that doubles cannot tell from it"
    print(
        f"likeliest{doubt}: '{window_label(best.tokens or (), chain.vocabulary)}'  {certified_digits(best.probability)}"
    )
    for one in found.decoded:
        name = "greedy" if one.n_beams == 1 else f"{one.n_beams} beams"
        text = window_label(one.tokens, chain.vocabulary)
        share = certified_digits(one.share)
        print(f"{name}: '{text}'  {certified_digits(one.probability)}, {share} of the likeliest")


def _described(found: DecodingComparison) -> dict[str, Any]:
    """The texts and their probabilities as plain values."""
    best = found.exact.best
    exact = {"text": best.text, "tokens": list(best.tokens or ()), "certain": found.exact.is_certain}
    decoded = [
        {
            "beams": one.n_beams,
            "text": one.text,
            "tokens": list(one.tokens),
            "probability": one.probability.summary(),
            "share": one.share.summary(),
        }
        for one in found.decoded
    ]
    return {"likeliest": exact | {"probability": best.probability.summary()}, "decoded": decoded}
