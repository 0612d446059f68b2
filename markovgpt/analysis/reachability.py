"""How likely is it that a state is ever reached, how long does it take, and what happens on the way?

Hitting counts the start (t >= 0). With Q the chain on live states (those that may but need not reach the target), b the
probability of entering the target, or a state that surely leads to it, in one step:

    hitting probability      h = Q h + b
    expected hitting time    t = Q t + 1
    expected reward          g = Q g + reward
    expected visits          v = v Q + start

States that cannot reach the target get exactly 0, those that must get exactly 1, by graph search on the support.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.arguments import Start, Target, start_distribution
from markovgpt.analysis.horizon import bounded_hitting
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import PROOF, can_reach, proved, reachable_from, recurrent_classes
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, choose, stack_last, widen
from markovgpt.solvers.certificate import Enclosure, at_most_one, mean_over
from markovgpt.solvers.live_system import LiveSystem, live_system
from markovgpt.sums import TOTAL_ROUNDINGS, dot


def hitting_probability(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start | None = None,
    within: int | tuple[int, int] | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> Answer:
    """How likely is it that the target is reached?

        h(i) = P_i( X_t in target for some t, and X_s not in avoiding for every s < t )

    Parameters
    ----------
    target, avoiding: bool masks (n_states,), state numbers, texts or patterns of any length (the moment when one is
        complete), or functions from windows to truths. A state in both counts as reached.
    start: a state, a distribution, a window or a text; None asks about every state at once.
    within: n for t <= n, or (a, b) for a <= t <= b, which need not be the first visit; None for ever.
    stop_tokens: tokens that end the text when they are written; a start may hold them.

    Returns
    -------
    Answer in [0, 1]: exactly 0 where the support leads nowhere near the target, exactly 1 where it leads nowhere else.

    Raises
    ------
    InvalidInput: an empty target, a start or a mask that does not fit the chain, a negative horizon.
    NotConverged: bounds that hold were not found.

    Method: elimination without subtraction (`markovgpt.solvers.gth`), enclosed a priori and a posteriori.

    A gambler with 1 of 3 coins who wins each toss with probability 1/4 gets all three with probability 1/13:

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> answer = hitting_probability(game, [3], start=1)
    >>> answer.lower <= 1 / 13 <= answer.upper, round(answer.value, 12)
    (True, 0.076923076923)
    """
    asked = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    if within is not None:
        return bounded_hitting(asked, within)
    return Answer.of(ever_reached(asked))


def ever_reached(asked: Question) -> Enclosure:
    """How likely is the target of a question ever reached, from its start or from every state asked about?"""
    possible = can_reach(asked.chain, asked.reached, through=asked.through)
    may_fail = can_reach(asked.chain, ~possible, through=asked.through)
    sure = possible & ~may_fail
    if asked.begin is not None and sure[asked.begin > 0].all():
        return proved(np.ones(()))
    walk = _walk(asked.chain, possible & may_fail, asked.begin)
    found = walk.gained(asked.chain.pull(np.where(sure, 1.0, 0.0)), sure)
    return at_most_one(asked.at_entries(found))


def expected_hitting_time(chain: TransitionOperator, target: Target, *, start: Start | None = None) -> Answer:
    """How many steps (tokens) until the target is reached, on average?

        t(i) = E_i[ min { t >= 0 : X_t in target } ]

    Infinite, by graph search, from states that may never reach the target. Parameters and refusals as for
    `hitting_probability`.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> round(expected_hitting_time(coin, [1], start=0).value, 12)
    2.0
    """
    return expected_reward(chain, np.ones(chain.n_states), target, start=start)


def expected_reward(
    chain: TransitionOperator, reward: ArrayLike, target: Target, *, start: Start | None = None
) -> Answer:
    """How much reward is collected before the target is reached, on average?

        g(i) = E_i[ sum_{t < T} reward(X_t) ],    T the first time in the target

    Infinite from states that may never reach the target, whatever the rewards, as model checkers have it.

    Parameters
    ----------
    reward: (n_states,) non-negative and finite, per visit.
    target, start: as for `hitting_probability`.

    Raises
    ------
    InvalidInput: rewards that are negative, infinite or of another shape, and what `hitting_probability` refuses.
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> round(expected_reward(coin, [3.0, 0.0], [1], start=0).value, 12)
    6.0
    """
    rewards = np.asarray(reward, dtype=np.float64)
    invalid = ~(np.isfinite(rewards) & (rewards >= 0))
    if rewards.shape != (chain.n_states,) or invalid.any():
        raise InvalidInput(
            f"reward must be {chain.n_states} non-negative finite numbers, one for each state, got shape "
            f"{rewards.shape} with {int(invalid.sum())} others; ask for gains and losses apart"
        )
    asked = posed(chain, target, start=start)
    whole, begin = asked.chain, asked.begin
    possible = can_reach(whole, asked.reached, through=asked.through)
    endless = can_reach(whole, ~possible, through=asked.through)
    walk = _walk(whole, possible & ~endless & ~asked.reached, begin)
    found = walk.gained(asked.for_each_state(rewards), np.zeros(whole.n_states, dtype=bool))
    infinite = asked.truth_at_entries(endless) if begin is None else bool((endless & (begin > 0)).any())
    if np.any(infinite):
        found = replace(found, method=f"{PROOF} where infinite; {found.method}")
    return Answer.of(asked.at_entries(found), infinite=infinite)


def expected_visits(chain: TransitionOperator, target: Target, start: Start) -> Answer:
    """How often is each state visited before the target is reached, on average?

        v(j) = E[ number of t with 0 <= t < T and X_t = j ],    T the first time in the target

    Parameters
    ----------
    target: as for `hitting_probability`.
    start: a state, a distribution, a window or a text; t = 0 counts.

    Returns
    -------
    Answer, arrays (n_states,): 0 on the target and on what is never visited; infinite, by graph search, on recurrent
    classes that avoid the target and can be reached. Refusals as for `hitting_probability`.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    >>> expected_visits(coin, [1], 0).value.round(12).tolist()
    [2.0, 0.0]
    """
    asked = posed(chain, target, start=start)
    whole, reached = asked.chain, asked.reached
    begin = asked.start_values
    visited = reachable_from(whole, (begin > 0) & ~reached, through=~reached) & ~reached
    endless = np.zeros(whole.n_states, dtype=bool)
    for states in recurrent_classes(whole):
        endless[states] = visited[states] & ~reached[states].any()
    walk = _Walk(whole, visited & ~endless, begin)
    return Answer.of(asked.per_state_asked(walk.visits), infinite=asked.anywhere(endless))


@dataclass(frozen=True, eq=False, repr=False)
class AbsorptionProbabilities(Answer):
    """An Answer with one column (for one start: one entry) for each recurrent class in ``classes``."""

    classes: tuple[NDArray[np.int64], ...] = ()

    @property
    def probabilities(self) -> FloatArray:
        """The values: (n_states, n_classes), or (n_classes,) for one start."""
        return np.asarray(self.value)


def absorption_probabilities(chain: TransitionOperator, *, start: Start | None = None) -> AbsorptionProbabilities:
    """In which recurrent class does the chain end, and how likely?

    Parameters
    ----------
    start: a state, a distribution, a window or a text; None asks about every state at once.

    Returns
    -------
    The recurrent classes, and per class the probability of ending there: (n_states, n_classes), or (n_classes,) for one
    start; exactly 0 and 1 where the support decides.

    Raises
    ------
    TooLarge: states x classes would not fit.
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> ends = absorption_probabilities(game, start=1)
    >>> [states.tolist() for states in ends.classes], ends.probabilities.round(12).tolist()
    ([[0], [3]], [0.923076923077, 0.076923076923])
    """
    classes = recurrent_classes(chain)
    n, n_classes = chain.n_states, len(classes)
    require_memory(6 * 16 * n * n_classes, f"{n} states x {n_classes} classes", "ask from one start (start=)")
    columns = absorption_columns(chain, classes, None if start is None else start_distribution(chain, start))
    value, lower, upper = (
        stack_last([ScaledArray.of(getattr(column, part)) for column in columns])
        for part in ("value", "lower", "upper")
    )
    residual = max(column.residual for column in columns)
    return AbsorptionProbabilities(Enclosure(value, lower, upper, residual, columns[0].method), classes=classes)


def absorption_columns(
    chain: TransitionOperator, classes: tuple[NDArray[np.int64], ...], begin: FloatArray | None
) -> list[Enclosure]:
    """For each recurrent class the probability of ending there, from every state or from a start distribution."""
    recurrent = np.zeros(chain.n_states, dtype=bool)
    recurrent[np.concatenate(classes)] = True
    walk, columns = _walk(chain, ~recurrent, begin), []
    for states in classes:
        inside = np.zeros(chain.n_states, dtype=bool)
        inside[states] = True
        gain = chain.pull(np.where(inside, 1.0, 0.0))
        solved = walk.gained(gain, inside)
        sure = ~can_reach(chain, recurrent & ~inside)
        columns.append(at_most_one(_where_sure(solved, sure, begin)))
    return columns


def _where_sure(solved: Enclosure, sure: Mask, begin: FloatArray | None) -> Enclosure:
    """The enclosure, 1 where the support says so."""
    certain = np.asarray(sure if begin is None else sure[begin > 0].all())
    parts = [choose(certain, np.ones(part.shape), part) for part in (solved.value, solved.lower, solved.upper)]
    return Enclosure(parts[0], parts[1], parts[2], solved.residual, solved.method)


@dataclass(frozen=True, eq=False)
class _Walk:
    """What happens on live states until they are left: from every state, or from a start (``begin``)."""

    chain: TransitionOperator
    live: Mask
    begin: FloatArray | None

    @cached_property
    def _system(self) -> LiveSystem:
        return live_system(self.chain, self.live)

    @cached_property
    def visits(self) -> Enclosure:
        """How often each live state is visited from the start."""
        if self.begin is None or not self.live.any():
            return proved(np.zeros(self.chain.n_states))
        return self._system.occupation(self.begin * self.live)

    def gained(self, gain: Numbers, sure: Mask) -> Enclosure:
        """What is gained on the way, and 1 on the sure states."""
        ones = np.where(sure, 1.0, 0.0)
        if not self.live.any():
            return mean_over(self.begin, proved(ones))
        if self.begin is None:
            solved = self._system.harmonic(gain * self.live)
            parts = [choose(sure, ones, part) for part in (solved.value, solved.lower, solved.upper)]
        else:
            solved, at_once = self.visits, dot(self.begin, ones)
            value, lower, upper = (dot(part, gain) for part in (solved.value, solved.lower, solved.upper))
            roundings = self.chain.roundings + TOTAL_ROUNDINGS + 3
            # widened once they are added: next to what is there at once, the bounds of what comes later may be lost
            below, above = widen(at_once + lower, roundings)[0], widen(at_once + upper, roundings)[1]
            parts = [at_once + value, below, above]
        return Enclosure(parts[0], parts[1], parts[2], solved.residual, solved.method)


def _walk(chain: TransitionOperator, live: Mask, begin: FloatArray | None) -> _Walk:
    """A walk on the live states, those that matter from a start."""
    if begin is None or not live.any():
        return _Walk(chain, live, begin)
    return _Walk(chain, live & reachable_from(chain, begin > 0, through=live), begin)
