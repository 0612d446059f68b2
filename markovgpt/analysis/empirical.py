"""How far is a model from the data it learnt, and does it live where the data do?

With c(w, t) the counts of a window w and the token t after it, N of them in all, q(t|w) = c(w, t) / c(w) the data's own
chain and p(t|w) the model's,

    cross entropy  H(q, p) = - sum_w,t c(w, t)/N log p(t|w)      the loss that training lowers, on every example
    entropy        H(q)    = - sum_w,t c(w, t)/N log q(t|w)      the lowest that any model of these windows can reach
    divergence     D(q, p) = H(q, p) - H(q)                      what is left to learn, at least 0

The divergence is not formed as that difference, which would cancel when little is left to learn, but as

    D(q, p) = sum_w c(w)/N ( sum_{t: c > 0} q g(p / q) + sum_{t: c = 0} p ),    g(s) = s - 1 - log s >= 0,

equal because the rows of both sum to one. Every term is non-negative; g falls until s = 1 and rises from there, so that
bounds of s give bounds of g.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from markovgpt.analysis.divergence_terms import TERM_ROUNDINGS, divergence_terms, surprise
from markovgpt.analysis.result import Answer
from markovgpt.analysis.row_mean import mean_under
from markovgpt.analysis.structure import PROOF, proved
from markovgpt.chains.counted import WindowCounts
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, as_floats, choose, is_positive, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.sums import TOTAL_ROUNDINGS, dot, scatter_sum, total

Bounded = tuple[Numbers, Numbers, Numbers]  # lower bounds, values, upper bounds

LOG_ROUNDINGS, GAP_ROUNDINGS = 16, TERM_ROUNDINGS + 1  # of a logarithm, and of `_gap`
MEAN_ROUNDINGS = 2 * TOTAL_ROUNDINGS + 8


@dataclass(frozen=True, eq=False, repr=False)
class DataDivergence(Shown):
    """How far a chain is from counted data, in bits per token.

    Parameters
    ----------
    divergence: the relative entropy of the data's rows against the chain's, at least 0; infinite where the chain cannot
        say what was counted.
    cross_entropy: the mean surprise of the chain at the data, which is divergence + entropy.
    entropy: that of the data's own chain.
    n_impossible: how many counted pairs of a window and a token are impossible for the chain.
    """

    divergence: Answer
    cross_entropy: Answer
    entropy: Answer
    n_impossible: int

    def summary(self) -> dict[str, Any]:
        """The numbers and their bounds as a plain dict."""
        answers = {name: getattr(self, name).summary() for name in ("divergence", "cross_entropy", "entropy")}
        return {**answers, "n_impossible": self.n_impossible}


def divergence_from_data(counts: WindowCounts, chain: TransitionOperator) -> DataDivergence:
    """How many bits per token does a model waste on the data, and how many must it spend?

        D = sum_w c(w)/N sum_t q(t|w) log2( q(t|w) / p(t|w) )

    Parameters
    ----------
    counts: of the data, over the states of the chain.
    chain: the model's, at any sampling settings.

    Raises
    ------
    InvalidInput: counts over other windows than the chain's states.

    >>> from markovgpt.chains.counted import count_windows
    >>> from markovgpt.chains.states import StateSpace
    >>> from markovgpt.chains.window_chain import WindowChain
    >>> space = StateSpace(2, 1)
    >>> fair = WindowChain(space, np.full((2, 2), 0.5))
    >>> found = divergence_from_data(count_windows((0, 1, 0, 1), space), fair)  # the data are sure, the coin is fair
    >>> round(found.divergence.value, 12), round(found.cross_entropy.value, 12), found.entropy.value
    (1.0, 1.0, 0.0)
    """
    if chain.space != counts.space:
        raise InvalidInput(
            f"counts must be over the chain's own windows, got {_shown(counts.space)} and {_shown(chain.space)}; "
            "count over chain.space"
        )
    model, elsewhere = _of_chain(counts, chain)
    data = _Shares(ScaledArray.of(counts.count / counts.window_count), counts.count == counts.window_count, 1)
    entropy = _bits(counts, data.surprise)
    n_impossible = int((~is_positive(model.value)).sum())
    if n_impossible:
        nothing = ScaledArray.of(np.zeros(()))
        endless = Answer.of(Enclosure(nothing, nothing, nothing, 0.0, PROOF), infinite=True)
        return DataDivergence(endless, endless, entropy, n_impossible)
    divergence = _bits(counts, model.gap_to(data), elsewhere)
    return DataDivergence(divergence, _bits(counts, model.surprise), entropy, 0)


def stationary_mass(lived: Answer, states: Mask) -> Answer:
    """Which share of the long run is spent in some states?

        sum of pi(s) over them

    Parameters
    ----------
    lived: a distribution over all states, as `stationary_distributions(chain).only()` or `long_run_distribution`
        give it.
    states: (n_states,) bool mask, as `WindowCounts.seen`; ``~states`` is asked for on its own, never as 1 - the answer.

    Returns
    -------
    Answer in [0, 1]: exactly 0 or 1 where the support leaves nothing inside or outside.

    Raises
    ------
    InvalidInput: a mask of another shape than the distribution's.

    >>> from markovgpt.analysis.stationary import stationary_distributions
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = stationary_distributions(SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])).only()
    >>> round(stationary_mass(weather, np.array([True, False])).value, 12)
    0.75
    """
    found = lived.enclosure
    given = np.asarray(states)
    if given.dtype != bool or given.shape != found.value.shape:
        raise InvalidInput(
            f"states must be a bool mask of shape {found.value.shape}, got {given.dtype} of {given.shape}; "
            "see WindowCounts.seen"
        )
    possible = is_positive(found.upper)
    if not (possible & given).any() or not (possible & ~given).any():
        return Answer.of(proved(np.asarray(float((possible & given).any()))))
    chosen = np.where(given, 1.0, 0.0)
    method = f"{found.method}, summed over {int(given.sum())} states"
    return Answer.of(at_most_one(replace(mean_under(lived, proved(chosen)), method=method)))


@dataclass(frozen=True, eq=False)
class _Shares:
    """Probabilities of the counted pairs, each known within some roundings, or surely 1."""

    value: ScaledArray
    sure: Mask
    roundings: int

    @property
    def surprise(self) -> Bounded:
        """- log p, with bounds."""
        ones = ScaledArray.of(np.ones(len(self.sure)))
        below, above = (choose(self.sure, ones, bound) for bound in widen(self.value, self.roundings))
        high, value, low = (np.maximum(surprise(part), 0.0) for part in (below, self.value, above))
        return widen(low, LOG_ROUNDINGS)[0], value, widen(high, LOG_ROUNDINGS)[1]

    def gap_to(self, data: "_Shares") -> Bounded:
        """g(p / q), with bounds; 0 where both are surely 1."""
        ratio, both = self.value / data.value, self.sure & data.sure
        below, above = widen(ratio, self.roundings + data.roundings + 1)
        ends = np.stack([_gap(below), _gap(above)])
        around = both | ((as_floats(below) <= 1) & (as_floats(above) >= 1))
        low, high = np.where(around, 0.0, ends.min(axis=0)), np.where(both, 0.0, ends.max(axis=0))
        return widen(low, GAP_ROUNDINGS)[0], _gap(ratio), widen(high, GAP_ROUNDINGS)[1]


def _of_chain(counts: WindowCounts, chain: TransitionOperator) -> tuple[_Shares, Bounded]:
    """What the chain gives each counted pair, and, times the window's count, all that it gives to others there."""
    n = chain.n_states
    source, target, weight = chain.edges(counts.seen)
    given = ScaledArray.of(weight) / ScaledArray.of(scatter_sum(weight, source, n))[source]
    roundings = 2 * chain.largest_row + 8  # single-precision rows are divided by their sums twice
    steps, order = source * n + target, np.argsort(source * n + target, kind="stable")
    wanted = counts.state * n + counts.successor
    place = order[np.minimum(np.searchsorted(steps, wanted, sorter=order), len(steps) - 1)]
    possible = steps[place] == wanted
    value = choose(possible, given[place], ScaledArray.of(np.zeros(len(wanted))))
    sure = possible & (np.bincount(source, minlength=n)[counts.state] == 1)
    other, visits = np.ones(len(steps), dtype=bool), np.zeros(n)
    other[place[possible]] = False
    visits[counts.state] = counts.window_count
    rest = given[other] * visits[source[other]]
    low, high = widen(rest, roundings + 1)
    return _Shares(value, sure, roundings), (low, rest, high)


def _bits(counts: WindowCounts, for_each: Bounded, elsewhere: Bounded | None = None) -> Answer:
    """The mean over the examples of what each counted pair costs, and of costs elsewhere, from nats to bits."""
    weights = counts.count.astype(np.float64)
    sums = [dot(part, weights) for part in for_each]
    if elsewhere is not None:
        sums = [one + total(part) for one, part in zip(sums, elsewhere, strict=True)]
    low, value, high = (part / (counts.total * math.log(2)) for part in sums)
    lower, upper = widen(low, MEAN_ROUNDINGS)[0], widen(high, MEAN_ROUNDINGS)[1]
    return Answer.of(Enclosure(value, lower, upper, 0.0, "mean over the counted examples"))


def _gap(values: ScaledArray) -> FloatArray:
    """g(s) = s - 1 - log s: what 1 and s add to a divergence."""
    terms = divergence_terms(ScaledArray.of(np.ones(len(values))), values)
    return as_floats(terms.larger * terms.forward)


def _shown(windows: Any) -> str:
    """How windows are told apart in a message."""
    return "none" if windows is None else f"{windows.n_states} windows of {windows.context_length} tokens"
