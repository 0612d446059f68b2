"""The experiment on ways of drawing: on chains that one can do by hand, and what its rows say."""

import math
from decimal import Decimal, getcontext
from itertools import pairwise

import numpy as np
import pytest

import markovgpt as mg
from experiments.python_text import LETTERS, documentation, plain
from experiments.sampling_strategies import (
    LOGITS,
    STUDY,
    Settings,
    asked,
    chain_under,
    draw_strategies,
    from_a_word,
    loop_rows,
    plain_text_of,
    sentences,
    softmax_row,
    stage_row,
    written,
)
from experiments.strategies import FAMILIES, sampling
from experiments.study import run

SHORT = Settings(context_length=1, start="a", red="b", within=2, strategies=("greedy",))


def table_of(rows):
    """A table of one letter of context: for the letters named the odds of those named, for others "a" alone."""
    probabilities = np.full((27, 27), 1e-30)
    probabilities[:, 1] = 1.0
    for letter, odds in rows.items():
        probabilities[LETTERS.encode(letter)[0]] = 1e-30
        for other, odd in odds.items():
            probabilities[LETTERS.encode(letter)[0], LETTERS.encode(other)[0]] = odd
    return mg.LogitTable(mg.StateSpace(27, 1), np.log(probabilities), LETTERS)


@pytest.fixture
def swing():
    """a is followed by b in 3 of 4, b by a in 3 of 4; otherwise each by c, which is followed by c or a alike."""
    return table_of({"a": {"b": 0.75, "c": 0.25}, "b": {"a": 0.75, "c": 0.25}, "c": {"c": 0.5 + 1e-9, "a": 0.5}})


def softmax(temperature):
    """The softmax of the logits in forty digits."""
    getcontext().prec = 40
    powers = [(Decimal(logit) / Decimal(temperature)).exp() for logit in LOGITS]
    return [f"{power / sum(powers):.4f}" for power in powers]


@pytest.mark.parametrize("temperature", ["1", "2", "0.5"])
def test_the_softmax_of_the_walk_through(temperature):
    row = softmax_row(f"T={temperature}")
    assert list(row.values()) == [f"T={temperature}", *softmax(temperature)]
    if temperature == "1":
        assert list(row.values())[1:] == ["0.0321", "0.0871", "0.2369", "0.6439"]


def test_what_is_cut_is_zero():
    # e / (1 + e) is 0.7311
    assert list(softmax_row("top_k=2").values())[1:] == ["0", "0", "0.2689", "0.7311"]
    assert list(softmax_row("greedy").values())[1:] == ["0", "0", "0", "1"]


@pytest.mark.parametrize("strategy", ["best", "top_k=", "top_k=1.5", "T=hot", "top_p=2", "greedy=1"])
def test_other_names_are_refused(strategy):
    with pytest.raises(mg.InvalidInput, match=r"must be greedy|top_p must"):
        sampling(strategy)
    with pytest.raises(mg.InvalidInput):
        Settings(strategies=(strategy,))


def test_a_start_must_fill_the_window():
    with pytest.raises(mg.InvalidInput, match="start must have 4 letters, got 'the'"):
        Settings(start="the")


def test_a_text_is_letters_and_single_spaces():
    assert plain("A_b\n\n(C9d)") == "a b c d "
    assert set(documentation()) <= set(LETTERS.tokens)
    assert "  " not in documentation()


def test_three_letters_by_hand(swing):
    machine = mg.greedy_machine(swing)
    found = asked(chain_under(swing, "T=1"), machine, "T=1", SHORT)
    # b = 3/4 a, c = 1/4 a + 1/4 b + 1/2 c: shares 8, 6, 7 of 21
    shares = np.array([8, 6, 7]) / 21
    bits = np.array([*[2 - 0.75 * math.log2(3)] * 2, 1.0])
    assert found.entropy.value == pytest.approx(shares @ bits, rel=1e-7)
    assert found.effective.value == pytest.approx(np.exp(-shares @ np.log(shares)), rel=1e-7)
    # loops: a b a with 9/16, and c c with 1/2
    assert found.loop.value == pytest.approx(14 / 21 * 9 / 16 + 7 / 21 / 2, rel=1e-7)
    assert found.loop.lower <= found.loop.value <= found.loop.upper <= 1
    # b within two: 3/4, or c, which is never b
    assert found.red.value == pytest.approx(0.75, rel=1e-9)
    row = found.row(SHORT)
    assert (row["windows reachable"], row["windows for ever"]) == ("27", "27")


