"""The shape of a chain, from its support alone: which states lead to which, and which never come back.

Nothing here looks at the size of a probability: what is possible is decided by the support.
"""

from collections.abc import Sequence
from math import lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.periodicity import Labels
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import Numbers, is_positive
from markovgpt.solvers.certificate import Enclosure

States = NDArray[np.int64]
BYTES_PER_CLASS, BYTES_PER_MEMBER = 200, 32  # an array of its own, twice listed; its states, sorted
PROOF = "graph search on the support"  # the method of an answer that no size of a probability can change


def communicating_classes(chain: TransitionOperator) -> tuple[States, ...]:
    """Which states lead to each other? The classes, each ascending, ordered by their first state.

    Raises
    ------
    TooLarge: so many classes that their list would not fit; see `chain_shape`.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> [states.tolist() for states in communicating_classes(chain)]
    [[0], [1, 2]]
    """
    labels, closed = chain.strong_components()
    return _grouped(labels, np.ones(len(closed), dtype=bool))


def recurrent_classes(chain: TransitionOperator) -> tuple[States, ...]:
    """Which classes are never left? The recurrent classes, each ascending, ordered by their first state.

    Raises
    ------
    TooLarge: as for `communicating_classes`.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> [states.tolist() for states in recurrent_classes(chain)]
    [[1, 2]]
    """
    return _grouped(*chain.strong_components())


def transient_classes(chain: TransitionOperator) -> tuple[States, ...]:
    """Which classes are left for ever, sooner or later? Each ascending, ordered by their first state.

    Raises
    ------
    TooLarge: as for `communicating_classes`; `transient_states` lists no classes.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> [states.tolist() for states in transient_classes(chain)]
    [[0]]
    """
    labels, closed = chain.strong_components()
    return _grouped(labels, ~closed)


def transient_states(chain: TransitionOperator) -> States:
    """Which states are left for ever, sooner or later? Those of no recurrent class, ascending.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> transient_states(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])).tolist()
    [0]
    """
    labels, closed = chain.strong_components()
    return np.flatnonzero(~closed[labels])


def absorbing_states(chain: TransitionOperator) -> States:
    """Which states are never left? Those whose one possible transition leads to themselves, ascending.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> absorbing_states(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]])).tolist()
    [1]
    """
    labels, closed = chain.strong_components()
    return np.flatnonzero((closed & (np.bincount(labels) == 1))[labels])


def is_irreducible(chain: TransitionOperator) -> bool:
    """Does every state lead to every other?"""
    return len(chain.strong_components()[1]) == 1


def period(chain: TransitionOperator, states: ArrayLike) -> int:
    """In multiples of how many steps can a class be back where it was? 1 is aperiodic, 0 a state that never comes back.

    Parameters
    ----------
    states: one communicating class, as `communicating_classes` gives it.

    Raises
    ------
    InvalidInput: states that are not one communicating class.

    Method: what the first state reaches, and what of it reaches the first state, is its class: other classes are not
    looked for. `chain_shape` has the periods of all of them at once.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> flip = SparseChain.from_matrix([[0.0, 1.0], [1.0, 0.0]])
    >>> period(flip, [0, 1])
    2
    """
    return int(chain.phases(_as_class(chain, states))[0][0])


def class_periods(chain: TransitionOperator, classes: Sequence[States]) -> list[int]:
    """The period of each of some communicating classes.

    Parameters
    ----------
    classes: as `communicating_classes` or `recurrent_classes` gives them, which is not looked at again.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> class_periods(chain, communicating_classes(chain))
    [1, 2]
    """
    labels = np.full(chain.n_states, -1, dtype=np.int32)
    for number, states in enumerate(classes):
        labels[states] = number
    return [int(found) for found in chain.phases(labels)[0]]


def cyclic_classes(chain: TransitionOperator, states: ArrayLike) -> tuple[States, ...]:
    """Into which sets, visited in turn, does a class fall?

    A class of period d has d of them, C_0, ..., C_{d-1}: every possible transition within the class leads from C_k to
    C_{k+1}, and from C_{d-1} to C_0. Each is ascending; the class's first state is in C_0. A class of period 1 is one
    set, and so is a state that never comes back.

    Parameters
    ----------
    states: one communicating class, as `communicating_classes` gives it.

    Raises
    ------
    InvalidInput: states that are not one communicating class.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> square = SparseChain.from_matrix([[0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0.5, 0, 0.5, 0]])
    >>> [visited.tolist() for visited in cyclic_classes(square, range(4))]
    [[0, 2], [1, 3]]
    """
    phases = chain.phases(_as_class(chain, states))[1]
    members = np.flatnonzero(phases >= 0)
    order = np.argsort(phases[members], kind="stable")
    return tuple(np.split(members[order], np.flatnonzero(np.diff(phases[members][order])) + 1))


