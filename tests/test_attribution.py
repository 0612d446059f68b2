"""The parts of a change against exact fractions: each of them, and that they add up."""

from fractions import Fraction
from itertools import product as words
from pathlib import Path

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_chains import drawn_chain, matrices

import markovgpt as mg
from markovgpt.analysis import attribution
from markovgpt.analysis.attribution import attribute_change

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"


def exact_parts(old, new, target, start, avoiding=()):
    """Parts of each window and transition, in fractions, from the definition; they must add up exactly."""
    n, ends = len(old), set(target)
    was, now = oracles.hitting(old, ends, avoiding), oracles.hitting(new, ends, avoiding)
    through = set(range(n)) - ends - set(avoiding)
    live = sorted(oracles.leads_to(new, ends, through) - ends)
    transposed = [list(column) for column in zip(*oracles.identity_minus(new, live), strict=True)]
    visits = dict(zip(live, oracles.solve(transposed, [start[w] for w in live]), strict=True))
    pairs = {(w, x): visits[w] * (new[w][x] - old[w][x]) * (was[x] - was[w]) for w in live for x in range(n)}
    windows = [sum(pairs.get((w, x), Fraction(0)) for x in range(n)) for w in range(n)]
    lost = Fraction(0)
    for x in through - set(live):
        gone = (start[x] + sum(visits[w] * new[w][x] for w in live)) * was[x]
        windows[x] -= gone
        lost -= gone
    whole = sum(start[s] * (now[s] - was[s]) for s in range(n))
    assert sum(windows) == whole
    assert sum(pairs.values()) + lost == whole
    return windows, pairs, lost, max(sum(start[s] * v[s] for s in range(n)) for v in (was, now))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_parts_are_those_of_fractions(data):
    one, two = data.draw(matrices(largest=5)), data.draw(matrices(largest=5))
    n = min(len(one), len(two))
    mended = []
    for matrix in (one[:n, :n].copy(), two[:n, :n].copy()):
        lonely = matrix.sum(axis=1) == 0
        matrix[lonely, 0] = 1
        mended.append(matrix / matrix.sum(axis=1, keepdims=True))
    target = sorted(data.draw(st.sets(st.integers(0, n - 1), min_size=1)))
    avoiding = sorted(data.draw(st.sets(st.integers(0, n - 1), max_size=1)))
    begin = np.zeros(n)
    begin[data.draw(st.integers(0, n - 1))] += 0.25
    begin[data.draw(st.integers(0, n - 1))] += 0.75
    old, new = (oracles.exact_rows(matrix) for matrix in mended)
    windows, pairs, lost, unit = exact_parts(old, new, target, [Fraction(b) for b in begin], avoiding)
    chains = [mg.SparseChain.from_matrix(matrix) for matrix in mended]
    found = attribute_change(*chains, target, start=begin, avoiding=avoiding if avoiding else None, k=n * n)
    assert found.residual <= 1e-10
    if unit == 0:
        assert not found.windows.any()
        return
    size = 1 + float(sum(abs(part) for part in pairs.values()) / unit)
    assert found.windows == pytest.approx([float(part / unit) for part in windows], abs=1e-11 * size)
    assert found.lost == pytest.approx(float(lost / unit), abs=1e-11 * size)
    shown = dict(zip(zip(found.states.tolist(), found.targets.tolist(), strict=True), found.shares, strict=True))
    for place, part in pairs.items():
        assert shown.get(place, 0.0) == pytest.approx(float(part / unit), abs=1e-11 * size)
    assert (np.diff(np.abs(found.shares)) <= 0).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(["cold", "truncated", "zeros", "periodic", "scaled"]),
    st.sampled_from(["cold", "truncated", "zeros", "periodic", "scaled"]),
    st.sampled_from([(0, 1, 0), (1, 1, 1, 0), (1,)]),
    st.sampled_from([None, 3, 0]),
    st.integers(0, 10**6),
)
def test_parts_add_up_for_windows_and_for_texts_longer_than_they_are(one, two, pattern, within, seed):
    space = mg.StateSpace(2, 2)
    pair = drawn_chain(space, one, seed), drawn_chain(space, two, seed + 1)
    red = mg.red_tokens(pattern)
    found = attribute_change(*pair, red, start=0, within=within, avoiding=mg.red_tokens((0, 0, 0)), k=100)
    assert found.windows.shape == (4,)
    was, now = (
        mg.hitting_probability(chain, red, start=0, within=within, avoiding=mg.red_tokens((0, 0, 0))) for chain in pair
    )
    assert found.change.before.log10 == pytest.approx(was.log10, rel=1e-10)
    assert found.change.after.log10 == pytest.approx(now.log10, rel=1e-10)
    assert found.residual <= 1e-10
    assert found.windows.sum() == pytest.approx(found.shares.sum() + found.lost, abs=1e-9)


