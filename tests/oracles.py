"""Independent answers: exact fractions by Gaussian elimination, paths one by one, and exact comparison with bounds."""

from fractions import Fraction
from itertools import pairwise, product

import mpmath
import numpy as np

from markovgpt.scaled import ScaledArray


def exact_rows(matrix):
    """The exact normalisation of a matrix of doubles, or of scaled numbers, as lists of fractions."""
    if isinstance(matrix, ScaledArray):
        pairs = zip(matrix.mantissa.tolist(), matrix.exponent.tolist(), strict=True)
        rows = [
            [Fraction(m) * Fraction(2) ** e if m else Fraction(0) for m, e in zip(*pair, strict=True)] for pair in pairs
        ]
    else:
        rows = [[Fraction(float(entry)) for entry in row] for row in matrix]
    return [[entry / sum(row) for entry in row] for row in rows]


def exact_windows(chain):
    """The transition matrix of a chain over all windows as fractions: append the token, keep the newest L."""
    space, table = chain.space, exact_rows(chain.next_token_probs)
    rows = [[Fraction(0)] * space.n_states for _ in range(space.n_states)]
    for state, chances in enumerate(table):
        for token, chance in enumerate(chances):
            rows[state][space.encode((*space.decode(state), token)[-space.context_length :])] += chance
    return rows


def solve(matrix, right):
    """Solve a linear system of fractions by Gauss-Jordan elimination."""
    n = len(matrix)
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for column in range(n):
        pivot = next(i for i in range(column, n) if rows[i][column] != 0)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [entry / rows[column][column] for entry in rows[column]]
        for i in range(n):
            if i != column and rows[i][column] != 0:
                rows[i] = [x - rows[i][column] * y for x, y in zip(rows[i], rows[column], strict=True)]
    return [row[n] for row in rows]


def leads_to(rows, target, through):
    """The states from which the target is reached over states of ``through``."""
    found, grown = set(target), True
    while grown:
        more = {i for i in through if any(rows[i][j] > 0 for j in found)} - found
        found |= more
        grown = bool(more)
    return found


def identity_minus(rows, states):
    """I - Q on some states."""
    return [[Fraction(int(i == j)) - rows[i][j] for j in states] for i in states]


def hitting(rows, target, avoiding=()):
    """P_i(target is reached before a state to avoid), exactly."""
    n, ends = len(rows), set(target)
    live = sorted(leads_to(rows, ends, set(range(n)) - ends - set(avoiding)) - ends)
    solved = solve(identity_minus(rows, live), [sum(rows[i][j] for j in ends) for i in live])
    return [Fraction(1) if i in ends else dict(zip(live, solved, strict=True)).get(i, Fraction(0)) for i in range(n)]


def expected_reward(rows, reward, target):
    """E_i[sum of rewards before the target], exactly; None where the target may never be reached."""
    n, ends = len(rows), set(target)
    through = set(range(n)) - ends
    lost = set(range(n)) - leads_to(rows, ends, through)
    live = sorted(through - leads_to(rows, lost, through))
    solved = dict(zip(live, solve(identity_minus(rows, live), [Fraction(reward[i]) for i in live]), strict=True))
    return [Fraction(0) if i in ends else solved.get(i) for i in range(n)]


def visits(rows, target, start):
    """E_start[visits to each state before the target], exactly; the target must be reached surely from every state."""
    n, ends = len(rows), set(target)
    live = [i for i in range(n) if i not in ends]
    transposed = [list(column) for column in zip(*identity_minus(rows, live), strict=True)]
    solved = dict(zip(live, solve(transposed, [Fraction(int(i == start)) for i in live]), strict=True))
    return [solved.get(i, Fraction(0)) for i in range(n)]


def stationary(rows, states):
    """The stationary distribution of one closed class, exactly."""
    m = len(states)
    balance = [[Fraction(int(i == j)) - rows[states[j]][states[i]] for j in range(m)] for i in range(m)]
    balance[-1] = [Fraction(1)] * m
    return solve(balance, [Fraction(0)] * (m - 1) + [Fraction(1)])


def within(rows, target, first, last, avoiding=()):
    """P_i(X_t in target for some first <= t <= last, nothing to avoid before t), by enumeration of all paths."""
    n, answers = len(rows), []
    for start in range(n):
        total = Fraction(0)
        for path in product(range(n), repeat=last):
            states = (start, *path)
            chance = Fraction(1)
            for i, j in pairwise(states):
                chance *= rows[i][j]
            if chance and any(
                states[t] in target and not set(states[:t]) & set(avoiding) for t in range(first, last + 1)
            ):
                total += chance
        answers.append(total)
    return answers


def log10(number):
    """The decimal logarithm of a fraction of any size, to 40 digits."""
    with mpmath.workdps(60):
        return mpmath.log10(mpmath.mpf(number.numerator)) - mpmath.log10(mpmath.mpf(number.denominator))


def assert_encloses(answer, exact, place=()):
    """The bounds hold the exact number, compared exactly, and the value is within 1e-10 of it."""
    value, lower, upper = (float(np.asarray(getattr(answer, name))[place]) for name in ("value", "lower", "upper"))
    logs = [float(np.asarray(getattr(answer, name))[place]) for name in ("log10_lower", "log10", "log10_upper")]
    if exact is None:  # infinite
        assert lower == value == upper == np.inf
        return
    assert Fraction(lower) <= exact
    assert upper == np.inf or exact <= Fraction(upper)
    if exact == 0:
        assert lower == value == upper == 0
        assert logs == [-np.inf] * 3
        return
    assert upper > 0
    with mpmath.workdps(60):
        assert logs[0] <= log10(exact) <= logs[2]
        assert abs(logs[1] - log10(exact)) <= 1e-10 / 2.302 * max(1, abs(log10(exact)) * 1e-4)
    if 1e-300 < exact < 10**300:
        assert abs(Fraction(value) / exact - 1) <= Fraction(1, 10**10)
