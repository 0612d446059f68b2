"""`markovgpt compare`, on chains known by hand and on a real model."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.margins import Cuts
from markovgpt.commands import compare
from markovgpt.commands.options import Made

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"
LETTERS = mg.Vocabulary(("a", "b"))


def answer(*arguments):
    """Run the command of a command line."""
    parser = argparse.ArgumentParser()
    compare.add_compare(parser)
    given = parser.parse_args(arguments)
    given.answer(given)


def made(rows):
    """What a command makes of a model with these probabilities."""
    with np.errstate(divide="ignore"):
        table = mg.LogitTable(mg.StateSpace(2, 1), np.log(np.array(rows)), LETTERS)
    settings = mg.SamplingSettings()
    return Made(mg.WindowChain.from_logits(table, settings), settings, table, Cuts(2, 0, 0, 1.0))


MODELS = {
    "fair": [[0.5, 0.5], [0.5, 0.5]],
    "biased": [[0.5, 0.5], [0.25, 0.75]],  # of b: pi = (1/3, 2/3)
    "stuck": [[0.0, 1.0], [0.25, 0.75]],
    "loops": [[1.0, 0.0], [0.0, 1.0]],
}


@pytest.fixture
def models(monkeypatch):
    asked = []

    def chain_of(given):
        asked.append(given)
        return made(MODELS[given.model])

    monkeypatch.setattr(compare, "chain_of", chain_of)
    return asked


def test_what_changed_in_a_few_lines(models, capsys):
    answer("fair", "biased", "--red", "aa", "--start", "a", "--within", "2")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("windows that go on differently: 1 of 2, most of all 'b', by 0.25000000000")
    assert lines[1].startswith("KL rate, before to after: 0.1037593748")  # 1/4 log2 2 + 1/4 log2 2/3
    assert lines[3].startswith("total variation, on average in the long run: 0.12500000")
    assert lines[4].startswith("the long run itself moved by 0.1666666666")
    assert lines[5].startswith("entropy rate in bits per token: 1.00000000000 before, 0.8741854163")
    assert lines[7] == (  # after b the fair one, tied, says a, the biased one b
        "at temperature 0: 1 loop stayed, 0 vanished, 1 appeared; 1 of 2 windows lead into another one"
    )
    assert lines[8] == "  appeared: 'b' for ever, from 1 window"
    # a at once, 1/2; after b two more tokens are needed
    assert lines[-1].startswith("P('aa'): 0.500000000000 before, 0.500000000000 after; changed by 0 in [")


def test_a_red_text_has_its_change_and_the_tokens_that_carry_it(models, capsys):
    answer("fair", "biased", "--red", "bb", "--start", "b", "--within", "1")
    lines = capsys.readouterr().out.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("P('bb')"))
    assert lines[place].startswith("P('bb'): 0.500000000000 before, 0.750000000000 after; changed by 0.25 in [")
    assert lines[place].endswith("1.50000000000 times as likely")
    assert {line.strip() for line in lines[place + 1 :]} == {"+0.125  'a' after 'b'", "+0.125  'b' after 'b'"}


def test_what_became_impossible_is_infinite_and_named(models, capsys):
    answer("fair", "stuck")
    out = capsys.readouterr().out
    assert "transitions lost: 1, as 'a' after 'a'" in out
    assert "KL rate, before to after: infinite: in 1 windows something is impossible, as 'a' after 'a'" in out


def test_the_same_model_twice_is_the_same(models, capsys):
    answer("fair", "fair")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "the two chains are the same, number by number, in all 2 windows"
    assert lines[1] == "KL rate, before to after: 0 bits per token"


def test_several_classes_without_a_start_are_said(models, capsys):
    answer("fair", "loops")
    assert "no one long run: this question needs a chain with one stationary distribution" in capsys.readouterr().out
    answer("fair", "loops", "--start", "a")
    assert "the long run itself moved by 0.5000" in capsys.readouterr().out


def test_json_holds_everything(models, capsys):
    answer("fair", "stuck", "--json", "--red-tokens", "0,0", "--start-tokens", "0")
    found = json.loads(capsys.readouterr().out)
    assert found["question"] == "compare"
    assert found["kl_rate"]["value"] == "Infinity"
    assert found["transitions_lost"] == {"count": 1, "examples": [["a", "a"]]}
    assert found["red"]["0,0"]["change"]["before"]["value"] == 1.0
    assert found["red"]["0,0"]["change"]["after"]["value"] == 0.0
    assert found["red"]["0,0"]["residual"] == 0.0
    assert found["temperature_zero"]["windows_moved"] == 2
    assert found["states"] == 2
    assert (found["start"], found["within"]) == ([0], None)


def test_each_model_has_a_folder_of_its_own(models, capsys):
    answer("fair", "biased", "--on-disk", "tables")
    assert [(given.model, given.on_disk) for given in models] == [
        ("fair", str(Path("tables/before"))),
        ("biased", str(Path("tables/after"))),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--red", "a"], "a red text is compared from one start, got none; give --start"),
        (["--within", "3"], "--within goes with --red or --red-tokens, got it alone"),
        (["--red", "a", "--start", "ab"], "a window must hold 1 tokens, got 2"),
    ],
)
def test_bad_input_is_refused(models, options, message):
    with pytest.raises(mg.InvalidInput, match=message):
        answer("fair", "biased", *options)


@pytest.mark.skipif(not NAMES.exists(), reason="no shared data")
def test_a_real_model_against_itself(capsys):
    answer(str(NAMES), str(NAMES), "--temperature", "0.8")
    assert "the same, number by number, in all 19683 windows" in capsys.readouterr().out


def test_gaps_stand_before_and_after(models, capsys):
    answer("fair", "biased")  # 1, and 1 - (3/4 - 1/2)
    gaps = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("spectral gap: "))
    before, after = gaps.removeprefix("spectral gap: ").removesuffix(" after").split(" before, ")
    assert float(before.split("(")[0].removeprefix("about ")) == pytest.approx(1)
    assert float(after) == pytest.approx(0.75)
    answer("fair", "loops", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["spectral_gap_after"]["upper"] == 0
    assert found["spectral_gap_before"]["lower"] > 0.99


def test_red_before_the_end_takes_the_same_options_as_reach(models, capsys):
    # from b the next token is a with 1/2 and 1/4; the text ends with b
    answer("fair", "biased", "--red", "a", "--start", "b", "--stop", "b")
    out = capsys.readouterr().out
    assert "P('a'): 0.5000000" in out
    assert "before, 0.25000000" in out
    with pytest.raises(mg.InvalidInput, match="--stop goes with --red or --red-tokens, got it alone"):
        answer("fair", "biased", "--stop", "b")
    with pytest.raises(mg.InvalidInput, match="--avoiding goes with"):
        answer("fair", "biased", "--avoiding", "b")


def test_the_same_chain_twice_changes_nothing(models, capsys):
    answer("biased", "biased", "--red", "bb", "--start", "a", "--within", "2")
    assert "P('bb'): 0.375000000000 before, 0.375000000000 after: no change" in capsys.readouterr().out  # 1/2 * 3/4
