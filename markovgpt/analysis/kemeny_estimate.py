"""About how many steps is it to a state drawn from the long run, where there are too many states to eliminate?

With P on a recurrent class of n states and period d, tr P^t the chance to be back after t steps, summed over the class,

    K  =  sum over t >= 0 of (tr P^t - 1)                                  = (n - 1) + (tr P - 1) + ...    d = 1
    K  =  sum over t = 0, d, 2 d, ... of (tr P^t - d)  +  (d - 1) / 2                                      any d

which is the sum of 1 / (1 - lambda), term by term of its geometric series; where |lambda| is 1 it is the mean of the
partial sums, and tr P^t is 0 for all other t. Of windows, walks of t <= L steps that come back repeat a word of t
tokens, and tr P^t is a sum over V^t words: exact. The further terms, small where the chain mixes fast, are estimated:
for random signs z the mean of z . A z is tr A (M. F. Hutchinson, Communications in Statistics B 19 (1990) 433-450), and
A, P^t less its limit, takes t products.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import stdtrit

from markovgpt.analysis.recurrence import recurrent_class
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import is_count
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.scaled import FloatArray, as_floats
from markovgpt.shown import Shown
from markovgpt.solvers.live_system import stationary
from markovgpt.sums import scatter_sum

MOST_LISTED = 2**22  # transitions of a class up to which they are listed, and the rest of the chain left alone
MOST_STEPS = 20_000
MOST_WORDS = 2**20  # that are summed over for an exact trace
NEGLIGIBLE = 1e-9  # root mean square of P^t z less its limit, after which no more terms are added up

States = NDArray[np.int64]


@dataclass(frozen=True)
class KemenyEstimate(Shown):
    """An estimate of the Kemeny constant; the interval is one of confidence, and proves nothing.

    Parameters
    ----------
    value, lower, upper: the mean over probes, and Student's interval about it.
    confidence: how often such intervals hold the constant.
    n_probes: vectors of random signs.
    steps: terms added up for the slowest probe.
    exact_steps: of these, the first that are no estimates.
    """

    value: float
    lower: float
    upper: float
    confidence: float
    n_probes: int
    steps: int
    exact_steps: int
    method: str = "estimate: traces of powers by random signs, with Student's interval"

    def summary(self) -> dict[str, Any]:
        """The numbers as a plain dict."""
        return asdict(self)


def kemeny_estimate(
    chain: TransitionOperator,
    states: ArrayLike | None = None,
    *,
    n_probes: int = 16,
    confidence: float = 0.95,
    seed: int = 1337,
) -> KemenyEstimate:
    """About how many steps (tokens) to a state drawn from the stationary distribution, on average?

    The convention is that of `kemeny_constant`, which encloses the constant of up to 1000 states.

    Parameters
    ----------
    states: the recurrent class that is asked about; None where the chain has one.
    n_probes: vectors of random signs, at least 2.
    confidence: of the interval, in (0, 1).
    seed: of the signs, at least 0.

    Raises
    ------
    InvalidInput: as for `kemeny_constant`; numbers outside what is allowed.
    NotConverged: terms do not fall off within 20,000 steps: the chain mixes too slowly.

    Method: the module's text; about as many products for each probe as the chain takes steps to mix.

    >>> from markovgpt.chains.states import StateSpace
    >>> coin = WindowChain(StateSpace(2, 3), np.full((8, 2), 0.5))      # all eigenvalues but one are 0
    >>> found = kemeny_estimate(coin)
    >>> round(found.value, 12), found.exact_steps
    (7.0, 3)
    """
    _check(n_probes, confidence, seed)
    members = recurrent_class(chain, states)
    phases = _phases(chain, members)
    pi = as_floats(stationary(chain, members).value)[members]
    exact = _first_traces(chain, members)
    step, random = _step(chain, members), np.random.default_rng(seed)
    found, steps = np.empty(n_probes), 0
    for probe in range(n_probes):
        found[probe], taken = _probe(step, pi / pi.sum(), phases, exact, random)
        steps = max(steps, taken)
    middle = float(found.mean())
    off = float(stdtrit(n_probes - 1, (1 + confidence) / 2) * found.std(ddof=1) / math.sqrt(n_probes))
    return KemenyEstimate(middle, middle - off, middle + off, confidence, n_probes, steps, len(exact) - 1)


def _check(n_probes: int, confidence: float, seed: int) -> None:
    """Refuse numbers that make no sense."""
    if not is_count(n_probes) or n_probes < 2:
        raise InvalidInput(f"n_probes must be a whole number of at least 2, got {n_probes}; 16 is usual")
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence must be in (0, 1), got {confidence}; 0.95 is usual")
    if not is_count(seed):
        raise InvalidInput(f"seed must be a whole number of at least 0, got {seed}; 1337 is usual")


def _probe(
    step: Callable[[FloatArray], FloatArray],
    pi: FloatArray,
    phases: NDArray[np.int32],
    exact: FloatArray,
    random: np.random.Generator,
) -> tuple[float, int]:
    """One estimate, and the steps it took."""
    n, period = len(pi), int(phases.max()) + 1
    signs = random.choice([-1.0, 1.0], size=n)
    means = np.bincount(phases, weights=pi * signs) / np.bincount(phases, weights=pi)
    ahead = signs - means[phases]  # what P**period leaves as it is, taken out
    whole = (period - 1) / 2
    for t in range(0, MOST_STEPS + period, period):
        whole += exact[t] - period if t < len(exact) else float(signs @ ahead)
        left = float(np.linalg.norm(ahead)) / math.sqrt(n)
        if t + period >= len(exact) and left <= NEGLIGIBLE:
            return whole, t
        for _ in range(period):
            ahead = step(ahead)
    raise NotConverged(
        f"terms must fall off within {MOST_STEPS} steps, got {left:.1e} left; the chain mixes too slowly to be "
        "estimated, raise the temperature",
        left,
    )


def _phases(chain: TransitionOperator, members: States) -> NDArray[np.int32]:
    """In which cyclic class of its class each state is."""
    labels = np.full(chain.n_states, -1, dtype=np.int32)
    labels[members] = 0
    return np.asarray(chain.phases(labels)[1][members])


def _step(chain: TransitionOperator, members: States) -> Callable[[FloatArray], FloatArray]:
    """f -> P f on the states of a class."""
    n = len(members)
    place = np.full(chain.n_states, -1, dtype=np.int64)
    place[members] = np.arange(n)
    if n * chain.largest_row <= MOST_LISTED:
        source, target, probability = chain.edges(place >= 0)
        weights = as_floats(probability)
        sums = as_floats(scatter_sum(weights, place[source], n))
        matrix = csr_array((weights / sums[place[source]], (place[source], place[target])), shape=(n, n))
        return lambda values: np.asarray(matrix @ values)
    spread = np.zeros(chain.n_states)

    def step(values: FloatArray) -> FloatArray:
        lifted = max(float(-values.min()), 0.0)  # numbers of a chain are not negative; its rows sum to one
        spread[members] = values + lifted
        return as_floats(chain.pull(spread))[members] - lifted

    return step


def _first_traces(chain: TransitionOperator, members: States) -> FloatArray:
    """tr P^t on a class for t = 0, 1, ...: up to L steps of windows, which then repeat a word of t tokens."""
    traces = [float(len(members))]
    if not isinstance(chain, WindowChain):
        return np.array(traces)
    V, L, first = (
        chain.space.vocab_size,
        chain.space.context_length,
        chain.space.first_state(chain.space.context_length),
    )
    inside = np.zeros(chain.n_states, dtype=bool)
    inside[members] = True
    for t in range(1, L + 1):
        if V**t > MOST_WORDS:
            break
        words = np.arange(V**t)
        token = [words // V ** (t - 1 - place) % V for place in range(t)]
        chance = np.ones(V**t)
        for begin in range(t):
            window = np.zeros(V**t, dtype=np.int64)
            for place in range(L):
                window = window * V + token[(begin + place) % t]
            chance *= as_floats(chain.next_token_probs[first + window, token[(begin + L) % t]]) * inside[first + window]
        traces.append(float(chance.sum()))
    return np.array(traces)
