"""What is left at temperature zero: one successor per window, a finite-state machine without input.

Every window leads into exactly one cycle; the windows that lead into a cycle are its basin.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace
from markovgpt.vocabulary import Vocabulary

States = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GreedyMachine:
    """The machine a model becomes at temperature zero.

    Parameters
    ----------
    space: the windows that are its states.
    token: (n_states,) the token said after each window; of tied tokens the one with the lowest id.
    next_state: (n_states,) the window after it.
    cycles: each cycle as the states it runs through, from its lowest; ordered by their lowest state.
    basin: (n_states,) the index of the cycle that each state leads into.
    transient_length: (n_states,) steps until the cycle is entered; 0 on a cycle.
    n_tied: number of states whose two largest logits are equal.
    smallest_margin: the smallest gap between the two largest logits of a state, in nats; inf with a single token.
    vocabulary: the tokens' strings, if known.
    """

    space: StateSpace
    token: States
    next_state: States
    cycles: tuple[States, ...]
    basin: States
    transient_length: States
    n_tied: int
    smallest_margin: float
    vocabulary: Vocabulary | None = None

    def cycle_label(self, index: int) -> str:
        """The tokens a cycle says, once around from its lowest state."""
        said = tuple(int(token) for token in self.token[self.cycles[index]])
        return self.vocabulary.show(said) if self.vocabulary else " ".join(map(str, said))


def greedy_machine(table: LogitTable) -> GreedyMachine:
    """What does the model say at temperature zero, from every window?

    Parameters
    ----------
    table: the logits of every window.

    Raises
    ------
    InvalidInput: a row of logits that holds NaN, +inf or no number.

    Method: pointer doubling, log2(n_states) gathers over the states.

    >>> says_its_oldest = LogitTable(StateSpace(2, 2), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    >>> machine = greedy_machine(says_its_oldest)
    >>> [states.tolist() for states in machine.cycles], machine.cycle_label(1), machine.smallest_margin
    ([[0], [1, 2], [3]], '0 1', 1.0)
    """
    space, V = table.space, table.space.vocab_size
    said = np.argmax(SamplingSettings(temperature=0).log_probabilities(table.logits), axis=1).astype(np.int64)
    next_state = space.successors(said)
    on_cycle, landed = _cyclic_states(next_state)
    cycles, cycle_of = _cycles(next_state, on_cycle)
    if V > 1:
        two_best = np.partition(table.logits.astype(np.float64), V - 2, axis=1)[:, V - 2 :]
        margins = two_best[:, 1] - two_best[:, 0]
    else:
        margins = np.full(space.n_states, np.inf)
    return GreedyMachine(
        space=space,
        token=said,
        next_state=next_state,
        cycles=cycles,
        basin=cycle_of[landed],
        transient_length=_steps_until(next_state, on_cycle),
        n_tied=int((margins == 0).sum()),
        smallest_margin=float(margins.min()),
        vocabulary=table.vocabulary,
    )


def _cyclic_states(next_state: States) -> tuple[NDArray[np.bool_], States]:
    """Which states lie on a cycle, and a state of its cycle for every state: where n steps lead."""
    ahead = next_state
    for _ in range(len(next_state).bit_length()):
        ahead = ahead[ahead]
    on_cycle = np.zeros(len(next_state), dtype=bool)
    on_cycle[ahead] = True
    return on_cycle, ahead


def _cycles(next_state: States, on_cycle: NDArray[np.bool_]) -> tuple[tuple[States, ...], States]:
    """The cycles, and the index of the cycle of each state on one (-1 elsewhere)."""
    cycle_of = np.full(len(next_state), -1, dtype=np.int64)
    cycles: list[States] = []
    for first in np.flatnonzero(on_cycle).tolist():
        if cycle_of[first] >= 0:
            continue
        states = [first]
        while int(next_state[states[-1]]) != first:
            states.append(int(next_state[states[-1]]))
        cycle_of[states] = len(cycles)
        cycles.append(np.array(states, dtype=np.int64))
    return tuple(cycles), cycle_of


def _steps_until(next_state: States, on_cycle: NDArray[np.bool_]) -> States:
    """Steps from each state to the first state on a cycle, level by level against the arrows."""
    steps = np.where(on_cycle, 0, -1)
    while (steps < 0).any():
        reached = steps[next_state] >= 0
        entering = reached & (steps < 0)
        steps[entering] = steps[next_state[entering]] + 1
    return steps.astype(np.int64)
