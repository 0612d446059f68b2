"""Which method answers, and what is too large for it."""

import numpy as np
import pytest
from random_chains import drawn_chain

import markovgpt as mg
from markovgpt.solvers import live_system as choice
from markovgpt.solvers.direct import DirectSystem
from markovgpt.solvers.iterative import IterativeSystem
from markovgpt.solvers.live_system import ELIMINATED, ELIMINATED_WINDOWS, live_system, stationary


def test_more_live_states_than_elimination_takes_are_refused():
    n = ELIMINATED + 2
    chain = mg.SparseChain.from_matrix(np.eye(n, k=1) + np.diag([0.0] * (n - 1) + [1.0]))
    with pytest.raises(mg.TooLarge, match=r"at most 3000 live states for elimination, got 3001; ask within a horizon"):
        mg.expected_hitting_time(chain, [n - 1])


def test_a_class_may_have_one_state_more_than_elimination_takes(monkeypatch):
    monkeypatch.setattr(choice, "ELIMINATED", 4)
    cycle = mg.SparseChain.from_matrix(np.roll(np.eye(5), 1, axis=1))
    assert stationary(cycle, np.arange(5)).value.to_float() == pytest.approx(np.full(5, 0.2), rel=1e-14)
    with pytest.raises(mg.TooLarge, match=r"at most 4 live states for elimination, got 6"):
        stationary(mg.SparseChain.from_matrix(np.roll(np.eye(6), 1, axis=1)), np.arange(6))


def windows(vocab_size, context_length):
    return drawn_chain(mg.StateSpace(vocab_size, context_length), "cold", 1)


def but(chain, n_ends):
    live = np.ones(chain.n_states, dtype=bool)
    live[:n_ends] = False
    return live


def test_windows_are_iterated_upon_from_601_live_states_on():
    chain = windows(5, 4)
    assert ELIMINATED_WINDOWS == 600
    assert isinstance(live_system(chain, but(chain, 25)), DirectSystem)  # 600 of 625
    assert isinstance(live_system(chain, but(chain, 24)), IterativeSystem)
    assert "multigrid" in stationary(chain, np.arange(625)).method
    small = windows(2, 9)
    assert "elimination" in stationary(small, np.arange(512)).method


def test_a_context_of_one_token_has_no_shorter_one_and_is_eliminated():
    rows = np.full((700, 700), 1 / 700)
    chain = mg.WindowChain(mg.StateSpace(700, 1), rows)
    assert isinstance(live_system(chain, but(chain, 1)), DirectSystem)
    assert mg.stationary_distributions(chain).only().value == pytest.approx(np.full(700, 1 / 700), rel=1e-12)


def test_any_other_chain_is_eliminated_however_its_states_are_named():
    chain = mg.with_absorbing(windows(5, 4), [0])
    assert isinstance(live_system(chain, but(chain, 1)), DirectSystem)


def test_prefixes_alone_are_answered_where_every_full_window_is_an_end():
    space = mg.StateSpace(27, 3, with_prefixes=True)  # 756 prefixes, live all of them
    chain = mg.WindowChain(space, np.full((space.n_states, 27), 1 / 27))
    target = np.arange(space.n_states) >= space.first_state(3)
    times = mg.expected_hitting_time(chain, target)
    assert times.value[[0, 26, 27, 755, 756]] == pytest.approx([2, 2, 1, 1, 0], rel=1e-13)
    assert (times.lower <= times.value).all()


def test_a_cycle_of_many_windows_without_another_way_is_uniform(monkeypatch):
    monkeypatch.setattr(choice, "ELIMINATED_WINDOWS", 2)
    rows = np.eye(2)[[0, 0, 0, 0, 1, 1, 1, 1]]  # the oldest token is said again
    found = mg.stationary_distributions(mg.WindowChain(mg.StateSpace(2, 3), rows))
    assert [states.tolist() for states in found.classes] == [[0], [1, 2, 4], [3, 5, 6], [7]]
    assert found.answers[1].value == pytest.approx([1 / 3] * 3, rel=1e-15)
