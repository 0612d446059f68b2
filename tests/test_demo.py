"""The demo writes every table and figure, with the published numbers in them."""

import csv
import itertools
import json
import re

import pytest

from markovgpt.demo import run_demo
from markovgpt.scaled import ScaledArray


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    lines = []
    place = run_demo(tmp_path_factory.mktemp("results") / "baby_gpt", say=lines.append)
    (place / "report.txt").write_text("\n".join(lines))
    return place


def rows_of(folder, name):
    """The rows of a table."""
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_every_table_comes_as_csv_and_latex_and_every_figure_as_svg(folder):
    tables = [
        "table",
        "loss",
        "next_token_probabilities",
        "three_tokens",
        "stationary",
        "reach",
        "absorption",
        "greedy",
        "walk",
    ]
    figures = [
        "loss",
        "states_before",
        "states_after",
        "states_with_prefixes",
        "states_three_tokens",
        "stationary",
        "reach",
        "greedy",
        "greedy_smallest",
    ]
    expected = {f"{name}.{suffix}" for name in tables for suffix in ("csv", "tex")} | {
        f"{name}.svg" for name in figures
    }
    expected |= {"states_after.dot", "greedy_smallest.tikz.tex", "explore.html"}
    assert expected <= {file.name for file in folder.iterdir()}


def test_there_are_eight_states_and_fourteen_with_prefixes(folder):
    rows = rows_of(folder, "table")
    assert [row["window"] for row in rows] == [
        "0",
        "1",
        "00",
        "01",
        "10",
        "11",
        "000",
        "001",
        "010",
        "011",
        "100",
        "101",
        "110",
        "111",
    ]
    assert [row["state among 8"] for row in rows][6:] == list("01234567")


def test_the_loss_is_the_published_one(folder):
    rows = rows_of(folder, "loss")
    published = {0: 0.663539469242096, 10: 0.5967749953269958, 40: 0.5359978079795837, 49: 0.4699831008911133}
    assert len(rows) == 50
    for step, loss in published.items():
        assert float(rows[step]["loss"]) == pytest.approx(loss, abs=1e-6)


def test_the_probabilities_are_the_published_ones(folder):
    rows = {row["window"]: row for row in rows_of(folder, "next_token_probabilities")}
    assert float(rows["000"]["P(0) before"]) == pytest.approx(0.4963349998, abs=1e-6)
    assert float(rows["111"]["P(0) after"]) == pytest.approx(0.5463876128, abs=1e-6)
    three = {row["window"]: row for row in rows_of(folder, "three_tokens")}
    assert len(three) == 9
    assert float(three["21"]["P(1)"]) == pytest.approx(0.4134968519, abs=1e-6)


def test_the_stationary_distribution_balances_the_published_probabilities(folder):
    shares = {row["window"]: float(row["after"]) for row in rows_of(folder, "stationary")}
    chances = {row["window"]: float(row["P(1) after"]) for row in rows_of(folder, "next_token_probabilities")}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-10)
    # 011 is entered from 001 and 101 by saying 1
    assert shares["001"] * chances["001"] + shares["101"] * chances["101"] == pytest.approx(shares["011"], abs=1e-9)


def test_top_k_one_never_reaches_red_and_full_sampling_does(folder):
    for row in rows_of(folder, "reach"):
        if row["top_k"] == "1":
            assert row["P(000 within 1000)"] == "0"
            assert row["expected tokens until 000"] == "inf"
        else:
            assert row["P(000 within 10)"] not in ("0", "1")
            assert float(row["expected tokens until 000"]) > 3


def test_colder_sampling_waits_longer_for_red(folder):
    times = [float(row["expected tokens until 000"]) for row in rows_of(folder, "reach") if row["top_k"] == "off"]
    assert times == sorted(times)


def test_both_ends_of_the_absorption_table_share_every_start(folder):
    for row in rows_of(folder, "absorption"):
        first, second = (float(value) for name, value in row.items() if name != "start")
        assert first + second == pytest.approx(1, abs=1e-10)


def test_the_walk_is_a_walk_of_the_chain(folder):
    rows = rows_of(folder, "walk")
    for before, after in itertools.pairwise(rows):
        assert after["window"] == before["window"][1:] + before["token"]


def test_the_record_names_the_weights_and_the_seed(folder):
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["parameters"] == 12_656
    assert record["settings"]["seed"] == 1337
    assert record["settings"]["dtype"] == "float32"
    assert len(record["settings"]["weights_sha256"]) == 64


def test_the_report_names_what_was_found_and_where(folder):
    report = (folder / "report.txt").read_text()
    assert re.search(r"12,656 parameters .*8 states", report)
    assert str(folder / "model") in report


def test_the_page_holds_both_checkpoints_and_is_small(folder):
    page = (folder / "explore.html").read_text(encoding="utf-8")
    assert '"name":"before training"' in page
    assert '"name":"after training"' in page
    assert len(page) < 150_000
    assert (folder / "report.txt").read_text().splitlines()[-1].endswith(f"open {folder / 'explore.html'} in a browser")


def test_a_second_run_makes_the_same_bytes(folder, tmp_path):
    again = run_demo(tmp_path, say=lambda line: None)
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name not in ("run.json", "report.txt"):
            assert file.read_bytes() == (again / file.relative_to(folder)).read_bytes(), file.name


def test_very_cold_answers_are_below_anything_a_float32_could_hold(folder):
    coldest = rows_of(folder, "reach")[5]
    assert coldest["temperature"] == "0.01"
    assert ScaledArray.of(float(coldest["P(000 within 10)"])).log10() < -100
