"""The experiment on words in a model of names: its parts by hand, and what it left in results/red_names/."""

import csv
import hashlib
import json
import math
from decimal import Decimal
from itertools import product

import numpy as np
import pytest
import torch

import markovgpt as mg
from experiments import red_names
from experiments.red_names import SETTINGS, STUDY, WORDS, Settings, compared, for_readers, simulated
from experiments.study import RESULTS, run
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.group import rows_of

FOLDER = RESULTS / "red_names"
LETTERS = mg.Vocabulary(("\n", *"abcdefghij"))
HALVES = 0.5 ** np.arange(1, 12)  # what each token has, after any: 1/2, 1/4, .. of 2047/2048
CUT = Settings(within=1, top_ks=(None, 10, 5), top_ps=(None, 0.95, 0.8))
ROW = {"temperature": "1", "top_k": "off", "top_p": "off", "red": "ab", "lower": "0.24", "upper": "0.26"}


@pytest.fixture(scope="module")
def tiny():
    """The settings of a model over three letters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = mg.GPT(mg.GPTConfig(4, 2, n_layer=1, n_head=1, n_embd=4), mg.Vocabulary(("\n", "a", "b", "c")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(red_names, "model_at", lambda *given: model)  # it has too few letters for a model of names
        yield Settings(lines=20_000)


@pytest.fixture
def halving(monkeypatch):
    """A model that forgets everything."""
    table = mg.LogitTable(mg.StateSpace(11, 1, with_prefixes=True), np.log([HALVES] * 11), LETTERS)
    monkeypatch.setattr(red_names, "opened", lambda settings: (None, table))


def test_there_are_ten_words_and_12_settings():
    assert (len(set(WORDS)), len(Settings().grid().settings)) == (10, 45)
    assert {len(word) for word in WORDS} == {3, 4, 5, 6, 7}


def test_the_table_for_readers_rounds_what_is_certain():
    setting = {"temperature": "0.5", "top_k": "5", "top_p": "off"}
    values = {"a": "0.0123456789012", "b": "0", "c": "2.39076808e-07", "d": "[0.1, 0.2]"}
    other = [{**setting, "top_k": "off", "red": "a", "value": "0.5000"}]
    found = for_readers([{**setting, "red": word, "value": value} for word, value in values.items()] + other)
    assert found[0] == {**setting, "a": "0.0123", "b": "0", "c": "2.39e-7", "d": "[0.1, 0.2]"}
    assert found[1] == {**setting, "top_k": "off", "a": "0.500"}


def rows_for(opened, settings):
    """The sweep's rows for two words, one of them longer than the window."""
    questions = SweepGrid(reds=["ab", "cab"], starts=["\n"], within=6)
    return [
        {name: str(cell) for name, cell in row.items()}
        for row in rows_of(red_names.opened(opened)[1], "tiny", settings, questions)
    ]


@pytest.mark.parametrize("given", [{}, {"top_k": 3}, {"top_p": 0.9}, {"top_k": 3, "top_p": 0.9}])
def test_the_model_says_words_as_often_as_its_chain(tiny, given):
    rows = rows_for(tiny, mg.SamplingSettings(**given))
    found = simulated(tiny, rows, seed=1)
    assert [row["word"] for row in found] == [row["red"] for row in rows if float(row["value"]) > 1e-4]
    assert "ab" in {row["word"] for row in found}
    assert all(float(row["sigmas"]) < 5 for row in found)


def test_other_settings_are_noticed(tiny):
    rows = rows_for(tiny, mg.SamplingSettings(top_k=2))
    with pytest.raises(mg.MarkovGPTError):
        simulated(tiny, [{**row, "top_k": "off"} for row in rows], seed=1)


def test_a_frequency_is_held_against_the_error_that_the_value_gives_it():
    row = compared({**ROW, "value": "0.25"}, 2600, 10_000)
    assert (row["frequency"], row["standard error"], row["sigmas"]) == ("0.260000", "4.33e-03", "2.31")
    with pytest.raises(
        mg.MarkovGPTError, match=r"ab must be as frequent as the chain says, 0\.25, got 0\.275 of 10000"
    ):
        compared({**ROW, "value": "0.25"}, 2750, 10_000)


def test_what_is_impossible_must_never_be_seen():
    nothing = {**ROW, "value": "0", "lower": "0", "upper": "0"}
    assert not red_names.is_compared(nothing, 0)
    with pytest.raises(mg.MarkovGPTError, match="ab must be impossible by the chain, got it 1 times from the model"):
        red_names.is_compared(nothing, 1)
    assert not red_names.is_compared({**ROW, "value": "0.00009", "lower": "0.00009"}, 3)


def test_break_points_of_a_model_that_forgets_are_ranks_and_shares(halving):
    k, p, least = red_names.breaking(Settings(), "b")  # two tokens stand before it
    assert (k["word"], k["setting"], k["possible at"], k["impossible at"]) == ("b", "top_k", "3", "2")
    assert (p["setting"], round(float(p["possible at"]), 6)) == ("top_p", round(0.75 * 2048 / 2047, 6))
    assert (least["setting"], round(float(least["possible at"]), 6)) == ("min_p", 0.25)
    assert {row["written with it"] for row in (k, p, least)} == {"\\nb"}


