"""PRISM's .sta files: states as values of variables."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.exchange import prism_states
from markovgpt.exchange.prism_states import listed_state, read_states, states_text
from markovgpt.exchange.text_file import open_text


@pytest.fixture
def read(tmp_path):
    """Read a text as a .sta file."""

    def reader(text, n_states):
        (tmp_path / "coin.sta").write_text(text)
        with open_text(tmp_path / "coin.sta") as file:
            return read_states(file, n_states)

    return reader


@pytest.mark.parametrize("space", [mg.StateSpace(3, 2), mg.StateSpace(2, 3, with_prefixes=True), mg.StateSpace(1, 1)])
def test_windows_come_back(read, monkeypatch, space):
    monkeypatch.setattr(prism_states, "WRITTEN_AT_ONCE", 4)
    found = read("".join(states_text(space)), space.n_states)
    L = space.context_length
    assert list(found) == [f"t{place}" for place in range(1, L + 1)]
    windows = np.stack(list(found.values()), axis=1).tolist()
    for state in range(space.n_states):
        window = space.decode(state)
        assert windows[state] == [-1] * (L - len(window)) + list(window)


def test_any_variables_are_read_in_any_order(read):
    found = read("(s,done)\n1:(-3,true)\n\n0:(7,false)\n", 2)
    assert {name: values.tolist() for name, values in found.items()} == {"s": [7, -3], "done": [0, 1]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0:(0)\n", r"line 1: a .sta file must begin with its variables, like \(t1,t2\), got '0:\(0\)'; export the ch"),
        ("(a,a)\n0:(0,0)\n", r"line 1: a .sta file must begin with its variables"),
        ("(a,b)\n0:(0)\n", r"line 2: expected a state and 2 whole numbers, like 0:\(0,0\), got '0:\(0\)'"),
        ("(a)\n0:(0,0)\n", r"line 2: expected a state and 1 whole numbers, like 0:\(0\), got '0:\(0,0\)'"),
        ("(a)\n0:(0.5)\n", r"line 2: expected a state and 1 whole numbers"),
        (
            f"({','.join(f'a{n}' for n in range(99))})\n0:(0)\n",
            r"line 2: .*, like 0:\((0,){20}...\), got",
        ),
        ("(a)\n0:(1\n", r"line 2: expected a state and 1 whole numbers"),
        ("(a)\n0:(0)\n2:(1)\n", r"line 3: expected a state in 0..1 that has no line yet, got '2'"),
        ("(a)\n0:(0)\n0:(1)\n", r"line 3: expected a state in 0..1 that has no line yet, got '0'"),
        ("(a)\n0:(0)\n", r"line 3: state 1 must have a line, got none"),
        ("(a)\n0:(5)\n1:(5)\n", r"line 4: each state must have values of its own, got those of state 0 in state 1"),
    ],
)
def test_what_is_wrong_is_refused(read, text, told):
    with pytest.raises(mg.InvalidInput, match=f"^coin.sta, {told}"):
        read(text, 2)


def test_values_that_would_not_fit_are_refused(read):
    with pytest.raises(mg.TooLarge, match=f"{10**15} states of 1 variables need .*; read it without them"):
        read("(a)\n0:(0)\n", 10**15)


def test_a_state_has_one_line(tmp_path):
    (tmp_path / "f").write_text("x\n")
    seen = np.zeros(2, dtype=bool)
    with open_text(tmp_path / "f") as file:
        assert listed_state(file, 1, "1", seen) == 1
        assert seen.tolist() == [False, True]
        with pytest.raises(mg.InvalidInput, match=r"f, line 2: expected a state in 0..1 that has no line yet, got '1'"):
            listed_state(file, 2, "1", seen)
