"""The speed of sweeps: the same hundred questions by every way, and a table that says so."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

import markovgpt as mg
from experiments import sweep_speed
from experiments.names_models import LETTERS
from experiments.study import run
from experiments.sweep_speed import ALONE, STUDY, Settings, row_of, timed, values_by


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The path of a small model over letters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        model = mg.GPT(mg.GPTConfig(27, 1, n_layer=1, n_head=1, n_embd=4), LETTERS)
    place = tmp_path_factory.mktemp("model")
    mg.save_model(model, place)
    return str(place)


def test_there_are_as_many_settings_as_combinations(tiny):
    asked = Settings().grid(mg.load_model(tiny))
    assert len(set(asked.settings)) == 100
    assert (asked.reds, asked.starts, asked.within) == (("sex",), ("\n",), 200)


@pytest.mark.slow
def test_every_way_gives_the_same_answers(tiny):
    given = asdict(Settings(temperatures=(0.6, 1.5), top_ks=(None, 18))) | {"model": tiny}
    alone = values_by(given, ALONE)
    assert alone == values_by(given, "1")
    assert alone[1] == alone[3] == "0" != alone[0] != alone[2]  # by 18 such a model cannot say it


def test_a_way_is_a_process_of_its_own(monkeypatch):
    jobs = []
    monkeypatch.setattr(sweep_speed, "in_a_process", lambda function, *job: jobs.append((function, *job)) or ["0.5"])
    answers, seconds = timed(Settings(model=Path("names.pt")), "2")
    assert (answers, seconds >= 0) == (["0.5"], True)
    assert jobs == [(values_by, asdict(Settings()) | {"model": "names.pt"}, "2")]


def test_ratios_are_of_the_target_and_of_one_process():
    row = row_of("2", 100, 150.0, 270.0, 300.0)
    assert (row["asked"], row["seconds a setting"]) == ("sweep, 2 processes", "1.50")
    assert (row["of the target"], row["times faster than 1 process"]) == ("0.50", "1.80")
    row = row_of("1", 20, 54.0, None, None)
    assert (row["asked"], row["seconds a setting"]) == ("sweep, 1 process", "2.70")
    assert (row["of the target"], row["times faster than 1 process"]) == ("", "")


def test_all_settings_are_asked_once_and_the_first_temperatures_by_every_way(tiny, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    asked = []

    def counted(settings, way):
        asked.append((way, settings.temperatures))
        return [str(each) for each in settings.temperatures], 1.0

    monkeypatch.setattr(sweep_speed, "timed", counted)
    assert run(STUDY, ["--model", tiny, "--temperatures", "1", "2", "3", "--compared", "2"]) == 0
    assert asked == [("2", (1, 2, 3)), ("1", (1, 2)), ("2", (1, 2)), (ALONE, (1, 2))]


@pytest.mark.parametrize("compared", [0, 3])
def test_more_temperatures_than_there_are_cannot_be_compared(compared):
    with pytest.raises(mg.InvalidInput, match=f"compared must be from 1 to 2 temperatures, got {compared}"):
        Settings(temperatures=(1.0, 2.0), compared=compared)


def test_other_answers_are_refused(tiny, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep_speed, "timed", lambda settings, way: ([way], 1.0))
    assert run(STUDY, ["--model", tiny]) == 2
    assert "every way must give the same answers, got others by 1" in capsys.readouterr().err
    monkeypatch.setattr(sweep_speed, "timed", lambda settings, way: (["0.5"], 1.0))
    assert run(STUDY, ["--model", tiny]) == 0
    place = tmp_path / "results" / "sweep_speed"
    assert len((place / "table.csv").read_text().splitlines()) == 5
    assert {file.name for file in place.iterdir()} == {"table.csv", "table.tex", "seconds.svg", "run.json"}
