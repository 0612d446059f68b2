"""A function of an experiment, called in a process of its own: its peak of memory and its threads are then its own."""

import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, get_type_hints

import markovgpt as mg
from experiments.provenance import ROOT

LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA")


def in_a_process(
    function: Callable[..., Any],
    *arguments: Any,
    threads: int | None = None,
    limit_seconds: float | None = None,
    environment: dict[str, str] | None = None,
) -> Any:
    """What a function of a module of experiments returns, in a fresh process.

    Parameters
    ----------
    arguments: dataclasses of numbers and texts, as the function's annotations say, or what json can hold; so is what it
        returns, whose tuples come back as lists.
    threads: of the libraries that compute; None leaves it to them.
    environment: variables that are set for it.

    Raises
    ------
    CalledProcessError, TimeoutExpired: it failed, or took longer than allowed and was ended.
    """
    module = function.__module__
    if module == "__main__":
        module = sys.modules["__main__"].__spec__.name  # as it is imported by others
    job = [asdict(each) if is_dataclass(each) and not isinstance(each, type) else each for each in arguments]
    fixed = {} if threads is None else {f"{library}_NUM_THREADS": str(threads) for library in LIBRARIES}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "experiments.apart", module, function.__name__, json.dumps(job)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=limit_seconds,
        env={**os.environ, "PYTHONPATH": path, **fixed, **(environment or {})},
    )
    return json.loads(done.stdout)


def each_in_a_process(function: Callable[[Any], dict[str, str]], cases: Sequence[Any]) -> Iterator[dict[str, str]]:
    """The row of each case, printed as it comes."""
    for case in cases:
        row = in_a_process(function, case)
        print(" | ".join(row.values()), flush=True)
        yield row


def import_all() -> None:
    """Import all that the package offers: what it imports late would be timed, and counted as memory, where it is."""
    for name in mg.__all__:
        getattr(mg, name)


def called(module: str, name: str, job: str) -> Any:
    """What the function returns, its arguments made of json."""
    import_all()
    function = getattr(importlib.import_module(module), name)
    hints = get_type_hints(function)
    kinds = [hints.get(parameter) for parameter in inspect.signature(function).parameters]
    given = json.loads(job)
    made = [
        kind(**each) if isinstance(kind, type) and is_dataclass(kind) else each
        for kind, each in zip(kinds, given, strict=False)
    ]
    return function(*made)


if __name__ == "__main__":
    print(json.dumps(called(*sys.argv[1:])))