def test_cuts_make_a_likely_word_likelier_and_leave_out_an_unlikely_one(halving):
    found = {(row["setting"], float(row["at"])): row for row in red_names.likelier(CUT, "a")}
    kept = {("top_k", 10): 10, ("top_k", 5): 5, ("top_p", 0.95): 5, ("top_p", 0.8): 3, ("min_p", 0.05): 5}
    kept[("min_p", 0.1)] = 4
    assert {cut: float(row["truncated"]) for cut, row in found.items()} == pytest.approx(
        {cut: 0.25 / (1 - 0.5**n) for cut, n in kept.items()}
    )
    row = found["top_p", 0.8]
    assert float(row["full lower"]) <= 512 / 2047 <= float(row["full upper"]) < float(row["truncated lower"])
    assert (row["times"], row["verdict"]) == ("1.142", "likelier")
    assert red_names.likelier(CUT, "j") == []


def test_a_profile_ends_in_the_slope_of_the_barrier(halving, tmp_path):
    rows = red_names.profiled(Settings(inverse_temperatures=(1, 10, 20)), "a")
    assert [row["energy barrier"] for row in rows] == ["0.6931"] * 3  # log 2
    assert math.isclose(float(rows[-1]["slope of ln P"]), -math.log(2), abs_tol=2e-3)
    assert all(float(row["lower"]) <= float(row["log10 P"]) <= float(row["upper"]) for row in rows)
    assert rows[0]["cheapest way"].endswith("a")
    red_names.draw_profile(rows, 20, tmp_path / "profile.svg")
    assert "within 20 tokens" in (tmp_path / "profile.svg").read_text(encoding="utf-8")


def test_a_model_that_is_none_is_refused(tmp_path, capsys):
    assert run(STUDY, ["--model", str(tmp_path / "none"), "--out", str(tmp_path / "here")]) == 2
    assert "none" in capsys.readouterr().err


@pytest.mark.slow
def test_a_small_run_writes_everything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(STUDY, ["--small", "--out", "here"]) == 0
    made = {file.name for file in (tmp_path / "here").iterdir()}
    assert {"table.csv", "simulated.csv", "break_points.csv", "profile.csv", "profile.svg", "sweep"} <= made


def left(name):
    """A committed table."""
    with (FOLDER / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_word_stands_under_every_setting_with_bounds():
    rows = left("sweep/sweep.csv")
    varied = [sorted({row[name] for row in rows}) for name in (*SETTINGS, "red")]
    asked = {tuple(row[name] for name in (*SETTINGS, "red")) for row in rows}
    assert asked == set(product(*varied))
    assert len(asked) == len(rows)
    assert set(varied[-1]) == set(WORDS)
    for row in rows:
        assert 0 <= Decimal(row["lower"]) <= Decimal(row["value"]) <= Decimal(row["upper"]) <= 1
        assert (row["start"], row["within"]) == ("\\n", "200")
    assert any(row["value"] == "0" for row in rows)
    for row, wide in zip(rows[:: len(WORDS)], left("table.csv"), strict=True):
        assert [wide[name] for name in SETTINGS] == [row[name] for name in SETTINGS]
        assert math.isclose(float(wide[WORDS[0]]), float(row["value"]), rel_tol=5e-3)


def test_every_value_that_is_large_enough_was_confirmed():
    names = (*SETTINGS, "red")
    expected = [row for row in left("sweep/sweep.csv") if row["temperature"] == "1" and float(row["lower"]) > 1e-4]
    rows = left("simulated.csv")
    assert [(*(row[name] for name in SETTINGS), row["word"]) for row in rows] == [
        tuple(row[name] for name in names) for row in expected
    ]
    for row, sure in zip(rows, expected, strict=True):
        value, n = float(sure["value"]), int(row["lines"])
        error = math.sqrt(value * (1 - value) / n)
        assert n == 200_000
        assert abs(float(row["frequency"]) - value) < 5 * error
        assert math.isclose(float(row["sigmas"]), abs(float(row["frequency"]) - value) / error, abs_tol=0.01)


def test_every_word_has_three_break_points_with_a_witness():
    rows = left("break_points.csv")
    assert [(row["word"], row["setting"]) for row in rows] == list(product(WORDS, ("top_k", "top_p", "min_p")))
    for row in rows:
        possible, impossible = float(row["possible at"]), float(row["impossible at"])
        assert row["written with it"].endswith(row["word"])
        if row["setting"] == "top_k":
            assert possible == impossible + 1
        else:
            assert possible == np.nextafter(impossible, 1.0 if row["setting"] == "top_p" else 0.0)


def test_break_points_and_the_grid_agree():
    k = {row["word"]: float(row["possible at"]) for row in left("break_points.csv") if row["setting"] == "top_k"}
    for row in left("sweep/sweep.csv"):
        if row["top_k"] != "off" and int(row["top_k"]) < k[row["red"]]:
            assert row["value"] == "0"


def test_what_is_likelier_is_so_by_its_bounds():
    rows = left("likelier.csv")
    assert rows
    for row in rows:
        assert row["verdict"] == "likelier"
        assert Decimal(row["full lower"]) <= Decimal(row["full"]) <= Decimal(row["full upper"])
        assert Decimal(row["full upper"]) < Decimal(row["truncated lower"]) <= Decimal(row["truncated"])


def test_the_profile_falls_as_the_barrier_says():
    rows = left("profile.csv")
    for word in Settings().profiled:
        own = [row for row in rows if row["word"] == word]
        assert float(own[-1]["1/T"]) == 20
        assert all(float(row["lower"]) <= float(row["log10 P"]) <= float(row["upper"]) for row in own)
        # ways that cost little more than the cheapest still count a little: how much hangs on the weights
        assert abs(float(own[-1]["slope of ln P"]) + float(own[-1]["energy barrier"])) < 0.1


def test_the_record_is_of_these_files():
    record = json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))
    assert record["command"].startswith("python -m experiments.red_names")
    assert len(record["settings"]["weights_sha256"]) == 64
    for name, digest in record["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
