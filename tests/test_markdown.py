"""Markdown: a row is a line, and no cell is markup."""

import re

import pytest
from awkward import AWKWARD

import markovgpt as mg
from markovgpt.export.markdown import is_number, markdown_table


def cells_of(line):
    """The texts of a row's cells, by the rules of GitHub's dialect: a pipe behind an odd backslash is no border."""
    assert line.startswith("| ")
    assert line.endswith(" |")
    cells = re.findall(r"((?:\\.|[^\\|])*)\|", line[1:])
    plain = [re.sub(r"\\(.)", r"\1", cell[1:-1]) for cell in cells]
    names = {"amp": "&", "lt": "<", "gt": ">", "#58": ":", "#64": "@"}
    return [re.sub(r"&([^;]+);", lambda found: names[found[1]], cell) for cell in plain]


@pytest.mark.parametrize("text", AWKWARD)
def test_a_cell_says_what_was_written(text):
    head, _, row = markdown_table([{text: text, "n": 1}]).split("\n")
    seen = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    assert cells_of(head) == [seen, "n"]
    assert cells_of(row) == [seen, "1"]


@pytest.mark.parametrize("text", AWKWARD)
def test_no_cell_is_markup(text):
    row = markdown_table([{"token": text}]).split("\n")[2]
    bare = re.sub(r"\\[^\na-z]|&(?:amp|lt|gt|#58|#64);", "", row)
    assert not set(bare[1:-1]) & set("\\`*_{}[]<>()#!|~$&:@")


def test_columns_of_numbers_stand_to_the_right():
    rows = [{"window": "1", "P": "0.25", "T": "inf"}, {"window": "a", "P": "1e-400", "T": "[1, 2]"}]
    assert markdown_table(rows).split("\n")[1] == "| --- | --: | --- |"


def test_nothing_is_an_empty_cell():
    assert markdown_table([{"a": None, "b": 1}]).split("\n")[2] == "|  | 1 |"


def test_a_table_without_rows_or_of_other_columns_is_refused():
    with pytest.raises(mg.InvalidInput, match="a table must have at least one row, got none"):
        markdown_table([])
    with pytest.raises(mg.InvalidInput, match="the same columns in every row, got 'b' in row 1 after 'a'"):
        markdown_table([{"a": 1}, {"b": 2}])


@pytest.mark.parametrize(("text", "number"), [("1", True), ("-inf", True), ("1e-400", True), ("", False), ("a", False)])
def test_a_number_is_what_reads_as_one(text, number):
    assert is_number(text) == number
