"""The experiment on rare words: its parts by hand and beside exact answers, a small run, and what it left."""

import csv
import math

import numpy as np
import pytest

import markovgpt as mg
from experiments.names_models import END, LETTERS
from experiments.rare_words import (
    EXPONENTS,
    STUDY,
    Settings,
    chosen,
    coverage_rows,
    documented_words,
    expected_counts,
    how_many_hold,
    rows_of,
    sampled,
    sentences,
)
from experiments.study import RESULTS, run

FOLDER = RESULTS / "rare_words"


@pytest.fixture(scope="module")
def chain():
    """A chain over windows of up to three letters, its rows drawn, of the 27 tokens of names."""
    space = mg.StateSpace(27, 3, with_prefixes=True)
    logits = np.random.default_rng(3).normal(size=(space.n_states, 27))
    logits[:, END] += 2  # names end
    return mg.WindowChain.from_logits(mg.LogitTable(space, logits, LETTERS))


def test_words_are_of_letters_and_stand_once():
    words = documented_words()
    assert len(words) > 2000
    assert list(words) == sorted(set(words))
    assert all(word.isascii() and word.islower() and word.isalpha() and len(word) > 1 for word in words)


def test_expected_counts_are_those_of_the_library_and_bound_the_probability(chain):
    words = ["a", "ab", "abc", "abcd", "qqqqq"]
    for word, found in zip(words, expected_counts(chain, words), strict=True):
        count = mg.expected_count(chain, word, start="\n", tokens=2000, stop_tokens=[END])
        assert 10**found == pytest.approx(count.value, rel=1e-6)
        exact = mg.hitting_probability(chain, word, start="\n", stop_tokens=[END])
        assert exact.log10_lower <= found + 1e-12


def test_sampled_names_are_those_of_the_chain(chain):
    names, longest = 20_000, 6
    batches = list(sampled(chain, names, longest, seed=1))
    assert sum(map(len, batches)) == names
    texts = np.concatenate(batches)
    assert texts.shape == (names, longest + 1)
    assert (texts[:, -1] == END).all()
    over = np.cumsum(texts == END, axis=1) > 0
    assert (texts[over] == END).all()
    for word in ("a", "ab", "e"):
        exact = mg.hitting_probability(chain, word, start="\n", stop_tokens=[END], within=longest).value
        share = how_many_hold(texts, bytes(LETTERS.encode(word))) / names
        assert abs(share - exact) < 5 * math.sqrt(exact * (1 - exact) / names)


def test_dice_are_repeated_and_differ():
    one = mg.StateSpace(27, 1)
    flat = mg.WindowChain(one, np.full((27, 27), 1 / 27), LETTERS)
    first, again, other = (next(sampled(flat, 100, 3, seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_word_counts_once_a_name_and_not_across_two():
    texts = np.array([[1, 1, 1, 0], [2, 1, 0, 0], [1, 2, 1, 0]], dtype=np.uint8)
    assert how_many_hold(texts, bytes([1])) == 3
    assert how_many_hold(texts, bytes([1, 1])) == 1
    assert how_many_hold(texts, bytes([2, 1])) == 2
    assert how_many_hold(texts, bytes([1, 1, 1])) == 1
    assert how_many_hold(texts, bytes([3])) == 0


def test_too_few_words_are_refused():
    with pytest.raises(mg.InvalidInput, match="a word for each of 2 exponents, got 1"):
        chosen(["a"], np.array([-1.0]), [1, 2])


@pytest.mark.parametrize("given", [{"names": 0}, {"longest": 0}, {"names_per_second": 0.0}])
def test_settings_that_make_no_sense_are_refused(given):
    with pytest.raises(mg.InvalidInput, match="must be above 0"):
        Settings(**given)


def exactly(p):
    """An answer that is a power of two."""
    lazy = mg.SparseChain.from_matrix([[1 - p, p], [0.0, 1.0]])
    return mg.hitting_probability(lazy, [1], start=0, within=1)


def test_rows_by_hand():
    settings = Settings(names=1000, names_per_second=1.0)
    table, covered = rows_of("word", 0.5, exactly(2.0**-20), 0, settings)
    needed = (1 - 2.0**-20) * 2**20 * 100
    assert table["P"].startswith("9.5367431640")
    assert (table["seen"], table["estimate"]) == (0, "0")
    assert table["orders too high"] == "3.5"  # 0.003 is 3146 times 2**-20
    assert float(table["names for 10 %"]) == pytest.approx(needed, rel=5e-3)
    assert float(table["years"]) == pytest.approx(needed / 31_557_600, rel=5e-3)
    assert float(covered["normal holds"]) == pytest.approx(1000 * 2.0**-20, rel=1e-3)  # seen at all
    assert covered["Clopper-Pearson"] == table["95 % interval"] == "[0, 0.00368]"


def test_what_was_seen_needs_no_rule_of_three():
    table, _ = rows_of("word", 1.0, exactly(0.25), 2, Settings(names=8))
    assert (table["estimate"], table["orders too high"]) == ("0.25", "")


def test_the_sentences_count():
    settings = Settings(names=1000)
    points = [(1.0, 0.25, 240), (1.0, 2.0**-10, 9), (1.0, 2.0**-30, 0)]
    made = [rows_of(word, t, exactly(p), k, settings) for word, (t, p, k) in zip("abc", points, strict=True)]
    said = sentences([row for row, _ in made], [row for _, row in made], points, settings)
    assert said[0].startswith("Of 3 words 1,000 sampled names never show 1, the likeliest of which has P = 9.3e-10")
    assert "held 2 of the 3 words" in said[1]  # 9 of 1000 is too many for 1 in 1024
    assert "At P = 0.000977" in said[1]
    assert "For c the rule of three is 6.5 orders too high" in said[2]


def test_the_grid_of_coverages_is_about_one_sample():
    rows = coverage_rows(100)
    assert rows[0]["p"] == "0.0001"
    assert float(rows[-1]["p"]) < 1
    middle = next(row for row in rows if row["p"] == "0.01")
    seen = sum(math.comb(100, k) * 0.01**k * 0.99 ** (100 - k) for k in range(1, 6))  # those whose interval holds 1 %
    assert middle["normal"] == f"{seen:.4f}"
    assert all(float(row["Clopper-Pearson"]) >= 0.95 for row in rows)


def test_a_small_run(tmp_path, monkeypatch):
    assert run(STUDY, ["--small", "--names", "2000", "--exponents", "2", "12", "--out", str(tmp_path / "made")]) == 0
    with (tmp_path / "made" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [round(math.log10(float(row["P"]))) for row in rows] == [-2, -12]
    assert (tmp_path / "made" / "words.svg").read_text().count("never") == 1


@pytest.mark.skipif(not FOLDER.exists(), reason="made by python -m experiments.rare_words")
def test_what_was_found_spans_28_orders():
    with (FOLDER / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["temperature"] for row in rows} == {"1", "0.5"}
    for temperature in ("1", "0.5"):
        own = [float(row["P"]) for row in rows if row["temperature"] == temperature]
        assert own == sorted(own, reverse=True)
        assert [-round(math.log10(p)) for p in own[:-1]] == list(EXPONENTS[:-1])
        assert abs(math.log10(own[-1]) + EXPONENTS[-1]) < 1  # there are few words so rare: the nearest may be further
    assert min(float(row["P"]) for row in rows) < 10**-29.5  # at one temperature at least it is that rare
    n = STUDY.settings.names
    for row in rows:
        p, seen = float(row["P"]), int(row["seen"])
        assert abs(seen - n * p) <= 5 * math.sqrt(n * p) + 5
