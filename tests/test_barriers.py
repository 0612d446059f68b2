"""Energy barriers against all texts, one by one, and against the slopes of probabilities at low temperatures."""

from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import oracles
import pytest
import reference_chains as chains
from hypothesis import given, settings
from hypothesis import strategies as st

import markovgpt as mg
from markovgpt.analysis.barriers import energy_barrier, gaps_along, temperature_profile
from markovgpt.chains.listed_windows import ListedWindows
from markovgpt.vocabulary import Vocabulary

NAMES = Path(__file__).parents[2] / "shared" / "data" / "nanogpt_names_ctx4" / "ckpt.pt"
SHAPES = [(2, 1), (2, 2), (2, 3), (3, 1), (3, 2)]


def drawn_table(shape, seed, *, with_prefixes=False, ties=False):
    random = np.random.default_rng(seed)
    space = mg.StateSpace(*shape, with_prefixes)
    logits = random.normal(size=(space.n_states, space.vocab_size)) * 2
    return mg.LogitTable(space, (np.round(logits) if ties else logits).astype(np.float32))


def follow(table, start, tokens):
    """The windows of a text from a start, and the exact gap of each token."""
    space = table.space
    windows, gaps = [space.decode(start)], []
    for token in tokens:
        row = [Fraction(float(x)) for x in table.logits[space.encode(windows[-1])]]
        gaps.append(max(row) - row[token])
        windows.append((*windows[-1], token)[-space.context_length :])
    return [space.encode(window) for window in windows], gaps


def all_texts(table, reached, start, most, avoided=()):
    """{tokens: sum of gaps} of every text of at most so many tokens that ends with its first visit of the target."""
    found = {}
    for n in range(most + 1):
        for tokens in product(range(table.space.vocab_size), repeat=n):
            states, gaps = follow(table, start, tokens)
            ends = set(reached) | set(avoided)
            if states[-1] in reached and not ends & set(states[:-1]):
                found[tokens] = sum(gaps, Fraction(0))
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.booleans(), st.booleans(), st.integers(0, 4), st.data())
def test_the_barrier_is_the_least_of_all_texts(shape, seed, with_prefixes, ties, within, data):
    table = drawn_table(shape, seed, with_prefixes=with_prefixes, ties=ties)
    n = table.space.n_states
    target = data.draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=3))
    avoided = data.draw(st.sets(st.integers(0, n - 1), max_size=2)) - target
    start = data.draw(st.integers(0, n - 1))
    texts = all_texts(table, target, start, within, avoided)
    barrier = energy_barrier(table, sorted(target), start=start, within=within, avoiding=sorted(avoided) or None)
    if not texts:
        assert barrier.energy.value == barrier.energy.lower == np.inf
        assert (barrier.states, barrier.gaps, barrier.tokens) == ((), (), None)
        return
    oracles.assert_encloses(barrier.energy, min(texts.values()))
    states, gaps = follow(table, start, barrier.tokens)
    assert barrier.states == tuple(states)
    assert barrier.gaps == pytest.approx([float(gap) for gap in gaps], rel=1e-15)
    assert barrier.n_tied == sum((table.logits[s] == table.logits[s].max()).sum() > 1 for s in barrier.states[:-1])


def log_probability(table, texts, start, temperature):
    """The logarithm of the probability of all texts together, to 40 digits: each token is a softmax of gaps."""
    with oracles.mpmath.workdps(40):
        mpf, exp = oracles.mpmath.mpf, oracles.mpmath.exp
        total = mpf(0)
        for tokens in texts:
            states, gaps = follow(table, start, tokens)
            chance = mpf(1)
            for state, gap in zip(states, gaps, strict=False):
                row = [mpf(float(x)) for x in table.logits[state]]
                whole = sum(exp((x - max(row)) / mpf(temperature)) for x in row)
                chance *= exp(-mpf(gap.numerator) / gap.denominator / mpf(temperature)) / whole
            total += chance
        return oracles.mpmath.log(total)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.booleans(), st.integers(1, 4))
