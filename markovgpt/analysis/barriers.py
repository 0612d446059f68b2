"""How fast does the probability of red fall as the temperature does?

At temperature T a token whose logit lies g below the largest of its row has the probability exp(-g / T) / Z, where Z is
at least 1 and tends to the number of tied largest logits. A text is as likely as exp(-E / T) over such Z's, with E the
sum of its gaps, and so

    T log P(red within n tokens)  ->  -E,    E the least sum of gaps of a way to red: the energy barrier

in the units of the logits, nats times temperature. Ties change P by a factor that stays, never the slope.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.paths import require_horizon, written
from markovgpt.analysis.question import posed
from markovgpt.analysis.reachability import hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.chains.best_walks import best_walks, remaining_costs
from markovgpt.chains.least_cost import ListedCosts, StepCosts, costs_of_windows
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.sampling import SamplingSettings
from markovgpt.chains.states import StateSpace, Windows
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.scaled import ROUNDING, FloatArray, ScaledArray, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure

LN10 = math.log(10)


@dataclass(frozen=True, eq=False, repr=False)
class Barrier(Shown):
    """The least sum of logit gaps on a way to the target, and such a way.

    Parameters
    ----------
    energy: the sum E, in the units of the logits; infinite where nothing leads to the target.
    states: a way that has it, from the start to the target, of the chain that answers; empty where there is none.
    gaps: the gap of each of its tokens below the largest logit of the row.
    n_tied: on how many of its windows several logits share the largest.
    tokens: what is written on the way.
    text: the same as text, if the vocabulary is known.
    """

    energy: Answer
    states: tuple[int, ...]
    gaps: tuple[float, ...]
    n_tied: int
    tokens: tuple[int, ...] | None = None
    text: str | None = None

    def summary(self) -> dict[str, Any]:
        """The barrier and its way as a plain dict."""
        way = {"states": list(self.states), "gaps": list(self.gaps), "n_tied": self.n_tied, "text": self.text}
        return {"energy": self.energy.summary(), "tokens": None if self.tokens is None else list(self.tokens), **way}


@dataclass(frozen=True, eq=False, repr=False)
class TemperatureProfile(Shown):
    """A probability at falling temperatures, and where it is heading.

    Parameters
    ----------
    temperatures: (n,) falling.
    answers: the probability at each.
    slopes, slopes_lower, slopes_upper: (n - 1,) by how much log P changes with 1 / T from one to the next, with bounds.
    barrier: the limit of the slopes is -barrier.energy, for a horizon.
    """

    temperatures: FloatArray
    answers: tuple[Answer, ...]
    slopes: FloatArray
    slopes_lower: FloatArray
    slopes_upper: FloatArray
    barrier: Barrier

    def summary(self) -> dict[str, Any]:
        """The numbers as a plain dict, a list for each column."""
        columns = {name: getattr(self, name).tolist() for name in ("slopes", "slopes_lower", "slopes_upper")}
        answers = [answer.summary() for answer in self.answers]
        temperatures = self.temperatures.tolist()
        return {"temperatures": temperatures, "answers": answers, **columns, "barrier": self.barrier.summary()}


def energy_barrier(
    table: LogitTable,
    target: Target,
    *,
    start: Start,
    within: int | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> Barrier:
    """How much must be paid in logits, at least, to get from the start to the target?

        E = min over the ways to the target of sum over their tokens of (largest logit - logit of the token)

    Every token is possible that the model itself does not rule out: there is no top_k, top_p or min_p here.

    Parameters
    ----------
    target, avoiding, start: as for `hitting_probability`; of a start distribution every possible state.
    within: at most so many tokens; None for any number. Then the way is the cheapest of all, and a walk that may try
        again and again before it ends can be likelier than any one way: log P falls with 1 / T at most as E does.
    stop_tokens: tokens that end the text when they are written.

    Raises
    ------
    InvalidInput: a negative horizon, and what `hitting_probability` refuses.
    TooLarge: the gaps of all windows would not fit.

    Method: least costs (`markovgpt.chains.least_cost`). The upper bound is the way's own sum, the lower one counts the
    roundings of the longest way there can be.

    The token 1 is 2 below 0 after a 0, and 1 above it after a 1:

    >>> from markovgpt.chains.states import StateSpace
    >>> barrier = energy_barrier(LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]])), [1], start=0)
    >>> barrier.energy.value, barrier.tokens, barrier.gaps
    (2.0, (1,), (2.0,))
    """
    require_horizon(within)
    asked = posed(WindowChain.from_logits(table), target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    costs = gaps_along(asked.chain, table)
    begin = np.where(asked.departure > 0, 0.0, np.inf)
    remaining = remaining_costs(costs, asked.reached, asked.through, within)
    walks = best_walks(costs, remaining, asked.reached, begin, 1, within)
    if not walks:
        zero = np.zeros(())
        return Barrier(Answer.of(Enclosure(zero, zero, zero, 0.0, "no way leads there"), infinite=True), (), (), 0)
    longest = asked.chain.n_states if within is None else min(within, asked.chain.n_states)
    return barrier_of(asked.chain, costs, walks[0].states, float((begin + remaining[-1]).min()), longest)


def barrier_of(
    chain: TransitionOperator | LogitTable, costs: StepCosts, states: Sequence[int], least: float, longest: int
) -> Barrier:
    """What a cheapest way says of the energy, between its own sum and the least cost as it was computed.

    Parameters
    ----------
    states: of the way.
    least: its cost, added up step by step.
    longest: how many steps a cheapest way may have.

    >>> from markovgpt.chains.states import StateSpace
    >>> logits = LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]))
    >>> barrier_of(logits, gaps_along(WindowChain.from_logits(logits), logits), (0, 1), 2.0, 2).gaps
    (2.0,)
    """
    gaps = tuple(_gap(costs, before, after) for before, after in pairwise(states))
    value = ScaledArray.of(math.fsum(gaps))
    lower, upper = widen(ScaledArray.of(least), longest + 2)[0], widen(value, 2)[1]
    n_tied = sum(int((costs.leaving(state)[1] == 0).sum() > 1) for state in states[:-1])
    energy = Answer.of(Enclosure(value, lower, upper, 0.0, "least costs"), iterations=len(gaps))
    return Barrier(energy, tuple(states), gaps, n_tied, *written(chain, states))


def temperature_profile(
    table: LogitTable,
    target: Target,
    *,
    start: Start,
    temperatures: Sequence[float],
    within: int | None = None,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> TemperatureProfile:
    """How likely is the target at each temperature, and how fast does it become unlikely?

    Parameters
    ----------
    temperatures: distinct and above 0, in any order; the result has them falling.
    target, start, within, avoiding, stop_tokens: as for `energy_barrier`.

    Raises
    ------
    InvalidInput: temperatures that are none, and what `energy_barrier` refuses.
    TooLarge, NotConverged: as for `hitting_probability`.

    >>> from markovgpt.chains.states import StateSpace
    >>> logits = LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]))
    >>> profile = temperature_profile(logits, [1], start=0, temperatures=[0.5, 0.1, 0.05], within=1)
    >>> profile.slopes.round(3).tolist()
    [-1.998, -2.0]
    """
    ordered = _falling(temperatures)
    barrier = energy_barrier(table, target, start=start, within=within, avoiding=avoiding, stop_tokens=stop_tokens)
    answers = []
    for temperature in ordered.tolist():
        chain = WindowChain.from_logits(table, SamplingSettings(temperature=temperature))
        answers.append(
            hitting_probability(chain, target, start=start, within=within, avoiding=avoiding, stop_tokens=stop_tokens)
        )
    return TemperatureProfile(ordered, tuple(answers), *_slopes(ordered, answers), barrier)


def gaps_along(chain: TransitionOperator, table: LogitTable) -> StepCosts:
    """The gap below the largest logit that each transition takes, for a chain whose states have windows of the table.

    >>> logits = LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]))
    >>> gaps_along(WindowChain.from_logits(logits), logits).leaving(1)[1].tolist()
    [1.0, 0.0]
    """
    if isinstance(chain, WindowChain):
        return costs_of_windows(table.space, lambda rows: _gaps(table.logits[rows]))
    newest = np.full(1, -1) if chain.space is None else chain.space.token_from_end(0)
    if chain.space is None or (newest < 0).any():
        raise InvalidInput(
            "every state must have a window for its logits to be known, got a chain with others; "
            "give a target that fits in the window"
        )
    edges = chain.edges()
    rows, tokens = _table_rows(chain.space, table.space)[edges.source], newest[edges.target]
    highest = table.logits.max(axis=1).astype(np.float64)
    return ListedCosts(edges, highest[rows] - table.logits[rows, tokens].astype(np.float64), chain.n_states)


def _gaps(logits: NDArray[np.floating[Any]]) -> FloatArray:
    """Largest logit less each logit, exact but for one rounding; inf for what the model rules out."""
    exact = logits.astype(np.float64)
    return np.asarray(exact.max(axis=1, keepdims=True) - exact)


def _table_rows(windows: Windows, space: StateSpace) -> NDArray[np.int64]:
    """The row of a table that belongs to the window of each state."""
    number, length = np.zeros(windows.n_states, dtype=np.int64), np.zeros(windows.n_states, dtype=np.int64)
    for place in range(space.context_length):
        token = windows.token_from_end(place)
        number += np.maximum(token, 0) * space.vocab_size**place
        length += token >= 0
    firsts = np.array([space.first_state(size) for size in range(space.context_length + 1)])
    return np.asarray(firsts[length] + number)


def _gap(costs: StepCosts, before: int, after: int) -> float:
    """What one step costs."""
    states, each = costs.leaving(before)
    return float(each[states == after][0])


def _falling(temperatures: Sequence[float]) -> FloatArray:
    """Temperatures from the highest on."""
    given = np.sort(np.asarray(temperatures, dtype=np.float64).reshape(-1))[::-1].copy()
    if not (len(given) and np.isfinite(given).all() and given[-1] > 0 and (np.diff(given) < 0).all()):
        raise InvalidInput(
            f"temperatures must be distinct numbers above 0, got {list(temperatures)}; the limit at 0 is energy_barrier"
        )
    return given


def _slopes(temperatures: FloatArray, answers: Sequence[Answer]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The change of log P over that of 1 / T between neighbours, with bounds; -inf where P is 0."""
    hot, cold = temperatures[:-1], temperatures[1:]
    further = (hot - cold) / hot / cold  # 1 / cold - 1 / hot
    if any(answer.log10 == -np.inf for answer in answers):
        never = np.full(len(hot), -np.inf)
        return never, never, never
    value, lower, upper = (
        np.array([getattr(answer, name) for answer in answers]) for name in ("log10", "log10_lower", "log10_upper")
    )
    middle, below, above = (
        (end - begin) * LN10 / further
        for begin, end in ((value[:-1], value[1:]), (upper[:-1], lower[1:]), (lower[:-1], upper[1:]))
    )
    return middle, below - 8 * ROUNDING * np.abs(below), above + 8 * ROUNDING * np.abs(above)
