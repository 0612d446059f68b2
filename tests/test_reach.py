"""`markovgpt reach`, against an answer by hand; what it shares with the other commands is tested with `cli`."""

import json

import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains.margins import Cuts
from markovgpt.commands import reach
from markovgpt.commands.options import Made
from markovgpt.evidence.bundle import verify_bundle


@pytest.fixture
def coin(monkeypatch):
    """Every window of two tokens is followed by 0 or 1, each with probability 1/2."""
    table = mg.LogitTable(mg.StateSpace(2, 2), np.zeros((4, 2)), mg.Vocabulary(("0", "1")))
    made = Made(mg.WindowChain.from_logits(table), mg.SamplingSettings(), table, Cuts(4, 0, 0, 1.0))
    monkeypatch.setattr(reach, "chain_of", lambda given: made)


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


START = ["--start", "00"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--red", "111", *START, "--within", "3"], 1 / 8),  # longer than the window
        (["--red", "11", "--red", "01", *START, "--within", "2"], 1 / 2 + 1 / 4),  # any 1
        (["--red-tokens", "1,1,1", *START, "--within", "3"], 1 / 8),
        (["--red-regex", "10*1", *START, "--within", "3"], 1 / 8 * 4),  # 110 111 101 011
        (["--red", "11", *START, "--avoiding", "10"], 1 / 2),  # after the first 1 the next decides
        (["--red", "1", *START, "--stop", "0"], 1 / 2),  # the first 0 that is written ends it
        (["--red", "1", *START, "--stop-tokens", "0"], 1 / 2),
        (["--red", "111", "--long-run", "--within", "1"], 1 / 8),
    ],
)
def test_red_is_asked_about_in_every_way_people_put_it(coin, capsys, options, expected):
    assert cli.main(["reach", "MODEL", "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["lower"] <= expected <= found["upper"]
    assert found["cuts"]["n_rows"] == 4


def _bounds(coin, expected):
    """The end of the line: bounds of the answer, and how it was found."""
    table = mg.LogitTable(mg.StateSpace(2, 2), np.zeros((4, 2)))
    answer = mg.hitting_probability(mg.WindowChain.from_logits(table), [3], start=0, within=3)
    assert answer.lower <= expected <= answer.upper
    return f"{answer.lower!r}, {answer.upper!r}]   (3 products)\n"


def test_an_answer_goes_into_a_bundle(coin, tmp_path, capsys, monkeypatch):
    place = tmp_path / "evidence"
    assert cli.main(["reach", "MODEL", "--red", "11", "--start", "00", "--bundle", str(place)]) == 0
    verdict = verify_bundle(place)
    assert verdict.holds
    assert verdict.lower[0] <= 6 <= verdict.upper[0]  # as above
    assert (place / "property.props").read_text() == 'T=? [F "red"]\n'
    for asked in ([], [*START, "--within", "3"]):
        assert cli.main(["reach", "MODEL", "--red", "11", "--bundle", str(tmp_path / "x"), *asked]) == 2
    monkeypatch.setattr("markovgpt.commands.reach.chain_of", lambda given: pytest.fail("it was computed first"))
    assert cli.main(["reach", "MODEL", "--red", "11", *START, "--bundle", str(place)]) == 2
    said = capsys.readouterr().err
    assert "--bundle needs one start, got none; give --start or --start-tokens" in said
    assert "leave it out, or --certificate and --bundle" in said
    assert "folder must be new or empty, got" in said
