"""The chain over all windows: a sampling setting's probabilities, block by block of one window length.

No transition is listed and no column index stored: see `markovgpt.chains.sliding`. A prefix window of l < L tokens
leads to one of l + 1, and a full window slides.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from markovgpt.chains import scans
from markovgpt.chains.logits import LogitTable, tabulate
from markovgpt.chains.operator import (
    Edges,
    TransitionOperator,
    check_probabilities,
    check_rows,
    smallest_positive,
)
from markovgpt.chains.periodicity import Labels, links, phases
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.search import components, search
from markovgpt.chains.sliding import SlidingTable
from markovgpt.chains.states import Mask, StateSpace
from markovgpt.chains.table_blocks import table_blocks
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.models.protocol import NextTokenModel
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, as_floats, concatenate, is_positive
from markovgpt.vocabulary import Vocabulary

LOWEST_LOG = {np.dtype(np.float64): -690.0, np.dtype(np.float32): -87.0}  # further down a number loses digits
ROWS_AT_ONCE = 2**12  # rows checked at a time
BYTES_PER_SCALED = 40  # mantissa and exponent, while the parts are joined and the rows checked
BYTES_PER_ROW = 16  # their sums, checked
BYTES_PER_EDGE = 96  # source, target and probability, and a graph search over them
LEAST_LOG = -1e12  # below, the exponents of products would leave an int64


@dataclass(frozen=True, eq=False, repr=False)
class WindowChain(TransitionOperator):
    """The Markov chain of a model under one sampling setting.

    Parameters
    ----------
    space: which windows are states.
    next_token_probs: (n_states, V) float64 or float32, perhaps memory-mapped, or a ScaledArray where some are below the
        range of doubles; a token is impossible where it is 0. Made read-only. The chain is the exact normalisation of
        these numbers.
    vocabulary: the tokens' strings, if known.

    Raises
    ------
    InvalidInput: a shape that is not the space's, entries that are no probabilities, a row that does not sum to one.

    >>> coin = WindowChain(StateSpace(2, 2), np.full((4, 2), 0.5))
    >>> coin.push(np.array([1.0, 0.0, 0.0, 0.0])).tolist(), coin.pull(np.array([1.0, 0.0, 0.0, 0.0])).tolist()
    ([0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0])
    """

    space: StateSpace
    next_token_probs: Any  # Numbers, or float32
    vocabulary: Vocabulary | None = None

    def __post_init__(self) -> None:
        expected = (self.space.n_states, self.space.vocab_size)
        if self.next_token_probs.shape != expected:
            raise InvalidInput(
                f"next_token_probs must have the shape (n_states, V) = {expected}, got {self.next_token_probs.shape}; "
                "one row for each state of the space"
            )
        V, space, table = self.space.vocab_size, self.space, self.next_token_probs
        for first in range(0, space.n_states, ROWS_AT_ONCE):
            start = first * V
            check_probabilities(
                table[first : first + ROWS_AT_ONCE],
                lambda place, start=start: (  # type: ignore[misc]
                    f"of token {(start + place) % V} after {space.label((start + place) // V, self.vocabulary)!r}"
                ),
            )
        check_rows(self._sums, V, "next_token_probs", unit=2.0**-23 if self._is_single else 2.0**-52)
        table.setflags(write=False)

    @classmethod
    def from_logits(
        cls,
        table: LogitTable,
        settings: SamplingSettings | None = None,
        *,
        dtype: DTypeLike = np.float64,
        file: str | os.PathLike[str] | None = None,
    ) -> "WindowChain":
        """The chain of tabulated logits under sampling settings (None: temperature 1); the model is not asked again.

        Parameters
        ----------
        dtype: float64, or float32 for half the memory: the chain is then the one of the rounded probabilities.
        file: where the probabilities are kept, a .npy that is memory-mapped; None keeps them in memory.

        Raises
        ------
        TooLarge: the probabilities would not fit.
        InvalidInput: a temperature so low that probabilities fall below e**-1e12 (ask at temperature 0 instead), or
            below what float32 or a file can hold.
        """
        space, sampling = table.space, settings or SamplingSettings()
        kind = np.dtype(dtype)
        if kind not in LOWEST_LOG:
            raise InvalidInput(f"dtype must be float64 or float32, got {kind}; float64 is usual")
        shape = (space.n_states, space.vocab_size)
        what = f"the probabilities of {space.n_states} states x {space.vocab_size} tokens"
        if file is None:
            require_memory(
                kind.itemsize * shape[0] * shape[1] + BYTES_PER_ROW * shape[0],
                what,
                "give a shorter context length, or a file",
            )
            probs: Any = np.empty(shape, dtype=kind)
        else:
            probs = np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape)
        for block in table_blocks(table, sampling.needs_windows):
            logs = sampling.log_probabilities(block.logits, block.windows)
            if lowest(logs) < LOWEST_LOG[kind]:
                if kind == np.float32 or file is not None:
                    raise InvalidInput(
                        f"log-probabilities must be at least {LOWEST_LOG[kind]:.0f} for a {kind} table"
                        f"{'' if file is None else ' in a file'}, got {lowest(logs):.1f}; raise the temperature, or "
                        "leave dtype and file out"
                    )
                del probs
                require_memory(BYTES_PER_SCALED * shape[0] * shape[1], what, "give a shorter context length")
                scaled = [
                    exponentials(sampling.log_probabilities(again.logits, again.windows))
                    for again in table_blocks(table, sampling.needs_windows)
                ]
                return cls(space, concatenate(scaled), table.vocabulary)
            probs[block.rows] = np.exp(logs)
        if file is not None:
            probs.flush()
        return cls(space, probs, table.vocabulary)

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

    @property
    def _is_single(self) -> bool:
        """Whether the probabilities are kept with 24 bits, so that rows are off by more than their sum's rounding."""
        return getattr(self.next_token_probs, "dtype", None) == np.float32

    @cached_property
    def _sums(self) -> Numbers:
        """(n_states,) what each row sums to."""
        if isinstance(self.next_token_probs, ScaledArray):
            return self.next_token_probs.sum(axis=1)
        sums = np.empty(self.n_states)
        for first in range(0, self.n_states, ROWS_AT_ONCE):
            rows = self.next_token_probs[first : first + ROWS_AT_ONCE]
            sums[first : first + ROWS_AT_ONCE] = rows.sum(axis=1, dtype=np.float64)
        return sums

    @cached_property
    def blocks(self) -> tuple[SlidingTable, ...]:
        """The windows of each length, the shortest first; the last are the full windows."""
        V, L = self.space.vocab_size, self.space.context_length
        found = []
        for length in range(self.space.shortest, L + 1):
            level = self.level(length)
            totals = as_floats(self._sums)[level] if self._is_single else None
            found.append(SlidingTable(self.next_token_probs[level].reshape(V if length == L else 1, -1, V), totals))
        return tuple(found)

    @cached_property
    def smallest_probability(self) -> ScaledArray:
        """The smallest probability of a possible transition."""
        if isinstance(self.next_token_probs, ScaledArray):
            return smallest_positive(self.next_token_probs)
        least = scans.smallest(self.next_token_probs.reshape(1, -1, self.space.vocab_size))
        return ScaledArray.of(np.array(least))

    def label(self, state: int) -> str:
        """How the window of a state is printed."""
        return self.space.label(state, self.vocabulary)

    def _push(self, distribution: Numbers) -> Numbers:
        """The row vector d P."""
        V, lengths = self.space.vocab_size, range(self.space.shortest, self.space.context_length + 1)
        arrived = [
            block.push(distribution[self.level(length)]) for length, block in zip(lengths, self.blocks, strict=True)
        ]
        if len(arrived) == 1:
            return arrived[0]
        # nothing leads to a window of one token; the longest prefixes lead to full windows, as these do themselves
        return concatenate([distribution[:V] * 0.0, *arrived[:-2], arrived[-2] + arrived[-1]])

    def _pull(self, values: Numbers) -> Numbers:
        """The column vector P f."""
        L = self.space.context_length
        lengths = range(self.space.shortest, L + 1)
        parts = [
            block.pull(values[self.level(min(length + 1, L))])
            for length, block in zip(lengths, self.blocks, strict=True)
        ]
        return concatenate(parts) if len(parts) > 1 else parts[0]

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

    def strong_components(self, within: Mask | None = None) -> tuple[NDArray[np.int32], Mask]:
        """The communicating class of each state, and which are never left; nothing is listed."""
        full, first = self.blocks[-1], self.level(self.space.context_length).start
        if within is None and not full.is_scaled and scans.all_positive(full.weights):
            # any full window follows any other, and no prefix comes back
            labels = np.maximum(first - np.arange(self.n_states), 0).astype(np.int32)
            return labels, np.arange(first + 1) == 0
        return components(self.space, self._weights, within)

    def phases(self, labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The period of each class, and where in it each state is; nothing is listed."""
        return phases(self.space, self._weights, labels)

    def links(self, labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs of classes from one of which a transition leads to the other; nothing else is listed."""
        return links(self.space, self._weights, labels)

    def edges(self, of: Mask | None = None) -> Edges:
        """The possible transitions, or those that leave given states.

        Raises
        ------
        TooLarge: listing them, and searching the list, would not fit.
        """
        space, V = self.space, self.space.vocab_size
        states = np.arange(space.n_states) if of is None else np.flatnonzero(of)
        require_memory(
            BYTES_PER_EDGE * len(states) * V,
            f"the transitions of {len(states)} states x {V} tokens",
            "give a shorter context length",
        )
        table = self.next_token_probs if of is None else self.next_token_probs[states]
        possible = is_positive(table)
        place, token = np.nonzero(possible)
        source = states[place]
        probability = table[possible]
        if self._is_single:
            probability = probability / as_floats(self._sums)[source]
        return Edges(source, self.space.successors(token, source), probability)

    def level(self, length: int) -> slice:
        """The states that are windows of one length."""
        first = self.space.first_state(length)
        return slice(first, first + self.space.vocab_size**length)


def lowest(logs: FloatArray) -> float:
    """The smallest log-probability of a possible token, at most 0.

    Raises
    ------
    InvalidInput: below -1e12.
    """
    least = float(np.min(logs, where=~np.isneginf(logs), initial=0.0))
    if least < LEAST_LOG:
        raise InvalidInput(
            f"log-probabilities of possible tokens must be at least {LEAST_LOG:.0e}, got {least:.3g}; "
            "raise the temperature, or take temperature 0, the limit"
        )
    return least


def exponentials(logs: FloatArray) -> Numbers:
    """Probabilities of log-probabilities: float64, or scaled where one that is possible would leave the doubles.

    Raises
    ------
    InvalidInput: a possible token with a log-probability below -1e12.
    """
    return np.exp(logs) if lowest(logs) >= LOWEST_LOG[np.dtype(np.float64)] else ScaledArray.exp(logs)
