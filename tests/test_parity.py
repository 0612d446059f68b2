"""The parity experiment on chains whose distances are known, and what its rows say."""

import numpy as np
import pytest

import markovgpt as mg
from experiments.parity import (
    STUDY,
    chain_at,
    distance_rows,
    draw_distances,
    draw_training,
    many,
    mixing_row,
    parity_digits,
    share_seen,
    trained,
    training_row,
    without_shorter,
)
from experiments.study import run

SPACE = mg.StateSpace(2, 3, with_prefixes=True)


def forgetful(logit=0.0):
    """A table in which no window matters: P(1) = e^logit / (1 + e^logit)."""
    return mg.LogitTable(SPACE, np.tile([0.0, logit], (14, 1)))


def test_digits_are_the_parity_of_the_three_before():
    digits = parity_digits()
    assert len(digits) == 40
    assert all(d == (a + b + c) % 2 for a, b, c, d in zip(digits, digits[1:], digits[2:], digits[3:], strict=False))
    assert len({digits[i : i + 3] for i in range(38)}) == 4


def test_what_no_window_matters_for_is_forgotten_in_three_steps():
    row = mixing_row(chain_at(forgetful(), 1.0), 1.0)
    assert row["temperature"] == "1"
    # from a window of one token it takes two more tokens to be full, and a third to forget the first
    assert [row[name] for name in ("steps, worst start", "steps from 0", "steps from 1")] == ["3"] * 3
    assert row["steps by what is common"] == "3"
    assert float(row["least entry after 3 steps"]) == pytest.approx(1 / 8)
    # (1 - 2/8)^49 is 0.75e-6: floor(t / 3) - 1 is 49
    assert row["steps by the least entry"] == "150"


def test_the_least_entry_is_that_of_full_windows_alone():
    chain = chain_at(forgetful(np.log(3.0)), 1.0)
    assert without_shorter(chain).n_states == 8
    assert float(mixing_row(chain, 1.0)["least entry after 3 steps"]) == pytest.approx(1 / 64, rel=1e-3)


def test_the_least_entry_leaves_shorter_windows_out():
    logits = np.zeros((14, 2))
    logits[:6, 1] = -5.0  # after one or two tokens a 1 is rare
    row = mixing_row(chain_at(mg.LogitTable(SPACE, logits), 1.0), 1.0)
    assert row["least entry after 3 steps"] == "1.250e-01"
    assert row["steps by the least entry"] == "150"


def test_distances_fall_to_nothing_after_three_steps():
    rows = distance_rows(chain_at(forgetful(), 2.0), 2.0)
    assert [row["steps"] for row in rows] == [1, 2, 3]
    assert float(rows[0]["total variation"]) == 1  # a window of two tokens is no full one
    assert float(rows[1]["total variation"]) == pytest.approx(0.5)
    assert rows[2]["total variation"] == rows[2]["bound"] == ""
    assert [row["bound"] for row in rows[:2]] == ["1.0000e+00"] * 2


def test_the_share_of_windows_seen_by_hand():
    # P(1) = 1/2 gives each of the 8 windows an eighth, and 4 of them occur
    full = mg.LogitTable(mg.StateSpace(2, 3), np.zeros((8, 2)))
    assert share_seen(full, 1.0).value == pytest.approx(0.5)
    # P(1) = 3/4: 001, 100 have 3/64 x 3... 001: 3/64, 100: 3/64, 011: 9/64, 110: 9/64
    uneven = mg.LogitTable(mg.StateSpace(2, 3), np.tile([0.0, np.log(3.0)], (8, 1)))
    assert share_seen(uneven, 1.0).value == pytest.approx(24 / 64)


def test_a_stage_of_training_is_the_beginning_of_a_longer_one():
    assert [row["loss"] for row in trained(2).log] == [row["loss"] for row in trained(4).log[:2]]
    row = training_row(2)
    assert row["step"] == 2
    assert row["loss before the last step"] == f"{trained(2).log[1]['loss']:.6f}"
    assert {name for name in row if name.startswith("share")} == {f"share at T = {t}" for t in ("0.2", "1", "2")}
    assert training_row(0)["loss before the last step"] == ""


def test_long_bounds_are_rounded_up():
    assert [many(steps) for steps in (12.0, 1.2301e17, float("inf"))] == ["12", "1.24e+17", "inf"]


def test_figures_are_the_same_bytes_when_made_twice(tmp_path):
    rows = distance_rows(chain_at(forgetful(), 2.0), 2.0)
    training = [{"step": step, **{f"share at T = {t}": "0.5" for t in ("0.2", "1", "2")}} for step in (0, 10)]
    for draw, made in ((draw_distances, rows), (draw_training, training)):
        for name in ("one.svg", "two.svg"):
            draw(made, tmp_path / name)
        assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_a_small_run_writes_everything(tmp_path):
    words = ["--steps", "2", "--stages", "0", "1", "--temperatures", "2", "--out", str(tmp_path / "here")]
    assert run(STUDY, words) == 0
    tables = {f"{name}.{suffix}" for name in ("table", "distances", "training") for suffix in ("csv", "tex")}
    assert {file.name for file in (tmp_path / "here").iterdir()} == tables | {
        "distances.svg",
        "training.svg",
        "run.json",
    }
