"""Bytes as letters: Python's base 85 reads them again, so does the page, and html leaves them alone."""

import html
import json

import numpy as np
import pytest
from explorer_browser import open_js
from page_letters import bytes_of

from markovgpt.explorer.letters import as_letters

LENGTHS = (0, 1, 2, 3, 4, 5, 7, 1000)


def drawn(length):
    """Bytes, with the largest and the smallest among them."""
    return bytes([255, 0, 255, 255][:length]) + np.random.default_rng(length).bytes(max(length - 4, 0))


@pytest.mark.parametrize("length", LENGTHS)
def test_bytes_come_back_from_letters_that_html_and_json_leave_alone(length):
    letters = as_letters(drawn(length))
    assert bytes_of(letters) == drawn(length)
    assert html.escape(letters) == letters
    assert json.dumps(letters) == f'"{letters}"'
    assert len(letters) == -(-5 * length // 4)


def test_the_page_reads_the_same_bytes(tab):
    open_js(tab, "letters.js")
    for length in LENGTHS:
        assert bytes(tab.evaluate("(letters) => [...bytesOf(letters)]", as_letters(drawn(length)))) == drawn(length)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_page_reads_the_same_numbers(tab, dtype):
    numbers = np.array([0.1, -0.0, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal, -np.inf], dtype=dtype)
    open_js(tab, "letters.js")
    written = {"dtype": dtype, "data": as_letters(numbers.astype(f"<{np.dtype(dtype).str[1:]}").tobytes())}
    found = tab.evaluate("(written) => [...numbersOf(written)].map(String)", written)
    assert [float(number.replace("Infinity", "inf")) for number in found] == numbers.astype(float).tolist()
