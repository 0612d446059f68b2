"""The shape of a chain, from its support alone: which states lead to which, and which never come back.

Nothing here looks at the size of a probability: what is possible is decided by the support.
"""

from math import gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import breadth_first_order, connected_components

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
    _, labels = connected_components(chain.support(), directed=True, connection="strong")
    return _grouped(np.asarray(labels))


def recurrent_classes(chain: TransitionOperator) -> tuple[States, ...]:
    """Which classes are never left? The recurrent classes, each ascending, ordered by their first state.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    >>> [states.tolist() for states in recurrent_classes(chain)]
    [[1, 2]]
    """
    n_classes, labels = connected_components(chain.support(), directed=True, connection="strong")
    source, target, _ = chain.edges()
    left = np.zeros(n_classes, dtype=bool)
    left[labels[source[labels[source] != labels[target]]]] = True
    return tuple(states for states in _grouped(np.asarray(labels)) if not left[labels[states[0]]])


def is_irreducible(chain: TransitionOperator) -> bool:
    """Does every state lead to every other?"""
    n_classes, _ = connected_components(chain.support(), directed=True, connection="strong")
    return bool(n_classes == 1)


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
    support = chain.support()[members][:, members]
    order, before = breadth_first_order(support, 0, directed=True)
    level = np.zeros(len(members), dtype=np.int64)
    for state in order[1:]:
        level[state] = level[before[state]] + 1
    source, target = support.nonzero()
    return gcd(*np.abs(level[source] + 1 - level[target]).tolist()) if len(source) else 0


def can_reach(chain: TransitionOperator, target: Mask, *, through: Mask | None = None) -> Mask:
    """From which states can the target be reached, in 0 or more steps, over states in ``through``?"""
    return chain.reaching(target, np.ones(chain.n_states, dtype=bool) if through is None else through)


def reachable_from(chain: TransitionOperator, start: Mask, *, through: Mask | None = None) -> Mask:
    """Which states can be reached from the start, in 0 or more steps, leaving only states in ``through``?"""
    return chain.reached_from(start, np.ones(chain.n_states, dtype=bool) if through is None else through)


def _grouped(labels: NDArray[np.int32]) -> tuple[States, ...]:
    """The states of each label, ordered by their first state."""
    order = np.argsort(labels, kind="stable")
    groups = np.split(order.astype(np.int64), np.flatnonzero(np.diff(labels[order])) + 1)
    return tuple(sorted(groups, key=lambda states: int(states[0])))
