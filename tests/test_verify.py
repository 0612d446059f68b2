"""The checker accepts what holds and names the first thing that does not; every expected value is derived by hand."""

import ast
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import solve
from random_chains import matrices
from reference_chains import gambler, ladder, ladder_probability, rare_run, slow_exit, slow_exit_time, trap

import markovgpt as mg
from markovgpt.evidence import verify as checker
from markovgpt.evidence.certificate_file import LIVE, LOST, OUTSIDE, TARGET, read_certificate


def certified(chain, folder, question, **asked):
    """The verdict on a certificate just written."""
    return mg.verify(mg.write_certificate(chain, folder / "certificate.npz", question, **asked))


def holds(verdict, *exact, width=1e-9):
    """Whether the verdict is good and its bounds hold these numbers tightly."""
    return verdict.holds and all(
        low <= x <= high and high - low <= Fraction(width) * high
        for low, high, x in zip(verdict.lower, verdict.upper, exact, strict=True)
    )


COIN = mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
BIASED = [[Fraction(p) for p in row] for row in ([0.9, 0.1], [0.3, 0.7])]


def test_the_gambler_wins_with_1_of_13_and_4_of_13(tmp_path):
    assert holds(certified(gambler(), tmp_path, "hitting_probability", target=[3], start=1), Fraction(1, 13))
    everywhere = certified(gambler(), tmp_path, "hitting_probability", target=[3])
    assert everywhere.states == (1, 2)
    assert holds(everywhere, Fraction(1, 13), Fraction(4, 13))
    assert everywhere.what == "probability that the target is reached; target 3; 4 states, 5 transitions"


def test_a_fair_coin_takes_two_tosses(tmp_path):
    verdict = certified(COIN, tmp_path, "expected_hitting_time", target=[1], start=0, note="a coin")
    assert holds(verdict, 2)
    assert verdict.what.endswith("target 1; start 0; 2 states, 2 transitions; a coin")
    assert holds(certified(COIN, tmp_path, "expected_visits", target=[1], start=0), 2)
    assert holds(certified(COIN, tmp_path, "expected_reward", target=[1], start=0, reward=[3.0, 0.0]), 6)


def test_the_weather_is_fine_for_three_quarters(tmp_path):
    # cut between the states: pi0 p01 = pi1 p10, with the doubles over their row sums
    (p00, p01), (p10, p11) = BIASED
    out, back = p01 / (p00 + p01), p10 / (p10 + p11)
    verdict = certified(mg.SparseChain.from_matrix([[0.9, 0.1], [0.3, 0.7]]), tmp_path, "stationary")
    assert holds(verdict, back / (out + back), out / (out + back))
    assert float(verdict.lower[0]) == pytest.approx(0.75)


def test_sure_and_impossible_are_exact(tmp_path):
    assert holds(certified(COIN, tmp_path, "hitting_probability", target=[1]), 1, width=0)
    verdict = certified(trap(), tmp_path, "hitting_probability", target=[2], start=1)
    assert verdict.holds
    assert verdict.upper == (0,)


def test_rare_events_keep_narrow_bounds(tmp_path):
    # a run of n successes: (1 - p**n) / ((1 - p) p**n) trials, with p the stored weight over the row's sum
    chance, rest = Fraction(1e-8), Fraction(1 - 1e-8)
    p = chance / (chance + rest)
    verdict = certified(rare_run(1e-8, 3), tmp_path, "expected_hitting_time", target=[3], start=0)
    assert holds(verdict, (1 - p**3) / ((1 - p) * p**3))
    assert len(read_certificate(tmp_path / "certificate.npz").references) >= 1
    assert verdict.lower[0] > 10**15
    assert holds(certified(ladder(), tmp_path, "hitting_probability", target=[16], start=0), ladder_probability())
    assert holds(certified(slow_exit(), tmp_path, "expected_hitting_time", target=[1], start=0), slow_exit_time())


def test_beyond_the_doubles_too(tmp_path):
    chance, rest = Fraction(1e-40), Fraction(1 - 1e-40)
    p = chance / (chance + rest)
    verdict = certified(rare_run(), tmp_path, "expected_hitting_time", target=[20], start=0)
    assert holds(verdict, (1 - p**20) / ((1 - p) * p**20))
    summary = verdict.summary()
    assert summary["lower"][0].endswith("E+799")
    assert summary["upper"][0].endswith("E+800")


