"""What is left of a chain between its ends: one interface, and which method answers it.

The chain is the exact normalisation of the stored weights, p = w / W with W the row sums; Q is p on the live states,
from each of which an end can be reached. Two equations are all there is:

    harmonic, for every start at once    h = Q h + gain
    occupation, from a start             v = v Q + start
"""

from functools import partial
from typing import NoReturn, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import TooLarge
from markovgpt.scaled import Numbers
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.direct import DirectSystem, stationary_by_elimination
from markovgpt.solvers.iterative import IterativeSystem
from markovgpt.solvers.window_solver import WindowSolver

ELIMINATED = 3000  # live states of any chain up to which elimination is used
ELIMINATED_WINDOWS = 600  # the same for windows, which have something faster


class LiveSystem(Protocol):
    """The live part of a chain. Vectors are (n_states,), 0 off the live states, there and in every answer."""

    def harmonic(self, gain: Numbers) -> Enclosure:
        """Enclose h = Q h + gain; the gain may hold as many roundings as a product with the chain."""

    def occupation(self, start: Numbers) -> Enclosure:
        """Enclose v = v Q + start; the start may hold as many roundings as a product with the chain."""


def live_system(chain: TransitionOperator, live: Mask) -> LiveSystem:
    """The system on given live states, from each of which an end can be reached."""
    n = int(np.count_nonzero(live))
    if _has_shorter_contexts(chain) and n > ELIMINATED_WINDOWS:
        return IterativeSystem(chain, live, partial(WindowSolver, chain))
    if n > ELIMINATED:
        _refuse(n)
    return DirectSystem.of(chain, live)


def stationary(chain: TransitionOperator, states: NDArray[np.int64]) -> Enclosure:
    """Enclose the stationary distribution of a recurrent class, 0 elsewhere."""
    members = np.zeros(chain.n_states, dtype=bool)
    members[states] = True
    if _has_shorter_contexts(chain) and len(states) > ELIMINATED_WINDOWS:
        return IterativeSystem(chain, members, partial(WindowSolver, chain)).stationary()
    if len(states) > ELIMINATED + 1:
        _refuse(len(states))
    return stationary_by_elimination(chain, members)


def _has_shorter_contexts(chain: TransitionOperator) -> TypeGuard[WindowChain]:
    """Whether its windows can be told by fewer tokens: what multigrid lives on."""
    return isinstance(chain, WindowChain) and chain.space.context_length > 1


def _refuse(n: int) -> NoReturn:
    raise TooLarge(
        f"a linear system must have at most {ELIMINATED} live states for elimination, got {n}; ask within a horizon "
        "(within=, --within)"
    )
