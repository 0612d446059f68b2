"""Intervals of a probability, and how often they hold: by hand, in fractions, and against published values."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from scipy.stats import binomtest

import markovgpt as mg
from experiments.binomial_intervals import KINDS, coverage, intervals, shown_coverage


def law(p, n):
    """P(K = k) in fractions."""
    return [Fraction(math.comb(n, k)) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def test_intervals_by_hand():
    found = intervals(1, 4)
    z = 1.959963984540054
    reach = z * math.sqrt(0.25 * 0.75 / 4)
    assert found["normal"] == pytest.approx((0.0, 0.25 + reach), abs=1e-14)
    for end in found["Wilson"]:  # where the score test just rejects
        assert (0.25 - end) ** 2 == pytest.approx(z * z * end * (1 - end) / 4, rel=1e-12)
    low, high = found["Clopper-Pearson"]
    assert 1 - (1 - low) ** 4 == pytest.approx(0.025, rel=1e-12)  # P(K >= 1)
    assert (1 - high) ** 4 + 4 * high * (1 - high) ** 3 == pytest.approx(0.025, rel=1e-12)  # P(K <= 1)


@pytest.mark.parametrize(("kind", "name"), [("Wilson", "wilson"), ("Clopper-Pearson", "exact")])
@pytest.mark.parametrize("seen", [0, 1, 7, 49, 50])
def test_intervals_beside_scipy(kind, name, seen):
    other = binomtest(seen, 50).proportion_ci(method=name)
    assert intervals(seen, 50)[kind] == pytest.approx((other.low, other.high), abs=1e-12)


def test_what_was_never_seen_is_below_the_rule_of_three():
    n = 1_000_000
    found = intervals(0, n)
    assert found["normal"] == (0, 0)
    assert found["Clopper-Pearson"][1] == pytest.approx(1 - 0.025 ** (1 / n), rel=1e-9)
    assert 3 / n < found["Clopper-Pearson"][1] < 4 / n


@pytest.mark.parametrize("p", [Fraction(1, 100), Fraction(3, 10), Fraction(1, 2), Fraction(93, 100)])
@pytest.mark.parametrize("n", [1, 12, 50])
def test_coverage_is_the_law_over_the_intervals_that_hold(p, n):
    found = coverage(Decimal(p.numerator) / p.denominator, n)
    for kind in KINDS:
        ends = [intervals(k, n)[kind] for k in range(n + 1)]
        exact = sum(chance for chance, (low, high) in zip(law(p, n), ends, strict=True) if low <= p <= high)
        held, missed = found[kind]
        assert float(held) == pytest.approx(float(exact), abs=1e-15)
        assert float(held + missed) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(("n", "published"), [(30, 0.946), (98, 0.928)])
def test_the_normal_interval_at_published_points(n, published):
    held, _ = coverage(Decimal("0.2"), n)["normal"]  # Brown, Cai, DasGupta 2001, section 2: p = 0.2
    assert float(held) == pytest.approx(published, abs=5e-4)


def test_of_what_is_never_seen_the_normal_interval_holds_nothing():
    found = coverage(Decimal("1e-30"), 10**6)
    assert float(found["normal"][0]) == pytest.approx(1e-24, rel=1e-12)  # once in 1e24 it is seen, once
    assert float(found["Clopper-Pearson"][1]) == pytest.approx(1e-24, rel=1e-12)


def test_digits_that_both_ends_agree_on():
    half = Decimal("0.5")
    assert shown_coverage([(half, half), (half, half)]) == "0.50000"
    assert (
        shown_coverage([(Decimal("0.71"), Decimal("0.29")), (Decimal("0.29"), Decimal("0.71"))]) == "from 0.29 to 0.71"
    )
    assert shown_coverage([(Decimal("1.23449e-9"), 1 - Decimal("1.23449e-9"))]) == "1.2345e-9"


@pytest.mark.parametrize("p", ["0", "1", "-0.5"])
def test_refusals(p):
    with pytest.raises(mg.InvalidInput, match=f"chance must lie between 0 and 1, got {p}"):
        coverage(Decimal(p), 10)
