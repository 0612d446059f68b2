"""Break-points against exact minimax paths, and against what the engine leaves at the doubles on both sides."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import markovgpt as mg
from markovgpt.analysis import breakpoints
from markovgpt.analysis.breakpoints import BreakPoint, break_points
from markovgpt.analysis.question import Question
from markovgpt.chains.listed_windows import ListedWindows
from markovgpt.models.threads import one_torch_thread

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the real inputs are not beside this checkout")
LOOSEST = {"top_k": 3, "top_p": 1.0, "min_p": 0.0}
STRICTEST = {"top_k": 1, "top_p": 5e-324, "min_p": 1.0}


def table_of(weights, *, context_length=1, with_prefixes=False, vocabulary=None):
    """A table whose probabilities are in proportion to weights; 0 is ruled out."""
    weights = np.asarray(weights, dtype=np.float64)
    with np.errstate(divide="ignore"):
        logits = np.log(weights)
    return mg.LogitTable(mg.StateSpace(weights.shape[1], context_length, with_prefixes), logits, vocabulary)


def detour(**options):
    """From 0 straight to 2 at rank 3, or over 1 at rank 2 twice; from 2 back to 0."""
    return table_of([[6, 3, 1], [4, 1, 3], [1, 0, 0]], **options)


# by hand


def test_the_bottleneck_is_the_worst_token_of_the_best_path():
    # over 1: ranks 2 and 2, masses above .6 and .5, ratios 3/6 and 3/4; straight: rank 3, mass above .9, ratio 1/6
    found = break_points(detour(), [2], start=0)
    assert (found["top_k"].possible, found["top_k"].impossible) == (2, 1)
    assert found["top_p"].possible == pytest.approx(0.6, abs=1e-6)
    assert found["min_p"].possible == pytest.approx(0.5, abs=1e-6)
    assert {point.path for point in found.values()} == {(0, 1, 2)}
    assert found["top_p"].impossible == np.nextafter(found["top_p"].possible, 0)
    assert found["min_p"].impossible == np.nextafter(found["min_p"].possible, 1)


def test_the_roundings_of_float32_decide_the_last_digits():
    # two equal tokens: the second stays while .5 > float32(1 - p). The float32 below .5 is .5 - 2**-25, and halfway
    # between them the even one, .5, is taken: so while 1 - p < .5 - 2**-26, where doubles lie 2**-53 apart.
    found = break_points(table_of([[1, 1], [1, 1]]), [1], start=0, vary=("top_p",))["top_p"]
    assert found.impossible == 0.5 + 2.0**-26
    assert found.possible == 0.5 + 2.0**-26 + 2.0**-53


def test_ties_with_the_likeliest_are_always_left_by_top_k_and_min_p():
    found = break_points(table_of([[1, 1], [1, 1]]), [1], start=0, vary=("top_k", "min_p"))
    assert (found["top_k"].possible, found["top_k"].impossible) == (1, None)
    assert (found["min_p"].possible, found["min_p"].impossible) == (1.0, None)


def test_what_the_greedy_path_says_is_never_impossible():
    found = break_points(table_of([[1, 5, 2], [1, 2, 5], [5, 1, 1]]), [2], start=0)
    for setting, point in found.items():
        assert (point.possible, point.impossible, point.path) == (STRICTEST[setting], None, (0, 1, 2))


def test_what_the_model_rules_out_is_impossible_at_the_loosest_value():
    for setting, point in break_points(table_of([[2, 1, 0], [1, 1, 0], [1, 1, 1]]), [2], start=0).items():
        assert (point.possible, point.impossible, point.path, point.text) == (None, LOOSEST[setting], None, None)


def test_a_start_inside_red_has_reached_it_at_any_value():
    for setting, point in break_points(detour(), [0, 2], start=2, within=0).items():
        assert (point.possible, point.impossible, point.start, point.said) == (STRICTEST[setting], None, (2,), ())


@pytest.mark.parametrize(("within", "smallest", "path"), [(0, None, None), (1, 3, (0, 2)), (2, 2, (0, 1, 2))])
def test_a_horizon_leaves_the_shorter_paths(within, smallest, path):
    found = break_points(detour(), [2], start=0, within=within, vary=("top_k",))["top_k"]
    assert (found.possible, found.path) == (smallest, path)


@pytest.mark.parametrize("ended", [{"avoiding": [1]}, {"stop_tokens": (1,)}, {"avoiding": [1], "within": 3}])
def test_a_walk_that_is_ended_on_the_detour_goes_straight(ended):
    found = break_points(detour(), [2], start=0, **ended)
    assert found["top_k"].possible == 3
    assert found["top_p"].possible == pytest.approx(0.9, abs=1e-6)
    assert found["min_p"].possible == pytest.approx(1 / 6, abs=1e-6)


def test_the_witness_goes_round_what_is_avoided():
    # over 1 it would be shorter: 0 -> 1 -> 3, or 0 -> 2 -> 4 -> 3
    rows = [[0, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 1, 0]]
    for point in break_points(table_of(rows), [3], start=0, avoiding=[1]).values():
        assert point.path == (0, 2, 4, 3)


def test_a_distribution_starts_wherever_it_may():
    # from 1 the last token has rank 2, ratio 3/4, and 4/8 above it
    found = break_points(detour(), [2], start=np.array([0.5, 0.5, 0.0]))
    assert found["min_p"].possible == pytest.approx(0.75, abs=1e-6)
    assert found["top_p"].possible == pytest.approx(0.5, abs=1e-6)
    assert found["top_p"].path == (1, 2)


def test_a_smaller_top_k_makes_top_p_cut_more():
    # 5 4 3: below top_k = 3 the second has 5/12 above it, below top_k = 2 it has 5/9
    table = table_of([[5, 4, 3]] * 3)
    assert break_points(table, [1], start=0, settings=mg.SamplingSettings(top_p=0.5))["top_k"].possible == 3
    assert break_points(table, [1], start=0, settings=mg.SamplingSettings(top_p=0.56))["top_k"].possible == 2
    among_two = break_points(table, [1], start=0, settings=mg.SamplingSettings(top_k=2), vary=("top_p",))["top_p"]
    assert among_two.possible == pytest.approx(5 / 9, abs=1e-6)


def test_at_temperature_zero_no_setting_matters():
    greedy = mg.SamplingSettings(temperature=0)
    for setting, point in break_points(detour(), [2], start=0, settings=greedy).items():
        assert (point.possible, point.impossible) == (None, LOOSEST[setting])
    for setting, point in break_points(detour(), [0], start=1, settings=greedy).items():
        assert (point.possible, point.impossible) == (STRICTEST[setting], None)


def test_the_witness_is_told_as_text():
    # after xx no z: y has rank 2; after xy z has rank 3, after yz it is the likeliest
    weights = np.ones((9, 3)) * [3, 2, 1]
    weights[0], weights[5] = [3, 2, 0], [1, 2, 3]
    table = table_of(weights, context_length=2, vocabulary=mg.Vocabulary(("x", "y", "z")))
    found = break_points(table, "zz", start="xx")["top_k"]
    assert (found.possible, found.start, found.said, found.text) == (3, (0, 0), (1, 2, 2), "xxyzz")
    assert found.summary() == {
        "setting": "top_k", "possible": 3, "impossible": 2, "path": (0, 0, 1, 2, 2), "text": "xxyzz"
    }  # fmt: skip
    assert BreakPoint("top_k", 3, 2, (0, 11), (2,)).text == "0,11,2"


def test_a_chain_of_other_states_is_asked_as_well(monkeypatch):
    """A question on a product: here the windows in reverse, beside a state that nobody enters."""

    def reversed_question(chain, target, *, start, **_):
        n = chain.n_states
        matrix = np.eye(n + 1)
        matrix[:n, :n] = chain.to_csr().toarray()[::-1, ::-1]
        windows = ListedWindows(n, 1, (*((token,) for token in reversed(range(n))), (0, 0)))
        lifted = dataclasses.replace(mg.SparseChain.from_matrix(matrix), space=windows)
        entries = np.arange(n)[::-1]
        reached, begin = np.zeros(n + 1, dtype=bool), np.zeros(n + 1)
        reached[entries[target]], begin[entries[start]] = True, 1.0
        return Question(lifted, reached, np.zeros(n + 1, dtype=bool), begin, entries)

    table = table_of([[6, 3, 1, 0], [4, 1, 3, 0], [1, 0, 0, 0], [1, 1, 1, 1]])  # the detour, and a token never said
    expected = break_points(table, [2], start=0)
    monkeypatch.setattr(breakpoints, "posed", reversed_question)
    assert break_points(table, [2], start=0) == expected


# oracles


def exactly_kept(weights, top_k=None, top_p=None, min_p=None):
    """What the filters leave of one row, in fractions: its tokens by rank, in Hugging Face's order."""
    ranked = [token for token in np.argsort(-weights, kind="stable").tolist() if weights[token] > 0]
    if top_k is not None and top_k < len(ranked):
        ranked = [token for token in ranked if weights[token] >= weights[ranked[top_k - 1]]]
    above = exact_masses_above(weights, ranked)
    if top_p is not None:
        ranked = [token for token in ranked if above[token] < Fraction(top_p)]
    if min_p is not None:
        ranked = [token for token in ranked if weights[token] >= Fraction(min_p) * int(weights[ranked[0]])]
    return ranked


