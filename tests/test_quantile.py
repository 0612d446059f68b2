"""Quantiles against fractions step by step, closed forms of sixty digits, and proofs by the support."""

import math
from fractions import Fraction

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
from markovgpt.analysis.quantile import hitting_quantile


def exact_quantile(rows, target, start, probability, most):
    """The quantile by fractions, step by step: infinite where it is, None where it comes after ``most`` steps."""
    if oracles.hitting(rows, target)[start] < probability:
        return math.inf
    mass, so_far = {start: Fraction(1)}, Fraction(0)
    for step in range(most + 1):
        so_far += sum(chance for state, chance in mass.items() if state in target)
        if so_far >= probability:
            return step
        after: dict[int, Fraction] = {}
        for state, chance in mass.items():
            for j, p in enumerate(rows[state]) if state not in target else ():
                if p:
                    after[j] = after.get(j, Fraction(0)) + chance * p
        mass = after
    return None


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(largest=5), st.data())
def test_quantiles_are_the_exact_ones(matrix, data):
    n = len(matrix)
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1))
    start = data.draw(st.integers(0, n - 1))
    probability = data.draw(st.sampled_from([1e-12, 0.1, 0.3, 0.55, 0.9]))
    exact = exact_quantile(oracles.exact_rows(matrix), target, start, Fraction(probability), 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrivals, "MOST_STEPS", 256)
        found = hitting_quantile(mg.SparseChain.from_matrix(matrix), sorted(target), probability, start=start)
    if exact is None:
        assert found.upper > 12
    else:
        assert found.lower <= exact <= found.upper
    if exact is not None and exact < math.inf:
        assert found.lower == found.upper


@pytest.mark.parametrize("probability", [0.01, 0.5, 0.999])
@pytest.mark.parametrize("chance", [0.3, 1e-5, 8e-23, 1e-300])
def test_geometric_quantiles_are_logarithms(chance, probability):
    chain = mg.SparseChain.from_matrix([[1 - chance, chance], [0, 1]])
    found = hitting_quantile(chain, [1], probability, start=0)
    p = Fraction(chance) / (Fraction(chance) + Fraction(1 - chance))
    with mpmath.workdps(1000):
        exact = int(
            mpmath.ceil(mpmath.log1p(-mpmath.mpf(probability)) / mpmath.log1p(-mpmath.mpf(p.numerator) / p.denominator))
        )
    assert found.lower <= exact <= found.upper
    assert Fraction(found.upper - found.lower, exact) < Fraction(1, 10**9)
    if chance >= 1e-5:
        assert found.lower == found.upper == found.value
    assert found.iterations <= 128


def test_the_median_of_a_run_has_eight_hundred_digits():
    # P(T > n) is (1 - p**20)**n within factors of 1 +- 1e-40 and a start-up of 20 steps: no digit that is asserted
    found = hitting_quantile(chains.rare_run(), [20], 0.5, start=0)
    p = Fraction(1e-40) / (Fraction(1e-40) + 1)
    with mpmath.workdps(60):
        exact = mpmath.log10(mpmath.log(2)) - 20 * oracles.log10(p)
        assert mpmath.log10(found.lower) <= exact + mpmath.mpf(10) ** -30
        assert mpmath.log10(found.upper) >= exact - mpmath.mpf(10) ** -30
        assert mpmath.log10(found.upper) - mpmath.log10(found.lower) < 1e-10


@pytest.mark.parametrize(("start", "extra"), [(0, 0), (1, -1)])
def test_in_a_cycle_only_every_other_step_counts(start, extra):
    # from 0 the end is entered after 2, 4, ... steps, from 1 after 1, 3, ...
    chain = mg.SparseChain.from_matrix([[0, 1, 0], [1 - 1e-6, 0, 1e-6], [0, 0, 1]])
    p = Fraction(1e-6) / (Fraction(1e-6) + Fraction(1 - 1e-6))
    with mpmath.workdps(60):
        rounds = int(mpmath.ceil(mpmath.log(0.5) / mpmath.log1p(-mpmath.mpf(p.numerator) / p.denominator)))
    found = hitting_quantile(chain, [2], 0.5, start=start)
    assert found.lower == found.upper == 2 * rounds + extra
    assert found.iterations < 200


