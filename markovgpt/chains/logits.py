"""The model asked once about every window. Dear to make; every sampling setting is then cheap."""

import logging
import threading
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from markovgpt.chains.plan import Plan, plan_of
from markovgpt.chains.states import StateSpace, is_count
from markovgpt.chains.table_files import Manifest, open_table
from markovgpt.chains.table_folder import TableFolder, require_disk, require_dtype
from markovgpt.chains.workers import Worker, measured, work_through
from markovgpt.durable import writing
from markovgpt.errors import InvalidInput
from markovgpt.memory import resident_bytes, shown_bytes
from markovgpt.models.protocol import NextTokenModel
from markovgpt.models.source import ModelSource
from markovgpt.models.threads import one_torch_thread, take_over_torch_threads, torch_threads
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False, repr=False)
class LogitTable(Shown):
    """The next-token logits of every window.

    Parameters
    ----------
    space: which windows.
    logits: (n_states, V), in the model's own dtype, which is part of the definition of the chain; made read-only.
    vocabulary: the tokens' strings, if known.
    source: where the model came from, if it was loaded.

    Raises
    ------
    InvalidInput: logits of another shape than the space's.

    >>> LogitTable(StateSpace(2, 1), np.zeros((2, 2))).logits.dtype
    dtype('float64')
    """

    space: StateSpace
    logits: NDArray[np.floating[Any]]
    vocabulary: Vocabulary | None = None
    source: ModelSource | None = None

    def __post_init__(self) -> None:
        expected = (self.space.n_states, self.space.vocab_size)
        if self.logits.shape != expected:
            raise InvalidInput(
                f"logits must have the shape (n_states, V) = {expected}, got {self.logits.shape}; "
                "one row for each state of the space"
            )
        self.logits.setflags(write=False)

    @property
    def vocab_size(self) -> int:
        """Number of tokens V; with `context_length` and `next_token_logits` a table is a `NextTokenModel` itself."""
        return self.space.vocab_size

    @property
    def context_length(self) -> int:
        """Longest window L."""
        return self.space.context_length

    def next_token_logits(self, windows: NDArray[np.integer[Any]]) -> NDArray[np.floating[Any]]:
        """The rows (B, V) of windows (B, T): what the model said, without asking it again.

        Raises
        ------
        InvalidInput: windows of a length that is not in the table.

        >>> LogitTable(StateSpace(2, 1), np.array([[1.0, 2.0], [3.0, 4.0]])).next_token_logits(np.array([[1]])).tolist()
        [[3.0, 4.0]]
        """
        return np.asarray(self.logits[self.space.numbers(windows)])

    @classmethod
    def open(cls, directory: str | Path) -> "LogitTable":
        """A table that `tabulate` wrote into a directory: mapped into memory, at once and at any size.

        Raises
        ------
        InvalidInput: no table there, or an unfinished one, or an array that is not what the manifest says.

        >>> import tempfile
        >>> from markovgpt.models.gpt import GPT, GPTConfig
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = tabulate(GPT(GPTConfig(2, 3)), directory=folder)
        ...     print(np.array_equal(LogitTable.open(folder).logits, made.logits))
        True
        """
        manifest, logits = open_table(Path(directory))
        return cls(manifest.space, logits, manifest.vocabulary, manifest.model)


def tabulate(
    model: NextTokenModel,
    *,
    with_prefixes: bool = False,
    context_length: int | None = None,
    directory: str | Path | None = None,
    memory_budget: int | None = None,
    progress: bool = False,
    workers: int | None = None,
) -> LogitTable:
    """What does the model say after every window?

    Parameters
    ----------
    model: any `NextTokenModel`.
    with_prefixes: whether the shorter windows that a text begins with are states too.
    context_length: a shorter window than the model's own, 1 .. L; None takes the model's.
    directory: where the table is to be kept, as ``logits.npy`` and ``manifest.json``; None keeps it in memory. A run
        that was killed goes on where it was; a whole table is checked against its hashes and taken as it is; blocks
        that were damaged are made anew.
    memory_budget: bytes that may be taken; None allows 3/4 of what is free.
    progress: whether to show rate, remaining time and memory on stderr, where that is a terminal.
    workers: threads, each running torch on one; None measures at the start whether all cores are faster than one, and
        gives one to a model that is not known to bear several at once.

    Raises
    ------
    TooLarge: memory or disk would not hold it, said before anything is taken; or the disk filled up on the way.
    InvalidInput: a context length outside 1 .. L, workers below 1, logits that are no numbers (the window is named), or
        a directory with another table or another writer.

    Method: a `GPT` is walked as a tree of shared prefixes (`markovgpt.models.prefix_tree`), a causal model of
    transformers through its own cache, any other is asked in batches. In shapes that depend on V and L alone and on one
    torch thread each, so that budget, workers, prefixes and resuming leave the bytes as they are, on one machine and
    torch build; the manifest names them. A full forward of the same window can differ in the last digits.

    >>> from markovgpt.models.module_model import as_model
    >>> def newest(windows): return np.eye(2)[np.asarray(windows)[:, -1]]
    >>> tabulate(as_model(newest, vocab_size=2, context_length=2)).logits.tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """
    if workers is not None and (not is_count(workers) or workers < 1):
        raise InvalidInput(f"workers must be a whole number of at least 1, got {workers}; None measures how many")
    # late: torch takes a second to import
    from markovgpt.models.identity import bears_threads, identity_of, is_known_by_its_weights, source_of

    plan = plan_of(model, with_prefixes, context_length)
    if directory is not None:
        require_disk(Path(directory), plan.table_bytes)
    most = workers or (torch_threads() if bears_threads(model) else 1)
    most = plan.affordable_workers(most, directory is not None, memory_budget)
    source = source_of(model)
    if directory is None:
        logits = _filled(plan, _MemoryTable(plan), most, workers is None, progress)
    else:
        identity = {"space": asdict(plan.space), "method": plan.survey.method, **identity_of(model)}
        wanted = Manifest(identity, np.dtype(np.float32), model.vocabulary, source, ())
        with writing(Path(directory)) as folder:
            table = TableFolder(
                folder, wanted, plan.survey.n_blocks, plan.rows_of, confirm=not is_known_by_its_weights(model)
            )
            with closing(table):
                logits = _filled(plan, table, most, workers is None, progress)
    return LogitTable(plan.space, logits, model.vocabulary, source)


