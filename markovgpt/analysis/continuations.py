"""What is the likeliest text of exactly n tokens from here, and what do greedy decoding and beam search miss of it?

With D_m(s) the least sum of -log p over the texts of m tokens from state s,

    D_0 = 0,    D_m(s) = min over t of -log p(s, t) + D_(m-1)(t)

and a beginning of i tokens can be completed, at best, at what it has cost and D_(n-i) of where it stands. The k
beginnings of each length that do best by this sum are those of the k likeliest texts: a beam search that knows what is
to come. The best of the beginnings left out says how likely any other text can be.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isqrt

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, start_state
from markovgpt.analysis.arrivals import MOST_STEPS
from markovgpt.analysis.paths import Path, ratio, require_number_shown, walk_probabilities, written
from markovgpt.analysis.result import Answer
from markovgpt.analysis.structure import proved
from markovgpt.chains.chain_model import ChainModel
from markovgpt.chains.least_cost import StepCosts, surprisals
from markovgpt.chains.operator import TransitionOperator, windows_of
from markovgpt.chains.states import as_tokens, is_count
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.memory import allowed_bytes, require_memory
from markovgpt.models.decoding import Decoded, beam_search
from markovgpt.scaled import FloatArray, ScaledArray, at_most, choose, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one

WORKING_LAYERS = 4  # arrays of a number a state beside those that are kept
METHOD = "Viterbi's recursion over all states"


@dataclass(frozen=True, eq=False, repr=False)
class Continuations(Shown):
    """The likeliest texts of one length from a start, and how likely any other can be.

    Parameters
    ----------
    texts: the k likeliest, likeliest first; fewer where fewer are possible.
    next_best: the probability of the likeliest text that is not among them; 0 where there is no other.
    """

    texts: tuple[Path, ...]
    next_best: Answer

    @property
    def best(self) -> Path:
        """The likeliest of them."""
        return self.texts[0]

    @property
    def is_certain(self) -> bool:
        """Whether the bounds prove that no other text is likelier than any of these; if not, doubles cannot tell."""
        other = self.next_best.enclosure.upper
        return all(at_most(other, text.probability.enclosure.lower).all() for text in self.texts)

    @property
    def most(self) -> Answer:
        """The largest probability of any text of this length, whichever text it is."""
        found = self.best.probability.enclosure
        upper = found.upper
        for answer in (self.next_best, *(text.probability for text in self.texts)):
            other = answer.enclosure.upper
            upper = choose(at_most(upper, other), other, upper)
        return Answer.of(Enclosure(found.value, found.lower, upper, 0.0, METHOD))


@dataclass(frozen=True, eq=False, repr=False)
class DecodedText(Shown):
    """What a decoder found, and how much of the best that is.

    Parameters
    ----------
    n_beams: 1 is greedy decoding.
    tokens, text: what it wrote.
    probability: of that under the chain.
    share: that over the largest probability of any text of this length; 1 where the decoder found it.
    """

    n_beams: int
    tokens: tuple[int, ...]
    text: str | None
    probability: Answer
    share: Answer


@dataclass(frozen=True, eq=False, repr=False)
class DecodingComparison(Shown):
    """Decoders beside the exact answer: ``decoded`` for each number of beams, ``exact`` for what is there."""

    decoded: tuple[DecodedText, ...]
    exact: Continuations


def most_probable_continuation(chain: TransitionOperator, start: Start, n_tokens: int, *, k: int = 1) -> Continuations:
    """Which texts of exactly n tokens are the k likeliest from a start?

    Parameters
    ----------
    start: a state, a window, or a text.
    n_tokens: from 0 to 65,536; no tokens are one text, of probability 1.
    k: how many, at least 1.

    Returns
    -------
    The texts, each probability with certified bounds, and bounds of what any other text may have. Which texts they are
    is decided in doubles, up to about n (V + log 1/p) 2**-53 of log p; `Continuations.is_certain` says whether that
    sufficed: the same words in another order are often exactly as likely. Of equals the one whose beginning was ahead
    comes first, then the one with the lower token.

    Raises
    ------
    InvalidInput: n below 0, k below 1, a start that is no one state of the chain.
    TooLarge: the costs of all transitions, or those of the texts of some lengths from all states, would not fit; more
        than 65,536 tokens.

    Method: n products in which min and + stand for + and *, for the least costs of 0 .. n-1 tokens from every state;
    they guide the search from the start. All are kept where they fit, and else each sqrt(n)-th, from which the others
    are made again. Each is a sum of at most n rounded costs: that bounds what is left out.

    Source: A. J. Viterbi, IEEE Trans. Inf. Theory 13 (1967) 260-269.

    >>> from markovgpt.chains.states import StateSpace
    >>> trap = WindowChain(StateSpace(3, 1), np.array([[0.1, 0.5, 0.4], [0.2, 0.4, 0.4], [0.05, 0.05, 0.9]]))
    >>> found = most_probable_continuation(trap, [0], 2, k=2)
    >>> [(text.tokens, round(text.probability.value, 12)) for text in found.texts]          # 0.4 * 0.9, 0.5 * 0.4
    [((2, 2), 0.36), ((1, 1), 0.2)]
    """
    require_number_shown(k)
    if not is_count(n_tokens) or n_tokens > MOST_STEPS:
        raise InvalidInput(
            f"n_tokens must be a whole number in 0..{MOST_STEPS}, got {n_tokens}; it is how many are written"
        )
    begin = start_state(chain, start)
    costs = surprisals(chain)
    walks, left_out = _cheapest(costs, begin, k, _remaining(costs, chain.n_states, n_tokens))
    departure = np.zeros(chain.n_states)
    departure[begin] = 1.0
    chances = walk_probabilities(chain, departure, walks)
    texts = tuple(Path(states, chance, *_written(chain, states)) for states, chance in zip(walks, chances, strict=True))
    return Continuations(texts, _of_cost(left_out, n_tokens, chain.largest_row))


def continuation_probability(chain: TransitionOperator, start: Start, tokens: Sequence[int] | str) -> Answer:
    """How likely is it that a start goes on with exactly these tokens?

    Parameters
    ----------
    start: a state, a window, or a text.
    tokens: token ids, or text.

    Raises
    ------
    InvalidInput: tokens outside the vocabulary, a text without a vocabulary, a chain whose states are no windows.

    >>> from markovgpt.chains.states import StateSpace
    >>> coin = WindowChain(StateSpace(2, 1), np.array([[0.75, 0.25], [1.0, 0.0]]))
    >>> continuation_probability(coin, 0, [0, 1]).value, continuation_probability(coin, 0, [1, 1]).value
    (0.1875, 0.0)
    """
    space, begin = windows_of(chain), start_state(chain, start)
    if isinstance(tokens, str):
        if chain.vocabulary is None:
            raise InvalidInput(f"a text needs a vocabulary, got {tokens!r} without one; give token ids")
        tokens = chain.vocabulary.encode(tokens)
    newest, here, states = space.token_from_end(0), np.zeros(chain.n_states, dtype=bool), [begin]
    for token in as_tokens(tokens, space.vocab_size):
        here[states[-1]] = True
        ahead = chain.edges(here).target
        here[states[-1]] = False
        ahead = ahead[newest[ahead] == token]
        if not len(ahead):
            return Answer.of(proved(np.zeros(())))
        states.append(int(ahead[0]))
    departure = np.zeros(chain.n_states)
    departure[begin] = 1.0
    return walk_probabilities(chain, departure, [states])[0]


def compare_decoders(
    chain: WindowChain, start: Start, n_tokens: int, *, n_beams: Sequence[int] = (1, 2, 4, 8, 16)
) -> DecodingComparison:
    """How much of the likeliest text's probability do greedy decoding and beam search find?

    Parameters and refusals are those of `most_probable_continuation` and of `beam_search`; the decoders run on the
    chain, under its sampling settings.

    >>> from markovgpt.chains.states import StateSpace
    >>> trap = WindowChain(StateSpace(3, 1), np.array([[0.1, 0.5, 0.4], [0.2, 0.4, 0.4], [0.05, 0.05, 0.9]]))
    >>> [round(found.share.value, 12) for found in compare_decoders(trap, [0], 2, n_beams=[1, 2]).decoded]    # 20 of 36
    [0.555555555556, 1.0]
    """
    if not isinstance(chain, WindowChain) or not isinstance(n_beams, Iterable):
        raise InvalidInput(
            f"decoders need a chain over all windows and a list of numbers of beams, got {type(chain).__name__} and "
            f"{n_beams}; make one with WindowChain.from_logits, and give n_beams=[1, 2, 4]"
        )
    exact = most_probable_continuation(chain, start, n_tokens)
    begin, model = start_state(chain, start), ChainModel(chain)
    decoded = []
    for beams in n_beams:
        found = beam_search(model, chain.space.decode(begin), n_tokens, beams)[0]
        decoded.append(_compared(chain, begin, beams, found, exact))
    return DecodingComparison(tuple(decoded), exact)


def _compared(chain: WindowChain, begin: int, beams: int, found: Decoded, exact: Continuations) -> DecodedText:
    """A decoder's text beside the likeliest one."""
    if found.tokens == exact.best.tokens and exact.is_certain:
        share = Answer.of(proved(np.ones(())))
        return DecodedText(beams, found.tokens, found.text, exact.best.probability, share)
    chance = continuation_probability(chain, begin, found.tokens)
    share = Answer.of(at_most_one(ratio(chance.enclosure, exact.most.enclosure)))
    return DecodedText(beams, found.tokens, found.text, chance, share)


