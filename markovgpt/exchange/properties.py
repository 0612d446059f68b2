"""Properties as model checkers ask them, as trees that print as they are written.

property   P, S or LRA [..], T [..], R{"name"} [..], each with =? or a threshold such as >=0.5; filter(max, .., "init")
path       F s, F<=n s, F[a,b] s, s U s with the same bounds, G s, G<=n s
state s    "label", label, true, false, !s, s & s, s | s, (s), and the labels "init" and "deadlock"
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.exchange.text_file import quoted
from markovgpt.exchange.written_numbers import exact

MOST_LISTED = 8  # labels that a refusal names


@dataclass(frozen=True)
class Label:
    """The states that bear a label."""

    name: str

    def __str__(self) -> str:
        return f'"{self.name}"'


@dataclass(frozen=True)
class Truth:
    """Every state, or none."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True)
class Not:
    """The other states."""

    part: "Formula"

    def __str__(self) -> str:
        return f"!{_enclosed(self.part)}"


@dataclass(frozen=True)
class And:
    """The states of which all parts are true."""

    parts: "tuple[Formula, ...]"

    def __str__(self) -> str:
        return " & ".join(map(_enclosed, self.parts))


@dataclass(frozen=True)
class Or:
    """The states of which some part is true."""

    parts: "tuple[Formula, ...]"

    def __str__(self) -> str:
        return " | ".join(str(part) if isinstance(part, And) else _enclosed(part) for part in self.parts)


Formula = Label | Truth | Not | And | Or


@dataclass(frozen=True)
class Steps:
    """When: at a step t with first <= t <= last; from 0 on for ever where there is no last one."""

    first: int = 0
    last: int | None = None

    def __str__(self) -> str:
        if self.last is None:
            return ""
        return f"[{self.first},{self.last}]" if self.first else f"<={self.last}"


EVER = Steps()


@dataclass(frozen=True)
class Until:
    """A path on which the right holds at some step of those, and the left at every step before; F is true U."""

    left: Formula
    right: Formula
    steps: Steps = EVER

    def __str__(self) -> str:
        if self.left == Truth(True):
            return f"F{self.steps} {self.right}"
        return f"{self.left} U{self.steps} {self.right}"


@dataclass(frozen=True)
class Always:
    """A path on which the part holds at every step, to the last of those."""

    part: Formula
    steps: Steps = EVER

    def __str__(self) -> str:
        return f"G{self.steps} {self.part}"


@dataclass(frozen=True)
class Threshold:
    """What a number is compared with: the number as it is written, which is an exact one."""

    relation: str
    text: str

    @property
    def value(self) -> Fraction:
        """The number that is written."""
        return exact(self.text) or Fraction(0)

    def __str__(self) -> str:
        return f"{self.relation}{self.text}"


@dataclass(frozen=True)
class Filter:
    """The least ("min") or greatest ("max") answer over some states, in place of those of the initial states."""

    extreme: str
    states: Formula


@dataclass(frozen=True)
class Property:
    """One question.

    Parameters
    ----------
    operator: "P" (of a path), "T" (steps until a state), "R" (rewards until then), "S" or "LRA" (share of the time).
    inside: what stands between the brackets; of T and R a path F without a bound, of S and LRA a state formula.
    reward: the name of the rewards; None where none was named.
    threshold: what the answer is compared with; None where the answer itself is asked for (=?).
    over: which states are asked about; None asks about the initial states.
    """

    operator: str
    inside: Until | Always | Formula
    reward: str | None = None
    threshold: Threshold | None = None
    over: Filter | None = None

    def __str__(self) -> str:
        named = "" if self.reward is None else f'{{"{self.reward}"}}'
        asked = f"{self.operator}{named}{self.threshold or '=?'} [{self.inside}]"
        return asked if self.over is None else f"filter({self.over.extreme}, {asked}, {self.over.states})"


def states_of(formula: Formula, labels: Mapping[str, Mask], n_states: int) -> Mask:
    """The states in which a formula is true.

    Raises
    ------
    InvalidInput: a label that no state can bear, since there is none of that name; the others are listed.

    >>> red = np.array([True, False])
    >>> states_of(Or((Not(Label("red")), Truth(False))), {"red": red}, 2).tolist()
    [False, True]
    """
    if isinstance(formula, Label):
        if formula.name not in labels:
            raise InvalidInput(f"a label must be one of the chain's, got {quoted(formula.name)}; {_listed(labels)}")
        return labels[formula.name]
    if isinstance(formula, Truth):
        return np.full(n_states, formula.value)
    if isinstance(formula, Not):
        return ~states_of(formula.part, labels, n_states)
    combined: Callable[[list[Mask]], Mask] = np.logical_and.reduce if isinstance(formula, And) else np.logical_or.reduce
    return np.asarray(combined([states_of(part, labels, n_states) for part in formula.parts]))


def _enclosed(part: Formula) -> str:
    """A part as it is printed within a formula that binds more strongly."""
    return f"({part})" if isinstance(part, And | Or) else str(part)


def _listed(labels: Mapping[str, Mask]) -> str:
    """The labels that there are."""
    shown = ", ".join(quoted(name) for name in list(labels)[:MOST_LISTED])
    return f"it has {shown}{', ...' if len(labels) > MOST_LISTED else ''}"
