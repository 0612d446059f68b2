"""What is a number that each state has worth in the long run? Its mean under a stationary distribution, with bounds.

    E_pi[f] = sum_s pi(s) f(s),    f >= 0,  pi and f enclosed

A sum of products of non-negatives: bounds times bounds, and the roundings of the sum.
"""

from dataclasses import replace

import numpy as np

from markovgpt.analysis.arguments import Start
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import long_run_distribution, stationary_distributions
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import ScaledArray, is_positive, widen
from markovgpt.solvers.certificate import Enclosure
from markovgpt.sums import TOTAL_ROUNDINGS, dot

NOTHING = "zero on every state of positive mass"  # the method of a mean that is 0 whatever the distribution


def lived_in(chain: TransitionOperator, start: Start | None) -> Answer:
    """Where the chain lives in the long run, over all states; from a start if one is given.

    Raises
    ------
    InvalidInput: several recurrent classes, which are listed, and no start.
    """
    return stationary_distributions(chain).only() if start is None else long_run_distribution(chain, start)


def has_mass(lived: Answer) -> Mask:
    """Which states have some mass: decided by the support, however little it is."""
    return is_positive(lived.enclosure.upper)


def mean_under(lived: Answer, numbers: Enclosure) -> Enclosure:
    """The mean of non-negative numbers (n_states,) under a distribution; exactly 0 where they are 0 wherever it is.

    >>> half = np.array([0.5, 0.5])
    >>> pi, f = (Enclosure(part, part, part, 0.0, "known") for part in (half, np.array([1.0, 3.0])))
    >>> mean = mean_under(Answer.of(pi), f)
    >>> mean.value.to_float().tolist(), bool(mean.lower.to_float() <= 2 <= mean.upper.to_float())
    (2.0, True)
    """
    mass = lived.enclosure
    if not (is_positive(mass.upper) & is_positive(numbers.upper)).any():
        zero = ScaledArray.of(np.zeros(()))
        return replace(mass, value=zero, lower=zero, upper=zero, residual=0.0, method=NOTHING)
    value, low, high = (dot(getattr(mass, part), getattr(numbers, part)) for part in ("value", "lower", "upper"))
    lower, upper = widen(low, TOTAL_ROUNDINGS + 1)[0], widen(high, TOTAL_ROUNDINGS + 1)[1]
    return replace(mass, value=value, lower=lower, upper=upper, method=f"{mass.method}, mean over the states")
