"""The mixing experiment on chains whose steps and eigenvalues are known, and what its rows say."""

import math

import numpy as np
import pytest

import markovgpt as mg
from experiments.mixing import (
    CERTIFIED,
    STUDY,
    UNKNOWN,
    Point,
    chain_row,
    draw_mixing,
    in_words,
    least_steps,
    phase_cost,
    point,
    rise,
    sentences,
)
from experiments.study import run


def sticky(stay=4.0):
    """Two tokens, one of context: at T = 1 the other token has odds e^-stay; eigenvalue tanh(stay / 2T)."""
    return mg.LogitTable(mg.StateSpace(2, 1), np.array([[stay, 0.0], [0.0, stay]]))


def known(temperature, lower, upper=None, name="known"):
    """A point whose steps to both epsilons are given."""
    steps = mg.MixingTime(lower, lower if upper is None else upper, 0.25, "given")
    both = {"1/4": steps, "1e-6": steps}
    return Point(name, 2, temperature, both, {"1/4": 5, "1e-6": 5}, CERTIFIED, "", mg.Minorization(1, 0.5, 0.1))


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_two_tokens_by_hand(temperature):
    found = point("sticky", sticky(), temperature)
    # P has eigenvalues 1 and 1 - 2q, q = 1 / (1 + e^(4 / T)); d(t) = (1 - 2q)^t / 2
    q = 1 / (1 + math.exp(4 / temperature))
    rate = -math.log1p(-2 * q)
    assert found.steps["1/4"].lower == found.steps["1/4"].upper == math.ceil(math.log(2) / rate)
    assert found.steps["1e-6"].upper == math.ceil(math.log(0.5e6) / rate)
    assert found.kind == CERTIFIED
    low, high = map(float, found.gap[1:-1].split(", "))
    assert low <= 2 * q <= high
    # |lambda_2|^t <= 2 d(t) is an equality here
    assert found.least["1/4"] == pytest.approx(found.steps["1/4"].lower, rel=2e-3)
    assert found.least["1/4"] <= found.steps["1/4"].lower
    # whatever the start, each token has at least q after one step
    assert found.doeblin.common == pytest.approx(2 * q, rel=1e-9)
    assert found.most("1/4") == pytest.approx(math.log(4) / rate, abs=1.5)


def test_a_gap_that_rounding_hides_is_left_out():
    found = point("sticky", sticky(), 0.08)
    assert found.kind == UNKNOWN
    assert found.gap == ""
    assert set(found.least.values()) == {None}
    assert found.steps["1/4"].upper == math.inf
    assert found.row()["at least, to 1/4"] == ""


def test_the_fewest_steps_of_a_gap_by_hand():
    # 0.9^6 is 0.531441 and 0.9^7 is 0.4782969: the first that is at most a half
    assert least_steps(0.1, 0.25) == 7
    assert least_steps(1.0, 1e-6) == 0


def test_the_barrier_between_two_loops_is_the_slope():
    temperatures = (0.5, 0.25, 0.2)
    points = [point("sticky", sticky(), temperature) for temperature in temperatures]
    row = chain_row("sticky", sticky(), points)
    assert (row["greedy loops"], row["their number"], row["cost between the two"]) == ("0, 1", "2", "4")
    low, high = map(float, row["rise of log steps in 1/T"][1:-1].split(", "))
    assert low <= 4 <= high + 1e-3
    assert high - low < 0.01
    lone = mg.LogitTable(mg.StateSpace(2, 1), np.array([[4.0, 0.0], [4.0, 0.0]]))
    assert chain_row("lone", lone, points[:1]) | {"chain": ""} == {
        "chain": "",
        "greedy loops": "0",
        "their number": "1",
        "cost between the two": "",
        "cost to lose the phase": "",
        "rise of log steps in 1/T": "",
    }


def turning(slow):
    """Two tokens in turn; to say the same one again costs so much."""
    return mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, slow], [slow, 0.0]]))


def test_one_loop_forgets_its_phase_at_the_cost_of_a_slip():
    assert phase_cost(turning(3.0)) == 3
    points = [point("turning", turning(3.0), temperature) for temperature in (0.5, 0.25, 0.2)]
    row = chain_row("turning", turning(3.0), points)
    assert (row["their number"], row["cost between the two"], row["cost to lose the phase"]) == ("1", "", "3")
    # eigenvalue -(1 - 2q) with q = 1 / (1 + e^(3 / T)), so that steps rise as e^(3 / T)
    low, high = map(float, row["rise of log steps in 1/T"][1:-1].split(", "))
    assert low - 1e-2 <= 3 <= high + 1e-2


def test_slips_that_keep_a_divisor_do_not_forget_all():
    # four tokens in turn; 0 3 leaves two out and 1 0 adds two, which keeps even from odd; 2 2 adds one
    logits = np.full((4, 4), -50.0)
    logits[np.arange(4), (np.arange(4) + 1) % 4] = 0.0
    logits[0, 3], logits[1, 0] = -1.0, -5.0
    logits[2, 2] = -7.0
    assert phase_cost(mg.LogitTable(mg.StateSpace(4, 1), logits)) == 7


def test_a_rise_is_between_bounds_rounded_outward():
    # from 100 to 1000 steps between 1/T = 2 and 4: log 10 / 2 = 1.15129...
    assert rise([known(1.0, 1), known(0.5, 100), known(0.25, 1000)]) == "[1.151, 1.152]"
    assert rise([known(1.0, 1), known(0.5, 100), known(0.25, 1000, math.inf)]) == "[4.605, 4.606]"


def test_steps_in_words():
    assert in_words(known(1.0, 12)) == "12"
    assert in_words(known(1.0, 12, 40)) == "between 12 and 40"
    assert in_words(known(1.0, 70368744177665, math.inf)) == "at least 7.03e+13"


def test_sentences_say_what_the_points_are():
    points = [known(1.0, 10), known(0.5, 20), known(0.25, 20, 900)]
    texts = sentences(points, [{"chain": "known", "their number": "2"}])
    assert texts[0].endswith(": 10 at T = 1 and between 20 and 900 at T = 0.25 (known).")
    # 1/2 a step: 20 steps to 1e-6, twice 10
    assert "overstates them 1 times at the least (known, T = 0.5) and 2 times at the most (known, T = 1)" in texts[1]
    assert (
        texts[2]
        == "Where the second eigenvalue is certified, the steps are never more than 4 times what it leaves at least, "
        "down to T = 0.5."
    )


def test_the_figure_is_the_same_when_made_twice(tmp_path):
    points = [known(1.0, 10), known(0.5, 20, 60), known(0.25, 900, math.inf)]
    for name in ("one.svg", "two.svg"):
        draw_mixing(points, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    drawn = (tmp_path / "one.svg").read_text()
    assert "2 windows" in drawn
    assert "mathdefault" not in drawn  # powers of ten are written out


def test_a_small_run_writes_everything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # so that the models are kept there
    words = [
        "--small",
        "--steps",
        "1",
        "--parity-steps",
        "2",
        "--parity-temperatures",
        "2",
        "--temperatures",
        "1",
        "0.5",
    ]
    assert run(STUDY, [*words, "--out", "here"]) == 0
    made = {file.name for file in (tmp_path / "here").iterdir()}
    assert made == {"table.csv", "table.tex", "chains.csv", "chains.tex", "mixing.svg", "run.json"}
