"""What is left of a chain between its ends: one interface, and which method answers it.

The chain is the exact normalisation of the stored weights, p = w / W with W the row sums; Q is p on the live states,
from each of which an end can be reached. Two equations are all there is:

    harmonic, for every start at once    h = Q h + gain
    occupation, from a start             v = v Q + start
"""

from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.product import ProductChain
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import Numbers, concatenate, widen
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.direct import DirectSystem, stationary_by_elimination
from markovgpt.solvers.excursions import Solver
from markovgpt.solvers.iterative import IterativeSystem
from markovgpt.solvers.multigrid_solver import MultigridSolver
from markovgpt.solvers.product_solver import ProductSolver
from markovgpt.solvers.sparse_solver import SparseSolver

ELIMINATED = 1000  # live states up to which a dense matrix is eliminated
ELIMINATED_WINDOWS = 600  # the same for windows, which have something faster
MOST_PORTS = 6  # states of an automaton's own that are references; with more it is solved as a list


class LiveSystem(Protocol):
    """The live part of a chain. Vectors are (n_states,), 0 off the live states, there and in every answer."""

    def harmonic(self, gain: Numbers) -> Enclosure:
        """Enclose h = Q h + gain; the gain may hold as many roundings as a product with the chain."""

    def occupation(self, start: Numbers) -> Enclosure:
        """Enclose v = v Q + start; the start may hold as many roundings as a product with the chain."""


def live_system(chain: TransitionOperator, live: Mask) -> LiveSystem:
    """The system on given live states, from each of which an end can be reached."""
    n, chain = int(np.count_nonzero(live)), _solvable(chain, live)
    if n <= (ELIMINATED_WINDOWS if isinstance(chain, WindowChain | ProductChain) else ELIMINATED):
        return DirectSystem.of(chain, live)
    return IterativeSystem(chain, live, partial(_solver_on, chain), _ports(chain, live))


def regenerating_system(chain: TransitionOperator, live: Mask) -> IterativeSystem:
    """The system on given live states as one whose bounds come from products alone, and can be checked by products."""
    chain = _solvable(chain, live)
    return IterativeSystem(chain, live, partial(_solver_on, chain), _ports(chain, live))


def stationary(chain: TransitionOperator, states: NDArray[np.int64]) -> Enclosure:
    """Enclose the stationary distribution of a recurrent class, 0 elsewhere."""
    # a step of any other chain may stand for no token, and the automaton stay where it is
    if isinstance(chain, ProductChain) and isinstance(chain.base, WindowChain) and chain.memory is not None:
        return _read_along(chain, stationary(chain.base, np.unique(chain.window_of[states])), chain.memory)
    members = np.zeros(chain.n_states, dtype=bool)
    members[states] = True
    chain = _solvable(chain, members, most_ports=0)
    if len(states) <= (ELIMINATED_WINDOWS if isinstance(chain, WindowChain | ProductChain) else ELIMINATED):
        return stationary_by_elimination(chain, members)
    return IterativeSystem(chain, members, partial(_solver_on, chain)).stationary()


def _read_along(chain: ProductChain, windows: Enclosure, memory: int) -> Enclosure:
    """The stationary distribution of windows, with an automaton that has read as many tokens as it remembers."""
    more = np.zeros(chain.n_states - chain.base.n_states)
    parts = [concatenate([part, more]) for part in (windows.value, windows.lower, windows.upper)]
    for _ in range(memory):
        parts = [chain.push(chain.with_room(part)) for part in parts]
    lower, upper = (widen(part, memory * chain.roundings)[side] for side, part in enumerate(parts[1:]))
    return Enclosure(parts[0], lower, upper, windows.residual, f"{windows.method}, read along for {memory} tokens")


def _solvable(chain: TransitionOperator, states: Mask, most_ports: int = MOST_PORTS) -> TransitionOperator:
    """The chain as it is solved on some states: a list of transitions where nothing of windows helps.

    That is a chain over single tokens, which has no shorter contexts, and one with an automaton that reads along, if it
    is over no such windows, or has many states of its own that something leads to.
    """
    if isinstance(chain, ProductChain):
        if isinstance(_solvable(chain.base, states), WindowChain) and len(_ports(chain, states)) <= most_ports:
            return chain
        return chain.as_list
    if isinstance(chain, WindowChain) and chain.space.context_length == 1:
        return SparseChain(chain.edges(), chain.n_states, None, chain.space, chain.vocabulary)
    return chain


def _ports(chain: TransitionOperator, states: Mask) -> tuple[int, ...]:
    """The states through which a walk comes to what a chain does not have in common with windows alone."""
    return tuple(np.flatnonzero(chain.entered & states).tolist()) if isinstance(chain, ProductChain) else ()


def _solver_on(chain: TransitionOperator, states: Mask) -> Solver:
    """What solves about on states of a large chain."""
    if isinstance(chain, ProductChain):
        return ProductSolver(chain, states)
    if isinstance(chain, WindowChain):
        return MultigridSolver(chain, states)
    sparse = SparseSolver(chain, states)
    if sparse.is_affordable or not isinstance(chain, SparseChain):
        return sparse
    return MultigridSolver(chain, states)
