"""Every experiment, each in a process of its own; what is up to date is left as it is.

    python -m experiments.all                      in its default size, into results/
    python -m experiments.all --small              in some seconds each, into build/small/
    python -m experiments.all --only names parity  these alone

Two are made at a time, and after them, one by one, those whose tables depend on how fast the machine is; in small,
where no time counts, all are made two at a time.

Up to date is what the same settings, the same versions and the same code made, package and experiment, and what still
has the bytes it had then. A failure is told and the others go on; an interrupted run is gone on with by the same
command. What each experiment prints goes to build/logs/. After a whole run the README's tables are those measured.
"""

import argparse
import ast
import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from experiments.provenance import ROOT, code_of
from experiments.readme_tables import refill_readme
from experiments.study import RESULTS, SMALL, Study, settings_as_json
from markovgpt.cli import BAD_INPUT, INTERRUPTED
from markovgpt.errors import InvalidInput
from markovgpt.export.record import outdated, read_record

LOGS = Path("build/logs")
FAILED, UNKNOWN_SECONDS = 1, 30.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Work:
    """An experiment that is to be made, why, how many seconds it took the last time, if ever, and whether alone."""

    name: str
    reason: str
    seconds: float | None
    alone: bool = False


def names_of_all() -> list[str]:
    """The names of the files that have a STUDY."""
    return sorted(file.stem for file in (ROOT / "experiments").glob("*.py") if has_study(file))


def has_study(file: Path) -> bool:
    """Whether a module sets STUDY; it is not run."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return any(isinstance(target, ast.Name) and target.id == "STUDY" for target in targets)


def study_of(name: str) -> Study:
    """The STUDY of a module."""
    found: Study = importlib.import_module(f"experiments.{name}").STUDY
    return found


def chosen(only: Sequence[str] | None) -> list[str]:
    """The names to be made.

    Raises
    ------
    InvalidInput: there is none of one of these names.
    """
    names = names_of_all()
    strangers = [name for name in only or () if name not in names]
    if strangers:
        raise InvalidInput(f"--only must name experiments, got {', '.join(strangers)}; there are {', '.join(names)}")
    return names if only is None else [name for name in names if name in only]


def to_be_made(name: str, *, small: bool, force: bool) -> Work | None:
    """What is to be done about an experiment; None where it is up to date."""
    folder = (SMALL if small else RESULTS) / name
    seconds = read_record(folder).get("seconds")
    study = study_of(name)
    alone = study.alone and not small
    if force or not study.records:
        return Work(name, "asked for" if force else "always made", seconds, alone)
    settings = settings_as_json(study.small if small else study.settings)
    reason = outdated(folder, settings=settings, code=code_of(name, study.enters))
    return Work(name, reason, seconds, alone) if reason else None


def make(work: Work, *, small: bool) -> int:
    """Make one in a process of its own; its exit code."""
    LOGS.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"experiments.{work.name}", *(["--small"] if small else [])]
    with log_of(work.name).open("w", encoding="utf-8") as log:
        return subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode


def log_of(name: str) -> Path:
    """Where the words of an experiment go."""
    return LOGS / f"{name}.log"


def last_line(file: Path) -> str:
    """The last line of a log that is not empty."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def expected_seconds(works: Sequence[Work], at_once: int) -> float:
    """How long works will take, from what they took the last time."""
    return sum(seconds_of(work) / (1 if work.alone else at_once) for work in works)


def seconds_of(work: Work) -> float:
    """How long one will take."""
    return UNKNOWN_SECONDS if work.seconds is None else work.seconds


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(7.2), duration(200)
    ('7 s', '3 min 20 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def make_all(works: Sequence[Work], *, small: bool, at_once: int, say: Say = print) -> dict[str, str]:
    """Make them, those that are made alone after the others; of each that failed its last words."""
    failed: dict[str, str] = {}
    ahead, done, began = list(works), 0, time.perf_counter()

    def one(work: Work) -> None:
        nonlocal done
        started = time.perf_counter()
        code = make(work, small=small)
        took = duration(time.perf_counter() - started)
        ahead.remove(work)
        done += 1
        if code:
            failed[work.name] = f"exit code {code}, {last_line(log_of(work.name))}"
        outcome = f"failed: {failed[work.name]}" if code else f"{took} ({work.reason})"
        left = f"; about {duration(expected_seconds(ahead, at_once))} left" if ahead else ""
        say(f"{done} of {len(works)}  {work.name}: {outcome}{left}")

    say(f"{len(works)} to make, about {duration(expected_seconds(works, at_once))}")
    for alone, threads in ((False, at_once), (True, 1)):
        longest_first = sorted(works, key=seconds_of, reverse=True)  # so that none is left over at the end
        pool = ThreadPoolExecutor(threads)
        try:
            list(pool.map(one, [work for work in longest_first if work.alone == alone]))
        finally:
            pool.shutdown(cancel_futures=True)
    say(f"{len(works) - len(failed)} made, {len(failed)} failed, in {duration(time.perf_counter() - began)}")
    return failed


def main(arguments: Sequence[str] | None = None, say: Say = print) -> int:
    """Make what is not up to date; the exit code: 0 all made, 1 some failed, 2 bad input, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m experiments.all", description="Make every experiment.")
    parser.add_argument("--small", action="store_true", help="in some seconds each, into build/small/")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these alone")
    parser.add_argument("--force", action="store_true", help="also those that are up to date")
    parser.add_argument(
        "--at-once",
        type=int,
        default=2,
        metavar="N",
        help="so many at a time of those that need not be alone (default: 2)",
    )
    given = parser.parse_args(arguments)
    at_once = given.at_once
    try:
        if at_once < 1:
            raise InvalidInput(f"--at-once must be at least 1, got {at_once}; give 1 or more")
        names, broken, works = chosen(given.only), {}, []
        for name in names:
            try:
                work = to_be_made(name, small=given.small, force=given.force)
            except Exception as error:  # of a module that cannot be imported: the others go on
                broken[name] = f"{type(error).__name__}: {error}"
                continue
            if work is None:
                say(f"{name}: up to date")
            else:
                works.append(work)
        failed = broken | make_all(works, small=given.small, at_once=at_once, say=say)
    except InvalidInput as refusal:
        print(f"experiments.all: {refusal}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("experiments.all: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    for name, reason in failed.items():
        say(f"failed: {name}: {reason}; its words are in {log_of(name)}")
    if not given.small:
        refill_readme()
    return FAILED if failed else 0


if __name__ == "__main__":
    sys.exit(main())
