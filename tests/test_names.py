"""The experiment on names: its parts on a chain that forgets everything, worked by hand, and what it left."""

import csv
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import markovgpt as mg
from experiments import names
from experiments.names import (
    ENDS,
    STUDY,
    Settings,
    Spoken,
    between,
    length_rows,
    lengths_apart,
    likeliest_rows,
    long_run_rows,
    memory_rows,
    red_rows,
    sentences,
)
from experiments.names_models import LETTERS, default_names
from experiments.study import RESULTS, run

FOLDER = RESULTS / "names"
SHARES = {"\n": 0.25, "a": 0.5, "b": 0.125, "c": 0.125}
NAMES = ("a", "ab", "caa")


@pytest.fixture(scope="module")
def spoken():
    """Each token has its share, whatever stands before it; what has none is as good as impossible."""
    row = np.array([math.log(SHARES[token]) if token in SHARES else -60.0 for token in LETTERS.tokens])
    space = mg.StateSpace(27, 2, with_prefixes=True)
    return Spoken.of(mg.LogitTable(space, np.tile(row, (space.n_states, 1)), LETTERS))


def test_the_stream_is_the_lines_without_their_beginnings():
    space = mg.StateSpace(27, 2, with_prefixes=True)
    drawn = np.random.default_rng(1).normal(size=(space.n_states, 27))
    spoken = Spoken.of(mg.LogitTable(space, drawn, LETTERS))
    assert (spoken.name, spoken.lines.n_states, spoken.stream.n_states) == ("2", 27 + 27**2, 27**2)
    state = spoken.lines.space.encode(LETTERS.encode("ab"))
    full = spoken.stream.space.encode(LETTERS.encode("ab"))
    assert (spoken.lines.next_token_probs[state] == spoken.stream.next_token_probs[full]).all()


def test_the_likeliest_names(spoken):
    found = likeliest_rows(spoken, ["aa", "b"], 3)
    assert [row["name"] for row in found] == ["(none)", "a", "aa"]
    assert [float(row["P"]) for row in found] == pytest.approx([0.25, 0.125, 0.0625], rel=1e-11)
    assert [row["listed"] for row in found] == ["no", "no", "yes"]
    assert all(
        float(row["P lower"]) <= p <= float(row["P upper"]) for row, p in zip(found, (1 / 4, 1 / 8), strict=False)
    )


def test_lengths_are_geometric(spoken):
    law = mg.hitting_law(spoken.lines, list(ENDS), start="\n", steps=5)
    rows = length_rows("2", law, [0, 1, 1, 1])
    assert [float(row["P"]) for row in rows] == pytest.approx([0.25 * 0.75**k for k in range(5)], rel=1e-11)
    assert [row["names"] for row in rows] == [0, 1, 1, 1, 0]
    assert rows[1]["share of the list"] == "0.333333"


def test_how_far_two_laws_of_lengths_are_apart(spoken):
    law = mg.hitting_law(spoken.lines, list(ENDS), start="\n", steps=8)
    p = [Fraction(1, 4) * Fraction(3, 4) ** k for k in range(4)]
    listed = [0, Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)]
    exact = (sum(abs(a - b) for a, b in zip(p, listed, strict=True)) + Fraction(3, 4) ** 4) / 2
    found = lengths_apart(law, [0, 1, 1, 1])
    assert Fraction(found.lower) <= exact <= Fraction(found.upper)
    assert found.upper - found.lower < 1e-12


def test_laws_that_agree_are_apart_by_no_more_than_their_bounds():
    sure = mg.SparseChain.from_matrix([[0, 0.5, 0.5], [0, 0, 1], [0, 0, 1]])
    law = mg.hitting_law(sure, [2], start=0, steps=4)  # 1 or 2 tokens, each with 1/2
    found = lengths_apart(law, [1, 1])
    assert 0 <= found.lower <= found.upper < 1e-12
    far = lengths_apart(law, [0, 0, 5])
    assert far.lower <= 1 <= far.upper
    assert far.upper < 1 + 1e-12


def test_the_heaviest_windows_are_those_of_the_likeliest_tokens(spoken):
    long_run = mg.stationary_distributions(spoken.stream).only()
    rows = long_run_rows(spoken, NAMES, long_run, 3)
    assert rows[0]["window"] == "aa"
    assert sorted(row["window"] for row in rows[1:]) == ["\\na", "a\\n"]
    assert [float(row["share"]) for row in rows] == pytest.approx([0.25, 0.125, 0.125], rel=1e-9)
    stream = "a\nab\ncaa\n"
    counted = Counter(a + b for a, b in zip(stream, stream[1:] + stream[0], strict=True))
    assert rows[0]["share of the list"] == f"{counted['aa'] / 9:.6f}"
    shares = {row["window"]: row["share of the list"] for row in rows}
    assert shares["a\\n"] == f"{counted['a' + chr(10)] / 9:.6f}"
    assert shares["\\na"] == f"{2 / 9:.6f}"  # once where the circle closes


