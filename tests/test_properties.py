"""Properties as trees: how they print, and which states satisfy a formula."""

from fractions import Fraction

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.exchange.properties import (
    Always,
    And,
    Filter,
    Label,
    Not,
    Or,
    Property,
    Steps,
    Threshold,
    Truth,
    Until,
    states_of,
)

A, B, C = Label("a"), Label("b"), Label("c d")


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (Or((And((A, B)), C)), '"a" & "b" | "c d"'),
        (And((Or((A, B)), C)), '("a" | "b") & "c d"'),
        (Or((Or((A, B)), C)), '("a" | "b") | "c d"'),
        (And((A, And((B, C)))), '"a" & ("b" & "c d")'),
        (Not(And((A, B))), '!("a" & "b")'),
        (Not(Not(Truth(False))), "!!false"),
        (Until(Truth(True), A), 'F "a"'),
        (Until(Truth(True), A, Steps(0, 0)), 'F<=0 "a"'),
        (Until(Or((A, B)), C, Steps(2, 2)), '"a" | "b" U[2,2] "c d"'),
        (Always(Truth(True), Steps(0, 7)), "G<=7 true"),
        (Property("P", Until(A, B), threshold=Threshold(">=", "0.10")), 'P>=0.10 ["a" U "b"]'),
        (Property("R", Until(Truth(True), A), "cost"), 'R{"cost"}=? [F "a"]'),
        (Property("LRA", A, over=Filter("min", Truth(True))), 'filter(min, LRA=? ["a"], true)'),
    ],
)
def test_a_tree_prints_as_it_is_written(tree, text):
    assert str(tree) == text


def test_a_threshold_is_the_number_that_is_written():
    assert Threshold("<", "0.1").value == Fraction(1, 10) != Fraction(0.1)
    assert Threshold("<", "2/6").value == Fraction(1, 3)
    assert Threshold("<", "1e-400").value == Fraction(1, 10**400)


def test_a_formula_is_true_where_logic_says_so():
    red, blue = np.array([True, True, False, False]), np.array([True, False, True, False])
    found = {
        str(formula): states_of(formula, {"red": red, "blue": blue}, 4).tolist()
        for formula in (
            Truth(True),
            Not(Label("red")),
            And((Label("red"), Label("blue"))),
            Or((Label("red"), Label("blue"))),
            Not(Or((Label("red"), Label("blue"), Truth(False)))),
        )
    }
    assert list(found.values()) == [
        [True, True, True, True],
        [False, False, True, True],
        [True, False, False, False],
        [True, True, True, False],
        [False, False, False, True],
    ]


def test_a_label_that_is_not_there_is_refused_beside_those_that_are():
    labels = {f"l{number}": np.array([True]) for number in range(9)}
    with pytest.raises(
        mg.InvalidInput, match=r"a label must be one of the chain's, got 'red'; it has 'l0', .*'l7', \.\.\."
    ):
        states_of(Not(Label("red")), labels, 1)
