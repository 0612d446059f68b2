"""What is left at temperature zero: one successor per window, a finite-state machine without input.

Every window leads into exactly one cycle; the windows that lead into a cycle are its basin.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, start_state
from markovgpt.analysis.close_calls import CloseCalls
from markovgpt.analysis.moore import MooreMachine, smallest_machine
from markovgpt.chains.asking import refuse
from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.scans import two_best
from markovgpt.chains.states import StateSpace, Window
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

States = NDArray[np.int64]
ENTRIES_AT_ONCE = 2**22  # logits looked at in one pass
BYTES_PER_STATE = 24  # tokens, successors, order, basins, and two counts while they are made
BYTES_PER_CALL = 80  # a window, a token and a gap, gathered and joined, and what they change
CLOSE_ROUNDINGS = 16  # a lead that another order of summation could turn round, in roundings of the larger logit


class Uttered(NamedTuple):
    """What is said from a window: some tokens once, then others for ever."""

    once: Window
    for_ever: Window


@dataclass(frozen=True, eq=False, repr=False)
class GreedyMachine(Shown):
    """The machine a model becomes at temperature zero.

    Parameters
    ----------
    space: the windows that are its states.
    token: (n_states,) the token said after each window; of tied tokens the one with the lowest id.
    graph: the window after each window, the cycles and the basins.
    n_tied: number of states whose two largest logits are equal.
    smallest_margin: the smallest gap between the two largest logits of a state, in nats; inf with a single token.
    close_calls: the choices whose gap is within float noise, and what they would change.
    vocabulary: the tokens' strings, if known.
    """

    space: StateSpace
    token: NDArray[np.int32]
    graph: FunctionalGraph
    n_tied: int
    smallest_margin: float
    close_calls: CloseCalls
    vocabulary: Vocabulary | None = None

    @property
    def n_states(self) -> int:
        """Number of windows."""
        return self.space.n_states

    @property
    def next_state(self) -> NDArray[np.integer[Any]]:
        """(n_states,) the window after each."""
        return self.graph.successor

    @property
    def n_cycles(self) -> int:
        """Number of cycles."""
        return len(self.graph.cycle_starts) - 1

    @property
    def cycles(self) -> tuple[States, ...]:
        """Each cycle as the states it runs through, from its lowest; ordered by their lowest state."""
        return self.graph.cycles

    @property
    def cycle_lengths(self) -> States:
        """(n_cycles,) the states of each cycle."""
        return np.diff(self.graph.cycle_starts)

    @property
    def basin(self) -> NDArray[np.int32]:
        """(n_states,) the index of the cycle that each state leads into."""
        return self.graph.basin

    @property
    def basin_sizes(self) -> States:
        """(n_cycles,) how many states lead into each cycle, its own with them."""
        return self.graph.basin_sizes

    @property
    def transient_length(self) -> NDArray[np.integer[Any]]:
        """(n_states,) steps until the cycle is entered; 0 on a cycle."""
        return self.graph.steps

    @property
    def longest_transient(self) -> int:
        """The most steps until a cycle is entered."""
        return int(self.graph.steps.max())

    def cycle_label(self, index: int) -> str:
        """The tokens a cycle says, once around from its lowest state."""
        return self.shown(tuple(self.token[self.graph.cycle(index)].tolist()))

    def says(self, start: Start) -> Uttered:
        """What does it say from a state, a window or a text: some tokens once, then others for ever?

        Raises
        ------
        InvalidInput: a start that is no state.

        >>> table = LogitTable(StateSpace(2, 2), np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]))
        >>> greedy_machine(table).says((1, 1))                       # 11, 10, 00, 01, 10, ...
        Uttered(once=(0,), for_ever=(0, 1, 0))
        """
        state, said = start_state(self, start), []
        for _ in range(int(self.graph.steps[state])):
            said.append(int(self.token[state]))
            state = int(self.graph.successor[state])
        around = []
        for _ in range(int(self.cycle_lengths[self.basin[state]])):
            around.append(int(self.token[state]))
            state = int(self.graph.successor[state])
        return Uttered(tuple(said), tuple(around))

    def minimised(self, *, reading: bool = False, start: Start | None = None) -> MooreMachine:
        """The smallest machine that says the same from every window; see `smallest_machine`.

        Parameters
        ----------
        reading: whether it is to read any token, and say what follows; otherwise it reads its own words alone.
        start: a state, a window or a text: only what is reachable from there becomes part of it.

        Raises
        ------
        InvalidInput: a start that is no state.
        TooLarge: the classes of the windows would not fit.

        >>> table = LogitTable(StateSpace(2, 2), np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]))
        >>> greedy_machine(table).minimised().output.tolist()           # 110 110 ...
        [1, 1, 0]
        """
        begin = None if start is None else start_state(self, start)
        return smallest_machine(self.space, self.token, reading=reading, start=begin, vocabulary=self.vocabulary)

    def shown(self, tokens: Window) -> str:
        """Tokens as text; their numbers where no vocabulary is known."""
        return self.vocabulary.show(tokens) if self.vocabulary else " ".join(map(str, tokens))


def greedy_machine(table: LogitTable, *, noise: float | None = None) -> GreedyMachine:
    """What does the model say at temperature zero, from every window?

    Parameters
    ----------
    table: the logits of every window.
    noise: a choice is close if the gap to the largest logit is at most this, in nats; None takes 16 roundings of the
        table's dtype at the largest logit (at 1, if that is smaller), what another order of summation could move.

    Raises
    ------
    InvalidInput: logits after a window that hold NaN, +inf or no number; noise below 0.
    TooLarge: 24 bytes a state, and 80 for each close choice, would not fit.

    Method: one pass over the table; then the functional graph, in time and memory proportional to the states.

    >>> says_its_oldest = LogitTable(StateSpace(2, 2), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    >>> machine = greedy_machine(says_its_oldest)
    >>> [states.tolist() for states in machine.cycles], machine.cycle_label(1), machine.smallest_margin
    ([[0], [1, 2], [3]], '0 1', 1.0)
    """
    if noise is not None and not (isinstance(noise, int | float | np.integer | np.floating) and 0 <= noise < np.inf):
        raise InvalidInput(
            f"noise must be a number of nats of at least 0, got {noise}; None takes 16 roundings of the largest logit"
        )
    space, n = table.space, table.space.n_states
    require_memory(BYTES_PER_STATE * n, f"the machine of {n} states", "give a shorter context length")
    token = np.empty(n, dtype=np.int32)
    successor: NDArray[np.integer[Any]] = np.empty(n, dtype=np.int32 if n < 2**31 else np.int64)
    n_tied, smallest, close = 0, np.inf, []
    step = max(1, ENTRIES_AT_ONCE // space.vocab_size)
    for first in range(0, n, step):
        rows = slice(first, min(first + step, n))
        token[rows], gaps, found = _chosen(table, rows, noise)
        successor[rows] = space.successors(token[rows], np.arange(rows.start, rows.stop))
        n_tied, smallest = n_tied + int((gaps == 0).sum()), min(smallest, float(gaps.min()))
        close.append(found)
        require_memory(
            BYTES_PER_CALL * sum(len(part[0]) for part in close),
            "the choices within noise of each other",
            "give less noise",
        )
    graph = FunctionalGraph.of(successor)
    states, tokens, between = (np.concatenate(parts) for parts in zip(*close, strict=True))
    calls = CloseCalls(space, graph, states, tokens, between)
    return GreedyMachine(space, token, graph, n_tied, smallest, calls, table.vocabulary)


def _chosen(
    table: LogitTable, rows: slice, noise: float | None
) -> tuple[NDArray[np.int32], NDArray[np.float64], tuple[States, States, NDArray[np.float64]]]:
    """What some windows say, by how much it leads, and what they nearly say: states, tokens and gaps."""
    logits = np.ascontiguousarray(table.logits[rows])
    if logits.dtype == np.float16:
        logits = logits.astype(np.float32)
    token, best, lead = two_best(logits)
    if np.isnan(lead).any():
        row = int(np.argmax(np.isnan(lead)))
        refuse(logits[row], table.space.decode(rows.start + row), table.vocabulary)
    unit = float(np.finfo(table.logits.dtype).eps) / 2
    relative = CLOSE_ROUNDINGS * unit * np.maximum(np.abs(best), 1.0)
    allowed = relative if noise is None else np.full(len(best), noise)
    near = np.flatnonzero(lead <= allowed)
    with np.errstate(over="ignore"):  # a gap beyond the doubles is inf
        gaps = best[near, None] - logits[near].astype(np.float64)
    gaps[np.arange(len(near)), token[near]] = np.inf  # what is said is no alternative
    place, other = np.nonzero(gaps <= allowed[near, None])
    return token, lead, (rows.start + near[place], other, gaps[place, other])
