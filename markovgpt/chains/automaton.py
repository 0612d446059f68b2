"""Token automata: what has been written, as far as a pattern cares.

An automaton reads tokens and is in a state that accepts whenever a pattern was completed during the last of them. It
reads on: patterns may overlap, and are met again. Texts are automata over letters first, and over tokens after that, so
that every way to cut a text into tokens counts, and so does a pattern that begins or ends inside a token.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.refinement import coarsest_partition
from markovgpt.chains.states import Mask, Windows
from markovgpt.memory import require_memory

States = NDArray[np.int32]
BYTES_PER_STEP = 16  # of an automaton, while it is made smaller


@dataclass(frozen=True, eq=False)
class TokenAutomaton:
    """A finite automaton that reads tokens, begun in state 0.

    Parameters
    ----------
    next_state: (n_states, V) the state after each token.
    accepting: (n_states,) whether a pattern was completed by the last token.

    >>> twice = aho_corasick([(1, 1)], 2)                      # the token 1, two times running
    >>> twice.next_state.tolist(), twice.accepting.tolist(), twice.memory
    ([[0, 1], [0, 2], [0, 2]], [False, False, True], 2)
    """

    next_state: States
    accepting: Mask

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.next_state)

    @property
    def vocab_size(self) -> int:
        """Number of tokens V."""
        return int(self.next_state.shape[1])

    @cached_property
    def memory(self) -> int | None:
        """How many of the newest tokens say in which state it is; None where no number does."""
        return self._memory_up_to(self.n_states)

    def is_shown_by(self, length: int) -> bool:
        """Whether so many of the newest tokens say in which state it is.

        >>> twice = aho_corasick([(1, 1)], 2)
        >>> twice.is_shown_by(1), twice.is_shown_by(2)
        (False, True)
        """
        return self._memory_up_to(length) is not None

    def _memory_up_to(self, most: int) -> int | None:
        """The memory, None where it is longer."""
        group, n_groups, length = np.arange(self.n_states), self.n_states, 0
        while n_groups > 1:
            if length == most:
                return None
            _, coarser = np.unique(group[self.next_state], axis=0, return_inverse=True)
            before, n_groups = n_groups, int(coarser.max()) + 1
            if n_groups == before:
                return None
            group, length = coarser.reshape(-1), length + 1
        return length

    def states_of(self, windows: Windows) -> States:
        """(n_states of the windows,) the state after reading each window, begun afresh."""
        found = np.zeros(windows.n_states, dtype=np.int32)
        for place in range(windows.context_length - 1, -1, -1):
            token = windows.token_from_end(place)
            found = np.where(token >= 0, self.next_state[found, token], found)
        return found


def aho_corasick(sequences: Sequence[Sequence[int]], n_symbols: int) -> TokenAutomaton:
    """The automaton that accepts whenever one of some sequences was just read.

    Source: A. V. Aho, M. J. Corasick, Comm. ACM 18 (1975) 333-340.

    >>> aho_corasick([(0, 1), (1, 1)], 2).accepting.tolist()   # nothing, any token, then a 1
    [False, False, True]
    """
    require_memory(
        BYTES_PER_STEP * n_symbols * (1 + sum(map(len, sequences))),
        f"an automaton of {len(sequences)} sequences over {n_symbols} tokens",
        "ask about fewer or shorter ones",
    )
    children: list[dict[int, int]] = [{}]
    accepting = [False]
    for sequence in sequences:
        node = 0
        for symbol in sequence:
            if symbol not in children[node]:
                children[node][symbol] = len(children)
                children.append({})
                accepting.append(False)
            node = children[node][symbol]
        accepting[node] = True
    following = np.zeros((len(children), n_symbols), dtype=np.int32)
    waiting = deque([(0, 0)])  # nodes, and the longest other suffix of each that some sequence begins with
    while waiting:
        node, suffix = waiting.popleft()
        accepting[node] = accepting[node] or accepting[suffix]
        following[node] = following[suffix]
        for symbol, child in children[node].items():
            waiting.append((child, int(following[suffix, symbol]) if node else 0))
            following[node, symbol] = child
    return minimised(TokenAutomaton(following, np.array(accepting)))


def over_tokens(letters: TokenAutomaton, spellings: Sequence[Sequence[int]]) -> TokenAutomaton:
    """An automaton over letters as one over tokens, each of which is some letters.

    >>> ends_in_b = aho_corasick([(1,)], 2)                    # letters a and b; tokens a, b, ab and ba
    >>> over_tokens(ends_in_b, [(0,), (1,), (0, 1), (1, 0)]).next_state.tolist()
    [[0, 1, 1, 1], [0, 1, 1, 1]]
    """
    K, V = letters.n_states, len(spellings)
    require_memory(
        2 * BYTES_PER_STEP * K * V, f"an automaton of {K} states over {V} tokens", "ask about a shorter pattern"
    )
    following = np.empty((2 * K, V), dtype=np.int32)  # twice each: the odd ones where the last token completed a match
    for token, spelling in enumerate(spellings):
        state, completed = np.arange(K), np.zeros(K, dtype=bool)
        for letter in spelling:
            state = letters.next_state[state, letter]
            completed = completed | letters.accepting[state]
        following[:, token] = np.repeat(2 * state + completed, 2)
    return minimised(TokenAutomaton(following, np.arange(2 * K) % 2 == 1))


def minimised(automaton: TokenAutomaton) -> TokenAutomaton:
    """The smallest automaton that accepts when this one does, its states in the order in which they are met.

    Method: what nothing leads to is left out, and what cannot be told apart is one state: `coarsest_partition`.

    >>> flip = TokenAutomaton(np.array([[1], [2], [1]], dtype=np.int32), np.array([False, True, False]))
    >>> minimised(flip).next_state.tolist()
    [[1], [0]]
    """
    met = _numbered(automaton.next_state, 0)
    following = met.number[automaton.next_state[met.states]]
    group = coarsest_partition(following, automaton.accepting[met.states])
    _, first = np.unique(group, return_index=True)
    merged, accepts = group[following[first]], automaton.accepting[met.states][first]
    order = _numbered(merged, int(group[0]))
    return TokenAutomaton(order.number[merged[order.states]].astype(np.int32), accepts[order.states])


def joined(automata: Sequence[TokenAutomaton]) -> tuple[States, list[NDArray[np.int64]]]:
    """Several automata that read the same tokens, as one: its steps, and the state of each in each of its states.

    The state of the whole is the states of all, read as a number, the last one changing fastest.

    >>> following, parts = joined([aho_corasick([(0,)], 2), aho_corasick([(1,)], 2)])
    >>> following.tolist()[0], [part.tolist() for part in parts]
    ([2, 1], [[0, 0, 1, 1], [0, 1, 0, 1]])
    """
    sizes = [automaton.n_states for automaton in automata]
    size, V = int(np.prod(sizes)), automata[0].vocab_size
    require_memory(
        BYTES_PER_STEP * size * V, f"{size} states of {len(sizes)} patterns together", "ask about simpler patterns"
    )
    parts = [part.reshape(-1) for part in np.indices(sizes)]
    following = np.zeros((size, V), dtype=np.int32)
    for automaton, part in zip(automata, parts, strict=True):
        following = following * automaton.n_states + automaton.next_state[part]
    return following, parts


@dataclass(frozen=True, eq=False)
class _Numbering:
    """States in the order in which they are met, and the number of each; -1 if never."""

    states: NDArray[np.int64]
    number: NDArray[np.int64]


def _numbered(following: NDArray[np.integer], begin: int) -> _Numbering:
    """The states met from one, breadth first."""
    number = np.full(len(following), -1, dtype=np.int64)
    number[begin] = 0
    states = [begin]
    for state in states:
        for after in dict.fromkeys(following[state].tolist()):
            if number[after] < 0:
                number[after] = len(states)
                states.append(after)
    return _Numbering(np.array(states), number)
