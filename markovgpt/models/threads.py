"""One torch thread: the same bytes on any number of cores, and on models this small the fastest choice.

Torch takes a second to import, so nothing here imports it before it is needed.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psutil


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run torch on one thread inside the block, and restore the caller's number after it.

    >>> with one_torch_thread():
    ...     torch_threads()
    1
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def take_over_torch_threads() -> None:
    """Make torch's libraries use as many threads on this thread as torch does: they keep the number by thread.

    On a new thread torch tells them when it is asked for the number, and not before.

    >>> take_over_torch_threads()
    """
    import torch

    torch.get_num_threads()


def torch_threads() -> int:
    """Threads torch would use: the cores of this machine, or what the user has set.

    >>> torch_threads() >= 1
    True
    """
    if "torch" not in sys.modules:  # nobody has told it another number
        return _threads_at_first()
    import torch

    return torch.get_num_threads()


@cache
def _threads_at_first() -> int:
    """Threads torch begins with: as many as the environment says, and at most the cores it may run on."""
    given = [os.environ.get(name, "") for name in ("MKL_NUM_THREADS", "OMP_NUM_THREADS")]  # the first one counts
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = min(allowed, psutil.cpu_count(logical=False) or allowed)
    return next((min(int(number), cores) for number in given if number.isdigit() and int(number) > 0), cores)
