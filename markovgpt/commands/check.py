"""`markovgpt check`: what a property of the model checkers' language is, on a chain from a file."""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from markovgpt.analysis.result import Answer
from markovgpt.commands.options import path
from markovgpt.commands.output import counted
from markovgpt.errors import InvalidInput
from markovgpt.evidence.certificates import QUESTIONS, write_certificate
from markovgpt.exchange.chain_files import read_chain
from markovgpt.exchange.checking import UNDECIDED, Checked, check, known_of, translated
from markovgpt.exchange.imported import ImportedChain
from markovgpt.exchange.properties import Property
from markovgpt.exchange.property_parser import parse_property
from markovgpt.exchange.written_numbers import without_infinities
from markovgpt.export.tables import certified_digits

ANSWERED, NOT_CERTIFIED = 0, 3  # exit codes
EXTREMES = ("least", "greatest")


def add_check(checking: argparse.ArgumentParser) -> None:
    """The command's options."""
    checking.add_argument(
        "file",
        metavar="FILE",
        type=path,
        help="a .umb or .drn, or a .tra with its .lab and .srew beside it; packed or not",
    )
    checking.add_argument(
        "--property",
        metavar="TEXT",
        action="append",
        required=True,
        help="""such as 'P=? [F<=10 "red"]' or 'T<100 [F "red"]'; may be repeated""",
    )
    checking.add_argument("--normalise", action="store_true", help="divide rows that do not sum to 1 by their sums")
    checking.add_argument("--fix-deadlocks", action="store_true", help="states without transitions stay where they are")
    checking.add_argument("--certificate", metavar="FILE", type=path, help="write what is needed to verify the answer")
    checking.add_argument("--json", action="store_true", help="print one JSON object")
    checking.set_defaults(answer=_check)


def _check(given: argparse.Namespace) -> int:
    began = time.perf_counter()
    asked = [parse_property(text) for text in given.property]
    if given.certificate is not None and len(asked) > 1:
        raise InvalidInput(f"a certificate is of one property, got {len(asked)}; ask for one after the other")
    imported = read_chain(given.file, normalise=given.normalise, fix_deadlocks=given.fix_deadlocks)
    _note(imported)
    found = [check(imported, each) for each in asked]
    if given.certificate is not None:
        _certify(imported, asked[0], given)
    if given.json:
        parts = [each.summary() for each in found]
        whole = {
            "question": "check",
            "file": given.file,
            **(parts[0] if len(parts) == 1 else {"properties": parts}),
            "normalised_rows": len(imported.normalised),
            "fixed_deadlocks": len(imported.fixed_deadlocks),
            "states": imported.chain.n_states,
            "seconds": round(time.perf_counter() - began, 3),
        }
        print(json.dumps(without_infinities(whole)))
    else:
        print("\n".join(line for each in found for line in _lines(each)))
    return NOT_CERTIFIED if any(each.holds == UNDECIDED for each in found) else ANSWERED


def _note(imported: ImportedChain) -> None:
    """Say on stderr what was changed, as was asked for."""
    if len(imported.normalised):
        print(f"markovgpt: {counted(len(imported.normalised), 'row')} divided by the sum", file=sys.stderr)
    if len(imported.fixed_deadlocks):
        print(f"markovgpt: {counted(len(imported.fixed_deadlocks), 'deadlock')} fixed by a self-loop", file=sys.stderr)


def _certify(imported: ImportedChain, asked: Property, given: argparse.Namespace) -> None:
    """Write the certificate of a property without a horizon, from one initial state."""
    states = np.flatnonzero(imported.initial)
    question = translated(asked, *known_of(imported))
    possible = question.question in QUESTIONS and question.within is None and question.target.any()
    if not possible or asked.over is not None or len(states) > 1:
        raise InvalidInput(
            f"a certificate is of F, U or G without a bound, in P, T or R, from one initial state, got {asked}, from "
            f"{len(states)}; leave out --certificate"
        )
    write_certificate(
        imported.chain,
        given.certificate,
        question.question,
        target=question.target,
        start=int(states[0]),
        avoiding=question.avoiding,
        reward=question.reward,
        note=f"{asked}; {Path(given.file).name}",
    )


def _lines(found: Checked) -> list[str]:
    """The answer to a property, or the least and the greatest of several; after the verdict on a threshold."""
    answers = {"": found.least}
    if found.least is not found.greatest:
        answers = {f", {which} of {found.n_states} initial states": getattr(found, which) for which in EXTREMES}
    if found.holds is None:
        return [f"{found.asked}{which} = {_shown(answer)}" for which, answer in answers.items()]
    numbers = [
        f"  {which.removeprefix(', ')}{': ' if which else ''}{_shown(answer)}" for which, answer in answers.items()
    ]
    return [f"{found.asked}: {found.holds}", *numbers]


def _shown(answer: Answer) -> str:
    """A number in certified digits, its bounds and how it was found."""
    return f"{certified_digits(answer)}   in [{answer.lower!r}, {answer.upper!r}]   ({answer.method})"