def test_red_words_in_a_name(spoken):
    rows = red_rows(spoken, NAMES, ["a", "aaa", "qa"])
    once = 0.5 / 0.75  # an a before the end of the line
    assert float(rows[0]["P in a name"]) == pytest.approx(once, rel=1e-11)
    # after i letters a in a row f_i, f_3 = 1 and f_i = f_(i+1) / 2 + f_0 / 4, so f_0 (1 - 1/4 - 1/8 - 1/16) = 1/8
    assert float(rows[1]["P in a name"]) == pytest.approx(2 / 9, rel=1e-11)
    assert float(rows[1]["P in 1000 names"]) == pytest.approx(1.0, rel=1e-9)
    assert [row["listed names with it"] for row in rows] == [3, 0, 0]
    q = math.exp(-60) * 0.5 / 0.25  # as often is qa written before the end, on average
    assert float(rows[2]["P in 1000 names"]) == pytest.approx(1000 * q, rel=1e-9)


def test_what_forgets_everything_needs_no_memory(spoken):
    rows = memory_rows("2", mg.memory_use(spoken.stream))
    assert [(row["tokens remembered"], float(row["bits lost upper"])) for row in rows] == [(0, 0), (1, 0)]


def test_sentences_speak_of_the_last_model():
    last = {"context": "5", "P(listed)": "0.25", "likeliest name": "ab", "P(it)": "0.125", "lengths apart": "0.5"}
    last["bits per token"] = "2.00"
    parts = {
        "likeliest": [
            {"context": "4", "listed": "yes"},
            {"context": "5", "listed": "yes"},
            {"context": "5", "listed": "no"},
        ],
        "red": [
            {"context": "5", "word": "aa", "P in a name": "1.00e-9", "P in a name upper": "1.01e-9"},
            {"context": "5", "word": "bb", "P in a name": "0.0100", "P in a name upper": "0.0101"},
        ],
        "memory": [{"context": "4", "bits lost": "3.00"}, {"context": "5", "bits lost": "1.50"}],
    }
    first, second, third = sentences(last, parts, 1698)
    assert first.startswith("A model of 1,698 names writes one of them with probability 0.25")
    assert "of its 2 likeliest names 1 stand" in first
    assert "The likeliest, ab, has probability 0.125" in second
    assert third.startswith("In a name bb has probability 0.0100, aa 1.00e-9;")
    assert "without the oldest of its 1 tokens would cost 1.50 bits a token more than its 2.00" in third


def test_a_number_between_bounds():
    found = between(1.0, 3.0)
    assert (found.lower, found.value, found.upper) == (1.0, 2.0, 3.0)


def test_a_small_run_of_a_text(tmp_path):
    file = tmp_path / "few.txt"
    file.write_text("\n".join(default_names()[:20]))
    given = ["--small", "--text", str(file), "--steps", "2", "--out", str(tmp_path / "made")]
    assert run(STUDY, given) == 0
    made = {path.name for path in (tmp_path / "made").iterdir()}
    assert {"table.csv", "likeliest.csv", "lengths_2.svg", "long_run_2.pdf", "run.json"} <= made


def test_a_model_of_other_tokens_is_refused(tmp_path):
    model = mg.GPT(mg.GPTConfig(3, 2, n_layer=1, n_head=1, n_embd=4))
    mg.save_model(model, tmp_path / "three")
    assert run(STUDY, ["--small", "--model", str(tmp_path / "three"), "--out", str(tmp_path / "made")]) == 2


@pytest.mark.skipif(not FOLDER.exists(), reason="made by python -m experiments.names")
def test_what_was_found_fits_together():
    def rows(name):
        with (FOLDER / f"{name}.csv").open() as file:
            return list(csv.DictReader(file))

    listed, counted = set(default_names()), Counter(map(len, default_names()))
    for table in rows("table"):
        likeliest, lengths = (
            [row for row in rows(name) if row["context"] == table["context"]] for name in ("likeliest", "lengths")
        )
        assert all((row["listed"] == "yes") == (row["name"] in listed) for row in likeliest)
        chances = [float(row["P"]) for row in likeliest]
        assert chances == sorted(chances, reverse=True)
        known = sum(p for row, p in zip(likeliest, chances, strict=True) if row["listed"] == "yes")
        assert known < float(table["P(listed)"])
        assert [int(row["names"]) for row in lengths] == [counted[letters] for letters in range(len(lengths))]
        # of a first name from the beginning of a line, cut; in the long run windows reach into the name before
        mean = sum(float(row["P"]) * (int(row["letters"]) + 1) for row in lengths)
        assert float(table["tokens of a name"]) == pytest.approx(mean, rel=0.15)
    assert names.STUDY.settings == Settings()
