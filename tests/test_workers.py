"""Sharing out work: every block once, failures told, and no more workers than are worth while."""

import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markovgpt.chains import workers
from markovgpt.chains.workers import Shares, measured, work_through


@given(st.integers(0, 30), st.lists(st.integers(0, 3), max_size=60))
def test_every_block_is_taken_once_whoever_asks(n_blocks, order):
    shares = Shares(range(n_blocks), 4)
    taken = [shares.take(worker) for worker in order]
    rest = [shares.take(worker % 4) for worker in range(n_blocks + 4)]
    assert sorted(block for block in taken + rest if block is not None) == list(range(n_blocks))


def test_a_worker_walks_a_contiguous_range_and_then_takes_the_later_half_of_anothers():
    shares = Shares(range(8), 2)
    assert [shares.take(1) for _ in range(6)] == [4, 5, 6, 7, 2, 3]
    assert [shares.take(0) for _ in range(3)] == [0, 1, None]


@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_every_block_is_done_once(n_workers):
    done: Counter = Counter()
    lock = threading.Lock()

    def do(block):
        with lock:
            done[block] += 1

    work_through(range(20), [do] * n_workers)
    assert done == Counter(range(20))


@pytest.mark.parametrize("n_workers", [1, 3])
def test_a_failure_stops_the_others_and_is_raised(n_workers):
    done = []

    def do(block):
        if block == 0:
            raise ValueError("block 0 is broken")
        time.sleep(0.005)
        done.append(block)

    with pytest.raises(ValueError, match="block 0 is broken"):
        work_through(range(300), [do] * n_workers)
    assert len(done) < 100


def test_work_that_runs_side_by_side_is_given_to_all_and_work_that_does_not_to_one():
    door = threading.Lock()

    def beside(block):
        time.sleep(0.02)

    def behind(block):
        with door:
            time.sleep(0.02)

    rest, crew = measured(range(40), [beside] * 2)
    assert (list(rest), len(crew)) == (list(range(7, 40)), 2)  # 4 to warm up, 1 alone, 2 together
    rest, crew = measured(range(40), [behind] * 2)
    assert (list(rest), len(crew)) == (list(range(7, 40)), 1)


def test_the_choice_is_said(caplog):
    with caplog.at_level("INFO", logger="markovgpt"):
        measured(range(40), [lambda block: time.sleep(0.01)] * 2)
    assert "2 worker(s) of one torch thread each: 2 together were" in caplog.text


def test_few_blocks_are_not_worth_a_measurement():
    crew = [lambda block: None] * 2
    assert measured(range(8), crew) == (range(8), crew)


def test_after_an_interruption_blocks_in_hand_are_finished_and_no_others(monkeypatch):
    begun, done, join = [], [], workers._join

    def do(block):
        begun.append(block)
        time.sleep(0.05)
        done.append(block)

    def interrupted(threads):
        monkeypatch.setattr(workers, "_join", join)
        time.sleep(0.02)
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "_join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work_through(range(100), [do] * 2)
    assert sorted(begun) == sorted(done) == [0, 50]
