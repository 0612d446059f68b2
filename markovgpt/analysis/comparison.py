"""What did training change? Two chains over the same states, side by side.

Row by row: the Kullback-Leibler divergence and the total variation, and which transitions were gained and lost. In the
long run, pi and pi' being where each chain lives:

    KL rate         sum_s pi(s) KL(P_s || P'_s)         bits per token; the other way round with pi' and KL(P'_s || P_s)
    shift           1/2 sum_s | pi(s) - pi'(s) |

The KL rate is infinite where the second chain can not do what the first one does, in a window that the first comes
back to for ever; a transient window does not matter, whatever it loses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from markovgpt.analysis.arguments import Start, start_distribution
from markovgpt.analysis.change import Change
from markovgpt.analysis.divergence import RowDivergence, row_divergence
from markovgpt.analysis.entropy import EntropyRate, in_bits, row_entropies
from markovgpt.analysis.result import Answer
from markovgpt.analysis.row_mean import has_mass, lived_in, mean_under
from markovgpt.analysis.shared_space import on_one_space
from markovgpt.analysis.spectrum import spectral_gap
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, window_label
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.scaled import ROUNDING
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure
from markovgpt.sums import TOTAL_ROUNDINGS, total

SAME = "the same numbers are stored"  # the method of what is 0 because the chains are identical


@dataclass(frozen=True, eq=False, repr=False)
class KLRate(Shown):
    """Bits per token that are lost by taking one chain for another.

    Parameters
    ----------
    bits: with bounds; infinite where the support shrinks in a window of positive long-run mass.
    n_infinite: how many such windows there are.
    example: one of them and what is not possible after it any more, as text; None where there is none.
    """

    bits: Answer
    n_infinite: int
    example: tuple[str, str] | None

    def summary(self) -> dict[str, Any]:
        """The rate, its bounds and where it is infinite as a plain dict."""
        return {**self.bits.summary(), "n_infinite": self.n_infinite, "example": self.example}


@dataclass(frozen=True, eq=False, repr=False)
class ChainComparison(Shown):
    """Two chains over the same states. What needs a long run is found when it is first read.

    Parameters
    ----------
    before, after: the two chains, on the states they share.
    rows: what differs row by row.
    start: where the long run begins; None where it does not matter, each chain having one recurrent class.
    """

    before: TransitionOperator
    after: TransitionOperator
    rows: RowDivergence
    start: Start | None = None

    @property
    def identical(self) -> bool:
        """Whether both chains are stored as the same numbers: nothing differs, by proof."""
        return self.rows.identical

    @property
    def n_gained(self) -> int:
        """How many transitions are possible after and were not before."""
        return int(self.rows.n_gained.sum())

    @property
    def n_lost(self) -> int:
        """How many transitions were possible before and are not after."""
        return int(self.rows.n_lost.sum())

    @cached_property
    def gained(self) -> tuple[tuple[str, str], ...]:
        """The first few transitions that were gained, as window and token."""
        return tuple(self._shown(int(source), int(target)) for source, target in self.rows.gained)

    @cached_property
    def lost(self) -> tuple[tuple[str, str], ...]:
        """The first few transitions that were lost, as window and token."""
        return tuple(self._shown(int(source), int(target)) for source, target in self.rows.lost)

    @property
    def total_variation(self) -> Answer:
        """(n_states,) how differently each window goes on, from 0 to 1."""
        return Answer.of(self.rows.total_variation)

    @property
    def worst_state(self) -> int:
        """The window that goes on most differently; of equals the first."""
        return int(np.argmax(self.total_variation.value))

    @cached_property
    def lived_before(self) -> Answer:
        """Where the chain lived in the long run.

        Raises
        ------
        InvalidInput: several recurrent classes, which are listed, and no start.
        """
        return lived_in(self.before, self.start)

    @cached_property
    def lived_after(self) -> Answer:
        """Where the chain lives in the long run; refusals as for `lived_before`."""
        return self.lived_before if self.identical else lived_in(self.after, self.start)

    @cached_property
    def kl_rate(self) -> KLRate:
        """Bits per token lost by taking ``after`` for ``before``, where ``before`` lives; refusals as there."""
        return self._rate(forward=True)

    @cached_property
    def kl_rate_back(self) -> KLRate:
        """Bits per token lost by taking ``before`` for ``after``, where ``after`` lives; refusals as there."""
        return self._rate(forward=False)

    @cached_property
    def mean_total_variation(self) -> Answer:
        """How differently the chain goes on, on average where it lived; refusals as for `lived_before`."""
        return _nothing() if self.identical else Answer.of(mean_under(self.lived_before, self.rows.total_variation))

    @cached_property
    def stationary_shift(self) -> Answer:
        """How far the long run moved, in total variation; refusals as for `lived_before`."""
        return _nothing() if self.identical else _distance(self.stationary_change)

    @cached_property
    def stationary_change(self) -> Change:
        """(n_states,) the share of each window in the long run, before and after; refusals as for `lived_before`."""
        return Change(self.lived_before, self.lived_after, self.identical)

    @cached_property
    def entropy_before(self) -> EntropyRate:
        """Entropy per token where the chain lived; refusals as for `lived_before`."""
        return EntropyRate.of(mean_under(self.lived_before, row_entropies(self.before)))

    @cached_property
    def entropy_after(self) -> EntropyRate:
        """Entropy per token where the chain lives; refusals as for `lived_before`."""
        if self.identical:
            return self.entropy_before
        return EntropyRate.of(mean_under(self.lived_after, row_entropies(self.after)))

    @cached_property
    def gap_before(self) -> Answer:
        """How fast the chain forgot; refusals as for `spectral_gap`."""
        return spectral_gap(self.before)

    @cached_property
    def gap_after(self) -> Answer:
        """How fast the chain forgets; refusals as for `spectral_gap`."""
        return self.gap_before if self.identical else spectral_gap(self.after)

    @cached_property
    def long_run_is_known(self) -> str | None:
        """None where both chains have a long run; else what is missing."""
        try:
            _ = self.lived_before, self.lived_after
        except InvalidInput as refused:
            return str(refused)
        return None

    def summary(self) -> dict[str, Any]:
        """All of it as a plain dict; what needs a long run is left out where there are several, and why is said."""
        state = self.worst_state
        varied = self.rows.total_variation
        whole: dict[str, Any] = {
            "identical": self.identical,
            "windows_changed": int((~self.rows.same).sum()),
            "worst_window": {
                "window": self.before.label(state),
                "total_variation": float(self.total_variation.value[state]),
                "lower": float(self.total_variation.lower[state]),
                "upper": float(self.total_variation.upper[state]),
            },
            "transitions_gained": {"count": self.n_gained, "examples": self.gained},
            "transitions_lost": {"count": self.n_lost, "examples": self.lost},
            "method": varied.method,
            "spectral_gap_before": _or_why_not(lambda: self.gap_before),
            "spectral_gap_after": _or_why_not(lambda: self.gap_after),
        }
        if self.long_run_is_known is not None:
            return whole | {"long_run": self.long_run_is_known}
        found = ("kl_rate", "kl_rate_back", "mean_total_variation", "stationary_shift")
        whole |= {name: getattr(self, name).summary() for name in found}
        return whole | {"entropy_before": self.entropy_before.summary(), "entropy_after": self.entropy_after.summary()}

    def _rate(self, *, forward: bool) -> KLRate:
        """The KL rate one way."""
        if self.identical:
            return KLRate(_nothing(), 0, None)
        lived, rows = (self.lived_before, self.rows.kl) if forward else (self.lived_after, self.rows.kl_back)
        endless = has_mass(lived) & ((self.rows.n_lost if forward else self.rows.n_gained) > 0)
        mean = in_bits(mean_under(lived, rows))
        if not endless.any():
            return KLRate(Answer.of(mean), 0, None)
        return KLRate(Answer.of(mean, infinite=True), int(endless.sum()), self._example(endless, forward=forward))

    def _example(self, endless: Mask, *, forward: bool) -> tuple[str, str]:
        """A window out of a mask, and a transition that the other chain does not have."""
        first, second = (self.before, self.after) if forward else (self.after, self.before)
        one = np.zeros(first.n_states, dtype=bool)
        one[int(np.argmax(endless))] = True
        source, target, _ = first.edges(of=one)
        return self._shown(int(source[0]), int(np.setdiff1d(target, second.edges(of=one).target)[0]))

    def _shown(self, source: int, target: int) -> tuple[str, str]:
        """A transition as window and token; as two states where there are no tokens."""
        if self.before.space is None:
            return self.before.label(source), self.before.label(target)
        token = self.before.space.decode(target)[-1]
        return self.before.label(source), window_label((token,), self.before.vocabulary)


def compare_chains(
    before: TransitionOperator, after: TransitionOperator, *, start: Start | None = None, shared: bool = False
) -> ChainComparison:
    """What changed from one chain to another?

    Parameters
    ----------
    before, after: two chains over the same states.
    start: where the long run begins, a state, a distribution, a window or a text; None where it does not matter, each
        chain having one recurrent class. With several and no start, what needs a long run is refused when it is read.
    shared: whether models of different context lengths, or with the same tokens in another order, are compared on the
        windows of the longer context, numbered as ``before`` has it: exactly the same chains, more states.

    Raises
    ------
    InvalidInput: chains over different states; the message says what differs. A start that does not fit them.
    TooLarge: the numbers of all states would not fit.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> before, after = (SparseChain.from_matrix([[0.5, 0.5], [q, 1 - q]]) for q in (0.5, 0.25))
    >>> found = compare_chains(before, after)                        # pi = 1/2, 1/2 and 1/3, 2/3
    >>> round(found.mean_total_variation.value, 12), round(found.stationary_shift.value, 12)
    (0.125, 0.166666666667)
    >>> round(found.kl_rate.bits.value, 12), found.n_lost            # 1/4 log2 2 + 1/4 log2 2/3
    (0.10375937482, 0)
    """
    one, two = on_one_space(before, after, shared=shared)
    if start is not None:
        start_distribution(one, start)  # refused before anything is compared
    return ChainComparison(one, two, row_divergence(one, two), start)


def _or_why_not(found: Callable[[], Answer]) -> dict[str, Any] | str:
    """An answer as a plain dict; what is said where there is none."""
    try:
        return found().summary()
    except NotConverged as refused:
        return str(refused)


def _nothing() -> Answer:
    """0, because both chains are stored as the same numbers."""
    zero = np.zeros(())
    return Answer.of(Enclosure(zero, zero, zero, 0.0, SAME))


def _distance(change: Change) -> Answer:
    """The total variation between two distributions: half the sum of the sizes of the differences."""
    low, value, high = change.lower, change.value, change.upper
    least = np.maximum(np.maximum(low, -high), 0.0)
    most = np.maximum(np.maximum(high, -low), 0.0)
    sums = [0.5 * float(np.asarray(total(part))) for part in (np.abs(value), least, most)]
    slack = (TOTAL_ROUNDINGS + 2) * ROUNDING
    bounds = [max(0.0, sums[1] * (1 - slack)), min(1.0, sums[2] * (1 + slack))]
    method = f"{change.before.method}, before and after"
    parts = [np.asarray(part) for part in (min(sums[0], 1.0), *bounds)]
    residual = max(change.before.residual, change.after.residual)
    return Answer.of(Enclosure(parts[0], parts[1], parts[2], residual, method))
