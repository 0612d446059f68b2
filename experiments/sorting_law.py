"""With which probability does a sorter say the right letters, where does it go wrong first, and what comes after?

For each input x of m letters, y its letters in order, and p(w, t) the chain's probability of the letter t after w:

    reach_k = prod over i < k of p(x y_1 .. y_(i-1), y_i)                 the first k - 1 letters are right
    wrong_k = reach_k * sum over t != y_k of p(x y_1 .. y_(k-1), t)       the first error is letter k
    P(wrong) = wrong_1 + .. + wrong_m                                    and never 1 - P(right)

After the error two questions are asked about every text, by recursion over the windows from the longest down: with
which probability are all letters after it those that belong at their places, and with which is the output at its end
still one in order, of other letters than it should be. Everything is a sum of products of probabilities.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import markovgpt as mg
from experiments.sorting_models import Tokens
from markovgpt.scaled import Numbers, ScaledArray, choose, is_positive, stack_last, widen
from markovgpt.solvers.certificate import Enclosure, at_most_one

METHOD = "sums of products of probabilities"


@dataclass(frozen=True, eq=False)
class SortingLaw:
    """What becomes of each of the n = V**m inputs.

    Parameters
    ----------
    right, wrong: (n,) whether the output is y.
    first_error: (n, m) the first wrong letter is that one.
    rest_right: (n, m) that, and every letter after it is right; at the last place no letter is left, and none wrong.
    in_order: (n, m) that, and the whole output is in order all the same.
    """

    right: Enclosure
    wrong: Enclosure
    first_error: Enclosure
    rest_right: Enclosure
    in_order: Enclosure


def sorting_law(chain: mg.WindowChain) -> SortingLaw:
    """The law of a chain with prefixes whose windows hold 2 m - 1 letters.

    Raises
    ------
    InvalidInput: another chain.

    A sorter of two letters that says each of two tokens at even odds, whatever was there:

    >>> coin = mg.WindowChain(mg.StateSpace(2, 3, with_prefixes=True), np.full((14, 2), 0.5))
    >>> law = sorting_law(coin)
    >>> law.wrong.value.to_float().tolist(), law.first_error.value.to_float()[0].tolist()
    ([0.75, 0.75, 0.75, 0.75], [0.5, 0.25])
    >>> law.rest_right.value.to_float()[0].tolist()                        # of AA: BA; AB, after which there is no rest
    [0.25, 0.25]
    >>> law.in_order.value.to_float()[0].tolist()                          # BB; AB
    [0.25, 0.25]
    """
    space = chain.space
    V, L = space.vocab_size, space.context_length
    if not space.with_prefixes or L % 2 == 0:
        raise mg.InvalidInput(
            f"the chain must have prefixes and windows of an odd length, got length {L} and "
            f"{'' if space.with_prefixes else 'no '}prefixes; tabulate with with_prefixes=True"
        )
    m = (L + 1) // 2
    inputs = mg.StateSpace(V, m).windows(m)
    right = np.sort(inputs, axis=1)
    windows = [_number(np.hstack([inputs, right[:, :k]]), V) for k in range(m)]  # on the right way, by length
    tables = [_normalised(chain, m + k) for k in range(m)]
    reach = [ScaledArray.of(np.ones(len(inputs)))]
    for k in range(m):
        reach.append(reach[-1] * tables[k][windows[k], right[:, k]])
    other = np.arange(V) != right[..., None]  # (n, m, V)
    wrong = [reach[k][:, None] * tables[k][windows[k]] * other[:, k] for k in range(m)]
    above = [other[:, k] if k == 0 else other[:, k] & (np.arange(V) >= right[:, k - 1, None]) for k in range(m)]
    rests, orders = _after(tables, inputs, V)
    children = [windows[k][:, None] * V + np.arange(V) for k in range(m)]
    first = [part.sum(axis=1) for part in wrong]
    rest = [(wrong[k] * rests[k][children[k]]).sum(axis=1) for k in range(m)]
    order = [(wrong[k] * orders[k][children[k]] * above[k]).sum(axis=1) for k in range(m)]
    parts = [stack_last(each) for each in (first, rest, order)]
    roundings = (m + 1) * (2 * V + 2)  # a letter: a row added up and divided by, a product, a sum of V
    failing = _enclosed(parts[0].sum(axis=1), roundings)
    return SortingLaw(_of_right(reach[m], failing, roundings), failing, *(_enclosed(part, roundings) for part in parts))


def _number(windows: Tokens, V: int) -> NDArray[np.int64]:
    """The numbers of windows of one length, among those of it."""
    return np.asarray(windows @ V ** np.arange(windows.shape[1] - 1, -1, -1))


def _normalised(chain: mg.WindowChain, length: int) -> ScaledArray:
    """The probabilities (V**length, V) after the windows of a length, over their sums."""
    weights = ScaledArray.of(chain.next_token_probs[chain.level(length)])
    return weights / weights.sum(axis=1)[:, None]


def _after(tables: list[ScaledArray], inputs: Tokens, V: int) -> tuple[list[Numbers], list[Numbers]]:
    """For each k and each text of an input and k + 1 letters: that the letters to come are right, or go on in order."""
    m = len(tables)
    right = np.sort(inputs, axis=1)
    ones = ScaledArray.of(np.ones(V ** (2 * m)))
    rests, orders = [ones], [ones]
    for k in range(m - 1, 0, -1):
        belongs = np.arange(V) == np.repeat(right[:, k], V**k)[:, None]
        rests.append((tables[k] * rests[-1].reshape(-1, V) * belongs).sum(axis=1))
        goes_on = np.arange(V) >= (np.arange(V ** (m + k)) % V)[:, None]  # than the newest letter
        orders.append((tables[k] * orders[-1].reshape(-1, V) * goes_on).sum(axis=1))
    return rests[::-1], orders[::-1]


def _enclosed(value: ScaledArray, roundings: int) -> Enclosure:
    """Probabilities that have been rounded so often."""
    return at_most_one(Enclosure(value, *widen(value, roundings), 0.0, METHOD))


def _of_right(value: ScaledArray, failing: Enclosure, roundings: int) -> Enclosure:
    """The probability of the right output: 1 where no other is possible."""
    sure = ~is_positive(failing.upper)
    ones = np.ones(len(sure))
    found = _enclosed(value, roundings)
    parts = (choose(sure, ones, part) for part in (found.value, found.lower, found.upper))
    return Enclosure(*parts, 0.0, METHOD)