def test_slopes_are_those_of_all_texts_and_tend_to_the_barrier(shape, seed, ties, within):
    table = drawn_table(shape, seed, ties=ties)
    target, V = [table.space.n_states - 1], table.space.vocab_size
    texts = all_texts(table, target, 0, within)
    profile = temperature_profile(table, target, start=0, temperatures=[0.001, 0.05, 0.01, 0.0005], within=within)
    temperatures = [0.05, 0.01, 0.001, 0.0005]
    assert profile.temperatures.tolist() == temperatures
    assert len(profile.answers) == 4
    if not texts:
        assert profile.slopes.tolist() == profile.slopes_upper.tolist() == [-np.inf] * 3
        return
    logs = [float(log_probability(table, texts, 0, temperature)) for temperature in temperatures]
    slopes = np.diff(logs) / np.diff(1 / np.array(temperatures))
    assert profile.slopes == pytest.approx(slopes, rel=1e-9, abs=1e-9)
    assert (profile.slopes_lower <= profile.slopes).all()
    assert (profile.slopes <= profile.slopes_upper).all()
    # exp(-E / T) / V**n <= P <= texts exp(-E / T), so that a slope is off by so much at most
    slack = (np.log(len(texts)) + within * np.log(V)) / 1000
    assert abs(profile.slopes[-1] + float(min(texts.values()))) <= slack + 1e-9
    assert profile.barrier.energy.value == pytest.approx(float(min(texts.values())), rel=1e-12)


def test_the_slope_of_one_token_is_known_in_closed_form():
    # P = exp(-2/T) / (1 + exp(-2/T)): d log P / d(1/T) between T and t by hand, in 50 digits
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]))
    profile = temperature_profile(table, [1], start=0, temperatures=[2.0, 0.5, 0.001], within=1)
    with oracles.mpmath.workdps(50):
        mpf, log, exp = oracles.mpmath.mpf, oracles.mpmath.log, oracles.mpmath.exp
        logs = [log(exp(-2 / mpf(t)) / (1 + exp(-2 / mpf(t)))) for t in (2.0, 0.5, 0.001)]
        ends = [1 / mpf(t) for t in (2.0, 0.5, 0.001)]
        for place in range(2):
            exact = (logs[place + 1] - logs[place]) / (ends[place + 1] - ends[place])
            assert profile.slopes_lower[place] <= exact <= profile.slopes_upper[place]
            assert profile.slopes[place] == pytest.approx(float(exact), rel=1e-12)
    assert profile.answers[2].log10 == pytest.approx(-2000 / np.log(10), rel=1e-12)
    summary = profile.summary()
    assert summary["temperatures"] == [2.0, 0.5, 0.001]
    assert summary["barrier"]["energy"]["value"] == 2.0
    assert summary["barrier"]["tokens"] == [1]


