"""Processes that answer groups. One thread each, so that their number leaves the bytes as they are.

A process is asked in lines of json and answers in lines of json. It is one of our own rather than a pool's: it needs
nothing of the program that started it, dies with it, and is seen to die.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace
from markovgpt.chains.workers import Worker, work_through
from markovgpt.errors import InvalidInput, MarkovGPTError, NotConverged, TooLarge
from markovgpt.memory import allowed_bytes, require_memory
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.group import Row, rows_of

THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")  # each library has a word of its own
BEGIN = "from markovgpt.sweeps.crew import serve; serve()"
PROCESS_BYTES = 350_000_000  # of the libraries, in each process; half of it is torch, which filters need
BYTES_PER_STATE = 512  # of the vectors that a question needs; measured
REFUSALS = {kind.__name__: kind for kind in (InvalidInput, TooLarge)}

Job = dict[str, Any]


def job_of(table: Path, model: str, settings: Mapping[str, Any], grid: SweepGrid) -> Job:
    """What a process is asked: the folder of a table, what the model is called, and what is asked of it."""
    return {"table": str(table), "model": model, "settings": dict(settings), "grid": grid.as_json()}


def answered(job: Job) -> list[Row]:
    """The rows of one group."""
    return rows_of(_opened(job["table"]), job["model"], SamplingSettings(**job["settings"]), SweepGrid(**job["grid"]))


@cache
def _opened(folder: str) -> LogitTable:
    """A table, mapped into memory."""
    return LogitTable.open(folder)


def workers_that_fit(wanted: int, space: StateSpace, budget: int | None = None) -> int:
    """How many processes there is memory for, at most as many as are wanted.

    Raises
    ------
    TooLarge: not even one would fit.

    >>> workers_that_fit(3, StateSpace(2, 3), 10**9), workers_that_fit(3, StateSpace(2, 3), 10**10)
    (2, 3)
    """
    n, V = space.n_states, space.vocab_size
    each = PROCESS_BYTES + n * (8 * V + BYTES_PER_STATE)
    require_memory(each, f"the questions about {n} states x {V} tokens", "give a shorter context length", budget=budget)
    return min(wanted, allowed_bytes(budget) // each)


def answer_all(jobs: Sequence[Job], keep: Callable[[int, list[Row]], None], workers: int) -> None:
    """Answer every job, each process one after the other; ``keep`` is called with its place and its rows.

    A failure or Ctrl-C ends the others after their group.

    Raises
    ------
    InvalidInput, TooLarge, NotConverged: as a group is refused.
    MarkovGPTError: a process that ended without an answer.
    """
    crew: list[Process] = []

    def worker(process: Process) -> Worker:
        return lambda place: keep(place, process.ask(jobs[place]))

    try:
        for _ in range(min(workers, len(jobs))):
            crew.append(Process())  # noqa: PERF401 -- those that were started are ended, whatever happens
        work_through(range(len(jobs)), [worker(process) for process in crew])
    finally:
        for process in crew:
            process.end()


class Process:
    """A process that answers groups, one at a time."""

    def __init__(self) -> None:
        package = str(Path(__file__).resolve().parents[2])
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        own = {f"{library}_NUM_THREADS": "1" for library in THREADS} | {"PYTHONPATH": os.pathsep.join(paths)}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", BEGIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ | own,
            process_group=0,  # Ctrl-C is for the program that asks
        )

    def ask(self, job: Job) -> list[Row]:
        """The rows of a group.

        Raises
        ------
        InvalidInput, TooLarge, NotConverged: as the group is refused.
        MarkovGPTError: the process ended without an answer.
        """
        requests, replies = self._process.stdin, self._process.stdout
        line = ""
        if requests is not None and replies is not None:
            try:
                requests.write(json.dumps(job) + "\n")
                requests.flush()
                line = replies.readline()
            except BrokenPipeError:
                line = ""
        if not line.endswith("\n"):
            raise _died(self._process.wait(), job)
        reply = json.loads(line)
        if "rows" in reply:
            return list(reply["rows"])
        message = f"{_described(job)}: {reply['message']}"
        if reply["refused"] == NotConverged.__name__:
            raise NotConverged(message, reply["residual"])
        raise REFUSALS[reply["refused"]](message)

    def end(self) -> None:
        """Leave nothing of it behind."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # a request that nobody read
                    continue
        self._process.wait()


def serve() -> None:
    """Answer groups until nobody asks any more; what libraries print goes to stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as replies:
        os.dup2(2, 1)
        for line in sys.stdin:
            print(json.dumps(_reply(json.loads(line))), file=replies, flush=True)


def _reply(job: Job) -> dict[str, Any]:
    """The rows, or the refusal."""
    try:
        return {"rows": answered(job)}
    except NotConverged as error:
        return {"refused": NotConverged.__name__, "message": str(error), "residual": error.residual}
    except (MarkovGPTError, OSError) as error:
        kind = TooLarge if isinstance(error, TooLarge) else InvalidInput
        return {"refused": kind.__name__, "message": str(error)}
    except MemoryError:
        return {"refused": TooLarge.__name__, "message": "out of memory; give fewer workers"}


def _described(job: Job) -> str:
    """The model and the settings of a group, those that are on."""
    on = [f"{name} {value}" for name, value in job["settings"].items() if value is not None]
    return ", ".join([job["model"], *on])


def _died(code: int, job: Job) -> MarkovGPTError:
    """The refusal after a process that ended."""
    what = f"a worker must answer each group, got none ({f'signal {-code}' if code < 0 else f'exit code {code}'}) for "
    remedy = "run again, which goes on from what is finished, with fewer workers if memory was short"
    return (TooLarge if code == -signal.SIGKILL else MarkovGPTError)(f"{what}{_described(job)}; {remedy}")
