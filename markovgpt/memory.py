"""How much memory there is, and the refusal of what would not fit."""

import math
from decimal import Decimal
from numbers import Real
from pathlib import Path

import psutil

from markovgpt.errors import InvalidInput, TooLarge

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
CGROUP_USED = Path("/sys/fs/cgroup/memory.current")


def available_bytes() -> int:
    """Bytes that can still be taken: the machine's free memory, or what a container's limit leaves of it.

    >>> available_bytes() > 0
    True
    """
    free = psutil.virtual_memory().available
    try:
        return min(free, int(CGROUP_LIMIT.read_text()) - int(CGROUP_USED.read_text()))
    except (OSError, ValueError):  # no cgroup here, or its limit is the word "max"
        return free


def require_memory(n_bytes: int, what: str, remedy: str, *, budget: int | None = None) -> None:
    """Refuse before allocation what would not fit.

    Parameters
    ----------
    n_bytes: estimate of the peak, in bytes (a Python int: it may exceed any machine integer).
    what: the subject of the sentence, plural ("27**6 states x 27 tokens").
    remedy: what the caller can do instead; it must exist.
    budget: bytes allowed; None takes 3/4 of what is available now.

    Raises
    ------
    TooLarge: with the estimate, the budget and the remedy.

    >>> require_memory(10**15, "10**15 bytes", "ask for less", budget=10**9)
    Traceback (most recent call last):
    markovgpt.errors.TooLarge: 10**15 bytes need 1.0e+6 GB, budget 1.0 GB; ask for less
    """
    allowed = allowed_bytes(budget)
    if n_bytes > allowed:
        raise TooLarge(f"{what} need {shown_bytes(n_bytes)}, budget {shown_bytes(allowed)}; {remedy}")


def allowed_bytes(budget: int | None = None) -> int:
    """The budget, or 3/4 of what is available where there is none.

    Raises
    ------
    InvalidInput: a budget of 0 bytes or less.

    >>> allowed_bytes(10**9)
    1000000000
    """
    if budget is None:
        return available_bytes() * 3 // 4
    if isinstance(budget, bool) or not isinstance(budget, Real) or not 1 <= budget < math.inf:
        raise InvalidInput(f"memory budget must be above 0 bytes, got {budget}; None takes 3/4 of what is free")
    return int(budget)


def resident_bytes() -> int:
    """Bytes of memory this process holds now.

    >>> resident_bytes() > 0
    True
    """
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """The most memory this process has held, in bytes, where the system says it (Linux); elsewhere what it holds now.

    >>> peak_bytes() > 0
    True
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resident_bytes()


def shown_bytes(n_bytes: int) -> str:
    """A number of bytes, of any size, for a reader.

    >>> shown_bytes(512), shown_bytes(83_700_000_000), shown_bytes(65**65 * 8)
    ('512 bytes', '83.7 GB', '5.5e+109 GB')
    """
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}" if n_bytes < 10**15 else f"{Decimal(n_bytes) / size:.1e} {unit}"
    return f"{n_bytes} bytes"
