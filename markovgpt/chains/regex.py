"""Regular expressions over the printed text, as automata over letters.

greenery reads the expression; the automaton is our own, since it looks for a match anywhere and says when it ends.
"""

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from markovgpt.chains.automaton import TokenAutomaton, minimised
from markovgpt.errors import InvalidInput, TooLarge

MOST_PLACES = 100_000  # in an expression with its repetitions written out
MOST_STATES = 20_000


def searching(regex: str, letters: Sequence[str]) -> TokenAutomaton:
    r"""The automaton that accepts whenever some match of a regular expression was just completed.

    Parameters
    ----------
    regex: as greenery reads it: | * + ? {m,n} ( ) [ ], and \\d \\w \\s of ASCII; a dot is any letter, the newline too.
        No anchors: a match may begin anywhere.
    letters: distinct characters; what is not among them is never read.

    Raises
    ------
    InvalidInput: an expression that cannot be read, that has anchors, that matches the empty text, or nothing that can
        be written with the letters; greenery is not there.
    TooLarge: an expression of too many states.

    >>> searching("ab*c", "abc").next_state.tolist()           # 0 nothing, 1 an a and any b, 2 the c
    [[1, 0, 0], [1, 1, 2], [1, 0, 0]]
    """
    parsed = _parsed(regex)
    places = _Places(regex, letters)
    end = places.build(parsed, 0)
    start = places.closure({0})
    if end in start:
        raise InvalidInput(
            f"regex must match at least one character, got {regex!r}, which matches the empty text; it would always "
            "be red: ask for something to be written, as with + for *"
        )
    numbers, sets, rows = {start: 0}, [start], []
    for places_now in sets:
        row = []
        for letter in range(len(letters)):
            after = places.closure(places.after(places_now, letter)) | start  # a match may begin anywhere
            if after not in numbers:
                numbers[after] = len(sets)
                sets.append(after)
            row.append(numbers[after])
        rows.append(row)
        if len(sets) > MOST_STATES:
            raise TooLarge(
                f"regex {regex!r} needs more than {MOST_STATES} states; ask about a simpler one, or one part at a time"
            )
    accepting = np.array([end in found for found in sets])
    if not accepting.any():
        raise InvalidInput(
            f"regex must match something that can be written, got {regex!r} over the letters "
            f"{''.join(letters)[:60]!r}; see Vocabulary.tokens"
        )
    return minimised(TokenAutomaton(np.array(rows, dtype=np.int32).reshape(len(rows), len(letters)), accepting))


def _parsed(regex: str) -> Any:
    """The expression as greenery reads it."""
    try:
        greenery = importlib.import_module("greenery")
    except ImportError as error:
        raise InvalidInput(
            "a regex needs greenery, got no such package; pip install 'markovgpt[regex]', or list the texts"
        ) from error
    plain = _without_anchors(regex) if isinstance(regex, str) else None
    if plain is None:
        raise InvalidInput(
            f"regex must be a text without anchors, got {regex!r}; a match may begin and end anywhere, and \\^ and \\$ "
            "are the characters themselves"
        )
    try:
        return greenery.parse(plain)
    except Exception as error:  # the parser has no error of its own: NoMatch, ValueError, IndexError
        raise InvalidInput(
            f"regex must be one that greenery can read, got {regex!r} ({error or type(error).__name__}); it knows "
            "| * + ? {m,n} ( ) [ ] \\d \\w \\s and the dot"
        ) from error


def _without_anchors(regex: str) -> str | None:
    """The expression for greenery, which takes ^ and $ for characters, and knows no \\^ and \\$; None with anchors."""
    pieces = re.findall(r"\\.|\[(?:\\.|[^\]\\])*\]|.", regex, flags=re.DOTALL)
    if "^" in pieces or "$" in pieces:
        return None
    return "".join(piece[1] if piece in (r"\^", r"\$") else piece for piece in pieces)


@dataclass(eq=False)
class _Places:
    """Places between the letters of an expression, and what leads from one to another: K. Thompson, CACM 11 (1968)."""

    regex: str
    letters: Sequence[str]
    free: list[list[int]] = field(default_factory=lambda: [[]])  # where each leads without a letter
    steps: list[list[tuple[frozenset[int], int]]] = field(default_factory=lambda: [[]])  # with one of some letters

    def new(self) -> int:
        """Another place."""
        if len(self.free) >= MOST_PLACES:
            raise TooLarge(f"regex {self.regex[:60]!r} has more than {MOST_PLACES} places; repeat less")
        self.free.append([])
        self.steps.append([])
        return len(self.free) - 1

    def build(self, part: Any, begin: int) -> int:
        """Add a part of a parsed expression from a place on; the place where it ends."""
        if hasattr(part, "concs"):  # one of several
            end = self.new()
            for alternative in part.concs:
                self.free[self.build(alternative, begin)].append(end)
            return end
        if hasattr(part, "mults"):  # one after another
            for factor in part.mults:
                begin = self.build(factor, begin)
            return begin
        if hasattr(part, "multiplicand"):
            return self._repeated(part, begin)
        end = self.new()
        read = frozenset(place for place, letter in enumerate(self.letters) if part.accepts(letter))
        self.steps[begin].append((read, end))
        return end

    def _repeated(self, part: Any, begin: int) -> int:
        """A part as often as it may be."""
        least, most = part.multiplier.min.v, part.multiplier.max.v
        for _ in range(least):
            begin = self.build(part.multiplicand, begin)
        end = self.new()
        if most is None:
            loop = self.new()
            self.free[begin].append(loop)
            self.free[self.build(part.multiplicand, loop)].append(loop)
            self.free[loop].append(end)
            return end
        for _ in range(most - least):
            self.free[begin].append(end)
            begin = self.build(part.multiplicand, begin)
        self.free[begin].append(end)
        return end

    def closure(self, places: set[int]) -> frozenset[int]:
        """The places, and those that nothing need be read to come to."""
        found, waiting = set(places), list(places)
        while waiting:
            for after in self.free[waiting.pop()]:
                if after not in found:
                    found.add(after)
                    waiting.append(after)
        return frozenset(found)

    def after(self, places: frozenset[int], letter: int) -> set[int]:
        """The places after a letter."""
        return {after for place in places for read, after in self.steps[place] if letter in read}
