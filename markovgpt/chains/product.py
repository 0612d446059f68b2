"""A chain together with what an automaton remembers of its text: states are (window, automaton state).

Most windows say by themselves in which state the automaton is: the one it is in after reading the window afresh. These
pairs are numbered as the windows are, and their transitions are the chain's own, which is not listed again. Listed are
the others alone: the windows from which some token leads to a pair of another kind, such as a text longer than the
window that goes on, and these pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.automaton import States, TokenAutomaton
from markovgpt.chains.listed_windows import PairWindows
from markovgpt.chains.operator import Edges, TransitionOperator, smallest_positive, windows_of
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.memory import require_memory
from markovgpt.scaled import Numbers, ScaledArray, concatenate, is_positive
from markovgpt.sums import scatter_sum
from markovgpt.vocabulary import Vocabulary

BYTES_PER_EDGE = 96  # listed, sorted, and searched


@dataclass(frozen=True, eq=False, repr=False)
class ProductChain(TransitionOperator):
    """A chain over windows with an automaton that reads along; made by `product`.

    Parameters
    ----------
    base: the chain, of n windows: the first n states, in the automaton state ``automaton_state`` says.
    window_of: (n_states,) the window of each state; ``arange(n)`` first.
    automaton_state: (n_states,) the automaton state of each.
    listed: (n,) which windows' transitions are listed.
    transitions: of these, and of all states from n on, sorted by source and target.
    following: (K, V) the automaton's steps.
    """

    base: TransitionOperator
    window_of: NDArray[np.int64]
    automaton_state: States
    listed: Mask
    transitions: Edges
    following: States
    space: PairWindows = field(init=False)
    vocabulary: Vocabulary | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "space", PairWindows(windows_of(self.base), self.window_of))
        object.__setattr__(self, "vocabulary", self.base.vocabulary)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.window_of)

    @cached_property
    def memory(self) -> int | None:
        """How many of the newest tokens say in which state the automaton is; None where no number does."""
        return TokenAutomaton(self.following, np.zeros(len(self.following), dtype=bool)).memory

    @cached_property
    def entered(self) -> Mask:
        """Which of the states with listed transitions something leads to."""
        found = np.concatenate([self.listed, np.zeros(self._n_more, dtype=bool)])
        found[self.transitions.target[self.transitions.target >= self.base.n_states]] = True
        return found

    @cached_property
    def as_list(self) -> SparseChain:
        """The same chain, all its transitions listed."""
        return SparseChain(self.edges(), self.n_states, None, self.space, self.vocabulary)

    @property
    def _n_more(self) -> int:
        """States beyond the windows themselves."""
        return self.n_states - self.base.n_states

    @cached_property
    def largest_row(self) -> int:
        """Most transitions that leave one state."""
        return max(self.base.largest_row, int(np.bincount(self.transitions.source, minlength=1).max()))

    @cached_property
    def largest_column(self) -> int:
        """Most transitions that enter one state."""
        return self.base.largest_column + int(np.bincount(self.transitions.target, minlength=1).max())

    @cached_property
    def smallest_probability(self) -> ScaledArray:
        """The smallest probability of a possible transition."""
        if not len(self.transitions.source):
            return self.base.smallest_probability
        both = [ScaledArray.of(self.base.smallest_probability), smallest_positive(self.transitions.probability)]
        return both[0] if bool(both[0] <= both[1]) else both[1]

    def label(self, state: int) -> str:
        """How a state is printed: its window, and the automaton state where the window does not say it."""
        window = self.base.label(int(self.window_of[state]))
        return window if state < self.base.n_states else f"{window} [{self.automaton_state[state]}]"

    def edges(self, of: Mask | None = None) -> Edges:
        """The possible transitions, or those that leave given states."""
        wanted = np.ones(self.n_states, dtype=bool) if of is None else of
        own = self.base.edges(of=wanted[: self.base.n_states] & ~self.listed)
        more = wanted[self.transitions.source]
        source = np.concatenate([own.source, self.transitions.source[more]])
        target = np.concatenate([own.target, self.transitions.target[more]])
        order = np.argsort(source, kind="stable")
        probability = concatenate([own.probability, self.transitions.probability[more]])
        return Edges(source[order], target[order], probability[order])

    def reaching(self, target: Mask, through: Mask) -> Mask:
        """The states from which the target can be reached, as `TransitionOperator.reaching`."""
        if len(self.transitions.source) > self.base.n_states:
            return super().reaching(target, through)
        return self._grown(target, through, self.base.reaching, self.transitions.target, self.transitions.source)

    def reached_from(self, start: Mask, through: Mask) -> Mask:
        """The states that can be reached from the start, as `TransitionOperator.reached_from`."""
        if len(self.transitions.source) > self.base.n_states:
            return super().reached_from(start, through)
        return self._grown(start, through, self.base.reached_from, self.transitions.source, self.transitions.target)

    def _grown(
        self,
        found: Mask,
        through: Mask,
        search: Callable[[Mask, Mask], Mask],
        known: NDArray[np.int64],
        led: NDArray[np.int64],
    ) -> Mask:
        """What a search of the windows finds, and listed transitions from known ends to those they lead to."""
        n, may_leave = self.base.n_states, through[self.transitions.source]
        while True:
            grown = found.copy()
            grown[:n] = search(found[:n], through[:n] & ~self.listed)
            grown[led[may_leave & grown[known]]] = True
            if np.array_equal(grown, found):
                return found
            found = grown

    def _push(self, distribution: Numbers) -> Numbers:
        """The row vector d P."""
        source, target, probability = self.transitions
        n = self.base.n_states
        own = self.base.push(distribution[:n] * self._unlisted)
        more = scatter_sum(distribution[source] * probability, target, self.n_states)
        return concatenate([own, np.zeros(self._n_more)]) + more

    def _pull(self, values: Numbers) -> Numbers:
        """The column vector P f."""
        source, target, probability = self.transitions
        own = self.base.pull(values[: self.base.n_states]) * self._unlisted
        more = scatter_sum(probability * values[target], source, self.n_states)
        return concatenate([own, np.zeros(self._n_more)]) + more

    @cached_property
    def _unlisted(self) -> NDArray[np.float64]:
        """1 on windows whose transitions are the chain's own."""
        return (~self.listed).astype(np.float64)