def tokens(vocab_size, length, seed=0):
    space, generator = mg.StateSpace(vocab_size, length), np.random.default_rng(seed)
    return mg.WindowChain(space, generator.dirichlet(np.full(vocab_size, 0.5), size=space.n_states))


def test_all_windows_of_two_letters_are_checked_in_seconds(tmp_path):
    chain = tokens(27, 2)
    began = time.perf_counter()
    for question, asked in (("expected_hitting_time", {"target": [5]}), ("stationary", {})):
        verdict = certified(chain, tmp_path, question, **asked)
        assert verdict.holds
        assert len(verdict.states) in (728, 729)
    assert time.perf_counter() - began < 30
    answer = mg.stationary_distributions(chain).only()
    low, high = (np.array([float(bound) for bound in side]) for side in (verdict.lower, verdict.upper))
    assert (low <= answer.upper).all()
    assert (answer.lower <= high).all()
    assert (high / low - 1).max() < 1e-8


def exact_rows(chain):
    """The exact transition matrix."""
    n = chain.n_states
    rows = [[Fraction(0)] * n for _ in range(n)]
    for source, target, weight in zip(*chain.edges(), strict=True):
        rows[source][target] = Fraction(float(weight))
    return [[entry / sum(row) for entry in row] for row in rows]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(matrices(), st.data())
def test_random_chains_are_certified_around_the_exact_answer(tmp_path_factory, matrix, data):
    chain = mg.SparseChain.from_matrix(matrix)
    n, file = chain.n_states, tmp_path_factory.mktemp("random") / "certificate.npz"
    goal = data.draw(st.integers(0, n - 1))
    try:
        verdict = mg.verify(mg.write_certificate(chain, file, "hitting_probability", target=[goal]))
    except mg.NotConverged:
        return
    p = exact_rows(chain)
    live = list(verdict.states)
    system = [[(i == j) - p[i][j] for j in live] for i in live]
    exact = solve(system, [p[i][goal] for i in live]) if live else []
    assert verdict.holds
    assert all(low <= x <= high for low, high, x in zip(verdict.lower, verdict.upper, exact, strict=True))
    assert set(range(n)) - set(live) - {goal} == set(np.flatnonzero(mg.hitting_probability(chain, [goal]).upper == 0))


# -- what was tampered with ------------------------------------------------------------------------------------------


def with_entry(array, place, change):
    """A copy of an array in which one entry is another."""
    changed = array.copy()
    changed[place] = change(changed[place])
    return changed


@pytest.fixture
def rare(tmp_path):
    """A certificate with references, and how to see what the checker says of a changed one."""
    file = mg.write_certificate(rare_run(1e-8, 3), tmp_path / "rare.npz", "expected_hitting_time", target=[3])
    given = read_certificate(file)

    def reason(**changed):
        return mg.verify(replace(given, **changed).write(tmp_path / "changed.npz"))

    return given, reason


def test_unchanged_it_holds(rare):
    _, reason = rare
    assert (reason().holds, reason().reason) == (True, "")


