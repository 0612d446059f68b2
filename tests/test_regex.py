"""Regular expressions against Python's own."""

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.chains.regex import searching

EXPRESSIONS = [
    "a",
    "ab*c",
    "a|bc",
    "(a|b){3}",
    "a.*b",
    "[^a]c",
    "a+b?c",
    "(ab|ba)+c",
    "a{2,3}b",
    "b{2,}",
    r"\w\d",
    "[a-b]c",
    ".",
]


def accepted(automaton, text, letters):
    state, found = 0, []
    for letter in text:
        state = automaton.next_state[state, letters.index(letter)]
        found.append(bool(automaton.accepting[state]))
    return found


@pytest.mark.parametrize("regex", EXPRESSIONS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(text=st.text("abc1", max_size=9))
def test_it_accepts_whenever_a_match_ends(regex, text):
    found = accepted(searching(regex, "abc1"), text, "abc1")
    for end in range(1, len(text) + 1):
        assert found[end - 1] == any(re.fullmatch(regex, text[begin:end]) for begin in range(end))


def test_a_dot_is_the_newline_too():
    assert accepted(searching("a.b", "ab\n"), "a\nb", "ab\n") == [False, False, True]


def test_the_characters_of_anchors_can_be_asked_for():
    found = accepted(searching(r"\^a\$|[$]b|[\^]c", "abc$^"), "^a$b^cac", "abc$^")
    assert [place for place, truth in enumerate(found) if truth] == [2, 3, 5]


@pytest.mark.parametrize(
    ("regex", "message"),
    [
        ("a*", r"regex must match at least one character, got 'a\*'"),
        ("", "which matches the empty text"),
        ("^ab", r"regex must be a text without anchors, got '\^ab'"),
        ("ab$", "regex must be a text without anchors"),
        (3, "regex must be a text without anchors, got 3"),
        ("(", r"regex must be one that greenery can read, got '\('"),
        ("[", r"regex must be one that greenery can read, got '\['"),
        ("(?=a)b", "regex must be one that greenery can read"),
        ("x", "regex must match something that can be written, got 'x' over the letters 'abc'"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(regex, message):
    with pytest.raises(mg.InvalidInput, match=message):
        searching(regex, "abc")


@pytest.mark.parametrize(
    ("regex", "message"),
    [("a{1000000}", "has more than 100000 places"), ("(a|b)*a(a|b){20}", "needs more than 20000 states")],
)
def test_an_expression_of_too_many_states_is_refused(regex, message):
    with pytest.raises(mg.TooLarge, match=message):
        searching(regex, "ab")


def test_without_greenery_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "greenery", None)
    with pytest.raises(mg.InvalidInput, match=r"pip install 'markovgpt\[regex\]'"):
        searching("a", "a")
