"""Which windows and tokens made a red probability change?

With h the probability of the target before, 1 on it and 0 on what is avoided, P and P' the two chains, N' the expected
visits after, from the start, to the windows from which the target can be reached after (Q', P' on these, is transient):

    h' - h = sum_w N'(w) sum_t (P' - P)(w, t) [h(w t) - h(w)]  -  sum_x E'(x) h(x)

In each row P' - P sums to 0, so any baseline may be taken from h(w t); h(w) is the one under which a token counts as
dangerous if it leads to more danger than its window had. The second sum is over windows x that the target can not be
reached from any more, E'(x) being the chance to come there: what was lost is what they were worth before. Visits are
those of the chain after, values those of the chain before: taken the other way round the parts are others, with the
same sum. Within n tokens, with h_k the probability within k and v'_j where the walk is after j tokens,

    h'_n - h_n = sum_{j < n} sum_w v'_j(w) sum_t (P' - P)(w, t) [h_{n-1-j}(w t) - h_{n-j}(w)]

All of it is in units of the larger of the two probabilities, which may lie far below the doubles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.change import Change, are_identical
from markovgpt.analysis.paired_question import pose_on_both
from markovgpt.analysis.question import Question
from markovgpt.analysis.reachability import ever_reached, hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import can_reach, reachable_from
from markovgpt.chains.normalised_rows import NormalisedRows, normalised_rows
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count, window_label
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.memory import require_memory
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, as_floats, at_most, choose, shifted
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one, mean_over
from markovgpt.solvers.live_system import live_system
from markovgpt.sums import scatter_sum

TOLERANCE = 1e-10  # by how much the parts may miss the whole, in units of what they add up
PLAIN, MOST_VISITS = 1e-150, np.array(1e150)  # probabilities above, with visits below, are worked on in doubles
BYTES_PER_STATE = 250


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Shown):
    """The change of a probability, in parts.

    Parameters
    ----------
    change: the probability before and after, certified; the parts are doubles that add up to it.
    windows: (n_states,) what each window brought, as a share of the larger of the two probabilities.
    lost: what of it came from windows that the target cannot be reached from any more.
    states, tokens, targets, shares: (k,) the windows and tokens that brought most, the window each leads to, and what
        they brought, in the same unit; tokens are -1 where the states are no windows.
    texts: how these windows and tokens are printed.
    residual: by how much all parts miss the change, in units of the sum of their sizes and of the larger probability.
    """

    change: Change
    windows: FloatArray
    lost: float
    states: NDArray[np.int64]
    tokens: NDArray[np.int64]
    targets: NDArray[np.int64]
    shares: FloatArray
    texts: tuple[tuple[str, str], ...]
    residual: float

    @property
    def unit(self) -> float:
        """The larger of the two probabilities, in which the parts are given."""
        return float(max(self.change.before.value, self.change.after.value))

    @property
    def parts(self) -> FloatArray:
        """(n_states,) what each window brought, as a probability."""
        return self.windows * self.unit

    def summary(self) -> dict[str, Any]:
        """The change and its largest parts as a plain dict."""
        pairs = [
            {"window": window, "token": token, "share": share}
            for (window, token), share in zip(self.texts, self.shares.tolist(), strict=True)
        ]
        return {"change": self.change.summary(), "lost": self.lost, "pairs": pairs, "residual": self.residual}


@dataclass(frozen=True, eq=False)
class _Term:
    """Mass at windows, what is ahead of them, and what they are worth themselves, (n_states,) each."""

    mass: Numbers
    ahead: Numbers
    own: Numbers


def attribute_change(
    before: TransitionOperator,
    after: TransitionOperator,
    target: Target,
    *,
    start: Start,
    within: int | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
    k: int = 20,
) -> Attribution:
    """Which windows and tokens made the probability of a target change?

    Parameters
    ----------
    before, after: chains over the same states.
    target, start, avoiding, stop_tokens: as for `hitting_probability`; a start that is known exactly.
    within: n, at most so many tokens; None for ever.
    k: how many windows and tokens are shown, at least 1.

    Raises
    ------
    InvalidInput: chains of different sizes, k below 1, an interval, and what `hitting_probability` refuses.
    TooLarge: what is kept for each state, or for each step within n, would not fit.
    NotConverged: bounds that hold were not found, or the parts do not add up to the change.

    A window that fell into the trap with 1/4 does so with 3/8: half of each step, so twice the difference.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> before = SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    >>> after = SparseChain.from_matrix([[0.5, 0.375, 0.125], [0, 1, 0], [0, 0, 1]])
    >>> found = attribute_change(before, after, [1], start=0)
    >>> found.parts.round(12).tolist(), found.targets.tolist(), (found.shares * found.unit).round(12).tolist()
    ([0.25, 0.0, 0.0], [1, 2], [0.125, 0.125])
    """
    if not is_count(k) or k < 1:
        raise InvalidInput(f"k must be a whole number of at least 1, got {k}; 20 is usual")
    if within is not None and not is_count(within):
        raise InvalidInput(f"within must be a whole number of at least 0, got {within}; leave it out to ask about ever")
    ends: dict[str, Any] = {"start": start, "avoiding": avoiding, "stop_tokens": stop_tokens}
    was, now = pose_on_both(before, after, target, **ends)
    n = was.chain.n_states
    require_memory(BYTES_PER_STATE * n, f"parts of a change over {n} states", "give a shorter context length")
    begin = now.departure
    same = are_identical(was.chain, now.chain)
    if within is None:
        values = ever_reached(was.everywhere)
        change = Change(Answer.of(at_most_one(mean_over(begin, values))), Answer.of(ever_reached(now)), same)
        terms, entered = _for_ever(now, values)
    else:
        asked = [hitting_probability(chain, target, within=within, **ends) for chain in (before, after)]
        change = Change(asked[0], asked[1], same)
        terms, entered = _within(was, now, int(within)), np.zeros(n)
    unit = _larger(change)
    if not unit.positive() or same:
        terms, entered = [], np.zeros(n)
    plain = bool(unit.log10() > np.log10(PLAIN)) and all(at_most(term.mass, MOST_VISITS).all() for term in terms)
    if plain:
        terms = [_Term(as_floats(term.mass), as_floats(term.ahead), as_floats(term.own)) for term in terms]
    found = _Parts(n, int(k), unit, plain)
    lost = -as_floats(ScaledArray.of(entered) / unit) if unit.positive() else np.zeros(n)
    if terms:
        for block in normalised_rows(was.chain, now.chain):
            found.add(block, terms)
    windows = found.windows + lost
    size = max(1.0, found.size + float(np.abs(lost).sum()))
    residual = abs(float(windows.sum()) - _difference(change, unit)) / size
    if not residual <= TOLERANCE:
        raise NotConverged(
            f"the parts of the change must add up to it to {TOLERANCE:.0e}, got a residual of {residual:.1e}; "
            "ask within a number of tokens",
            residual,
        )
    return _shown(now, change, windows, float(lost.sum()), found, residual)


def _for_ever(now: Question, values: Enclosure) -> tuple[list[_Term], Numbers]:
    """Visits after against values before; and what windows were worth that can not reach the target any more."""
    chain, begin, whole = now.chain, now.departure, values.value
    live = now.through & can_reach(chain, now.reached, through=now.through)
    live &= reachable_from(chain, (begin > 0) & live, through=live)
    ended = now.through & ~can_reach(chain, now.reached, through=now.through)
    if not live.any():
        return [], whole * (begin * ended)
    visits = live_system(chain, live).occupation(begin * live).value
    entered = chain.push(chain.with_room(visits)) + begin
    return [_Term(visits, whole, whole)], entered * whole * np.where(ended, 1.0, 0.0)


def _within(was: Question, now: Question, steps: int) -> list[_Term]:
    """The same step by step: where the walk is after j tokens, and what n - 1 - j more were worth before."""
    n = was.chain.n_states
    require_memory(
        2 * 24 * (steps + 1) * n, f"{steps} steps over {n} states, back and forth", "ask within fewer tokens, or ever"
    )
    through = np.where(was.through, 1.0, 0.0)
    reached = np.where(was.reached, 1.0, 0.0)
    worth: list[Numbers] = [reached]
    for _ in range(steps):
        worth.append(was.chain.pull(was.chain.with_room(worth[-1])) * through + reached)
    mass: Numbers = now.departure * through
    terms = []
    for j in range(steps):
        terms.append(_Term(mass, worth[steps - 1 - j], worth[steps - j]))
        mass = now.chain.push(now.chain.with_room(mass)) * through
    return terms


class _Parts:
    """The parts as they are added up, block by block."""

    def __init__(self, n_states: int, k: int, unit: ScaledArray, plain: bool) -> None:
        self.k, self.unit, self.plain = k, unit, plain
        self.windows = np.zeros(n_states)
        self.size = 0.0
        self.best: tuple[NDArray[np.int64], NDArray[np.int64], FloatArray] = (
            np.zeros(0, dtype=np.int64),
            np.zeros(0, dtype=np.int64),
            np.zeros(0),
        )

    def add(self, block: NormalisedRows, terms: Sequence[_Term]) -> None:
        """Take a block of rows."""
        states = block.states.start + block.row
        step = _signed(block.probabilities[1], block.probabilities[0], self.plain)
        parts = np.zeros(len(states))
        for term in terms:
            mass, own = term.mass[block.states][block.row], term.own[states]
            gain = _signed(term.ahead[block.target], own, self.plain)
            parts += self._in_units(mass, step, gain)
        self.windows[block.states] = as_floats(block.sums(parts))
        self.size += float(np.abs(parts).sum())
        first = np.argsort(-np.abs(parts), kind="stable")[: self.k] if len(parts) <= self.k else _largest(parts, self.k)
        first = first[parts[first] != 0]
        joined = tuple(
            np.concatenate([old, new[first]]) for old, new in zip(self.best, (states, block.target, parts), strict=True)
        )
        order = np.argsort(-np.abs(joined[2]), kind="stable")[: self.k]
        self.best = (joined[0][order], joined[1][order], joined[2][order])

    def _in_units(self, mass: Numbers, step: "_Signed", gain: "_Signed") -> FloatArray:
        """The product of the three, over the unit."""
        if self.plain:
            return np.asarray(as_floats(mass) / float(self.unit.to_float()) * step.signed * gain.signed)
        size = ScaledArray.of(mass) / self.unit * step.size * gain.size
        return np.asarray(size.to_float() * step.sign * gain.sign)


@dataclass(frozen=True, eq=False)
class _Signed:
    """Differences: doubles, or a sign and a size of any exponent."""

    sign: FloatArray
    size: Numbers

    @property
    def signed(self) -> FloatArray:
        """As doubles."""
        return self.sign * as_floats(self.size)


def _signed(first: Numbers, second: Numbers, plain: bool) -> _Signed:
    """first - second."""
    if plain:
        return _Signed(np.ones(()), as_floats(first) - as_floats(second))
    one, two = ScaledArray.of(first), ScaledArray.of(second)
    top = np.maximum(one.exponent, two.exponent)
    apart = shifted(one, top) - shifted(two, top)
    return _Signed(np.sign(apart), ScaledArray(np.abs(apart), top))


def _largest(parts: FloatArray, k: int) -> NDArray[np.int64]:
    """The places of the k largest, in no order."""
    return np.argpartition(-np.abs(parts), k)[:k]


def _larger(change: Change) -> ScaledArray:
    """The larger of the two probabilities."""
    was, now = (ScaledArray.of(answer.enclosure.value) for answer in (change.before, change.after))
    return ScaledArray.of(choose(np.asarray(was <= now), now, was))


def _difference(change: Change, unit: ScaledArray) -> float:
    """The change in units of the larger probability."""
    if not unit.positive() or change.unchanged:
        return 0.0
    was, now = (float((ScaledArray.of(x.enclosure.value) / unit).to_float()) for x in (change.before, change.after))
    return now - was


def _shown(
    now: Question, change: Change, windows: FloatArray, lost: float, found: _Parts, residual: float
) -> Attribution:
    """The parts for the states asked about."""
    chain = now.chain
    states, targets, shares = found.best
    newest = None if chain.space is None else chain.space.token_from_end(0)
    tokens = np.full(len(states), -1, dtype=np.int64) if newest is None else newest[targets]
    texts = tuple(_texts(chain, states.tolist(), targets.tolist(), tokens.tolist()))
    if now.window_of is not None:
        windows = np.asarray(scatter_sum(windows, now.window_of, int(now.window_of.max()) + 1))
        states, targets = now.window_of[states], now.window_of[targets]
    return Attribution(change, windows, lost, states, tokens, targets, shares, texts, residual)


def _texts(
    chain: TransitionOperator, states: list[int], targets: list[int], tokens: list[int]
) -> Iterator[tuple[str, str]]:
    """How windows and tokens are printed; where there are no tokens, the state that is entered."""
    for state, target, token in zip(states, targets, tokens, strict=True):
        yield chain.label(state), chain.label(target) if token < 0 else window_label((token,), chain.vocabulary)
