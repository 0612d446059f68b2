"""Questions of a chain of windows as a chain that is begun again when it ends, by multigrid and by elimination."""

from dataclasses import replace

import numpy as np

import markovgpt as mg
from markovgpt.chains.states import Mask
from markovgpt.scaled import Numbers, ScaledArray, as_floats
from markovgpt.solvers.gth import stationary_vector
from markovgpt.solvers.multigrid import Landscape, Restarted, Solution
from markovgpt.solvers.multigrid_solver import solve_in_range

TOLERANCE = 1e-12
QUESTIONS = ("stationary", "killed")


def posed(chain: mg.WindowChain, question: str) -> Restarted:
    """The question as a chain that is begun again when it ends."""
    states = np.arange(chain.n_states)
    if question == "killed":
        return until(chain, states == 0, states == chain.n_states - 1)
    nothing = np.zeros(chain.n_states)
    everywhere = Landscape(replace(chain.blocks[-1]), np.ones(chain.n_states, dtype=bool))
    return Restarted(everywhere, nothing, nothing)


def until(chain: mg.WindowChain, start: Mask, end: Mask) -> Restarted:
    """The chain from a start until an end that is surely reached, then begun again."""
    table = replace(chain.blocks[-1])  # nothing that another solution left with it
    live = chain.reached_from(start, ~end) & ~end
    return Restarted(Landscape(table, live), table.pull(end.astype(np.float64)) * live, start.astype(np.float64))


def image(problem: Restarted, x: Numbers) -> Numbers:
    """x T."""
    return problem.push(x) + problem.restart * problem.killed(x)


def by_multigrid(chain: mg.WindowChain, problem: Restarted) -> tuple[Solution, str]:
    """The solution, and whether doubles were enough for it."""
    begin = problem.live / problem.live.sum()
    found, _ = solve_in_range(
        chain, lambda restart: replace(problem, restart=restart), problem.restart, begin, TOLERANCE
    )
    return found, "scaled" if isinstance(found.x, ScaledArray) else "doubles"


def by_elimination(chain: mg.WindowChain, problem: Restarted) -> Numbers:
    """The stationary vector by GTH, on the live windows in their order."""
    live = np.flatnonzero(problem.live)
    restarted = as_floats(problem.exits)[:, None] * problem.restart
    return stationary_vector((chain.to_csr().toarray() + restarted)[np.ix_(live, live)])
