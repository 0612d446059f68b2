"""The experiment on memory: its parts on a small model, and what it left in results/memory_use/."""

import csv
import hashlib
import json
from itertools import pairwise

import numpy as np
import pytest

import markovgpt as mg
from experiments import memory_use
from experiments.memory_use import FOLDER, TEMPERATURES, Asked, draw, lumped, opened, rows_of
from markovgpt.demo import BITS

LEFT = sorted(FOLDER.glob("*_tokens_context_*"))


def sticky():
    """A model of two tokens that looks at three and uses one: it repeats its newest with 3/4."""
    space = mg.StateSpace(2, 3)
    newest = space.token_from_end(0)
    logits = np.log(np.where(newest[:, None] == np.arange(2), 0.75, 0.25))
    return Asked(mg.LogitTable(space, logits, BITS), "000", "111", "")


def test_rows_say_what_each_order_loses():
    asked = sticky()
    found = memory_use.memory_use(asked.chain(1.0), target="000", start="111", within=3)
    rows = rows_of(1.0, found, "000")
    assert [(row["order"], row["states"]) for row in rows] == [(0, 2), (1, 2), (2, 4), (3, 8)]
    assert [row["bits lost"] for row in rows[1:]] == ["0", "0", "0"]
    assert rows[0]["bits lost"].startswith("0.18872187")  # 1 - H(1/4)
    assert rows[0]["times the model's"].startswith("0.888888")  # 1/8 for 1/4 * 3/4 * 3/4
    assert rows[3]["times the model's"] == "1"


def test_lumps_of_a_chain_of_order_one():
    # red 000 must be kept apart, and so what leads there: blocks 1, 10, 100 and 000 by what they end with
    rows = lumped(sticky())
    assert (rows[0]["epsilon"], rows[0]["blocks"]) == ("exact", 4)
    assert all(int(row["blocks"]) <= 4 for row in rows)
    assert all(float(row["P lower"]) <= float(rows[0]["P upper"]) for row in rows)
    assert all(float(rows[0]["P lower"]) <= float(row["P upper"]) for row in rows)


def test_the_figure_is_drawn_from_the_table(tmp_path):
    asked = sticky()
    found = memory_use.memory_use(asked.chain(1.0), target="000", start="111", within=3)
    draw(mg.write_table(rows_of(1.0, found, "000"), tmp_path, "table"), tmp_path / "memory.svg")
    assert "tokens remembered" in (tmp_path / "memory.svg").read_text(encoding="utf-8")


def test_more_than_one_model_is_refused():
    with pytest.raises(mg.InvalidInput, match="one checkpoint or none, got 2"):
        opened(["a", "b"])


def table_of(folder):
    """The rows of a table."""
    with (folder / "table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_are_results():
    assert FOLDER / "2_tokens_context_3" in LEFT


@pytest.mark.parametrize("folder", LEFT, ids=lambda folder: folder.name)
def test_what_was_left_loses_less_the_more_is_remembered(folder):
    rows = table_of(folder)
    assert {float(row["temperature"]) for row in rows} == set(TEMPERATURES)
    for before, after in pairwise(rows):
        if before["temperature"] == after["temperature"]:
            assert float(after["bits upper"]) < float(before["bits lower"])
    for row in rows:
        assert float(row["P lower"]) <= float(row["P upper"])


@pytest.mark.parametrize("folder", LEFT, ids=lambda folder: folder.name)
def test_the_record_is_of_these_files(folder):
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["command"].startswith("python -m experiments.memory_use")
    for name, digest in record["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
