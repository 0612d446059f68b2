"""The peers that our solvers are measured against, each in an environment and in a process of its own.

What a peer needs never becomes a dependency of ours: Storm is under the GPL, PyDTMC wants an older numpy. A peer gets
the chain as a file, one thread and a time limit; `experiments.peer_runner` says how it is asked.
"""

import json
import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, load_npz, save_npz

from experiments.peer_runner import PEERS
from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput
from markovgpt.exchange.umb import write_umb

FOLDER = Path(__file__).parents[1] / ".venv-peers"
RUNNER = Path(__file__).with_name("peer_runner.py")
ARRAYS = ("numpy==2.4.6", "scipy==1.17.1")
PINS = {
    "storm": ("stormpy==2.0.0", *ARRAYS),
    "quantecon": ("quantecon==0.11.4", "numba==0.68.1", *ARRAYS),
    "pydtmc": ("PyDTMC==8.7.0", "matplotlib==3.7.3", "networkx==3.6.1", "numpy==1.26.4", "scipy==1.17.1"),
    "networkx": ("networkx==3.6.1", *ARRAYS),
    "scipy": ARRAYS,
}
QUESTIONS = ("stationary", "expected_time", "hitting")
MEASURED = ("seconds", "loading_seconds", "peak_bytes", "imported_bytes")
FIELDS = ("value", "lower", "upper", "width", "residual_l1", "residual_relative", *MEASURED)
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


class Absent(RuntimeError):
    """A peer that cannot be installed here, and why."""


def environment(name: str) -> Path:
    """The Python of a peer's environment; made at the first call, once.

    Raises
    ------
    Absent: with what pip said last.
    """
    failure = _failure_to_install(name)
    if failure:
        raise Absent(failure)
    return _python(name)


def write_chain(
    chain: TransitionOperator, folder: Path, *, start: int, red: NDArray[np.bool_], avoided: NDArray[np.bool_]
) -> None:
    """The chain for every peer: ``chain.umb``, and ``matrix.npz`` with ``sets.npz``."""
    initial = np.arange(chain.n_states) == start
    write_umb(chain, folder / "chain.umb", labels={"red": red, "avoided": avoided}, initial=initial)
    matrix = chain.to_csr()
    indices, indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)  # as scipy itself would
    save_npz(folder / "matrix.npz", csr_array((matrix.data, indices, indptr), matrix.shape), compressed=False)
    np.savez(folder / "sets.npz", red=red, avoided=avoided, start=start)


def ask(
    peer: str,
    question: str,
    folder: Path,
    *,
    tolerance: float = 1e-6,
    limit_seconds: float = 600,
    memory_bytes: int = 16 * 10**9,
) -> dict[str, Any]:
    """What a peer answers to a question about the chain in the folder, and what that took.

    Parameters
    ----------
    peer: one of `PEERS`; its first word is its environment.
    question: ``stationary``; ``expected_time`` from the start until red; ``hitting``, the probability of red before
        the avoided states, from the start.
    folder: as left by `write_chain`.
    tolerance: asked of those that iterate; what they mean by it differs. Storm's bounds are 2 tolerance wide.
    limit_seconds: of the whole process, importing and loading included; it is killed then.
    memory_bytes: of its address space.

    Returns
    -------
    ``status``: "answered", or why not; and None where there is nothing to say:
    ``value``: the answer; of a stationary distribution the share of red.
    ``lower``, ``upper``, ``width``: bounds where the peer gives them, and upper / lower - 1.
    ``residual_l1``, ``residual_relative``: of a stationary distribution, see `residuals`.
    ``seconds``, ``loading_seconds``: importing the library is in neither.
    ``peak_bytes``, ``imported_bytes``: the largest memory of the process, and of that what was there before loading.
    """
    if peer not in PEERS or question not in QUESTIONS:
        raise InvalidInput(f"ask one of {', '.join(PEERS)} for one of {', '.join(QUESTIONS)}, got {peer}, {question}")
    nothing = dict.fromkeys(FIELDS)
    try:
        python = environment(peer.split()[0])
    except Absent as reason:
        return {**nothing, "status": f"absent: {reason}"}
    job = {"peer": peer, "question": question, "folder": str(folder), "tolerance": tolerance}
    command = [str(python), "-I", str(RUNNER), json.dumps({**job, "memory_bytes": memory_bytes})]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit_seconds, env={**os.environ, **ONE_THREAD}
        )
    except subprocess.TimeoutExpired:
        return {**nothing, "status": f"over {limit_seconds:g} s"}
    if done.returncode:
        return {**nothing, "status": f"failed with {done.returncode}: {_last_line(done.stderr)}"}
    found = {**nothing, **json.loads(_last_line(done.stdout))}
    if found["lower"] is not None:
        found["width"] = relative_width(found["lower"], found["upper"])
    if question == "stationary" and found["status"] == "answered":
        found |= _judged(folder)
    return found


def relative_width(lower: float, upper: float) -> float:
    """Upper / lower - 1; 0 where they are equal, be it at 0 or infinity."""
    if lower == upper:
        return 0.0
    return upper / lower - 1 if lower else float("inf")


def residuals(matrix: csr_array, distribution: NDArray[np.float64]) -> tuple[float, float]:
    """How far a distribution is from stationary: |pi P - pi|_1, and the largest |(pi P)_s / pi_s - 1|."""
    after = distribution @ matrix
    change = np.abs(after - distribution)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(change > 0, change / np.abs(distribution), 0.0)
    return float(change.sum()), float(relative.max())


def _judged(folder: Path) -> dict[str, float]:
    """The share of red and the residuals of the distribution that a peer left."""
    distribution, red = np.load(folder / "stationary.npy"), np.load(folder / "sets.npz")["red"]
    l1, relative = residuals(load_npz(folder / "matrix.npz"), distribution)
    return {"value": float(distribution[red].sum()), "residual_l1": l1, "residual_relative": relative}


def _python(name: str) -> Path:
    """Where the Python of an environment is."""
    return FOLDER / name / "bin" / "python"


@cache
def _failure_to_install(name: str) -> str:
    """Install a peer's pinned wheels unless they are there; what went wrong, or nothing."""
    wanted = "\n".join((f"python {platform.python_version()}", *PINS[name], ""))
    done = FOLDER / name / "installed.txt"
    if done.exists() and done.read_text() == wanted:
        return ""
    pip = [str(_python(name)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(FOLDER / name)],
        [*pip, "--only-binary", ":all:", *PINS[name]],
    ):
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode:
            return _last_line(ran.stderr) or f"{command[0]} ended with {ran.returncode}"
    done.write_text(wanted)
    return ""


def _last_line(text: str) -> str:
    """The last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
