"""The same questions from a shell. Answers go to stdout, notes and refusals to stderr."""

import argparse
import dataclasses
import json
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start
from markovgpt.analysis.greedy import greedy_machine
from markovgpt.analysis.reachability import expected_hitting_time, hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.chains.logits import LogitTable, tabulate
from markovgpt.chains.red import ending_with
from markovgpt.chains.sampling import ENGINES, SamplingSettings
from markovgpt.chains.window_chain import WindowChain
from markovgpt.demo import FOLDER, run_demo
from markovgpt.errors import InvalidInput, MarkovGPTError, NotConverged, TooLarge
from markovgpt.export.certificates import write_certificate
from markovgpt.export.dot import draw, write_dot
from markovgpt.export.tables import certified_digits
from markovgpt.export.verify import verify
from markovgpt.export.written_numbers import without_infinities
from markovgpt.models.checkpoints import FORMATS, load_model, load_vocabulary

ANSWERED, BAD_INPUT, NOT_CERTIFIED, WOULD_NOT_FIT, INTERRUPTED = 0, 2, 3, 4, 130
MOST_LINES = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one command line; returns the exit code.

    0 answered, 2 bad input, 3 not certified to the tolerance asked for, 4 would not fit, 130 interrupted.
    """
    given = _parser().parse_args(arguments)
    try:
        code: int = given.answer(given) or ANSWERED
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        again = signal.signal(signal.SIGINT, signal.SIG_IGN)
        resumable = getattr(given, "on_disk", None)
        print("markovgpt: interrupted" + ("; the same command goes on from here" if resumable else ""), file=sys.stderr)
        signal.signal(signal.SIGINT, again)
        return INTERRUPTED
    except (MarkovGPTError, OSError, MemoryError) as error:
        print(f"markovgpt: {error or 'out of memory; give a shorter --context-length'}", file=sys.stderr)
        if isinstance(error, TooLarge | MemoryError):
            return WOULD_NOT_FIT
        return NOT_CERTIFIED if isinstance(error, NotConverged) else BAD_INPUT
    return ANSWERED


def run() -> None:
    """The command: `main`, and out, with threads that an interruption left behind in the midst of a block."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    _say_what_is_chosen()
    code = main()
    if code == INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _say_what_is_chosen() -> None:
    """Print what the package decides by itself, such as the number of workers, to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("markovgpt: %(message)s"))
    package = logging.getLogger("markovgpt")
    package.handlers, package.propagate = [handler], False
    package.setLevel(logging.INFO)


def _parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="markovgpt", description="What can this language model say, exactly, and how likely is it?"
    )
    commands = parser.add_subparsers(title="questions", required=True, metavar="QUESTION")

    demo = commands.add_parser("demo", help="the seed's baby GPT, end to end, into results/baby_gpt/")
    demo.add_argument("--out", metavar="FOLDER", default=str(FOLDER), help="where the results go (%(default)s)")
    demo.set_defaults(answer=_demo)

    stationary = commands.add_parser("stationary", help="where the chain lives in the long run")
    _add_common(stationary)
    stationary.set_defaults(answer=_stationary)

    reach = commands.add_parser("reach", help="how likely it is that a red text is written, and when")
    _add_common(reach)
    red = reach.add_mutually_exclusive_group(required=True)
    red.add_argument("--red", metavar="TEXT", help="red are the windows that end with this text")
    red.add_argument("--red-tokens", metavar="IDS", type=_token_ids, help="the same as token ids: 19,5,24")
    start = reach.add_mutually_exclusive_group()
    start.add_argument("--start", metavar="TEXT", help="the window to begin with; left out: every window")
    start.add_argument("--start-tokens", metavar="IDS", type=_token_ids, help="the same as token ids: 0,0,0,0")
    reach.add_argument("--within", metavar="N", type=int, help="within N tokens; left out: ever, and the expected time")
    reach.add_argument("--certificate", metavar="FILE", help="write the answer with what is needed to verify it")
    reach.set_defaults(answer=_reach)

    verifying = commands.add_parser("verify", help="whether a certificate holds, checked in whole numbers")
    verifying.add_argument("file", metavar="FILE", help="as reach --certificate writes it")
    verifying.add_argument("--json", action="store_true", help="print one JSON object")
    verifying.set_defaults(answer=_verify)

    greedy = commands.add_parser("greedy", help="the loops it falls into at temperature 0")
    _add_model(greedy)
    greedy.set_defaults(answer=_greedy)

    drawing = commands.add_parser("draw", help="the state graph")
    _add_common(drawing)
    drawing.add_argument("--out", metavar="FILE", required=True, help="ends in .svg, .png, .pdf or .dot")
    drawing.add_argument("--red", metavar="TEXT", help="mark the windows that end with this text")
    drawing.set_defaults(answer=_draw)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    """The model, and which windows are its states."""
    parser.add_argument(
        "model", metavar="MODEL", help="a folder of save_model, nanoGPT or Hugging Face, or a torch or safetensors file"
    )
    parser.add_argument("--prefixes", action="store_true", help="the shorter windows a text begins with are states too")
    parser.add_argument("--context-length", metavar="L", type=int, help="a shorter window than the model's own")
    parser.add_argument(
        "--on-disk", metavar="DIR", help="keep the table in this folder: resumed if interrupted, not made twice"
    )
    parser.add_argument("--workers", metavar="N", type=int, help="threads that tabulate (measured at the start)")
    parser.add_argument("--memory", metavar="GB", type=float, help="budget of the table (3/4 of what is free)")
    parser.add_argument("--format", default="auto", help="what MODEL must be: auto, " + ", ".join(FORMATS))
    parser.add_argument("--n-head", metavar="H", type=int, help="heads of a minGPT state dict, which does not say")
    parser.add_argument("--vocabulary", metavar="FILE", help="the tokens: a json list of strings, or a meta.pkl")
    parser.add_argument("--trust", action="store_true", help="unpickle a torch file, running whatever code is inside")
    parser.add_argument("--device", default="cpu", help="where torch runs the model (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_common(parser: argparse.ArgumentParser) -> None:
    """The model and the sampling settings."""
    _add_model(parser)
    parser.add_argument("--temperature", metavar="T", type=float, default=1.0, help="at least 0; 0 is the argmax (1)")
    parser.add_argument("--top-k", metavar="K", type=int, help="keep the K likeliest tokens")
    parser.add_argument("--top-p", metavar="P", type=float, help="keep the likeliest tokens of mass P")
    parser.add_argument("--min-p", metavar="P", type=float, help="keep tokens of at least P times the likeliest's")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="whose order of settings (%(default)s)")


def _token_ids(text: str) -> tuple[int, ...]:
    """Token ids of a list with commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"token ids must be whole numbers with commas, got {text!r}") from None


