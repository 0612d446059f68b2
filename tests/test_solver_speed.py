"""The speed of solvers beside peers: what a peer did not say is left empty, and every one has its limit."""

import pytest

import markovgpt as mg
from experiments import solver_speed
from experiments.study import run


def test_what_a_peer_did_not_say_is_left_empty():
    ours = {"status": "answered", "value": 8.0, "width": 0.0, "seconds": 2.0}
    theirs = {"status": "answered", "value": 6.0, "width": None, "seconds": 5.0}
    late = {**theirs, "status": "over 60 s", "value": None}
    row, none = (solver_speed.beside(0.1, "storm", answer, ours) for answer in (theirs, late))
    assert (row["relative difference to ours"], row["times our seconds"], row["relative width"]) == (
        "-2.5e-01",
        "2.5",
        "",
    )
    assert (none["status"], none["expected steps"], none["seconds"]) == ("over 60 s", "", "")


def test_every_temperature_has_a_limit():
    with pytest.raises(mg.InvalidInput, match="limits must be as many as temperatures, 2, got 1; give one each"):
        solver_speed.Settings(limits=(1.0,))


def test_we_are_asked_beside_the_peers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--small", "--steps", "1", "--out", "here"]
    assert run(solver_speed.STUDY, words) == 0
    made = {file.name for file in (tmp_path / "here").iterdir()}
    assert made == {"table.csv", "table.tex", "seconds.svg", "run.json"}
