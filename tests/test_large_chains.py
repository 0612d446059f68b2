"""Large chains: each in a process of its own, and sizes compared by the time of a state."""

from dataclasses import replace

import pytest

from experiments import large_chains


def test_sizes_are_compared_by_the_time_of_a_state():
    small, large = (large_chains.Large(L, "float32", 1) for L in (3, 4))
    took = {"outcome": "certified", "solving": 27**3 * 1e-9, "cycles": 5, "residual": 1e-13, "peak": 2 * 10**6}
    row = large_chains.sized(large, {**took, "solving": 2 * 27**4 * 1e-9}, small, took)
    assert (row["ns a state"], row["times that of the smallest"], row["peak MB"]) == ("2", "2.00", "2")
    assert row["seconds certified"] == row["relative width"] == row["ns a state, certified"] == ""


@pytest.mark.slow
def test_a_large_chain_is_solved_in_a_process_of_its_own():
    (row,) = large_chains.large_rows([replace(large_chains.Settings().cases[0], context_length=2)])
    assert (row["states"], row["outcome"], row["times that of the smallest"]) == ("729", "certified", "1.00")
    assert float(row["relative width"]) < 1e-6


def test_cases_are_left_out_by_their_size():
    assert len(large_chains.Settings().cases) == 5
    assert {case.context_length for case in large_chains.Settings(most_windows=10**6).cases} == {3, 4}
