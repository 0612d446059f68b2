"""Where do the sampling settings cut a table in a place that is hardly a place?"""

from markovgpt.chains.logits import LogitTable
from markovgpt.chains.margins import Cuts
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.table_blocks import table_blocks


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

    >>> import numpy as np
    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(2, 1), np.array([[1.0, 1.0], [2.0, 1.0]]))
    >>> count_cuts(table, SamplingSettings(temperature=0))
    Cuts(n_rows=2, n_tied=1, n_narrow=0, smallest_margin=0.0)
    """
    return Cuts.joined(
        settings.cuts(block.logits, block.windows) for block in table_blocks(table, settings.needs_windows)
    )
