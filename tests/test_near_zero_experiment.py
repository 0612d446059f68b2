"""The experiment near temperature zero: by a closed form, and what it left in results/near_zero/."""

import csv
import hashlib
import json
import math

import numpy as np
import pytest

import markovgpt as mg
from experiments import near_zero
from experiments.near_zero import STUDY, TEMPERATURES, cycles_of, drawn_gpt, rows_of, shown
from experiments.study import RESULTS, run

FOLDER = RESULTS / "near_zero"
TABLE = mg.LogitTable(mg.StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]), mg.Vocabulary(("a", "b")))


def left_by(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_values_and_limits_of_two_windows_by_hand():
    # a is left with p = 1 / (1 + e**(2/T)), b with q = 1 / (1 + e**(1/T)): times 1/p and 1/q, pi(b) = p / (p + q)
    rows = {(row["quantity"], row["T"]): row for row in rows_of("two", TABLE, [0.5, 0.1])}
    for T in (0.5, 0.1):
        p, q = 1 / (1 + math.exp(2 / T)), 1 / (1 + math.exp(1 / T))
        expected = {
            "T ln E[time to leave a]": (-T * math.log(p), 2.0),
            "T ln E[time to leave b]": (-T * math.log(q), 1.0),
            "T ln 1/pi(cycle a)": (-T * math.log(q / (p + q)), 0.0),
            "T ln 1/pi(cycle b)": (-T * math.log(p / (p + q)), 1.0),
        }
        for name, (exact, limit) in expected.items():
            row = rows[name, T]
            assert (row["exact"], row["limit"]) == (shown(exact), shown(limit))
            assert row["difference"] == shown(exact - limit)
            assert float(row["over T"]) == pytest.approx((exact - limit) / T, abs=6e-4)


def test_the_cycles_of_two_windows_by_hand():
    first, second = cycles_of("two", TABLE)
    assert first == {
        "system": "two",
        "cycle": "a",
        "windows": 1,
        "depth": "2.000000",
        "way out": "b",
        "leads to": "b",
        "long run": "0.000000",
        "remains": "yes",
    }
    assert (second["depth"], second["long run"], second["remains"]) == ("1.000000", "1.000000", "no")


def test_what_does_not_come_near_its_limit_is_refused(monkeypatch):
    monkeypatch.setattr(near_zero, "MOST_OVER_T", 1e-3)
    with pytest.raises(mg.MarkovGPTError, match=r"must be known to 1e-06 and come to .*, got .* at temperature 0.5"):
        rows_of("two", TABLE, [0.5])


def test_the_drawn_model_has_several_cycles_of_several_lengths():
    assert [row["windows"] for row in cycles_of("drawn", drawn_gpt())] == [1, 4, 3, 1]


def test_what_was_left_falls_to_its_limits():
    rows, found = left_by("table"), {}
    for row in rows:
        found.setdefault((row["system"], row["quantity"]), {})[float(row["T"])] = row
    assert len(found) > 15
    for each in found.values():
        assert sorted(each, reverse=True) == list(TEMPERATURES)
        off = [abs(float(each[temperature]["difference"])) for temperature in TEMPERATURES]
        assert off[-1] <= 0.6 * off[-2] + 2e-6
        for temperature, row in each.items():
            exact, limit = float(row["exact"]), float(row["limit"])
            assert float(row["difference"]) == pytest.approx(exact - limit, abs=2e-6)
            assert float(row["over T"]) == pytest.approx((exact - limit) / temperature, abs=2e-6 / temperature + 1e-3)


def test_the_second_deepest_cycle_is_the_least_likely():
    depth, exponent = ({row["cycle"]: float(row[name]) for row in left_by("cycles")} for name in ("depth", "long run"))
    assert depth["a"] > depth["c"] > max(depth["cba"], depth["aaac"])
    assert exponent["c"] == max(exponent.values())


def test_the_record_is_of_these_files():
    record = json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))
    assert sorted(record["files"]) == sorted(file.name for file in FOLDER.iterdir() if file.name != "run.json")
    for name, digest in record["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_a_small_run_writes_everything(tmp_path):
    assert run(STUDY, ["--small", "--temperatures", "0.2", "--out", str(tmp_path / "here")]) == 0
    made = {file.name for file in (tmp_path / "here").iterdir()}
    assert made == {"table.csv", "table.tex", "cycles.csv", "cycles.tex", "limits.svg", "run.json"}
