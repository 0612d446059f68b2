"""One torch thread: the same bytes on any number of cores, and on models this small the fastest choice."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run torch on one thread inside the block, and restore the caller's number after it.

    >>> with one_torch_thread():
    ...     torch.get_num_threads()
    1
    """
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
    torch.get_num_threads()


def torch_threads() -> int:
    """Threads torch would use: the cores of this machine, or what the user has set.

    >>> torch_threads() >= 1
    True
    """
    return torch.get_num_threads()
