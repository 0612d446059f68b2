"""Rows as a UMB archive stores them: bit for bit where they are right, refused where they stand where they are not."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.exchange.umb_index import DOUBLE, RATIONAL, Kind
from markovgpt.exchange.umb_rows import Stored, build_rows, stored
from markovgpt.scaled import ScaledArray, to_fraction


def refusal(member, expected, got, remedy):
    """As an archive refuses."""
    return mg.InvalidInput(f"x.umb, {member}: {expected}, got {got}; {remedy}")


def pairs(values, bits):
    """Rational numbers as they are stored."""
    half = bits // 16
    data = b"".join(
        value.numerator.to_bytes(half, "little", signed=True) + value.denominator.to_bytes(half, "little")
        for value in map(Fraction, values)
    )
    return np.frombuffer(data, dtype=np.uint8)


def built(rows, *, exact=False, **how):
    """What is made of rows of (target, value)."""
    flat = [pair for row in rows for pair in row]
    bounds = np.cumsum([0, *map(len, rows)]).astype("<u8")
    targets = np.array([target for target, _ in flat], dtype="<u8")
    values = [value for _, value in flat]
    numbers = stored(pairs(values, 128), RATIONAL) if exact else Stored(np.array(values, dtype="<f8"), None)
    return build_rows(refusal, bounds, targets, numbers, **{"normalise": False, "fix_deadlocks": False} | how)


def kept(chain):
    """Every transition's probability, exactly."""
    source, target, probability = chain.edges()
    scaled = ScaledArray.of(probability)
    exact = [to_fraction(*part) for part in zip(scaled.mantissa.tolist(), scaled.exponent.tolist(), strict=True)]
    return dict(zip(zip(source.tolist(), target.tolist(), strict=True), exact, strict=True))


COIN = [[(0, 0.25), (1, 0.75)], [(1, 1.0)]]


def test_rows_are_taken_in_any_order_and_zeros_are_impossible():
    expected = {(0, 0): Fraction(1, 4), (0, 1): Fraction(3, 4), (1, 1): Fraction(1)}
    assert kept(built(COIN).chain) == expected
    assert kept(built([[(1, 0.75), (0, 0.25)], [(0, 0.0), (1, 1.0)]]).chain) == expected
    assert kept(built([[(1, Fraction(3, 4)), (0, Fraction(1, 4))], [(0, 0), (1, 1)]], exact=True).chain) == expected


@pytest.mark.parametrize("row", [[(0, 0.0), (0, 1.0)], [(1, 0.5), (0, 0.0), (1, 0.5), (0, 0.0)]])
def test_a_branch_listed_twice_is_refused_even_where_it_is_impossible(row):
    with pytest.raises(mg.InvalidInput, match=r"a branch must be listed once, got the one from 0 to 0 again; add the"):
        built([row, [(1, 1.0)]])


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-301])
def test_tiny_doubles_are_kept_bit_for_bit(tiny):
    assert kept(built([[(0, tiny), (1, 1.0)], [(1, 1.0)]]).chain)[0, 0] == Fraction(tiny)


def test_rational_numbers_are_rounded_to_the_nearest():
    found = kept(built([[(0, Fraction(1, 3)), (1, Fraction(2, 3))], [(1, 1)]], exact=True).chain)
    assert (found[0, 0], found[0, 1]) == (Fraction(1 / 3), Fraction(2 / 3))
    small = stored(pairs([Fraction(1, 10**400)], 4096), Kind("rational", 4096))
    assert abs(float(small.as_numbers().log10()[0]) + 400) < 1e-9


@given(st.lists(st.fractions(-(10**9), 10**9, max_denominator=10**9), max_size=6), st.sampled_from([128, 256]))
def test_what_is_stored_is_read_exactly(values, bits):
    found = stored(pairs(values, bits), Kind("rational", bits))
    assert [found.exact(place) for place in range(len(values))] == values


def test_doubles_are_seen_where_they_lie():
    data = np.array([0.5, 1e-320]).view(np.uint8)
    found = stored(data, DOUBLE)
    assert np.shares_memory(found.numbers, data)
    assert [found.exact(0), found.exact(1)] == [Fraction(1, 2), Fraction(1e-320)]


def test_a_denominator_of_zero_is_none():
    with pytest.raises(ZeroDivisionError):
        stored(np.frombuffer(b"\1" + bytes(15), dtype=np.uint8), RATIONAL)


