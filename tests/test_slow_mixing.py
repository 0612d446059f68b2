"""Chains that mix slowly: every method answers the same question, and all answers are judged alike."""

import math

import numpy as np
import pytest

from experiments import slow_mixing
from experiments.drawn_cases import random_chain
from experiments.restarted import QUESTIONS, by_elimination, by_multigrid, image, posed
from experiments.slow_mixing import PEERS, Attempt, judged


@pytest.mark.parametrize("question", QUESTIONS)
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
    rows = slow_mixing.measured(slow_mixing.Case("random", 3, 3), (1.0,))
    assert len(rows) == len(QUESTIONS) * (1 + len(PEERS))
    assert len({tuple(row) for row in rows}) == 1
    assert {row["outcome"] for row in rows} == {"reached"}


def test_cases_are_left_out_by_their_size():
    assert [case.name for case in slow_mixing.Settings(most_windows=700).cases] == ["random", "names"]
