"""Certificates of every question, from every kind of chain, and what has none."""

from fractions import Fraction

import numpy as np
import pytest
from reference_chains import gambler, line, nearly_uncoupled, rare_run, trap, two_periods, uniform_windows

import markovgpt as mg


def test_the_certificate_and_the_answer_overlap(tmp_path):
    space = mg.StateSpace(3, 3, with_prefixes=True)
    table = np.random.default_rng(3).dirichlet(np.ones(3), size=space.n_states)
    chain = mg.WindowChain(space, table)
    for name in ("expected_hitting_time", "hitting_probability", "expected_visits"):
        asked = {"target": [20], "start": 0}
        verdict = mg.verify(mg.write_certificate(chain, tmp_path / "c.npz", name, **asked))
        answer = getattr(mg, name)(chain, **asked)
        lower, upper = (np.atleast_1d(side) for side in (answer.lower, answer.upper))
        if name == "expected_visits":
            lower, upper = lower[list(verdict.states)], upper[list(verdict.states)]
        assert verdict.holds
        assert all(Fraction(float(a)) <= y for a, y in zip(lower, verdict.upper, strict=True))
        assert all(x <= Fraction(float(b)) for x, b in zip(verdict.lower, upper, strict=True))


def test_conways_number_is_certified_by_multigrid(tmp_path):
    # 1 / 2 in doubles is exact: from uniform windows "0" * 10 takes 2 + 4 + ... + 1024 - 10 tokens
    chain = uniform_windows(2, 10)
    start = np.full(1024, 1 / 1024)
    verdict = mg.verify(
        mg.write_certificate(chain, tmp_path / "c.npz", "expected_hitting_time", target=[0], start=start)
    )
    assert verdict.holds
    assert verdict.lower[0] <= sum(2**k for k in range(1, 11)) - 10 <= verdict.upper[0]
    assert verdict.upper[0] / verdict.lower[0] < 1 + Fraction(1, 10**9)


def test_nearly_uncoupled_halves(tmp_path):
    verdict = mg.verify(mg.write_certificate(nearly_uncoupled(), tmp_path / "c.npz", "stationary"))
    assert verdict.holds
    assert [float(x) for x in verdict.lower] == pytest.approx([6 / 21, 12 / 21, 2 / 21, 1 / 21], rel=1e-4)
    assert all(high / low < 1 + Fraction(1, 10**9) for low, high in zip(verdict.lower, verdict.upper, strict=True))


def test_one_of_several_classes(tmp_path):
    file = mg.write_certificate(two_periods(), tmp_path / "c.npz", "stationary", target=[4])
    verdict = mg.verify(file)
    assert verdict.states == (3, 4, 5)
    assert all(low <= Fraction(1, 3) <= high for low, high in zip(verdict.lower, verdict.upper, strict=True))


def test_avoided_states_end_with_nothing(tmp_path):
    # from 1: won before the coins are down to 1 again is 1/4 times 1/4 from 2, the start itself being live
    chain = mg.SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    file = mg.write_certificate(chain, tmp_path / "c.npz", "hitting_probability", target=[1], avoiding=[2], start=0)
    verdict = mg.verify(file)
    assert verdict.lower[0] <= Fraction(1, 2) <= verdict.upper[0]
    assert "avoiding 2" in verdict.what


def test_every_state_gets_its_steps(tmp_path):
    verdict = mg.verify(mg.write_certificate(line(5), tmp_path / "c.npz", "expected_hitting_time", target=[5]))
    assert [round(float(x), 9) for x in verdict.lower] == [5, 4, 3, 2, 1]


REFUSED = [
    ("hitting_odds", {}, r"question must be one of hitting_probability, .*, got 'hitting_odds'"),
    ("hitting_probability", {}, "hitting_probability needs a target, got none; give target="),
    ("expected_visits", {"target": [1]}, "expected_visits needs a start, got none"),
    ("stationary", {}, "a certificate is of one recurrent class, got 2; give one of its states as target="),
    ("expected_hitting_time", {"target": [2], "start": 0}, "must be finite to have a certificate"),
    ("expected_reward", {"target": [1, 2], "reward": [-1.0, 0, 0]}, "reward must be 3 non-negative finite numbers"),
]


@pytest.mark.parametrize(("question", "asked", "message"), REFUSED)
def test_what_has_no_certificate_is_refused_and_nothing_is_written(tmp_path, question, asked, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.write_certificate(trap(), tmp_path / "c.npz", question, **asked)
    assert not list(tmp_path.iterdir())


def test_numbers_further_out_than_a_certificate_holds_are_refused(tmp_path):
    with pytest.raises(mg.InvalidInput, match=r"holds numbers from 10\*\*-6000 to 10\*\*6000"):
        mg.write_certificate(rare_run(1e-300, 25), tmp_path / "c.npz", "expected_hitting_time", target=[25])


def test_too_many_states_for_elimination_are_refused(tmp_path):
    with pytest.raises(mg.TooLarge, match="at most 3000 live states"):
        mg.write_certificate(line(3005), tmp_path / "c.npz", "expected_hitting_time", target=[3005])


def test_a_gambler_with_many_coins_is_certified(tmp_path):
    verdict = mg.verify(mg.write_certificate(gambler(0.25, 60), tmp_path / "c.npz", "hitting_probability", target=[60]))
    exact = [Fraction(3**i - 1, 3**60 - 1) for i in range(1, 60)]
    assert verdict.holds
    assert all(a <= x <= b for a, x, b in zip(verdict.lower, exact, verdict.upper, strict=True))
