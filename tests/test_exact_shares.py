"""Exact sums and shares, by hand; against chains in `test_lumping`."""

import numpy as np

from markovgpt.chains.exact_shares import exact_sums, same_shares


def row(*numbers):
    """The sums of a row that sends (block, number) pairs."""
    blocks, values = (np.array(part) for part in zip(*numbers, strict=True))
    mantissas, exponents = np.frexp(values)
    return exact_sums(blocks, mantissas, exponents.astype(np.int64))


def test_sums_are_exact_where_doubles_round():
    assert row((0, 1.0), (0, 2.0**-80)) != row((0, 1.0))
    assert row((0, 0.5), (0, 0.5)) == row((0, 1.0))
    assert row((1, 0.25), (0, 1.0), (1, 0.75)) == row((0, 1.0), (1, 1.0))


def test_a_carry_goes_on_through_full_places():
    # 2**64 - 2**-53 and 2**-53 are 2**64: every bit carries
    parts = [(0, 2.0**power) for power in range(-53, 64)]
    assert row(*parts, (0, 2.0**-53)) == row((0, 2.0**64))


def test_shares_do_not_mind_the_total():
    assert same_shares(row((0, 0.25), (1, 0.75)), row((0, 3.0), (1, 9.0)))
    assert not same_shares(row((0, 0.25), (1, 0.75)), row((0, 3.0), (1, 9.5)))
    assert not same_shares(row((0, 0.25), (1, 0.75)), row((0, 0.25), (2, 0.75)))
    assert same_shares(row((4, 0.1), (4, 0.7)), row((4, 1.0)))
    tiny = 2.0**-1000
    assert same_shares(row((0, tiny), (1, 3 * tiny)), row((0, 1.0), (1, 3.0)))
    assert not same_shares(row((0, tiny), (1, 3 * tiny)), row((0, 1.0), (1, 3.0 + 2.0**-51)))
