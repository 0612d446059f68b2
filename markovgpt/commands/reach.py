"""`markovgpt reach`: how likely it is that a red text is written, when, how, and under which settings."""

import argparse
import dataclasses
import time

import numpy as np

from markovgpt.analysis.arguments import Target
from markovgpt.analysis.reachability import expected_hitting_time, hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.chains.red import red_regex, red_tokens
from markovgpt.chains.window_chain import WindowChain
from markovgpt.commands.details import DETAILS, Asked, add_details
from markovgpt.commands.options import (
    add_common,
    add_end,
    add_start,
    chain_of,
    path,
    require_vocabulary,
    start_of,
    stop_tokens_of,
    token_ids,
)
from markovgpt.commands.output import print_json, print_likeliest
from markovgpt.errors import InvalidInput
from markovgpt.evidence.bundle import free_folder, write_bundle
from markovgpt.evidence.certificates import write_certificate
from markovgpt.export.tables import certified_digits


def add_reach(reach: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common(reach)
    asking = reach.add_argument_group("question")
    red = asking.add_mutually_exclusive_group(required=True)
    red.add_argument("--red", metavar="TEXT", action="append", help="a text that must not be written; may be repeated")
    red.add_argument("--red-tokens", metavar="IDS", type=token_ids, action="append", help="token ids: 19,5,24")
    red.add_argument("--red-regex", metavar="REGEX", help="any text that matches a regular expression")
    start = asking.add_mutually_exclusive_group()
    add_start(start, "the window to begin with; left out: every window")
    start.add_argument("--long-run", action="store_true", help="begin where the chain lives in the long run")
    asking.add_argument("--within", metavar="N", type=int, help="within N tokens; left out: ever, and when")
    add_end(asking)
    asking.add_argument(
        "--certificate", metavar="FILE", type=path, help="write the answer with what is needed to verify it"
    )
    asking.add_argument(
        "--bundle",
        metavar="FOLDER",
        type=path,
        help="write chain, property, answer and certificate, for others to check",
    )
    add_details(reach)
    reach.set_defaults(answer=_reach)


def _reach(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    _check(given)
    made = chain_of(given)
    asked = _asked(given, made.chain)
    answers = _answers(asked)
    if given.certificate is not None or given.bundle is not None:
        endless = np.any(answers["expected tokens until red"].infinite)
        question = "hitting_probability" if endless else "expected_hitting_time"
        note = f"red {asked.wanted!r}; {made.settings}; {made.table.source}"
        said = {"target": asked.red, "start": asked.start, "note": note}
        if given.certificate is not None:
            write_certificate(made.chain, given.certificate, question, **said)
        if given.bundle is not None:
            write_bundle(made.chain, given.bundle, question, **said)
    details = [
        detail(asked, made, answers["P(red)"], getattr(given, name))
        for name, detail in DETAILS.items()
        if _is_wanted(given, name)
    ]
    if given.json:
        whole = asked.described | {"cuts": dataclasses.asdict(made.cuts)} | answers["P(red)"].summary()
        if "expected tokens until red" in answers:
            time_of = answers["expected tokens until red"].summary()
            whole |= {f"expected_steps_{name}": value for name, value in time_of.items()}
        for detail in details:
            whole |= detail.described
        print_json("reach", made.settings, made.table, began, whole)
        return
    for name, answer in answers.items():
        _print(name, answer, made.chain)
    for detail in details:
        print("\n".join(detail.lines))


def _check(given: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    ended = given.stop is not None or given.stop_tokens is not None
    wanted = given.certificate is not None or given.bundle is not None
    if wanted and (given.within is not None or ended or given.avoiding or given.long_run):
        raise InvalidInput(
            "a certificate has no horizon, no end and one start, got --within, --stop, --avoiding or --long-run; "
            "leave it out, or --certificate and --bundle"
        )
    if given.bundle is not None and start_of(given) is None:
        raise InvalidInput("--bundle needs one start, got none; give --start or --start-tokens")
    if given.bundle is not None:
        free_folder(given.bundle)  # said before anything is computed
    for name in DETAILS:
        if _is_wanted(given, name) and start_of(given) is None:
            option = "--" + name.replace("_", "-")
            raise InvalidInput(f"{option} needs one start, got none; give --start or --start-tokens")


def _is_wanted(given: argparse.Namespace, name: str) -> bool:
    """Whether an option was given, 0 included."""
    value = getattr(given, name)
    return value is not None and value is not False


def _asked(given: argparse.Namespace, chain: WindowChain) -> Asked:
    """The question of a command line."""
    red: Target
    if given.red_regex is not None:
        require_vocabulary(chain.vocabulary, "--red-regex")
        wanted, red = given.red_regex, red_regex(given.red_regex, chain.vocabulary)  # type: ignore[arg-type]
    elif given.red is not None:
        wanted, red = given.red[0] if len(given.red) == 1 else given.red, given.red
    else:
        wanted = given.red_tokens[0] if len(given.red_tokens) == 1 else given.red_tokens
        red = red_tokens(*given.red_tokens)
    start = start_of(given)
    if given.long_run:
        start = stationary_distributions(chain).only()
    return Asked(chain, red, wanted, start, given.within, given.avoiding, stop_tokens_of(given, chain.vocabulary))


def _answers(asked: Asked) -> dict[str, Answer]:
    """The probability, and where nothing ends the text the expected time."""
    probability = hitting_probability(asked.chain, asked.red, start=asked.start, within=asked.within, **asked.ends)
    if asked.within is not None or asked.avoiding or asked.stop_tokens:
        return {"P(red)": probability}
    time_until = expected_hitting_time(asked.chain, asked.red, start=asked.start)
    return {"P(red)": probability, "expected tokens until red": time_until}


def _print(name: str, answer: Answer, chain: WindowChain) -> None:
    """One answer, from a start or from every window."""
    if isinstance(answer.value, np.ndarray):
        print(f"{name}, from each window")
        print_likeliest(chain, answer, np.arange(chain.n_states))
    else:
        print(f"{name} = {certified_digits(answer)}   in [{answer.lower!r}, {answer.upper!r}]   ({answer.method})")
