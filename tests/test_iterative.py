"""Enclosures of large systems: they hold the exact answer on every chain, whatever happens on the way."""

from fractions import Fraction

import decimals
import numpy as np
import oracles
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_chains import LARGER_SHAPES, drawn_chain, window_chains

import markovgpt as mg
from markovgpt.analysis.result import Answer
from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.chains.sliding import SlidingTable
from markovgpt.scaled import ScaledArray
from markovgpt.solvers import iterative, live_system, multigrid, suffix_multigrid
from markovgpt.solvers.certificate import Enclosure
from markovgpt.solvers.multigrid import Restarted, Reversed
from markovgpt.solvers.multigrid_solver import MultigridSolver
from markovgpt.solvers.suffix_multigrid import Flows

ACCURATE = 1e-10


@pytest.fixture(params=[128, 2], ids=["two levels", "all levels"])
def iterated(request, monkeypatch):
    """However small a chain of windows is, it is iterated upon, over two levels or over all of them."""
    monkeypatch.setattr(live_system, "ELIMINATED_WINDOWS", 0)
    monkeypatch.setattr(suffix_multigrid, "BOTTOM", request.param)


def questions(windows, target, avoiding, start, chain_of=lambda windows: windows):
    """What is asked, by a question and by decimals: pairs of an answer, and an exact number for each place in it."""
    rows, chain, n = decimals.window_rows(windows), chain_of(windows), windows.n_states
    reward, classes = np.arange(n) % 3 / 4, decimals.classes(rows)
    hitting = decimals.hitting(rows, target, avoiding)
    times = decimals.expected_reward(rows, [1] * n, target)
    rewards = decimals.expected_reward(rows, reward, target)
    ends = {(i, c): p for c, states in enumerate(classes) for i, p in enumerate(decimals.hitting(rows, states))}

    def every(column):
        return dict(enumerate(column))

    def avoid(**options):
        return mg.hitting_probability(chain, target, avoiding=avoiding or None, **options)

    yield avoid, every(hitting)
    yield lambda: avoid(start=start), {(): hitting[start]}
    yield lambda: mg.expected_hitting_time(chain, target), every(times)
    yield lambda: mg.expected_hitting_time(chain, target, start=start), {(): times[start]}
    yield lambda: mg.expected_reward(chain, reward, target), every(rewards)
    yield lambda: mg.expected_reward(chain, reward, target, start=start), {(): rewards[start]}
    yield lambda: mg.expected_visits(chain, target, start), every(decimals.visits(rows, target, start))
    yield lambda: mg.absorption_probabilities(chain), ends
    yield (
        lambda: mg.absorption_probabilities(chain, start=start),
        {(c,): ends[start, c] for c in range(len(classes))},
    )
    yield lambda: mg.long_run_distribution(chain, start), every(decimals.long_run(rows, start))
    for place, states in enumerate(classes):
        yield (
            lambda place=place: mg.stationary_distributions(chain).answers[place],
            every(decimals.stationary(rows, states)),
        )
        exact = dict(zip(states, decimals.stationary(rows, states), strict=True))
        yield lambda states=states: regenerated(chain, states), exact


def regenerated(chain, states):
    """The stationary distribution of a class, bounded by regeneration alone."""
    live = np.isin(np.arange(chain.n_states), states)
    return Answer.of(live_system.regenerating_system(chain, live).stationary_parts().enclosure)


def assert_all_hold(chain, target, avoiding, start, **options):
    for ask, exact in questions(chain, target, avoiding, start, **options):
        answer = ask()
        for place, number in exact.items():
            assert decimals.encloses(answer, number, place)
            if number:
                assert decimals.relative_error(answer, number, place) < ACCURATE


def draw_states(data, n, at_least):
    return sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=at_least, max_size=3)))


@pytest.mark.usefixtures("iterated")
@settings(max_examples=50, deadline=None, derandomize=True)
@given(window_chains(), st.data())
def test_every_enclosure_holds_the_exact_answer(chain, data):
    target = draw_states(data, chain.n_states, 1)
    avoiding = [state for state in draw_states(data, chain.n_states, 0) if state not in target]
    assert_all_hold(chain, target, avoiding, data.draw(st.integers(0, chain.n_states - 1)))


@pytest.mark.slow
@pytest.mark.usefixtures("iterated")
@settings(max_examples=2000, deadline=None, derandomize=True)
@given(window_chains(), st.data())
def test_two_thousand_chains_are_enclosed(chain, data):
    target = draw_states(data, chain.n_states, 1)
    avoiding = [state for state in draw_states(data, chain.n_states, 0) if state not in target]
    assert_all_hold(chain, target, avoiding, data.draw(st.integers(0, chain.n_states - 1)))


