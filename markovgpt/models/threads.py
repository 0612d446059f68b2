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


def torch_threads() -> int:
    """Threads torch would use: the cores of this machine, or what the user has set.

    >>> torch_threads() >= 1
    True
    """
    return torch.get_num_threads()