def _remaining(costs: StepCosts, n_states: int, n_tokens: int) -> Iterator[FloatArray]:
    """The least costs of n-1, n-2, ..., 0 tokens from each state."""
    if not n_tokens:
        return
    nowhere, everywhere = np.zeros(n_states, dtype=bool), np.ones(n_states, dtype=bool)
    spacing = 1 if 8 * n_states * (n_tokens + WORKING_LAYERS) <= allowed_bytes() else isqrt(n_tokens)
    kept_at_once = ceil(n_tokens / spacing) + (spacing if spacing > 1 else 0) + WORKING_LAYERS
    require_memory(
        8 * n_states * kept_at_once,
        f"the least costs of {n_tokens} tokens from {n_states} states",
        "ask for fewer tokens, or only about what is reachable from the start (reachable_chain)",
    )
    kept, values = [np.zeros(n_states)], np.zeros(n_states)
    for step in range(1, n_tokens):
        values = costs.one_step_more(values, nowhere, everywhere)
        if step % spacing == 0:
            kept.append(values)
    for first in range(len(kept) - 1, -1, -1):
        layers = [kept.pop()]
        for _ in range(first * spacing + 1, min((first + 1) * spacing, n_tokens)):
            layers.append(costs.one_step_more(layers[-1], nowhere, everywhere))
        yield from reversed(layers)


