"""What more `markovgpt reach` says of two coins, by hand."""

import json
import re

import numpy as np
import pytest

import markovgpt as mg
from markovgpt import cli
from markovgpt.chains.margins import Cuts
from markovgpt.commands import reach
from markovgpt.commands.options import Made


@pytest.fixture
def ask(monkeypatch, capsys):
    """From the window 00, every window of two tokens being followed by 0 or 1 evenly: what is printed."""
    table = mg.LogitTable(mg.StateSpace(2, 2), np.zeros((4, 2)), mg.Vocabulary(("0", "1")))
    made = Made(mg.WindowChain.from_logits(table), mg.SamplingSettings(), table, Cuts(4, 0, 0, 1.0))
    monkeypatch.setattr(reach, "chain_of", lambda given: made)

    def asked(*options):
        assert cli.main(["reach", "MODEL", "--start", "00", *options]) == 0
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in options else out.splitlines()

    return asked


UNTIL_ZERO = ("--red", "1", "--stop", "0", "--json")  # red before the end has 1/2


def test_one_of_two_conversations(ask):
    assert ask(*UNTIL_ZERO, "--conversations", "2")["in_conversations"]["value"] == pytest.approx(3 / 4)


def test_ones_before_the_first_zero_of_ten(ask):
    assert ask(*UNTIL_ZERO, "--count", "10")["expected_count"]["value"] == pytest.approx(1 - 2.0**-10)


def test_a_quarter_is_there_after_one_token(ask):
    assert ask(*UNTIL_ZERO, "--quantile", "0.25")["quantile"]["value"] == 1
    # two ones: 1/4, 3/8 and 1/2 after 2, 3 and 4 tokens
    assert "tokens until P(red) is 0.45: 4" in ask("--red", "11", "--quantile", "0.45")


def test_the_rate_in_the_long_run(ask):
    assert ask("--red", "11", "--json", "--rate", "1000")["occurrence_rate"]["value"] == pytest.approx(250)


def test_the_law_of_two_ones(ask):
    found = ask("--red", "11", "--json", "--law", "4")["law"]
    assert found["probability"]["value"] == pytest.approx([0, 0, 1 / 4, 1 / 8, 1 / 8])
    lines = ask("--red", "11", "--law", "30")
    assert "  2  0.250000000000  0.250000000000" in lines
    assert lines[-1] == "  ... and 11 more (--json prints all)"


def test_where_red_is_written_it_is_the_first_token(ask):
    assert ask(*UNTIL_ZERO, "--given-red")["conditional_expected_steps"]["value"] == pytest.approx(1)


def test_the_likeliest_ways(ask):
    assert [way["text"] for way in ask(*UNTIL_ZERO, "--ways", "2")["ways"]] == ["1"]
    lines = ask("--red", "11", "--ways", "2")
    assert lines[-3:] == ["the 2 likeliest ways to red", "  11  0.250000000000", "  011  0.125000000000"]


def test_where_nothing_leads_to_red_it_says_so(ask):
    assert (
        ask("--red", "101", "--stop", "0", "--ways", "2")[-1] == "no way leads to red"
    )  # no end may be written on the way


def test_a_chance_is_repeated_as_it_was_given(ask):
    lines = ask("--red", "11", "--quantile", "0.9999999999999999")
    assert any(line.startswith("tokens until P(red) is 0.9999999999999999: ") for line in lines)


@pytest.mark.parametrize("option", [("--given-red",), ("--windows", "2")])
def test_what_looks_at_the_whole_way_has_no_horizon(ask, capsys, option):
    assert cli.main(["reach", "MODEL", "--start", "00", "--red", "11", "--within", "5", *option]) == 2
    refusal = f"markovgpt: {option[0]} looks at the whole way, got --within; leave one of them out"
    assert refusal in capsys.readouterr().err


def test_the_most_dangerous_windows_and_tokens(ask):
    found = ask(*UNTIL_ZERO, "--windows", "2")
    assert found["dangerous_windows"]["labels"] == ["00 [0]"]  # begun there, not ended there
    assert found["flow"]["times_written"]["value"][0] == pytest.approx(1)  # a 1, always
    assert "the most dangerous windows: expected visits that red follows" in ask("--red", "11", "--windows", "2")


def test_where_settings_make_it_impossible(ask):
    lines = ask("--red", "11", "--break-points")
    assert "top_k: possible at every value, as by '0011'" in lines  # equals of the first stay
    top_p = next(line for line in lines if line.startswith("top_p"))
    assert re.fullmatch(r"top_p: possible at 0\.5\d*, as by '0011'; not at 0\.5\d*", top_p)  # of equals the lower stays
    assert ask("--red", "11", "--json", "--break-points")["break_points"]["top_k"]["possible"] == 1
