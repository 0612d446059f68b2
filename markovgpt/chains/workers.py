"""Share out blocks among threads. Each walks a contiguous range, where neighbours share what lies above them."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

LEAST_GAIN = 1.1  # of all workers over one, below which one is left to work alone: another program has the cores

Worker = Callable[[int], None]  # does one block after the other

_log = logging.getLogger(__name__)


class Shares:
    """Contiguous ranges of work, one a worker; who has none left takes the later half of the largest.

    >>> shares = Shares([0, 1, 2, 3], 2)
    >>> shares.take(0), shares.take(0), shares.take(0), shares.take(1), shares.take(1)
    (0, 1, 3, 2, None)
    """

    def __init__(self, blocks: Sequence[int], n_workers: int):
        cuts = [len(blocks) * worker // n_workers for worker in range(n_workers + 1)]
        self._left = [list(reversed(blocks[low:high])) for low, high in pairwise(cuts)]
        self._lock = threading.Lock()

    def take(self, worker: int) -> int | None:
        """The next block of a worker; None when all are taken."""
        with self._lock:
            if not self._left[worker]:
                richest = max(self._left, key=len)
                half = (len(richest) + 1) // 2
                self._left[worker], richest[:half] = richest[:half], []
            return self._left[worker].pop() if self._left[worker] else None


def work_through(blocks: Sequence[int], crew: Sequence[Worker]) -> None:
    """Do every block, each worker on a thread; a failure or an interruption ends the others after their block."""
    if len(crew) == 1:
        for block in blocks:
            crew[0](block)
        return
    shares, stop = Shares(blocks, len(crew)), threading.Event()
    failures: list[BaseException] = []

    def run(worker: int) -> None:
        try:
            while not stop.is_set() and (block := shares.take(worker)) is not None:
                crew[worker](block)
        except BaseException as failure:
            failures.append(failure)
            stop.set()

    threads = [threading.Thread(target=run, args=(worker,), daemon=True) for worker in range(len(crew))]
    try:
        for thread in threads:
            thread.start()
        _join(threads)
    except BaseException:  # Ctrl-C: blocks in hand are finished; a second one leaves at once
        stop.set()
        _join(threads)
        raise
    if failures:
        raise failures[0]


def _join(threads: Sequence[threading.Thread]) -> None:
    """Wait for all of them."""
    for thread in threads:
        if thread.ident is not None:  # it has been started
            thread.join()


def measured(blocks: Sequence[int], crew: Sequence[Worker]) -> tuple[Sequence[int], Sequence[Worker]]:
    """Whether the whole crew is faster than one: all warm up on the first blocks, then one works alone, then all do.

    Returns
    -------
    The blocks that are left, and who is to do them, which is also logged. Few blocks are not worth a measurement.
    """
    n = len(crew)
    if n == 1 or len(blocks) <= 4 * n:
        return blocks, crew
    cuts = (0, 2 * n, 2 * n + 1, 3 * n + 1)
    warming, alone, together = (blocks[low:high] for low, high in pairwise(cuts))
    work_through(warming, crew)
    gain = n * _seconds(alone, crew[:1]) / _seconds(together, crew)
    chosen = crew if gain > LEAST_GAIN else crew[:1]
    _log.info("%d worker(s) of one torch thread each: %d together were %.1f times as fast as one", len(chosen), n, gain)
    return blocks[cuts[-1] :], chosen


def _seconds(blocks: Sequence[int], crew: Sequence[Worker]) -> float:
    """How long the blocks take."""
    began = time.perf_counter()
    work_through(blocks, crew)
    return time.perf_counter() - began
