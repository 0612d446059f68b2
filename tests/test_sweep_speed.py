"""The speed of sweeps: the same hundred questions by every way, and a table that says so."""

import subprocess
from types import SimpleNamespace

import pytest
import torch

import markovgpt as mg
from experiments import sweep_speed
from experiments.names_models import LETTERS
from experiments.sweep_speed import ALONE, grid, in_a_process, main, row_of, values_by


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The path of a small model over letters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = mg.GPT(mg.GPTConfig(27, 1, n_layer=1, n_head=1, n_embd=4), LETTERS)
    place = tmp_path_factory.mktemp("model")
    mg.save_model(model, place)
    return str(place)


def test_there_are_a_hundred_settings(tiny):
    asked = grid(mg.load_model(tiny))
    assert len(set(asked.settings)) == 100
    assert (asked.reds, asked.starts, asked.within) == (("sex",), ("\n",), 200)


@pytest.mark.slow
def test_every_way_gives_the_same_answers(tiny, monkeypatch):
    monkeypatch.setattr(sweep_speed, "TEMPERATURES", (0.6, 1.5))
    monkeypatch.setattr(sweep_speed, "TOP_KS", (None, 18))  # by which such a model cannot say it
    alone = values_by(tiny, ALONE)
    assert alone == values_by(tiny, "1")
    assert alone[1] == alone[3] == "0" != alone[0] != alone[2]


def test_a_way_is_a_process_of_its_own(monkeypatch):
    commands = []

    def run(command, **given):
        commands.append(command[1:])
        return SimpleNamespace(stdout='["0.5"]')

    monkeypatch.setattr(subprocess, "run", run)
    answers, seconds = in_a_process("names.pt", "2")
    assert (answers, seconds >= 0) == (["0.5"], True)
    assert commands == [["-m", "experiments.sweep_speed", '["names.pt", "2"]']]


def test_ratios_are_of_the_target_and_of_one_process():
    row = row_of("2", 100, 150.0, 270.0)
    assert (row["asked"], row["seconds a setting"]) == ("sweep, 2 processes", "1.50")
    assert (row["of the target"], row["times faster than 1 process"]) == ("0.50", "1.80")
    assert row_of("1", 100, 270.0, 270.0)["asked"] == "sweep, 1 process"


def test_other_answers_are_refused(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(sweep_speed, "FOLDER", tmp_path)
    monkeypatch.setattr(sweep_speed, "in_a_process", lambda path, way: ([way], 1.0))
    with pytest.raises(mg.MarkovGPTError, match="every way must give the same answers, got others by 2"):
        main([tiny])
    monkeypatch.setattr(sweep_speed, "in_a_process", lambda path, way: (["0.5"], 1.0))
    main([tiny])
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 4
    assert (tmp_path / "run.json").exists()


def test_without_a_model_the_command_says_what_to_give():
    with pytest.raises(mg.InvalidInput, match=r"name one checkpoint, got 0; .*experiments\.sweep_speed MODEL"):
        main([])
