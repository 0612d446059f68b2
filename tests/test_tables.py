"""Tables print the digits that bounds certify, and strings come back as they were."""

import csv
import shutil
import subprocess
import tempfile

import numpy as np
import pytest
from awkward import AWKWARD
from hypothesis import given
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.export import tables
from markovgpt.export.latex import ACCENTED
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


@pytest.mark.parametrize("columns", [1, 2])
def test_csv_gives_back_every_text_as_it_was(tmp_path, columns):
    rows = [{"token": text} if columns == 1 else {"token": text, "n": place} for place, text in enumerate(AWKWARD)]
    back = tables.read_table(mg.write_table(rows, tmp_path, "table"))
    assert back == [{name: str(cell) for name, cell in row.items()} for row in rows]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=4))
def test_csv_gives_back_any_text(texts):
    with tempfile.TemporaryDirectory() as folder:
        back = tables.read_table(mg.write_table([{"a": text, "b": text[::-1]} for text in texts], folder, "table"))
    assert back == [{"a": text, "b": text[::-1]} for text in texts]


def test_a_readers_own_csv_module_reads_the_rows(tmp_path):
    awkward = ['a"b', "x,y", "1e-400", "␣\\n", "50%", "a_b", "a\rb", "a\nb"]
    file = mg.write_table([{"token": text, "n": place} for place, text in enumerate(awkward)], tmp_path, "table")
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["token"] for row in rows] == awkward
    assert [row["n"] for row in rows] == [str(place) for place in range(len(awkward))]


def test_what_is_missing_is_empty_and_numbers_are_written_in_full(tmp_path):
    file = mg.write_table([{"a": None, "b": 0.1, "c": True}, {"a": 2.5, "b": 1e-300, "c": False}], tmp_path, "table")
    assert file.read_text(encoding="utf-8") == "a,b,c\n,0.1,True\n2.5,1e-300,False\n"


def test_half_of_a_surrogate_pair_is_written_as_its_escape(tmp_path):
    assert tables.read_table(mg.write_table([{"token": "\ud800"}], tmp_path, "table")) == [{"token": "\\ud800"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a table must begin with its columns' names, got nothing in .*t.csv; see write_table"),
        ("a,b\n1,2\n1\n", "each row must have 2 cells, got 1 in row 2 of .*t.csv; write it anew"),
    ],
)
def test_a_spoiled_csv_is_refused(tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(mg.InvalidInput, match=message):
        tables.read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+a", "'+a"),
        ("-a", "'-a"),
        ("'=1", "''=1"),
        ("＝1+1", "'＝1+1"),
        ("\n=1", "'\n=1"),
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


def test_the_name_of_a_column_is_no_formula_either(tmp_path):
    file = tables.write_table([{"=cmd()": 1}], tmp_path, "t")
    assert file.read_text(encoding="utf-8") == "'=cmd()\n1\n"
    assert tables.read_table(file) == [{"=cmd()": "1"}]


def test_latex_escapes_its_special_characters(tmp_path):
    mg.write_table([{"a_b": r"50% {x} \n & # ^ ~ $"}], tmp_path, "table")
    text = (tmp_path / "table.tex").read_text(encoding="utf-8")
    assert r"a\_b" in text
    assert r"50\% \{x\} \textbackslash{}n \& \# \textasciicircum{} \textasciitilde{} \$" in text
    assert r"\toprule" in text


def test_a_line_of_latex_that_begins_with_a_bracket_is_no_option_of_the_line_above():
    text = tables.latex_table([{"P": "0.5"}, {"P": "[0.10, 0.30]"}, {"P": "*"}])
    assert "0.5 \\\\\n{}[0.10, 0.30] \\\\\n{}* \\\\\n" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
@pytest.mark.parametrize("encoding", ["OT1", "T1"])
def test_pdflatex_sets_a_table_of_any_tokens(tmp_path, encoding):
    rows = [{"token": text, "[P]": text, "*": place} for place, text in enumerate([*AWKWARD, *sorted(ACCENTED)])]
    parts = [rows[place : place + 40] for place in range(0, len(rows), 40)]  # a page each
    body = "\n\\clearpage\n".join(f"\\noindent {tables.latex_table(part)}" for part in parts)
    preamble = f"\\documentclass{{article}}\\usepackage[{encoding}]{{fontenc}}\\usepackage{{booktabs}}"
    (tmp_path / "t.tex").write_text(f"{preamble}\n\\begin{{document}}\n{body}\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    if b"booktabs.sty' not found" in done.stdout:
        pytest.skip("no booktabs on this machine")
    assert done.returncode == 0, done.stdout[-600:]
    assert "Missing character" not in (tmp_path / "t.log").read_text(errors="replace")


def test_latex_of_other_engines_keeps_the_letters_of_every_script():
    assert "α & 🙂" in tables.latex_table([{"a": "α", "b": "🙂"}], any_letter=True)
    assert "u03b1" in tables.latex_table([{"a": "α"}])


def test_latex_of_no_rows_is_refused():
    with pytest.raises(mg.InvalidInput, match="a table must have at least one row, got none"):
        tables.latex_table([])


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


def test_a_cell_of_any_length_is_read_and_the_readers_limit_stays_as_it_was(tmp_path):
    before = csv.field_size_limit()
    file = mg.write_table([{"token": "x" * 200_000}], tmp_path, "table")
    assert mg.read_table(file) == [{"token": "x" * 200_000}]
    assert csv.field_size_limit() == before
