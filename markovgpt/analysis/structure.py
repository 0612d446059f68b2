"""The shape of a chain, from its support alone: which states lead to which, and which never come back.

Nothing here looks at the size of a probability: what is possible is decided by the support.
"""

from math import lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, is_positive
from markovgpt.solvers.certificate import Enclosure

States = NDArray[np.int64]
PROOF = "graph search on the support"  # the method of an answer that no size of a probability can change


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
    inside = np.zeros(chain.n_states, dtype=bool)
    inside[members] = True
    return int(_periods(chain, inside)[0])


def common_period(chain: TransitionOperator, live: Mask) -> int:
    """In multiples of how many steps can all that moves within live states be back where it was? 1 if nothing does.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> round_and_round = SparseChain.from_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    >>> [common_period(round_and_round, np.arange(3) < n) for n in (3, 2)]
    [3, 1]
    """
    found = _periods(chain, live)
    return lcm(*found[found > 0].tolist())


def _periods(chain: TransitionOperator, live: Mask) -> States:
    """The period of each communicating class within live states, 0 where nothing comes back.

    With level(s) the distance from the first state of a class, the greatest common divisor of
    level(s) + 1 - level(t) over its transitions s -> t.
    """
    place = np.full(chain.n_states, -1, dtype=np.int64)
    place[live] = np.arange(live.sum())
    source, target = (place[ends] for ends in chain.edges(live)[:2])
    source, target = source[target >= 0], target[target >= 0]
    n = int(live.sum())
    n_classes, labels = connected_components(
        csr_array((np.ones(len(source)), (source, target)), shape=(n, n)), directed=True, connection="strong"
    )
    within = labels[source] == labels[target]
    source, target = source[within], target[within]
    first = np.unique(labels, return_index=True)[1]
    rows, columns = np.concatenate([source, np.full(n_classes, n)]), np.concatenate([target, first])
    graph = csr_array((np.ones(len(rows)), (rows, columns)), shape=(n + 1, n + 1))
    level = dijkstra(graph, indices=n, unweighted=True).astype(np.int64)
    found = np.zeros(n_classes, dtype=np.int64)
    np.gcd.at(found, labels[source], np.abs(level[source] + 1 - level[target]))
    return found


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


def _grouped(labels: NDArray[np.int32]) -> tuple[States, ...]:
    """The states of each label, ordered by their first state."""
    if not labels.any():
        return (np.arange(len(labels), dtype=np.int64),)
    order = np.argsort(labels, kind="stable")
    groups = np.split(order.astype(np.int64), np.flatnonzero(np.diff(labels[order])) + 1)
    return tuple(sorted(groups, key=lambda states: int(states[0])))


def proved(values: Numbers) -> Enclosure:
    """Numbers that the support alone gives, exactly.

    >>> found = proved(np.zeros(2))
    >>> found.lower.tolist(), found.upper.tolist(), found.method
    ([0.0, 0.0], [0.0, 0.0], 'graph search on the support')
    """
    return Enclosure(values, values, values, 0.0, PROOF)
