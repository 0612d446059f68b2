"""How does it happen: which texts lead to the target, the likeliest first?

A way is a walk from the start to the first visit of the target; its probability is the product of the steps' own.
Walks that come back to where they were are other texts, and count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.question import Question, posed
from markovgpt.analysis.result import Answer
from markovgpt.chains.best_walks import Walk, best_walks, remaining_costs, starting_costs
from markovgpt.chains.least_cost import StepCosts, surprisals
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.errors import InvalidInput
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, concatenate, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure, at_most_one
from markovgpt.sums import scatter_sum


@dataclass(frozen=True, eq=False, repr=False)
class Path(Shown):
    """One way: to the target, or so many tokens on.

    Parameters
    ----------
    states: from the start to the end, of the chain that answers (where the target remembers more than the window
        holds, of its product with what has been written).
    probability: of this very walk, the start's own probability with it.
    tokens: what is written on the way; None where the states are no windows.
    text: the same as text, if the vocabulary is known.
    """

    states: tuple[int, ...]
    probability: Answer
    tokens: tuple[int, ...] | None = None
    text: str | None = None

    @property
    def n_steps(self) -> int:
        """How many tokens it takes."""
        return len(self.states) - 1

    def share_of(self, whole: Answer) -> Answer:
        """What part of a probability, that of reaching the target in any way, is this way's?

        >>> from markovgpt.analysis.reachability import hitting_probability
        >>> from markovgpt.chains.sparse_chain import SparseChain
        >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
        >>> best = most_likely_paths(game, [3], start=1, k=1)[0]
        >>> round(best.share_of(hitting_probability(game, [3], start=1)).value, 12)       # 1/16 of 1/13
        0.8125
        """
        return Answer.of(at_most_one(ratio(self.probability.enclosure, whole.enclosure)))


def most_likely_paths(
    chain: TransitionOperator,
    target: Target,
    *,
    start: Start,
    k: int = 10,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
    within: int | None = None,
) -> tuple[Path, ...]:
    """Which are the k likeliest ways to the target?

    Parameters
    ----------
    target, avoiding, start: as for `hitting_probability`; of a start distribution the first state is part of the way.
    k: how many, at least 1.
    stop_tokens: tokens that end the text when they are written.
    within: at most so many tokens; None for any number.

    Returns
    -------
    The ways, the likeliest first; fewer where there are no more, none where the support leads nowhere near the target.
    A start in the target is one way without a token. The bounds of each probability are certified; that nothing else
    is likelier is decided in doubles, up to about 1e-12 of log p, and of equals the shorter comes first.

    Raises
    ------
    InvalidInput: k below 1, a negative horizon, and what `hitting_probability` refuses.
    TooLarge: the costs of all transitions, or the steps of the ways, would not fit.

    Method: the least -log p from every state to the target (`markovgpt.chains.least_cost`) guides a search from the
    start (`markovgpt.chains.best_walks`).

    >>> from markovgpt.chains.states import StateSpace
    >>> from markovgpt.chains.window_chain import WindowChain
    >>> coin = WindowChain(StateSpace(2, 1), np.array([[0.75, 0.25], [0.5, 0.5]]))
    >>> for way in most_likely_paths(coin, [1], start=0, k=3):
    ...     print(way.tokens, way.probability.value)
    (1,) 0.25
    (0, 1) 0.1875
    (0, 0, 1) 0.140625
    """
    asked = posed(chain, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    require_number_shown(k)
    require_horizon(within)
    if not (asked.chain.reaching(asked.reached, asked.through) & (asked.departure > 0)).any():
        return ()
    walks = cheapest(asked, surprisals(asked.chain), k, within)
    chances = walk_probabilities(asked.chain, asked.departure, [walk.states for walk in walks])
    ways = [_path(asked, walk, each) for walk, each in zip(walks, chances, strict=True)]
    return tuple(sorted(ways, key=_likeliest_first))


def require_number_shown(k: int) -> None:
    """Refuse a number of answers that is none."""
    if not is_count(k) or k < 1:
        raise InvalidInput(f"k must be a whole number of at least 1, got {k}; it is how many are shown, the first ones")


def require_horizon(within: int | None) -> None:
    """Refuse a number of steps that is none."""
    if within is not None and not is_count(within):
        raise InvalidInput(f"within must be a whole number of at least 0, got {within}; leave it out to ask about ever")


def cheapest(asked: Question, costs: StepCosts, k: int, within: int | None) -> tuple[Walk, ...]:
    """The k walks of least cost from the start to the first visit of the target."""
    remaining = remaining_costs(costs, asked.reached, asked.through, within)
    return best_walks(costs, remaining, asked.reached, starting_costs(asked.departure), k, within)


def written(chain: TransitionOperator | LogitTable, states: Sequence[int]) -> tuple[tuple[int, ...] | None, str | None]:
    """The tokens that a walk writes, and their text; None where they are not known.

    >>> from markovgpt.chains.states import StateSpace
    >>> from markovgpt.chains.window_chain import WindowChain
    >>> written(WindowChain(StateSpace(2, 2), np.full((4, 2), 0.5)), [0, 1, 3])
    ((1, 1), None)
    """
    if chain.space is None:
        return None, None
    tokens = tuple(chain.space.decode(state)[-1] for state in states[1:])
    return tokens, None if chain.vocabulary is None else chain.vocabulary.decode(tokens)


def walk_probabilities(
    chain: TransitionOperator, departure: FloatArray, walks: Sequence[Sequence[int]]
) -> list[Answer]:
    """The probability of each walk, given as its states, with that of its first state in ``departure`` (n_states,).

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> coin = SparseChain.from_matrix([[0.25, 0.75], [0.5, 0.5]])
    >>> [found.value for found in walk_probabilities(coin, np.array([1.0, 0.0]), [(0, 0, 1), (0,)])]
    [0.1875, 1.0]
    """
    n = chain.n_states
    on_a_way = np.zeros(n, dtype=bool)
    for states in walks:
        on_a_way[list(states[:-1])] = True
    source, target, weight = chain.edges(on_a_way)
    places = source * n + target
    order = np.argsort(places)
    sums, choices = scatter_sum(weight, source, n), np.bincount(source, minlength=n)
    found = []
    for states in walks:
        before, after = np.array(states[:-1], dtype=np.int64), np.array(states[1:], dtype=np.int64)
        free = choices[before] > 1  # where there is no choice the step is sure
        row = before[free]
        steps = order[np.searchsorted(places, row * n + after[free], sorter=order)]
        each = ScaledArray.of(weight[steps]) / sums[row]
        value = _product(concatenate([ScaledArray.of(departure[[states[0]]]), each]))
        # a row is added up, a step divided by the sum, and multiplied
        lower, upper = widen(value, int((choices[row] + 1).sum())) if len(row) else (value, value)
        method = f"a product of {len(row)} probabilities"
        found.append(Answer.of(at_most_one(Enclosure(value, lower, upper, 0.0, method)), iterations=len(before)))
    return found


def ratio(part: Enclosure, whole: Enclosure) -> Enclosure:
    """An enclosure of a quotient, its parts enclosed; 0 where the part is 0."""
    value, lower, upper = (ScaledArray.of(x) for x in (part.value, part.lower, part.upper))
    if not upper.positive().any():
        return part
    middle, low, high = (ScaledArray.of(x) for x in (whole.value, whole.lower, whole.upper))
    below = widen(lower / high, 1)[0]
    # a bound of 0 below says nothing: the largest number there is
    above = widen(upper / low, 1)[1] if low.positive().all() else widen(upper, 2.0**53)[1]
    return Enclosure(value / middle, below, above, part.residual, part.method)


def _path(asked: Question, walk: Walk, probability: Answer) -> Path:
    """A walk as a way."""
    return Path(walk.states, probability, *written(asked.chain, walk.states))


def _product(factors: Numbers) -> ScaledArray:
    """The product of a vector, by halves; n factors round n - 1 times."""
    rest = ScaledArray.of(factors)
    while len(rest) > 1:
        half = len(rest) // 2
        rest = ScaledArray.of(concatenate([rest[:half] * rest[half : 2 * half], rest[2 * half :]]))
    return rest[0] if len(rest) else ScaledArray.of(np.ones(()))


def _likeliest_first(way: Path) -> tuple[int, float]:
    """The order of ways by probability."""
    value = ScaledArray.of(way.probability.enclosure.value)
    return -int(value.exponent), -float(value.mantissa)
