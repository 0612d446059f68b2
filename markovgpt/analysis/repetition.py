"""The same chance taken many times over.

    P(at least one in n) = 1 - (1 - p)**n = -expm1(n log1p(-p))

which keeps the digits of p where 1 - p would lose them. Below p = 2**-60 the logarithm is -p within a rounding, so that
nothing depends on p being a double.
"""

import math
from dataclasses import replace

import numpy as np

from markovgpt.analysis.result import Answer
from markovgpt.chains.states import is_count
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray, choose, widen
from markovgpt.solvers.certificate import at_most_one

ROUNDINGS = 16  # of the formula above, the library's logarithm and exponential being within a few
NEGLIGIBLE = 2.0**-60  # next to 1
KEPT_BITS = 64


def in_conversations(answer: Answer, conversations: int) -> Answer:
    """How likely is at least one red text in N conversations that know nothing of each other?

        1 - (1 - p)**N

    Parameters
    ----------
    answer: p, the probability in one conversation, as `hitting_probability` gives it (within=n: of n tokens each).
    conversations: N, at least 0, of any size.

    Returns
    -------
    Answer: exactly 0 for p = 0 or N = 0, exactly 1 for p = 1 and N above 0.

    Raises
    ------
    InvalidInput: N that is no whole number of at least 0, or an answer that is no probability.

    >>> from markovgpt.analysis.reachability import hitting_probability
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])
    >>> round(in_conversations(hitting_probability(coin, [1], start=0, within=1), 3).value, 12)    # 1 - 1/8
    0.875
    """
    if not is_count(conversations):
        raise InvalidInput(f"conversations must be a whole number of at least 0, got {conversations}; 1 is one text")
    found, n = answer.enclosure, int(conversations)
    ones = np.ones(found.upper.shape)
    if np.any(answer.infinite) or not (ScaledArray.of(found.lower) <= ones).all():
        raise InvalidInput(
            f"answer must be a probability, got {answer!r}; ask hitting_probability, with within=n for n tokens each"
        )
    found = at_most_one(found)
    value = at_least_once(found.value, n)
    method = f"at least one in {n} conversations; {found.method}"
    once = replace(
        found,
        value=choose(value[1] <= ones, (value[0] + value[1]) * 0.5, ones),
        lower=at_least_once(found.lower, n)[0],
        upper=at_least_once(found.upper, n)[1],
        method=method,
    )
    return Answer.of(at_most_one(once), iterations=answer.iterations)


def at_least_once(chance: Numbers, trials: int) -> tuple[ScaledArray, ScaledArray]:
    """Lower and upper bounds of 1 - (1 - p)**n, entry by entry; a chance above 1 counts as 1, which is exact.

    Parameters
    ----------
    trials: n, at least 0, of any size.

    >>> low, high = at_least_once(ScaledArray.of([0.5, 0.0, 1.0]), 2)
    >>> low.to_float().round(12).tolist(), high.to_float().round(12).tolist()
    ([0.75, 0.0, 1.0], [0.75, 0.0, 1.0])
    """
    p = ScaledArray.of(chance)
    ones, certain = np.ones(p.shape), np.asarray(ScaledArray.of(1.0) <= p)
    if not trials:
        return ScaledArray.zeros(p.shape), ScaledArray.zeros(p.shape)
    uncertain = np.where(certain, 0.5, p.to_float())
    expected = choose(uncertain < NEGLIGIBLE, p, ScaledArray.of(-np.log1p(-uncertain))) * whole_number(trials)
    in_range = np.minimum(expected.to_float(), -2 * math.log(NEGLIGIBLE))  # beyond, 1 within a rounding
    found = choose(expected <= ones * NEGLIGIBLE, expected, ScaledArray.of(-np.expm1(-in_range)))
    low, high = widen(found, ROUNDINGS)
    return choose(certain, ones, low), choose(certain, ones, high)  # type: ignore[return-value]


def expected_lifetime(hazard: ScaledArray, steps: int) -> tuple[ScaledArray, ScaledArray]:
    """Bounds of (1 - (1 - z)**n) / z, the expected steps alive out of n under a constant hazard z.

    >>> low, high = expected_lifetime(ScaledArray.of(0.5), 2)                 # one step, and a second with 1/2
    >>> low.to_float().round(12).tolist(), high.to_float().round(12).tolist()
    (1.5, 1.5)
    """
    if not hazard.positive():
        return widen(whole_number(steps), 2)
    z = choose(hazard <= 1.0, hazard, ScaledArray.of(1.0))
    low, high = at_least_once(z, steps)
    return widen(low / z, 1)[0], widen(high / z, 1)[1]


def whole_number(n: int) -> ScaledArray:
    """A whole number of any size, within 2 roundings.

    >>> float(whole_number(10**400).log10().round(9))
    400.0
    """
    spare = max(n.bit_length() - KEPT_BITS, 0)
    return ScaledArray(float(n >> spare), spare)
