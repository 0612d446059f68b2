"""What all starts lead to: least products against dense powers of fractions, and the bounds against distances."""

import math
from fractions import Fraction
from itertools import islice

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import window_chains

import markovgpt as mg
from markovgpt.errors import TooLarge
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.forgetting import Minorization, common_of_context, common_of_targets, minorizations


def drawn(shape, prefixes, seed, spread=1.0, dtype=np.float64):
    """A chain in which every token can follow."""
    space = mg.StateSpace(*shape, with_prefixes=prefixes)
    logits = np.random.default_rng(seed).normal(size=(space.n_states, space.vocab_size)) * spread
    return mg.WindowChain.from_logits(mg.LogitTable(space, logits), dtype=dtype)


def power(chain, steps):
    """P^steps in fractions, for the exact normalisation of what is stored."""
    found = rows = oracles.exact_windows(chain)
    for _ in range(steps - 1):
        found = [[sum(x * rows[k][j] for k, x in enumerate(row) if x) for j in range(len(rows))] for row in found]
    return found


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from([(2, 1), (2, 2), (2, 3), (3, 2)]), st.booleans(), st.integers(0, 10**6))
def test_the_common_part_of_a_context_is_the_least_of_each_column(shape, prefixes, seed):
    chain = drawn(shape, prefixes, seed)
    found, exact = common_of_context(chain), power(chain, shape[1])
    least = [min(column) for column in zip(*exact, strict=True)][chain.level(shape[1])]
    assert found.steps == shape[1]
    assert Fraction(found.common) <= sum(least)
    assert found.common == pytest.approx(float(sum(least)), rel=1e-11)
    assert Fraction(found.least) <= min(least)
    assert found.least == pytest.approx(float(min(least)), rel=1e-11)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.booleans(), st.integers(0, 10**6), st.integers(1, 5))
def test_the_common_part_of_targets_is_the_least_of_their_columns(prefixes, seed, steps):
    chain = drawn((2, 2), prefixes, seed)
    targets = [1, chain.n_states - 1]
    found = next(islice(common_of_targets(chain, targets), steps - 1, None))
    columns = list(zip(*power(chain, steps), strict=True))
    exact = [min(columns[target]) for target in targets]
    assert found.steps == steps
    assert Fraction(found.common) <= sum(exact)
    assert found.common == pytest.approx(float(sum(exact)), rel=1e-12)
    assert found.least == pytest.approx(float(min(exact)), rel=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains(shapes=[(2, 2), (2, 3), (3, 2), (1, 3)]))
def test_bounds_hold_for_chains_of_every_kind(chain):
    if len(mg.recurrent_classes(chain)) > 1 or isinstance(chain.next_token_probs, ScaledArray):
        return
    matrix = chain.to_csr().toarray()
    moduli = np.sort(np.abs(np.linalg.eigvals(matrix)))
    lived = mg.stationary_distributions(chain).only().value
    bounds = minorizations(chain, lived)
    ahead = np.eye(chain.n_states)
    for steps in range(1, 13):
        ahead = ahead @ matrix
        distance = np.abs(ahead - lived).sum(axis=1).max() / 2
        assert all(distance <= found.distance(steps) + 1e-12 for found in bounds)
    if chain.n_states > 1:
        # a zero in a Jordan block of three is computed as 1e-5
        assert all(moduli[-2] <= math.exp(found.log_modulus) + 1e-4 for found in bounds)


def test_tables_of_single_precision_and_below_the_doubles_are_read_as_they_are():
    single = drawn((2, 3), True, 3, dtype=np.float32)
    exact = [min(column) for column in zip(*power(single, 3), strict=True)]
    assert Fraction(common_of_context(single).common) <= sum(exact)
    assert common_of_context(single).common == pytest.approx(float(sum(exact)), rel=1e-6)
    plain = drawn((2, 3), False, 3)
    scaled = mg.WindowChain(plain.space, ScaledArray.of(plain.next_token_probs))
    assert common_of_context(scaled).common == pytest.approx(common_of_context(plain).common, rel=1e-12)
    tiny = mg.WindowChain(plain.space, ScaledArray(np.tile([1.0, 0.5], (8, 1)), np.tile([0, -3000], (8, 1))))
    found = common_of_context(tiny)
    assert (found.least, round(found.common, 12)) == (0.0, 1.0)


def test_few_steps_and_a_half_by_hand():
    half = Minorization(3, 0.5, 0.1)
    assert [half.steps_within(epsilon) for epsilon in (0.9, 0.51, 0.3, 0.2)] == [3, 3, 6, 9]
    assert [half.distance(steps) for steps in (0, 2)] == [1, 1]
    assert half.distance(6) == pytest.approx(0.25, rel=1e-14)
    for folds in (900, 1073, 1080, 10**5):  # 2**-folds is below the doubles at last, and never 0
        assert Fraction(half.distance(3 * folds)) >= Fraction(1, 2**folds)
    assert half.log_modulus == pytest.approx(math.log(0.5) / 3, rel=1e-14)
    assert half.log_modulus > math.log(0.5) / 3 * (1 + 1e-18)
    assert half.steps_by_least(0.5) == 3 * (4 + 1)  # 0.8^4 = 0.41
    nothing, all_of_it = Minorization(2, 0.0, 0.0), Minorization(2, 1.0, 0.5)
    assert (nothing.log_modulus, nothing.steps_within(0.1), nothing.distance(10**6)) == (0, math.inf, 1)
    assert nothing.steps_by_least(0.1) == math.inf
    assert all_of_it.steps_within(1e-15) == 2
    assert Minorization(3, 1e-17, 0.0).steps_within(0.1) == pytest.approx(3 * math.log(10) * 1e17, rel=1e-12)
    assert Minorization(3, 1e-305, 0.0).steps_within(0.1) == math.inf


def test_an_impossible_token_leaves_the_context_nothing_and_the_targets_something():
    rows = np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])  # 10 is followed by 0 alone
    chain = mg.WindowChain(mg.StateSpace(2, 2), rows)
    assert common_of_context(chain).least == 0
    best = min(minorizations(chain, np.array([0.4, 0.2, 0.3, 0.1])), key=lambda found: found.steps_within(0.25))
    assert 2 <= best.steps_within(0.25) <= 10


def test_a_periodic_chain_has_nothing_in_common_and_ends():
    turning = mg.SparseChain.from_matrix([[0.0, 1.0], [1.0, 0.0]])
    assert {found.common for found in minorizations(turning, np.array([0.5, 0.5]))} == {0.0}


def test_what_would_not_fit_is_refused(monkeypatch):
    chain = drawn((2, 3), False, 1)
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100)
    with pytest.raises(TooLarge, match=r"bounds over 8 states x 2 tokens need .* give a shorter context length"):
        common_of_context(chain)
    with pytest.raises(TooLarge, match=r"4 vectors over the states need .* ask for fewer"):
        next(common_of_targets(chain, [0, 1, 2, 3]))
