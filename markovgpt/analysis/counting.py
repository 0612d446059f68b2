"""How often is the target written, in some tokens and in the long run?

With Q the chain on states at which the text goes on, r the target, f_k = Q^k r the chance that the token at step k
completes it: the expected count within n tokens is the sum of f_k for k = 1 .. n, a target that is met again counting
again. Beyond a few dozen tokens the rest is bracketed by hazards: see `markovgpt.analysis.arrivals`.
"""

import math
from collections.abc import Sequence

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.arrivals import Arrivals
from markovgpt.analysis.question import posed
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import long_run_distribution, stationary_distributions
from markovgpt.analysis.structure import can_reach, reachable_from
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.errors import InvalidInput
from markovgpt.scaled import ScaledArray, widen
from markovgpt.solvers.certificate import Enclosure
from markovgpt.sums import TOTAL_ROUNDINGS, dot


def expected_count(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start,
    tokens: int = 1000,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> Answer:
    """How often is the target written in the next n tokens, on average?

        E[ number of t with 1 <= t <= n, X_t in target, and X_s not in avoiding for every s < t ]

    Parameters
    ----------
    target, avoiding: as for `hitting_probability`. What is to be avoided ends the text; a state in both counts once,
        and ends it.
    start: a state, a distribution, a window or a text; t = 0 does not count, for nothing was written.
    tokens: n, at least 0, of any size.
    stop_tokens: tokens that end the text when they are written.

    Raises
    ------
    InvalidInput: a number of tokens that is no whole number of at least 0, an empty target, a start or a mask that
        does not fit the chain.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> round(expected_count(coin, [1], start=0, tokens=1000).value, 9)
    500.0
    """
    if not is_count(tokens):
        raise InvalidInput(
            f"tokens must be a whole number of at least 0, got {tokens}; for the long run see occurrence_rate"
        )
    asked, horizon = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens), int(tokens)
    going = ~asked.avoided
    live = going & can_reach(asked.chain, asked.reached, through=going)
    live &= reachable_from(asked.chain, asked.departure > 0, through=going)
    walk = Arrivals.of(asked.chain, asked.reached, live, horizon=horizon, at_once=False)
    walk.run(horizon)
    low, high = walk.summed(horizon)
    lower, upper = widen(low, walk.roundings)[0], widen(high, walk.roundings)[1]
    method = f"{walk.steps} products"
    if walk.goes_on and walk.steps < horizon:
        method += f", hazard bracket to step {horizon}"
    found = asked.answered(Enclosure((low + high) * 0.5, lower, upper, 0.0, method))
    return Answer.of(found, iterations=walk.steps)


def occurrence_rate(
    chain: TransitionOperator, target: Target, *, start: Start | None = None, per: float = 1000
) -> Answer:
    """How often is the target written in the long run, per so many tokens?

        per * lim_n (1/n) E[ number of t < n with X_t in target ]

    Parameters
    ----------
    target: as for `hitting_probability`.
    start: a state, a distribution, a window or a text; None where it does not matter, the chain having one recurrent
        class.
    per: tokens, above 0.

    Returns
    -------
    Answer: exactly 0 where the target is transient, or in classes that are not reached.

    Raises
    ------
    InvalidInput: several recurrent classes, which are listed, and no start; a number of tokens that is not above 0; an
        empty target, or a start that does not fit the chain.
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])
    >>> round(occurrence_rate(weather, [1]).value, 9)
    250.0
    """
    if not (per > 0 and math.isfinite(per)):
        raise InvalidInput(f"per must be a number of tokens above 0, got {per}; 1000 is usual")
    asked = posed(chain, target, start=start)
    if asked.begin is None:
        lived = stationary_distributions(asked.chain).only()
    else:
        lived = long_run_distribution(asked.chain, asked.departure)
    found, share = lived.enclosure, np.where(asked.reached, 1.0, 0.0)
    value, low, high = (dot(part, share) * ScaledArray.of(per) for part in (found.value, found.lower, found.upper))
    lower, upper = widen(low, TOTAL_ROUNDINGS + 2)[0], widen(high, TOTAL_ROUNDINGS + 2)[1]
    method = f"{found.method}, summed over the target"
    return Answer.of(Enclosure(value, lower, upper, found.residual, method), iterations=lived.iterations)