@pytest.mark.usefixtures("iterated")
@pytest.mark.parametrize("shape", LARGER_SHAPES)
@pytest.mark.parametrize("kind", ["cold", "zeros"])
def test_enclosures_of_longer_windows_hold(shape, kind):
    chain = drawn_chain(mg.StateSpace(*shape), kind, 5)
    assert_all_hold(chain, [3, 7], [11], 2)


@pytest.mark.parametrize("filled", [30, 0], ids=["sparse elimination", "matching"])
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(window_chains(), st.data())
def test_enclosures_of_lists_of_transitions_hold(monkeypatch, filled, chain, data):
    monkeypatch.setattr(live_system, "ELIMINATED", 0)
    monkeypatch.setattr("markovgpt.solvers.sparse_solver.MOST_FILLED", filled)
    monkeypatch.setattr("markovgpt.solvers.matching.BOTTOM", 2)
    target = draw_states(data, chain.n_states, 1)
    avoiding = [state for state in draw_states(data, chain.n_states, 0) if state not in target]
    start = data.draw(st.integers(0, chain.n_states - 1))
    assert_all_hold(chain, target, avoiding, start, chain_of=listed)


def listed(chain):
    """The same chain as a list of transitions."""
    return mg.SparseChain(chain.edges(), chain.n_states)


# -- what goes wrong on the way ---------------------------------------------------------------------------------------


def disturbed(numbers, by):
    """Numbers, each changed by its own factor."""
    return numbers * (1 + by * np.sin(1 + 3.0 * np.arange(len(numbers))))


def changed(method, change):
    """A method whose answer is changed."""
    return lambda self, *arguments, **options: change(method(self, *arguments, **options))


def of_another(others, factor):
    """Probabilities of the other tokens that are off by a factor."""
    return property(lambda self: others.fget(self) * factor)


