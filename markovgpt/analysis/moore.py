"""The machine that a model is at temperature zero, as small as it can be.

At temperature zero each window says one token and so leads to one window: a Moore machine, whose output in a window is
the token said there. Windows that no continuation can tell apart are one state of the smallest such machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.arguments import Start, Target, start_distribution
from markovgpt.analysis.question import posed
from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.product import stays
from markovgpt.chains.refinement import coarsest_partition, in_order_met, index_type
from markovgpt.chains.states import Mask, StateSpace, Windows, is_count, window_label
from markovgpt.chains.window_classes import readable_from, rows_after, same_after_any_text, same_ahead
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

States = NDArray[np.integer[Any]]
NOTHING = -1  # what is said where a chain was cut off
BYTES_PER_WINDOW = 32  # while windows are folded into states


@dataclass(frozen=True, eq=False, repr=False)
class MooreMachine(Shown):
    """The smallest machine that says what a chain says at temperature zero.

    Parameters
    ----------
    output: (k,) the token said in each state; -1 says nothing, where a chain was cut off.
    next_state: (k,) the state after a step, for a machine that reads nothing but its own words; (k, V) the state after
        reading each token, for one that reads any.
    state_of: (n,) the state that each window is folded into, the witness of what is claimed; -1 where the machine does
        not come by. For a chain with a target that its windows do not show, states of the product: windows first.
    representative: (k,) the lowest window of each state, ascending.
    space: the windows.
    begin: the state of the start, if one was given.
    completed: (k,) whether the target has just been reached in each state; None where none was asked about.
    vocabulary: the tokens' strings, if known.
    """

    output: States
    next_state: States
    state_of: States
    representative: States
    space: Windows
    begin: int | None = None
    completed: Mask | None = None
    vocabulary: Vocabulary | None = None

    @property
    def n_states(self) -> int:
        """Number of states k."""
        return len(self.output)

    @property
    def is_reading(self) -> bool:
        """Whether it reads any token, and not its own words alone."""
        return self.next_state.ndim == 2

    @cached_property
    def n_folded(self) -> NDArray[np.int64]:
        """(k,) how many windows are folded into each state."""
        return np.bincount(self.state_of[self.state_of >= 0], minlength=self.n_states).astype(np.int64)

    @cached_property
    def successor(self) -> States:
        """(k,) the state after each, if the machine goes on by its own word."""
        return self.next_state[np.arange(self.n_states), self.output] if self.is_reading else self.next_state

    @cached_property
    def graph(self) -> FunctionalGraph:
        """The states and their successors: loops, and the tails that lead into them."""
        return FunctionalGraph.of(self.successor)

    @property
    def cycles(self) -> tuple[NDArray[np.int64], ...]:
        """The states of each loop, in running order from the lowest; ordered by that."""
        return self.graph.cycles

    def says(self, state: int, n: int) -> tuple[int, ...]:
        """The next n tokens from a state on; fewer where a chain was cut off.

        Raises
        ------
        InvalidInput: a state outside the machine, n negative or no whole number.
        """
        if not is_count(n):
            raise InvalidInput(f"n must be a whole number of at least 0, got {n}; say how many tokens")
        said: list[int] = []
        at = self._checked(state)
        while len(said) < n and self.output[at] != NOTHING:
            said.append(int(self.output[at]))
            at = int(self.successor[at])
        return tuple(said)

    def label(self, state: int) -> str:
        """How the token said in a state is printed; empty where nothing is."""
        return self.shown(self.says(state, 1))

    def window_label(self, state: int) -> str:
        """How the lowest window that is folded into a state is printed."""
        return window_label(self.space.decode(int(self.representative[self._checked(state)])), self.vocabulary)

    def cycle_label(self, index: int) -> str:
        """The tokens that a loop says, once around from its lowest window, as `GreedyMachine.cycle_label`."""
        states = self.graph.cycle(index)
        around = self.says(int(states[0]), len(states))
        back = range(-self.space.context_length, 0)  # the window on a loop is what was said last
        first = min(range(len(around)), key=lambda place: [around[(place + before) % len(around)] for before in back])
        return self.shown(around[first:] + around[:first])

    def shown(self, tokens: Sequence[int]) -> str:
        """How some tokens are printed."""
        return self.vocabulary.show(tokens) if self.vocabulary else " ".join(map(str, tokens))

    def _checked(self, state: int) -> int:
        """A state of the machine."""
        if not is_count(state) or state >= self.n_states:
            raise InvalidInput(f"states must lie in 0..{self.n_states - 1}, got {state}; see MooreMachine.n_states")
        return int(state)


def smallest_machine(
    space: StateSpace,
    token: ArrayLike,
    *,
    reading: bool = False,
    start: int | None = None,
    vocabulary: Vocabulary | None = None,
) -> MooreMachine:
    """Which windows does the model go on from alike at temperature zero?

    With o(s) the token that window s says and f(s, t) the window after s and t, s ~ r if and only if they say the same
    for ever: o(s) = o(r), then o(f(s, o(s))) = o(f(r, o(r))), and so on. If ``reading``, if and only if they say the
    same after any text u alike, o(f(s, u)) = o(f(r, u)).

    Parameters
    ----------
    token: (n_states,) the token that each window says.
    reading: whether the machine reads any token; otherwise it reads its own words alone.
    start: a window's number: only what is reachable from it becomes part of the machine.

    Raises
    ------
    InvalidInput: tokens of another number or outside the vocabulary, a start outside the space.
    TooLarge: the arrays would not fit.

    Method: nothing is refined; see `same_ahead` and `same_after_any_text`. States reached from a start keep the classes
    they have among all: what is said from a state depends on no other.

    >>> space = StateSpace(2, 2)                                 # what is said after 00, 01, 10 and 11
    >>> machine = smallest_machine(space, [1, 1, 1, 0])          # 110 110 ...
    >>> machine.state_of.tolist(), machine.output.tolist(), machine.next_state.tolist()
    ([0, 1, 0, 2], [1, 1, 0], [1, 2, 0])
    >>> smallest_machine(space, [1, 1, 1, 0], reading=True).next_state.tolist()
    [[0, 1], [0, 2], [0, 2]]
    """
    said, n = np.asarray(token), space.n_states
    if said.shape != (n,) or said.dtype.kind not in "iu" or not ((said >= 0) & (said < space.vocab_size)).all():
        raise InvalidInput(
            f"token must hold a whole number in 0..{space.vocab_size - 1} for each of {n} windows, got {said.dtype} of "
            f"{said.shape}; see greedy_machine(table).token"
        )
    if start is not None and (not is_count(start) or start >= n):
        raise InvalidInput(f"start must lie in 0..{n - 1}, got {start}; see StateSpace.encode")
    require_memory(BYTES_PER_WINDOW * n, f"the classes of {n} windows", "give a shorter context length")
    after = None if reading else space.successors(said).astype(index_type(n))
    labels, n_labels = same_after_any_text(space, said) if after is None else same_ahead(space, after)
    if start is not None:
        labels = np.where(readable_from(space, start) if after is None else _followed(after, start), labels, -1)
    state_of, first = in_order_met(labels, n_labels)
    following = rows_after(space, state_of, first) if after is None else state_of[after[first]]
    begin = None if start is None else int(state_of[start])
    return MooreMachine(said[first], following, state_of, first, space, begin, None, vocabulary)


def machine_of_chain(
    chain: TransitionOperator, *, target: Target | None = None, start: Start | None = None
) -> MooreMachine:
    """The smallest machine of any chain over windows in which each state has one successor.

    A chain at temperature 0, the part of one that is reachable from a prompt (`reachable_chain`), or one with a target
    that is watched: states are then told apart by whether it has just been reached, too.

    Parameters
    ----------
    target: what is watched, in any form that `hitting_probability` takes.
    start: where it begins; only what is reachable from there becomes part of the machine.

    Raises
    ------
    InvalidInput: a state of several successors, states that are no windows, a target or a start that does not fit.
    TooLarge: the transitions would not fit; of all windows of a table see `smallest_machine`.

    Method: J. Hopcroft's refinement, O(n log n): see `coarsest_partition`.

    >>> from markovgpt.chains.window_chain import WindowChain
    >>> spells = WindowChain(StateSpace(2, 2), np.eye(2)[[1, 1, 1, 0]])         # 110 110 ...
    >>> machine_of_chain(spells).state_of.tolist(), machine_of_chain(spells, start=1).next_state.tolist()
    ([0, 1, 0, 2], [2, 0, 1])
    >>> machine = machine_of_chain(spells, target=[3])
    >>> machine.output.tolist(), machine.completed.tolist()
    ([1, 1, 0], [False, False, True])
    """
    if target is None:
        whole, reached = chain, None
        distribution = None if start is None else start_distribution(chain, start)
    else:
        question = posed(chain, target, start=start)
        whole, reached, distribution = question.chain, question.reached, question.begin
    if whole.space is None:
        raise InvalidInput("a machine says tokens, got a chain without windows; give one over windows")
    everything = np.ones(whole.n_states, dtype=bool)
    met = everything if distribution is None else whole.reached_from(distribution > 0, everything)
    target_of, said = _steps(whole, whole.space, met)
    states = np.flatnonzero(met)
    shown = None if reached is None else reached[states]
    kind = index_type(whole.n_states)
    place = np.cumsum(met) - 1
    classes = coarsest_partition(place[target_of], said if shown is None else 2 * said + shown)
    first = np.unique(classes, return_index=True)[1]
    state_of = np.full(whole.n_states, -1, dtype=kind)
    state_of[states] = classes
    begins = [] if distribution is None else np.unique(state_of[distribution > 0]).tolist()
    return MooreMachine(
        said[first],
        classes[place[target_of[first]]],
        state_of,
        states[first],
        whole.space,
        begins[0] if len(begins) == 1 else None,
        None if shown is None else shown[first],
        chain.vocabulary,
    )


def _steps(chain: TransitionOperator, space: Windows, met: Mask) -> tuple[States, States]:
    """The one successor of each state met, and the token said on the way there."""
    source, target, _ = chain.edges(of=met)
    count = np.bincount(source, minlength=chain.n_states)
    if (several := met & (count != 1)).any():
        state = int(np.argmax(several))
        raise InvalidInput(
            f"each state must have one successor, got {count[state]} of state {state} ({chain.label(state)!r}); take "
            "the chain at temperature 0, SamplingSettings(temperature=0)"
        )
    stopped = (source == target) & stays(chain)[target]
    return target, np.where(stopped, NOTHING, space.token_from_end(0)[target])


def _followed(after: States, start: int) -> Mask:
    """The windows met from one on."""
    met, at = np.zeros(len(after), dtype=bool), start
    while not met[at]:
        met[at] = True
        at = int(after[at])
    return met
