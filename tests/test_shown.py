"""What shows itself: in one short line, whatever it holds, and as whoever registered says."""

from dataclasses import dataclass, field

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.chains.operator import Edges
from markovgpt.scaled import ScaledArray
from markovgpt.shown import Shown, as_html, as_svg, in_short
from markovgpt.solvers.certificate import Enclosure


@dataclass(frozen=True, eq=False, repr=False)
class Found(Shown):
    """A result with a large part."""

    numbers: object
    hidden: int = field(default=0, repr=False)


class Bare(Shown):
    """No dataclass."""


class Strange:
    """Nobody has said how to show it."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        (None, "None"),
        ("a\n", r"'a\n'"),
        ("a" * 81, "'" + "a" * 77 + "...'"),
        ((), "()"),
        ((1,), "(1,)"),
        ([1, 2], "[1, 2]"),
        ({1}, "{1}"),
        (tuple(range(6)), "(0, 1, 2, 3, 4, 5)"),
        (tuple(range(7)), "(0, 1, 2, ... 7 in all)"),
        ({"a": 1, "b": (2,)}, "{'a': 1, 'b': (2,)}"),
        (np.arange(6), "[0, 1, 2, 3, 4, 5]"),
        (np.arange(7), "<int64 (7,)>"),
        (np.zeros((4, 5)), "<float64 (4, 5)>"),
        (np.float64(0.25), "0.25"),
        (ScaledArray(np.ones(9)), "<ScaledArray (9,)>"),
        (Found(3), "Found(numbers=3)"),
        (Found(("a" * 60, "b" * 60)), "Found(...)"),
        (mg.GPTConfig(2, 3), "GPTConfig(...)"),
    ],
)
def test_any_value_is_written_in_short(value, text):
    assert in_short(value) == text


def test_the_line_of_a_result_names_its_parts_but_those_that_are_hidden():
    assert repr(Found(np.zeros(1000))) == "Found(numbers=<float64 (1000,)>)"
    assert repr(Bare()).startswith("<")


def test_an_array_of_a_million_numbers_is_one_short_line():
    ones = np.ones(10**6)
    many = mg.Answer.of(Enclosure(ones, ones, ones, 0.0, "given"))
    assert repr(many) == "Answer(1000000 numbers, value=[1., 1., 1., ..., 1., 1., 1.], method='given')"


def test_chains_with_many_labels_or_windows_are_one_short_line():
    n = 20_000
    states = np.arange(n)
    chain = mg.SparseChain(Edges(states, states, np.ones(n)), n, tuple(f"state {state}" for state in range(n)))
    one = mg.stationary_distributions(mg.SparseChain.from_matrix(np.eye(1)))
    whole = mg.StationaryDistributions(one.classes * n, one.answers * n, one.labels * n, n)
    for thing in (chain, whole, mg.WindowChain(mg.StateSpace(10, 3), np.full((1000, 10), 0.1))):
        assert len(repr(thing)) < 600
        assert "\n" not in repr(thing)


def test_every_public_result_shows_itself():
    for name in mg.__all__:
        thing = getattr(mg, name)
        if isinstance(thing, type) and hasattr(thing, "__dataclass_fields__"):
            assert issubclass(thing, Shown), name
            if thing.__eq__ is object.__eq__:  # it holds arrays
                assert "__repr__" not in vars(thing) or thing in (mg.Answer, mg.RedPattern), name


def test_the_newest_registration_of_a_kind_is_asked():
    assert (as_html(Strange()), as_svg(Strange())) == (None, None)

    class Loud(Strange):
        pass

    as_html.register(Loud)(lambda thing: "<b>loud</b>")
    assert as_html(Loud()) == "<b>loud</b>"
    assert as_html(Strange()) is None
