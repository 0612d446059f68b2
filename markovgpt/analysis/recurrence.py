"""How long until the chain is back, how long to anywhere, and does it look the same run backwards?

Each question is one of a recurrent class, with its stationary distribution pi: the mean recurrence time of a state is
1 / pi, the Kemeny constant is the mean time to a state drawn from pi, and the reversibility gap compares the flow
pi(i) p(i, j) of each pair with the flow back.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.result import Answer, rounded_down, rounded_up
from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.analysis.structure import PROOF, proved, recurrent_classes, state_numbers
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, StateSpace
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.scaled import Numbers, ScaledArray, choose, is_positive, widen
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.halving import ways_to_all
from markovgpt.solvers.live_system import stationary
from markovgpt.sums import TOTAL_ROUNDINGS, dot, scatter_sum, total

MOST_ELIMINATED = 1000  # states of a class whose Kemeny constant is found by elimination
UNKNOWN = ScaledArray(np.array(0.5), 2**50)  # an upper bound where nothing is known


def mean_recurrence_times(chain: TransitionOperator, tolerance: float = 1e-12) -> Answer:
    """How many steps (tokens) until the chain is back in a state, on average?

        E_i[ min { t >= 1 : X_t = i } ]  =  1 / pi_C(i)    for i in the recurrent class C

    Parameters
    ----------
    tolerance: as for `stationary_distributions`.

    Returns
    -------
    Answer, arrays (n_states,): at least 1, exactly 1 for an absorbing state; infinite, by graph search, for transient
    states. Several recurrent classes are no obstacle: a state is come back to within its own.

    Raises
    ------
    NotConverged: bounds that hold were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])      # 0.3 : 0.1
    >>> mean_recurrence_times(weather).value.round(12).tolist()
    [1.333333333333, 4.0]
    """
    lived = stationary_distributions(chain, tolerance)
    value, lower, upper = (ScaledArray.zeros(chain.n_states) for _ in range(3))
    transient = np.ones(chain.n_states, dtype=bool)
    for states, answer in zip(lived.classes, lived.answers, strict=True):
        share = answer.enclosure
        transient[states] = False
        if len(states) == 1:
            value[states] = lower[states] = upper[states] = np.ones(1)
            continue
        value[states] = _inverse(share.value)
        lower[states] = widen(_inverse(share.upper), 1)[0]
        upper[states] = widen(_inverse(share.lower), 1)[1]
    lower = choose(lower <= 1.0, ScaledArray.of(np.where(transient, 0.0, 1.0)), lower)
    method = f"1 / the stationary distribution: {lived.answers[0].method}"
    method = f"{PROOF} where infinite; {method}" if transient.any() else method
    return Answer.of(Enclosure(value, lower, upper, lived.residual, method), infinite=transient)


def kemeny_constant(chain: TransitionOperator, states: ArrayLike | None = None) -> Answer:
    """How many steps (tokens) to a state drawn from the stationary distribution, on average, from wherever one is?

        K  =  sum_j pi_j E_i[ min { t >= 0 : X_t = j } ]      the same for every i
           =  sum of 1 / (1 - lambda) over the eigenvalues lambda but one 1
           =  trace (I - P + 1 pi)^-1  -  1

    Hitting counts the start (t >= 0, nothing is to be waited for where i = j). Where returns are counted instead
    (t >= 1), as some authors do, the constant is K + 1. It is one of a recurrent class: i, j and the eigenvalues are
    the class's own; from a transient state the time to come into the class is added.

    Parameters
    ----------
    states: the recurrent class that is asked about; None where the chain has one.

    Returns
    -------
    Answer: 0 for an absorbing state, (m - 1) / 2 for a cycle of m, never less.

    Raises
    ------
    InvalidInput: several recurrent classes, which are counted, and none named; states that are not one.
    TooLarge: a class of more than 1000 states.

    Method: the time to each state, and between visits to it, by elimination without subtraction
    (`markovgpt.solvers.halving`), about 2/3 n**3 multiplications, bounded by trees.

    Sources: J. G. Kemeny, J. L. Snell, Finite Markov Chains (1960), theorem 4.4.10, which counts returns.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])      # eigenvalues 1 and 0.6
    >>> round(kemeny_constant(weather).value, 12)
    2.5
    """
    members = recurrent_class(chain, states)
    n = len(members)
    if n == 1:
        return Answer.of(proved(np.zeros(())))
    if n > MOST_ELIMINATED:
        raise TooLarge(
            f"a class must have at most {MOST_ELIMINATED} states for its Kemeny constant, got {n}; take an "
            "estimate (kemeny_estimate), or truncate the sampling further"
        )
    place = np.full(chain.n_states, -1, dtype=np.int64)
    place[members] = np.arange(n)
    source, target, probability = chain.edges(place >= 0)
    totals = ScaledArray.of(scatter_sum(probability, place[source], n))
    weights: Numbers = ScaledArray.zeros((n, n)) if isinstance(probability, ScaledArray) else np.zeros((n, n))
    weights[place[source], place[target]] = probability  # type: ignore[assignment]
    costs = totals if isinstance(weights, ScaledArray) else totals.to_float()
    found = ways_to_all(weights, costs, 0)
    value = dot(found.arriving / found.returning, totals)
    # the weights may be rounded quotients; the totals are in both times, and beside them
    stored = 4 * n + 3 * chain.roundings
    lower, upper = widen(value, 2 * found.roundings + stored + TOTAL_ROUNDINGS + 3)
    method = "GTH elimination by halves, bounded by trees"
    return Answer.of(Enclosure(value, lower, upper, 0.0, method))


def reversibility_gap(chain: TransitionOperator, states: ArrayLike | None = None) -> Answer:
    """How far is the chain from looking the same run backwards?

        (1/2) sum over i, j of | pi(i) p(i, j)  -  pi(j) p(j, i) |

    The total variation distance, in the long run, between two successive states in their order and in the reverse one:
    0 where detailed balance holds and the chain is reversible, 1 where no step can ever be taken back.

    Parameters
    ----------
    states: the recurrent class that is asked about; None where the chain has one.

    Returns
    -------
    Answer in [0, 1]: exactly 0 where the possible transitions are there and back along a tree, which forces detailed
    balance, and exactly 1 where none can be taken back; its lower bound is above 0 where one cannot. Elsewhere
    differences of enclosed flows are enclosed, and a chain that is reversible has a lower bound of 0 and an upper one
    of about their width.

    Raises
    ------
    InvalidInput: as for `kemeny_constant`.
    NotConverged: bounds of the stationary distribution that hold were not found.

    Method: windows of two or more tokens are left and come back to in one step each way only if they alternate, abab...
    and baba...; all other flow has none against it, and is added up. Of V**L windows V**2 are looked at.

    Round a triangle one way with 3/4, the other with 1/4: each pair has flows 1/4 and 1/12.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> triangle = SparseChain.from_matrix([[0, 0.75, 0.25], [0.25, 0, 0.75], [0.75, 0.25, 0]])
    >>> round(reversibility_gap(triangle).value, 12)
    0.5
    """
    members = recurrent_class(chain, states)
    inside = np.zeros(chain.n_states, dtype=bool)
    inside[members] = True
    turning = inside & _may_turn_back(chain)
    pairs = _Pairs.of(chain, turning)
    if len(members) == turning.sum() and not pairs.one_way.any() and len(pairs.there) == len(members) - 1:
        return Answer.of(proved(np.zeros(())))
    if not len(pairs.there) and not pairs.stays:
        return Answer.of(proved(np.ones(())))
    lived = stationary(chain, members)
    straight = np.where(inside & ~turning, 1.0, 0.0)
    single = is_positive(pairs.chance) & pairs.one_way
    parts = []
    for share, side in ((lived.value, -1), (lived.lower, 0), (lived.upper, 1)):
        flow = ScaledArray.of(share[pairs.source]) * pairs.chance
        never = dot(share, straight) + total(ScaledArray.of(flow[single]))
        parts.append((flow if side < 0 else widen(flow, pairs.roundings)[side], never))
    (flow, never), (low, never_low), (high, never_high) = parts
    least, most = rounded_down(low), rounded_up(high)
    there, back = pairs.there, pairs.back
    apart = np.abs(flow.to_float()[there] - flow.to_float()[back])
    below = np.maximum(np.maximum(least[there] - most[back], least[back] - most[there]), 0.0)
    above = np.maximum(most[there] - least[back], most[back] - least[there])
    roundings = 2 * TOTAL_ROUNDINGS + pairs.roundings + 4
    lower = widen(never_low + total(below), roundings)[0]
    upper = widen(never_high + total(above), roundings)[1]
    upper = upper if upper <= 1.0 else ScaledArray.of(1.0)
    value = never + total(apart)
    value = value if value <= upper else upper
    method = f"flows there less flows back, from {lived.method}"
    return Answer.of(Enclosure(value, lower, upper, lived.residual, method))


class _Pairs(NamedTuple):
    """The transitions from states that may be come back to in one step, self-loops left out.

    Parameters
    ----------
    source, chance: of each transition, the state it leaves and its probability.
    one_way: whether no transition leads back.
    there, back: the places of each transition that has one back, towards the larger state, and of that one.
    stays: whether there are self-loops.
    roundings: in each probability.
    """

    source: NDArray[np.int64]
    chance: ScaledArray
    one_way: Mask
    there: NDArray[np.int64]
    back: NDArray[np.int64]
    stays: bool
    roundings: int

    @classmethod
    def of(cls, chain: TransitionOperator, turning: Mask) -> "_Pairs":
        """The transitions that leave given states."""
        n = chain.n_states
        source, target, probability = chain.edges(turning)
        sums = scatter_sum(probability, source, n)
        chance = ScaledArray.of(probability) / sums[source]
        moves, n_listed = np.flatnonzero(source != target), len(source)
        source, target, chance = source[moves], target[moves], chance[moves]
        ahead, behind = source * n + target, target * n + source
        order = np.argsort(ahead)
        found = (
            order[np.minimum(np.searchsorted(ahead[order], behind), max(len(order) - 1, 0))] if len(order) else order
        )
        one_way = ahead[found] != behind
        there = np.flatnonzero(~one_way & (source < target))
        return cls(source, chance, one_way, there, found[there], len(moves) < n_listed, chain.roundings + 4)


def recurrent_class(chain: TransitionOperator, states: ArrayLike | None) -> NDArray[np.int64]:
    """The recurrent class that is asked about, ascending: the one there is, or that of given states.

    Raises
    ------
    InvalidInput: several recurrent classes, which are counted, and none named; states that are not one.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> recurrent_class(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]), None).tolist()
    [1]
    """
    classes = recurrent_classes(chain)
    if states is None:
        if len(classes) > 1:
            sizes = ", ".join(str(len(found)) for found in classes[:5])
            raise InvalidInput(
                f"this question needs a chain with one recurrent class, got {len(classes)}, of {sizes}"
                f"{', ...' if len(classes) > 5 else ''} states; name one (states=recurrent_classes(chain)[0])"
            )
        return classes[0]
    members = state_numbers(states)
    if not any(np.array_equal(members, found) for found in classes):
        raise InvalidInput(
            f"states must be one recurrent class, got {members.tolist()[:10]}; take one of recurrent_classes(chain)"
        )
    return members


def _inverse(share: Numbers) -> ScaledArray:
    """1 / numbers; the largest number there is for 0."""
    positive, scaled = is_positive(share), ScaledArray.of(share)
    whole = ScaledArray.of(np.ones(len(scaled))) / choose(positive, scaled, ScaledArray.of(np.ones(len(scaled))))
    return choose(positive, whole, whole * UNKNOWN)


def _may_turn_back(chain: TransitionOperator) -> Mask:
    """(n_states,) from where the next step might be taken back: windows that alternate, and all that are no windows."""
    space = chain.space
    if not (isinstance(chain, WindowChain) and isinstance(space, StateSpace) and space.context_length > 1):
        return np.ones(chain.n_states, dtype=bool)
    V, L = space.vocab_size, space.context_length
    found = np.zeros(chain.n_states, dtype=bool)
    a, b = np.divmod(np.arange(V * V), V)
    number = np.zeros(V * V, dtype=np.int64)
    for place in range(L):
        number = number * V + (a if place % 2 == 0 else b)
    found[space.first_state(L) + number] = True
    return found
