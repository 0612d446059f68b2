"""How fast does the chain forget? Its leading eigenvalues, the spectral gap and the relaxation time.

The eigenvalues of P are those of its communicating classes, each on its own, for P is block triangular. A recurrent
class of period d has the d-th roots of unity among them, each once, and every other eigenvalue of P lies inside the
unit circle: all of that is proved by the support, and so are the zeros of states that never come back, such as windows
shorter than the context. What is left is computed. The windows of a chain leave many eigenvalues that are zero, in
Jordan blocks of up to L: computed, such a zero has a modulus of about (2^-53)^(1/L), not 2^-53.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import stationary_distributions
from markovgpt.analysis.structure import PROOF, States, class_periods, proved, recurrent_classes
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, is_count
from markovgpt.errors import InvalidInput, NotConverged
from markovgpt.scaled import ROUNDING, FloatArray, ScaledArray, as_floats, widen
from markovgpt.shown import Shown
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.dense_powers import DensePowers
from markovgpt.solvers.eigenvalues import DENSE, Block, eigenvalues
from markovgpt.solvers.forgetting import minorizations
from markovgpt.solvers.live_system import stationary

RESOLVED = 1000  # a gap must be so many times what it may be off by

Part = list[tuple[complex, float, bool]]  # eigenvalue, residual, proved


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(Shown):
    """Eigenvalues of a transition matrix, largest modulus first, each as often as it is one.

    Parameters
    ----------
    eigenvalues: (k,) complex.
    residuals: (k,) ||P x - lambda x|| for the right eigenvector x that was found, ||x|| = 1, in the Euclidean norm; 0
        where proved.
    proved: (k,) bool; which eigenvalues the support proves. The others are estimates: each is exactly an eigenvalue of
        a matrix that differs from P by its residual in norm, which bounds the error of an eigenvalue only where P is
        normal. For bounds that hold see `spectral_gap`.
    method: how the others were computed.
    """

    eigenvalues: NDArray[np.complex128]
    residuals: FloatArray
    proved: NDArray[np.bool_]
    method: str

    @property
    def moduli(self) -> FloatArray:
        """(k,) |lambda|."""
        return np.abs(self.eigenvalues)

    def summary(self) -> dict[str, Any]:
        """The eigenvalues and where they come from as a plain dict."""
        return {
            "real": self.eigenvalues.real.tolist(),
            "imaginary": self.eigenvalues.imag.tolist(),
            "residuals": self.residuals.tolist(),
            "proved": self.proved.tolist(),
            "method": self.method,
        }


def leading_eigenvalues(chain: TransitionOperator, k: int = 6) -> Spectrum:
    """Which are the largest eigenvalues of the transition matrix?

        P x = lambda x

    Parameters
    ----------
    k: how many, at least 1; fewer are given where the chain has fewer. Of two conjugate ones, of one modulus,
        the k-th may leave the other out.

    Raises
    ------
    InvalidInput: a k that is no whole number of at least 1.
    NotConverged: ARPACK did not converge.

    Method: class by class. Up to 1,000 states LAPACK's QR algorithm, above it Arnoldi's with implicit restarts (ARPACK)
    from a fixed vector, by products alone; the eigenvalue 1 is taken out of an aperiodic recurrent class exactly, as
    P - 1 pi.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])          # 1 and 1 - 0.1 - 0.3
    >>> found = leading_eigenvalues(weather)
    >>> found.eigenvalues.round(12).tolist(), found.proved.tolist()
    ([(1+0j), (0.6+0j)], [True, False])
    """
    if not is_count(k) or k < 1:
        raise InvalidInput(f"k must be a whole number of at least 1, got {k}; 6 is usual")
    parts: Part = []
    ways: set[str] = set()
    classes = recurrent_classes(chain)
    for states, turns in zip(classes, class_periods(chain, classes), strict=True):
        parts += [(root, 0.0, True) for root in _roots_of_unity(turns)]
        if len(states) > turns:
            parts += _inside_circle(chain, states, turns, k, ways)
    if len(classes) < chain.n_states and sum(certain for *_, certain in parts) < k:
        lasting, n_gone = _transient(chain, classes)
        for states in lasting:
            parts += _inside_circle(chain, states, 0, k, ways)
        parts += [(0j, 0.0, True)] * min(n_gone, k)
    values, residuals, certain = zip(*sorted(parts, key=_order)[:k], strict=True)
    return Spectrum(np.array(values), np.array(residuals), np.array(certain), " and ".join(sorted(ways)) or PROOF)


def spectral_gap(chain: TransitionOperator) -> Answer:
    """How far is every eigenvalue but one 1 from the unit circle? The absolute spectral gap.

        gap = 1 - |lambda_2|,    |lambda_2| the largest modulus besides one eigenvalue 1; 1 where there is no other

    Returns
    -------
    Answer. Exactly 0, by proof, where several recurrent classes or a period leave a second eigenvalue on the circle; it
    is the support that decides. Else above 0, with bounds that hold, and a value between them that is an estimate. Up
    to 1,000 states the bounds are close (`markovgpt.solvers.dense_powers`); above, the lower one is what all starts
    lead to proves (`markovgpt.solvers.forgetting`) and the upper one is 1.

    Raises
    ------
    NotConverged: a gap too small to be told from rounding, or bounds or eigenvalues that were not found.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])          # 0.1 + 0.3
    >>> gap = spectral_gap(weather)
    >>> round(gap.value, 12), gap.lower <= 0.4 <= gap.upper, gap.upper - gap.lower < 1e-6
    (0.4, True, True)
    """
    classes = recurrent_classes(chain)
    if len(classes) > 1 or class_periods(chain, classes)[0] > 1:
        return Answer.of(proved(np.array(0.0)))
    if chain.n_states == 1:
        return Answer.of(proved(np.array(1.0)))
    lived = stationary_distributions(chain).only().enclosure
    return _small_gap(chain, lived) if chain.n_states <= DENSE else _large_gap(chain, lived)


def relaxation_time(chain: TransitionOperator) -> Answer:
    """In how many steps does what remains of the start fall by a factor e, in the long run? The relaxation time.

        1 / gap

    Returns
    -------
    Answer, as `spectral_gap` has it; infinite by proof where the gap is 0 by proof.

    Raises
    ------
    NotConverged: what `spectral_gap` raises.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> round(relaxation_time(SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]])).value, 9)
    2.5
    """
    gap = spectral_gap(chain)
    if gap.upper == 0:
        return Answer.of(proved(np.array(1.0)), infinite=True)
    value, low, high = (
        ScaledArray.of(part) for part in (gap.enclosure.value, gap.enclosure.lower, gap.enclosure.upper)
    )
    beyond = ScaledArray(0.5, 2**50)  # no bound
    upper = widen(1.0 / low, 1)[1] if gap.lower > 0 else beyond
    return Answer.of(Enclosure(1.0 / value, widen(1.0 / high, 1)[0], upper, gap.residual, gap.method))


def _small_gap(chain: TransitionOperator, lived: Enclosure) -> Answer:
    """The gap between bounds from powers of the matrix."""
    low, high = DensePowers.of(chain, lived).log_modulus()
    lower, upper = _gap_of(high, -1), _gap_of(low, +1)
    second = leading_eigenvalues(chain, 2)
    if not lower > 0:
        raise NotConverged(
            f"a spectral gap must be told from rounding, got one below {upper:.1e} in a chain of {chain.n_states} "
            "states; it is not 0: ask mean waiting times between the parts instead (expected_hitting_time)",
            float(second.residuals.max()),
        )
    value = min(max(1 - float(second.moduli[1]), lower), upper)
    method = f"{second.method}, an estimate; bounds by powers of the matrix"
    found = Enclosure(np.array(value), np.array(lower), np.array(upper), float(second.residuals.max()), method)
    return Answer.of(found)


def _large_gap(chain: TransitionOperator, lived: Enclosure) -> Answer:
    """The gap above what all starts lead to."""
    second = leading_eigenvalues(chain, 2)
    best = min(minorizations(chain, as_floats(lived.value)), key=lambda found: found.log_modulus)
    lower, value, residual = _gap_of(best.log_modulus, -1), 1 - float(second.moduli[1]), float(second.residuals.max())
    off = residual + chain.roundings * ROUNDING
    if not value > max(RESOLVED * off, lower):
        raise NotConverged(
            f"a spectral gap must be told from rounding, got about {value:.1e}, off by {off:.1e} or more, and at least "
            f"{lower:.1e}; it is not 0: ask mean waiting times between the parts instead (expected_hitting_time)",
            residual,
        )
    method = f"{second.method}, an estimate; at least what all starts lead to in {best.steps} steps proves"
    return Answer.of(Enclosure(np.array(value), np.array(lower), np.array(1.0), residual, method))


def _gap_of(logarithm: float, direction: int) -> float:
    """1 - |lambda| from a bound of the logarithm, rounded in a direction."""
    return min(max(-float(np.expm1(min(logarithm, 0.0))) * (1 + direction * 8 * ROUNDING), 0.0), 1.0)


def _repeating(chain: TransitionOperator, of: Mask) -> NDArray[np.int64]:
    """Which of some states can be followed by themselves."""
    source, target, _ = chain.edges(of)
    return np.asarray(source[source == target])


def _transient(chain: TransitionOperator, recurrent: Sequence[States]) -> tuple[list[States], int]:
    """The transient classes that can go on for a while, and how many states are never come back to."""
    transient = np.ones(chain.n_states, dtype=bool)
    transient[np.concatenate(recurrent)] = False
    labels = chain.strong_components()[0]
    alone = transient & (np.bincount(labels)[labels] == 1)
    repeating = _repeating(chain, alone)
    found: list[States] = [np.array([state]) for state in repeating]
    together = np.flatnonzero(transient & ~alone)
    order = together[np.argsort(labels[together], kind="stable")]
    if len(order):
        found += np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return found, int(alone.sum()) - len(repeating)


def _inside_circle(chain: TransitionOperator, states: States, turns: int, k: int, ways: set[str]) -> Part:
    """The k largest eigenvalues of a class besides roots of unity; ``turns`` is its period, 0 where it is transient."""
    lived = None
    if turns == 1:
        lived = as_floats(stationary(chain, states).value)[states]
    values, residuals, way = eigenvalues(Block(chain, states, lived), k + turns)  # what is known is found too
    ways.add(way)
    found = list(zip(values, residuals, strict=True))
    for known in [0j] if turns == 1 and len(found) == len(states) else _roots_of_unity(turns if turns > 1 else 0):
        found.remove(min(found, key=lambda one: abs(one[0] - known)))
    return sorted([(value, residual, False) for value, residual in found], key=_order)[:k]


def _roots_of_unity(d: int) -> list[complex]:
    """The d-th roots of unity, 1 first; the real and imaginary ones exactly."""
    angles = [2 * math.pi * turn / d for turn in range(d)]
    parts = [[part if abs(part) > 1e-15 else 0.0 for part in (math.cos(angle), math.sin(angle))] for angle in angles]
    return [complex(*part) for part in parts]


def _order(part: tuple[complex, float, bool]) -> tuple[float, ...]:
    """Largest modulus first, then proved ones, then the largest real and imaginary part."""
    value, _, certain = part
    return (-round(abs(value), 12), not certain, -round(value.real, 12), -value.imag, -value.real)
