"""The experiment on memory: its parts on a small model, and what it left in results/memory_use/."""

import csv
import hashlib
import json
from itertools import pairwise

import numpy as np

import markovgpt as mg
from experiments import memory_use
from experiments.memory_use import STUDY, Asked, draw, lumped, rows_of
from experiments.study import RESULTS, run
from markovgpt.demo import BITS

FOLDER = RESULTS / "memory_use"


def sticky():
    """A model of two tokens that looks at three and uses one: it repeats its newest with 3/4."""
    space = mg.StateSpace(2, 3)
    newest = space.token_from_end(0)
    logits = np.log(np.where(newest[:, None] == np.arange(2), 0.75, 0.25))
    return Asked("sticky", mg.LogitTable(space, logits, BITS), "000", "111", "")


def test_rows_say_what_each_order_loses():
    asked = sticky()
    found = memory_use.memory_use(asked.chain(1.0), target="000", start="111", within=3)
    rows = rows_of("sticky", 1.0, found, "000")
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
    draw(mg.write_table(rows_of("sticky", 1.0, found, "000"), tmp_path, "table"), "sticky", tmp_path / "memory.svg")
    assert "tokens remembered" in (tmp_path / "memory.svg").read_text(encoding="utf-8")


def test_a_small_run_writes_everything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # so that the model is kept there
    assert run(STUDY, ["--small", "--context-lengths", "1", "--steps", "1", "--red", "d", "--out", "here"]) == 0
    tables = {f"{name}.{suffix}" for name in ("table", "lumped") for suffix in ("csv", "tex")}
    figures = {"memory_baby_GPT.svg", "memory_names_context_1.svg"}
    assert {file.name for file in (tmp_path / "here").iterdir()} == tables | figures | {"run.json"}


def test_a_checkpoint_stands_for_the_models_that_are_trained(tmp_path):
    mg.save_model(mg.GPT(mg.GPTConfig(27, 1, n_layer=1, n_head=1, n_embd=4)), tmp_path)
    found = memory_use.asked_of(memory_use.Settings(model=tmp_path))
    assert [(asked.name, asked.start) for asked in found] == [("baby GPT", "111"), ("names, context 1", "\n")]


def left():
    """The rows of the table that was left."""
    with (FOLDER / "table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_was_left_loses_less_the_more_is_remembered():
    rows = left()
    assert {row["model"] for row in rows} == {"baby GPT", "names, context 3", "names, context 4"}
    for before, after in pairwise(rows):
        if (before["model"], before["temperature"]) == (after["model"], after["temperature"]):
            assert float(after["bits upper"]) < float(before["bits lower"])
    for row in rows:
        assert float(row["P lower"]) <= float(row["P upper"])


def test_the_record_is_of_these_files():
    record = json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "python -m experiments.memory_use"
    for name, digest in record["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
