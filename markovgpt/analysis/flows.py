"""What does the way to the target pass through: which windows are dangerous, which tokens and transitions carry it?

With v(s) the expected visits from the start and h(s) the committor, the probability that the target is reached from s
before what ends the walk, the walks that do reach the target

    visit s                     v(s) h(s)              times, expected,
    go from s to t              v(s) P(s, t) h(t)      times,
    write a token               sum over the transitions that write it

each times counted only where the target is reached; over P(target reached) these are expected numbers given that it is.
What flows into the target is P(target reached). All terms are products of non-negatives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.paths import ratio, require_number_shown
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import can_reach, proved, reachable_from
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.memory import require_memory
from markovgpt.scaled import Numbers, ScaledArray, choose, concatenate, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one, mean_over
from markovgpt.solvers.live_system import live_system
from markovgpt.sums import TOTAL_ROUNDINGS, scatter_sum, total

LISTED_FIRST = 1024  # states whose transitions are looked at first for the strongest
BYTES_PER_STATE = 400  # visits, committor and their products, with bounds, scaled
PARTS = ("value", "lower", "upper")

States = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class DangerousWindows(Shown):
    """States before the target, the most dangerous first.

    Parameters
    ----------
    states: (k,) of the chain that answers.
    labels: how they are printed.
    danger: (k,) visits times committor: expected visits that the target follows.
    visits: (k,) expected visits from the start before the walk ends or cannot reach the target any more.
    committor: (k,) the probability that the target is reached from there.
    hitting: the probability that it is reached from the start.
    """

    states: States
    labels: tuple[str, ...]
    danger: Answer
    visits: Answer
    committor: Answer
    hitting: Answer

    def summary(self) -> dict[str, Any]:
        """The windows and their numbers as a plain dict."""
        answers = {name: getattr(self, name).summary() for name in ("danger", "visits", "committor", "hitting")}
        return {"states": self.states.tolist(), "labels": list(self.labels), **answers}


@dataclass(frozen=True, eq=False, repr=False)
class RedFlow(Shown):
    """What is written and which transitions are taken on the way to the target, given that it is reached.

    Parameters
    ----------
    tokens: those that are written on a way, the most frequent first; none where the states are no windows.
    times_written: (n_tokens,) how often each is written, expected.
    sources, targets: (k,) the transitions that are taken most often.
    times_taken: (k,) how often, expected.
    hitting: the probability that the target is reached from the start.
    """

    tokens: tuple[int, ...]
    times_written: Answer
    sources: States
    targets: States
    times_taken: Answer
    hitting: Answer

    def summary(self) -> dict[str, Any]:
        """The tokens, the transitions and their numbers as a plain dict."""
        answers = {name: getattr(self, name).summary() for name in ("times_written", "times_taken", "hitting")}
        places = {"tokens": list(self.tokens), "sources": self.sources.tolist(), "targets": self.targets.tolist()}
        return {**places, **answers}


def dangerous_windows(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start,
    k: int = 20,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> DangerousWindows:
    """From which windows on the way does the target most often follow?

    danger(s) = v(s) h(s), the expected visits to s that the target follows. Where nothing ends the walk and the target
    is reached surely, h is 1 and danger is visits alone; ``avoiding`` and ``stop_tokens`` make it say more.

    Parameters
    ----------
    target, avoiding, start: as for `hitting_probability`.
    k: how many windows, at least 1; fewer are shown where fewer lie on a way.
    stop_tokens: tokens that end the text when they are written.

    Raises
    ------
    InvalidInput: k below 1, and what `hitting_probability` refuses.
    TooLarge, NotConverged: as there.

    A gambler with 1 of 3 coins, who wins with 1/13: from 1 to 2 and back again 3/16 of the time.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> found = dangerous_windows(game, [3], start=1)
    >>> found.states.tolist(), (found.danger.value * 13).round(12).tolist()
    ([1, 2], [1.230769230769, 1.230769230769])
    """
    require_number_shown(k)
    flow = _Flow(posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens))
    states = flow.most_dangerous[: min(k, int(flow.live.sum()))]
    labels = tuple(flow.asked.chain.label(state) for state in states.tolist())
    visits, committor, danger = (Answer.of(_at(part, states)) for part in (flow.visits, flow.committor, flow.danger))
    return DangerousWindows(states, labels, danger, visits, committor, Answer.of(flow.hitting))


def red_flow(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start,
    k: int = 20,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> RedFlow:
    """Which tokens are written, and which transitions taken, on the way to the target?

    Expected numbers given that the target is reached; of transitions the k largest. Parameters and refusals as for
    `dangerous_windows`.

    >>> from markovgpt.chains.states import StateSpace
    >>> from markovgpt.chains.window_chain import WindowChain
    >>> coin = WindowChain(StateSpace(2, 1), np.array([[0.75, 0.25], [0.5, 0.5]]))
    >>> flow = red_flow(coin, [1], start=0)                                     # 0 is written until 1 is: 3 times
    >>> flow.tokens, flow.times_written.value.round(12).tolist()
    ((0, 1), [3.0, 1.0])
    """
    require_number_shown(k)
    flow = _Flow(posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens))
    tokens, written = _times_written(flow)
    sources, targets, taken = _strongest(flow, k)
    given = [Answer.of(ratio(part, flow.hitting)) for part in (written, taken)]
    return RedFlow(tokens, given[0], sources, targets, given[1], Answer.of(flow.hitting))


@dataclass(frozen=True, eq=False)
class _Flow:
    """The flow of a question from its start to its target."""

    asked: Question

    @cached_property
    def _masks(self) -> tuple[Mask, Mask]:
        """The states that the target may follow, and of these the ones it must follow."""
        asked = self.asked
        possible = can_reach(asked.chain, asked.reached, through=asked.through)
        return possible, possible & ~can_reach(asked.chain, ~possible, through=asked.through)

    @cached_property
    def live(self) -> Mask:
        """The states on a way from the start to the target, before it."""
        asked = self.asked
        before = self._masks[0] & asked.through
        n = len(before)
        require_memory(BYTES_PER_STATE * n, f"visits and committors of {n} states", "give a shorter context length")
        return before & reachable_from(asked.chain, (asked.departure > 0) & before, through=before)

    @cached_property
    def visits(self) -> Enclosure:
        """v on the live states, 0 elsewhere."""
        if not self.live.any():
            return proved(np.zeros(len(self.live)))
        return live_system(self.asked.chain, self.live).occupation(self.asked.departure * self.live)

    @cached_property
    def committor(self) -> Enclosure:
        """h on the live states and the target, 1 where it is sure, 0 elsewhere."""
        chain, sure = self.asked.chain, self._masks[1]
        ones, open_ends = np.where(sure, 1.0, 0.0), self.live & ~sure
        if not open_ends.any():
            return proved(ones)
        solved = live_system(chain, open_ends).harmonic(chain.pull(ones) * open_ends)
        value, lower, upper = (choose(sure, ones, getattr(solved, part)) for part in PARTS)
        return at_most_one(Enclosure(value, lower, upper, solved.residual, solved.method))

    @cached_property
    def hitting(self) -> Enclosure:
        """The probability that the target is reached from the start."""
        return at_most_one(mean_over(self.asked.departure, self.committor))

    @cached_property
    def danger(self) -> Enclosure:
        """v h."""
        return _product(self.visits, self.committor)

    @cached_property
    def most_dangerous(self) -> States:
        """All states, the most dangerous first."""
        return _largest_first(self.danger.value)


def _times_written(flow: _Flow) -> tuple[tuple[int, ...], Enclosure]:
    """The tokens written before a target that is reached, the most frequent first, and how often each is."""
    chain = flow.asked.chain
    if chain.space is None:
        return (), proved(np.zeros(0))
    parts = [chain.push(chain.with_room(getattr(flow.visits, part))) for part in PARTS]
    lower, upper = widen(parts[1], chain.roundings)[0], widen(parts[2], chain.roundings)[1]
    entered = _product(Enclosure(parts[0], lower, upper, flow.visits.residual, flow.visits.method), flow.committor)
    newest = chain.space.token_from_end(0)
    order = np.argsort(newest, kind="stable")
    ends = np.searchsorted(newest[order], np.arange(chain.space.vocab_size + 1))
    groups = [order[first:stop] for first, stop in pairwise(ends.tolist())]
    value, low, high = (_totals(ScaledArray.of(getattr(entered, part)), groups) for part in PARTS)
    whole = Enclosure(
        value, widen(low, TOTAL_ROUNDINGS)[0], widen(high, TOTAL_ROUNDINGS)[1], entered.residual, entered.method
    )
    shown = _largest_first(value)[: int(value.positive().sum())]
    return tuple(shown.tolist()), _at(whole, shown)


def _strongest(flow: _Flow, k: int) -> tuple[States, States, Enclosure]:
    """The k transitions that carry most, and what: v(s) P(s, t) h(t), which is at most v(s) h(s)."""
    chain, danger = flow.asked.chain, ScaledArray.of(flow.danger.value)
    order = flow.most_dangerous[: int(flow.live.sum())]
    listed = LISTED_FIRST
    while True:
        of = np.zeros(chain.n_states, dtype=bool)
        of[order[:listed]] = True
        sources, targets, carried = _transition_flows(flow, of)
        best = _largest_first(carried.value)[:k]
        carried = _at(carried, best)
        least = ScaledArray.of(carried.value)[-1:]
        if listed >= len(order) or (len(best) == k and bool((danger[order[listed : listed + 1]] <= least).all())):
            return sources[best], targets[best], carried
        listed *= 4


def _transition_flows(flow: _Flow, of: Mask) -> tuple[States, States, Enclosure]:
    """The transitions that leave given states for the target or what it may follow, and what each carries."""
    chain, possible = flow.asked.chain, flow._masks[0]
    source, target, weight = chain.edges(of)
    sums, choices = scatter_sum(weight, source, chain.n_states), np.bincount(source, minlength=chain.n_states)
    kept = possible[target]
    source, target = source[kept], target[kept]
    step = ScaledArray.of(weight[kept]) / sums[source]
    below, above = widen(step, choices[source])
    each = Enclosure(step, below, above, flow.visits.residual, flow.visits.method)
    return source, target, _product(_product(_at(flow.visits, source), each), _at(flow.committor, target))


def _totals(values: ScaledArray, groups: Sequence[States]) -> ScaledArray:
    """The sum of the values of each group of states."""
    sums = [ScaledArray.of(total(values[states])) for states in groups]
    return ScaledArray.of(concatenate([part.reshape(1) for part in sums]))


def _product(first: Enclosure, second: Enclosure) -> Enclosure:
    """An enclosure of the product, entry by entry."""
    value, lower, upper = (ScaledArray.of(getattr(first, part)) * getattr(second, part) for part in PARTS)
    residual = max(first.residual, second.residual)
    return Enclosure(value, widen(lower, 1)[0], widen(upper, 1)[1], residual, first.method)


def _at(whole: Enclosure, places: States) -> Enclosure:
    """The entries at given places."""
    value, lower, upper = (getattr(whole, part)[places] for part in PARTS)
    return Enclosure(value, lower, upper, whole.residual, whole.method)


def _largest_first(values: Numbers) -> States:
    """The places of numbers, the largest first; of equals the first."""
    scaled = ScaledArray.of(values)
    return np.lexsort((-scaled.mantissa, -scaled.exponent))
