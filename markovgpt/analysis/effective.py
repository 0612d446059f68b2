"""Over how many states does the chain spread its time? The perplexity of its long run.

    N = exp( - sum_s pi(s) log pi(s) )

As many states, visited equally often, would leave as much open: 1 where it stands still, n where all n are visited
alike.
"""

import numpy as np

from markovgpt.analysis.arguments import Start
from markovgpt.analysis.divergence_terms import surprise
from markovgpt.analysis.result import Answer
from markovgpt.analysis.row_mean import lived_in
from markovgpt.chains.operator import TransitionOperator
from markovgpt.scaled import Numbers, ScaledArray, at_most, choose, is_positive, widen
from markovgpt.solvers.certificate import Enclosure
from markovgpt.sums import TOTAL_ROUNDINGS, total

TURN = np.exp(-1.0)  # -x log x rises up to here, and falls beyond
TERM_ROUNDINGS = 64  # of a term; its logarithm is within some roundings of itself
LARGEST_NATS = 700.0  # an entropy beyond has no exponential in doubles


def effective_states(chain: TransitionOperator, *, start: Start | None = None) -> Answer:
    """Over how many states does the chain spread its time in the long run?

        exp( - sum_s pi(s) log pi(s) ),    0 log 0 = 0

    Parameters
    ----------
    start: a state, a distribution, a window or a text; None where it does not matter, the chain having one recurrent
        class.

    Returns
    -------
    Answer: exactly 1 where one state alone is left.

    Raises
    ------
    InvalidInput: several recurrent classes, which are listed, and no start; a start that does not fit the chain.
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> even = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])  # 1/2, 1/4, 1/4
    >>> round(effective_states(even).value, 12) == round(2**1.5, 12)
    True
    """
    return effective_number(lived_in(chain, start))


def effective_number(lived: Answer) -> Answer:
    """Over how many of its entries is a distribution spread, given with its bounds?

    Method: -x log x rises and then falls, so that over an interval it is least at one of the ends, and largest at the
    top 1/e where that lies inside.

    >>> half = np.array([0.5, 0.5])
    >>> round(effective_number(Answer.of(Enclosure(half, half, half, 0.0, "known"))).value, 12)
    2.0
    """
    mass = lived.enclosure
    ends = [_term(part) for part in (mass.lower, mass.upper)]
    lower = choose(at_most(*ends), *ends)
    upper = choose(at_most(*ends), ends[1], ends[0])
    top = at_most(mass.lower, _like(mass.lower, TURN)) & at_most(_like(mass.upper, TURN), mass.upper)
    upper = choose(top, _like(upper, TURN), upper)
    sums = [ScaledArray.of(total(part)) for part in (_term(mass.value), lower, upper)]
    if not is_positive(sums[2]):
        one = ScaledArray.of(np.ones(()))
        return Answer.of(Enclosure(one, one, one, mass.residual, mass.method), iterations=lived.iterations)
    roundings = TOTAL_ROUNDINGS + TERM_ROUNDINGS
    nats = (sums[0], widen(sums[1], roundings)[0], widen(sums[2], roundings)[1])
    value, low, high = (ScaledArray.exp(np.minimum(part.to_float(), LARGEST_NATS)) for part in nats)
    least = ScaledArray.of(np.ones(()))
    low = widen(low, 4 * LARGEST_NATS)[0]  # an exponential is off by roundings of its exponent
    low = choose(at_most(low, least), least, low)
    found = Enclosure(value, low, widen(high, 4 * LARGEST_NATS)[1], mass.residual, f"{mass.method}, entropy")
    return Answer.of(found, iterations=lived.iterations)


def _term(x: Numbers) -> Numbers:
    """-x log x, of numbers up to 1 that rounding may have put a little above."""
    return x * np.maximum(surprise(x), 0.0)


def _like(x: Numbers, number: float) -> Numbers:
    """One number, as often as there are others, in their form."""
    whole = np.full(x.shape, number)
    return ScaledArray.of(whole) if isinstance(x, ScaledArray) else whole
