"""Processes answer as one would, refuse as one would, and are missed when they die."""

import os
import signal

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.sweeps.crew import Process, answer_all, answered, job_of, workers_that_fit
from markovgpt.sweeps.grid import SweepGrid


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    place = tmp_path_factory.mktemp("table")
    coin = mg.as_model(lambda windows: np.zeros((len(windows), 2)), vocab_size=2, context_length=2)
    mg.tabulate(coin, directory=place)
    return place


def job(table, **changed):
    """A question about the coin."""
    settings = {"temperature": 1.0, "top_k": None, "top_p": None, "min_p": None, "engine": "huggingface"}
    return job_of(table, "coin", settings, SweepGrid(**{"reds": [(1, 1)], "starts": [(0, 0)], "within": 3, **changed}))


def test_every_job_is_answered_and_a_refusal_names_the_group(table):
    kept = {}
    jobs = [job(table), job(table, within=2)]
    with pytest.raises(mg.InvalidInput, match=r"^coin, temperature 1\.0, engine huggingface: tokens must be"):
        answer_all([*jobs, job(table, reds=[(7,)])], kept.__setitem__, workers=2)
    assert kept == {place: answered(one) for place, one in enumerate(jobs)}
    assert [kept[place][0]["value"] for place in range(2)] == ["0.375000000000", "0.250000000000"]


def test_a_process_that_dies_is_missed(table):
    process = Process()
    try:
        os.kill(process._process.pid, signal.SIGKILL)
        with pytest.raises(mg.TooLarge, match=r"a worker must answer each group, got none \(signal 9\) for coin"):
            process.ask(job(table))
    finally:
        process.end()
    assert process._process.returncode == -signal.SIGKILL


def test_no_more_processes_than_fit_and_none_is_refused():
    space = mg.StateSpace(27, 4)
    # 350 MB and 531,441 states of 27 doubles and 512 bytes: 736.9 MB
    assert workers_that_fit(8, space, 1_500_000_000) == 2
    with pytest.raises(mg.TooLarge, match=r"need 736.9 MB, budget 700.0 MB; give a shorter context length"):
        workers_that_fit(1, space, 700_000_000)
