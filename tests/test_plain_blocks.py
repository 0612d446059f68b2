"""Plain lines are read together as Python reads each; whatever is not plain is left alone."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovgpt.exchange.plain_blocks import BranchLines, are_decimals, plain_numbers

PROBABILITIES = st.one_of(
    st.floats(1e-300, 1).map(repr),
    st.floats(1e-300, 1).map("{:.16e}".format).filter(lambda text: float(text) < 1),
    st.sampled_from(["1", "1.0", "1.000", "1E-5", "1.0E-12", "9.999e-0001"]),
    st.from_regex(r"0\.[0-9]{1,40}", fullmatch=True).filter(lambda text: float(text) > 0),
)


@given(st.lists(st.tuples(st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1), PROBABILITIES)))
def test_plain_lines_are_read_as_python_reads_them(rows):
    text = "".join(f"{source} {target} {probability}\n" for source, target, probability in rows)
    numbers = plain_numbers(text, "transitions", 3)
    assert numbers.tolist() == [[source, target, float(probability)] for source, target, probability in rows]
    assert are_decimals(text, len(rows)).tolist() == [bool(re.search("[.eE]", row[2])) for row in rows]
    branches = "".join(f"\t\t{target} : {probability}\n" for _, target, probability in rows)
    assert plain_numbers(branches, "branches", 2).tolist() == numbers[:, 1:].tolist()


@pytest.mark.parametrize(
    "line",
    ["0 0 1.5", "0 0 1.00000000000000000001", "0 0 9e0", "0 0 9e-0", "0 0 10e-1", "0 0 5e1", "0 0 -0.5", "0 0 1/2",
     "0 0 nan", "0 0 inf", "0 0 0x1p-1", "0 0 0,5", "0 0 .5", "0 0 1.", "0 0 1e-301", "0 0 0.0", "0 0 0", "0 0",
     "0 0 0.5 toss", "0  0 0.5", " 0 0 0.5", "0 0 0.5 ", "0\t0 0.5", "+0 0 0.5", "0 0 0.5\r", "", "1" * 16 + " 0 0.5",
     "0 0 0.5\x0b", "٣ 0 0.5", "0 0 1_0e-5"],
)  # fmt: skip
def test_what_is_not_plain_is_left_alone(line):
    assert plain_numbers("0 1 0.5\n", "transitions", 3) is not None
    assert plain_numbers(f"0 1 0.5\n{line}\n0 2 0.5\n", "transitions", 3) is None
    assert plain_numbers("0 1 0.5\n0 2 0.5", "transitions", 3) is None  # a line that is cut off


LINES = ["state 0 é", "\taction 0", "\t\t0 : 1", "", "\t", "\t\t1 : 1", "\t\t", "\tstate", "x"]


@given(st.lists(st.sampled_from(LINES), min_size=1))
def test_lines_are_told_apart(lines):
    found = BranchLines.of("".join(f"{line}\n" for line in lines))
    places = [place for place, line in enumerate(lines) if line.startswith("\t\t")]
    assert found.n_lines == len(lines)
    assert found.branches.tolist() == places
    assert found.text == "".join(f"{lines[place]}\n" for place in places)
    assert found.others == [place for place in range(len(lines)) if place not in places]
    assert found.texts == [lines[place] for place in found.others]
    assert found.group.tolist() == [place - number for number, place in enumerate(places)]
    assert [found.text_of(place) for place in places] == [lines[place].strip() for place in places]


def test_no_lines_have_no_numbers():
    assert plain_numbers("", "transitions", 3).shape == (0, 3)
    assert are_decimals("", 0).dtype == np.bool_
