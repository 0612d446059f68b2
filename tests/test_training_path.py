"""The experiment on what training changes: its parts in small, and what it left in results/training_path/."""

import csv
import hashlib
import json
import math
from decimal import Decimal

import numpy as np
import pytest
from PIL import Image

import markovgpt as mg
from experiments import training_path
from experiments.study import RESULTS, run
from experiments.training_path import CYCLES, DIVERGENCE, ENTROPY, GAP, GAP_BOUND, LONGEST, LOSS, MASS, STUDY
from markovgpt.demo import TEXT, baby_gpt

FOLDER = RESULTS / "training_path"
LOSSES = {0: 0.663539469242096, 10: 0.5967749953269958, 40: 0.5359978079795837, 49: 0.4699831008911133}  # published
RED = "P(000 within 10)"


@pytest.fixture(scope="module")
def short():
    """Two steps of the baby."""
    return training_path.baby(steps=2)


def left(name):
    """A committed table."""
    with (FOLDER / name).open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_a_row_is_what_the_model_of_that_step_answers(short):
    rows, moments, asked = short
    assert [row["step"] for row in rows] == [0, 1, 2]
    chain = mg.WindowChain.from_model(baby_gpt(steps=1).model)
    P = chain.to_csr().toarray()
    pi = np.linalg.matrix_power(P, 500)[0]
    windows, following = zip(*[(int(TEXT[i : i + 3], 2), int(TEXT[i + 3])) for i in range(12)], strict=True)
    rows_of_chain = chain.next_token_probs
    entropy = -(pi @ (rows_of_chain * np.log2(rows_of_chain)).sum(axis=1))
    loss = -np.log2(rows_of_chain[list(windows), list(following)]).mean()
    expected = {LOSS: loss, ENTROPY: entropy, MASS: pi[sorted(set(windows))].sum(), DIVERGENCE: loss - 0.5}
    for column, value in expected.items():
        assert float(rows[1][column]) == pytest.approx(value, abs=1e-9), column
    assert float(rows[1][GAP]) == pytest.approx(1 - sorted(abs(np.linalg.eigvals(P)))[-2], abs=1e-3)
    reached = np.eye(8)[7]
    for _ in range(10):
        reached = np.append(0, reached[1:]) @ P + np.append(reached[0], np.zeros(7))
    assert float(rows[1][RED]) == pytest.approx(reached[0], abs=1e-9)
    assert (rows[1][CYCLES], rows[1][LONGEST], rows[1]["it says, for ever"]) == (1, 1, "1")
    assert moments[1].caption.startswith("after 1 steps: loss 0.9")
    assert asked.counts.seen.sum() == 4


def test_the_data_have_what_their_own_chain_has(short):
    facts = {row["quantity"]: row["value"] for row in training_path.of_data("baby", short[2])}
    # 111 goes on with 1 or 0 as often, the four others are sure; 111 is seen 2 of 5 times along its chain: 0.4 bits
    assert facts == {"examples": "12", "windows seen": "4 of 8", ENTROPY: "0.400000000000", RED: "0"}


def test_names_are_learnt_from_windows_of_start_tokens():
    rows, asked = training_path.names(["die", "ada"], steps=2, every=2)
    assert [row["step"] for row in rows] == [0, 2]
    # \n\n\n d, \n\nd i, \ndi e, die \n, ie\n \n, e\n\n \n, and so on: six windows a name, \n\n\n twice
    assert (asked.counts.total, asked.counts.seen.sum()) == (12, 11)
    facts = {row["quantity"]: row["value"] for row in training_path.of_data("names", asked)}
    assert facts["P(die in a name)"] == "0.500000000000"
    assert facts["P(sex in a name)"] == "0"
    assert float(rows[1][LOSS]) < float(rows[0][LOSS])


@pytest.mark.slow
def test_a_small_run_writes_everything(tmp_path, monkeypatch):
    text = tmp_path / "few.txt"
    text.write_text("die\nada\n")
    monkeypatch.chdir(tmp_path)
    assert run(STUDY, ["--small", "--baby-steps", "1", "--text", str(text), "--out", "here"]) == 0
    made = {file.name for file in (tmp_path / "here").iterdir()}
    tables = {f"{name}.{suffix}" for name in ("table", "names", "data") for suffix in ("csv", "tex")}
    assert made == tables | {"baby.svg", "names.svg", "states.gif", "states_first.svg", "states_last.svg", "run.json"}
    record = (tmp_path / "here" / "run.json").read_text()
    assert json.loads(record)["settings"]["text"]["name"] == "few.txt"
    assert str(tmp_path) not in record


def test_the_baby_was_followed_along_the_demos_training():
    rows = left("table.csv")
    assert [int(row["step"]) for row in rows] == list(range(51))
    for step, loss in LOSSES.items():
        assert float(rows[step][LOSS]) * math.log(2) == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("name", ["table", "names"])
def test_losses_are_divergences_above_the_datas_own_entropy(name):
    rows = left(f"{name}.csv")
    own = {Decimal(row[LOSS]) - Decimal(row[DIVERGENCE]) for row in rows}
    assert max(own) - min(own) < Decimal("1e-8")
    assert all(0 <= float(row[MASS]) <= 1 and float(row[GAP_BOUND]) <= float(row[GAP]) <= 1.0001 for row in rows)
    if name == "names":  # the text is a circle, so that its shares of windows are those of its chain
        entropy = next(row["value"] for row in left("data.csv") if row["data"] == name and row["quantity"] == ENTROPY)
        assert abs(max(own) - Decimal(entropy)) < Decimal("1e-8")


def test_names_were_seen_every_50_steps():
    rows = left("names.csv")
    assert [int(row["step"]) for row in rows] == list(range(0, 1501, 50))
    assert float(rows[-1][DIVERGENCE]) < float(rows[0][DIVERGENCE]) / 5


def test_the_animation_has_a_picture_for_each_step_and_fits_on_a_slide():
    assert (FOLDER / "states.gif").stat().st_size < 2_000_000
    with Image.open(FOLDER / "states.gif") as film:
        assert film.n_frames == 51


def test_the_record_is_of_these_files():
    record = json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))
    assert record["command"].startswith("python -m experiments.training_path")
    for name, digest in record["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
