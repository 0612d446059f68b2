"""The largest expected hitting time of a chain: over all starts, and over all red windows that are asked about."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import markovgpt as mg
from markovgpt.scaled import ScaledArray, concatenate, largest
from markovgpt.solvers.certificate import Enclosure

LN10, WIDEST = math.log(10), 1e-6  # what ln E must be known to


@dataclass(frozen=True, eq=False)
class Hardest:
    """The largest expected hitting time at a temperature, and between which states it is."""

    temperature: float
    answer: mg.Answer
    start: int
    target: int

    @property
    def ln(self) -> float:
        """Its natural logarithm.

        Raises
        ------
        MarkovGPTError: it is not known to six decimals.
        """
        low, high = self.answer.log10_lower * LN10, self.answer.log10_upper * LN10
        if not high - low < WIDEST:
            raise mg.MarkovGPTError(
                f"ln E at temperature {self.temperature:g} must be known to {WIDEST:.0e}, got [{low}, {high}]"
            )
        return float((low + high) / 2)


def chain_at(table: mg.LogitTable, temperature: float) -> mg.WindowChain:
    """The chain of all tokens at a temperature."""
    return mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=temperature))


def hardest_of(table: mg.LogitTable, temperature: float, targets: Sequence[int]) -> Hardest:
    """The largest expected hitting time of any of these windows, over all starts."""
    chain = chain_at(table, temperature)
    times = [mg.expected_hitting_time(chain, [target]).enclosure for target in targets]
    every = {
        part: concatenate([ScaledArray.of(getattr(each, part)) for each in times])  # all starts, target by target
        for part in ("value", "lower", "upper")
    }
    ends = [numbers[largest(numbers)] for numbers in every.values()]
    place, start = divmod(largest(every["value"]), chain.n_states)
    found = Enclosure(*ends, max(each.residual for each in times), times[0].method)
    return Hardest(temperature, mg.Answer.of(found), start, targets[place])


def exponent_of(table: mg.LogitTable) -> mg.Answer:
    """The limit of T ln E for the largest E over all pairs of windows, as T falls to 0."""
    n = table.space.n_states
    found = []
    for target in range(n):
        elsewhere = np.where(np.arange(n) == target, 0.0, 1 / (n - 1))
        found.append(mg.arrival_exponents(table, [target], start=elsewhere).time)
    ends = [np.max([getattr(each, part) for each in found], axis=0) for part in ("value", "lower", "upper")]
    return mg.Answer.of(Enclosure(ends[0], ends[1], ends[2], 0.0, found[0].method))
