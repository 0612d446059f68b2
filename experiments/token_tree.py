"""How likely is a red word within n tokens? Bounds by a tree of texts, its heaviest prefixes expanded first.

The tree merges nothing: a node is a whole text. A prefix is red, harmless (n tokens without red), or undecided; with L
and U the masses of red and of undecided prefixes, L <= P <= L + U. To expand a prefix is to ask the model about its
window, the last tokens; what was asked before about the same window is remembered. So do BEAVER (arXiv 2512.05439) and
bounded PCTL checking (arXiv 2509.18836), as far as a frontier of prefixes goes; the memory of windows is added here.
"""

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

import markovgpt as mg
from markovgpt.export.outward import bounds_in_digits
from markovgpt.scaled import FloatArray, widen
from markovgpt.solvers.certificate import Enclosure

TINY = 1e-290  # products below it might leave the range of doubles
Rows = Callable[[Sequence[tuple[int, ...]]], FloatArray]  # windows -> the distributions (B, V) of their next tokens


@dataclass(frozen=True)
class Bounds:
    """What a tree says after some expansions.

    Parameters
    ----------
    prefixes: expanded so far: what a search that forgets asks the model.
    windows: distinct among their windows: what one with a memory asks it.
    lower, upper: of the probability.
    """

    prefixes: int
    windows: int
    lower: float
    upper: float

    @property
    def width(self) -> float:
        """How far apart the bounds are."""
        return self.upper - self.lower

    def in_digits(self) -> tuple[str, str]:
        """Both bounds in six digits, rounded outward.

        >>> Bounds(1, 1, 0.12345678, 0.12345678).in_digits()
        ('0.123456', '0.123457')
        """
        ends = np.array(self.lower), np.array(self.upper)
        return bounds_in_digits(mg.Answer.of(Enclosure(ends[0], *ends, 0.0, "a tree of texts")))


def bounds_of_tree(
    rows: Rows,
    start: Sequence[int],
    red: Sequence[int],
    *,
    within: int,
    context_length: int,
    most_prefixes: int,
    at_once: int = 1,
    roundings: int = 0,
) -> Iterator[Bounds]:
    """The bounds each time that the number of expanded prefixes has doubled, and at the end.

    Parameters
    ----------
    rows: of the model under its sampling settings.
    start: a text of one token at least; it counts towards red words.
    red: the tokens of the word.
    within: n.
    most_prefixes: the search ends there, or where nothing is undecided.
    at_once: how many of the heaviest prefixes are expanded together; 1 is best-first.
    roundings: within how many factors 1 +- 2**-53 the rows are known.

    Raises
    ------
    InvalidInput: an empty start or word, or numbers below 1 (`within` may be 0).

    Method: a heap. Masses are products of at most n entries, bounds exact sums of them, widened outward. A prefix below
    1e-290 is never expanded; the upper bound counts it as 1e-290.

    >>> coin = lambda windows: np.full((len(windows), 2), 0.5)
    >>> for found in bounds_of_tree(coin, [0], [1, 1], within=3, context_length=2, most_prefixes=9):
    ...     print(found.prefixes, found.windows, round(found.lower, 9), round(found.upper, 9))
    0 0 0.0 1.0
    1 1 0.0 1.0
    2 2 0.0 1.0
    4 3 0.25 0.75
    6 4 0.375 0.375
    """
    if not start or not red or within < 0 or min(context_length, most_prefixes, at_once) < 1:
        raise mg.InvalidInput(
            f"start and red must hold a token, and the numbers be 1 at least (within: 0), got {len(start)} and "
            f"{len(red)} tokens, within {within}, context {context_length}, {most_prefixes} prefixes, {at_once} at "
            "once; give a word, and a budget"
        )
    tree = _Tree(rows, tuple(red), context_length, widened=within * (roundings + 1) + 4)
    tree.plant(tuple(start), within)
    due = 1
    yield tree.bounds()
    while tree.heap and tree.expanded < most_prefixes:
        tree.expand(min(at_once, len(tree.heap), due - tree.expanded))
        if tree.expanded == due or not tree.heap:
            yield tree.bounds()
            due = min(2 * due, most_prefixes)


@dataclass(eq=False)
class _Tree:
    """The prefixes that are still undecided, and the masses of those that are red."""

    rows: Rows
    word: tuple[int, ...]
    context_length: int
    widened: int
    known: dict[tuple[int, ...], FloatArray] = field(default_factory=dict)
    hit: list[float] = field(default_factory=list)
    heap: list[tuple[float, int, int, tuple[int, ...]]] = field(default_factory=list)  # -mass, order, steps left, text
    expanded: int = 0
    order: int = 0
    tiny: int = 0

    def plant(self, start: tuple[int, ...], within: int) -> None:
        """Begin with a text."""
        k = len(self.word)
        if any(start[place : place + k] == self.word for place in range(len(start) - k + 1)):
            self.hit.append(1.0)
        elif within:
            self.heap.append((-1.0, 0, within, self._kept(start)))

    def expand(self, n: int) -> None:
        """Expand the n heaviest prefixes."""
        batch = [heapq.heappop(self.heap) for _ in range(n)]
        windows = [text[-self.context_length :] for _, _, _, text in batch]
        new = list(dict.fromkeys(window for window in windows if window not in self.known))
        if new:
            self.known.update(zip(new, self.rows(new), strict=True))
        for (mass, _, left, text), window in zip(batch, windows, strict=True):
            row = self.known[window]
            for token in np.flatnonzero(row).tolist():
                self._grow(-mass * float(row[token]), (*text, token), left - 1)
        self.expanded += n

    def _grow(self, mass: float, text: tuple[int, ...], left: int) -> None:
        """Put a prefix where it belongs."""
        if text[-len(self.word) :] == self.word and mass >= TINY:
            self.hit.append(mass)
        elif mass < TINY:
            self.tiny += 1
        elif left:
            self.order += 1
            heapq.heappush(self.heap, (-mass, self.order, left, self._kept(text)))

    def _kept(self, text: tuple[int, ...]) -> tuple[int, ...]:
        """The end of a text that still matters."""
        return text[-max(self.context_length, len(self.word)) :]

    def bounds(self) -> Bounds:
        """What is known now."""
        red = math.fsum(self.hit)
        undecided = math.fsum(-mass for mass, *_ in self.heap) + self.tiny * TINY
        lower, upper = (part.tolist() for part in (widen(np.array([red, red + undecided]), self.widened)))
        return Bounds(self.expanded, len(self.known), lower[0], min(1.0, upper[1]))
