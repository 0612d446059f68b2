"""The experiment on decoders: its parts by hand, and what it left in results/decoding/."""

import csv
import hashlib
import json
import math

import numpy as np
import pytest

import markovgpt as mg
from experiments.decoding import BEAMS, LENGTHS, SHOWN, STUDY, Case, Settings, draw_shares, names, rows_of
from experiments.study import RESULTS, run

FOLDER = RESULTS / "decoding"

# from a the likelier b is followed by anything, the less likely c by another c nearly surely
TRAP = np.array([[0.1, 0.5, 0.4], [0.2, 0.4, 0.4], [0.05, 0.05, 0.9]])


@pytest.fixture
def trap():
    """A model of three letters that looks at the newest one."""
    model = mg.as_model(
        lambda windows: np.log(TRAP)[np.asarray(windows)[:, -1]],
        vocab_size=3,
        context_length=1,
        vocabulary=mg.Vocabulary(("\n", "b", "c")),
    )
    return Case("trap", model, mg.SamplingSettings(), ("\n",))


def test_a_row_says_what_each_decoder_finds(trap, tmp_path):
    tidy, (wide,) = rows_of(trap, lengths=[2], beams=[1, 2])
    assert [(row["beams"], row["text"], row["probability"]) for row in tidy] == [
        ("1", "bb", "0.200000000000"),
        ("2", "cc", "0.360000000000"),
    ]
    assert [row["share"] for row in tidy] == ["0.555555555556", "1"]  # 20 of 36
    assert float(tidy[0]["log10 share lower"]) <= math.log10(5 / 9) <= float(tidy[0]["log10 share upper"])
    assert (wide["prompt"], wide["likeliest text"], wide["proved"]) == ("\\n", "cc", "yes")
    assert (wide["greedy"], wide["2 beams"], wide["beams needed"]) == ("0.556", "1", "2")
    draw_shares(tidy, tmp_path / "share.svg")
    assert "2 tokens" in (tmp_path / "share.svg").read_text()


def test_what_no_decoder_finds_is_said(trap):
    _, (wide,) = rows_of(trap, lengths=[2], beams=[1])
    assert wide["beams needed"] == "over 1"


def test_a_model_that_is_given_has_letters_where_it_does_not_say(tmp_path):
    mg.save_model(mg.GPT(mg.GPTConfig(27, 2, n_layer=1, n_head=1, n_embd=4)), tmp_path / "letters")
    case = names(Settings(model=tmp_path / "letters"))
    assert (case.name, case.model.vocabulary.tokens[:2]) == ("names", ("\n", "a"))


def test_a_small_run_writes_everything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # so that the model is kept there
    words = ["--small", "--context-length", "1", "--steps", "1", "--lengths", "2", "--beams", "1", "2", "--out", "here"]
    assert run(STUDY, words) == 0
    made = {file.name for file in (tmp_path / "here").iterdir()}
    assert made == {"decoders.csv", "decoders.tex", "table.csv", "table.tex", "share.svg", "run.json"}


def left(name):
    """A committed table."""
    with (FOLDER / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_decoder_stands_beside_the_likeliest_text():
    tidy, wide = left("decoders.csv"), left("table.csv")
    assert len(tidy) == len(wide) * len(BEAMS)
    assert {row["tokens"] for row in wide} == {str(n) for n in LENGTHS}
    for row in tidy:
        lower, upper = float(row["share lower"]), float(row["share upper"])
        assert 0 < lower <= upper <= 1
        ratio = float(row["probability"]) / float(row["its probability"])
        assert lower * (1 - 1e-9) <= ratio <= upper * (1 + 1e-9)
        assert (
            len(row["text"].replace("\\n", "\n"))
            == int(row["tokens"])
            == len(row["likeliest text"].replace("\\n", "\n"))
        )
        if row["text"] == row["likeliest text"]:
            assert upper == 1
    for place, row in enumerate(wide):
        own = {int(each["beams"]): each for each in tidy[place * len(BEAMS) : (place + 1) * len(BEAMS)]}
        for beams in SHOWN:
            shown = row["greedy" if beams == 1 else f"{beams} beams"]
            assert math.isclose(float(shown), float(own[beams]["share"]), rel_tol=6e-3)


def test_greedy_decoding_misses_something_and_beams_less():
    tidy = left("decoders.csv")
    missed = [sum(float(row["share upper"]) < 1 for row in tidy if row["beams"] == beams) for beams in ("1", "16")]
    assert missed[0] > missed[1] > 0


def test_the_record_is_of_these_files():
    record = json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))
    assert record["command"].startswith("python -m experiments.decoding")
    assert all(len(digest) == 64 for digest in record["settings"]["weights_sha256"].values())
    assert set(record["settings"]["weights_sha256"]) == {row["model"] for row in left("table.csv")}
    for name, digest in record["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