def _cheapest(
    costs: StepCosts, begin: int, k: int, remaining: Iterator[FloatArray]
) -> tuple[list[tuple[int, ...]], float]:
    """The k walks of least cost as states, the cheapest first, and the least cost of any other; inf for none."""
    ends, spent, left_out = np.array([begin], dtype=np.int64), np.zeros(1), np.inf
    steps: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []  # for each step which walk went on, and where to
    for ahead in remaining:
        ways = [costs.leaving(int(state)) for state in ends]
        parents = np.repeat(np.arange(len(ends)), [len(states) for states, _ in ways])
        states = np.concatenate([states for states, _ in ways])
        each = spent[parents] + np.concatenate([cost for _, cost in ways])
        whole = each + ahead[states]
        order = np.argsort(whole, kind="stable")[: min(k + 1, int(np.isfinite(whole).sum()))]
        if len(order) > k:
            left_out = min(left_out, float(whole[order[k]]))
        order = order[:k]
        ends, spent = states[order], each[order]
        steps.append((parents[order], ends))
    places = np.arange(len(ends))
    walks: list[list[int]] = [[] for _ in ends]
    for parents, states in reversed(steps):
        for walk, place in zip(walks, places, strict=True):
            walk.append(int(states[place]))
        places = parents[places]
    return [(begin, *reversed(walk)) for walk in walks], left_out


def _of_cost(cost: float, n_tokens: int, largest_row: int) -> Answer:
    """The probability that a sum of rounded costs stands for.

    A row is added up, divided by, and known to sum to 1 within 2 (V + 8) roundings where a quotient is subnormal; its
    logarithm and the sums are off by 8 and n + 4 roundings of themselves. All of it is far below what is counted here.
    """
    if cost == np.inf:
        return Answer.of(proved(np.zeros(())))
    value = ScaledArray.exp(np.array(-cost))
    lower, upper = widen(value, 2 * (n_tokens * (3 * largest_row + 40) + (n_tokens + 20) * (cost + 1)))
    return Answer.of(at_most_one(Enclosure(value, lower, upper, 0.0, METHOD)), iterations=n_tokens)


def _written(chain: TransitionOperator, states: Sequence[int]) -> tuple[tuple[int, ...] | None, str | None]:
    """The tokens that a walk writes, and their text; None where they are not known or a step stands for no token."""
    tokens, text = written(chain, states)
    if tokens is None or chain.space is None:
        return None, None
    windows = [chain.space.decode(state) for state in states]
    for before, token, after in zip(windows, tokens, windows[1:], strict=False):
        if (*before, token)[-len(after) :] != after:
            return None, None
    return tokens, text
