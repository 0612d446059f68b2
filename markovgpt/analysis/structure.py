"""The shape of a chain, from its support alone: which states lead to which, and which never come back.

Nothing here looks at the size of a probability: what is possible is decided by the support.
"""

from math import gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput

States = NDArray[np.int64]


def communicating_classes(chain: TransitionOperator) -> tuple[States, ...]:
    """Which states lead to each other? The classes, each ascending, ordered by their first state.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> [states.tolist() for states in communicating_classes(chain)]
    [[0], [1, 2]]
    """
    return _grouped(chain.strong_components()[0])


def recurrent_classes(chain: TransitionOperator) -> tuple[States, ...]:
    """Which classes are never left? The recurrent classes, each ascending, ordered by their first state.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> [states.tolist() for states in recurrent_classes(chain)]
    [[1, 2]]
    """
    labels, closed = chain.strong_components()
    return tuple(states for states in _grouped(labels) if closed[labels[states[0]]])


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

    Method: the greatest common divisor of level(s) + 1 - level(t) over the transitions s -> t within the class, level
    being the distance from its first state.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> flip = SparseChain.from_matrix([[0.0, 1.0], [1.0, 0.0]])
    >>> period(flip, [0, 1])
    2
    """
    members = np.unique(np.asarray(states, dtype=np.int64))
    if not any(np.array_equal(members, found) for found in communicating_classes(chain)):
        raise InvalidInput(
            f"states must be one communicating class, got {members.tolist()[:10]}; "
            "take one of communicating_classes(chain)"
        )
    place = np.full(chain.n_states, -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    source, target = (place[ends] for ends in chain.edges(place >= 0)[:2])
    source, target = source[target >= 0], target[target >= 0]
    support = csr_array((np.ones(len(source)), (source, target)), shape=(len(members), len(members)))
    order, before = breadth_first_order(support, 0, directed=True)
    level = np.zeros(len(members), dtype=np.int64)
    for state in order[1:]:
        level[state] = level[before[state]] + 1
    return gcd(*np.abs(level[source] + 1 - level[target]).tolist()) if len(source) else 0


def can_reach(chain: TransitionOperator, target: Mask, *, through: Mask | None = None) -> Mask:
    """From which states can the target be reached, in 0 or more steps, over states in ``through``?"""
    return chain.reaching(target, np.ones(chain.n_states, dtype=bool) if through is None else through)


def reachable_from(chain: TransitionOperator, start: Mask, *, through: Mask | None = None) -> Mask:
    """Which states can be reached from the start, in 0 or more steps, leaving only states in ``through``?"""
    return chain.reached_from(start, np.ones(chain.n_states, dtype=bool) if through is None else through)


def _grouped(labels: NDArray[np.int32]) -> tuple[States, ...]:
    """The states of each label, ordered by their first state."""
    if not labels.any():
        return (np.arange(len(labels), dtype=np.int64),)
    order = np.argsort(labels, kind="stable")
    groups = np.split(order.astype(np.int64), np.flatnonzero(np.diff(labels[order])) + 1)
    return tuple(sorted(groups, key=lambda states: int(states[0])))
