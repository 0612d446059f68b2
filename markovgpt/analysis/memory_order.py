"""How much of its window does the model use: what would be lost if only the last m tokens were seen?

With pi the stationary distribution and u the last m tokens of a window s, the chain that remembers m tokens is

    p_m(u, t) = sum over s that end with u of pi(s) p(s, t) / pi_m(u) = pi_{m+1}(u t) / pi_m(u)

pi_k being the long-run probability of k tokens in a row; the second form holds because pi = pi P. For every other q
that looks at m tokens only

    sum_s pi(s) KL(p(s, .) || q(u, .)) = sum_s pi(s) KL(p(s, .) || p_m(u, .)) + sum_u pi_m(u) KL(p_m(u, .) || q(u, .))

(write log p/q = log p/p_m + log p_m/q; the last logarithm depends on u and t alone, and pi(s) p(s, t) sums to
pi_m(u) p_m(u, t)), so p_m is the best, and the first term what it loses: I(next token; the older tokens | the last m),
the difference H_m - H_L of the conditional entropies, in bits per token.

Source: T. M. Cover, J. A. Thomas, Elements of Information Theory, 2nd ed., 2006, sections 2.5 (chain rules for relative
entropy and mutual information) and 4.2 (entropy rate, and conditional entropies that fall with the order).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, start_distribution, start_roundings, start_state
from markovgpt.analysis.divergence_terms import divergence_terms
from markovgpt.analysis.paths import ratio
from markovgpt.analysis.reachability import expected_hitting_time, hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import long_run_distribution, stationary_distributions
from markovgpt.analysis.structure import recurrent_classes
from markovgpt.chains.operator import TransitionOperator, in_doubles
from markovgpt.chains.red import RedPattern
from markovgpt.chains.states import Mask, StateSpace, is_count
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import ROUNDING, FloatArray, Numbers, ScaledArray, as_floats, choose, is_positive, quotient, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure
from markovgpt.sums import TOTAL_ROUNDINGS, total

Pattern = str | list[str] | tuple[str, ...] | RedPattern

PARTS = ("value", "lower", "upper")
NEGLIGIBLE = 2.0**-400  # a probability below adds less to a divergence than the squares of roundings do
WIDEST = 2.0**-6  # beyond so large a relative error nothing is said
ROWS_AT_ONCE = 2**11  # whose divergences are computed at a time
BYTES_PER_STATE = 160  # the long run with its bounds, its sums over tokens, and the tables of all orders
COMPARED = "rows compared: all that share their last tokens are equal"
SUMMED = "divergences of rows, summed over the long run"


@dataclass(frozen=True, eq=False, repr=False)
class OrderLoss(Shown):
    """What is lost with a memory of m tokens.

    Parameters
    ----------
    order: m, the number of tokens that are seen.
    chain: the best chain of that order, over windows of max(m, 1) tokens.
    lost_bits: the KL rate from the whole chain to it, bits per token; exactly 0 where the rows prove it.
    answer: of this chain to the question, if one was asked; bounds are for the chain as it is stored.
    ratio: that answer over the whole chain's; None where none was asked, or the two cannot be divided.
    """

    order: int
    chain: WindowChain
    lost_bits: Answer
    answer: Answer | None = None
    ratio: Answer | None = None

    def summary(self) -> dict[str, Any]:
        """The numbers as a plain dict."""
        answers = {name: getattr(self, name) for name in ("lost_bits", "answer", "ratio")}
        found = {name: None if part is None else part.summary() for name, part in answers.items()}
        return {"order": self.order, "states": self.chain.n_states, **found}


@dataclass(frozen=True, eq=False, repr=False)
class MemoryUse(Shown):
    """What each length of memory loses.

    Parameters
    ----------
    orders: for m = 0, 1, .. L - 1.
    whole: the chain that was asked about, of order L.
    long_run: the share of time that it spends in each window.
    answer: its own answer to the question, if one was asked.
    """

    orders: tuple[OrderLoss, ...]
    whole: WindowChain
    long_run: Answer
    answer: Answer | None = None

    def chain(self, order: int) -> WindowChain:
        """The best chain of an order m = 0 .. L; of L it is the whole one.

        Raises
        ------
        InvalidInput: m outside 0 .. L.
        """
        L = len(self.orders)
        if not is_count(order) or order > L:
            raise InvalidInput(f"order must be a whole number in 0..{L}, got {order}; {L} is the whole window")
        return self.whole if order == L else self.orders[order].chain

    def summary(self) -> dict[str, Any]:
        """One row for each order, and the whole chain's answer, as a plain dict."""
        answer = None if self.answer is None else self.answer.summary()
        return {"orders": [loss.summary() for loss in self.orders], "answer": answer}