def test_cutting_decides_what_can_be_visited(swing):
    machine = mg.greedy_machine(swing)
    few = asked(chain_under(swing, "top_p=0.7"), machine, "top_p=0.7", SHORT)
    # a and b alone are left, each followed by the other
    assert (few.reachable, few.lasting) == (2, 2)
    assert few.entropy.upper == 0
    assert few.loop.value == 1
    assert few.sample == "ba" * 24
    never = asked(chain_under(swing, "greedy"), machine, "greedy", Settings(**{**SHORT.__dict__, "red": "c"}))
    assert never.red.upper == 0
    # from e to a once, then between a and b for ever
    begun = Settings(**{**SHORT.__dict__, "start": "e"})
    greedy = asked(chain_under(swing, "greedy"), machine, "greedy", begun)
    assert (greedy.reachable, greedy.lasting, greedy.sample[:4]) == (3, 2, "abab")


def test_loops_are_named_with_their_basins(swing):
    first, second = loop_rows(swing, mg.greedy_machine(swing), "a")
    assert (first["loop"], first["windows that lead into it"], first["from the start"]) == ("ba", "26", "yes")
    assert (second["loop"], second["tokens"], second["share of all"]) == ("c", "1", f"{100 / 27:.2f} %")
    assert float(first["once around at T = 1"]) == pytest.approx(9 / 16, rel=1e-7)
    assert float(second["long-run share at T = 1"]) == pytest.approx(1 / 3, rel=1e-7)
    assert from_a_word("nd␣a") == "and␣"


@pytest.mark.parametrize(("name", "given"), [("within", 0), ("context_length", 0)])
def test_what_must_be_above_zero_is(name, given):
    with pytest.raises(mg.InvalidInput, match=r"context_length and within must be above 0, got .*0"):
        Settings(**{name: given})


def test_a_text_without_letters_is_refused(tmp_path):
    (tmp_path / "text.txt").write_bytes(b"123 \xff 456")
    with pytest.raises(mg.InvalidInput, match=r"text must have more than 4 letters and spaces, got 1 in text\.txt"):
        plain_text_of(tmp_path / "text.txt", 4)


def test_a_sample_has_the_odds_of_the_chain(swing):
    text = written(chain_under(swing, "T=1"), "a", 4000)
    follow = [after for before, after in pairwise(text) if before == "a"]
    assert follow.count("b") / len(follow) == pytest.approx(0.75, abs=0.04)
    assert text == written(chain_under(swing, "T=1"), "a", 4000)


def test_the_loss_of_a_text_by_hand(swing):
    counts = mg.count_windows(LETTERS.encode("abac"), mg.StateSpace(27, 1), vocabulary=LETTERS)
    row = stage_row(3, swing, counts, "a")
    # a b, b a, a c: 3/4, 3/4, 1/4
    assert float(row["loss (bits)"]) == pytest.approx((6 - 2 * math.log2(3)) / 3, rel=1e-7)
    assert row["greedy"] == "ba" * 24


def test_sentences_and_figure_are_of_the_numbers(swing, tmp_path):
    machine = mg.greedy_machine(swing)
    found = [asked(chain_under(swing, name), machine, name, SHORT) for name in ("greedy", "T=1", "top_k=2")]
    texts = sentences(found, loop_rows(swing, machine, "a"), SHORT)
    assert texts[0] == (
        "The same weights write b within 2 tokens with probability 1 under greedy; it is 0.750 under T=1."
    )
    assert texts[2].endswith("into 2 loops, most of them (96.30 %) into ba, which at T = 1 goes once around with "
                             "probability 0.562.")  # fmt: skip
    for name in ("one.svg", "two.svg"):
        draw_strategies(found, SHORT, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert {sampling(f"{name}=1").engine for name in FAMILIES} == {"huggingface"}


def test_a_small_run_writes_everything(tmp_path):
    words = ["--small", "--context-length", "1", "--stages", "0", "2", "--strategies", "greedy", "T=1"]
    (tmp_path / "text.txt").write_text("The bee and the bat. " * 9)
    assert run(STUDY, [*words, "--text", str(tmp_path / "text.txt"), "--out", str(tmp_path / "here")]) == 0
    tables = {
        f"{name}.{end}" for name in ("softmax", "training", "table", "samples", "loops") for end in ("csv", "tex")
    }
    assert {file.name for file in (tmp_path / "here").iterdir()} == {*tables, "strategies.svg", "run.json"}
