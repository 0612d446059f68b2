"""Functions in processes of their own."""

import os
import subprocess

import pytest

from experiments import apart, greedy_speed
from experiments.apart import called, each_in_a_process, in_a_process
from experiments.greedy_speed import Case, measure, table_of
from experiments.state_sizes import Machine, rows_of


def test_dataclasses_are_made_again_from_json():
    bits = called("experiments.greedy_speed", "table_of", '[{"vocab_size": 2, "context_length": 3, "rotates": true}]')
    assert bits.logits.tolist() == table_of(Case(2, 3, rotates=True)).logits.tolist()
    assert called("os.path", "join", '["a", "b"]') == os.path.join("a", "b")


def test_a_function_is_called_elsewhere(capfd):
    assert in_a_process(os.path.join, "a", "b", threads=1, environment={"A": "b"}) == os.path.join("a", "b")
    (row,) = each_in_a_process(measure, [Case(2, 2, rotates=True, reading=False)])
    assert row["windows"] == "4"
    assert capfd.readouterr().out.startswith("2 | 2 | 4 | ")


def test_all_is_imported_before_a_function_is_called(monkeypatch):
    done = []
    monkeypatch.setattr(apart, "import_all", lambda: done.append("imported"))
    monkeypatch.setattr(greedy_speed, "table_of", lambda case: done.append("called"))
    called("experiments.greedy_speed", "table_of", '["a case"]')
    assert done == ["imported", "called"]


def test_failures_and_limits_are_told(capfd):
    with pytest.raises(subprocess.CalledProcessError):
        in_a_process(rows_of, [Machine("x", "")][0])
    with pytest.raises(subprocess.TimeoutExpired):
        in_a_process(os.path.join, "a", limit_seconds=0.01)
