"""The commands `demo`, `stationary` and `verify`."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.commands.options import add_common, chain_of, path
from markovgpt.commands.output import print_json, print_likeliest
from markovgpt.evidence.bundle import verify_bundle
from markovgpt.evidence.verify import verify

HOLDS, DOES_NOT = 0, 3  # exit codes of `markovgpt verify`


def add_demo(demo: argparse.ArgumentParser) -> None:
    """The command's options."""
    demo.add_argument("--out", metavar="FOLDER", type=path, help="where the results go (results/baby_gpt)")
    demo.set_defaults(answer=_demo)


def add_stationary(stationary: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common(stationary)
    stationary.set_defaults(answer=_stationary)


def add_verify(verifying: argparse.ArgumentParser) -> None:
    """The command's options."""
    verifying.add_argument(
        "file", metavar="FILE", help="as reach --certificate writes it, or a folder of reach --bundle"
    )
    verifying.add_argument("--json", action="store_true", help="print one JSON object")
    verifying.set_defaults(answer=_verify)


def _demo(given: argparse.Namespace) -> None:
    from markovgpt.demo import run_demo  # late: torch takes a second to import

    run_demo() if given.out is None else run_demo(given.out)


def _stationary(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    chain, settings, table, cuts = chain_of(given)
    found = stationary_distributions(chain)
    if given.json:
        classes = [
            {"windows": [chain.label(int(state)) for state in states], **answer.summary()}
            for states, answer in zip(found.classes, found.answers, strict=True)
        ]
        print_json("stationary", settings, table, began, {"cuts": asdict(cuts), "classes": classes})
        return
    for index, (states, answer) in enumerate(zip(found.classes, found.answers, strict=True)):
        print(f"recurrent class {index + 1} of {len(found.classes)}: {len(states)} of {chain.n_states} windows")
        print_likeliest(chain, answer, states)


def _verify(given: argparse.Namespace) -> int:
    verdict = (verify_bundle if Path(given.file).is_dir() else verify)(given.file)
    print(json.dumps(verdict.summary()) if given.json else verdict)
    return HOLDS if verdict.holds else DOES_NOT