def _table(given: argparse.Namespace) -> LogitTable:
    """The model's logits."""
    if given.memory is not None and not 1 <= given.memory * 1e9 < math.inf:
        raise InvalidInput(f"--memory must be above 0 GB, got {given.memory}; leave it out to take 3/4 of what is free")
    budget = None if given.memory is None else int(given.memory * 1e9)
    model = load_model(
        given.model,
        format=given.format,
        trust=given.trust,
        device=given.device,
        n_head=given.n_head,
        vocabulary=None if given.vocabulary is None else load_vocabulary(given.vocabulary),
    )
    print(f"markovgpt: {model.source}", file=sys.stderr)
    return tabulate(
        model,
        with_prefixes=given.prefixes,
        context_length=given.context_length,
        directory=given.on_disk,
        memory_budget=budget,
        progress=True,
        workers=given.workers,
    )


def _chain(given: argparse.Namespace) -> tuple[WindowChain, SamplingSettings, LogitTable]:
    """The model's chain, the settings as resolved, and the table it was made from."""
    settings = SamplingSettings(given.temperature, given.top_k, given.top_p, given.min_p, given.engine)
    table = _table(given)
    return WindowChain.from_logits(table, settings), settings, table


def _demo(given: argparse.Namespace) -> None:
    run_demo(given.out)