def test_within_some_tokens_the_parts_are_those_of_all_paths():
    # every change of one row alone changes the whole by that row's part, to first order: here rows change one by one,
    # from the last to be used; the parts of a single changed row are the whole change
    random = np.random.default_rng(4)
    old = random.dirichlet([1] * 3, size=3)
    for row in range(3):
        new = old.copy()
        new[row] = random.dirichlet([1] * 3)
        pair = [mg.SparseChain.from_matrix(matrix) for matrix in (old, new)]
        found = attribute_change(*pair, [2], start=0, within=4, k=9)
        chances = []
        for matrix in (old, new):
            chance = 0.0
            for path in words(range(3), repeat=4):
                states = (0, *path)
                if 2 in states:
                    chance += np.prod([matrix[a, b] for a, b in zip(states, path, strict=False)])
            chances.append(chance)
        assert found.parts.sum() == pytest.approx(chances[1] - chances[0], rel=1e-12)
        others = [state for state in range(3) if state != row]
        assert found.parts[others].tolist() == [0.0, 0.0]
        assert set(found.states.tolist()) <= {row}


def test_red_that_became_impossible_is_lost():
    # before: 0 -> 1 or 2 with 1/2, 1 -> red 3; after: 1 is a trap
    before = mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]])
    after = mg.SparseChain.from_matrix([[0, 0.5, 0.5, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    found = attribute_change(before, after, [3], start=0)
    assert (found.lost, found.windows.sum(), found.residual) == (-1.0, -1.0, 0.0)
    assert (found.change.value, found.change.ratio.value) == (-0.5, 0.0)
    # the other way round it was gained where the trap was opened: at 1, which is visited half of the time
    back = attribute_change(after, before, [3], start=0)
    assert back.parts.tolist() == [0.0, 0.5, 0.0, 0.0]
    assert (back.states.tolist(), back.targets.tolist(), back.lost) == ([1], [3], 0.0)


def test_a_start_from_which_red_became_impossible_is_lost_too():
    # 0 and 1 both led to red 2; after, 0 stays where it is for ever
    before = mg.SparseChain.from_matrix([[0, 0, 1], [0.5, 0, 0.5], [0, 0, 1]])
    after = mg.SparseChain.from_matrix([[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]])
    found = attribute_change(before, after, [2], start=np.array([0.5, 0.5, 0]))
    assert found.parts.tolist() == [-0.75, 0.0, 0.0]  # half begins there, and half of the other half comes there
    assert (found.lost, found.residual) == (-0.75, 0.0)


def test_red_impossible_in_both_has_no_parts():
    chain = mg.SparseChain.from_matrix([[1.0, 0.0], [0.0, 1.0]])
    found = attribute_change(chain, chain, [1], start=0)
    assert (found.windows.tolist(), found.shares.tolist(), found.unit) == ([0.0, 0.0], [], 0.0)


def test_identical_chains_have_no_parts_by_proof():
    chain = drawn_chain(mg.StateSpace(2, 3), "cold", 1)
    found = attribute_change(chain, chain, mg.red_tokens((1, 1)), start=0, within=5)
    assert not found.windows.any()
    assert (found.change.lower, found.change.upper, found.residual) == (0.0, 0.0, 0.0)
    assert found.summary()["pairs"] == []


def test_far_below_the_doubles_the_parts_are_shares():
    # 0 -> 1 with e, 1 -> red with f, everything else is the end: h = e f; f is doubled
    e, f = 1e-200, 1e-250
    pair = [
        mg.SparseChain.from_matrix([[0, e, 1 - e, 0], [0, 0, 1 - x, x], [0, 0, 1, 0], [0, 0, 0, 1]]) for x in (f, 2 * f)
    ]
    found = attribute_change(*pair, [3], start=0)
    assert found.windows == pytest.approx([0, 0.5, 0, 0], rel=1e-12)
    assert found.change.ratio.value == pytest.approx(2, rel=1e-12)
    assert found.shares[0] == pytest.approx(0.5, rel=1e-12)


def test_visits_and_a_unit_whose_quotient_leaves_the_doubles():
    # about 5e199 visits to 0 before it is left, for a probability of about 5e-150
    def chain(way_on):
        matrix = np.zeros((4, 4))
        matrix[0] = [1, 0, 1e-200, way_on]
        matrix[3, [1, 2]] = 1e-149, 1
        matrix[[1, 2], [1, 2]] = 1
        return mg.SparseChain.from_matrix(matrix)

    found = attribute_change(chain(1e-200), chain(3e-200), [1], start=0)
    assert found.windows == pytest.approx([1 / 3, 0, 0, 0], rel=1e-9)  # from 1/2 of 1e-149 to 3/4 of it
    assert found.unit == pytest.approx(0.75e-149, rel=1e-9)


def test_texts_and_tokens_are_named():
    letters = mg.Vocabulary(("a", "b"))
    pair = [mg.WindowChain(mg.StateSpace(2, 1), np.array([[p, 1 - p], [0.5, 0.5]]), letters) for p in (0.5, 0.25)]
    found = attribute_change(*pair, "b", start="a", within=1)
    # "a" before was worth 1/2, "b" 1 and "a" with no token left 0: a quarter of the chance moved by half of it, twice
    assert found.texts == (("a", "a"), ("a", "b"))
    assert (found.tokens.tolist(), found.parts.tolist()) == ([0, 1], [0.25, 0.0])
    assert found.summary()["pairs"] == [{"window": "a", "token": token, "share": 1 / 6} for token in "ab"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k must be a whole number of at least 1, got 0"),
        ({"within": -1}, "within must be a whole number of at least 0, got -1"),
        ({"start": 7}, r"start must lie in 0\.\.1, got 7"),
    ],
)
def test_bad_input_is_refused(options, message):
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(mg.InvalidInput, match=message):
        attribute_change(chain, chain, [1], **({"start": 0} | options))


def test_a_start_within_bounds_is_refused():
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0.25, 0.75]])
    with pytest.raises(mg.InvalidInput, match="start must be known exactly here"):
        attribute_change(chain, chain, [1], start=mg.stationary_distributions(chain).only())


