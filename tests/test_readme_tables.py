"""The README's tables are filled from results/."""

import json
from pathlib import Path

import pytest

import markovgpt as mg
from experiments.readme_tables import README, from_csv, question_of, refill_readme, refilled

TEXT = """before
<!-- results/one/table.csv -->
| old |
<!-- end -->
between
<!-- results -->
<!-- end -->
after
"""


@pytest.fixture
def house(tmp_path):
    """A README, and two experiments of which one was made."""
    (tmp_path / "README.md").write_text(TEXT)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "one.py").write_text('STUDY = Study("one", "Is it?", 1, 2, 3)\n')
    (tmp_path / "experiments" / "two.py").write_text('STUDY = Study("two", question="Is " "it not?", make=3)\n')
    (tmp_path / "experiments" / "rest.py").write_text("X = 1\n")
    (tmp_path / "results" / "one").mkdir(parents=True)
    (tmp_path / "results" / "one" / "table.csv").write_text('a,b\n1,"2, 3"\n')
    (tmp_path / "results" / "one" / "run.json").write_text(json.dumps({"found": ["It is.", "So.", "So."]}))
    return tmp_path


def test_tables_are_filled_and_the_rest_stays(house):
    assert refilled(TEXT, house).splitlines() == [
        "before",
        "<!-- results/one/table.csv -->",
        "| a | b |",
        "|---|---|",
        "| 1 | 2, 3 |",
        "<!-- end -->",
        "between",
        "<!-- results -->",
        "| Experiment | Question | Found |",
        "|---|---|---|",
        "| `python -m experiments.one` | Is it? | It is. |",
        "| `python -m experiments.two` | Is it not? |  |",
        "<!-- end -->",
        "after",
    ]


def test_the_file_is_filled_once(house):
    file = house / "README.md"
    refill_readme(file)
    assert file.read_text() == refilled(TEXT, house)
    before = file.stat().st_mtime_ns
    refill_readme(file)
    assert file.stat().st_mtime_ns == before


def test_tables_that_are_not_there_are_refused(house):
    with pytest.raises(mg.InvalidInput, match=r"must name tables that there are, got .*none\.csv; make the experiment"):
        refilled(TEXT.replace("one/table", "one/none"), house)
    (house / "results" / "one" / "table.csv").write_text("")
    with pytest.raises(mg.InvalidInput, match="must have rows, got none"):
        from_csv(house / "results" / "one" / "table.csv")


def test_the_question_is_read_from_the_source(house):
    assert question_of(house / "experiments" / "two.py") == "Is it not?"
    assert question_of(house / "experiments" / "rest.py") is None


def test_the_readme_is_as_its_results_are():
    text = Path(README).read_text(encoding="utf-8")
    assert "<!-- results -->" in text
    assert text == refilled(text)
