"""Where does the chain live in the long run?

Each recurrent class C has one stationary distribution, pi = pi P on C, positive on C and 0 elsewhere. From a start d
the long-run distribution, the limit of the mean of d P^t over t, is sum_C P_d(end in C) pi_C. A periodic class has a
stationary distribution too, though d P^t itself has no limit.

Method: with one state i of large mass as the end, the visits to the others between two returns to i solve a chain with
an end, v = v Q + P[i, .], and pi = (1, v) / (1 + sum v): by elimination without subtraction (Grassmann, Taksar, Heyman)
or multigrid, enclosed by conditioning on the return.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, start_distribution
from markovgpt.analysis.reachability import absorption_columns
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import recurrent_classes
from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, is_positive, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.live_system import stationary


@dataclass(frozen=True, eq=False, repr=False)
class StationaryDistributions(Shown):
    """One stationary distribution for each recurrent class.

    Parameters
    ----------
    classes: the recurrent classes, each an ascending array of states.
    answers: for each class an `Answer` over its states, in their order.
    labels: how the first states of each class are printed.
    n_states: of the whole chain.
    """

    classes: tuple[NDArray[np.int64], ...]
    answers: tuple[Answer, ...]
    labels: tuple[str, ...]
    n_states: int

    @property
    def probabilities(self) -> tuple[FloatArray, ...]:
        """For each class the probabilities of its states."""
        return tuple(answer.value for answer in self.answers)

    @property
    def lower(self) -> tuple[FloatArray, ...]:
        """For each class the lower bounds."""
        return tuple(answer.lower for answer in self.answers)

    @property
    def upper(self) -> tuple[FloatArray, ...]:
        """For each class the upper bounds."""
        return tuple(answer.upper for answer in self.answers)

    @property
    def residual(self) -> float:
        """The largest relative defect of the balance equations, as computed."""
        return max(answer.residual for answer in self.answers)

    @property
    def distributions(self) -> FloatArray:
        """The distributions over all states, (n_classes, n_states).

        Raises
        ------
        TooLarge: the dense array would not fit.
        """
        shape = (len(self.classes), self.n_states)
        require_memory(8 * shape[0] * shape[1], f"{shape[0]} classes x {shape[1]} states", "take them class by class")
        dense = np.zeros(shape)
        for row, states, answer in zip(dense, self.classes, self.answers, strict=True):
            row[states] = answer.value
        return dense

    def only(self) -> Answer:
        """The stationary distribution over all states of a chain that has one.

        Raises
        ------
        InvalidInput: the chain has several recurrent classes, which are listed.
        """
        if len(self.classes) > 1:
            listed = "; ".join(
                f"{label}{', ...' if len(states) > 3 else ''} ({len(states)} states)"
                for label, states in list(zip(self.labels, self.classes, strict=True))[:5]
            )
            raise InvalidInput(
                f"this question needs a chain with one stationary distribution, got one with {len(self.classes)} "
                f"recurrent classes: {listed}; ask each class (.classes, .probabilities), or "
                "long_run_distribution from a start"
            )
        return _spread(self.answers[0], self.classes[0], self.n_states)


def stationary_distributions(chain: TransitionOperator, tolerance: float = 1e-12) -> StationaryDistributions:
    """Where does the chain live in the long run, in each recurrent class?

        pi_C = pi_C P,    sum of pi_C = 1,    one for each recurrent class C

    Parameters
    ----------
    tolerance: the largest relative defect of the balance equations that is accepted, above 0.

    Raises
    ------
    NotConverged: the defect is above the tolerance, or bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])      # 0.3 : 0.1
    >>> stationary_distributions(weather).probabilities[0].round(12).tolist()
    [0.75, 0.25]
    """
    if not tolerance > 0:
        raise InvalidInput(f"tolerance must be above 0, got {tolerance}; 1e-12 is usual")
    classes = recurrent_classes(chain)
    answers = []
    for states in classes:
        enclosure = _over(stationary(chain, states), states)
        if not enclosure.residual <= tolerance:
            raise NotConverged(
                f"the stationary distribution must satisfy its equations to {tolerance:.0e}, got a relative defect of "
                f"{enclosure.residual:.1e}; allow a larger tolerance",
                enclosure.residual,
            )
        answers.append(Answer.of(enclosure))
    labels = tuple(", ".join(chain.label(int(state)) for state in states[:3]) for states in classes)
    return StationaryDistributions(classes, tuple(answers), labels, chain.n_states)


def long_run_distribution(chain: TransitionOperator, start: Start) -> Answer:
    """Which share of the time does the chain spend in each state in the long run, from a start?

        lim_n (1/n) sum_{t < n} d P^t  =  sum_C P_d(end in C) pi_C

    Parameters
    ----------
    start: a state, a distribution, a window or a text.

    Returns
    -------
    Answer, arrays (n_states,); exactly 0 on transient states and on classes that the start never reaches.

    Raises
    ------
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> long_run_distribution(chain, 0).value.round(12).tolist()
    [0.0, 0.5, 0.5]
    """
    begin = start_distribution(chain, start)
    classes = recurrent_classes(chain)
    parts: list[Numbers] = [np.zeros(chain.n_states) for _ in range(3)]
    residual, method = 0.0, ""
    for states, end in zip(classes, absorption_columns(chain, classes, begin), strict=True):
        if is_positive(end.value):
            inside = stationary(chain, states)
            residual, method = max(residual, inside.residual, end.residual), inside.method
            parts = [
                part + ScaledArray.of(getattr(inside, name)) * getattr(end, name)
                for part, name in zip(parts, ("value", "lower", "upper"), strict=True)
            ]
    lower, upper = widen(parts[1], 2)[0], widen(parts[2], 2)[1]
    return Answer.of(Enclosure(parts[0], lower, upper, residual, f"{method}, in each class"))


def _over(whole: Enclosure, states: NDArray[np.int64]) -> Enclosure:
    """An enclosure over some states."""
    if len(states) == len(whole.value):
        return whole
    return replace(whole, value=whole.value[states], lower=whole.lower[states], upper=whole.upper[states])


def _spread(answer: Answer, states: NDArray[np.int64], n_states: int) -> Answer:
    """An answer over some states as one over all; the others are impossible."""
    found = answer.enclosure
    parts = []
    for part in (found.value, found.lower, found.upper):
        whole: Numbers = ScaledArray.zeros(n_states) if isinstance(part, ScaledArray) else np.zeros(n_states)
        whole[states] = part  # type: ignore[assignment]
        parts.append(whole)
    return Answer(replace(found, value=parts[0], lower=parts[1], upper=parts[2]), iterations=answer.iterations)
