"""The transitions of a chain as they are written: by states, some at a time, with decimals that come back."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.exchange.written_numbers import SAFE, read_back
from markovgpt.scaled import ScaledArray

WRITTEN_AT_ONCE = 2**16  # transitions, as far as whole states allow
Row = tuple[int, int, str]  # source, target, probability


def listed_rows(chain: TransitionOperator) -> Iterator[Iterator[Row]]:
    """The transitions of whole states, some states at a time, sorted by source and target.

    Raises
    ------
    InvalidInput: a probability below 2**-3000000.

    >>> coin = SparseChain.from_matrix([[0.25, 0.75], [0.0, 1.0]])
    >>> [list(rows) for rows in listed_rows(coin)]
    [[(0, 0, '0.25'), (0, 1, '0.75'), (1, 1, '1.0')]]
    """
    for source, target, probability in edge_blocks(chain):
        if isinstance(probability, ScaledArray):
            parts = zip(probability.mantissa.tolist(), probability.exponent.tolist(), strict=True)
            texts = (read_back(mantissa, exponent) for mantissa, exponent in parts)
        else:
            texts = (repr(value) if value >= SAFE else read_back(*math.frexp(value)) for value in probability.tolist())
        yield zip(source.tolist(), target.tolist(), texts, strict=True)


def edge_blocks(chain: TransitionOperator) -> Iterator[Edges]:
    """The transitions of some states at a time: parts of a list where the chain has one, else asked for."""
    n, size = chain.n_states, max(1, WRITTEN_AT_ONCE // chain.largest_row)
    if isinstance(chain, SparseChain):
        bounds = np.searchsorted(chain.transitions.source, [*range(0, n, size), n]).tolist()
        for begin, end in pairwise(bounds):
            source, target, probability = chain.transitions
            yield Edges(source[begin:end], target[begin:end], probability[begin:end])
        return
    asked = np.zeros(n, dtype=bool)
    for first in range(0, n, size):
        asked[:] = False
        asked[first : first + size] = True
        yield chain.edges(asked)
