"""By how much did a number change from one chain to another? The difference and the ratio of two enclosed numbers.

The bounds of a difference are the differences of the bounds, rounded outward: where both numbers are known to a part in
1e12, a change below that is not seen in it (the ratio says the same, and holds below the range of doubles too).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.paths import ratio
from markovgpt.analysis.reachability import hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import proved
from markovgpt.chains.normalised_rows import normalised_rows
from markovgpt.chains.operator import TransitionOperator
from markovgpt.errors import InvalidInput
from markovgpt.scaled import is_positive
from markovgpt.shown import Shown


@dataclass(frozen=True, eq=False, repr=False)
class Change(Shown):
    """A number, or one for each state, before and after.

    Parameters
    ----------
    before, after: the two answers.
    unchanged: whether the two chains are the same number by number, so that nothing changed, by proof.
    """

    before: Answer
    after: Answer
    unchanged: bool = False

    @property
    def value(self) -> Any:
        """after - before, in doubles."""
        return self.after.value - self.before.value

    @property
    def lower(self) -> Any:
        """A lower bound of after - before."""
        return self._rounded(self.after.lower - self.before.upper, -np.inf)

    @property
    def upper(self) -> Any:
        """An upper bound of after - before."""
        return self._rounded(self.after.upper - self.before.lower, np.inf)

    @cached_property
    def ratio(self) -> Answer | None:
        """after / before, of one number, with bounds; infinite where it was impossible before, None if it still is."""
        if not is_positive(self.before.enclosure.upper):
            possible = bool(is_positive(self.after.enclosure.upper))
            return Answer.of(self.after.enclosure, infinite=True) if possible else None
        if self.unchanged:
            return Answer.of(proved(np.ones(())))
        return Answer.of(ratio(self.after.enclosure, self.before.enclosure))

    def summary(self) -> dict[str, Any]:
        """Before, after, the difference and the ratio as a plain dict."""
        found = {name: getattr(self, name) for name in ("value", "lower", "upper")}
        plain = {name: part.tolist() if isinstance(part, np.ndarray) else part for name, part in found.items()}
        whole: dict[str, Any] = {"before": self.before.summary(), "after": self.after.summary(), "difference": plain}
        if isinstance(self.value, float):
            whole["ratio"] = None if self.ratio is None else self.ratio.summary()
        return whole

    def _rounded(self, number: Any, towards: float) -> Any:
        """A difference rounded outward; 0 is exact where nothing changed, or both are known and equal."""
        if self.unchanged:
            return number * 0.0
        exact = [np.asarray(answer.lower) == answer.upper for answer in (self.before, self.after)]
        moved = np.where(exact[0] & exact[1] & (number == 0), number, np.nextafter(number, towards))
        return moved if isinstance(number, np.ndarray) else float(moved)


def red_changes(
    before: TransitionOperator,
    after: TransitionOperator,
    targets: Mapping[str, Target] | Sequence[str],
    *,
    start: Start,
    within: int | tuple[int, int] | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> dict[str, Change]:
    """By how much did the probability of each red text change?

    Parameters
    ----------
    before, after: chains over the same states; see `compare_chains` for others.
    targets: named targets, each as for `hitting_probability`; or texts, which are their own names.
    start, within, avoiding, stop_tokens: as for `hitting_probability`.

    Returns
    -------
    For each name a `Change`; exactly 0 where the two chains are the same number by number.

    Raises
    ------
    InvalidInput: no targets, chains of different sizes, and what `hitting_probability` refuses.
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> before = SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    >>> after = SparseChain.from_matrix([[0.5, 0.375, 0.125], [0, 1, 0], [0, 0, 1]])
    >>> change = red_changes(before, after, {"the trap": [1]}, start=0)["the trap"]
    >>> round(change.value, 12), round(change.ratio.value, 12)
    (0.25, 1.5)
    """
    named = dict(targets) if isinstance(targets, Mapping) else {target: target for target in targets}
    if isinstance(targets, str) or not named:
        raise InvalidInput(
            f"targets must be named, or a list of texts, at least one, got {targets!r}; give {{name: target}}"
        )
    if before.n_states != after.n_states:
        raise InvalidInput(
            f"before and after must have the same states, got {before.n_states} and {after.n_states}; "
            "see compare_chains(shared=True)"
        )
    asked: dict[str, Any] = {"start": start, "within": within, "avoiding": avoiding, "stop_tokens": stop_tokens}
    same = are_identical(before, after)
    found = {}
    for name, target in named.items():
        was = hitting_probability(before, target, **asked)
        found[name] = Change(was, was if same else hitting_probability(after, target, **asked), same)
    return found


def are_identical(before: TransitionOperator, after: TransitionOperator) -> bool:
    """Whether two chains over the same states are stored as the same numbers."""
    return before is after or all(block.same.all() for block in normalised_rows(before, after))