def memory_use(
    chain: WindowChain, *, target: Pattern | None = None, start: Start | None = None, within: int | None = None
) -> MemoryUse:
    """How many bits per token are lost, and how wrong is a question's answer, if only the last m tokens are seen?

    Parameters
    ----------
    chain: over full windows; the shorter ones that a text begins with are left out.
    target: texts or a pattern, which may be longer than a window; None asks no question.
    start: a state, a distribution, a window or a text of L tokens, cut to its last m for each order (at least 1). With
        several recurrent classes it also says how much each counts in the long run.
    within: the question is the probability that the target is reached within so many tokens; None asks for the expected
        number of tokens until it is.

    Returns
    -------
    MemoryUse. ``lost_bits`` is certified for the best chain of each order; answers and ratios are so for that chain as
    it is stored, whose rows are rounded. After tokens that never stand together in the long run, p_m is the row of
    their longest end that does (the order's own row there is 0 / 0). Such rows weigh nothing in ``lost_bits``, a walk
    that begins in the long run never meets them, and any other is out of them after m tokens.

    Raises
    ------
    InvalidInput: a chain that is not over full windows, several recurrent classes and no start, a target without a
        start or that is no text or pattern, a horizon without a target.
    TooLarge, NotConverged: as for `stationary_distributions` and the question.

    Method: pi is added up over the oldest token, order by order. Of the divergence every term p log(p/q) - p + q, at
    least 0, is computed by itself (`markovgpt.analysis.divergence_terms`), so nothing large cancels. With both known up
    to a factor exp(+-e) a term is off by at most e (p |log p/q| + |p - q|) and terms in e**2. Where all windows with
    one ending have one and the same row, that ending loses exactly 0.

    A coin that repeats itself with 3/4, told as if it looked at two tokens: it uses one; without it, it would be fair.

    >>> from markovgpt.chains.states import StateSpace
    >>> sticky = WindowChain(StateSpace(2, 2), np.array([[0.75, 0.25], [0.25, 0.75], [0.75, 0.25], [0.25, 0.75]]))
    >>> [round(loss.lost_bits.value, 9) for loss in memory_use(sticky).orders]           # 1 - H(1/4), and a proved 0
    [0.188721876, 0.0]
    """
    _require_question(chain, target, start, within)
    n = chain.n_states
    require_memory(BYTES_PER_STATE * n, f"the long run of {n} states and its orders", "give a shorter context length")
    if start is not None and len(recurrent_classes(chain)) > 1:
        lived = long_run_distribution(chain, start)
    else:
        lived = stationary_distributions(chain).only()
    chains = _best_chains(chain, lived.enclosure.value)
    losses = tuple(
        OrderLoss(order, best, _lost_bits(chain, best, order, lived, unequal))
        for (order, unequal), best in zip(_unequal_suffixes(chain, lived), reversed(chains), strict=True)
    )[::-1]
    if target is None or start is None:
        return MemoryUse(losses, chain, lived)
    whole = _asked(chain, target, start, within)
    answered = []
    for loss in losses:
        own = _asked(loss.chain, target, _cut(chain, start, loss.chain.space.context_length), within)
        answered.append(replace(loss, answer=own, ratio=_over(own, whole)))
    return MemoryUse(tuple(answered), chain, lived, whole)


def _require_question(
    chain: TransitionOperator, target: Pattern | None, start: Start | None, within: int | None
) -> None:
    """Refuse what cannot be asked of shorter windows."""
    if not isinstance(chain, WindowChain) or chain.space.with_prefixes:
        raise InvalidInput(
            f"memory is measured on a chain over all full windows, got {type(chain).__name__} of {chain.n_states} "
            "states; make it from a table without prefixes (tabulate, WindowChain.from_logits)"
        )
    texts = isinstance(target, list | tuple) and len(target) > 0 and all(isinstance(text, str) for text in target)
    if target is not None and not (texts or isinstance(target, str | RedPattern)):
        raise InvalidInput(
            f"target must be a text, several, or a pattern, got {type(target).__name__}; masks and state numbers mean "
            "nothing to shorter windows, see red_tokens"
        )
    if target is not None and start is None:
        raise InvalidInput("a target needs a start, got None; give a window, a text, a state or a distribution")
    if target is None and within is not None:
        raise InvalidInput(f"within must come with a target, got {within} alone; say which text is red")


def _best_chains(chain: WindowChain, lived: Numbers) -> list[WindowChain]:
    """The chains of orders 0 .. L - 1."""
    V, L = chain.space.vocab_size, chain.space.context_length
    table = quotient(_summed(chain, lived, 1), total(lived)).reshape(1, V)
    chains = [WindowChain(StateSpace(V, 1), in_doubles(table[np.zeros(V, dtype=np.int64)]), chain.vocabulary)]
    for order in range(1, L):
        together = _summed(chain, lived, order + 1).reshape(-1, V)
        masses = together.sum(axis=1).reshape(-1, 1)
        after_less = table[np.arange(V**order) % len(table)]
        table = choose(is_positive(masses), quotient(together, masses), after_less)
        chains.append(WindowChain(StateSpace(V, order), in_doubles(table), chain.vocabulary))
    return chains


