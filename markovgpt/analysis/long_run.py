"""Which share of the time does the chain spend in some states, in the long run?

What is transient does not matter: with B the recurrent classes that lie wholly in the target, and the classes C that
lie in it in part,

    long-run probability  =  P(end in B)  +  sum_C P(end in C) pi_C(target)

so that classes wholly inside or outside need no stationary distribution, and 0 and 1 are decided by the support.
"""

from dataclasses import replace

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.reachability import ever_reached
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import proved, reachable_from
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.scaled import ScaledArray, widen
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.solvers.live_system import stationary
from markovgpt.sums import TOTAL_ROUNDINGS, dot


def long_run_probability(chain: TransitionOperator, target: Target, *, start: Start | None = None) -> Answer:
    """Which share of the time does the chain spend in the target in the long run?

        lim_n (1/n) E[ number of t < n with X_t in target ]

    For chains without periods this is also the limit of P(X_t in target); with periods, where that limit need not
    exist, it is its mean over time, which does.

    Parameters
    ----------
    target: as for `hitting_probability`.
    start: a state, a distribution, a window or a text; None asks about every state at once.

    Returns
    -------
    Answer in [0, 1]: exactly 0 where no class that meets the target can be reached, exactly 1 where the chain surely
    ends in classes that lie wholly in it.

    Raises
    ------
    InvalidInput: an empty target, a start that does not fit the chain.
    NotConverged: bounds that hold were not found.

    Method: one hitting probability for all classes that lie wholly in the target, and one, with a stationary
    distribution, for each that lies in it in part and can be reached.

    Half of the walks stay in 1, the others swing between 2 and 3:

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    >>> long_run_probability(chain, [1, 3], start=0).value, long_run_probability(chain, [3]).value.tolist()
    (0.75, [0.25, 0.0, 0.5, 0.5])
    """
    asked = posed(chain, target, start=start)
    labels, closed = asked.chain.strong_components()
    met, missed = (np.bincount(labels[mask], minlength=len(closed)) > 0 for mask in (asked.reached, ~asked.reached))
    in_part = closed & met & missed
    if asked.begin is not None:
        in_part &= np.bincount(labels[reachable_from(asked.chain, asked.begin > 0)], minlength=len(closed)) > 0
    whole = (closed & ~missed)[labels]
    parts = [_ends_in(asked, whole)] if whole.any() else []
    parts += [_time_in(asked, labels == number) for number in np.flatnonzero(in_part).tolist()]
    return Answer.of(_added(parts) if parts else asked.answered(proved(np.zeros(asked.chain.n_states))))


def never_left(chain: TransitionOperator, mask: Mask) -> Mask:
    """The states of the recurrent classes that lie wholly in a mask: from there it is never left.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    >>> never_left(chain, np.array([True, True, False])).tolist()
    [False, True, False]
    """
    labels, closed = chain.strong_components()
    outside = np.bincount(labels[~mask], minlength=len(closed)) > 0
    return np.asarray((closed & ~outside)[labels])


def _ends_in(asked: Question, states: Mask) -> Enclosure:
    """How likely is it that the chain ends in recurrent states, once they are reached?"""
    return ever_reached(replace(asked, reached=states, avoided=np.zeros_like(states)))


def _time_in(asked: Question, states: Mask) -> Enclosure:
    """How likely is it that the chain ends in a recurrent class, times the share of the target there?"""
    ending, inside = _ends_in(asked, states), stationary(asked.chain, np.flatnonzero(states))
    counted = np.where(asked.reached, 1.0, 0.0)
    value, low, high = (
        ScaledArray.of(getattr(ending, part)) * dot(getattr(inside, part), counted)
        for part in ("value", "lower", "upper")
    )
    lower, upper = widen(low, TOTAL_ROUNDINGS + 2)[0], widen(high, TOTAL_ROUNDINGS + 2)[1]
    return Enclosure(value, lower, upper, max(ending.residual, inside.residual), f"{inside.method}, in each class")


def _added(parts: list[Enclosure]) -> Enclosure:
    """The sum of probabilities of which no two happen together."""
    found = parts[-1]
    for part in parts[:-1]:
        value, lower, upper = (
            ScaledArray.of(getattr(found, name)) + getattr(part, name) for name in ("value", "lower", "upper")
        )
        found = replace(found, value=value, lower=lower, upper=upper, residual=max(found.residual, part.residual))
    roundings = len(parts) - 1
    if roundings:
        found = replace(found, lower=widen(found.lower, roundings)[0], upper=widen(found.upper, roundings)[1])
    return at_most_one(found)