CASES = [((2, 3), "zeros", 4), ((3, 2), "periodic", 8)]
EXITS = MultigridSolver._exits.func
FAULTS = {
    "smoothing off by an entry": (Restarted, "smoothed", changed(Restarted.smoothed, lambda x: disturbed(x, 1e-3))),
    "reversed smoothing off": (Reversed, "smoothed", changed(Reversed.smoothed, lambda x: disturbed(x, 0.3))),
    "a smoothing step skipped": (multigrid, "SMOOTHING", 0),
    "no smoothing at all": (Restarted, "smoothed", lambda self, x: x),
    "no reversed smoothing": (Reversed, "smoothed", lambda self, x: x),
    "an early stop": (multigrid, "MOST_CYCLES", 1),
    "what escapes is halved": (SlidingTable, "others", of_another(SlidingTable.others, 0.5)),
    "a token is not left out of a push": (SlidingTable, "push_others", SlidingTable.push),
    "a token is not left out of a pull": (SlidingTable, "pull_others", SlidingTable.pull),
    "a coarse correction upside down": (Flows, "balanced", changed(Flows.balanced, lambda factor: 1 / (factor + 1e-9))),
    "a coarse correction off": (Flows, "balanced", changed(Flows.balanced, lambda factor: disturbed(factor, 0.5))),
    "basins put out of balance": (multigrid, "balance", lambda x, groups, flows: (disturbed(x, 0.5), 0.0)),
    "greedy rows off": (FunctionalGraph, "forward", changed(FunctionalGraph.forward, lambda x: disturbed(x, 1e-6))),
    "greedy columns off": (FunctionalGraph, "backward", changed(FunctionalGraph.backward, lambda x: disturbed(x, 0.1))),
    "exits off": (MultigridSolver, "_exits", property(lambda self: disturbed(EXITS(self), 0.3))),
    "stale weights": (
        MultigridSolver,
        "_everywhere",
        property(lambda self: self._restarted_anywhere(None, 0.3)),
    ),
    "weights of another chain": (
        MultigridSolver,
        "_everywhere",
        property(lambda self: (disturbed(self._about_everywhere[0], 0.5), self._about_everywhere[1])),
    ),
    "rows off": (MultigridSolver, "row", changed(MultigridSolver.row, lambda x: disturbed(x, 1e-8))),
    "columns off": (MultigridSolver, "column", changed(MultigridSolver.column, lambda x: disturbed(x, 1e-4))),
    "columns far too small": (MultigridSolver, "column", changed(MultigridSolver.column, lambda x: x * 1e-3)),
    "a stationary guess of another chain": (
        MultigridSolver,
        "stationary",
        changed(MultigridSolver.stationary, lambda x: disturbed(x, 0.9)),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_or_makes_bounds_wide_and_never_wrong(monkeypatch, fault):
    monkeypatch.setattr(live_system, "ELIMINATED_WINDOWS", 0)
    monkeypatch.setattr(suffix_multigrid, "BOTTOM", 2)
    monkeypatch.setattr(multigrid, "MOST_CYCLES", 6)  # what does not converge need not try for long
    cases = [
        list(questions(drawn_chain(mg.StateSpace(*shape), kind, seed), [3], [5], 1)) for shape, kind, seed in CASES
    ]
    monkeypatch.setattr(*FAULTS[fault])
    answered = 0
    for case in cases:
        for ask, exact in case:
            try:
                answer = ask()
            except mg.NotConverged:
                continue
            answered += 1
            assert all(decimals.encloses(answer, number, place) for place, number in exact.items())
    assert answered > 0


def test_the_cases_of_the_faults_are_answered_where_there_is_none(monkeypatch):
    monkeypatch.setattr(live_system, "ELIMINATED_WINDOWS", 0)
    for shape, kind, seed in CASES:
        chain = drawn_chain(mg.StateSpace(*shape), kind, seed)
        assert isinstance(chain.next_token_probs, np.ndarray)
        assert_all_hold(chain, [3], [5], 1)


# -- rare events, by hand ---------------------------------------------------------------------------------------------


def unfair_coin(chance, length):
    """Token 1 with probability p, 0 else, whatever came before: p exactly, of what is stored."""
    space = mg.StateSpace(2, length)
    chain = mg.WindowChain(space, np.tile([1 - chance, chance], (space.n_states, 1)))
    return chain, Fraction(chance) / (Fraction(chance) + Fraction(1 - chance))


def widest(answer):
    """The largest relative width of what is above zero, as the logarithms have it."""
    high, low = np.atleast_1d(answer.log10_upper), np.atleast_1d(answer.log10_lower)
    possible = np.isfinite(high)
    return np.max(high[possible] - low[possible]) * np.log(10)


def test_the_coin_is_iterated_upon():
    chain, _ = unfair_coin(0.01, 11)
    assert "suffix multigrid" in mg.expected_hitting_time(chain, [2047], start=0).method
    assert "suffix multigrid" in mg.stationary_distributions(chain).answers[0].method


@pytest.mark.parametrize(("chance", "magnitude"), [(0.01, 22), (1e-40, 440)])
def test_a_rare_run_takes_as_long_as_the_formula_says(chance, magnitude):
    n = 11
    chain, p = unfair_coin(chance, n)
    # with k ones behind it: (1 - p**n) / ((1 - p) p**n) less the (1 - p**k) / ((1 - p) p**k) that are done
    exact = [(1 - p**n) / ((1 - p) * p**n) - (1 - p**k) / ((1 - p) * p**k) for k in range(n + 1)]
    assert abs(oracles.log10(exact[0]) - magnitude) < 0.01
    from_everywhere = mg.expected_hitting_time(chain, [2**n - 1])
    for k, state in ((0, 0), (0, 2**n - 2), (1, 1), (6, 63), (10, 1023), (11, 2047)):
        oracles.assert_encloses(from_everywhere, exact[k], state)
    from_none = mg.expected_hitting_time(chain, [2**n - 1], start=0)
    oracles.assert_encloses(from_none, exact[0])
    for answer in (from_none, from_everywhere):
        assert widest(answer) < 1e-9
    assert (from_none.upper == np.inf) == (magnitude > 308)


@pytest.mark.parametrize(("chance", "magnitude"), [(1e-30, -300), (1e-40, -400)])
def test_a_run_without_a_failure_is_as_unlikely_as_the_product(chance, magnitude):
    n = 11
    chain, p = unfair_coin(chance, n)
    failed = mg.ending_with(chain.space, (0,))
    from_everywhere = mg.hitting_probability(chain, [2**n - 1], avoiding=failed)
    for k, state in ((1, 1), (6, 63), (10, 1023)):
        oracles.assert_encloses(from_everywhere, p ** (n - k), state)
    from_one = mg.hitting_probability(chain, [2**n - 1], avoiding=failed, start=1)
    oracles.assert_encloses(from_one, p**10)
    assert from_one.log10 == pytest.approx(magnitude, abs=1e-9)
    assert widest(from_one) < 1e-9
    assert widest(from_everywhere) < 1e-9
    assert 0 < from_one.upper < 10.0 ** (magnitude + 1) or from_one.value == 0


def test_shares_of_windows_are_products_down_to_1e_400():
    n = 10
    chain, p = unfair_coin(1e-40, n)
    answer = mg.stationary_distributions(chain).only()
    for state in (0, 1, 512, 341, 511, 1023):
        ones = state.bit_count()
        oracles.assert_encloses(answer, p**ones * (1 - p) ** (n - ones), state)
    assert answer.log10[1023] == pytest.approx(-400, abs=1e-9)
    assert widest(answer) < 1e-9


def test_visits_before_a_rare_run_are_its_windows_shares_of_the_time():
    # Between two ends of ten ones, each window w is visited as often as its share is of theirs: pi(w) / pi(ones).
    # From all ones the walk starts at its end; one step later it is at 1111111111 again or at 1111111110.
    n = 10
    chain, p = unfair_coin(0.01, n)
    answer = mg.expected_visits(chain, [1023], 1022)
    # a return trip begins with 0 (probability 1 - p) at 1022, or is over at once
    for state in (0, 1, 512, 1022):
        ones = state.bit_count()
        oracles.assert_encloses(answer, p**ones * (1 - p) ** (n - ones) / p**n / (1 - p), state)


# -- what is said about it --------------------------------------------------------------------------------------------


def nearly_uncoupled(coupling):
    """Tokens repeat for ever but for a coupling: 00.. and 11.. are hardly left."""
    space = mg.StateSpace(2, 3)
    rows = np.full((8, 2), 0.5)
    rows[0], rows[7] = [1 - coupling, coupling], [2 * coupling, 1 - 2 * coupling]
    return mg.WindowChain(space, rows)


@pytest.mark.usefixtures("iterated")
@pytest.mark.parametrize("coupling", [1e-3, 1e-12, 1e-18])
def test_slow_places_are_taken_for_references_and_bounds_stay_narrow(coupling):
    chain = nearly_uncoupled(coupling)
    rows = decimals.window_rows(chain)
    found = live_system.regenerating_system(chain, np.ones(8, dtype=bool)).stationary_parts()
    assert set(found.references) & {0, 7}
    assert len(found.parts) == len(found.references)
    assert f"regenerated at {len(found.references)} states" in found.enclosure.method
    assert iterative.width(found.enclosure) < 3e-10
    for answer in (mg.stationary_distributions(chain).only(), Answer.of(found.enclosure)):
        for state, exact in enumerate(decimals.stationary(rows, list(range(8)))):
            assert decimals.encloses(answer, exact, state)
        assert (answer.upper / answer.lower - 1).max() < 3e-10


def test_widths_are_relative_and_infinite_where_a_lower_bound_says_nothing():
    def width(lower, upper):
        return iterative.width(Enclosure(ScaledArray.of(upper), ScaledArray.of(lower), ScaledArray.of(upper), 0.0, ""))

    assert width([1.0, 2.0, 0.0], [1.5, 5.0, 0.0]) == 1.5
    assert width([0.0, 2.0], [1.0, 2.0]) == np.inf
    assert width([0.0], [0.0]) == 0.0


def many_slow_places(tokens):
    """Each token repeats but for 1e-9: more slow places than references that are taken."""
    space = mg.StateSpace(tokens, 2)
    rows = np.full((space.n_states, tokens), 1e-9 / (tokens - 1))
    rows[np.arange(space.n_states), space.token_from_end(0)] = 1 - 1e-9
    return mg.WindowChain(space, rows)


def test_more_slow_places_than_references_make_wide_bounds_that_say_so(monkeypatch):
    monkeypatch.setattr(live_system, "ELIMINATED_WINDOWS", 0)
    chain = many_slow_places(11)
    answer = mg.stationary_distributions(chain).only()
    assert "wide: many places are slow to leave" in answer.method
    same = [chain.space.encode((token, token)) for token in range(11)]
    # by symmetry the eleven have the same share, and each of the 110 others is entered with 1e-9 / 10 a step
    stored = Fraction(float(chain.next_token_probs[0, 1]))
    step = stored / (10 * stored + Fraction(1 - 1e-9))
    # x = (1 - 10 step) (x + 10 y), y = step (x + 10 y): y / x = step / (1 - 10 step)
    y_to_x = step / (1 - 10 * step)
    x = 1 / (11 + 110 * y_to_x)
    for state in same:
        assert Fraction(float(answer.lower[state])) <= x <= Fraction(float(answer.upper[state]))
    assert np.asarray(answer.upper / answer.lower).max() < 1.1


def test_bounds_that_never_hold_are_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(live_system, "ELIMINATED_WINDOWS", 0)
    monkeypatch.setattr(iterative, "MOST_REFERENCES", 5)  # fewer than there are states
    monkeypatch.setattr(MultigridSolver, "column", changed(MultigridSolver.column, lambda x: disturbed(x, 0.99)))
    with pytest.raises(mg.NotConverged, match=r"no bounds that hold on 7 live states; ask within a horizon") as refused:
        mg.expected_hitting_time(nearly_uncoupled(0.25), [7])
    assert refused.value.residual > 0.1
