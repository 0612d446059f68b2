"""The same questions from a shell. Answers go to stdout, notes and refusals to stderr."""

import argparse
import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from markovgpt.errors import MarkovGPTError, NotConverged, TooLarge

ANSWERED, BAD_INPUT, NOT_CERTIFIED, WOULD_NOT_FIT, INTERRUPTED = 0, 2, 3, 4, 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of a disk
QUESTIONS = {  # by its command: the room that answers it, and what it is
    "demo": ("questions", "the seed's baby GPT, end to end, into results/baby_gpt/"),
    "stationary": ("questions", "where the chain lives in the long run"),
    "shape": ("shape", "classes, periods, entropy, how soon it forgets, what it remembers"),
    "reach": ("reach", "how likely it is that a red text is written, and when"),
    "sweep": ("sweep", "a red text under every combination of settings, as one table"),
    "verify": ("questions", "whether a certificate, or a bundle of evidence, holds"),
    "check": ("check", "what a property is on a chain from a model checker's file"),
    "likeliest": ("likeliest", "the likeliest text of N tokens, beside greedy and beam search"),
    "greedy": ("greedy", "the loops it falls into at temperature 0"),
    "compare": ("compare", "what changed from one model to another, as training changes it"),
    "draw": ("draw", "the state graph, or a part of it, as a picture or a file"),
    "export": ("export", "the chain as a file for model checkers and other programs"),
    "explore": ("explore", "one page to look at it: its states, its inside, and answers that follow the sliders"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer one command line; returns the exit code.

    0 answered, 2 bad input, 3 not certified to the tolerance asked for, 4 would not fit, 130 interrupted.
    """
    words = sys.argv[1:] if arguments is None else arguments
    given = _parser(words).parse_args(words)
    try:
        code: int = given.answer(given) or ANSWERED
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        again = signal.signal(signal.SIGINT, signal.SIG_IGN)
        resumable = getattr(given, "on_disk", None) or getattr(given, "resumable", False)
        print("markovgpt: interrupted" + ("; the same command goes on from here" if resumable else ""), file=sys.stderr)
        signal.signal(signal.SIGINT, again)
        return INTERRUPTED
    except (MarkovGPTError, OSError, MemoryError) as error:
        print(f"markovgpt: {error or 'out of memory; give a shorter --context-length'}", file=sys.stderr)
        if isinstance(error, TooLarge | MemoryError) or getattr(error, "errno", None) in FULL:
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


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The commands, and the options of the one that is asked: what answers the others is not imported."""
    parser = argparse.ArgumentParser(
        prog="markovgpt", description="What can this language model say, exactly, and how likely is it?"
    )
    commands = parser.add_subparsers(title="questions", required=True, metavar="QUESTION")
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, (room, what) in QUESTIONS.items():
        parser_of_one = commands.add_parser(name, help=what)
        if name == asked:
            getattr(import_module(f"markovgpt.commands.{room}"), f"add_{name}")(parser_of_one)
    return parser


if __name__ == "__main__":
    run()
