"""The transitions of a chain as they are written: all of them, in order, some states at a time."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_chains import matrices, window_chains
from test_drn import fractions_of

import markovgpt as mg
from markovgpt.exchange import written_rows
from markovgpt.exchange.written_numbers import exact, rounded
from markovgpt.exchange.written_rows import listed_rows
from markovgpt.scaled import to_fraction

CHAINS = st.one_of(matrices().map(mg.SparseChain.from_matrix), window_chains())


@given(CHAINS, st.sampled_from([1, 3, 10**6]))
def test_rows_are_those_of_the_chain(chain, at_once):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written_rows, "WRITTEN_AT_ONCE", at_once)
        blocks = [list(rows) for rows in listed_rows(chain)]
    rows = [row for block in blocks for row in block]
    places = [(source, target) for source, target, _ in rows]
    assert places == sorted(set(places))
    # a decimal's nearest number of 53 bits is the chain's
    read = {place: to_fraction(*rounded(exact(text))) for place, (_, _, text) in zip(places, rows, strict=True)}
    assert read == fractions_of(chain)
    assert max(map(len, blocks)) <= max(at_once, chain.largest_row)


def test_each_decimal_has_at_most_seventeen_digits():
    chain = mg.SparseChain.from_matrix([[1 / 3, 2 / 3], [1e-320, 1.0]])
    texts = [text for rows in listed_rows(chain) for _, _, text in rows]
    assert texts == ["0.3333333333333333", "0.6666666666666666", texts[2], "1.0"]
    assert Fraction(texts[2]) == pytest.approx(Fraction(1e-320), rel=1e-15)
