"""What the commands print."""

import json

import numpy as np

import markovgpt as mg
from markovgpt.commands.output import print_json, print_likeliest

# from 00 and 10 never on to 1; from 01 and 11 always
TABLE = mg.LogitTable(mg.StateSpace(2, 2), np.array([[0.0, -np.inf], [-np.inf, 0.0]] * 2))


def test_the_likeliest_windows_come_first(capsys):
    chain = mg.WindowChain.from_logits(TABLE)
    answer = mg.hitting_probability(chain, [3])
    print_likeliest(chain, answer, np.arange(4))
    assert capsys.readouterr().out == "  01  1\n  11  1\n  00  0\n  10  0\n"


def test_at_most_twenty_are_printed_and_the_rest_is_counted(capsys):
    chain = mg.WindowChain(mg.StateSpace(5, 2), np.full((25, 5), 0.2))
    print_likeliest(chain, mg.hitting_probability(chain, [0]), np.arange(25))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "  ... and 5 more (--json prints all)"


def test_an_answer_is_one_object_without_numbers_that_json_has_not(capsys):
    print_json("reach", mg.SamplingSettings(0.5), TABLE, 0.0, {"log10": float("-inf")})
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["question", "model", "settings", "log10", "states", "seconds"]
    assert (found["question"], found["model"], found["log10"], found["states"]) == ("reach", None, "-Infinity", 4)
    assert found["settings"]["temperature"] == 0.5