def _summed(chain: WindowChain, masses: Numbers, length: int) -> Numbers:
    """Masses of full windows, (V**L,), added up over their older tokens: (V**length,)."""
    V = chain.space.vocab_size
    for _ in range(chain.space.context_length - length):
        masses = masses.reshape(V, len(masses) // V).sum(axis=0)
    return masses


def _unequal_suffixes(chain: WindowChain, lived: Answer) -> Iterator[tuple[int, Mask]]:
    """For orders L - 1 .. 0, the suffixes that windows of the long run with different rows share, (V**m,)."""
    V, n = chain.space.vocab_size, chain.n_states
    first = np.where(is_positive(lived.enclosure.value), np.arange(n), n)  # the first window of each suffix
    unequal: Mask = np.zeros(n, dtype=bool)
    for order in range(chain.space.context_length - 1, -1, -1):
        parts = first.reshape(V, -1)
        first = parts.min(axis=0)
        unequal = np.asarray(unequal.reshape(V, -1).any(axis=0))
        for part in parts:
            among = np.flatnonzero(part < n)
            unequal[among] |= _differ(chain.next_token_probs, part[among], first[among])
        yield order, unequal


def _differ(table: Any, some: NDArray[np.int64], others: NDArray[np.int64]) -> Mask:
    """Where rows of a table are not the same numbers."""
    if isinstance(table, ScaledArray):
        return _differ(table.mantissa, some, others) | _differ(table.exponent, some, others)
    return np.asarray((table[some] != table[others]).any(axis=1))


def _lost_bits(chain: WindowChain, best: WindowChain, order: int, lived: Answer, unequal: Mask) -> Answer:
    """The KL rate to the best chain of an order, with bounds."""
    V, L = chain.space.vocab_size, chain.space.context_length
    if not unequal.any():
        zero = np.zeros(())
        return Answer.of(Enclosure(zero, zero, zero, 0.0, COMPARED))
    weights, known = as_floats(lived.enclosure.value), start_roundings(lived)
    counted = np.flatnonzero((weights >= NEGLIGIBLE) & unequal[np.arange(chain.n_states) % V**order])
    divergences, slacks = [], []
    for first in range(0, len(counted), ROWS_AT_ONCE):
        states = counted[first : first + ROWS_AT_ONCE]
        own, shared = (as_floats(part) for part in (chain.next_token_probs[states], _rows(best, states, order)))
        own = own / own.sum(axis=1, keepdims=True, dtype=np.float64)
        divergence, slack = _divergence(np.where(own < NEGLIGIBLE, 0.0, own), shared)
        divergences.append(float(as_floats(total(weights[states] * divergence))))
        slacks.append(float(as_floats(total(weights[states] * slack))))
    # own rows: V roundings; shared ones: twice the long run's own, added up; then the quotient, and what follows
    off = 1.25 * ROUNDING * (2 * (known + L * V) + V + 32)
    rounded = 1.25 * ROUNDING * (known + V + 2 * TOTAL_ROUNDINGS + 16)
    value = math.fsum(divergences)
    if max(off, rounded) > WIDEST:
        lower, upper = 0.0, math.log(V) * (1 + 16 * ROUNDING)
    else:
        error = 1.1 * off * (math.fsum(slacks) + 6 * off)
        lower, upper = max(value - error, 0.0) * (1 - rounded), (value + error) * (1 + rounded)
    found = [np.asarray(part / math.log(2)) for part in (value, lower, upper)]
    return Answer.of(Enclosure(found[0], found[1], found[2], lived.residual, SUMMED), iterations=lived.iterations)


def _rows(best: WindowChain, states: NDArray[np.int64], order: int) -> Numbers:
    """The rows of the shorter chain after windows of the whole one."""
    return best.next_token_probs[states % best.space.vocab_size**order]  # type: ignore[no-any-return]


def _divergence(p: FloatArray, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For each row the sums of p log(p/q) - p + q and of p |log p/q| + |p - q|; p is 0 where q is."""
    terms = divergence_terms(p, q)
    larger = as_floats(terms.larger)
    return (larger * terms.forward).sum(axis=1), (p * terms.logarithm + larger * terms.gap).sum(axis=1)


def _asked(chain: WindowChain, target: Pattern, start: Start, within: int | None) -> Answer:
    """The answer of one chain."""
    if within is None:
        return expected_hitting_time(chain, target, start=start)
    return hitting_probability(chain, target, start=start, within=within)


def _cut(chain: WindowChain, start: Start, length: int) -> Start:
    """A start, cut to its last tokens."""
    if isinstance(start, Answer):
        start_distribution(chain, start)
        value, lower, upper = (_summed(chain, getattr(start.enclosure, part), length) for part in PARTS)
        roundings = chain.space.vocab_size * chain.space.context_length
        lower, upper = widen(lower, roundings)[0], widen(upper, roundings)[1]
        return replace(start, enclosure=replace(start.enclosure, value=value, lower=lower, upper=upper))
    if isinstance(start, np.ndarray) and np.issubdtype(start.dtype, np.floating):
        return as_floats(_summed(chain, start_distribution(chain, start), length))
    return chain.space.decode(start_state(chain, start))[-length:]


def _over(part: Answer, whole: Answer) -> Answer | None:
    """One answer over another."""
    if np.any(part.infinite) or np.any(whole.infinite) or not is_positive(whole.enclosure.upper).any():
        return None
    return Answer.of(ratio(part.enclosure, whole.enclosure))
