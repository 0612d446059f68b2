"""A sweep is the questions asked one by one, in the same bytes however it was run, and goes on where it was stopped."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import markovgpt as mg
from markovgpt import cli
from markovgpt.sweeps import crew
from markovgpt.sweeps import sweep as module
from markovgpt.sweeps.grid import SweepGrid
from markovgpt.sweeps.sweep import sweep

GRID = SweepGrid(
    reds=["bb", "ca"], starts=["aaa", "cba"], within=9, temperatures=[0.5, 1.0], top_ks=[1, None], top_ps=[0.8, None]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        model = mg.GPT(mg.GPTConfig(3, 3, n_layer=1, n_head=1, n_embd=4), mg.Vocabulary(("a", "b", "c")))
    place = tmp_path_factory.mktemp("model")
    mg.save_model(model, place)
    return place


@pytest.fixture
def model(folder):
    return mg.load_model(folder)


@pytest.fixture
def at_once(monkeypatch):
    """Groups answered in this process, and counted; what processes do is tested with them."""
    answered = []

    def answer_all(jobs, keep, workers):
        for place, job in enumerate(jobs):
            keep(place, crew.answered(job))
            answered.append(job)

    monkeypatch.setattr(module, "answer_all", answer_all)
    crew._opened.cache_clear()
    return answered


@pytest.fixture(scope="module")
def done(folder, tmp_path_factory):
    """A sweep by two processes."""
    place = tmp_path_factory.mktemp("results") / "two"
    sweep({"tiny": folder}, GRID, place, workers=2)
    return place


def contents(place):
    """The bytes of every file but the record's."""
    return {file.name: file.read_bytes() for file in place.iterdir() if file.name != "run.json"}


def test_every_row_is_the_question_asked_alone(done, model):
    table = mg.tabulate(model)
    with (done / "sweep.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 2 * 2 * 2 * 2 * 2
    for row in rows:
        off = {name: None if row[name] == "off" else float(row[name]) for name in ("top_k", "top_p")}
        k = None if off["top_k"] is None else int(off["top_k"])
        settings = mg.SamplingSettings(float(row["temperature"]), k, off["top_p"])
        chain = mg.WindowChain.from_logits(table, settings)
        answer = mg.hitting_probability(chain, row["red"], start=row["start"], within=9)
        assert row["value"] == mg.certified_digits(answer)
        assert float(row["lower"]) <= answer.lower
        assert answer.upper <= float(row["upper"])
        assert (row["model"], row["weights_sha256"]) == ("tiny", model.source.weights_sha256[:12])
    assert len({(row["temperature"], row["top_k"], row["top_p"], row["red"], row["start"]) for row in rows}) == 32


def test_table_figure_and_record_are_left_and_nothing_else(done):
    assert {file.name for file in done.iterdir()} >= {"sweep.csv", "sweep.tex", "sweep.svg", "run.json"}
    assert not (done / "parts").exists()
    record = json.loads((done / "run.json").read_text())
    assert record["command"] == "markovgpt sweep"
    assert record["settings"]["grid"]["within"] == 9


def test_one_process_or_two_make_the_same_bytes(done, folder, tmp_path):
    sweep({"tiny": folder}, GRID, tmp_path / "one", workers=1)
    assert contents(tmp_path / "one") == contents(done)


def test_a_finished_sweep_is_taken_as_it_is(done, folder, at_once, monkeypatch):
    monkeypatch.setattr(module, "tabulate", stop)
    before = (done / "sweep.csv").stat().st_mtime_ns
    assert sweep({"tiny": folder}, GRID, done) == done / "sweep.csv"
    assert (at_once, (done / "sweep.csv").stat().st_mtime_ns) == ([], before)


def test_a_sweep_that_was_stopped_goes_on(done, folder, tmp_path, at_once, monkeypatch):
    place = tmp_path / "stopped"
    monkeypatch.setattr(module, "write_table", stop)
    with pytest.raises(KeyboardInterrupt):
        sweep({"tiny": folder}, GRID, place)
    assert len(at_once) == 8
    parts = sorted(file for file in (place / "parts").glob("*.json") if file.name != "sweep.json")
    parts[0].unlink()
    parts[1].write_bytes(parts[1].read_bytes()[:100])
    at_once.clear()
    monkeypatch.undo()
    monkeypatch.setattr(module, "answer_all", lambda jobs, keep, workers: counted(at_once, jobs, keep))
    sweep({"tiny": folder}, GRID, place)
    assert len(at_once) == 2
    assert contents(place) == contents(done)


def test_another_grid_or_model_in_the_folder_is_refused(done, folder):
    other = SweepGrid(reds=["bb"], starts=["aaa"], within=9)
    with pytest.raises(mg.InvalidInput, match=r"must hold this sweep or nothing, got one of another grid; give"):
        sweep({"tiny": folder}, other, done)
    with pytest.raises(mg.InvalidInput, match="another models;"):
        sweep({"tiny": folder}, GRID, done, with_prefixes=True)


def test_a_callable_is_known_by_what_it_says(tmp_path, at_once):
    def model(shift):
        rows = np.array([[0.0, shift]])
        return mg.as_model(lambda windows: np.repeat(rows, len(windows), axis=0), vocab_size=2, context_length=2)

    grid = SweepGrid(reds=[(1, 1)], starts=[(0, 0)], within=2)
    sweep({"m": model(0.0)}, grid, tmp_path)
    sweep({"m": model(0.0)}, grid, tmp_path)
    assert len(at_once) == 1
    crew._opened.cache_clear()
    with pytest.raises(mg.InvalidInput, match="another logits;"):
        sweep({"m": model(1.0)}, grid, tmp_path)


def test_several_checkpoints_each_have_their_rows(folder, tmp_path, at_once):
    torch.manual_seed(5)
    other = mg.GPT(mg.GPTConfig(3, 2, n_layer=1, n_head=1, n_embd=4), mg.Vocabulary(("a", "b", "c")))
    grid = SweepGrid(reds=["bb"], starts=[(0, 0)], within=3)
    file = sweep({"one": other, "two": mg.load_model(folder)}, grid, tmp_path / "out", context_length=2)
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["model"], row["n_states"]) for row in rows] == [("one", "9"), ("two", "9")]
    assert rows[0]["value"] != rows[1]["value"]


