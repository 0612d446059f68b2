"""Rows of answers: the digits of each state beside its window, the right rows in the right order."""

from fractions import Fraction

import numpy as np
import pytest
import reference_chains as chains

import markovgpt as mg
from markovgpt.export.answer_table import MOST_ROWS, answer_table, entries
from markovgpt.scaled import ScaledArray
from markovgpt.solvers.certificate import Enclosure


def answer_of(values, infinite=False):
    """An answer with the given doubles, exact."""
    numbers = np.array(values, dtype=np.float64)
    return mg.Answer.of(Enclosure(numbers, numbers, numbers, 0.0, "given"), infinite=infinite)


def test_every_state_has_a_row_with_the_digits_of_its_answers():
    game = chains.gambler()  # from 1: 1/13, from 2: 4/13
    risk = mg.hitting_probability(game, [3])
    rows = answer_table(game, {"P(rich)": risk, "steps": mg.expected_hitting_time(game, [0, 3])})
    assert [row["state"] for row in rows] == [0, 1, 2, 3]
    assert [list(row) for row in rows] == [["state", "label", "P(rich)", "steps"]] * 4
    assert (rows[0]["P(rich)"], rows[3]["P(rich)"]) == ("0", "1")
    for state, exact in ((1, Fraction(1, 13)), (2, Fraction(4, 13))):
        shown = rows[state]["P(rich)"]
        assert len(shown) >= 10
        assert abs(Fraction(shown) - exact) <= Fraction(1, 10 ** (len(shown) - 2))


def test_windows_are_printed_with_visible_blanks():
    space = mg.StateSpace(2, 2)
    chain = mg.WindowChain(space, np.full((4, 2), 0.5), mg.Vocabulary((" ", "\n")))
    rows = answer_table(chain, {"share": answer_of([0.25] * 4)})
    assert [row["window"] for row in rows] == ["␣␣", "␣\\n", "\\n␣", "\\n\\n"]


def test_the_rows_with_the_largest_numbers_come_first_and_of_equals_the_lowest_state():
    chain = mg.SparseChain.from_matrix(np.eye(5))
    found = {"a": answer_of([0.25, 0.5, 0.0, 0.5, 1.0])}
    assert [row["state"] for row in answer_table(chain, found, most=4)] == [4, 1, 3, 0]
    assert [row["state"] for row in answer_table(chain, found, most=9)] == [4, 1, 3, 0, 2]
    assert [row["state"] for row in answer_table(chain, found, states=[3, 0, 1], most=2)] == [3, 1]


def test_numbers_that_are_no_doubles_are_ranked_too():
    chain = mg.SparseChain.from_matrix(np.eye(4))
    numbers = ScaledArray(np.array([0.5, 0.5, 0.0, 0.5]), np.array([-3000, -2000, 0, 5000]))
    found = {"a": mg.Answer.of(Enclosure(numbers, numbers, numbers, 0.0, "given"))}
    rows = answer_table(chain, found, most=4)
    assert [row["state"] for row in rows] == [3, 1, 0, 2]
    assert rows[1]["a"].endswith("e-603")  # 2**-2001 = 4.35...e-603
    assert rows[3]["a"] == "0"


def test_infinite_entries_are_the_largest_and_a_word():
    chain = mg.SparseChain.from_matrix(np.eye(3))
    rows = answer_table(chain, {"T": mg.expected_hitting_time(chain, [1])}, most=3)
    assert [(row["state"], row["T"]) for row in rows] == [(0, "inf"), (2, "inf"), (1, "0")]


@pytest.mark.parametrize("states", [[2, 0], np.array([2, 0])])
def test_chosen_states_keep_their_order(states):
    chain = mg.SparseChain.from_matrix(np.eye(3))
    rows = answer_table(chain, {"a": answer_of([0.0, 0.5, 1.0])}, states=states)
    assert [(row["state"], row["a"]) for row in rows] == [(2, "1"), (0, "0")]


def test_a_mask_chooses_states():
    chain = mg.SparseChain.from_matrix(np.eye(3))
    rows = answer_table(chain, {"a": answer_of([0.0, 0.5, 1.0])}, states=np.array([True, False, True]))
    assert [row["state"] for row in rows] == [0, 2]


def test_several_numbers_a_state_make_several_columns():
    rows = answer_table(chains.trap(), {"ends in": mg.absorption_probabilities(chains.trap())})
    assert list(rows[0]) == ["state", "label", "ends in 0", "ends in 1"]
    assert [(row["ends in 0"], row["ends in 1"]) for row in rows[1:]] == [("1", "0"), ("0", "1")]
    assert rows[0]["ends in 0"].startswith("0.50000")


def test_some_entries_of_an_answer_are_an_answer():
    part = entries(answer_of([1.0, 2.0, 4.0], np.array([False, False, True])), np.array([2, 0]))
    assert part.value.tolist() == [np.inf, 1.0]
    assert part.lower.tolist() == [np.inf, 1.0]
    assert part.method == "given"


CHAIN = mg.SparseChain.from_matrix(np.eye(2))


@pytest.mark.parametrize(
    ("answers", "options", "message"),
    [
        ({}, {}, "needs at least one column, got none"),
        ({"P": answer_of(0.5)}, {}, r"must be about all 2 states, got 'P' of shape \(\); ask without a start"),
        ({"P": answer_of([0.5])}, {}, r"must be about all 2 states, got 'P' of shape \(1,\)"),
        ({"P": answer_of([0.5, 0])}, {"states": [2]}, r"states must be a list of numbers in 0..1, or a mask of 2"),
        ({"P": answer_of([0.5, 0])}, {"states": [-1]}, "states must be a list of numbers in 0..1"),
        ({"P": answer_of([0.5, 0])}, {"states": [0.5]}, "got float64 of shape"),
        ({"P": answer_of([0.5, 0])}, {"states": []}, "name at least one"),
        ({"P": answer_of([0.5, 0])}, {"states": [False, False]}, "name at least one"),
        ({"P": answer_of([0.5, 0])}, {"states": [True]}, "got bool of shape"),
        ({"P": answer_of([0.5, 0])}, {"most": 0}, "most must be a whole number of at least 1, got 0"),
        ({"P": answer_of([0.5, 0])}, {"most": 1.5}, "most must be a whole number of at least 1, got 1.5"),
    ],
)
def test_what_is_no_table_is_refused(answers, options, message):
    with pytest.raises(mg.InvalidInput, match=message):
        answer_table(CHAIN, answers, **options)


def test_a_table_that_nobody_reads_is_refused_and_a_part_of_it_is_not():
    space = mg.StateSpace(10, 5, with_prefixes=True)
    chain = mg.WindowChain(space, np.full((space.n_states, 10), 0.1))
    ones = {"a": answer_of(np.ones(space.n_states))}
    with pytest.raises(mg.TooLarge, match=f"at most {MOST_ROWS:,} rows, got 111,110; give most="):
        answer_table(chain, ones)
    assert [row["state"] for row in answer_table(chain, ones, most=2)] == [0, 1]
