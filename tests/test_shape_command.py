"""The command `shape`, on chains that are known by hand; see `test_cli` for models and refusals."""

import json

import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains.margins import Cuts
from markovgpt.commands import shape
from markovgpt.commands.options import Made


@pytest.fixture
def asked(monkeypatch, capsys):
    """Ask about a chain of two tokens; the lines on stdout, or the object with --json."""

    def ask(rows, *arguments, context_length=1):
        space = mg.StateSpace(2, context_length)
        chain = mg.WindowChain(space, np.array(rows, dtype=float), mg.Vocabulary(("a", "b")))
        table = mg.LogitTable(space, np.zeros((space.n_states, 2)), chain.vocabulary)
        monkeypatch.setattr(
            shape, "chain_of", lambda given: Made(chain, mg.SamplingSettings(), table, Cuts(2, 0, 0, 1))
        )
        assert cli.main(["shape", "MODEL", *arguments]) == 0
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in arguments else out.splitlines()

    return ask


FAIR = [[0.5, 0.5], [0.5, 0.5]]
FLIP = [[0.0, 1.0], [1.0, 0.0]]
STAY = [[1.0, 0.0], [0.0, 1.0]]
LEAVE = [[0.5, 0.5], [0.0, 1.0]]


def test_a_fair_coin_forgets_at_once(asked):
    lines = asked(FAIR)
    assert lines[:3] == [
        "2 windows in 1 class, of which the chain stays for ever in 1",
        "  recurrent: 2 windows, period 1, as a",
        "entropy rate: 1.00000000000 bits per token, perplexity 2",
    ]
    assert lines[4:] == [
        "mixing time: 1 token to within 0.25 of the long run, from any start",
        "reversibility gap: 0",
    ]


def test_a_flip_never_mixes(asked):
    lines = asked(FLIP)
    assert lines[1] == "  recurrent: 2 windows, period 2, as a"
    assert lines[2:5] == [
        "entropy rate: 0 bits per token, perplexity 1",
        "spectral gap: 0",
        "mixing time: none by proof",
    ]


def test_several_classes_say_what_cannot_be_asked(asked):
    lines = asked(STAY)
    assert lines[:3] == [
        "2 windows in 2 classes, of which the chain stays for ever in 2",
        "  recurrent: 1 window, period 1, as a",
        "  recurrent: 1 window, period 1, as b",
    ]
    assert "one with 2 recurrent classes: a (1 states); b (1 states)" in lines[3]
    assert asked(STAY, "--start", "a")[3] == "entropy rate: 0 bits per token, perplexity 1"


def test_recurrent_classes_come_first_and_what_never_comes_back_is_counted(asked):
    assert asked(LEAVE)[:3] == [
        "2 windows in 2 classes, of which the chain stays for ever in 1",
        "  recurrent: 1 window, period 1, as b",
        "  transient: 1 window, period 1, as a",
    ]
    # after two tokens always b: bb is never left, the others never come back
    always = asked([[0, 1.0]] * 4, context_length=2)
    assert always[:3] == [
        "4 windows in 4 classes, of which the chain stays for ever in 1",
        "  recurrent: 1 window, period 1, as bb",
        "  3 windows the chain never comes back to",
    ]


def test_memory_is_asked_for(asked):
    # the next token is the one before the last: one token of memory says nothing, and loses all of the certainty
    copies = [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]]
    line = asked(copies, "--memory-use", context_length=2)[-1]
    lost = 1 + 0.9 * np.log2(0.9) + 0.1 * np.log2(0.1)
    assert line.startswith(f"memory use: 0 tokens lose {lost:.6f}"[:-1])
    found = asked(copies, "--memory-use", "--json", context_length=2)
    assert [row["order"] for row in found["memory_use"]["orders"]] == [0, 1]
    assert found["memory_use"]["orders"][1]["lost_bits"]["value"] == pytest.approx(lost)
    assert found["shape"]["classes"] == 1
    assert found["entropy_rate"]["bits"] == pytest.approx(1 - lost)
    assert found["mixing_time"]["epsilon"] == 0.25


def test_a_start_that_is_none_is_refused(asked, capsys):
    asked(FAIR)
    assert cli.main(["shape", "MODEL", "--start", "ab"]) == 2
    assert "a window must hold 1 tokens, got 2" in capsys.readouterr().err
