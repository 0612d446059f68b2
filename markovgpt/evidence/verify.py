"""Does a stored certificate hold? Checked by products of whole numbers; no code of the solvers is used.

**The chain** is p[s, t] = w[s, t] / W[s] with W[s] = sum_t w[s, t], exactly. Every number in the file is mantissa *
2**exponent; all of them times one power of two are whole numbers, and Python does not round those.

**The question** is a column z = P z + reward (probability to reach the target: z is 1 on it; reward and time: z is 0
on it), or a row z W = z w + start (z W are the visits; stationary: those between two returns to a home state,
normalised). The unknown states are the live ones; the others, and home, are ends. `MAY_LEAD_TO` says what is asked of
the ends, so that no part of the answer is hidden in them.

**The parts.** Some live states are references. Part 0 is what happens before any of them: z is given on the ends, and
0 on references. Part j is the same for z = 1 on reference j alone (column: the chance that it is the next; row: what
follows a visit there). A column with references has one more, the chance that an end comes first. From every other
live state an end or a reference can be reached, so Q, which is P among those states, is transient: Q**n -> 0. Then
lower <= Q lower + b and upper >= Q upper + b, iterated, give lower <= sum_n Q**n b <= upper: the part lies between
its bounds. Rows alike.

**The references.** Products of the parts with w give, between bounds, the weights A[i, j] from one reference to the
next, E[i] to an end, and a right-hand side c. The answer y on the references solves M y = c (row: y M = c), where M[i,
i] = E[i] + sum of A[i, j] over j != i, and M[i, j] = -A[i, j]. By the matrix-tree theorem det M, and the y det M of
Cramer's rule, are sums of products of these non-negative numbers. They grow with each of them, so that

    y(lower) det(lower) / det(upper)  <=  y  <=  y(upper) det(upper) / det(lower).

The answer is part 0 + sum_j y[j] part j, and the bounds that are claimed must hold what this gives.

Sources: S. Chaiken, SIAM Journal on Algebraic and Discrete Methods 3 (1982) 319-329, for all minors of M.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from markovgpt.evidence.certificate_file import LIVE, LOST, OUTSIDE, TARGET, Certificate, fractions, read_certificate
from markovgpt.evidence.verdict import Verdict

MAY_LEAD_TO: dict[str, dict[int, tuple[int, ...]]] = {  # a start may lie where a live state may lead
    "hitting_probability": {LIVE: (LIVE, TARGET, LOST, OUTSIDE), LOST: (LOST, OUTSIDE)},
    "expected_reward": {LIVE: (LIVE, TARGET)},
    "expected_visits": {LIVE: (LIVE, TARGET, LOST), LOST: (LOST,)},
    "stationary": {LIVE: (LIVE,)},
}
ROLES = ("live", "target", "lost", "outside")

Wholes = NDArray[Any]  # of Python's whole numbers
Side = tuple[list[Wholes], list[Wholes]]  # of one side: the bounds of the parts, and their products with the weights


class Refuted(Exception):
    """The first thing about a certificate that fails."""


def verify(path: str | Path) -> Verdict:
    """Does the certificate in a file hold?

    Raises
    ------
    InvalidInput: a file that is no certificate, or a damaged one.

    The file of a claim by hand: from state 0 of 2, with chances 1/2 to stay and to leave, two steps until state 1.

    >>> from tempfile import TemporaryDirectory
    >>> one, two, half = [1, 0], [1, 1], [1, -1]
    >>> numbers = {name: np.array(given, dtype=np.int64) for name, given in {
    ...     "role": [LIVE, TARGET], "references": [], "source": [0, 0], "target": [0, 1], "weight": [half, half],
    ...     "reward": [one, one], "start": [one, [0, 0]], "claim": [[two, two]]}.items()}
    >>> parts = np.array([[two, [0, 0]]], dtype=np.int64)       # no references: one part, the answer
    >>> coin = Certificate("expected_reward", "a fair coin", **numbers, lower=parts, upper=parts)
    >>> with TemporaryDirectory() as folder:
    ...     found = verify(coin.write(Path(folder, "coin.npz")))
    >>> found.holds, found.lower, found.upper
    (True, (Fraction(2, 1),), (Fraction(2, 1),))
    """
    given = read_certificate(path)
    states, (low, high) = given.answered, (tuple(fractions(given.claim[:, side])) for side in (0, 1))
    try:
        found = implied(given)
        for place, (claimed, (below, above)) in enumerate(zip(zip(low, high, strict=True), found, strict=True)):
            if not claimed[0] <= below <= above <= claimed[1]:
                where = f"state {states[place]}" if states else "the start"
                raise Refuted(f"the bounds claimed for {where} do not hold what the parts give")
    except Refuted as failure:
        return Verdict(False, given.described(), tuple(states), low, high, str(failure))
    return Verdict(True, given.described(), tuple(states), low, high)


def implied(given: Certificate) -> list[tuple[Fraction, Fraction]]:
    """The bounds that the parts give, for each state that is answered, or for the start of a column.

    Raises
    ------
    Refuted: naming the first thing that fails.
    """
    claim = _Claim(given)
    claim.check_ends()
    claim.check_transience()
    below, above = claim.products(given.lower, -1), claim.products(given.upper, +1)
    y_below, det_below = claim.at_references(below)
    y_above, det_above = claim.at_references(above)
    if not det_below > 0:
        raise Refuted("the lower bounds of the parts lead from some reference to no end")
    lower = claim.combined(below, [y * det_below / det_above for y in y_below])
    upper = claim.combined(above, [y * det_above / det_below for y in y_above])
    if given.question == "stationary":
        most, least = sum(upper), sum(lower)
        return [(below / most, above / least) for below, above in zip(lower, upper, strict=True)]
    return list(zip(lower, upper, strict=True))


class _Claim:
    """A certificate in whole numbers: weights in units of 2**-weight_unit, all others in units of 1 / one."""

    def __init__(self, given: Certificate):
        self.given, self.column = given, given.is_column
        n, role = len(given.role), given.role
        numbers = [given.reward, given.start, given.lower, given.upper]
        self.weight_unit, self.unit = _unit(given.weight), max(map(_unit, numbers))
        self.one = 1 << self.unit
        self.nothing = np.zeros(n, dtype=object)
        self.weight = _whole(given.weight, self.weight_unit)
        self.totals = self._gathered(self.weight, given.source)
        self.start = _whole(given.start, self.unit) if len(given.start) else self.nothing
        self.references = given.references.tolist()
        self.ends, fixed = role != LIVE, (role == TARGET) & (given.question == "hitting_probability")
        if given.question == "stationary":
            fixed = self._only(self.references.pop(0))
            self.ends = self.ends | fixed
        self.inner = ~self.ends
        self.inner[self.references] = False
        self.fixed = [fixed, *map(self._only, self.references)] + [self.ends] * (self.column and bool(self.references))
        self.begin = self.nothing
        if len(given.reward):
            self.begin = self.totals * _whole(given.reward, self.unit)
        elif not self.column:
            self.begin = self.start * (1 << self.weight_unit)

    def check_ends(self) -> None:
        """Every live or lost state has a row, which leads only where the question allows."""
        role, source, target = self.given.role, self.given.source, self.given.target
        allowed = MAY_LEAD_TO[self.given.question]
        _refuse(np.isin(role, list(allowed)) & (self.totals == 0), "no transition leaves")
        _refuse((self.start > 0) & ~np.isin(role, allowed[LIVE]), "the start may not lie in")
        for own, others in allowed.items():
            wrong = np.flatnonzero((role[source] == own) & ~np.isin(role[target], others))
            if len(wrong):
                s, t = source[wrong[0]], target[wrong[0]]
                raise Refuted(f"a step from {ROLES[own]} state {s} may not lead to {ROLES[role[t]]} state {t}")

    def check_transience(self) -> None:
        """From every inner state another state can be reached."""
        reached, before = ~self.inner, -1
        while reached.sum() > before:
            before = reached.sum()
            reached[self.given.source[reached[self.given.target]]] = True
        _refuse(~reached, "no end and no reference can be reached from")

    def products(self, bounds: NDArray[np.int64], sign: int) -> Side:
        """The bounds of each part and their products, the inequalities checked; sign -1 for lower, +1 for upper."""
        parts, images = [], []
        for place, fixed in enumerate(self.fixed):
            part = np.where(self.inner, _whole(bounds[place], self.unit), fixed.astype(object) * self.one)
            near, far = (self.given.source, self.given.target)[:: 1 if self.column else -1]
            image = self._gathered(self.weight * part[far], near) + (self.begin if place == 0 else 0)
            wrong = self.inner & (sign * (self.totals * part - image) < 0)
            _refuse(wrong, f"the {'lower' if sign < 0 else 'upper'} bound of part {place} fails its inequality at")
            parts.append(part)
            images.append(image)
        return parts, images

    def at_references(self, side: Side) -> tuple[list[Fraction], Fraction]:
        """The answer on the references, by the exact solution of their chain, and the determinant of its matrix."""
        images, k = side[1], range(len(self.references))
        between = [[int(image[i]) for image in images[1 : 1 + len(k)]] for i in self.references]
        if self.column:
            exits = [int(images[-1][i]) for i in self.references]
            leaving = between
        else:
            exits = [int(image[self.ends].sum()) for image in images[1:]]
            leaving = [list(row) for row in zip(*between, strict=True)]  # the weights out of each reference
        out = [exits[i] + sum(leaving[i][j] for j in k if j != i) for i in k]
        matrix = [[Fraction(out[i] if i == j else -between[i][j]) for j in k] for i in k]
        return _solved(matrix, [Fraction(int(images[0][i])) for i in self.references])

    def combined(self, side: Side, at: list[Fraction]) -> list[Fraction]:
        """Part 0 and the multiples of the others, where they are asked for."""
        whole = side[0][0] + sum((part * y for part, y in zip(side[0][1:], at, strict=False)), self.nothing)
        if not self.column:
            return [Fraction(z, self.one << self.weight_unit) for z in (self.totals * whole)[self.given.role == LIVE]]
        if len(self.given.start):
            return [Fraction((self.start * whole).sum(), self.one**2)]
        return [Fraction(z, self.one) for z in whole[self.given.role == LIVE]]

    def _only(self, state: int) -> NDArray[np.bool_]:
        """The mask of one state."""
        mask = np.zeros(len(self.given.role), dtype=bool)
        mask[state] = True
        return mask

    def _gathered(self, terms: Wholes, places: NDArray[np.int64]) -> Wholes:
        """The sum of the terms of each place."""
        sums = self.nothing.copy()
        np.add.at(sums, places, terms)
        return sums


def _refuse(wrong: NDArray[np.bool_], what: str) -> None:
    """Refute the certificate where some state is wrong."""
    if wrong.any():
        raise Refuted(f"{what} state {int(np.argmax(wrong))}")


def _unit(pairs: NDArray[np.int64]) -> int:
    """The least u >= 0 for which every number times 2**u is whole."""
    return max(0, -int(pairs[..., 1].min(initial=0)))


def _whole(pairs: NDArray[np.int64], unit: int) -> Wholes:
    """The numbers times 2**unit."""
    flat = [m << (e + unit) for m, e in pairs.reshape(-1, 2).tolist()]
    return np.array([*flat, None], dtype=object)[:-1].reshape(pairs.shape[:-1])


def _solved(matrix: list[list[Fraction]], right: list[Fraction]) -> tuple[list[Fraction], Fraction]:
    """The y with matrix y = right, by exact elimination, and the determinant, 0 where there is no pivot."""
    rows, determinant = [[*row, b] for row, b in zip(matrix, right, strict=True)], Fraction(1)
    for p, _ in enumerate(rows):
        determinant *= rows[p][p]
        if determinant == 0:
            break
        rows[p] = [entry / rows[p][p] for entry in rows[p]]
        for i in range(len(rows)):
            if i != p:
                rows[i] = [entry - rows[i][p] * above for entry, above in zip(rows[i], rows[p], strict=True)]
    return [row[-1] for row in rows], determinant
