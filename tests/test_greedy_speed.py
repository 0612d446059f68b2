"""The experiment on the machine of temperature zero measures what it says."""

import markovgpt as mg
from experiments.greedy_speed import CASES, Case, measure, table_of


def test_a_table_that_says_its_oldest_token_has_every_window_on_a_cycle():
    machine = mg.greedy_machine(table_of(Case(3, 4, rotates=True)))
    assert machine.longest_transient == 0
    # necklaces of 4 beads in 3 colours, by Burnside: (81 + 9 + 3 + 3) / 4
    assert machine.n_cycles == 24


def test_the_sizes_are_those_that_were_promised():
    assert [case.vocab_size**case.context_length for case in CASES] == [8, 531_441, 531_441, 27**5, 27**5, 10**8]


def test_a_row_says_what_was_found():
    row = measure(Case(2, 4, rotates=True))
    assert (row["windows"], row["cycles"], row["longest transient"]) == ("16", "6", "0")  # (16 + 2 + 4 + 2) / 4
    assert row["its states"] == "16"  # none can be folded
    assert len(row["machine (s)"].split(", ")) == 2
    assert measure(Case(2, 4, rotates=False, reading=False))["its states too"] == ""