def test_chains_of_different_sizes_are_refused():
    with pytest.raises(mg.InvalidInput, match="must have the same states, got 1 and 2"):
        attribute_change(mg.SparseChain.from_matrix([[1.0]]), mg.SparseChain.from_matrix(np.eye(2)), [0], start=0)


def test_parts_that_do_not_add_up_are_refused(monkeypatch):
    monkeypatch.setattr(attribution, "TOLERANCE", -1.0)
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(mg.NotConverged, match="the parts of the change must add up"):
        attribute_change(chain, chain, [1], start=0)


def test_many_steps_that_would_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 10**5)
    chain = mg.SparseChain.from_matrix([[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(mg.TooLarge, match="1000 steps over 2 states"):
        attribute_change(chain, chain, [1], start=0, within=1000)


@pytest.mark.skipif(not NAMES.exists(), reason="no shared data")
def test_what_a_lower_temperature_changes_in_names_adds_up():
    table = mg.tabulate(mg.load_model(NAMES))
    pair = [mg.WindowChain.from_logits(table, mg.SamplingSettings(t)) for t in (1.0, 0.8)]
    red = mg.ending_with(table.space, (19, 5, 24))
    found = attribute_change(*pair, red, start=(0, 0, 0), within=8)
    assert found.residual < 1e-12
    assert found.parts.sum() == pytest.approx(found.change.value, rel=1e-10)
    ended = attribute_change(*pair, red, start=(0, 0, 1), stop_tokens=[0])
    assert ended.residual < 1e-10
    assert ended.parts.sum() == pytest.approx(ended.change.value, rel=1e-9)
