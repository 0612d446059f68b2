"""The speed experiments compare like with like, and judge all answers alike."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import markovgpt as mg
from experiments import large_chains, slow_mixing, solver_speed, streaming_speed
from experiments.slow_mixing import PEERS, Attempt, by_elimination, by_multigrid, image, judged, posed
from experiments.streaming_speed import LARGEST, bytes_moved, in_csr, length_near, random_chain, streams
from experiments.study import run


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


@pytest.mark.parametrize("question", slow_mixing.QUESTIONS)
def test_multigrid_elimination_and_the_peers_agree_where_mixing_is_fast(question):
    chain = random_chain(3, 4, 1.0, np.float64)
    problem = posed(chain, question)
    found, numbers = by_multigrid(chain, problem)
    assert numbers == "doubles"
    assert found.x[problem.live] == pytest.approx(by_elimination(chain, problem), rel=1e-10)
    assert image(problem, found.x) == pytest.approx(found.x, rel=1e-11)
    for method in PEERS.values():
        attempt = Attempt(problem, int(found.x.argmax()))
        method(attempt)
        assert attempt.x == pytest.approx(found.x, rel=1e-8)
        assert max(judged(problem, attempt.x)) < 1e-8
        assert attempt.products > 1


def test_the_time_until_the_end_is_the_chains_own():
    chain = random_chain(3, 3, 0.5, np.float64)
    problem = posed(chain, "killed")
    steps = 1 / problem.killed(by_multigrid(chain, problem)[0].x)
    assert steps == pytest.approx(mg.expected_hitting_time(chain, [26], start=0).value, rel=1e-10)


def test_numbers_below_the_doubles_are_scaled():
    chain = random_chain(2, 4, 0.005, np.float64)
    assert by_multigrid(chain, posed(chain, "stationary"))[1] == "scaled"


def test_what_is_not_above_zero_is_no_answer():
    chain = random_chain(2, 3, 1.0, np.float64)
    problem, x = posed(chain, "stationary"), np.full(8, 1 / 8)
    assert judged(problem, x)[0] == pytest.approx(abs(chain.push(x) * 8 - 1).max())
    x[3] = 0.0
    assert judged(problem, x) == (math.inf, math.inf)


@pytest.mark.parametrize(
    ("limit", "value", "outcome"), [("MOST_PRODUCTS", 3, "over 3 products"), ("MOST_SECONDS", 0.0, "over 0 s")]
)
def test_a_peer_is_stopped_at_its_limit(monkeypatch, limit, value, outcome):
    monkeypatch.setattr(slow_mixing, limit, value)
    for method in PEERS.values():
        with pytest.raises(slow_mixing.StoppedError, match=outcome):
            method(Attempt(posed(random_chain(3, 4, 0.25, np.float64), "stationary"), 0))


def test_every_method_answers_in_one_table():
    rows = slow_mixing.measured(slow_mixing.Case("random", 3, 3), 1.0)
    assert len(rows) == len(slow_mixing.QUESTIONS) * (1 + len(PEERS))
    assert len({tuple(row) for row in rows}) == 1
    assert {row["outcome"] for row in rows} == {"reached"}


def test_what_a_peer_did_not_say_is_left_empty():
    ours = {"status": "answered", "value": 8.0, "width": 0.0, "seconds": 2.0}
    theirs = {"status": "answered", "value": 6.0, "width": None, "seconds": 5.0}
    late = {**theirs, "status": "over 60 s", "value": None}
    row, none = (solver_speed.beside(0.1, "storm", answer, ours) for answer in (theirs, late))
    assert (row["relative difference to ours"], row["times our seconds"], row["relative width"]) == (
        "-2.5e-01",
        "2.5",
        "",
    )
    assert (none["status"], none["expected steps"], none["seconds"]) == ("over 60 s", "", "")


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
    assert len(large_chains.Settings().cases) == 10
    assert {case.context_length for case in large_chains.Settings(most_windows=10**6).cases} == {3, 4}
    assert [case.name for case in slow_mixing.Settings(most_windows=700).cases] == ["random", "names"]
    sizes = {(case.vocab_size, case.context_length) for case in streaming_speed.Settings().cases}
    assert sizes == {(2, 22), (3, 14), (5, 9), (27, 4), (65, 3), LARGEST}


def test_every_temperature_has_a_limit():
    with pytest.raises(mg.InvalidInput, match="limits must be as many as temperatures, 2, got 1; give one each"):
        solver_speed.Settings(limits=(1.0,))


def test_we_are_asked_beside_the_peers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--small", "--steps", "1", "--out", "here"]
    assert run(solver_speed.STUDY, words) == 0
    made = {file.name for file in (tmp_path / "here").iterdir()}
    assert made == {"table.csv", "table.tex", "seconds.svg", "run.json"}
