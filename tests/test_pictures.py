"""Which figure a sweep gets, and what is written in it."""

import xml.etree.ElementTree as ElementTree
from itertools import product

import pytest

from markovgpt.errors import InvalidInput
from markovgpt.export.tables import write_table
from markovgpt.sweeps.pictures import draw_sweep

NUMBERS = {"log10": "-2.000000", "log10_lower": "-2.000001", "log10_upper": "-1.999999", "within": 9}
ONE = {"temperature": "1", "top_k": "off", "top_p": "off", "min_p": "off", "engine": "huggingface"}
ONE |= {"model": "m", "red": "bad", "start": "aa"}
NOTHING = {"log10": "-inf", "log10_lower": "-inf", "log10_upper": "-inf"}


def rows(**varied):
    """A row for each combination."""
    return [{**ONE, **NUMBERS, **dict(zip(varied, values, strict=True))} for values in product(*varied.values())]


def words(path):
    """The texts in an svg."""
    root = ElementTree.parse(path).getroot()
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_two_settings_make_a_heat_map_with_impossible_cells_marked(tmp_path):
    given = rows(temperature=["0.5", "1"], top_k=["2", "off"])
    given[0] |= NOTHING
    found = words(draw_sweep(given, tmp_path / "a.svg"))
    assert found.count("0") == 1
    assert {"temperature", "top-k", "0.5", "1", "2", "off", "log10 P(bad within 9 tokens)"} <= set(found)


def test_a_heat_map_of_nothing_but_zeros_is_drawn(tmp_path):
    given = [{**row, **NOTHING} for row in rows(temperature=["0.5", "1"], top_k=["2", "off"])]
    assert words(draw_sweep(given, tmp_path / "a.svg")).count("0") == 4


@pytest.mark.parametrize("impossible", [False, True])
def test_otherwise_there_are_curves(tmp_path, impossible):
    given = rows(temperature=["0.5", "1", "2"], red=["bad", "worse"])
    if impossible:
        given[0] |= NOTHING
    found = words(draw_sweep(given, tmp_path / "a.svg"))
    assert {"red bad", "red worse", "temperature", "log10 P(red within 9 tokens)"} <= set(found)
    assert ("P = 0" in found) == impossible


def test_a_setting_that_may_be_off_is_no_axis_of_numbers(tmp_path):
    found = words(draw_sweep(rows(top_p=["0.5", "0.9", "off"]), tmp_path / "a.svg"))
    assert {"0.5", "0.9", "off", "top-p"} <= set(found)


def test_checkpoints_are_an_axis_where_no_setting_varies(tmp_path):
    assert {"early", "late", "model"} <= set(words(draw_sweep(rows(model=["early", "late"]), tmp_path / "a.svg")))


def test_what_cannot_be_told_apart_is_not_drawn(tmp_path):
    assert draw_sweep(rows(), tmp_path / "a.svg") is None
    many = [str(number) for number in range(25)]
    assert draw_sweep(rows(temperature=[*many, "99"], red=many), tmp_path / "a.svg") is None
    assert list(tmp_path.iterdir()) == []


def test_a_dollar_is_a_dollar(tmp_path):
    found = words(draw_sweep(rows(temperature=["0.5", "1"], red=["$a$", "$b_1$"]), tmp_path / "a.svg"))
    assert {"red $a$", "red $b_1$"} <= set(found)
    assert "log10 P($a$ within 9 tokens)" in words(
        draw_sweep([{**row, "red": "$a$"} for row in rows(temperature=["0.5", "1"])], tmp_path / "b.svg")
    )


def test_a_long_text_leaves_room_for_the_figure(tmp_path):
    shown = words(draw_sweep(rows(red=["x" * 300, "b"]), tmp_path / "a.svg"))  # with a warning, were it written out
    assert "x" * 23 + "\N{HORIZONTAL ELLIPSIS}" in shown
    shown = words(draw_sweep(rows(red=["y" * 24], temperature=["1", "2"]), tmp_path / "a.svg"))
    assert f"log10 P({'y' * 24} within 9 tokens)" in shown


def test_the_table_of_a_sweep_is_drawn_from_its_file(tmp_path):
    given = rows(temperature=["0.5", "1", "2"], red=["=a", "'b", "c,\nd"])
    table = write_table(given, tmp_path, "sweep")
    from_file, from_rows = draw_sweep(table, tmp_path / "a.svg"), draw_sweep(given, tmp_path / "b.svg")
    assert from_file.read_bytes() == from_rows.read_bytes()
    assert {"red =a", "red 'b"} <= set(words(from_file))
    assert draw_sweep(str(table), tmp_path / "c.png").exists()


def test_what_the_font_lacks_is_written_as_an_escape(tmp_path):
    found = words(draw_sweep(rows(temperature=["1", "2"], red=["\u4e2d", "_"]), tmp_path / "a.svg"))
    assert {"red \\u4e2d", "red _"} <= set(found)
    assert "\\u4e2d" in words(draw_sweep(rows(red=["\u4e2d", "b"]), tmp_path / "b.svg"))


def test_a_file_that_is_no_sweep_is_refused(tmp_path):
    other = write_table([{"temperature": "1"}], tmp_path, "other")
    with pytest.raises(InvalidInput, match=r"got other\.csv without top_k, .*log10_upper; give its sweep\.csv"):
        draw_sweep(other, tmp_path / "a.svg")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InvalidInput, match=r"got empty\.csv without temperature"):
        draw_sweep(tmp_path / "empty.csv", tmp_path / "a.svg")
    with pytest.raises(InvalidInput, match=r"got none\.csv \(.*No such file.*\); give its sweep\.csv"):
        draw_sweep(tmp_path / "none.csv", tmp_path / "a.svg")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"got bytes\.csv \("):
        draw_sweep(tmp_path / "bytes.csv", tmp_path / "a.svg")