@pytest.mark.parametrize("name", ["lower", "upper"])
def test_a_bound_moved_inward_fails_at_its_state(rare, name):
    given, reason = rare
    inner = [s for s in np.flatnonzero(given.role == LIVE) if s not in given.references]
    inward = {"lower": lambda m: m + m // 1000, "upper": lambda m: m - m // 1000}[name]
    verdict = reason(**{name: with_entry(getattr(given, name), (0, inner[0], 0), inward)})
    assert not verdict.holds
    assert verdict.reason == f"the {name} bound of part 0 fails its inequality at state {inner[0]}"


@pytest.mark.parametrize("side", [0, 1])
def test_a_claim_moved_inward_fails(rare, side):
    given, reason = rare
    moved = with_entry(given.claim, (1, side, 0), lambda m: m + (1 - 2 * side) * (m >> 20))
    assert reason(claim=moved).reason == "the bounds claimed for state 1 do not hold what the parts give"


def test_a_changed_weight_fails(rare):
    given, reason = rare
    verdict = reason(weight=with_entry(given.weight, (1, 0), lambda m: m + m // 1000))
    assert not verdict.holds
    assert "do not hold what the parts give" in verdict.reason or "fails its inequality" in verdict.reason


def test_a_changed_reward_fails(rare):
    given, reason = rare
    for state in np.flatnonzero(given.role == LIVE):
        assert not reason(reward=with_entry(given.reward, (state, 0), lambda m: m + m // 1000)).holds


@pytest.mark.parametrize("role", [LOST, OUTSIDE, TARGET])
def test_a_state_taken_out_of_live_fails(rare, role):
    given, reason = rare
    state = next(s for s in np.flatnonzero(given.role == LIVE) if s not in given.references)
    place = np.flatnonzero(given.role == LIVE).tolist().index(state)
    verdict = reason(role=with_entry(given.role, state, lambda _: role), claim=np.delete(given.claim, place, axis=0))
    assert not verdict.holds
    expected = {LOST: "may not lead to lost state", OUTSIDE: "may not lead to outside state", TARGET: ""}[role]
    assert expected in verdict.reason


def test_a_dropped_reference_fails(rare):
    given, reason = rare
    kept = np.delete(np.arange(len(given.lower)), [len(given.lower) - 1, len(given.references)])
    if len(given.references) > 1:
        kept = np.append(kept, len(given.lower) - 1)
    verdict = reason(references=given.references[:-1], lower=given.lower[kept], upper=given.upper[kept])
    assert not verdict.holds
    assert "fails its inequality at state" in verdict.reason


def test_the_steps_of_a_gambler_are_not_those_of_the_lost(tmp_path):
    file = mg.write_certificate(gambler(), tmp_path / "won.npz", "hitting_probability", target=[3])
    given = read_certificate(file)
    assert given.role.tolist() == [LOST, LIVE, LIVE, TARGET]
    leading = replace(given, target=with_entry(given.target, 0, lambda _: 1))  # none is left with no coins
    assert mg.verify(leading.write(file)).reason == "a step from lost state 0 may not lead to live state 1"
    stuck = replace(given, source=given.source[1:], target=given.target[1:], weight=given.weight[1:])
    assert mg.verify(stuck.write(file)).reason == "no transition leaves state 0"


def test_a_sub_solution_on_a_closed_class_bounds_nothing(tmp_path):
    """On a class that is never left, lower = 1 satisfies lower <= Q lower, though the probability is 0."""
    file = mg.write_certificate(trap(), tmp_path / "trap.npz", "hitting_probability", target=[2])
    given = read_certificate(file)
    one = np.array([1, 0])
    bounds = np.where((np.arange(3) == 1)[None, :, None], one, given.lower)
    false = replace(
        given, role=np.array([LIVE, LIVE, TARGET]), lower=bounds, upper=bounds, claim=np.tile(one, (2, 2, 1))
    )
    assert mg.verify(false.write(file)).reason == "no end and no reference can be reached from state 1"


def test_the_start_of_a_time_may_not_lie_where_nothing_leads_on(tmp_path):
    file = mg.write_certificate(trap(), tmp_path / "time.npz", "expected_hitting_time", target=[1, 2], start=0)
    given = replace(
        read_certificate(file), role=np.array([LIVE, TARGET, OUTSIDE]), start=np.array([[0, 0], [0, 0], [1, 0]])
    )
    assert mg.verify(given.write(file)).reason == "the start may not lie in state 2"


def test_references_that_lead_nowhere_are_refused(rare):
    given, reason = rare
    nothing = np.zeros_like(given.lower)
    assert reason(lower=nothing).reason == "the lower bounds of the parts lead from some reference to no end"


def test_it_shares_no_code_with_the_solvers():
    trusted = ["certificate_file", "verdict", "verify"]
    folder = Path(checker.__file__).parent
    for name in trusted:
        tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        ours = {module for module in modules if module.startswith("markovgpt")}
        allowed = {
            f"markovgpt.{m}" for m in ("errors", "durable", "memory", "shown", *(f"evidence.{t}" for t in trusted))
        }
        assert ours <= allowed
        assert {m.split(".")[0] for m in modules - ours} <= set(sys.stdlib_module_names) | {"numpy"}
