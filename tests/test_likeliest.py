"""The command `likeliest`, on a chain where greedy decoding falls into a trap."""

import json

import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains.margins import Cuts
from markovgpt.commands import likeliest
from markovgpt.commands.options import Made

TRAP = [[0.1, 0.5, 0.4], [0.2, 0.4, 0.4], [0.05, 0.05, 0.9]]  # from a: bb or bc by greed 0.2, cc 0.36


@pytest.fixture(autouse=True)
def trap(monkeypatch):
    """The chain of the trap."""
    space, letters = mg.StateSpace(3, 1), mg.Vocabulary(("a", "b", "c"))
    chain = mg.WindowChain(space, np.array(TRAP), letters)
    table = mg.LogitTable(space, np.log(np.array(TRAP)), letters)
    made = Made(chain, mg.SamplingSettings(), table, Cuts(3, 0, 0, 1.0))
    monkeypatch.setattr(likeliest, "chain_of", lambda given: made)


def test_greedy_finds_less_than_two_beams(capsys):
    assert cli.main(["likeliest", "MODEL", "--start", "a", "--tokens", "2", "--beams", "1", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("likeliest: 'cc'  0.36000")
    assert lines[1].startswith("greedy: 'bb'  0.2000")
    assert ", 0.5555555" in lines[1]
    assert lines[2].startswith("2 beams: 'cc'  0.36000")
    assert lines[2].endswith(", 1 of the likeliest")


def test_json_has_the_same_numbers(capsys):
    assert cli.main(["likeliest", "MODEL", "--start-tokens", "0", "--tokens", "2", "--beams", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["likeliest"]["text"] == "cc"
    assert found["likeliest"]["certain"] is True
    assert found["likeliest"]["probability"]["lower"] <= 0.36 <= found["likeliest"]["probability"]["upper"]
    (greedy,) = found["decoded"]
    assert (greedy["beams"], greedy["tokens"]) == (1, [1, 1])
    assert greedy["share"]["value"] == pytest.approx(5 / 9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start", "z", "--tokens", "2"], "z"),
        (["--start", "a", "--tokens", "-1"], "n_tokens must be"),
        (["--start", "a", "--tokens", "2", "--beams", "0"], "n_beams must be"),
        (["--start-tokens", "7", "--tokens", "2"], r"0\.\.2, got 7"),
    ],
)
def test_what_cannot_be_asked_is_refused(capsys, arguments, message):
    assert cli.main(["likeliest", "MODEL", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("markovgpt: ")
    assert message.replace("\\", "") in err
