"""The answers to 60 digits, against fractions."""

from fractions import Fraction

import decimals
import oracles
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import matrices, window_chains


def agree(found, exact):
    if found is None or exact is None:
        return found is exact
    return abs(Fraction(found) - exact) <= exact * Fraction(1, 10**45)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_every_answer_is_the_one_in_fractions(matrix, data):
    n, rows = len(matrix), oracles.exact_rows(matrix)
    target = sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1)))
    avoiding = sorted(data.draw(st.sets(st.integers(0, n - 1))) - set(target))
    start, reward = data.draw(st.integers(0, n - 1)), [(7 * state) % 3 / 4 for state in range(n)]
    with decimals.localcontext(decimals.PRECISE):
        precise = [
            {j: decimals.Decimal(p.numerator) / decimals.Decimal(p.denominator) for j, p in enumerate(row) if p}
            for row in rows
        ]
    pairs = [
        (decimals.hitting(precise, target, avoiding), oracles.hitting(rows, target, avoiding)),
        (decimals.expected_reward(precise, reward, target), oracles.expected_reward(rows, reward, target)),
    ]
    if None not in oracles.expected_reward(rows, [1] * n, target):
        pairs.append((decimals.visits(precise, target, start), oracles.visits(rows, target, start)))
    pairs += [(decimals.stationary(precise, c), oracles.stationary(rows, c)) for c in decimals.classes(precise)]
    for found, exact in pairs:
        assert all(agree(x, y) for x, y in zip(found, exact, strict=True))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(window_chains())
def test_rows_of_windows_sum_to_one_and_lead_where_the_chain_leads(chain):
    rows = decimals.window_rows(chain)
    assert all(agree(sum(map(Fraction, row.values())), Fraction(1)) for row in rows)
    source, target, _ = chain.edges()
    assert {(i, j) for i, row in enumerate(rows) for j in row} == set(
        zip(source.tolist(), target.tolist(), strict=True)
    )
