"""The transitions of a file while they are read: each number rounded once, whatever way it came in."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.exchange import listing as listing_module
from markovgpt.exchange.listing import DECIMAL, WHOLE, Listing, parts_of
from markovgpt.exchange.text_file import TextFile
from markovgpt.scaled import to_fraction


def empty(path=Path("file")):
    return Listing(TextFile(path, iter(())))


def test_transitions_one_by_one_and_together_keep_their_order(monkeypatch):
    monkeypatch.setattr(listing_module, "ADDED_AT_ONCE", 2)
    listing = empty()
    for line, text in enumerate(["0.5", "1", "1/3", "0.25"], 1):
        listing.add(line, 2 * line, text, line)
    numbers = np.array([[7, 0.125], [8, 1]])
    listing.add_numbers(np.array([5.0, 6.0]), numbers, np.array([True, False]), np.array([9, 10]))
    listing.add(40, 41, "0.75", 2**40)
    assert (listing.n_transitions, listing.last_state()) == (7, 41)
    rows = listing.columns()
    assert rows.source.tolist() == [1, 2, 3, 4, 5, 6, 40]
    assert rows.target.tolist() == [2, 4, 6, 8, 7, 8, 41]
    assert rows.probability().tolist() == [0.5, 1, 1 / 3, 0.25, 0.125, 1, 0.75]
    assert rows.written.tolist() == [DECIMAL, WHOLE, 0, DECIMAL, DECIMAL, WHOLE, DECIMAL]
    assert rows.line.tolist() == [1, 2, 3, 4, 9, 10, 2**32 - 1]
    assert rows.take(rows.source > 5).target.tolist() == [8, 41]
    assert (listing.n_transitions, listing.last_state()) == (0, -1)


def test_equal_fractions_are_kept_once_and_decimals_not_at_all():
    listing = empty()
    for text in ["1/3", "2/6", "1/3", "0.125", "1e-400", "0"]:
        listing.add(0, 0, text, 1)
    assert listing.texts == {"1/3": 0, "2/6": 1}
    assert listing.fractions == [Fraction(1, 3)] * 2
    assert listing.values(listing.columns())[:4] == [Fraction(1, 3)] * 3 + [Fraction(1, 8)]


@pytest.mark.parametrize(
    "text", ["1e-400", "4.9e-324", "9.99999999999999999999e-301", "1e-300", "1/3", f"1/{3**700}", "0", "0.0", "1.0000"]
)
def test_a_number_is_rounded_once(text):
    listing = empty()
    listing.add(0, 0, text, 1)
    rows = listing.columns()
    kept, value = to_fraction(float(rows.mantissa[0]), int(rows.exponent[0])), Fraction(text)
    assert abs(kept - value) * 2**53 <= value
    if value >= Fraction(1e-300) or not value:
        assert (rows.mantissa[0], rows.exponent[0]) == (float(value), 0)


@pytest.mark.parametrize(
    "text", ["2", "1.5", "1.00000000000000000001", "4/3", "-1", "nan", "inf", "0x1p-1", "0,5", "1/0", "", "1_0", "٣"]
)
def test_what_is_no_probability_is_refused(text):
    with pytest.raises(mg.InvalidInput, match=r"file, line 7: a probability must be a number in \[0, 1\], wri"):
        empty().add(0, 0, text, 7)


def test_exact_values_are_read_again(tmp_path):
    (tmp_path / "file").write_text("3 3\n0 0 0.1\n\n 0 : 1/3\n0 0 0.3 toss\n")
    found = empty(tmp_path / "file").exact_values(np.array([2, 4, 5], dtype=np.uint32))
    assert found == {2: Fraction(1, 10), 4: Fraction(1, 3), 5: Fraction(3, 10)}
    with pytest.raises(mg.InvalidInput, match="file must stay as it is while it is read, got another file; read it ag"):
        empty(tmp_path / "file").exact_values(np.array([9], dtype=np.uint32))


def test_many_fractions_are_refused_where_they_would_not_fit(monkeypatch):
    monkeypatch.setattr(listing_module, "LOOKED_AT", 3)
    monkeypatch.setattr(listing_module, "BYTES_A_FRACTION", 10**18)
    listing = empty()
    listing.add(0, 0, "1/2", 1)
    listing.add(0, 1, "1/3", 2)
    with pytest.raises(mg.TooLarge, match=r"more fractions need .*; export the chain in decimals of 17 digits"):
        listing.add(0, 2, "1/6", 3)


def test_parts_change_where_doubles_end():
    assert parts_of(Fraction(1e-300)) == (1e-300, 0)
    mantissa, exponent = parts_of(Fraction(1e-301))
    assert exponent < 0
    assert to_fraction(mantissa, exponent) == Fraction(1e-301)
