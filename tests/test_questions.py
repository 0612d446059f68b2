"""The commands about a whole chain, on one that is known by hand; see `test_cli` for models and refusals."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains.margins import Cuts
from markovgpt.commands import questions
from markovgpt.commands.options import Made


@pytest.fixture(autouse=True)
def two_loops(monkeypatch):
    """Tokens a and b repeat themselves for ever."""
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, -np.inf], [-np.inf, 0.0]]), mg.Vocabulary(("a", "b")))
    settings = mg.SamplingSettings()
    monkeypatch.setattr(
        questions,
        "chain_of",
        lambda given: Made(mg.WindowChain.from_logits(table), settings, table, Cuts(2, 0, 0, 1.0)),
    )


def test_each_class_has_its_line(capsys):
    assert cli.main(["stationary", "MODEL"]) == 0
    assert capsys.readouterr().out == (
        "recurrent class 1 of 2: 1 of 2 windows\n  a  1\nrecurrent class 2 of 2: 1 of 2 windows\n  b  1\n"
    )
