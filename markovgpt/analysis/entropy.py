"""How much is left open, per token, in the long run?

    H(s) = - sum_t p(s, t) log p(s, t)          rate = sum_s pi(s) H(s)

A probability p <= 3/4 has its -p log p taken as it is: all its factors are positive, and known to a few roundings. The
one that may be above 3/4 in a row is the complement of the others' sum r, and -(1 - r) log(1 - r) is taken from r:
nothing cancels, and a window that is certain but for 1e-200 has an entropy with all its digits.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start
from markovgpt.analysis.divergence_terms import surprise
from markovgpt.analysis.result import Answer
from markovgpt.analysis.row_mean import lived_in, mean_under
from markovgpt.chains.normalised_rows import NormalisedRows, normalised_rows
from markovgpt.chains.operator import TransitionOperator
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, as_floats, concatenate, is_positive, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure

LIKELY = 0.75  # above, a probability is the complement of the others
TINY = 2.0**-60  # below, -(1 - r) log(1 - r) is r
LOG_ULPS = 4  # a logarithm and an exponential are within so many roundings of theirs


@dataclass(frozen=True)
class EntropyRate(Shown):
    """Entropy per token in the long run, with certified bounds.

    Parameters
    ----------
    bits, nats: the same, in units of log 2 and of 1; each with its lower and upper bound.
    perplexity: e**nats, between 1 and the number of tokens: as many equally likely tokens leave as much open.
    method: how it was found.
    residual: the largest relative defect of the balance equations, as computed.
    """

    bits: float
    bits_lower: float
    bits_upper: float
    nats: float
    nats_lower: float
    nats_upper: float
    perplexity: float
    perplexity_lower: float
    perplexity_upper: float
    method: str
    residual: float

    @classmethod
    def of(cls, mean: Enclosure) -> "EntropyRate":
        """The rate that a mean in nats is."""
        nats = Answer.of(mean)
        bits = Answer.of(in_bits(mean))
        powers = [math.exp(number) for number in (nats.value, nats.lower, nats.upper)]
        around = [_outward(power, direction) for power, direction in zip(powers, (0, -1, 1), strict=True)]
        if nats.upper == 0:
            around = [1.0, 1.0, 1.0]
        return cls(
            *(bits.value, bits.lower, bits.upper),
            *(nats.value, nats.lower, nats.upper),
            *(around[0], max(1.0, around[1]), around[2]),
            mean.method,
            mean.residual,
        )

    def summary(self) -> dict[str, Any]:
        """The numbers, their bounds and where they come from as a plain dict."""
        return asdict(self)


def entropy_rate(chain: TransitionOperator, *, start: Start | None = None) -> EntropyRate:
    """How many bits does each token carry, in the long run?

        sum_s pi(s) H(s),    H(s) = - sum_t p(s, t) log p(s, t),    0 log 0 = 0

    Parameters
    ----------
    start: a state, a distribution, a window or a text; None where it does not matter, the chain having one recurrent
        class. Transient windows do not matter.

    Returns
    -------
    EntropyRate: exactly 0 where one token alone can follow wherever the chain lives, as at temperature 0.

    Raises
    ------
    InvalidInput: several recurrent classes, which are listed, and no start; a start that does not fit the chain.
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> round(entropy_rate(coin).bits, 12), round(entropy_rate(coin).perplexity, 12)
    (1.0, 2.0)
    """
    return EntropyRate.of(mean_under(lived_in(chain, start), row_entropies(chain)))


def row_entropies(chain: TransitionOperator) -> Enclosure:
    """The entropy of what follows each state, in nats, (n_states,); exactly 0 where one transition alone is possible.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> row_entropies(SparseChain.from_matrix([[0.5, 0.5], [0, 1]])).value.round(12).tolist()
    [0.69314718056, 0.0]
    """
    parts, width = [], 1
    for block in normalised_rows(chain):
        parts.append(_entropies(block))
        width = max(width, block.width)
    value = concatenate(parts)
    # p to 2 w + 8, its logarithm, at least 0.28, to four times that, the sum r and its function to as much again
    lower, upper = widen(value, 12 * width + 60)
    return Enclosure(value, lower, upper, 0.0, "row sums")


def in_bits(nats: Enclosure) -> Enclosure:
    """Numbers in nats, in bits."""
    value, low, high = (ScaledArray.of(part) / np.log(2.0) for part in (nats.value, nats.lower, nats.upper))
    return Enclosure(value, widen(low, 2)[0], widen(high, 2)[1], nats.residual, nats.method)


def _entropies(block: NormalisedRows) -> Numbers:
    """The entropy of each row of a block."""
    (share,) = block.probabilities
    likely = as_floats(share) > LIKELY
    others = share * np.where(likely, 0.0, 1.0)
    own = block.sums(others * surprise(share))
    rest = block.sums(others)
    has_likely = np.zeros(block.n_rows, dtype=bool)
    has_likely[block.row[likely]] = True
    return own + rest * (_likely_part(as_floats(rest)) * (has_likely & is_positive(rest)))


def _likely_part(rest: FloatArray) -> FloatArray:
    """-(1 - r) log(1 - r) / r."""
    usual = (rest > TINY) & (rest < 1 - LIKELY / 2)
    r = np.where(usual, rest, 0.25)
    return np.where(usual, (1 - r) * -np.log1p(-r) / r, 1.0)


def _outward(value: float, direction: int) -> float:
    """A number moved by more than an exponential is off."""
    return value * (1 + direction * LOG_ULPS * 2.0**-52)
