"""Which settings make it impossible? The exact values of top_k, top_p and min_p at which red stops being reachable.

Each transition is left by a setting up to a threshold of its own: a token's rank for top_k, the mass ranked above it
for top_p, p / max p for min_p. Red stops being reachable at the bottleneck, the best over all paths of the worst
threshold on the path. Ties and the roundings of float32 decide where exactly that is, so that no formula is taken for
it: the tokens left by two neighbouring values are asked for and searched.

Every one of the three filters leaves the tokens down to some rank, and never more where it was given fewer: top_p cuts
more after a smaller top_k, whose shares are larger, and min_p compares with the largest share. Whatever their order, a
stricter value leaves a part of what a looser one does, and the break-point can be bisected. Rounding makes one
exception: top_p and min_p take a softmax over what the filters before them left, and its last digits depend on that.
Where such a filter follows, what a slightly looser one leaves is searched too; it holds all that a stricter value can.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.structure import reachable_from
from markovgpt.chains.cuts import Tokens, kept_tokens
from markovgpt.chains.engines import ENGINES_BY_NAME, PENALTY
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import Mask, Window, Windows, is_count, window_label
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import is_positive
from markovgpt.shown import Shown
from markovgpt.vocabulary import Vocabulary

Setting = int | float

SETTINGS = ("top_k", "top_p", "min_p")
RANKED = ("temperature", *SETTINGS, "engine", PENALTY)  # what leaves the tokens down to some rank, never more of fewer
EARLIER = {
    ("huggingface", "top_p"): ("top_k",),
    ("huggingface", "min_p"): ("top_k", "top_p"),
    ("vllm", "top_k"): ("min_p",),
    ("vllm", "top_p"): ("min_p", "top_k"),
    ("llama.cpp", "top_p"): ("top_k",),
    ("llama.cpp", "min_p"): ("top_k", "top_p"),
}
BYTES_PER_ENTRY = 24  # three masks, and a chain while it is made
MIN_P_SLACK = 2.0**-20  # two shares of one float32 softmax, and the product they are compared by, are within 2**-21
LEAST_MIN_P = 2.0**-100  # below, shares may be subnormal and lose digits


@dataclass(frozen=True)
class BreakPoint(Shown):
    """Where a setting makes red impossible, the others being fixed.

    Parameters
    ----------
    setting: "top_k", "top_p" or "min_p".
    possible: the strictest value at which red can be reached: the smallest top_k or top_p, the largest min_p. None
        where it cannot be reached at any.
    impossible: the value next to it, top_k less one or the next double, at which, and at every stricter one, it is
        proved that red cannot be reached. None where no value is strict enough; the loosest where possible is None.
    start, said: a witness, a window and the tokens that lead from it into red at ``possible``; None where none do.
    vocabulary: the tokens' strings, if known.
    """

    setting: str
    possible: Setting | None
    impossible: Setting | None
    start: Window | None = None
    said: Window | None = None
    vocabulary: Vocabulary | None = None

    @property
    def path(self) -> Window | None:
        """The tokens of the witness, those of its first window included."""
        return None if self.start is None or self.said is None else self.start + self.said

    @property
    def text(self) -> str | None:
        """The witness for a reader."""
        return None if self.path is None else window_label(self.path, self.vocabulary)

    def summary(self) -> dict[str, Any]:
        """The break-point as a plain dict."""
        return {name: getattr(self, name) for name in ("setting", "possible", "impossible", "path", "text")}


def break_points(
    table: LogitTable,
    target: Target,
    *,
    start: Start | None,
    settings: SamplingSettings | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
    within: int | None = None,
    vary: Sequence[str] | None = None,
) -> dict[str, BreakPoint]:
    """At which top_k, top_p and min_p does red stop being reachable?

    Parameters
    ----------
    table: the logits of every window.
    target, avoiding, stop_tokens: as for `posed`; a start inside the target has reached it.
    start: a state, a window or a text; of a distribution, whatever is possible.
    settings: what the others are while one varies; its own value of the one that varies does not matter. None takes
        temperature 1.
    within: reachable in at most that many tokens; None for ever.
    vary: the settings asked about; None takes those that the engine has.

    Returns
    -------
    A `BreakPoint` for each of ``vary``, by name.

    Raises
    ------
    InvalidInput: a target or a start that does not fit the table, another name in ``vary``, a negative horizon; where
        top_p or min_p varies, a filter beside the three, which may leave a token of fewer that it cuts of more, or a
        tie within the roundings of float32 that decides.
    TooLarge: the tokens that settings leave would not fit.

    Method: bisection, over all doubles for top_p and min_p. A row is asked again only while it can be reached and the
    ends of the bracket leave different tokens in it. Every top_k from 1 up is tried where the strictness is in doubt.

    The middle token is the second likeliest, and the last one can only be reached over it:

    >>> from markovgpt.chains.states import StateSpace
    >>> probabilities = np.array([[0.75, 0.25, 0.0], [0.5, 0.125, 0.375], [1.0, 0.0, 0.0]])
    >>> with np.errstate(divide="ignore"):
    ...     table = LogitTable(StateSpace(3, 1), np.log(probabilities))
    >>> found = break_points(table, [2], start=0)
    >>> found["top_k"].possible, found["top_k"].impossible, found["top_k"].path
    (2, 1, (0, 1, 2))
    >>> round(found["top_p"].possible, 6), round(found["min_p"].possible, 6)      # .75 is ranked above 1; .25 / .75
    (0.75, 0.333333)
    """
    given = settings or SamplingSettings()
    asked = [name for name in SETTINGS if name in ENGINES_BY_NAME[given.engine].settings] if vary is None else vary
    for name in asked:
        if name not in SETTINGS:
            raise InvalidInput(f"vary must name {', '.join(SETTINGS)}, got {name!r}; leave the others out")
    if start is None:
        raise InvalidInput("start must be a state, a window or a text, got None; a break-point is that of one start")
    if within is not None and not is_count(within):
        raise InvalidInput(f"within must be a whole number of at least 0, got {within}; None asks for ever")
    n, V = table.space.n_states, table.space.vocab_size
    what = f"the tokens that are left of {n} states x {V} tokens"
    require_memory(BYTES_PER_ENTRY * n * V, what, "give a shorter context length")
    search = _Search(table, target, start, given, avoiding, tuple(stop_tokens), within)
    return {name: search.break_point(name) for name in asked}


@dataclass(frozen=True, eq=False)
class _Search:
    """What is asked, and the search for where one setting makes it impossible."""

    table: LogitTable
    target: Target
    start: Start
    settings: SamplingSettings
    avoiding: Target | None
    stop_tokens: tuple[int, ...]
    within: int | None

    def break_point(self, setting: str) -> BreakPoint:
        """The break-point of a setting."""
        given = self.settings
        odd = [
            part.name for part in fields(given) if part.name not in RANKED and getattr(given, part.name) != part.default
        ]
        if odd and setting != "top_k":
            raise InvalidInput(
                f"{odd[0]} must be off where {setting} varies, got {getattr(given, odd[0])}: what it cuts of "
                'more tokens it may leave of fewer; turn it off, or ask vary=("top_k",)'
            )
        bracket = None if odd else self._bracket(setting)
        if bracket is None and setting != "top_k":
            raise InvalidInput(
                f"{' and '.join(self._later(setting))} must not tie within the roundings of float32 where {setting} "
                "varies, got a tie that decides what is reachable; change it in the fifth digit"
            )
        impossible, possible = bracket or self._first_of_all()
        if possible is None:
            return BreakPoint(setting, None, impossible)
        first, said = self._witness(self.kept(setting, possible))
        return BreakPoint(setting, possible, impossible, first, said, self.table.vocabulary)

    def kept(self, setting: str, value: Setting, states: NDArray[np.int64] | None = None) -> Tokens:
        """Which tokens are left after given states, or after all, where a setting has a value."""
        changed: dict[str, Any] = {setting: value}
        return kept_tokens(self.table, replace(self.settings, **changed), states)

    def _bracket(self, setting: str) -> tuple[Setting | None, Setting | None] | None:
        """The last value that makes it impossible and the first that does not; None where rounding leaves a doubt."""
        strict, loose = self._ends(setting)
        left, right = self.kept(setting, strict), self.kept(setting, loose)  # grows from left to right
        if self._walked(left)[0]:
            return None, strict
        reached, met = self._walked(right)
        if not reached:
            return (loose, None) if self._is_proved(setting, loose) else None
        open_states = np.flatnonzero((left != right).any(axis=1) & met)
        while (middle := _between(setting, strict, loose)) not in (strict, loose):
            found = self.kept(setting, middle, open_states)
            as_left, as_right = (found == left[open_states]).all(axis=1), (found == right[open_states]).all(axis=1)
            if as_left.all():
                strict = middle
            elif as_right.all():
                loose = middle
            else:
                before = right[open_states]
                right[open_states] = found
                reached, met = self._walked(right)
                if reached:
                    loose, open_states = middle, open_states[~as_left & met[open_states]]
                else:
                    left[open_states], right[open_states] = found, before
                    strict, open_states = middle, open_states[~as_right]
        return (strict, loose) if self._is_proved(setting, strict, loose) else None

    def _is_proved(self, setting: str, impossible: Setting, possible: Setting | None = None) -> bool:
        """Whether the strictness is in order where a filter with roundings of its own follows."""
        later = self._later(setting)
        if not later:
            return True
        if possible is not None and not self._walked(self.kept(setting, possible))[0]:
            return False
        V = self.table.space.vocab_size
        looser: dict[str, Any] = {name: _relaxed(name, getattr(self.settings, name), V) for name in later}
        looser[setting] = impossible
        return not self._walked(kept_tokens(self.table, replace(self.settings, **looser)))[0]

    def _later(self, setting: str) -> list[str]:
        """The filters that take a softmax of what this setting leaves."""
        off = {"top_p": (None, 1), "min_p": (None, 0)}
        earlier = (setting, *EARLIER.get((self.settings.engine, setting), ()))
        return [name for name in off if name not in earlier and getattr(self.settings, name) not in off[name]]

    def _first_of_all(self) -> tuple[Setting | None, Setting | None]:
        """As `_bracket` for top_k, every value being tried."""
        V = self.table.space.vocab_size
        k = next((k for k in range(1, V + 1) if self._walked(self.kept("top_k", k))[0]), None)
        return (V, None) if k is None else (k - 1 or None, k)

    def _ends(self, setting: str) -> tuple[Setting, Setting]:
        """The strictest and the loosest value."""
        if setting == "top_k":
            return 1, self.table.space.vocab_size
        return (float(np.nextafter(0, 1)), 1.0) if setting == "top_p" else (1.0, 0.0)

    def _asked(self, kept: Tokens) -> tuple[Question, Mask]:
        """The question on a chain in which every token left is equally likely, and where the walk may start."""
        chain = WindowChain(self.table.space, kept / kept.sum(axis=1, keepdims=True), self.table.vocabulary)
        asked = posed(chain, self.target, start=self.start, avoiding=self.avoiding, stop_tokens=self.stop_tokens)
        return asked, np.asarray(asked.begin) > 0

    def _walked(self, kept: Tokens) -> tuple[bool, Mask]:
        """Whether red can be reached over the tokens left, and the states of the table that can be met."""
        asked, begin = self._asked(kept)
        if self.within is None:
            met = reachable_from(asked.chain, begin, through=asked.through)
        else:
            met = _met_within(asked, begin, self.within)
        everyone = np.ones(len(kept), dtype=bool)  # where the states are others, which of the table's is not known
        return bool((met & asked.reached).any()), met if asked.entries is None else everyone

    def _witness(self, kept: Tokens) -> tuple[Window, Window]:
        """A shortest path to red over the tokens left: the window it starts from, and what is said."""
        asked, begin = self._asked(kept)
        chain, steps = asked.chain, _steps_to_red(asked, begin)
        windows = cast(Windows, chain.space)  # a question about a table is answered on windows
        state = int(np.flatnonzero(begin & (steps >= 0))[0])
        first, said = windows.decode(state), []
        while steps[state]:
            following = chain.edges(np.arange(chain.n_states) == state).target
            state = int(following[steps[following] == steps[state] - 1][0])
            said.append(windows.decode(state)[-1])
        return first, tuple(said)


def _between(setting: str, strict: Setting, loose: Setting) -> Setting:
    """A value halfway, one of the two where they are neighbours."""
    if setting == "top_k":
        return int(strict + loose) // 2
    if setting == "top_p":
        return (strict + loose) / 2
    bits = np.array([strict, loose]).view(np.int64)  # non-negative doubles are in the order of their bits
    return float(np.array([int(bits.sum()) // 2]).view(np.float64)[0])


def _relaxed(name: str, value: float, vocab_size: int) -> float:
    """A value of a later filter that leaves all it can leave after roundings of float32."""
    if name == "top_p":
        return min(1.0, value + (vocab_size + 16) * 2.0**-23)  # a sum of V shares of one softmax
    return value * (1 - MIN_P_SLACK) if value > LEAST_MIN_P else 0.0


def _met_within(asked: Question, begin: Mask, most: int) -> Mask:
    """Which states can be met in at most that many steps."""
    met = newest = begin
    for _ in range(most):
        newest = is_positive(asked.chain.push((newest & asked.through).astype(np.float64))) & ~met
        if not newest.any():
            break
        met = met | newest
    return met


def _steps_to_red(asked: Question, begin: Mask) -> NDArray[np.int64]:
    """(n_states,) fewest steps to red, which can be reached; -1 where that is further than from the start."""
    steps, newest = np.where(asked.reached, 0, -1), asked.reached
    while newest.any() and not (steps[begin] >= 0).any():
        newest = asked.through & (steps < 0) & is_positive(asked.chain.pull(newest.astype(np.float64)))
        steps[newest] = steps.max() + 1
    return steps