def common_period(chain: TransitionOperator, live: Mask) -> int:
    """In multiples of how many steps can all that moves within live states be back where it was? 1 if nothing does.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> round_and_round = SparseChain.from_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    >>> [common_period(round_and_round, np.arange(3) < n) for n in (3, 2)]
    [3, 1]
    """
    found = chain.phases(chain.strong_components(live)[0])[0]
    return lcm(*np.unique(found[found > 0]).tolist())


def _as_class(chain: TransitionOperator, states: ArrayLike) -> Labels:
    """(n_states,) 0 on the states of one communicating class, -1 elsewhere.

    Raises
    ------
    InvalidInput: states that are no whole numbers, or not one communicating class.
    """
    members = state_numbers(states)
    chosen = np.zeros(chain.n_states, dtype=bool)
    if len(members) and members[0] >= 0 and members[-1] < chain.n_states:
        home = np.zeros(chain.n_states, dtype=bool)
        home[members[0]] = True
        ahead = chain.reached_from(home, np.ones(chain.n_states, dtype=bool))
        chosen = ahead & chain.reaching(home, ahead)
    if not np.array_equal(members, np.flatnonzero(chosen)) or not len(members):
        raise InvalidInput(
            f"states must be one communicating class, got {members.tolist()[:10]}; "
            "take one of communicating_classes(chain)"
        )
    return np.where(chosen, 0, -1).astype(np.int32)


def state_numbers(states: ArrayLike) -> States:
    """The states that are named by their numbers, ascending, none twice; a mask or a fraction is not taken for one.

    Raises
    ------
    InvalidInput: what is no list of whole numbers.

    >>> state_numbers([2, 0, 2]).tolist()
    [0, 2]
    """
    given = np.asarray(states)
    if given.size and given.dtype.kind not in "iu":
        raise InvalidInput(
            f"states must be a class by its state numbers, got {given.dtype}; of a mask take np.flatnonzero(mask)"
        )
    return np.unique(given.astype(np.int64))


def can_reach(chain: TransitionOperator, target: Mask, *, through: Mask | None = None) -> Mask:
    """From which states can the target be reached, in 0 or more steps, over states in ``through``?"""
    return chain.reaching(target, np.ones(chain.n_states, dtype=bool) if through is None else through)


def reachable_from(chain: TransitionOperator, start: Mask, *, through: Mask | None = None) -> Mask:
    """Which states can be reached from the start, in 0 or more steps, leaving only states in ``through``?"""
    return chain.reached_from(start, np.ones(chain.n_states, dtype=bool) if through is None else through)


def can_stay(chain: TransitionOperator, within: Mask) -> Mask:
    """From which states can one stay within a mask for ever?

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.0, 0.5, 0.5], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])
    >>> [np.flatnonzero(can_stay(chain, np.arange(3) < n)).tolist() for n in (2, 1)]
    [[0, 1], []]
    """
    before, staying = np.zeros(chain.n_states, dtype=bool), within
    while not np.array_equal(before, staying):
        before, staying = staying, staying & is_positive(chain.pull(np.where(staying, 1.0, 0.0)))
    return staying


def _grouped(labels: Labels, chosen: Mask) -> tuple[States, ...]:
    """The states of each chosen label, ordered by their first state."""
    n_classes = int(chosen.sum())
    require_memory(
        BYTES_PER_CLASS * n_classes + BYTES_PER_MEMBER * len(labels),
        f"{n_classes} classes of {len(labels)} states",
        "ask for their numbers and sizes (chain_shape)",
    )
    if n_classes == len(chosen) == 1:
        return (np.arange(len(labels), dtype=np.int64),)
    states = np.flatnonzero(chosen[labels])
    order = np.argsort(labels[states], kind="stable")
    states, sorted_labels = states[order], labels[states[order]]
    groups = np.split(states, np.flatnonzero(np.diff(sorted_labels)) + 1) if n_classes else []
    return tuple(sorted(groups, key=lambda members: int(members[0])))


def proved(values: Numbers) -> Enclosure:
    """Numbers that the support alone gives, exactly.

    >>> found = proved(np.zeros(2))
    >>> found.lower.tolist(), found.upper.tolist(), found.method
    ([0.0, 0.0], [0.0, 0.0], 'graph search on the support')
    """
    return Enclosure(values, values, values, 0.0, PROOF)