@pytest.mark.parametrize(
    ("rows", "exact", "told"),
    [
        (
            [[(0, np.nan)], [(1, 1)]],
            False,
            "branch-to-probability.bin: a probability must lie in [0, 1], got nan from st",
        ),
        ([[(0, -0.5), (1, 1.5)], [(1, 1)]], False, "must lie in [0, 1], got -0.5 from state 0; export the chain again"),
        ([[(0, 1.0)], [(1, np.inf)]], False, "a probability must lie in [0, 1], got inf from state 1"),
        (
            [[(0, 1.0)], [(1, 1 + 2**-52)]],
            False,
            "a probability must lie in [0, 1], got 1.0000000000000002 from state 1",
        ),
        ([[(0, Fraction(-1, 2))], [(1, 1)]], True, "a probability must lie in [0, 1], got -1/2 from state 0"),
        ([[(2, 1.0)], [(1, 1.0)]], False, "branch-to-target.bin: targets must be states in 0..1, got 2 from state 0"),
        ([[(2**64 - 1, 1.0)], [(1, 1.0)]], False, "targets must be states in 0..1, got 18446744073709551615 from"),
        ([[(0, 0.5), (0, 0.5)], [(1, 1.0)]], False, "a branch must be listed once, got the one from 0 to 0 again; add"),
        ([[(1, 0.25), (0, 0.5), (1, 0.25)], [(1, 1.0)]], False, "got the one from 0 to 1 again"),
        (
            [[], [(1, 1.0)]],
            False,
            "choice-to-branches.bin: state 0 must have a possible branch, got none there and in 0",
        ),
        ([[(0, 1.0)], [(1, 0.0)]], False, "state 1 must have a possible branch"),
        (
            [[(0, 0.9)], [(1, 1.0)]],
            False,
            "the probabilities of state 0 must sum to 1, got 1-0.1; add the branch that is",
        ),
        ([[(0, 1.0)], [(0, 0.9), (1, 0.6)]], False, "the probabilities of state 1 must sum to 1, got 1+0.5"),
        ([[(0, 0.5), (1, 0.5 + 1e-10)], [(1, 1)]], False, "got 1+1e-10; export it with all digits, or give normalise"),
        ([[(0, Fraction(1, 3)), (1, Fraction(1, 3))], [(1, 1)]], True, "must sum to 1, got 1-0.333; add the branch"),
        ([[(0, Fraction(1, 2**62)), (1, 1)], [(1, 1)]], True, "must sum to 1, got 1+2.17e-19; add"),  # exactly
    ],
)
def test_rows_that_are_none_are_refused(rows, exact, told):
    with pytest.raises(mg.InvalidInput, match=re.escape(told)):
        built(rows, exact=exact)


@pytest.mark.parametrize("bounds", [[1, 2, 3], [0, 3, 2], [0, 2, 2], [0, 2, 4], [0, 2**64 - 1, 3]])
def test_bounds_that_go_back_or_beyond_are_refused(bounds):
    targets, values = np.array([0, 1, 1], dtype="<u8"), Stored(np.array([0.25, 0.75, 1.0]), None)
    told = "choice-to-branches.bin: the branches must be counted from 0 to 3, never back, got other numbers"
    with pytest.raises(mg.InvalidInput, match=told):
        build_rows(refusal, np.array(bounds, dtype="<u8"), targets, values, normalise=False, fix_deadlocks=False)


def test_rows_are_normalised_and_deadlocks_fixed_only_on_request():
    found = built([[(0, 0.5), (1, 0.25)], [], [(2, 1.0)]], normalise=True, fix_deadlocks=True)
    assert (found.normalised.tolist(), found.fixed_deadlocks.tolist()) == ([0], [1])
    # (1/2) / (3/4) = 2/3, rounded once
    assert kept(found.chain) == {(0, 0): Fraction(2 / 3), (0, 1): Fraction(1 / 3), (1, 1): 1, (2, 2): 1}
    exact = built([[(0, Fraction(1, 2)), (1, Fraction(1, 4))], [(1, 1)]], exact=True, normalise=True)
    assert (exact.normalised.tolist(), kept(exact.chain)[0, 0]) == ([0], Fraction(2 / 3))
    assert isinstance(exact.chain.edges().probability, np.ndarray)


def test_rows_may_be_off_by_the_rounding_of_their_sum():
    tenth = [(target, 0.1) for target in range(10)]  # ten tenths are 1 - 2**-53 in doubles
    assert built([tenth, *([[(0, 1.0)]] * 9)]).normalised.tolist() == []