def _stationary(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    chain, settings, table = _chain(given)
    found = stationary_distributions(chain)
    if given.json:
        classes = [
            {"windows": [chain.label(int(state)) for state in states], **answer.summary()}
            for states, answer in zip(found.classes, found.answers, strict=True)
        ]
        _print_json("stationary", settings, table, began, {"classes": classes})
        return
    for index, (states, answer) in enumerate(zip(found.classes, found.answers, strict=True)):
        print(f"recurrent class {index + 1} of {len(found.classes)}: {len(states)} of {chain.n_states} windows")
        _print_likeliest(chain, answer, states)


def _reach(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    if given.certificate is not None and given.within is not None:
        raise InvalidInput("a certificate has no horizon, got --within; leave out --within, or --certificate")
    chain, settings, table = _chain(given)
    wanted = given.red if given.red is not None else given.red_tokens
    red = ending_with(chain.space, wanted, chain.vocabulary)
    start: Start | None = given.start if given.start is not None else given.start_tokens
    answer = hitting_probability(chain, red, start=start, within=given.within)
    question = {"red": wanted, "start": start, "within": given.within}
    answers = {"P(red)": answer}
    if given.within is None:
        answers["expected tokens until red"] = expected_hitting_time(chain, red, start=start)
    if given.certificate is not None:
        endless = np.any(answers["expected tokens until red"].infinite)
        asked = "hitting_probability" if endless else "expected_hitting_time"
        note = f"red {wanted!r}; {settings}; {table.source}"
        write_certificate(chain, given.certificate, asked, target=red, start=start, note=note)
    if given.json:
        time_of = {f"expected_steps_{name}": v for name, v in list(answers.values())[-1].summary().items()}
        extra = {**answer.summary(), **(time_of if given.within is None else {})}
        _print_json("reach", settings, table, began, {**question, **extra})
        return
    for name, each in answers.items():
        if start is None:
            print(f"{name}, from each window")
            _print_likeliest(chain, each, np.arange(chain.n_states))
        else:
            print(f"{name} = {certified_digits(each)}   in [{each.lower!r}, {each.upper!r}]   ({each.method})")


def _verify(given: argparse.Namespace) -> int:
    verdict = verify(given.file)
    print(json.dumps(verdict.summary()) if given.json else verdict)
    return ANSWERED if verdict.holds else NOT_CERTIFIED


def _greedy(given: argparse.Namespace) -> None:
    began = time.perf_counter()
    table = _table(given)
    machine = greedy_machine(table)
    sizes = np.bincount(machine.basin, minlength=len(machine.cycles)).tolist()
    loops = [
        {"loop": machine.cycle_label(index), "length": len(states), "basin": size}
        for index, (states, size) in enumerate(zip(machine.cycles, sizes, strict=True))
    ]
    if given.json:
        longest = int(machine.transient_length.max())
        margins = {"n_tied": machine.n_tied, "smallest_margin": machine.smallest_margin, "longest_transient": longest}
        _print_json("greedy", SamplingSettings(temperature=0), table, began, {"loops": loops, **margins})
        return
    for loop in sorted(loops, key=lambda found: -int(found["basin"]))[:MOST_LINES]:
        origin = f"from {loop['basin']} of {table.space.n_states} windows"
        print(f"{loop['loop']!r} for ever ({loop['length']} windows), {origin}")
    _print_rest(len(loops))
    print(f"windows with tied logits: {machine.n_tied}; smallest margin {machine.smallest_margin:.3g} nats")


def _draw(given: argparse.Namespace) -> None:
    chain, _, _ = _chain(given)
    red = None if given.red is None else ending_with(chain.space, given.red, chain.vocabulary)
    write = write_dot if Path(given.out).suffix == ".dot" else draw
    file = write(chain, given.out, red=red)
    print(json.dumps({"file": str(file)}) if given.json else file)


def _print_likeliest(chain: WindowChain, answer: Answer, states: np.ndarray) -> None:
    """The windows with the largest values, at most 20."""
    for place in np.argsort(-answer.log10, kind="stable")[:MOST_LINES].tolist():
        print(f"  {chain.label(int(states[place]))}  {certified_digits(answer, place)}")
    _print_rest(len(states))


def _print_rest(count: int) -> None:
    """How many lines were left out."""
    if count > MOST_LINES:
        print(f"  ... and {count - MOST_LINES} more (--json prints all)")


def _print_json(
    question: str, settings: SamplingSettings, table: LogitTable, began: float, answer: dict[str, Any]
) -> None:
    """One object on stdout: question, model, settings, answer, states, seconds."""
    whole = {
        "question": question,
        "model": None if table.source is None else dataclasses.asdict(table.source),
        "settings": dataclasses.asdict(settings),
        **answer,
        "states": table.space.n_states,
        "seconds": round(time.perf_counter() - began, 3),
    }
    print(json.dumps(without_infinities(whole)))


if __name__ == "__main__":
    run()
