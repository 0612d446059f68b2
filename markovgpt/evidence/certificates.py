"""Certificates of answers: bounds that anyone can check by products, without our solvers.

What is written is checked before it is kept: the bounds that are claimed are those that `markovgpt.evidence.verify`
draws from the parts, rounded outward to 61 bits.
"""

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from markovgpt.analysis.arguments import Start, Target, start_distribution, target_mask
from markovgpt.analysis.structure import can_reach, reachable_from, recurrent_classes
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.evidence.certificate_file import (
    LARGEST_EXPONENT,
    LIVE,
    LOST,
    OUTSIDE,
    TARGET,
    Certificate,
    Integers,
)
from markovgpt.evidence.verify import Refuted, implied
from markovgpt.scaled import FloatArray, Numbers, ScaledArray, choose
from markovgpt.solvers.iterative import Regenerated
from markovgpt.solvers.live_system import regenerating_system

QUESTIONS = ("hitting_probability", "expected_hitting_time", "expected_reward", "expected_visits", "stationary")
BITS = 61  # with one more they fit an int64


def write_certificate(
    chain: TransitionOperator,
    path: str | Path,
    question: str,
    *,
    target: Target | None = None,
    start: Start | None = None,
    avoiding: Target | None = None,
    reward: ArrayLike | None = None,
    note: str = "",
) -> Path:
    """Write an answer with all that is needed to check it, as a .npz; see `verify`. Returns the path.

    Parameters
    ----------
    question: one of QUESTIONS, the functions of the same names.
    target, start, avoiding, reward: as these take them. Of a stationary distribution the target is a state, or more, of
        the recurrent class, and may be left out where there is only one.
    note: what the chain is, such as the model's source and the settings, for who reads the certificate.

    Raises
    ------
    InvalidInput: an unknown question, what the functions refuse, an infinite answer, a chain or an answer with numbers
        beyond 10**-6000 to 10**6000.
    NotConverged: bounds that hold were not found.

    Method: references and parts as `markovgpt.solvers.iterative` takes them. Cost: one solution for each part, and for
    the check two products in whole numbers.

    >>> from tempfile import TemporaryDirectory
    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> from markovgpt.evidence.verify import verify
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> with TemporaryDirectory() as folder:
    ...     found = verify(write_certificate(game, Path(folder, "won.npz"), "hitting_probability", target=[3], start=1))
    >>> found.holds, found.lower[0] <= Fraction(1, 13) <= found.upper[0]
    (True, True)
    """
    if question not in QUESTIONS:
        raise InvalidInput(f"question must be one of {', '.join(QUESTIONS)}, got {question!r}")
    begin = None if start is None else start_distribution(chain, start)
    if question == "stationary":
        return _stationary(chain, target, note).write(path)
    if target is None:
        raise InvalidInput(f"{question} needs a target, got none; give target=, or ask for the stationary distribution")
    reached = target_mask(chain, target)
    if question == "hitting_probability":
        avoided = np.zeros(chain.n_states, dtype=bool) if avoiding is None else target_mask(chain, avoiding, "avoiding")
        return _probability(chain, reached, avoided & ~reached, begin, note).write(path)
    if question == "expected_visits":
        return _visits(chain, reached, begin, note).write(path)
    rewards = np.ones(chain.n_states) if reward is None or question == "expected_hitting_time" else np.asarray(reward)
    return _reward(chain, reached, rewards, begin, note).write(path)


def _probability(
    chain: TransitionOperator, reached: Mask, avoided: Mask, begin: FloatArray | None, note: str
) -> Certificate:
    """Of a hitting probability; on states that surely reach the target it is 1, and references are among the others."""
    through = ~(reached | avoided)
    possible = can_reach(chain, reached, through=through)
    may_fail = can_reach(chain, ~possible, through=through)
    role = np.where(reached, TARGET, np.where(avoided, OUTSIDE, np.where(possible, LIVE, LOST)))
    sure, ones = possible & ~may_fail, np.ones(chain.n_states)
    solved = regenerating_system(chain, possible & may_fail).harmonic_parts(chain.pull(np.where(sure, ones, 0.0)))
    parts = [[part.lower, part.upper] for part in solved.parts]
    for ended in {0, len(parts) - 1}:  # before any reference, for sure
        parts[ended] = [choose(sure, ones, bound) for bound in parts[ended]]
    return _certified(chain, "hitting_probability", role, solved, _pairs_of(parts), begin=begin, note=note)


def _reward(
    chain: TransitionOperator, reached: Mask, rewards: FloatArray, begin: FloatArray | None, note: str
) -> Certificate:
    """Of an expected reward, on states that surely reach the target."""
    if rewards.shape != (chain.n_states,) or not (np.isfinite(rewards) & (rewards >= 0)).all():
        raise InvalidInput(
            f"reward must be {chain.n_states} non-negative finite numbers, one for each state, got shape "
            f"{rewards.shape}; ask for gains and losses apart"
        )
    possible = can_reach(chain, reached, through=~reached)
    endless = can_reach(chain, ~possible, through=~reached) & ~reached
    if begin is not None and (endless & (begin > 0)).any():
        raise InvalidInput(
            "an expected reward or time must be finite to have a certificate, got a start from which the target may "
            'never be reached; certify the "hitting_probability"'
        )
    role = np.where(reached, TARGET, np.where(endless, OUTSIDE, LIVE))
    solved = regenerating_system(chain, role == LIVE).harmonic_parts(rewards)
    parts = _pairs_of([[part.lower, part.upper] for part in solved.parts])
    return _certified(chain, "expected_reward", role, solved, parts, begin=begin, reward=rewards, note=note)


