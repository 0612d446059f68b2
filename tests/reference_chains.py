"""Nasty chains with answers that can be derived by hand; each docstring derives them."""

from fractions import Fraction
from pathlib import Path

import numpy as np

import markovgpt as mg

CASES = Path(__file__).parents[2] / "shared" / "cases"
LARGE = ("egl_5_2", "nand_20_1")  # of the cases, those that take seconds each


def gambler(win=0.25, coins=3):
    """A gambler wins each toss with probability p and stops at 0 or N coins.

    From i: P(N) = (1 - r**i) / (1 - r**N) with r = (1 - p) / p; for p = 1/4, N = 3: 1/13 and 4/13.
    """
    matrix = np.zeros((coins + 1, coins + 1))
    matrix[0, 0] = matrix[coins, coins] = 1.0
    for state in range(1, coins):
        matrix[state, state - 1], matrix[state, state + 1] = 1 - win, win
    return mg.SparseChain.from_matrix(matrix)


def trap():
    """State 0 stays with 1/2, else falls into the trap 1 or the target 2: P(2) = 1/2 from 0, 0 from 1, though 1 never
    leaves: dividing by 1 - p(1, 1) would be a division by zero."""
    return mg.SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])


def slow_exit():
    """Self-loops of 1 - 1e-13: the exit takes 1e13 steps on average, and both states have half of the time.

    The chain is the exact normalisation of the doubles: the chance to leave is q = e / (f + e), e and f being the
    doubles nearest to 1e-13 and to 1 - 1e-13; `slow_exit_time` is 1 / q exactly.
    """
    return mg.SparseChain.from_matrix([[1 - 1e-13, 1e-13], [1e-13, 1 - 1e-13]])


def slow_exit_time():
    """The exact expected exit time of `slow_exit`."""
    stay, leave = Fraction(1 - 1e-13), Fraction(1e-13)
    return (stay + leave) / leave


def two_periods():
    """State 0 enters a cycle of 2 with probability 1/4 or a cycle of 3 with 3/4: two closed classes of period 2 and 3,
    whose stationary distributions are uniform."""
    matrix = np.zeros((6, 6))
    matrix[0, 1], matrix[0, 3] = 0.25, 0.75
    matrix[1, 2] = matrix[2, 1] = 1.0
    matrix[3, 4] = matrix[4, 5] = matrix[5, 3] = 1.0
    return mg.SparseChain.from_matrix(matrix)


def ladder(steps=16, on=1e-10, back=0.999):
    """From each rung: on with 1e-10, back to the start with 0.999, else into the sink. The goal is after 16 rungs.

    With s = 1 - on - back the answer from rung 0 is h = on**16 / (on**16 + s (1 + on + ... + on**15)), about
    1e-160 / (1e-3 - 1e-10 + ...) = 1.0000000999e-157; `ladder_probability` has it exactly, for the doubles as stored.
    """
    n = steps + 2
    matrix = np.zeros((n, n))
    for rung in range(steps):
        matrix[rung, rung + 1] += on
        matrix[rung, 0] += back
        matrix[rung, n - 1] = 1 - on - back
    matrix[steps, steps] = matrix[n - 1, n - 1] = 1.0
    return mg.SparseChain.from_matrix(matrix)


def ladder_probability(steps=16, on=1e-10, back=0.999):
    """The exact probability of `ladder` from rung 0: with weights w, only ratios within a row matter."""
    forward, sink = Fraction(on), Fraction(1 - on - back)
    total = forward + Fraction(back) + sink
    p, s = forward / total, sink / total
    return p**steps / (p**steps + s * sum(p**rung for rung in range(steps)))


def nearly_uncoupled(coupling=1e-12):
    """Two pairs of states, coupled at 1e-12. In pair A: 0 -> 1 with 1/2, 1 -> 0 with 1/4; in pair B: 2 -> 3 with 1/4,
    3 -> 2 with 1/2. Coupled by 0 -> 2 with c and 2 -> 0 with 3 c.

    Cut between the pairs: pi0 c = pi2 3c, so pi0 = 3 pi2. Cut around 1: pi0 / 2 = pi1 / 4, so pi1 = 2 pi0. Cut
    around 3: pi2 / 4 = pi3 / 2, so pi3 = pi2 / 2. Together pi is proportional to (6, 12, 2, 1) / 21, at any coupling.
    """
    c = coupling
    return mg.SparseChain.from_matrix(
        [[0.5 - c, 0.5, c, 0], [0.25, 0.75, 0, 0], [3 * c, 0, 0.75 - 3 * c, 0.25], [0, 0, 0.5, 0.5]]
    )


def line(length=5):
    """0 -> 1 -> ... -> length, which stays: the end is reached after exactly ``length`` steps."""
    matrix = np.eye(length + 1, k=1)
    matrix[length, length] = 1.0
    return mg.SparseChain.from_matrix(matrix)


def rare_run(chance=1e-40, length=20):
    """A run of ``length`` successes of chance p, any failure sending back to the start. From the start the run takes
    (1 - p**n) / ((1 - p) p**n) trials on average (the classical formula for runs), and has come within exactly n
    trials with probability p**n: 1e-800."""
    matrix = np.zeros((length + 1, length + 1))
    for done in range(length):
        matrix[done, 0] += 1 - chance
        matrix[done, done + 1] = chance
    matrix[length, length] = 1.0
    return mg.SparseChain.from_matrix(matrix)


def uniform_windows(vocab_size, context_length):
    """Every window equally likely to be followed by every token.

    Conway's waiting times: E_uniform[steps until the window ends with w, t = 0 included] + |w| is the sum of V**k over
    the borders k of w, the lengths k <= |w| at which the end of w is also its beginning.
    """
    space = mg.StateSpace(vocab_size, context_length)
    return mg.WindowChain(space, np.full((space.n_states, vocab_size), 1 / vocab_size))


def conway_number(word, vocab_size):
    """The sum of V**k over the borders k of a word, |w| included."""
    return sum(vocab_size**k for k in range(1, len(word) + 1) if tuple(word[-k:]) == tuple(word[:k]))


def read_tra(file):
    """The matrix of a PRISM .tra file, and whatever zeros it leaves."""
    lines = [line.split() for line in file.read_text().splitlines()]
    n = int(lines[0][0])
    matrix = np.zeros((n, n))
    for source, target, probability in lines[1:]:
        matrix[int(source), int(target)] = float(probability)
    return matrix


def read_lab(file):
    """The states of each label in a PRISM .lab file."""
    head, *lines = file.read_text().splitlines()
    names = {part.split("=")[0]: part.split("=")[1].strip('"') for part in head.split()}
    found = {name: [] for name in names.values()}
    for text in lines:
        state, marks = text.split(":")
        for mark in marks.split():
            found[names[mark]].append(int(state))
    return found
