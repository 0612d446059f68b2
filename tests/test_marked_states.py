"""Marks on states: cycles step by step, absorbing states by their rows, masses left out by exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

import markovgpt as mg
from markovgpt.graphs.marked_states import MOST_STATES, Marking, likeliest_successors, require_size
from tests.oracles import assert_encloses, exact_rows, exact_windows, stationary
from tests.random_chains import matrices, window_chains
from tests.reference_chains import line, two_periods


def followed(rows, n_states):
    """The states on a cycle when each is followed by the first of its likeliest: the ones it is back at."""
    after = [row.index(max(row)) for row in rows]
    back = []
    for state in range(n_states):
        here, seen = after[state], set()
        while here not in seen and here != state:
            seen.add(here)
            here = after[here]
        back.append(here == state)
    return after, back


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains())
def test_cycles_of_windows_are_found_step_by_step(chain):
    tokens = exact_rows(chain.next_token_probs)
    after = [
        int(chain.space.successors(np.array([row.index(max(row))]), np.array([s]))[0]) for s, row in enumerate(tokens)
    ]
    assert likeliest_successors(chain).tolist() == after
    assert (
        Marking.of(chain, None, None).cyclic.tolist()
        == followed(
            [[Fraction(int(j == after[i])) for j in range(chain.n_states)] for i in range(chain.n_states)],
            chain.n_states,
        )[1]
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices())
def test_cycles_of_a_matrix_are_found_step_by_step(matrix):
    chain = mg.SparseChain.from_matrix(matrix)
    after, back = followed([[Fraction(entry) for entry in row] for row in matrix.tolist()], len(matrix))
    assert likeliest_successors(chain).tolist() == after
    assert Marking.of(chain, None, None).cyclic.tolist() == back


def test_of_tied_windows_the_one_by_the_lowest_token_follows():
    model = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=1)
    part = mg.reachable_chain(model, None, (1,))  # lists the window 1 first, or 0: the token decides
    windows = [part.space.decode(int(state)) for state in likeliest_successors(part)]
    assert windows == [(0,), (0,)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(matrices())
def test_absorbing_states_are_those_whose_row_is_their_own(matrix):
    graph = Marking.of(mg.SparseChain.from_matrix(matrix), None, None, long_run=False).graph_of(
        np.arange(len(matrix)) % 2 == 0
    )
    assert {s: graph.nodes[s]["absorbing"] for s in graph} == {
        s: np.flatnonzero(matrix[s]).tolist() == [s] for s in range(0, len(matrix), 2)
    }


@settings(max_examples=60, deadline=None, derandomize=True)
@given(window_chains([(2, 1), (2, 2), (2, 3), (3, 2)]))
def test_the_mass_of_some_states_is_enclosed(chain):
    classes = mg.recurrent_classes(chain)
    if len(classes) > 1:
        with pytest.raises(mg.InvalidInput, match=f"got a chain with {len(classes)} recurrent classes; say where"):
            _ = Marking.of(chain, None, None).shares
        return
    exact = stationary(exact_windows(chain), classes[0].tolist())
    whole = dict(zip(classes[0].tolist(), exact, strict=True))
    chosen = np.arange(chain.n_states) % 2 == 0
    expected = sum((share for state, share in whole.items() if chosen[state]), Fraction(0))
    assert_encloses(Marking.of(chain, None, None).mass_of(chosen), expected)


def test_from_a_start_the_long_run_is_the_one_from_there():
    shares = Marking.of(two_periods(), None, 0).shares  # 1/4 into a cycle of 2, 3/4 into one of 3
    for state, expected in enumerate([0, "1/8", "1/8", "1/4", "1/4", "1/4"]):
        assert_encloses(mg.Answer.of(shares.enclosure), Fraction(expected), state)


def test_a_title_says_where_it_begins():
    chain = line()
    assert Marking.of(chain, None, None).origin == ""
    assert Marking.of(chain, None, 2).origin == " from 2"
    assert Marking.of(chain, None, np.array([0.5, 0, 0.5, 0, 0, 0])).origin == " from 2 states"


def test_what_nobody_could_look_at_is_refused():
    require_size(MOST_STATES, 200_000)
    with pytest.raises(mg.TooLarge, match=r"at most 10,000 states and 200,000 edges, got 10,001 states; show a part"):
        require_size(MOST_STATES + 1)
    with pytest.raises(mg.TooLarge, match=r"got 10 states and 200,001 edges; show a part of it \(heaviest_states"):
        require_size(10, 200_001)
