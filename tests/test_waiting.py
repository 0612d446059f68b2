"""The law of the waiting time against exact fractions, closed forms and chains below the doubles."""

from fractions import Fraction
from unittest.mock import patch

import mpmath
import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices

import markovgpt as mg
from markovgpt.analysis import arrivals
from markovgpt.analysis.waiting import hitting_law


def exact_law(rows, target, start, steps, avoiding=()):
    """P(T = t), P(T <= t), P(alive) and the hazard (0 where nothing is alive) for t = 0 .. steps, exactly."""
    n, found, before = len(rows), [], Fraction(1)
    mass = [Fraction(int(i == start)) for i in range(n)]
    so_far = Fraction(0)
    for _ in range(steps + 1):
        arriving = sum(mass[i] for i in target)
        so_far += arriving
        mass = [Fraction(0) if i in target or i in avoiding else x for i, x in enumerate(mass)]
        found.append((arriving, so_far, sum(mass), arriving / before if before else Fraction(0)))
        before = sum(mass)
        mass = [sum(mass[i] * rows[i][j] for i in range(n)) for j in range(n)]
    return found


def check(law, expected):
    """Every number of a law is enclosed."""
    for t, numbers in enumerate(expected):
        for answer, exact in zip((law.probability, law.within, law.alive, law.hazard), numbers, strict=True):
            oracles.assert_encloses(answer, exact, t)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_every_step_is_the_exact_one(matrix, data):
    n = len(matrix)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    avoiding = data.draw(st.sets(st.integers(0, n - 1)))
    start = data.draw(st.integers(0, n - 1))
    ask = {"start": start, "steps": 6, "avoiding": sorted(avoiding) or None}
    exact = exact_law(oracles.exact_rows(matrix), target, start, 6, avoiding)
    check(hitting_law(mg.SparseChain.from_matrix(matrix), sorted(target), **ask), exact)
    with patch.multiple(arrivals, FEW=1, LISTED_STEPS=0):  # what is ahead of the start, by a list
        check(hitting_law(mg.SparseChain.from_matrix(matrix), sorted(target), **ask), exact)


def test_the_law_is_a_sum_over_paths():
    matrix = [[0.5, 0.25, 0.25], [0.125, 0.5, 0.375], [0.25, 0.25, 0.5]]
    law = hitting_law(mg.SparseChain.from_matrix(matrix), [2], start=0, steps=4)
    for t in range(5):
        oracles.assert_encloses(law.within, oracles.within(oracles.exact_rows(matrix), {2}, 0, t)[0], t)


def test_a_deterministic_chain_of_length_five_arrives_at_step_five():
    law = hitting_law(chains.line(), [5], start=0, steps=7)
    assert law.probability.value.tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    assert law.within.value.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert law.alive.value.tolist() == [1, 1, 1, 1, 1, 0, 0, 0]
    assert law.hazard.value.tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    assert law.probability.upper[[0, 4, 6]].tolist() == [0, 0, 0]
    assert (law.within.lower[5:] > 1 - 1e-12).all()
    assert law.probability.iterations == 5


def test_a_start_in_the_target_waits_for_nothing():
    law = hitting_law(chains.gambler(), [3], start=3, steps=2)
    for answer, exact in ((law.probability, [1, 0, 0]), (law.within, [1, 1, 1]), (law.alive, [0, 0, 0])):
        assert answer.lower[0] == answer.upper[0] == exact[0]
        assert answer.value.tolist() == exact
    assert hitting_law(chains.gambler(), [3], start=3, steps=0).hazard.lower.tolist() == [1]
    both = hitting_law(chains.gambler(), [3], start=3, steps=0, avoiding=[3])
    assert both.probability.lower.tolist() == [1]


def test_a_start_that_has_ended_waits_for_ever():
    law = hitting_law(chains.gambler(), [3], start=0, steps=2, avoiding=[0])
    assert law.probability.upper.tolist() == law.alive.upper.tolist() == [0, 0, 0]