def product(
    chain: TransitionOperator, following: States, sheet: States, begins: States | None = None
) -> tuple[ProductChain, NDArray[np.int64]]:
    """A chain over windows with an automaton that reads along.

    Parameters
    ----------
    following: (K, V) the automaton's steps.
    sheet: (n,) the automaton state after reading each window afresh.
    begins: (n,) the automaton state in which a walk from each window begins, -1 where none does; None is ``sheet``.

    Returns
    -------
    The product: all windows on the sheet, and the other pairs that can be reached from them or from a beginning. And
    (n,) the state at which a walk from each window begins.

    Raises
    ------
    TooLarge: listing its transitions would not fit.

    Two coins, and an automaton that waits for three ones in a row; the window holds two:

    >>> from markovgpt.chains.automaton import aho_corasick
    >>> from markovgpt.chains.states import StateSpace
    >>> coin, ones = WindowChain(StateSpace(2, 2), np.full((4, 2), 0.5)), aho_corasick([(1, 1, 1)], 2)
    >>> both, entries = product(coin, ones.next_state, ones.states_of(coin.space))
    >>> both.n_states, both.label(4), both.push(np.eye(5)[3]).tolist()     # from 11: 10, or 111
    (5, '11 [3]', [0.0, 0.0, 0.5, 0.0, 0.5])
    """
    n, K = chain.n_states, len(following)
    growing = _Growing(chain, following, sheet)
    exceptional = _exceptional(chain, following, sheet)
    windows = np.flatnonzero(exceptional)
    growing.list_rows(windows, sheet[windows].astype(np.int64), windows)
    entries = np.arange(n)
    if begins is not None:
        apart = np.flatnonzero((begins >= 0) & (begins != sheet))
        entries[apart] = growing.number_of(apart * K + begins[apart])
    growing.finish()
    window_of = np.concatenate([np.arange(n), growing.keys // K])
    state_of = np.concatenate([sheet, growing.keys % K]).astype(np.int32)
    return ProductChain(chain, window_of, state_of, exceptional, growing.transitions(), following), entries


def stays(chain: TransitionOperator) -> Mask:
    """(n,) windows that a step to themselves does not write a token after: they are where a chain was cut off."""
    space = windows_of(chain)
    tokens = [space.token_from_end(place) for place in range(space.context_length)]
    slides = np.ones(chain.n_states, dtype=bool)
    for token in tokens[1:]:
        slides &= token == tokens[0]
    return ~slides


class _Growing:
    """Pairs off the sheet as they are met, and the transitions listed so far."""

    def __init__(self, chain: TransitionOperator, following: States, sheet: States) -> None:
        self.chain, self.following, self.sheet = chain, following, sheet
        self.keys = np.zeros(0, dtype=np.int64)  # window * K + automaton state, in the order in which they were met
        self.done = 0
        self.parts: list[Edges] = []
        self.newest = windows_of(chain).token_from_end(0)
        self.stays = stays(chain)

    def number_of(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The states of pairs off the sheet, new ones added."""
        new = np.setdiff1d(keys, self.keys)
        self.keys = np.concatenate([self.keys, new])
        order = np.argsort(self.keys, kind="stable")
        return np.asarray(self.chain.n_states + order[np.searchsorted(self.keys[order], keys)])

    def finish(self) -> None:
        """List the transitions of all pairs off the sheet, and of those they lead to."""
        K = len(self.following)
        while self.done < len(self.keys):
            keys, first = self.keys[self.done :], self.chain.n_states + self.done
            self.done = len(self.keys)
            self.list_rows(keys // K, keys % K, np.arange(first, first + len(keys)))

    def list_rows(self, windows: NDArray[np.int64], states: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
        """List the transitions of pairs."""
        n, K = self.chain.n_states, len(self.following)
        listed = sum(len(part.source) for part in self.parts)
        require_memory(
            BYTES_PER_EDGE * (listed + len(windows) * self.chain.largest_row),
            f"{n + len(self.keys)} pairs of a window and what has been written of a pattern",
            "ask about a shorter or simpler pattern, or give a shorter context length",
        )
        wanted = np.zeros(n, dtype=bool)
        wanted[windows] = True
        source, target, probability = self.chain.edges(of=wanted)
        first, count = np.searchsorted(source, windows), np.searchsorted(source, windows, side="right")
        count -= first
        row = np.repeat(np.arange(len(windows)), count)
        place = np.arange(len(row)) + np.repeat(first - np.cumsum(count) + count, count)
        end = target[place]
        after = self.following[states[row], self.newest[end]].astype(np.int64)
        after = np.where((windows[row] == end) & self.stays[end], states[row], after)
        reached, off = end.copy(), after != self.sheet[end]
        reached[off] = self.number_of(end[off] * K + after[off])
        self.parts.append(Edges(numbers[row], reached, probability[place]))

    def transitions(self) -> Edges:
        """All transitions listed, sorted."""
        source, target = (np.concatenate([part[place] for part in self.parts]) for place in (0, 1))
        order = np.lexsort((target, source))
        return Edges(source[order], target[order], concatenate([part.probability for part in self.parts])[order])


def _exceptional(chain: TransitionOperator, following: States, sheet: States) -> Mask:
    """(n,) from which windows on the sheet a possible token leads off it."""
    found = np.zeros(chain.n_states, dtype=bool)
    if not isinstance(chain, WindowChain):
        source, target, _ = chain.edges()
        after = following[sheet[source], windows_of(chain).token_from_end(0)[target]]
        after = np.where((source == target) & stays(chain)[target], sheet[source], after)
        found[source[after != sheet[target]]] = True
        return found
    V, L = chain.space.vocab_size, chain.space.context_length
    for length in range(chain.space.shortest, L + 1):
        level, ahead = chain.level(length), chain.level(min(length + 1, L))
        A = V if length == L else 1
        entered = sheet[ahead].reshape(-1, V)
        own, marked = sheet[level].reshape(A, -1), found[level].reshape(A, -1)
        weights = chain.next_token_probs[level].reshape(A, -1, V)
        for a in range(A):
            marked[a] = ((following[own[a]] != entered) & is_positive(weights[a])).any(axis=1)
    return found