def test_a_way_around_may_be_cheaper_and_a_short_horizon_forbids_it():
    # 00 -> 01 -> 11: writing 1 after 00 costs 1, after 01 costs 9; 01 -> 10 -> 01 is free, and so on
    logits = np.array([[1.0, 0.0], [9.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    table = mg.LogitTable(mg.StateSpace(2, 2), logits, Vocabulary(("a", "b")))
    barrier = energy_barrier(table, "bb", start=(0, 0))
    assert (barrier.energy.value, barrier.text, barrier.gaps, barrier.n_tied) == (10.0, "bb", (1.0, 9.0), 0)
    assert energy_barrier(table, "bb", start=(1, 0), within=3).n_tied == 1
    # from a distribution the cheapest possible start counts, whatever its weight
    begin = np.array([1 - 2.0**-40, 0.0, 0.0, 2.0**-40])
    assert energy_barrier(table, "bb", start=begin).energy.upper == 0
    assert energy_barrier(table, "bb", start=begin).states == (3,)


def test_tokens_that_end_the_text_are_no_way():
    # 0 -> 1 costs nothing, 1 -> 2 costs nothing, 0 -> 2 costs 5: with 1 an end it is 5
    logits = np.array([[4.0, 5.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    table = mg.LogitTable(mg.StateSpace(3, 1), logits)
    assert energy_barrier(table, [2], start=0).energy.upper == 0
    stopped = energy_barrier(table, [2], start=0, stop_tokens=[1])
    assert (stopped.energy.value, stopped.tokens) == (5.0, (2,))
    assert energy_barrier(table, [2], start=0, avoiding=[1]).energy.value == 5.0
    profile = temperature_profile(table, [2], start=0, temperatures=[1.0], stop_tokens=[1])
    assert len(profile.slopes) == 0
    # 0 is kept with e**4, 1 ends it with e**5, 2 is red with 1
    oracle = 1 / (1 + np.exp(5.0))
    assert profile.answers[0].value == pytest.approx(oracle, rel=1e-12)


def test_a_token_that_the_model_rules_out_is_no_way():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, -np.inf], [0.0, 0.0]]))
    barrier = energy_barrier(table, [1], start=0)
    assert barrier.energy.value == np.inf
    assert barrier.summary()["energy"]["value"] == np.inf
    assert barrier.summary()["tokens"] is None
    profile = temperature_profile(table, [1], start=0, temperatures=[1.0, 0.5])
    assert profile.slopes.tolist() == [-np.inf]


@pytest.mark.parametrize("with_prefixes", [False, True])
def test_gaps_of_a_list_are_those_of_the_table(with_prefixes):
    table = drawn_table((3, 3), 4, with_prefixes=with_prefixes)
    chain = mg.WindowChain.from_logits(table)
    # the same windows in another order, each state knowing its window
    order = np.random.default_rng(1).permutation(chain.n_states)
    place = np.argsort(order)
    source, end, weight = chain.edges()
    turned = np.lexsort((place[end], place[source]))
    edges = chain.edges()._replace(source=place[source][turned], target=place[end][turned], probability=weight[turned])
    windows = tuple(chain.space.decode(int(state)) for state in order)
    listed = mg.SparseChain(edges, chain.n_states, None, ListedWindows(3, 3, windows))
    costs, expected = gaps_along(listed, table), gaps_along(chain, table)
    for state in range(chain.n_states):
        states, each = costs.leaving(int(place[state]))
        own = dict(zip(states.tolist(), each.tolist(), strict=True))
        after, gaps = expected.leaving(state)
        assert own == dict(zip(place[after].tolist(), gaps.tolist(), strict=True))


def test_states_without_windows_have_no_gaps():
    table = drawn_table((2, 2), 4)
    with pytest.raises(mg.InvalidInput, match=r"every state must have a window .*; give a target that fits"):
        gaps_along(chains.gambler(), table)


@pytest.mark.parametrize("given", [[], [0.0], [-1.0], [1.0, 1.0], [np.inf], [np.nan]])
def test_temperatures_that_are_none_are_refused(given):
    with pytest.raises(mg.InvalidInput, match=r"temperatures must be distinct numbers above 0, got .*; the limit at 0"):
        temperature_profile(drawn_table((2, 1), 0), [1], start=0, temperatures=given)


def test_a_horizon_that_is_none_is_refused():
    with pytest.raises(mg.InvalidInput, match=r"within must be a whole number of at least 0, got -1; leave it out"):
        energy_barrier(drawn_table((2, 1), 0), [1], start=0, within=-1)


@pytest.mark.skipif(not NAMES.exists(), reason="the model of names is not here")
def test_a_trained_model_falls_as_its_barrier_says():
    table = mg.tabulate(mg.load_model(NAMES), context_length=2)
    profile = temperature_profile(table, "zq", start=0, temperatures=[0.02, 0.01], within=6)
    assert profile.barrier.text.endswith("zq")
    assert profile.slopes[0] == pytest.approx(-profile.barrier.energy.value, rel=0.02)
    assert profile.barrier.energy.value == pytest.approx(sum(profile.barrier.gaps))
