"""The table of state sizes, by hand."""

import math

from experiments.state_sizes import MACHINES, Machine, rows_of


def bits_of(name):
    return next(machine.bits for machine in MACHINES if machine.name == name)


def test_a_window_is_log2_of_v_times_l_bits():
    assert Machine("baby", "", 2, 3).bits == 3.0
    assert Machine("bytes", "", 256, 5).bits == 40.0
    assert math.isclose(2 ** Machine("names", "", 27, 4).bits, 531_441)


def test_the_notebooks_gpt2_takes_31984_bits_which_are_3998_bytes():
    bits = bits_of("GPT-2 vocabulary, 2,048 tokens (the notebook's)")
    assert round(bits) == 31_984
    assert round(bits / 8) == 3_998


def test_gpt2_itself_takes_half_of_that():
    assert round(bits_of("GPT-2")) == 15_992


def test_rows_are_ordered_by_size_and_say_how_many_states():
    rows = rows_of([Machine("large", "", 10, 5), Machine("small", "", 10, 2), Machine("chip", "", memory_bits=8)])
    assert [row["machine"] for row in rows] == ["small", "chip", "large"]
    assert [row["states"] for row in rows] == ["10^2.0", "10^2.4", "10^5.0"]
    assert rows[2]["bits of one state"] == "16.6"