def tabulation_bytes(
    model: NextTokenModel,
    *,
    with_prefixes: bool = False,
    context_length: int | None = None,
    on_disk: bool = False,
    workers: int = 1,
) -> int:
    """How much memory will `tabulate` take, in bytes, beside what the model and the libraries hold already?

    >>> from markovgpt.models.module_model import as_model
    >>> def newest(windows): return np.eye(2)[np.asarray(windows)[:, -1]]
    >>> tabulation_bytes(as_model(newest, vocab_size=2, context_length=20)) // 10**6     # 2**20 states x 2 doubles
    16
    """
    plan = plan_of(model, with_prefixes, context_length)
    return plan.bytes_per_worker * min(workers, plan.survey.n_blocks) + (0 if on_disk else plan.table_bytes)


class _Keeper(Protocol):
    """Where blocks go."""

    to_confirm: list[int]  # blocks that are there, and are answered again before anything is written

    @property
    def missing(self) -> Sequence[int]:
        """The blocks that are still to be made."""
        ...

    def put(self, block: int, logits: Sequence[NDArray[np.floating[Any]]]) -> None:
        """Take a block."""
        ...

    def finish(self) -> NDArray[np.floating[Any]]:
        """The whole array."""
        ...


class _MemoryTable:
    """A table in memory."""

    def __init__(self, plan: Plan):
        self._plan, self._lock = plan, threading.Lock()
        self.to_confirm: list[int] = []
        self._logits: NDArray[np.floating[Any]] = np.empty(0)

    @property
    def missing(self) -> Sequence[int]:
        """All blocks."""
        return range(self._plan.survey.n_blocks)

    def put(self, block: int, logits: Sequence[NDArray[np.floating[Any]]]) -> None:
        """Copy a block to its place; the first one says the dtype."""
        space = self._plan.space
        with self._lock:
            if not self._logits.size:
                self._logits = np.empty((space.n_states, space.vocab_size), dtype=logits[0].dtype)
        require_dtype(self._logits.dtype, logits)
        for (first, count), rows in zip(self._plan.rows_of(block), logits, strict=True):
            self._logits[first : first + count] = rows

    def finish(self) -> NDArray[np.floating[Any]]:
        """The array."""
        return self._logits


def _filled(plan: Plan, table: _Keeper, workers: int, measure: bool, show: bool) -> NDArray[np.floating[Any]]:
    """The table with every block made that was missing."""
    todo = table.missing

    def count(block: int) -> int:
        return sum(rows for _, rows in plan.rows_of(block))

    n_states, bar_lock = plan.space.n_states, threading.Lock()
    there = n_states - sum(map(count, [*table.to_confirm, *todo]))
    bar = tqdm(total=n_states, initial=there, unit=" windows", unit_scale=True, disable=None if show else True)

    def begin() -> Worker:
        answer = plan.survey.worker()

        def do(block: int) -> None:
            take_over_torch_threads()
            logits = list(answer(block))
            plan.check(block, logits)
            table.put(block, logits)
            with bar_lock:
                bar.set_postfix_str(shown_bytes(resident_bytes()), refresh=False)
                bar.update(count(block))

        return do

    above_the_bar = logging_redirect_tqdm([logging.getLogger("markovgpt")]) if show else nullcontext()
    with bar, above_the_bar, one_torch_thread():
        crew: Sequence[Worker] = [begin() for _ in range(max(1, min(workers, len(todo))))]
        for block in table.to_confirm:
            crew[0](block)
        work_through(*(measured(todo, crew) if measure else (todo, crew)))
    return table.finish()