def test_a_deterministic_chain_of_length_five_has_one_quantile():
    for probability in (1e-300, 0.5, 0.999, 1):
        found = hitting_quantile(chains.line(), [5], probability, start=0)
        assert (found.lower, found.value, found.upper) == (5, 5, 5)
    assert hitting_quantile(chains.line(), [5], 0, start=0).upper == 0
    assert hitting_quantile(chains.line(), [5], 1, start=5).upper == 0
    assert hitting_quantile(chains.line(), [5], 0.5, start=5).upper == 0
    assert hitting_quantile(chains.line(), [5], 1, start=np.array([0.5, 0, 0.5, 0, 0, 0])).upper == 5


def test_what_is_only_almost_sure_has_no_last_step():
    coin = mg.SparseChain.from_matrix([[0.5, 0.5], [0, 1]])
    assert hitting_quantile(coin, [1], 1, start=0).lower == math.inf
    assert hitting_quantile(chains.gambler(), [3], 1, start=1).lower == math.inf
    assert hitting_quantile(chains.trap(), [2], 1, start=1).lower == math.inf
    assert hitting_quantile(chains.line(), [5], 1, start=0, avoiding=[3]).lower == math.inf


def test_what_is_reached_less_likely_is_infinite_by_proof():
    for chain, target, start in ((chains.gambler(), [3], 1), (chains.trap(), [2], 1), (chains.trap(), [2], 0)):
        found = hitting_quantile(chain, target, 0.51, start=start)
        assert found.lower == found.value == found.upper == math.inf
        assert "reached less likely" in found.method
    avoiding = hitting_quantile(chains.line(), [5], 0.5, start=0, avoiding=[3])
    assert avoiding.lower == math.inf
    assert hitting_quantile(chains.gambler(), [3], 0.05, start=1).value == 2  # 1/16 within two tosses


def test_what_bounds_cannot_decide_is_said(monkeypatch):
    monkeypatch.setattr(arrivals, "MOST_STEPS", 256)
    found = hitting_quantile(chains.gambler(), [3], 1 / 13, start=1)  # P(ever) = 1/13
    assert found.lower >= 2
    assert found.upper == math.inf
    assert "undecided whether it is ever reached so likely" in found.method


def test_survivors_that_split_have_wide_quantiles_that_hold(monkeypatch):
    monkeypatch.setattr(arrivals, "MOST_STEPS", 256)
    chain = mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 1 - 1e-6, 0, 1e-6], [0, 0, 1 - 1e-3, 1e-3], [0, 0, 0, 1]])
    found = hitting_quantile(chain, [3], 0.75, start=0)
    # after 10**5 steps nothing is left of the fast half: 1/2 + (1 - (1 - 1e-6)**(n - 1)) / 2 = 3/4
    exact = 1 + math.ceil(math.log(0.5) / math.log1p(-1e-6))
    assert found.lower <= exact <= found.upper
    alone = hitting_quantile(chain, [3], 0.5, start=1)  # only what can be reached counts
    assert alone.lower == alone.upper == exact - 1


def test_stop_tokens_and_windows():
    chain = chains.uniform_windows(3, 2)
    red = mg.ending_with(chain.space, (1,))
    assert hitting_quantile(chain, red, 0.5, start=(0, 0)).value == 2  # 1/3, 5/9
    assert hitting_quantile(chain, red, 0.44, start=(0, 0), stop_tokens=[2]).value == 2  # 1/3, 4/9
    assert hitting_quantile(chain, red, 0.51, start=(0, 0), stop_tokens=[2]).value == math.inf  # 1/2 at most


def test_the_summary_is_plain():
    summary = hitting_quantile(chains.line(), [5], 0.5, start=0).summary()
    assert summary == {
        "probability": 0.5,
        "value": 5,
        "lower": 5,
        "upper": 5,
        "method": "5 products",
        "iterations": 5,
    }


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(probability):
    with pytest.raises(mg.InvalidInput, match=r"probability must lie in \[0, 1\]"):
        hitting_quantile(chains.line(), [5], probability, start=0)
