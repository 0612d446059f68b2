"""Given that the target is reached: how long does it take, and what is the chain like?

With h the committor, the probability from each state that the target is reached before the end, and v the expected
visits to live states from the start,

    E[T ; T < infinity] = sum_t P(T > t, T < infinity) = sum_j v(j) h(j)

and the walk that is known to reach the target is a chain itself, Doob's h-transform p(i, j) h(j) / h(i). Nothing is
subtracted, and a target of 1e-800 is as good to condition on as any.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.reachability import ever_reached
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import can_reach, reachable_from
from markovgpt.chains.listed_windows import ListedWindows
from markovgpt.chains.operator import Edges, TransitionOperator, in_doubles
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask, Windows
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import ScaledArray, concatenate, widen
from markovgpt.solvers.certificate import Enclosure, mean_over
from markovgpt.solvers.live_system import live_system
from markovgpt.sums import TOTAL_ROUNDINGS, dot, scatter_sum

BYTES_PER_EDGE = 200  # source, target, probability and weight, listed, chosen, sorted and checked


def conditional_hitting_time(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> Answer:
    """How many steps (tokens) until the target is reached, on average, given that it is?

        E[T | T < infinity],    T = min { t >= 0 : X_t in target, and X_s not in avoiding for every s < t }

    Parameters
    ----------
    target, avoiding: as for `hitting_probability`. A state in both counts as reached.
    start: a state, a distribution, a window or a text.
    stop_tokens: tokens that end the text when they are written.

    Returns
    -------
    Answer: exactly 0 from within the target.

    Raises
    ------
    InvalidInput: the target cannot be reached, so that there is nothing to condition on; an empty target, a start or a
        mask that does not fit the chain.
    NotConverged: bounds that hold were not found.

    A gambler with 1 of 3 coins who wins each toss with 1/4, and does win, has taken 2 tosses, and 2 more for each
    return to 1 coin, with chance 3/16 each: 2 / (1 - 3/16) = 32/13.

    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> answer = conditional_hitting_time(game, [3], start=1)
    >>> answer.lower <= 32 / 13 <= answer.upper, round(answer.value, 12)
    (True, 2.461538461538)
    """
    asked = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    begin, kept = asked.departure, _kept(asked)
    live = kept & ~asked.reached
    if not live.any():  # within the target
        zero = np.zeros(())
        return Answer.of(Enclosure(zero, zero, zero, 0.0, "the start lies within the target"))
    reaching, visits = _committor(asked, kept), live_system(asked.chain, live).occupation(begin * live)
    whole = mean_over(begin, reaching)
    value, low, high = (
        dot(getattr(visits, part) * live, getattr(reaching, part)) / getattr(whole, other)
        for part, other in (("value", "value"), ("lower", "upper"), ("upper", "lower"))
    )
    lower, upper = widen(low, TOTAL_ROUNDINGS + 2)[0], widen(high, TOTAL_ROUNDINGS + 2)[1]
    residual = max(visits.residual, reaching.residual)
    return Answer.of(Enclosure(value, lower, upper, residual, f"visits times committor; {visits.method}"))


def conditional_chain(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> SparseChain:
    """What is the chain like, given that it reaches the target?

        p~(i, j) = p(i, j) h(j) / h(i),    h(i) = P_i(the target is reached before what is to be avoided)

    Parameters
    ----------
    target, avoiding: as for `hitting_probability`. A state in both counts as reached.
    start: a state, a distribution, a window or a text: only what is met on the way from there; None for every state
        from which the target can be reached.
    stop_tokens: tokens that end the text when they are written.

    Returns
    -------
    SparseChain over the states from which the target can be reached, in their order, with their labels; the target is
    never left. It is the exact normalisation of the weights p(i, j) h(j) with h as it was computed: each entry is right
    within the width of the committor, and rows sum to one because weights are divided by their own sum.

    Raises
    ------
    InvalidInput: the target cannot be reached from the start, an empty target, a start or a mask that does not fit the
        chain.
    TooLarge: the transitions would not fit.
    NotConverged: bounds that hold were not found.

    A gambler with 1 of 3 coins who is known to win cannot lose the next toss:

    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> winning = conditional_chain(game, [3])
    >>> winning.labels, winning.to_csr().toarray().round(12).tolist()
    (('1', '2', '3'), [[0.0, 1.0, 0.0], [0.1875, 0.0, 0.8125], [0.0, 0.0, 1.0]])
    """
    asked = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    kept, operator = _kept(asked), asked.chain
    states = np.flatnonzero(kept)
    require_memory(
        BYTES_PER_EDGE * len(states) * operator.largest_row,
        f"the transitions of {len(states)} states with up to {operator.largest_row} each",
        "ask only about what can be reached from a start (start=)",
    )
    reaching = _committor(asked, kept).value
    source, end, probability = operator.edges(kept & ~asked.reached)
    possible = kept[end]
    source, end, probability = source[possible], end[possible], ScaledArray.of(probability[possible])
    weights = probability * reaching[end]
    parts = weights / ScaledArray.of(scatter_sum(weights, source, operator.n_states))[source]
    ends = np.flatnonzero(kept & asked.reached)
    sources, targets = np.concatenate([source, ends]), np.concatenate([end, ends])
    order = np.lexsort((targets, sources))
    place = np.cumsum(kept) - 1
    values = in_doubles(ScaledArray.of(concatenate([parts, ScaledArray.of(np.ones(len(ends)))]))[order])
    return SparseChain(
        Edges(place[sources[order]], place[targets[order]], values),
        len(states),
        tuple(operator.label(state) for state in states.tolist()),
        _windows(operator.space, states.tolist()),
        operator.vocabulary,
    )


def _kept(asked: Question) -> Mask:
    """The states that are met, from the start if there is one, on the way to the target; refused where it has none."""
    possible = can_reach(asked.chain, asked.reached, through=asked.through)
    if asked.begin is None:
        return possible
    begun = (asked.begin > 0) & possible
    if not begun.any():
        raise InvalidInput(
            "a start must lead to the target to be conditioned on it, got one from which it is never reached; "
            "give another start"
        )
    return reachable_from(asked.chain, begun, through=possible & asked.through) & possible


def _committor(asked: Question, kept: Mask) -> Enclosure:
    """The probability of reaching the target from each state that is kept; 0 elsewhere."""
    return ever_reached(replace(asked.everywhere, avoided=asked.avoided | ~(kept | asked.reached)))


def _windows(space: Windows | None, states: list[int]) -> ListedWindows | None:
    """The windows of some states, where the states are windows and no two the same one."""
    if space is None:
        return None
    windows = tuple(space.decode(state) for state in states)
    return ListedWindows(space.vocab_size, space.context_length, windows) if len(set(windows)) == len(windows) else None
