"""The part of a chain that can be reached from a start: the model is asked about nothing else."""

from collections.abc import Sequence

import numpy as np

from markovgpt.chains.asking import ask
from markovgpt.chains.listed_windows import ListedWindows
from markovgpt.chains.operator import Edges
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Window, as_tokens, is_count, window_label
from markovgpt.chains.window_chain import exponentials
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.models.protocol import NextTokenModel
from markovgpt.scaled import is_positive


def reachable_chain(
    model: NextTokenModel,
    settings: SamplingSettings | None,
    start: str | Sequence[int],
    *,
    within: int | None = None,
    max_states: int = 100_000,
) -> SparseChain:
    """Which windows can follow a start, and with what probabilities?

    At temperature 0 or a small top_k this serves windows far too many to list.

    Parameters
    ----------
    settings: None is temperature 1.
    start: 1 .. L tokens, or a text. State 0 of the result; shorter windows grow to L tokens, then slide.
    within: look only this many steps ahead (at least 0). Windows first seen at that step are made absorbing, so the
        chain answers questions up to that horizon. None follows every path to its end.
    max_states: refuse to list more windows than this.

    Raises
    ------
    TooLarge: more than max_states windows can be reached.
    InvalidInput: a start that is empty, too long or outside the vocabulary; within or max_states out of range.

    >>> from markovgpt.models.module_model import as_model
    >>> def echo(windows): return np.eye(2)[np.asarray(windows)[:, 0]]     # says the oldest token again
    >>> chain = reachable_chain(as_model(echo, vocab_size=2, context_length=40),
    ...                         SamplingSettings(temperature=0), (0, 1) * 20)
    >>> chain.n_states, chain.to_csr().toarray().tolist()
    (2, [[0.0, 1.0], [1.0, 0.0]])
    """
    first = _start_window(model, start)
    if not (within is None or is_count(within)) or not is_count(max_states) or max_states < 1:
        raise InvalidInput(
            f"within must be at least 0 and max_states at least 1, whole numbers, got {within} and {max_states}; "
            "leave within out to follow every path"
        )
    sampling = settings or SamplingSettings()
    numbers: dict[Window, int] = {first: 0}
    sources, targets, logs = [], [], []
    frontier, depth = [first], 0
    while frontier and depth != within:
        windows = np.array(frontier, dtype=np.int64)  # of one length: all lie equally far from the start
        rows = sampling.log_probabilities(ask(model, windows), windows)
        seen: list[Window] = []
        for window, row in zip(frontier, rows, strict=True):
            for token in np.flatnonzero(~np.isneginf(row)).tolist():
                after = (*window, token)[-model.context_length :]
                if after not in numbers:
                    numbers[after] = len(numbers)
                    seen.append(after)
                sources.append(numbers[window])
                targets.append(numbers[after])
                logs.append(float(row[token]))
            if len(numbers) > max_states:
                raise TooLarge(
                    f"more than max_states={max_states} windows can be reached in {depth + 1} steps; look fewer steps "
                    "ahead (within=), keep fewer tokens (top_k), or raise max_states"
                )
        frontier, depth = seen, depth + 1
    stopped = [numbers[window] for window in frontier]
    edges = _sorted_edges([*sources, *stopped], [*targets, *stopped], [*logs, *[0.0] * len(stopped)])
    labels = tuple(window_label(window, model.vocabulary) for window in numbers)
    space = ListedWindows(model.vocab_size, model.context_length, tuple(numbers))
    return SparseChain(edges, len(numbers), labels, space, model.vocabulary)


def _start_window(model: NextTokenModel, start: str | Sequence[int]) -> Window:
    """The start as tokens that are a window of the model."""
    if isinstance(start, str):
        if model.vocabulary is None:
            raise InvalidInput(f"a text start needs a vocabulary, got {start!r} without one; give token ids instead")
        window = model.vocabulary.encode(start)
    else:
        window = as_tokens(start, model.vocab_size)
    if not 1 <= len(window) <= model.context_length:
        raise InvalidInput(
            f"start must hold 1 to {model.context_length} tokens, got {len(window)}; keep the newest tokens"
        )
    return window


def _sorted_edges(sources: list[int], targets: list[int], logs: list[float]) -> Edges:
    """Edges in the order of their sources."""
    order = np.lexsort((targets, sources))
    probability = exponentials(np.array(logs))[order]
    possible = is_positive(probability)  # all of them: exponentials keeps what is possible above zero
    return Edges(
        np.array(sources, dtype=np.int64)[order][possible],
        np.array(targets, dtype=np.int64)[order][possible],
        probability[possible],
    )
