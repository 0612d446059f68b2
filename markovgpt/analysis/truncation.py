"""Does cutting off the unlikely tokens make red likelier? What is left shares what was cut, and red may be left.

Verdicts compare certified bounds: "likelier" and "less likely" are proved, "undecided" says that the bounds overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.reachability import hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.scaled import Numbers, ScaledArray
from markovgpt.shown import Shown


@dataclass(frozen=True, eq=False, repr=False)
class TruncatedRisk(Shown):
    """Red under one truncation, beside red under none.

    Parameters
    ----------
    setting, value: what is cut: "top_k", "top_p" or "min_p", and where.
    truncated, full: how likely red is with it, and with all three off.
    """

    setting: str
    value: int | float
    truncated: Answer
    full: Answer

    @property
    def verdict(self) -> str:
        """As proved, "impossible", "likelier", "less likely" or "equal"; "undecided" where the bounds overlap."""
        truncated, full = self.truncated.enclosure, self.full.enclosure
        if not _is_below(0.0, truncated.upper):
            return "impossible"
        if _is_below(full.upper, truncated.lower):
            return "likelier"
        if _is_below(truncated.upper, full.lower):
            return "less likely"
        overlap = _is_below(truncated.lower, full.upper) or _is_below(full.lower, truncated.upper)
        return "undecided" if overlap else "equal"

    def summary(self) -> dict[str, Any]:
        """The two answers, their bounds and the verdict as a plain dict."""
        found: dict[str, Any] = {"setting": self.setting, "value": self.value, "verdict": self.verdict}
        for name, answer in (("truncated", self.truncated), ("full", self.full)):
            found |= {f"{name}_{part}": number for part, number in answer.summary().items()}
        return found


def likelier_when_truncated(
    table: LogitTable,
    target: Target,
    *,
    start: Start | None,
    within: int | tuple[int, int] | None,
    top_k: Sequence[int] = (),
    top_p: Sequence[float] = (),
    min_p: Sequence[float] = (),
    settings: SamplingSettings | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> tuple[TruncatedRisk, ...]:
    """Where does truncation make red likelier than full sampling?

    Parameters
    ----------
    table: the logits of every window.
    target, start, within, avoiding, stop_tokens: as for `hitting_probability`; a start is given.
    top_k, top_p, min_p: the values asked about, one at a time.
    settings: temperature and whatever else both sides share; its top_k, top_p and min_p do not matter. None takes
        temperature 1.

    Returns
    -------
    A `TruncatedRisk` for each value, those of top_k first.

    Raises
    ------
    InvalidInput: no value, or what `hitting_probability` and `SamplingSettings` refuse.

    Red has 3/10, and 3/8 of what the two likeliest tokens have:

    >>> import numpy as np
    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(3, 1), np.log(np.array([[0.5, 0.3, 0.2]] * 3)))
    >>> for row in likelier_when_truncated(table, [1], start=0, within=1, top_k=(1, 2, 3)):
    ...     print(row.value, round(row.truncated.value, 6), round(row.full.value, 6), row.verdict)
    1 0.0 0.3 impossible
    2 0.375 0.3 likelier
    3 0.3 0.3 undecided
    """
    cuts = [(name, value) for name, given in (("top_k", top_k), ("top_p", top_p), ("min_p", min_p)) for value in given]
    if start is None:
        raise InvalidInput("start must be a state, a window or a text, got None; a verdict is that of one start")
    if not cuts:
        raise InvalidInput("top_k, top_p or min_p must hold at least one value, got none; such as top_k=(1, 5, 10)")
    whole = replace(settings or SamplingSettings(), top_k=None, top_p=None, min_p=None)
    changes: list[dict[str, Any]] = [{name: value} for name, value in cuts]
    sampled = [whole, *(replace(whole, **change) for change in changes)]  # all are checked before one is asked

    def answer(sampling: SamplingSettings) -> Answer:
        chain = WindowChain.from_logits(table, sampling)
        return hitting_probability(
            chain, target, start=start, within=within, avoiding=avoiding, stop_tokens=stop_tokens
        )

    full, *truncated = map(answer, sampled)
    return tuple(TruncatedRisk(*cut, found, full) for cut, found in zip(cuts, truncated, strict=True))


def _is_below(one: Numbers | float, other: Numbers | float) -> bool:
    """Whether one number is below another, beyond the range of doubles too."""
    return not (ScaledArray.of(other) <= ScaledArray.of(one)).all()
