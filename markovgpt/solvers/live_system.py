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
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.scaled import Numbers
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.direct import DirectSystem, stationary_by_elimination
from markovgpt.solvers.excursions import Solver
from markovgpt.solvers.iterative import IterativeSystem
from markovgpt.solvers.multigrid_solver import MultigridSolver
from markovgpt.solvers.sparse_solver import SparseSolver

ELIMINATED = 1000  # live states up to which a dense matrix is eliminated
ELIMINATED_WINDOWS = 600  # the same for windows, which have something faster


class LiveSystem(Protocol):
    """The live part of a chain. Vectors are (n_states,), 0 off the live states, there and in every answer."""

    def harmonic(self, gain: Numbers) -> Enclosure:
        """Enclose h = Q h + gain; the gain may hold as many roundings as a product with the chain."""

    def occupation(self, start: Numbers) -> Enclosure:
        """Enclose v = v Q + start; the start may hold as many roundings as a product with the chain."""


def live_system(chain: TransitionOperator, live: Mask) -> LiveSystem:
    """The system on given live states, from each of which an end can be reached."""
    n, chain = int(np.count_nonzero(live)), _listed_if_short(chain)
    if n <= (ELIMINATED_WINDOWS if isinstance(chain, WindowChain) else ELIMINATED):
        return DirectSystem.of(chain, live)
    return IterativeSystem(chain, live, partial(_solver_on, chain))


def regenerating_system(chain: TransitionOperator, live: Mask) -> IterativeSystem:
    """The system on given live states as one whose bounds come from products alone, and can be checked by products."""
    chain = _listed_if_short(chain)
    return IterativeSystem(chain, live, partial(_solver_on, chain))


def stationary(chain: TransitionOperator, states: NDArray[np.int64]) -> Enclosure:
    """Enclose the stationary distribution of a recurrent class, 0 elsewhere."""
    members = np.zeros(chain.n_states, dtype=bool)
    members[states] = True
    chain = _listed_if_short(chain)
    if len(states) <= (ELIMINATED_WINDOWS if isinstance(chain, WindowChain) else ELIMINATED):
        return stationary_by_elimination(chain, members)
    return IterativeSystem(chain, members, partial(_solver_on, chain)).stationary()


def _listed_if_short(chain: TransitionOperator) -> TransitionOperator:
    """The chain; one over single tokens, which has no shorter contexts, as a list of transitions."""
    if isinstance(chain, WindowChain) and chain.space.context_length == 1:
        return SparseChain(chain.edges(), chain.n_states, None, chain.space, chain.vocabulary)
    return chain


def _solver_on(chain: TransitionOperator, states: Mask) -> Solver:
    """What solves about on states of a large chain."""
    if isinstance(chain, WindowChain):
        return MultigridSolver(chain, states)
    sparse = SparseSolver(chain, states)
    if sparse.is_affordable or not isinstance(chain, SparseChain):
        return sparse
    return MultigridSolver(chain, states)
