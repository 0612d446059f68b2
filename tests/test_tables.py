"""Tables print the digits that bounds certify, and strings come back as they were."""

import csv

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.export import tables
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure


def answer_between(lower, upper, exponent=0):
    """An answer with bounds lower * 2**exponent and upper * 2**exponent."""
    low, high = ScaledArray(lower, exponent), ScaledArray(upper, exponent)
    return mg.Answer.of(Enclosure((low + high) * 0.5, low, high, 0.0, "test"))


@pytest.mark.parametrize(
    ("lower", "upper", "shown"),
    [
        (0.1231, 0.1234, "0.123"),  # four digits differ, three agree
        (0.25, 0.25, "0.25"),  # exact
        (0.0, 0.0, "0"),
        (1.0, 1.0, "1"),
        (1.0 - 1e-14, 1.0, "1.00000000000"),  # certain digits, but no proof
        (2.0 / 3, 2.0 / 3 + 1e-9, "0.66666667"),
        (0.1, 0.3, "[0.10, 0.30]"),  # not one digit is certain
        (72.40804144571, 72.40804144574, "72.4080414457"),
    ],
)
def test_only_digits_on_which_both_bounds_agree_are_written(lower, upper, shown):
    assert mg.certified_digits(answer_between(min(lower, upper), max(lower, upper))) == shown


def test_a_number_below_the_doubles_keeps_its_digits():
    # 2**-2000 = 8.7098098162172166755761954947788...e-603
    assert mg.certified_digits(answer_between(1.0, 1.0, -2000)).startswith("8.7098098162")
    assert mg.certified_digits(answer_between(1.0, 1.0, -2000)).endswith("e-603")


def test_a_number_above_the_doubles_keeps_its_digits():
    # 2**2000 = 1.14813069527425452423283320117768...e602
    shown = mg.certified_digits(answer_between(1.0, 1.0, 2000))
    assert shown.startswith("1.148130695")
    assert shown.endswith("e+602")


def test_infinity_is_a_word():
    chain = mg.SparseChain.from_matrix(np.eye(2))
    assert mg.certified_digits(mg.expected_hitting_time(chain, [1], start=0)) == "inf"


def test_one_entry_of_many_is_chosen_by_its_place():
    chain = mg.SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    ends = mg.absorption_probabilities(chain)
    assert mg.certified_digits(ends, (1, 0)) == "1"
    assert mg.certified_digits(ends, (1, 1)) == "0"
    assert mg.certified_digits(ends, (0, 1)).startswith("0.50000")


def test_csv_gives_back_strings_as_they_were(tmp_path):
    awkward = ['a"b', "x,y", "1e-400", "␣\\n", "50%", "a_b"]
    file = mg.write_table([{"token": text, "n": place} for place, text in enumerate(awkward)], tmp_path, "table")
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["token"] for row in rows] == awkward
    assert [row["n"] for row in rows] == [str(place) for place in range(len(awkward))]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+a", "'+a"),
        ("-a", "'-a"),
        ("'=1", "''=1"),
        ("-0.5", "-0.5"),
        ("-inf", "-inf"),
        ("-5.2e-400", "-5.2e-400"),
        ("a=b", "a=b"),
    ],
)
def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path, cell, written):
    file = tables.write_table([{"red": cell, "n": 1}], tmp_path, "t")
    with file.open(newline="", encoding="utf-8") as lines:
        assert list(csv.reader(lines)) == [["red", "n"], [written, "1"]]


def test_latex_escapes_its_special_characters(tmp_path):
    mg.write_table([{"a_b": r"50% {x} \n & # ^ ~ $"}], tmp_path, "table")
    text = (tmp_path / "table.tex").read_text(encoding="utf-8")
    assert r"a\_b" in text
    assert r"50\% \{x\} \textbackslash{}n \& \# \textasciicircum{} \textasciitilde{} \$" in text
    assert r"\toprule" in text


def test_a_table_is_the_same_bytes_when_written_twice(tmp_path):
    rows = [{"x": "0.5", "y": 1}, {"x": "inf", "y": 2}]
    for folder in ("one", "two"):
        mg.write_table(rows, tmp_path / folder, "table")
    for name in ("table.csv", "table.tex"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_table_without_rows_is_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match="the table empty must have at least one row, got none"):
        mg.write_table([], tmp_path, "empty")


def test_parquet_is_written_where_pyarrow_is_and_otherwise_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    assert tables.write_parquet([{"a": "1e-400"}], tmp_path, "small") is None
    assert list(tmp_path.iterdir()) == []


def test_parquet_holds_the_rows(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tables.write_parquet([{"a": "1e-400", "n": 3}], tmp_path, "small")
    assert parquet.read_table(file).to_pylist() == [{"a": "1e-400", "n": 3}]