@pytest.mark.parametrize(
    ("models", "settings", "message"),
    [
        ({}, {}, "models must hold at least one checkpoint, got none"),
        (["a", "a"], {}, "models must be distinct, got a path more than once"),
        (None, {"workers": 0}, "workers must be a whole number of at least 1, got 0"),
        (None, {"context_length": 9}, "context_length must lie in 1..3"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(folder, tmp_path, models, settings, message):
    with pytest.raises(mg.InvalidInput, match=message):
        sweep([folder] if models is None else models, GRID, tmp_path / "none", **settings)
    assert not (tmp_path / "none").exists()


def shell(folder, out, *more):
    """A command line."""
    return ["sweep", str(folder), "--red", "bb", "--start", "aaa", "--out", str(out), *more]


def test_the_shell_names_the_table_and_says_the_rest_on_stderr(folder, tmp_path, at_once, capsys):
    options = ["--within", "4", "--temperature", "0.5", "1", "--top-k", "2", "off", "--top-p", "0.9", "off"]
    assert cli.main(shell(folder, tmp_path / "out", *options)) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'out' / 'sweep.csv'}\n"
    assert err.startswith("markovgpt: markovgpt model, float32")
    assert len((tmp_path / "out" / "sweep.csv").read_text().splitlines()) == 1 + 8
    assert cli.main(shell(folder, tmp_path / "out", *options, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["question"] == "sweep"
    assert "sweep.csv" in found["files"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--red", "bb"], 2, "reds must be distinct, got 'bb' more than once"),
        (["--red", "x"], 2, "text must be made of the vocabulary's tokens, got 'x'"),
        (["--top-k", "4"], 2, "top_k must be at most the vocabulary's 3 tokens"),
        (["--memory", "0.1"], 4, "the questions about 27 states x 3 tokens need "),
        (["--out", "/dev/null/below"], 2, "/dev/null/below"),
    ],
)
def test_a_refusal_is_one_line_and_a_code(folder, tmp_path, capsys, options, code, message):
    assert cli.main(shell(folder, tmp_path / "out", "--within", "3", *options)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]


def test_a_word_that_is_no_number_exits_with_two(folder, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(shell(folder, tmp_path, "--top-k", "few"))
    assert stopped.value.code == 2
    assert "must be a number or off, got 'few'" in capsys.readouterr().err


SLOW = """
import time
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, whoever runs this
from markovgpt import cli
from markovgpt.sweeps.parts import Parts
keep = Parts.keep
def slowly(self, group, rows):
    keep(self, group, rows)
    print("kept", flush=True)
    time.sleep(0.3)
Parts.keep = slowly
cli.run()
"""


def test_ctrl_c_exits_with_130_and_the_same_command_goes_on(folder, tmp_path, at_once, capsys):
    temperatures = [f"{temperature:.2f}" for temperature in np.linspace(0.1, 1, 40)]
    command = shell(folder, tmp_path / "out", "--within", "4", "--workers", "1", "--temperature", *temperatures)
    run = subprocess.Popen(
        [sys.executable, "-c", SLOW, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout.readline() == "kept\n"
    time.sleep(0.1)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to all of its processes
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.splitlines()[-1] == "markovgpt: interrupted; the same command goes on from here"
    assert "Traceback" not in err
    kept = 1 + out.count("kept")
    assert kept < 20
    assert cli.main(command) == 0
    assert len(at_once) == 40 - kept
    assert len((tmp_path / "out" / "sweep.csv").read_text().splitlines()) == 1 + 40


def stop(*arguments):
    """As Ctrl-C does."""
    raise KeyboardInterrupt


def counted(answered, jobs, keep):
    """Answer in this process, and count."""
    for place, job in enumerate(jobs):
        answered.append(job)
        keep(place, crew.answered(job))
