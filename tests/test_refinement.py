"""Partition refinement against Moore's rounds, automata-lib's minimisation and machines minimised by hand."""

import numpy as np
import pytest
from automata.fa.dfa import DFA
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.chains.refinement import RowNumbers, coarsest_partition, equal_rows, in_order_met, index_type


@st.composite
def machines(draw):
    """Steps and outputs of a machine that often has states that cannot be told apart."""
    n, n_letters = draw(st.integers(1, 14)), draw(st.integers(1, 3))
    steps = draw(st.lists(st.integers(0, n - 1), min_size=n * n_letters, max_size=n * n_letters))
    output = draw(st.lists(st.integers(0, draw(st.integers(0, 2))), min_size=n, max_size=n))
    return np.array(steps).reshape(n, n_letters), np.array(output)


def moore_rounds(steps, output):
    """The classes by E. F. Moore's own rounds, on lists: as many letters are looked ahead as there are states."""
    classes = list(output)
    for _ in range(len(steps)):
        seen = [(classes[state], *(classes[after] for after in row)) for state, row in enumerate(steps.tolist())]
        classes = [seen.index(own) for own in seen]
    order = list(dict.fromkeys(classes))
    return [order.index(own) for own in classes]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(machines())
def test_the_classes_are_those_of_moores_rounds(machine):
    assert coarsest_partition(*machine).tolist() == moore_rounds(*machine)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(machines())
def test_automata_lib_finds_as_many_states(machine):
    steps, output = machine
    classes = coarsest_partition(steps, output)
    letters = [f"step {letter}" for letter in range(steps.shape[1])]
    shows = [f"shows {symbol}" for symbol in sorted(set(output.tolist()))]
    # the output is read as one more letter: in a state that shows it, it is accepted and nothing is after
    transitions = {
        state: {
            **{letter: int(after) for letter, after in zip(letters, steps[state], strict=True)},
            **{show: "shown" if show == f"shows {output[state]}" else "not" for show in shows},
        }
        for state in range(len(steps))
    }
    ends = dict.fromkeys([*letters, *shows], "not")
    for begin in range(len(steps)):
        machine_as_dfa = DFA(
            states={*range(len(steps)), "shown", "not"},
            input_symbols={*letters, *shows},
            transitions={**transitions, "shown": ends, "not": ends},
            initial_state=begin,
            final_states={"shown"},
        )
        reached, waiting = {begin}, [begin]
        while waiting:
            new = set(steps[waiting.pop()].tolist()) - reached
            reached |= new
            waiting += new
        # the two states "shown" and "not" are its own
        n_classes = len({int(classes[state]) for state in reached})
        assert len(machine_as_dfa.minify(retain_names=False).states) == n_classes + 2


def test_a_counter_that_shows_only_every_third_number_has_three_states():
    steps = (np.arange(12) + 1) % 12
    assert coarsest_partition(steps, np.arange(12) % 3 == 0).tolist() == [0, 1, 2] * 4


def test_a_long_chain_is_told_apart_by_how_far_its_end_is():
    # 0 -> 1 -> ... -> 999 -> 999, and only the last one shows: as many rounds as states for Moore, none is merged
    steps = np.minimum(np.arange(1000) + 1, 999)
    assert coarsest_partition(steps, np.arange(1000) == 999).tolist() == list(range(1000))


def test_states_that_show_the_same_for_ever_are_one():
    steps = np.random.default_rng(1).integers(0, 50, (50, 4))
    assert coarsest_partition(steps, np.full(50, 7)).tolist() == [0] * 50


def test_a_machine_that_reads_nothing_has_a_class_for_each_output():
    assert coarsest_partition(np.zeros((4, 0), dtype=int), [5, -5, 5, 0]).tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("steps", "output", "said"),
    [
        ([[0, 1]], [0, 0], r"got next_state of \(1, 2\) and output of \(2,\)"),
        (np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int), "one or more"),
        ([[0.0]], [0], "must be whole numbers, got float64 and int64"),
        ([0], ["a"], "must be whole numbers"),
        ([[0, 1], [1, 2]], [0, 0], r"must lie in 0..1, got 2 from state 1 on letter 1"),
        ([[-1]], [0], r"must lie in 0..0, got -1"),
    ],
)
def test_what_is_no_machine_is_refused(steps, output, said):
    with pytest.raises(mg.InvalidInput, match=said):
        coarsest_partition(steps, output)


def test_a_machine_that_would_not_fit_is_refused_first(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 1000)
    with pytest.raises(mg.TooLarge, match="a machine of 100 states and 1 letters"):
        coarsest_partition(np.arange(100), np.zeros(100, dtype=int))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.lists(st.integers(-2, 1), max_size=60))
def test_rows_are_equal_where_their_lists_are(width, numbers):
    rows = np.array(numbers[: len(numbers) // width * width], dtype=np.int64).reshape(-1, width)
    classes, first = equal_rows(rows)
    met = list(dict.fromkeys(map(tuple, rows.tolist())))
    assert classes.tolist() == [met.index(tuple(row)) for row in rows.tolist()]
    assert [tuple(row) for row in rows[first].tolist()] == met


def test_rows_that_hash_to_one_place_are_told_apart():
    rows = np.arange(4096)[:, None] * 2**32  # the low digits of all are the same
    assert equal_rows(rows)[0].tolist() == list(range(4096))


def test_labels_are_numbered_as_they_are_met():
    classes, first = in_order_met(np.array([-1, 9, 3, 3, -1, 9, 0]), 10)
    assert classes.tolist() == [-1, 0, 1, 1, -1, 0, 2]
    assert first.tolist() == [1, 2, 6]


def test_numbers_are_kept_small_while_they_are():
    assert [index_type(size) for size in (1, 2**31 - 1, 2**31)] == [np.int32, np.int32, np.int64]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=2), min_size=1, max_size=20), st.integers(0, 20))
def test_rows_that_come_in_parts_are_numbered_as_one(rows, cut):
    numbers = RowNumbers(len(rows), 2)
    parts = [numbers.of(np.array(part).reshape(-1, 2)) for part in (rows[:cut], rows[cut:])]
    met = list(dict.fromkeys(map(tuple, rows)))
    assert np.concatenate(parts).tolist() == [met.index(tuple(row)) for row in rows]
    assert numbers.n_distinct == len(met)