def exact_masses_above(weights, ranked):
    """For each of the tokens by rank, the share of those before it."""
    total = sum(int(weights[token]) for token in ranked)
    so_far = np.cumsum([0, *(int(weights[token]) for token in ranked)])
    return {token: Fraction(int(before), total) for token, before in zip(ranked, so_far, strict=False)}


def connects(space, kept, start, red):
    """Whether networkx finds a path from the start to red over the tokens kept."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(space.n_states))
    for state in range(space.n_states):
        window = space.decode(state)
        for token in kept(state):
            graph.add_edge(state, space.encode((*window, token)[-space.context_length :]))
    return any(nx.has_path(graph, start, state) for state in red)


def exact_break_point(space, weights, setting, fixed, start, red):
    """The break-point as a minimax over thresholds in fractions, None where red cannot be reached."""
    if setting == "top_k":
        for k in range(1, space.vocab_size + 1):
            if connects(space, lambda state, k=k: exactly_kept(weights[state], **{**fixed, "top_k": k}), start, red):
                return k
        return None
    threshold = []
    for row in weights:
        if setting == "min_p":  # the smaller the harder: 1 - ratio
            threshold.append(
                {token: 1 - Fraction(int(row[token]), int(row.max())) for token in exactly_kept(row, **fixed)}
            )
        else:
            among = exact_masses_above(row, exactly_kept(row, fixed.get("top_k")))
            left = exactly_kept(row, min_p=fixed.get("min_p"))
            threshold.append({token: mass for token, mass in among.items() if token in left})
    for worst in sorted({value for row in threshold for value in row.values()}):
        if connects(
            space, lambda state, worst=worst: [t for t, v in threshold[state].items() if v <= worst], start, red
        ):
            return 1 - worst if setting == "min_p" else worst
    return None


def is_possible(table, settings, start, red):
    """Whether networkx finds a path in the chain of the settings."""
    graph = mg.WindowChain.from_logits(table, settings).to_networkx()
    return any(nx.has_path(graph, start, state) for state in red)


def assert_walked(table, settings, point, red):
    """The witness, step by step: every token is left after the window before it, and red is where it ends."""
    L, window = table.space.context_length, point.start
    for token in point.said:
        assert table.space.encode(window) not in red
        assert settings.log_probabilities(table.logits[table.space.encode(window)])[token] > -np.inf
        window = (*window, token)[-L:]
    assert table.space.encode(window) in red


def drawn(seed):
    """A small table, a question about it and settings that stay."""
    random = np.random.default_rng(seed)
    V, L, prefixes = [(3, 1, False), (2, 2, True), (3, 2, False), (2, 3, False), (4, 1, False), (5, 1, False)][seed % 6]
    space = mg.StateSpace(V, L, prefixes)
    weights = random.integers(0, 30, size=(space.n_states, V))
    weights[np.arange(space.n_states), random.integers(V, size=space.n_states)] += 1
    fixed = {}
    if seed % 3 and random.random() < 0.7:
        fixed["top_p"] = 0.8171
    if seed % 2 and random.random() < 0.7:
        fixed["min_p"] = 0.1337
    if random.random() < 0.3:
        fixed["top_k"] = V - 1
    start, red = int(random.integers(space.n_states)), [space.n_states - 1 - int(random.integers(V))]
    return table_of(weights, context_length=L, with_prefixes=prefixes), weights, fixed, start, red


@pytest.mark.parametrize("seed", range(36))
def test_both_sides_are_what_the_engine_leaves_and_the_bottleneck_is_the_exact_one(seed):
    table, weights, fixed, start, red = drawn(seed)
    settings = mg.SamplingSettings(**fixed)
    for setting, point in break_points(table, red, start=start, settings=settings).items():
        others = {name: value for name, value in fixed.items() if name != setting}
        exact = exact_break_point(table.space, weights, setting, others, start, red)
        if exact is None:
            assert point.possible is None
            assert not is_possible(table, dataclasses.replace(settings, **{setting: point.impossible}), start, red)
            continue
        assert point.possible == pytest.approx(float(exact), abs=1e-6)
        at_possible = dataclasses.replace(settings, **{setting: point.possible})
        assert is_possible(table, at_possible, start, red)
        assert_walked(table, at_possible, point, red)
        if point.impossible is None:
            assert point.possible == STRICTEST[setting]
        elif setting == "top_k":
            assert point.impossible == point.possible - 1
        else:
            assert point.impossible == np.nextafter(point.possible, 0.0 if setting == "top_p" else 1.0)
        for value in values_near(point, table.space.vocab_size):
            stricter = value > point.possible if setting == "min_p" else value < point.possible
            assert is_possible(table, dataclasses.replace(settings, **{setting: value}), start, red) != stricter


def values_near(point, vocab_size):
    """Every top_k; a grid of doubles, and those a few roundings from the break-point."""
    if point.setting == "top_k":
        return range(1, vocab_size + 1)
    near = [point.possible * (1 + direction * 2.0**-power) for power in (52, 40, 24) for direction in (-1, 1)]
    return [value for value in (*near, *np.linspace(0.02, 0.98, 5).tolist()) if 0 < value <= 1]


# where the order of strictness is in doubt


def test_a_filter_that_leaves_a_token_of_fewer_has_every_top_k_tried():
    # of 5 4 3 2, shares of at least .37: the second has 4/14, 4/12 and 4/9
    table, settings = table_of([[5, 4, 3, 2]] * 4), mg.SamplingSettings(epsilon_cutoff=0.37)
    found = break_points(table, [1], start=0, settings=settings, vary=("top_k",))["top_k"]
    assert (found.possible, found.impossible, found.path) == (2, 1, (0, 1))
    found = break_points(table, [2], start=0, settings=settings, vary=("top_k",))["top_k"]
    assert (found.possible, found.impossible) == (None, 4)
    found = break_points(table, [0], start=1, settings=settings, vary=("top_k",))["top_k"]
    assert (found.possible, found.impossible) == (1, None)
    with pytest.raises(
        mg.InvalidInput, match=r"epsilon_cutoff must be off where top_p varies, got 0.37: .* vary=\(\"top_k\",\)"
    ):
        break_points(table, [1], start=0, settings=settings, vary=("top_p",))


def test_a_tie_within_the_roundings_of_a_later_filter_is_tried_or_refused():
    # .5 > .5 is false: top_p leaves the first of two equal tokens, but slightly looser it would leave both
    table, tied = table_of([[1, 1], [1, 1]]), mg.SamplingSettings(top_p=0.5, min_p=0.25)
    found = break_points(table, [1], start=0, settings=tied, vary=("top_k", "min_p"))
    assert (found["top_k"].possible, found["top_k"].impossible) == (None, 2)
    assert (found["min_p"].possible, found["min_p"].impossible) == (None, 0.0)  # top_p comes before it: no doubt
    # the third has a ratio of 1/3, and is cut by a min_p a few roundings above that
    table, tied = table_of([[3, 2, 1]] * 3), mg.SamplingSettings(min_p=float(np.float32(1 / 3) * (1 + 2.0**-21)))
    assert break_points(table, [2], start=0, settings=tied, vary=("top_k",))["top_k"].possible is None
    with pytest.raises(mg.InvalidInput, match=r"min_p must not tie within the roundings of float32 where top_p varies"):
        break_points(table, [2], start=0, settings=tied, vary=("top_p",))


def test_where_the_order_of_the_filters_is_not_known_each_other_one_counts_as_later(monkeypatch):
    monkeypatch.setattr(breakpoints, "EARLIER", {})
    with pytest.raises(mg.InvalidInput, match=r"top_p must not tie within the roundings of float32 where min_p varies"):
        break_points(table_of([[1, 1]] * 2), [1], start=0, settings=mg.SamplingSettings(top_p=0.5), vary=("min_p",))


# refusals


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        ({"start": None}, "start must be a state, a window or a text, got None"),
        ({"start": 3}, r"start must lie in 0\.\.2, got 3"),
        ({"target": "b"}, "a text target needs a vocabulary, got 'b' without one"),
        ({"target": []}, "target must mark at least one of the 3 states"),
        ({"stop_tokens": (3,)}, r"tokens must be whole numbers in 0\.\.2, got 3"),
        ({"vary": ("temperature",)}, "vary must name top_k, top_p, min_p, got 'temperature'"),
        ({"within": -1}, "within must be a whole number of at least 0, got -1"),
        ({"settings": mg.SamplingSettings(top_k=4)}, "top_k must be at most the vocabulary's 3 tokens, got 4"),
    ],
)
def test_a_question_that_does_not_fit_is_refused(question, refusal):
    with pytest.raises(mg.InvalidInput, match=refusal):
        break_points(detour(), **{"target": [2], "start": 0} | question)


def test_tokens_left_that_would_not_fit_are_refused(monkeypatch):
    monkeypatch.setattr("markovgpt.memory.available_bytes", lambda: 100)
    with pytest.raises(mg.TooLarge, match="the tokens that are left of 3 states x 3 tokens need 216 bytes, budget 75"):
        break_points(detour(), [2], start=0)


# a real model


@pytest.fixture(scope="module")
def names():
    return mg.tabulate(mg.load_model(DATA / "nanogpt_names_ctx4"))


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize("setting", ["top_p", "top_k", "min_p"])
def test_both_sides_of_a_break_point_of_a_real_model(names, setting):
    point = break_points(names, "anna", start="\n\n\n\n", vary=(setting,))[setting]
    red = {names.space.encode(names.vocabulary.encode("anna"))}
    for value, possible in ((point.possible, True), (point.impossible, False)):
        settings = mg.SamplingSettings(**{setting: value})
        with one_torch_thread():
            chain = mg.WindowChain.from_logits(names, settings)
        begin, (target,) = np.zeros(chain.n_states, dtype=bool), red
        begin[0] = True
        assert chain.reached_from(begin, np.ones_like(begin))[target] == possible
    assert_walked(names, mg.SamplingSettings(**{setting: point.possible}), point, red)
    assert point.text.endswith("anna")


@pytest.mark.parametrize("engine", ["vllm", "llama.cpp", "nanogpt", "transformer_lens"])
@pytest.mark.parametrize("seed", range(4))
def test_every_engine_has_its_own_break_points(engine, seed):
    rng = np.random.default_rng(seed)
    table = table_of(rng.integers(1, 30, size=(25, 5)), context_length=2)
    settings = mg.SamplingSettings(0.7, engine=engine)
    found = break_points(table, [7], start=0, settings=settings)
    assert set(found) <= {"top_k", "top_p", "min_p"}
    assert "top_k" in found
    for name, point in found.items():
        for value, is_possible in ((point.possible, True), (point.impossible, False)):
            if value is not None:
                chain = mg.WindowChain.from_logits(table, dataclasses.replace(settings, **{name: value}))
                assert (mg.hitting_probability(chain, [7], start=0).value > 0) == is_possible


def test_a_penalty_over_the_window_moves_the_break_point():
    # after 0 the likeliest token is 0 again; a penalty of 2 puts 1 before it
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[1.5, 1.0], [0.0, 1.0]]))
    assert break_points(table, [1], start=0)["top_k"].possible == 2
    settings = mg.SamplingSettings(window_repetition_penalty=2.0)
    assert break_points(table, [1], start=0, settings=settings)["top_k"].possible == 1