def test_an_unreachable_target_is_a_proved_zero_at_every_step():
    law = hitting_law(chains.trap(), [2], start=1, steps=9)
    assert law.within.upper.tolist() == law.hazard.upper.tolist() == [0] * 10
    assert law.alive.value.tolist() == [1] * 10


def test_a_run_keeps_its_digits_below_the_doubles():
    p = Fraction(1e-40) / (Fraction(1e-40) + 1)
    law = hitting_law(chains.rare_run(), [20], start=0, steps=21)
    oracles.assert_encloses(law.probability, p**20, 20)
    oracles.assert_encloses(law.hazard, p**20, 20)
    oracles.assert_encloses(law.probability, (1 - p) * p**20, 21)
    assert law.probability.upper[:20].max() == 0


def test_a_geometric_waiting_time_has_one_hazard():
    chain = mg.SparseChain.from_matrix([[0.75, 0.25], [0, 1]])
    law = hitting_law(chain, [1], start=0, steps=3000)
    assert law.hazard.value[1:] == pytest.approx(0.25, rel=1e-14)
    assert law.hazard.upper[-1] / law.hazard.lower[-1] - 1 < 1e-10
    with mpmath.workdps(60):  # 10**-375: below the doubles
        assert law.alive.log10_lower[3000] <= 3000 * mpmath.log10(mpmath.mpf(0.75)) <= law.alive.log10_upper[3000]
    assert law.alive.value[3000] == 0
    assert law.alive.upper[3000] > 0


def test_in_a_cycle_the_hazard_comes_every_other_step():
    chain = mg.SparseChain.from_matrix([[0, 1, 0], [0.75, 0, 0.25], [0, 0, 1]])
    law = hitting_law(chain, [2], start=0, steps=6)
    assert law.hazard.value.tolist() == [0, 0, 0.25, 0, 0.25, 0, 0.25]
    assert law.hazard.upper[[0, 1, 3, 5]].tolist() == [0] * 4


def test_windows_are_asked_from_a_distribution():
    chain = chains.uniform_windows(2, 3)
    law = hitting_law(chain, chain_mask := mg.ending_with(chain.space, (1, 1, 1)), start=np.full(8, 1 / 8), steps=5)
    rows = oracles.exact_rows(chain.to_csr().toarray())
    from_each = [exact_law(rows, set(np.flatnonzero(chain_mask).tolist()), start, 5) for start in range(8)]
    for t in range(6):
        oracles.assert_encloses(law.probability, sum(found[t][0] for found in from_each) / 8, t)
        oracles.assert_encloses(law.alive, sum(found[t][2] for found in from_each) / 8, t)


def test_stop_tokens_end_the_text():
    chain = chains.uniform_windows(3, 2)
    law = hitting_law(chain, mg.ending_with(chain.space, (1,)), start=(0, 0), steps=2, stop_tokens=[2])
    for t, exact in enumerate((0, Fraction(1, 3), Fraction(1, 9))):
        assert law.probability.value[t] == pytest.approx(float(exact), rel=1e-14)
        assert law.alive.value[t] == pytest.approx(3.0**-t, rel=1e-14)


def test_the_summary_holds_every_step():
    summary = hitting_law(chains.line(), [5], start=0, steps=2).summary()
    assert list(summary) == ["probability", "within", "alive", "hazard"]
    assert summary["alive"]["value"] == [1, 1, 1]


@pytest.mark.parametrize("steps", [-1, 2.5, True, 65_537])
def test_a_number_of_steps_out_of_range_is_refused(steps):
    with pytest.raises(mg.InvalidInput, match=r"steps must be a whole number in 0..65536"):
        hitting_law(chains.line(), [5], start=0, steps=steps)


def test_a_law_of_every_start_is_refused():
    with pytest.raises(mg.InvalidInput, match="start must be given"):
        hitting_law(chains.line(), [5], start=None, steps=2)
