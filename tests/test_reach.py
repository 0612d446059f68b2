"""`markovgpt reach`, against an answer by hand; what it shares with the other commands is tested with `cli`."""

import json

import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.commands import reach


@pytest.fixture
def coin(monkeypatch):
    """Every window of two tokens is followed by 0 or 1, each with probability 1/2."""
    table = mg.LogitTable(mg.StateSpace(2, 2), np.zeros((4, 2)), mg.Vocabulary(("0", "1")))
    settings = mg.SamplingSettings()
    monkeypatch.setattr(reach, "chain_of", lambda given: (mg.WindowChain.from_logits(table), settings, table))


def test_two_ones_of_three_tosses(coin, capsys):
    # 110, 111 and 011 of eight
    assert cli.main(["reach", "MODEL", "--red", "11", "--start", "00", "--within", "3"]) == 0
    assert capsys.readouterr().out == "P(red) = 0.375000000000   in [" + _bounds(coin, 0.375)


def test_two_ones_come_after_six_tosses(coin, capsys):
    # e = 1 + e/2 + f/2 and f = 1 + e/2
    assert cli.main(["reach", "MODEL", "--red", "11", "--start", "00", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["expected_steps_lower"] <= 6 <= found["expected_steps_upper"]
    assert found["value"] == 1


def _bounds(coin, expected):
    """The end of the line: bounds of the answer, and how it was found."""
    table = mg.LogitTable(mg.StateSpace(2, 2), np.zeros((4, 2)))
    answer = mg.hitting_probability(mg.WindowChain.from_logits(table), [3], start=0, within=3)
    assert answer.lower <= expected <= answer.upper
    return f"{answer.lower!r}, {answer.upper!r}]   (3 products)\n"
