"""The speed of products: the floor is what streaming the same memory takes, and all are measured in turns."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from experiments import streaming_speed
from experiments.drawn_cases import random_chain
from experiments.streaming_speed import LARGEST, bytes_moved, in_csr, length_near, streams


def test_tables_have_about_as_many_entries_as_they_should():
    assert [length_near(V, 1e7) for V in (2, 3, 5, 27, 65)] == [22, 14, 9, 4, 3]  # by hand: logarithms 23.3, 14.7, ..
    assert LARGEST[0] ** (LARGEST[1] + 1) == 387_420_489


def test_a_product_moves_the_table_and_two_vectors():
    assert bytes_moved(random_chain(3, 2, 1.0, np.float64)) == 27 * 8 + 2 * 9 * 8
    assert bytes_moved(random_chain(3, 2, 1.0, np.float32)) == 27 * 4 + 2 * 9 * 8


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_stream_reads_all_but_a_few_numbers_and_copies_the_vector(threads):
    table, vector, target = np.ones(50), np.arange(7.0), np.zeros(7)
    with ThreadPoolExecutor(threads) as pool:
        total = streams(table, vector, target, pool, threads)
    assert 50 - 4 * threads < total <= 50
    assert target.tolist() == vector.tolist()


def test_scipys_matrix_is_the_same_chain():
    chain, vector = random_chain(3, 3, 1.0, np.float64), np.arange(27.0)
    matrix = in_csr(chain)
    assert matrix.indices.dtype == np.int32
    assert matrix @ vector == pytest.approx(chain.pull(vector))
    assert matrix.T @ vector == pytest.approx(chain.push(vector))


def test_each_work_is_timed_in_each_round_but_the_first():
    done = []
    times = streaming_speed.in_turns({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, rounds=2)
    assert done == ["a", "b"] * 3
    assert {name: len(seconds) for name, seconds in times.items()} == {"a": 2, "b": 2}


def test_ratios_are_of_the_smallest_times():
    case = streaming_speed.Case(2, 3, "float64", 1)
    times = {"dot": [2.0, 4.0], "streams": [3.0], "push": [3.0, 5.0], "chain push": [4.0], "scipy push": [9.0, 6.0]}
    row = streaming_speed.row_of(case, "push", 8 * 10**9, times, "")
    assert (row["floor"], row["GB/s of the floor"], row["seconds"]) == ("dot", "4.0", "3 to 5")
    assert (row["times the floor"], row["chain's, times the floor"]) == ("1.50", "2.00")
    assert row["times faster than scipy's CSR"] == "2.0"
    without = streaming_speed.row_of(case, "push", 8, {name: times[name] for name in list(times)[:4]}, "no CSR")
    assert (without["times faster than scipy's CSR"], without["note"]) == ("", "no CSR")


@pytest.mark.slow
def test_products_are_measured_in_a_process_of_its_own():
    rows = streaming_speed.rows_of([streaming_speed.Case(3, 3, "float32", 1)], rounds=1)
    assert [(row["product"], row["entries"], row["threads"]) for row in rows] == [
        ("push", "81", "1"),
        ("pull", "81", "1"),
    ]


def test_every_size_is_measured_in_both_types():
    sizes = {(case.vocab_size, case.context_length) for case in streaming_speed.Settings().cases}
    assert sizes == {(2, 22), (3, 14), (5, 9), (27, 4), (65, 3), LARGEST}
