"""Where do the sampling settings cut a table, and where in a place that is hardly a place?"""

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.logits import LogitTable
from markovgpt.chains.margins import Cuts
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace
from markovgpt.chains.table_blocks import ENTRIES_AT_ONCE, table_blocks

Tokens = NDArray[np.bool_]  # (n_states, V), the tokens that settings leave


def count_cuts(table: LogitTable, settings: SamplingSettings) -> Cuts:
    """How many windows tie across a cut of the settings, or come within 1e-6 of being cut differently?

    For these the tokens that are left hang on the order in which equals are sorted, or on the last digits of float32
    sums, which another machine or build may round otherwise: a chain with such rows may be this machine's alone.

    Parameters
    ----------
    table: the logits of every window.
    settings: what cuts them.

    Raises
    ------
    InvalidInput: as `SamplingSettings.log_probabilities`.

    >>> table = LogitTable(StateSpace(2, 1), np.array([[1.0, 1.0], [2.0, 1.0]]))
    >>> count_cuts(table, SamplingSettings(temperature=0))
    Cuts(n_rows=2, n_tied=1, n_narrow=0, smallest_margin=0.0)
    """
    return Cuts.joined(
        settings.cuts(block.logits, block.windows) for block in table_blocks(table, settings.needs_windows)
    )


def kept_tokens(table: LogitTable, settings: SamplingSettings, states: NDArray[np.int64] | None = None) -> Tokens:
    """Which tokens (n_states, V) do settings leave after all windows, or after given ones? The support of their chain.

    >>> table = LogitTable(StateSpace(2, 1), np.array([[2.0, 1.0], [0.0, 3.0]]))
    >>> kept_tokens(table, SamplingSettings(top_k=1)).tolist()
    [[True, False], [False, True]]
    """
    count, V = table.space.n_states if states is None else len(states), table.space.vocab_size
    kept, step = np.empty((count, V), dtype=bool), max(1, ENTRIES_AT_ONCE // V)
    for first in range(0, count, step):
        some = np.arange(first, min(first + step, count)) if states is None else states[first : first + step]
        windows = _windows(table.space, some) if settings.needs_windows else None
        kept[first : first + step] = ~np.isneginf(settings.log_probabilities(table.logits[some], windows))
    return kept


def _windows(space: StateSpace, states: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, L) the tokens of some windows; a shorter one says its newest token again."""
    windows = [space.decode(state) for state in states.tolist()]
    return np.array([(*window, *window[-1:] * (space.context_length - len(window))) for window in windows])
