"""Certificates of every question, from every kind of chain, and what has none."""

from fractions import Fraction

import numpy as np
import pytest
from oracles import solve
from reference_chains import gambler, line, nearly_uncoupled, rare_run, trap, two_periods, uniform_windows

import markovgpt as mg
from markovgpt.evidence.certificate_file import read_certificate


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


def test_a_line_of_thousands_of_states_is_certified(tmp_path):
    verdict = mg.verify(mg.write_certificate(line(3005), tmp_path / "c.npz", "expected_hitting_time", target=[3005]))
    assert verdict.holds


def test_a_gambler_with_many_coins_is_certified(tmp_path):
    verdict = mg.verify(mg.write_certificate(gambler(0.25, 60), tmp_path / "c.npz", "hitting_probability", target=[60]))
    exact = [Fraction(3**i - 1, 3**60 - 1) for i in range(1, 60)]
    assert verdict.holds
    assert all(a <= x <= b for a, x, b in zip(verdict.lower, exact, verdict.upper, strict=True))


def three_valleys():
    """Three pairs of states, left for each other with chances near 1e-9 that differ, and for state 6 with 2**-40."""
    matrix = np.zeros((7, 7))
    for first, other in ((0, 2), (2, 4), (4, 0)):
        matrix[first, first + 1], matrix[first + 1, first] = 0.5, 0.25
        matrix[first, other], matrix[first, (other + 2) % 6] = (first + 1) * 2.0**-30, (first + 3) * 2.0**-32
    matrix[0, 6] = 2.0**-40
    for state in range(7):
        matrix[state, state] = 1 - matrix[state].sum()
    return matrix


def exact(matrix, live):
    """I - Q in fractions; the rows of `three_valleys` sum to 1 exactly."""
    return [[(i == j) - Fraction(float(matrix[i, j])) for j in live] for i in live]


def test_rows_and_columns_with_several_references_hold_the_exact_answer(tmp_path):
    matrix, live = three_valleys(), range(6)
    chain, system = mg.SparseChain.from_matrix(matrix), exact(matrix, live)
    transposed = [list(column) for column in zip(*system, strict=True)]
    expected = {
        "expected_hitting_time": solve(system, [Fraction(1)] * 6),
        "expected_visits": solve(transposed, [Fraction(int(i == 2)) for i in live]),
    }
    for question, answer in expected.items():
        start = 2 if question == "expected_visits" else None
        file = mg.write_certificate(chain, tmp_path / "c.npz", question, target=[6], start=start)
        verdict = mg.verify(file)
        assert len(read_certificate(file).references) >= 3
        assert verdict.holds
        for low, x, high in zip(verdict.lower, answer, verdict.upper, strict=True):
            assert low <= x <= high <= low * (1 + Fraction(1, 10**9))


def test_the_stationary_distribution_of_valleys(tmp_path):
    matrix = three_valleys()[:6, :6]
    matrix[0, 0] += 2.0**-40
    file = mg.write_certificate(mg.SparseChain.from_matrix(matrix), tmp_path / "c.npz", "stationary")
    rest = exact(matrix, range(1, 6))  # pi[0] = 1, then divided by the sum
    x = [Fraction(1), *solve([list(c) for c in zip(*rest, strict=True)], [Fraction(float(p)) for p in matrix[0, 1:]])]
    verdict = mg.verify(file)
    assert len(read_certificate(file).references) >= 3
    for low, mass, high in zip(verdict.lower, x, verdict.upper, strict=True):
        assert low <= mass / sum(x) <= high <= low * (1 + Fraction(1, 10**9))


def test_a_sure_state_beside_references(tmp_path):
    # valley 0 <-> 1, left from 0 for the lost 4 or for 2, which surely leads to the target 3: 1/3 from 2**-40 : 2**-39
    small = 2.0**-40
    chain = mg.SparseChain.from_matrix(
        [
            [0.5 - 3 * small, 0.5, small, 0, 2 * small],
            [0.5, 0.5, 0, 0, 0],
            [0, 0, 0.5, 0.5, 0],
            [0, 0, 0, 1, 0],
            [0, 0, 0, 0, 1],
        ]
    )
    file = mg.write_certificate(chain, tmp_path / "c.npz", "hitting_probability", target=[3])
    verdict = mg.verify(file)
    assert len(read_certificate(file).references) >= 1
    third = Fraction(1, 3)
    assert all(a <= x <= b for a, x, b in zip(verdict.lower, (third, third, 1), verdict.upper, strict=True))
    assert verdict.upper[0] < verdict.lower[0] * (1 + Fraction(1, 10**9))
