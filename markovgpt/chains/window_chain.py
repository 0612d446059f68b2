"""The chain over all windows, as a tensor: no column index is ever stored.

With M = V**(L-1) a state is (a, m), a the oldest token and m the rest, and its successor on token t is (m, t). So with
the table p of shape (V, M, V)

    (P f)[a, m] = sum_t p[a, m, t] f[m, t]          (d P)[m, t] = sum_a d[a, m] p[a, m, t]

and a prefix window of l < L tokens leads to one of l + 1: its block reads f in order.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from markovgpt.chains import streaming
from markovgpt.chains.logits import LogitTable, tabulate
from markovgpt.chains.operator import (
    Edges,
    TransitionOperator,
    check_probabilities,
    check_rows,
    smallest_positive,
)
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.search import search
from markovgpt.chains.states import Mask, StateSpace
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.models.protocol import NextTokenModel
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, concatenate, is_positive
from markovgpt.vocabulary import Vocabulary

LOWEST_LOG = -690.0  # e**-690 = 2**-995.5: from here down probabilities are kept as mantissa and exponent
ENTRIES_AT_ONCE = 2**14  # logits turned into probabilities at a time: what is passing takes no memory
BYTES_PER_PROBABILITY = 40  # mantissa and exponent, while the parts are joined and the rows checked
BYTES_PER_EDGE = 96  # source, target and probability, and a graph search over them
LEAST_LOG = -1e12  # below, the exponents of products would leave an int64


@dataclass(frozen=True, eq=False)
class WindowChain(TransitionOperator):
    """The Markov chain of a model under one sampling setting.

    Parameters
    ----------
    space: which windows are states.
    next_token_probs: (n_states, V) float64, or a ScaledArray where some are below the range of doubles; a token is
        impossible where it is 0. Made read-only. The chain is the exact normalisation of these numbers.
    vocabulary: the tokens' strings, if known.

    Raises
    ------
    InvalidInput: a shape that is not the space's, entries that are no probabilities, a row that does not sum to one.

    >>> coin = WindowChain(StateSpace(2, 2), np.full((4, 2), 0.5))
    >>> coin.push(np.array([1.0, 0.0, 0.0, 0.0])).tolist(), coin.pull(np.array([1.0, 0.0, 0.0, 0.0])).tolist()
    ([0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0])
    """

    space: StateSpace
    next_token_probs: Numbers
    vocabulary: Vocabulary | None = None

    def __post_init__(self) -> None:
        expected = (self.space.n_states, self.space.vocab_size)
        if self.next_token_probs.shape != expected:
            raise InvalidInput(
                f"next_token_probs must have the shape (n_states, V) = {expected}, got {self.next_token_probs.shape}; "
                "one row for each state of the space"
            )
        V, space = self.space.vocab_size, self.space
        check_probabilities(
            self.next_token_probs,
            lambda place: f"of token {place % V} after {space.label(place // V, self.vocabulary)!r}",
        )
        check_rows(self.next_token_probs.sum(axis=1), self.space.vocab_size, "next_token_probs")
        self.next_token_probs.setflags(write=False)

    @classmethod
    def from_logits(cls, table: LogitTable, settings: SamplingSettings | None = None) -> "WindowChain":
        """The chain of tabulated logits under sampling settings (None: temperature 1); the model is not asked again.

        Raises
        ------
        TooLarge: the probabilities would not fit.
        InvalidInput: a temperature so low that probabilities fall below e**-1e12; ask at temperature 0 instead.
        """
        space, sampling = table.space, settings or SamplingSettings()
        require_memory(
            BYTES_PER_PROBABILITY * space.n_states * space.vocab_size,
            f"the probabilities of {space.n_states} states x {space.vocab_size} tokens",
            "give a shorter context length",
        )
        step = max(1, ENTRIES_AT_ONCE // space.vocab_size)
        blocks = (table.logits[first : first + step] for first in range(0, space.n_states, step))
        parts = [exponentials(sampling.log_probabilities(block)) for block in blocks]
        return cls(space, concatenate(parts), table.vocabulary)

    @classmethod
    def from_model(
        cls, model: NextTokenModel, settings: SamplingSettings | None = None, *, with_prefixes: bool = False
    ) -> "WindowChain":
        """The chain of a model under sampling settings, tabulated on the way; see `tabulate` for what it refuses."""
        return cls.from_logits(tabulate(model, with_prefixes=with_prefixes), settings)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return self.space.n_states

    @property
    def largest_row(self) -> int:
        """Most transitions that leave one state."""
        return self.space.vocab_size

    @property
    def largest_column(self) -> int:
        """Most transitions that enter one state: V full windows, and one prefix."""
        return self.space.vocab_size + 1

    @cached_property
    def smallest_probability(self) -> ScaledArray:
        """The smallest probability of a possible transition."""
        return smallest_positive(self.next_token_probs)

    def label(self, state: int) -> str:
        """How the window of a state is printed."""
        return self.space.label(state, self.vocabulary)

    def _push(self, distribution: Numbers) -> Numbers:
        """The row vector d P."""
        V, arrived = self.space.vocab_size, []
        if self.space.with_prefixes:
            arrived.append(distribution[:V] * 0.0)  # nothing leads to a window of one token but with L = 1
        for length in range(self.space.shortest, self.space.context_length):
            level = self._level(length)
            arrived.append((distribution[level][:, None] * self.next_token_probs[level]).reshape(-1))
        full = self._level(self.space.context_length)
        table, mass = self.next_token_probs[full].reshape(V, -1, V), distribution[full].reshape(V, -1)
        if isinstance(table, ScaledArray) or isinstance(mass, ScaledArray):
            slid: Numbers = (mass[:, :, None] * table).sum(axis=0).reshape(-1)
        else:
            slid = streaming.push(table, mass).reshape(-1)
        if arrived:
            arrived[-1] = arrived[-1] + slid
            return concatenate(arrived)
        return slid

    def _pull(self, values: Numbers) -> Numbers:
        """The column vector P f."""
        V, L = self.space.vocab_size, self.space.context_length
        parts = []
        for length in range(self.space.shortest, L):
            ahead = values[self._level(length + 1)].reshape(-1, V)
            parts.append(_row_products(self.next_token_probs[self._level(length)].reshape(1, -1, V), ahead))
        full = self._level(L)
        table = self.next_token_probs[full].reshape(V, -1, V)
        parts.append(_row_products(table, values[full].reshape(-1, V)))
        return concatenate(parts)

    def reaching(self, target: Mask, through: Mask) -> Mask:
        """The states from which the target can be reached, as `TransitionOperator.reaching`; nothing is listed."""
        return search(self.space, self._weights, target, through, backward=True)

    def reached_from(self, start: Mask, through: Mask) -> Mask:
        """The states that can be reached from the start, as `TransitionOperator.reached_from`."""
        return search(self.space, self._weights, start, through, backward=False)

    @property
    def _weights(self) -> FloatArray:
        """Numbers above zero where a transition is possible."""
        table = self.next_token_probs
        return table.mantissa if isinstance(table, ScaledArray) else table

    def edges(self) -> Edges:
        """The possible transitions.

        Raises
        ------
        TooLarge: listing them, and searching the list, would not fit.
        """
        space = self.space
        require_memory(
            BYTES_PER_EDGE * space.n_states * space.vocab_size,
            f"the transitions of {space.n_states} states x {space.vocab_size} tokens",
            "give a shorter context length",
        )
        possible = is_positive(self.next_token_probs)
        source = np.nonzero(possible)[0]
        return Edges(source, self._successors()[possible], self.next_token_probs[possible])

    def _successors(self) -> NDArray[np.int64]:
        """The state that each token leads to, (n_states, V)."""
        space, V = self.space, self.space.vocab_size
        parts = []
        for length in range(space.shortest, space.context_length + 1):
            follows = min(length + 1, space.context_length)
            numbers = np.arange(V**length, dtype=np.int64)[:, None] * V + np.arange(V)
            parts.append(space.first_state(follows) + numbers % V**follows)
        return np.concatenate(parts)

    def _level(self, length: int) -> slice:
        """The states that are windows of one length."""
        first = self.space.first_state(length)
        return slice(first, first + self.space.vocab_size**length)


def exponentials(logs: FloatArray) -> Numbers:
    """Probabilities of log-probabilities: float64, or scaled where one that is possible would leave the doubles.

    Raises
    ------
    InvalidInput: a possible token with a log-probability below -1e12.
    """
    lowest = float(np.min(logs, where=~np.isneginf(logs), initial=0.0))
    if lowest < LEAST_LOG:
        raise InvalidInput(
            f"log-probabilities of possible tokens must be at least {LEAST_LOG:.0e}, got {lowest:.3g}; "
            "raise the temperature, or take temperature 0, the limit"
        )
    return np.exp(logs) if lowest >= LOWEST_LOG else ScaledArray.exp(logs)


def _row_products(table: Numbers, values: Numbers) -> Numbers:
    """Products of a table (A, M, V) and values (M, V) over the tokens, summed; (A M,)."""
    if isinstance(table, ScaledArray) or isinstance(values, ScaledArray):
        return (table * values[None]).sum(axis=-1).reshape(-1)
    return streaming.pull(table, values).reshape(-1)