def _visits(chain: TransitionOperator, reached: Mask, begin: FloatArray | None, note: str) -> Certificate:
    """Of expected visits, on states that are visited and left for good."""
    if begin is None:
        raise InvalidInput("expected_visits needs a start, got none; give start=")
    visited = reachable_from(chain, (begin > 0) & ~reached, through=~reached) & ~reached
    endless = np.zeros(chain.n_states, dtype=bool)
    for states in recurrent_classes(chain):
        endless[states] = visited[states] & ~reached[states].any()
    role = np.where(reached, TARGET, np.where(endless, LOST, np.where(visited, LIVE, OUTSIDE)))
    solved = regenerating_system(chain, role == LIVE).occupation_parts(begin)
    return _certified(chain, "expected_visits", role, solved, begin=begin, note=note)


def _stationary(chain: TransitionOperator, target: Target | None, note: str) -> Certificate:
    """Of the stationary distribution of one recurrent class."""
    wanted = np.ones(chain.n_states, dtype=bool) if target is None else target_mask(chain, target)
    classes = [states for states in recurrent_classes(chain) if wanted[states].any()]
    if len(classes) != 1:
        raise InvalidInput(
            f"a certificate is of one recurrent class, got {len(classes)}; give one of its states as target="
        )
    role = np.full(chain.n_states, OUTSIDE)
    role[classes[0]] = LIVE
    solved = regenerating_system(chain, role == LIVE).stationary_parts()
    return _certified(chain, "stationary", role, solved, note=note)


def _certified(
    chain: TransitionOperator,
    question: str,
    role: NDArray[Any],
    solved: Regenerated,
    parts: Integers | None = None,
    *,
    begin: FloatArray | None = None,
    reward: FloatArray | None = None,
    note: str,
) -> Certificate:
    """The certificate of parts (those of a row are made here), with the claim that follows from them."""
    source, target, probability = chain.edges((role == LIVE) | (role == LOST))
    weight = _pairs(probability)
    bounds = _row_parts(source, weight, solved, question == "stationary", len(role)) if parts is None else parts
    answers = 1 if parts is not None and begin is not None else int((role == LIVE).sum())
    given = Certificate(
        question,
        note,
        role.astype(np.int64),
        np.array(solved.references, dtype=np.int64),
        source,
        target,
        weight,
        _pairs(np.zeros(0) if reward is None else reward),
        _pairs(np.zeros(0) if begin is None else begin),
        bounds[:, 0],
        bounds[:, 1],
        np.zeros((answers, 2, 2), dtype=np.int64),
    )
    try:
        found = implied(given)
    except Refuted as failure:
        raise NotConverged(
            f"a certificate must hold, got one where {failure}; raise the temperature, or ask within a horizon",
            solved.enclosure.residual,
        ) from failure
    claim = [[_rounded(below, up=False), _rounded(above, up=True)] for below, above in found]
    return replace(given, claim=np.array(claim, dtype=np.int64).reshape(answers, 2, 2))


def _row_parts(source: Integers, weight: Integers, solved: Regenerated, returns: bool, n: int) -> Integers:
    """The parts of a row: visits over row sums; those of a reference follow a visit of as much as its row sum."""
    totals = [Fraction(0)] * n
    for state, (mantissa, exponent) in zip(source.tolist(), weight.tolist(), strict=True):
        totals[state] += mantissa * Fraction(2) ** exponent
    visits = [*([] if returns else [Fraction(1)]), *(totals[state] for state in solved.references)]
    made = np.zeros((len(solved.parts), 2, n, 2), dtype=np.int64)
    for place, (part, scale) in enumerate(zip(solved.parts, visits, strict=True)):
        for side, bound in enumerate((part.lower, part.upper)):
            for state, (mantissa, exponent) in enumerate(_pairs(bound).tolist()):
                if mantissa:
                    exact = mantissa * Fraction(2) ** exponent * scale / totals[state]
                    made[place, side, state] = _rounded(exact, up=side == 1)
    return made


def _pairs_of(parts: list[list[Numbers]]) -> Integers:
    """(parts, 2, n_states, 2): mantissas and exponents of bounds."""
    return np.array([[_pairs(bound) for bound in part] for part in parts], dtype=np.int64)


def _pairs(values: Numbers) -> Integers:
    """Mantissas and exponents, exactly."""
    scaled = ScaledArray.of(values)
    positive = scaled.positive()
    mantissa, exponent = np.ldexp(scaled.mantissa, 53).astype(np.int64), scaled.exponent - 53
    if (np.abs(exponent[positive]) > LARGEST_EXPONENT - 2 * BITS).any():
        raise InvalidInput(
            "a certificate holds numbers from 10**-6000 to 10**6000, got one further out; raise the temperature"
        )
    return np.stack([mantissa, np.where(positive, exponent, 0)], axis=-1)


def _rounded(exact: Fraction, *, up: bool) -> tuple[int, int]:
    """Mantissa and exponent of a number that is not below (up) or not above an exact one.

    >>> _rounded(Fraction(3, 4), up=True) == _rounded(Fraction(3, 4), up=False) == (3 * 2**60, -62)
    True
    """
    if not exact:
        return 0, 0
    exponent = exact.numerator.bit_length() - exact.denominator.bit_length() - BITS
    scaled = exact / Fraction(2) ** exponent
    return (math.ceil(scaled) if up else math.floor(scaled)), exponent
