"""The sorter's tables and sentences, on a sorter whose law is known."""

import numpy as np
import pytest

import markovgpt as mg
from experiments.sorter import (
    STUDY,
    Settings,
    margin_rows,
    margins_of,
    mean,
    percent,
    sentences,
    setting_row,
    step_rows,
    worst_rows,
)
from experiments.sorting_law import sorting_law
from experiments.sorting_models import inputs_of
from experiments.study import asked, run
from markovgpt.export.tables import read_table

SPACE = mg.StateSpace(3, 3, with_prefixes=True)
INPUTS = inputs_of(2)


def right_letter(window):
    """What a sorter of two letters should say after a window of two or three."""
    return sorted(window[:2])[len(window) - 2]


@pytest.fixture(scope="module")
def table():
    """Logits: 2 for the right letter, 0 for the others; after BA the first letter leads only by 1, and over C."""
    logits = np.zeros((SPACE.n_states, 3))
    for state in range(3, SPACE.n_states):
        logits[state, right_letter(SPACE.decode(state))] = 2.0
    logits[SPACE.encode((1, 0)), 2] = 1.0
    return mg.LogitTable(SPACE, logits)


@pytest.fixture(scope="module")
def chain(table):
    """At temperature 1."""
    return mg.WindowChain.from_logits(table)


E2 = np.exp(2.0)
STEP = 2 / (E2 + 2)  # a wrong letter
BA = (np.e + 1) / (E2 + np.e + 1)  # at the first letter after BA


def test_a_setting_in_a_row(chain):
    unseen = np.arange(9) == 3  # BA alone
    row = setting_row("T = 1", sorting_law(chain), INPUTS, unseen)
    usual, worst = STEP + (1 - STEP) * STEP, BA + (1 - BA) * STEP
    assert float(row["P(wrong), mean"]) == pytest.approx((8 * usual + worst) / 9, rel=1e-10)
    assert float(row["P(right), mean"]) == pytest.approx(1 - (8 * usual + worst) / 9, rel=1e-10)
    assert float(row["P(wrong), worst input"]) == pytest.approx(worst, rel=1e-10)
    assert row["P(wrong), inputs never trained on"] == row["P(wrong), worst input"]
    assert (row["worst input"], row["inputs that cannot fail"]) == ("BA", "0 of 9")


def test_a_greedy_sorter_cannot_fail(table):
    law = sorting_law(mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=0)))
    row = setting_row("T = 0", law, INPUTS, None)
    assert [row[name] for name in ("P(right), mean", "P(wrong), mean", "worst input")] == ["1", "0", ""]
    assert row["inputs that cannot fail"] == "9 of 9"
    assert step_rows("T = 0", law) == []


def test_a_mean_over_some_is_of_those(chain):
    law = sorting_law(chain)
    assert mean(law.wrong, np.arange(9) == 3).value == pytest.approx(BA + (1 - BA) * STEP)


def test_the_letters_in_rows(chain):
    first, second = step_rows("T = 1", sorting_law(chain))
    errors = (8 * STEP + BA) / 9, (8 * (1 - STEP) + (1 - BA)) / 9 * STEP
    assert float(first["P(first error here), mean"]) == pytest.approx(errors[0], rel=1e-10)
    assert float(second["P(first error here), mean"]) == pytest.approx(errors[1], rel=1e-10)
    assert float(first["share of all failures"]) == pytest.approx(errors[0] / sum(errors), rel=1e-10)
    # whatever was said first, the second letter is right with the same probability
    assert float(first["then the rest is right"]) == pytest.approx(1 - STEP, rel=1e-10)
    assert second["then the rest is right"] == ""


def test_the_closest_choices(table):
    margins = margins_of(table, INPUTS)
    assert margins.lead.min() == 1.0
    assert margins.lead.argmin() == 2 * 3
    row = margin_rows(margins, INPUTS)[0]
    assert [row[name] for name in ("smallest lead (nats)", "input", "said before", "right letter", "next to it")] == [
        "1.0000",
        "BA",
        "",
        "A",
        "C",
    ]
    assert row["choices that are wrong"] == "0 of 9"


def test_the_worst_inputs_and_what_is_said_instead(table, chain):
    rows = worst_rows(chain, sorting_law(chain), INPUTS, margins_of(table, INPUTS))
    assert len(rows) == 9
    assert (rows[0]["input"], rows[0]["right output"], rows[0]["likeliest wrong output"]) == ("BA", "AB", "CB")
    assert float(rows[0]["its probability"]) == pytest.approx(np.e / (E2 + np.e + 1) * (1 - STEP), rel=1e-10)
    assert (rows[0]["smallest lead (nats)"], rows[0]["at letter"]) == ("1.0000", "1")


def test_the_sentences_say_what_the_tables_do(table, chain):
    law, margins = sorting_law(chain), margins_of(table, INPUTS)
    rows = [setting_row("T = 1", law, INPUTS, None)]
    cut = mg.WindowChain.from_logits(table, mg.SamplingSettings(top_k=1))
    rows.append(setting_row("T = 1, top_k = 1", sorting_law(cut), INPUTS, None))
    found = sentences(margins, rows, step_rows("T = 1", law), worst_rows(chain, law, INPUTS, margins), 1.0)
    assert found[0].startswith("Greedily 9 of 9 inputs are sorted, the closest choice by 1.00 nats; sampled, ")
    assert f"BA fails most, in {percent(rows[0]['P(wrong), worst input'])}; more failures begin at letter 1" in found[1]
    assert found[2] == "Under 1 of 1 truncated settings no input can fail."


def test_settings_by_name():
    names = list(Settings(temperatures=(0.0,), top_k=(2,), top_p=(0.9,), truncated_at=(2.0,)).all_settings())
    assert names == ["T = 0", "T = 2, top_k = 2", "T = 2, top_p = 0.9"]


def test_a_small_run_says_the_same_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["--small", "--letters", "2", "--steps", "2", "--samples", "500"]
    arguments += ["--temperatures", "1", "--top-k", "2", "--top-p", "0.9", "--truncated-at", "1", "--sampled-at", "1"]
    assert run(STUDY, [*arguments, "--out", str(tmp_path / "one")]) == 0
    (tmp_path / "two").mkdir()
    STUDY.make(asked(STUDY, arguments)[0], tmp_path / "two")
    files = sorted(file.name for file in (tmp_path / "one").iterdir() if file.name != "run.json")
    assert {"table.csv", "steps.csv", "worst.csv", "margins.csv", "check.csv", "inputs.svg", "recovery.svg"} <= set(
        files
    )
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)
    assert all(row["in it"] == "yes" for row in read_table(tmp_path / "one" / "check.csv"))
