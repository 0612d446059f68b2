"""A chain with labels is asked a property, and the functions of `markovgpt.analysis` answer.

    P [F b]         reach b                     P [a U b]       reach b, never before in a state without a
    P [G a]         reach what is never left, of a, never before in a state without a
    P [G<=n a]      be in a at step n, never before in a state without a
    T [F b], R [F b]  expected steps, expected rewards until b; infinite where b may never be reached
    S [b], LRA [b]  share of the time in b in the long run, periodic or not, from the initial states

Nothing is formed as 1 minus something else. F and U count the step 0; ``U[a,b]`` asks for the left at every step before
the one at which the right holds, those before ``a`` included.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from markovgpt.analysis.arrivals import MOST_STEPS
from markovgpt.analysis.long_run import long_run_probability, never_left
from markovgpt.analysis.reachability import expected_hitting_time, expected_reward, hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import proved
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.exchange.annotations import INIT, Annotations, annotations
from markovgpt.exchange.imported import ImportedChain
from markovgpt.exchange.properties import Always, Property, Threshold, Until, states_of
from markovgpt.exchange.property_parser import parse_property
from markovgpt.exchange.text_file import quoted
from markovgpt.scaled import FloatArray, ScaledArray
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure

DEADLOCK = "deadlock"  # the label of states that had no transitions before they got self-loops
TRUE, FALSE, UNDECIDED = "true", "false", "undecided"


@dataclass(frozen=True, eq=False, repr=False)
class Checked(Shown):
    """What a property is, on a chain.

    Parameters
    ----------
    asked: the property.
    least, greatest: the answers over the states asked about, each with its bounds; one and the same for one state, and
        for a filter.
    n_states: how many states were asked about: the initial ones, or those of a filter.
    """

    asked: Property
    least: Answer
    greatest: Answer
    n_states: int

    @property
    def answer(self) -> Answer:
        """The answer, where there is one.

        Raises
        ------
        InvalidInput: several initial states, which may have several answers.
        """
        if self.least is not self.greatest:
            raise InvalidInput(
                f"one answer needs one initial state, got {self.n_states}; read least and greatest, or ask for "
                f'filter(max, {self.asked}, "init")'
            )
        return self.least

    @cached_property
    def holds(self) -> str | None:
        """Whether a threshold holds in every state asked about: "true", "false" or "undecided"; None without one."""
        if self.asked.threshold is None:
            return None
        found = {compared(answer, self.asked.threshold) for answer in (self.least, self.greatest)}
        return next(verdict for verdict in (FALSE, UNDECIDED, TRUE) if verdict in found)

    def summary(self) -> dict[str, Any]:
        """Property, verdict and numbers as a plain dict; of several answers, those of the least and the greatest."""
        said = {"property": str(self.asked), "holds": self.holds, "asked_states": self.n_states}
        if self.least is self.greatest:
            return said | self.least.summary()
        return said | {"least": self.least.summary(), "greatest": self.greatest.summary()}


@dataclass(frozen=True, eq=False)
class Translated:
    """A property as a question of `markovgpt.analysis`.

    Parameters
    ----------
    question: hitting_probability, expected_hitting_time, expected_reward or long_run_probability.
    target: (n_states,), perhaps empty.
    avoiding: (n_states,); None where there is nothing to be avoided.
    within: the first and the last step; None for ever.
    reward: (n_states,); None but for an expected reward.
    """

    question: str
    target: Mask
    avoiding: Mask | None = None
    within: tuple[int, int] | None = None
    reward: FloatArray | None = None

    def answered(self, chain: TransitionOperator, start: int | None) -> Answer:
        """The answer from a state, or from every state."""
        if not self.target.any():
            return Answer.of(proved(np.zeros(chain.n_states if start is None else ())))
        if self.question == "long_run_probability":
            return long_run_probability(chain, self.target, start=start)
        if self.question == "expected_hitting_time":
            return expected_hitting_time(chain, self.target, start=start)
        if self.reward is not None:
            return expected_reward(chain, self.reward, self.target, start=start)
        return hitting_probability(chain, self.target, start=start, within=self.within, avoiding=self.avoiding)


def check(
    chain: ImportedChain | TransitionOperator,
    asked: str | Property,
    *,
    labels: Mapping[str, ArrayLike] | None = None,
    initial: ArrayLike | None = None,
    rewards: Mapping[str, ArrayLike] | None = None,
) -> Checked:
    """What is a property of the model checkers' language, on a chain, with bounds?

    Parameters
    ----------
    chain: as `read_drn` or `read_prism` gives it, labels, initial states and rewards included, or any chain.
    asked: a property, as `parse_property` reads it.
    labels, initial, rewards: of a chain that does not bring them: for each label the bool mask (n_states,) of its
        states, the bool mask of the initial states, and for each name what a visit to each state earns.

    Returns
    -------
    Checked. Several initial states have a least and a greatest answer; a threshold holds if it does in each of them,
    as in PRISM. ``filter(max, ..., "init")`` asks for the greatest alone.

    Raises
    ------
    InvalidInput: what the language or this part of it does not have, by name and place; a label or rewards that the
        chain does not have; a formula of what is to be reached that no state satisfies.
    NotConverged: bounds that hold were not found.

    A gambler with 1 of 3 coins wins all three with probability 1/13, and surely ends:

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> state = np.arange(4)
    >>> known = {"labels": {"won": state == 3, "lost": state == 0}, "initial": state == 1}
    >>> round(check(game, 'P=? [F "won"]', **known).answer.value, 12)
    0.076923076923
    >>> check(game, "P>=1 [F won | lost]", **known).holds, check(game, "P<1/13 [F<=9 won]", **known).holds
    ('true', 'true')
    """
    parsed = parse_property(asked) if isinstance(asked, str) else asked
    operator, known = known_of(chain, labels, initial, rewards)
    question = translated(parsed, operator, known)
    over = known.initial if parsed.over is None else _satisfying(parsed.over.states, known, "the states of a filter")
    states = np.flatnonzero(over)
    if len(states) == 1:
        only = question.answered(operator, int(states[0]))
        return Checked(parsed, only, only, 1)
    everywhere = question.answered(operator, None)
    if parsed.over is not None:
        found = extreme(everywhere, states, greatest=parsed.over.extreme == "max")
        return Checked(parsed, found, found, len(states))
    least, greatest = (extreme(everywhere, states, greatest=side) for side in (False, True))
    return Checked(parsed, least, greatest, len(states))


def translated(asked: Property, chain: TransitionOperator, known: Annotations) -> Translated:
    """A property as a question of `markovgpt.analysis`; refusals as of `check`."""
    inside = asked.inside
    if isinstance(inside, Always):
        kept = _satisfying(inside.part, known, "what is to hold always")
        if inside.steps.last is None:
            return Translated("hitting_probability", never_left(chain, kept), _unless_empty(~kept))
        if inside.steps.last > MOST_STEPS:
            raise InvalidInput(
                f"G<=n must have n at most {MOST_STEPS}, got {inside.steps.last}; ask for F<=n of the opposite, which "
                "has no such limit"
            )
        return Translated("hitting_probability", kept, _unless_empty(~kept), (inside.steps.last, inside.steps.last))
    if not isinstance(inside, Until):
        return Translated("long_run_probability", _satisfying(inside, known, "what is asked about in the long run"))
    target = _satisfying(inside.right, known, "what is to be reached")
    if asked.operator == "T":
        return Translated("expected_hitting_time", target)
    if asked.operator == "R":
        return Translated("expected_reward", target, reward=_rewards(asked.reward, known))
    avoiding = _unless_empty(~states_of(inside.left, known.labels, len(known.initial)))
    within = None if inside.steps.last is None else (inside.steps.first, inside.steps.last)
    return Translated("hitting_probability", target, avoiding, within)


def compared(answer: Answer, threshold: Threshold) -> str:
    """Whether an answer is as a threshold says, "true" or "false"; "undecided" where its bounds do not tell.

    >>> sure = Answer.of(proved(np.ones(())))
    >>> [compared(sure, Threshold(relation, "1")) for relation in ("<", "<=", ">", ">=")]
    ['false', 'true', 'false', 'true']
    """
    bound, upwards = threshold.value, threshold.relation.startswith(">")
    found = answer.against(bound)
    if found == "equal":
        return TRUE if threshold.relation.endswith("=") else FALSE
    if found != UNDECIDED:
        return TRUE if (found == "above") == upwards else FALSE
    # the bounds do not tell "equal" from one side, which may decide
    at_least = Fraction(answer.lower) >= bound
    at_most = math.isfinite(answer.upper) and Fraction(answer.upper) <= bound
    if threshold.relation.endswith("="):
        return TRUE if (at_least if upwards else at_most) else UNDECIDED
    return FALSE if (at_most if upwards else at_least) else UNDECIDED


def extreme(answer: Answer, states: np.ndarray, *, greatest: bool) -> Answer:
    """The least or the greatest of the answers for some states: of their lower bounds, and of their upper ones."""
    endless = np.broadcast_to(answer.infinite, np.shape(answer.value))[states]
    if endless.all() or (greatest and endless.any()):
        return Answer.of(_at(answer.enclosure, states[endless], 0), infinite=True, iterations=answer.iterations)
    found = _at(answer.enclosure, states[~endless], -1 if greatest else 0)
    return Answer.of(found, iterations=answer.iterations)


def _at(found: Enclosure, states: np.ndarray, place: int) -> Enclosure:
    """The value, and the bounds, at a place in their ascending order over some states."""
    parts = []
    for part in (found.value, found.lower, found.upper):
        numbers = ScaledArray.of(part)[states]
        parts.append(numbers[np.lexsort((numbers.mantissa, numbers.exponent))[place]])
    return Enclosure(parts[0], parts[1], parts[2], found.residual, found.method)


def known_of(
    chain: ImportedChain | TransitionOperator,
    labels: Mapping[str, ArrayLike] | None = None,
    initial: ArrayLike | None = None,
    rewards: Mapping[str, ArrayLike] | None = None,
) -> tuple[TransitionOperator, Annotations]:
    """The chain itself, and what is known of its states, labels "init" and "deadlock" included; as `check` takes it."""
    if isinstance(chain, ImportedChain):
        if labels is not None or initial is not None or rewards is not None:
            raise InvalidInput(
                "labels, initial and rewards must be left out for a chain that brings its own, got some; give "
                "chain.chain with them"
            )
        operator: TransitionOperator = chain.chain
        fixed = np.isin(np.arange(operator.n_states), chain.fixed_deadlocks)
        said = Annotations(dict(chain.labels), chain.initial, dict(chain.rewards))
    else:
        if initial is None:
            raise InvalidInput("initial must mark the states to start in, got None; give a bool mask")
        operator, fixed = chain, np.zeros(chain.n_states, dtype=bool)
        said = annotations(operator.n_states, labels or {}, initial, rewards)
    stuck = {DEADLOCK: fixed | said.labels.get(DEADLOCK, fixed)}
    return operator, said._replace(labels={INIT: said.initial} | said.labels | stuck)


def _satisfying(formula: Any, known: Annotations, what: str) -> Mask:
    """The states that satisfy a formula, refused where there are none."""
    found = states_of(formula, known.labels, len(known.initial))
    if not found.any():
        raise InvalidInput(
            f"{what} must be true in at least one of the {len(found)} states, got {quoted(str(formula))}, which is so "
            "in none; check the labels"
        )
    return found


def _unless_empty(mask: Mask) -> Mask | None:
    """A mask, or None where it marks nothing."""
    return mask if mask.any() else None


def _rewards(name: str | None, known: Annotations) -> FloatArray:
    """The rewards of a name, or the only ones."""
    if name is None and len(known.rewards) == 1:
        return next(iter(known.rewards.values()))
    if name not in known.rewards:
        there = ", ".join(quoted(found) for found in known.rewards) or "none"
        got = "no name" if name is None else quoted(name)
        raise InvalidInput(f"R must name rewards of the chain, got {got}, of {there}; T=? counts steps")
    return known.rewards[name]
