"""The same questions from a shell. Answers go to stdout, notes and refusals to stderr."""

import argparse
import errno
import logging
import os
import signal
import sys
from collections.abc import Sequence

from markovgpt.commands.check import add_check
from markovgpt.commands.compare import add_compare
from markovgpt.commands.draw import add_draw
from markovgpt.commands.explore import add_explore
from markovgpt.commands.export import add_export
from markovgpt.commands.greedy import add_greedy
from markovgpt.commands.likeliest import add_likeliest
from markovgpt.commands.questions import add_demo, add_stationary, add_verify
from markovgpt.commands.reach import add_reach
from markovgpt.commands.shape import add_shape
from markovgpt.commands.sweep import add_sweep
from markovgpt.errors import MarkovGPTError, NotConverged, TooLarge

ANSWERED, BAD_INPUT, NOT_CERTIFIED, WOULD_NOT_FIT, INTERRUPTED = 0, 2, 3, 4, 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of a disk
COMMANDS = (
    add_demo,
    add_stationary,
    add_shape,
    add_reach,
    add_sweep,
    add_verify,
    add_check,
    add_likeliest,
    add_greedy,
    add_compare,
    add_draw,
    add_export,
    add_explore,
)


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


def _parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="markovgpt", description="What can this language model say, exactly, and how likely is it?"
    )
    commands = parser.add_subparsers(title="questions", required=True, metavar="QUESTION")
    for add in COMMANDS:
        add(commands)
    return parser


if __name__ == "__main__":
    run()
