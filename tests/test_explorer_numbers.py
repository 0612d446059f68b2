"""The numbers of the explorer, in a real Chromium: what its modules say is what Python says."""

import base64
import itertools
from functools import cache
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from explorer_browser import joined, open_js
from random_chains import drawn_chain

import markovgpt as mg
from markovgpt.demo import baby_gpt
from markovgpt.explorer.letters import as_letters
from markovgpt.scaled import ScaledArray

NAMES = Path(__file__).parents[2] / "shared" / "data" / "hf_names_ctx3"
needs_names = pytest.mark.skipif(not NAMES.exists(), reason="the real inputs are not beside this checkout")
MODELS = ["baby", "random", pytest.param("names", marks=needs_names)]
NEVER = float("-inf")
SUBJECTS = (
    "table",
    "settings",
    "rows",
    "products",
    "classes",
    "greedy",
    "long_run",
    "red",
    "ways",
    "walker",
    "compare",
)
NUMBERS = tuple(f"{name}.js" for name in SUBJECTS)


@cache
def table_of(name):
    """The logits of a model, made once for all tests."""
    if name == "baby":
        return mg.tabulate(baby_gpt().model)
    if name == "names":
        return mg.tabulate(mg.load_model(NAMES))
    logits = 2 * np.random.default_rng(17).normal(size=(17**3, 17))
    if name == "ties":
        logits = np.round(logits)
    return mg.LogitTable(mg.StateSpace(17, 3), logits.astype(np.float32))


def content_of(table):
    """A model as the page embeds it."""
    space, logits = table.space, np.ascontiguousarray(table.logits)
    data = as_letters(logits.tobytes())
    tokens = [str(token) for token in range(space.vocab_size)]
    return {
        **{"V": space.vocab_size, "L": space.context_length, "name": "a model", "shown": tokens, "spelt": None},
        "logits": {"dtype": str(logits.dtype), "data": data},
    }


def small(logits, context_length=1):
    """A table given by its logits."""
    logits = np.array(logits, dtype=float)
    return mg.LogitTable(mg.StateSpace(logits.shape[1], context_length), logits)


def logs_of(probabilities):
    """Logits that sample with these probabilities at temperature 1."""
    with np.errstate(divide="ignore"):
        return np.log(np.array(probabilities, dtype=float))


PLAIN = """(value) => {
    const plain = (value) => {
        if (ArrayBuffer.isView(value)) {
            const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
            let text = "";
            for (const byte of bytes) text += String.fromCharCode(byte);
            return { kind: value.constructor.name, data: btoa(text) };
        }
        if (Array.isArray(value)) return value.map(plain);
        if (value === null || typeof value !== "object") return value;
        return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
    };
    return plain(value);
}"""
KINDS = {"Float64Array": "<f8", "Float32Array": "<f4", "Int32Array": "<i4", "Uint8Array": "u1"}


def decoded(value):
    """What `PLAIN` made, with typed arrays as lists."""
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "kind" in value:
        return np.frombuffer(base64.b64decode(value["data"]), dtype=KINDS[value["kind"]]).tolist()
    return {name: decoded(each) for name, each in value.items()}


@pytest.fixture
def ask(tab):
    """Evaluate an expression of `table`, `rows` and `given`."""
    open_js(tab, *NUMBERS)
    tab.evaluate(f"() => {{ window.plain = {PLAIN}; }}")

    def asked(expression, table=None, settings=None, given=None):
        if table is not None:
            tab.evaluate("(model) => { window.table = tableOf(model); }", content_of(table))
        if settings is not None:
            tab.evaluate("(settings) => { window.rows = rowsOf(table, settings); }", whole(settings))
        return decoded(tab.evaluate(f"(given) => plain({expression})", given))

    return asked


def whole(settings):
    """Settings with those that are left out."""
    return {"temperature": 1, "top_k": None, "top_p": None, "min_p": None, "engine": "huggingface", **settings}


# ---- states


@pytest.mark.parametrize("shape", [(2, 3), (3, 4), (27, 3)])
def test_states_are_numbered_as_in_python(ask, shape):
    space = mg.StateSpace(*shape)
    table = mg.LogitTable(space, np.zeros((space.n_states, shape[0]), dtype=np.float32))
    states = [0, 1, space.n_states // 2, space.n_states - 1]
    assert ask("given.map((state) => windowOf(table, state))", table, given=states) == [
        list(space.decode(state)) for state in states
    ]
    assert ask("given.map((state) => stateOf(table, windowOf(table, state)))", given=states) == states
    assert ask("given.map((state) => successorOf(table, state, 1))", given=states) == [
        space.encode((*space.decode(state), 1)[1:]) for state in states
    ]


def test_logits_come_back_as_they_were(ask):
    for dtype in (np.float32, np.float64):
        logits = np.array([[0.1, -np.inf], [1e30, -1 / 3]], dtype=dtype)
        table = mg.LogitTable(mg.StateSpace(2, 1), logits)
        assert ask("Array.from(table.logits)", table) == logits.reshape(-1).tolist()
        assert ask("[table.V, table.L, table.n, table.name, table.shown, table.spelt]") == [
            *(2, 1, 2, "a model", ["0", "1"], None)
        ]


def test_a_model_without_logits_is_a_table_without(ask):
    assert ask('tableOf({V: 2, L: 40, name: "", shown: [], spelt: null, logits: null}).logits') is None


# ---- settings


ENGINE_SETTINGS = [
    {"engine": engine, **settings}
    for engine, having in {
        "huggingface": ("top_k", "top_p", "min_p"),
        "vllm": ("top_k", "top_p", "min_p"),
        "llama.cpp": ("top_k", "top_p", "min_p"),
        "nanogpt": ("top_k",),
        "transformer_lens": ("top_k", "top_p"),
    }.items()
    for settings in [
        {"temperature": 0},
        {"temperature": 0.7},
        {"temperature": 0.005},
        {"top_k": 5},
        {"top_k": 1, "temperature": 0.5},
        {"top_p": 0.8, "temperature": 1.5},
        {"top_p": 0.05},
        {"min_p": 0.2, "temperature": 1.5},
        {"min_p": 1},
        {"top_k": 5, "top_p": 0.8, "min_p": 0.2, "temperature": 1.5},
        {"top_k": 16, "top_p": 1, "min_p": 0},
    ]
    if all(
        name in (*having, "temperature") or settings[name] == {"top_p": 1, "min_p": 0}.get(name) for name in settings
    )
]


@pytest.mark.parametrize("name", ["random", "ties", pytest.param("names", marks=needs_names)])
def test_rows_are_those_of_every_engine(ask, name):
    every = table_of(name)
    V = every.space.vocab_size
    table = mg.LogitTable(mg.StateSpace(V, 2), every.logits[::V])
    ask("null", table)
    for settings in ENGINE_SETTINGS:
        logs = mg.SamplingSettings(**settings).log_probabilities(table.logits)
        assert ask("settingsError(given, table.V)", given=whole(settings)) == ""
        found = {part: np.reshape(numbers, logs.shape) for part, numbers in ask(PARTS, settings=settings).items()}
        np.testing.assert_array_equal(found["kept"], np.isfinite(logs), err_msg=str(settings))
        np.testing.assert_allclose(found["probs"], np.exp(logs), rtol=1e-11, atol=1e-300)
        np.testing.assert_allclose(found["logs"], logs, rtol=1e-12, atol=1e-14)


PARTS = "({probs: rows.probs, logs: rows.logs, kept: rows.kept})"


def test_the_published_example_keeps_what_each_engine_keeps(ask):
    """[.40 .25 .15 .10 .06 .04] at T = 1.5: Hugging Face keeps four, llama.cpp three (methods.md 6)."""
    table = small([logs_of([0.40, 0.25, 0.15, 0.10, 0.06, 0.04])] * 6)
    settings = {"temperature": 1.5, "top_k": 5, "top_p": 0.8, "min_p": 0.2}
    four = ask("rows.probs.subarray(0, 6)", table, settings)
    assert np.round(four, 3).tolist() == [0.378, 0.276, 0.196, 0.150, 0, 0]
    three = ask("rows.probs.subarray(0, 6)", settings={**settings, "engine": "llama.cpp"})
    assert np.round(three, 3).tolist() == [0.444, 0.325, 0.231, 0, 0, 0]


def test_ties_and_what_the_model_rules_out(ask):
    table = small([[1.0, 3.0, 3.0], [NEVER, 0.0, NEVER], [0.0, 0.0, 0.0]])
    assert ask("rows.probs", table, {"temperature": 0}) == [0, 1, 0, 0, 1, 0, 1, 0, 0]
    assert ask("rows.kept", settings={"top_k": 1}) == [0, 1, 1, 0, 1, 0, 1, 1, 1]
    assert ask("rows.kept", settings={"top_k": 1, "engine": "llama.cpp"}) == [0, 1, 0, 0, 1, 0, 1, 0, 0]
    assert ask("rows.kept", settings={"top_p": 0.3}) == [0, 1, 0, 0, 1, 0, 1, 0, 0]


@pytest.mark.parametrize("engine", ["huggingface", "vllm", "llama.cpp"])
def test_scores_beyond_float32_keep_their_order(ask, engine):
    logits = np.array([[1e300, -1e300, 3.0], [5e38, 4e38, -4e38], [0.0, 1.0, 1e38]])
    for settings in ({"top_k": 2}, {"min_p": 0.5}, {"top_p": 0.5, "temperature": 0.01}):
        logs = mg.SamplingSettings(engine=engine, **settings).log_probabilities(logits)
        found = ask("rows.kept", small(logits), {"engine": engine, **settings})
        assert found == np.isfinite(logs).reshape(-1).astype(int).tolist()


def test_a_probability_below_the_doubles_stays_possible(ask):
    found = ask("rows", small([[0.0, -10.0], [0.0, -10.0]]), {"temperature": 0.001})
    assert found["probs"][:2] == [1, 0]
    assert found["kept"][:2] == [1, 1]
    assert found["logs"][:2] == [0, -10000]


WRONG = [
    {"temperature": -0.5},
    {"temperature": float("inf")},
    {"temperature": float("nan")},
    {"temperature": None},
    {"temperature": "warm"},
    {"temperature": -1e-7},
    {"top_k": 0},
    {"top_k": 2.5},
    {"top_k": True},
    {"top_k": 18},
    {"top_p": 0},
    {"top_p": 1.5},
    {"top_p": float("nan")},
    {"min_p": -0.25},
    {"min_p": "x"},
    {"engine": "ollama"},
    {"engine": "toString"},
    {"engine": "nanogpt", "top_p": 0.5},
    {"engine": "nanogpt", "min_p": 0.5},
    {"engine": "transformer_lens", "min_p": 0.5},
    {"engine": "transformer_lens", "top_k": 3, "top_p": 0.5},
    {"engine": "vllm", "temperature": 2.5},
]


def test_wrong_settings_are_refused_with_pythons_sentence(ask):
    for settings in WRONG:
        with pytest.raises(mg.InvalidInput) as refused:
            mg.SamplingSettings(**settings).log_probabilities(np.zeros(17))
        assert ask("settingsError(given, 17)", given=whole(settings)) == str(refused.value)


# ---- the chain


def test_products_are_those_of_the_whole_matrix(ask):
    random = np.random.default_rng(3)
    table = small(random.normal(size=(27, 3)), 3)
    matrix, x = mg.WindowChain.from_logits(table).to_csr().toarray(), random.random(27)
    ask("window.given = Float64Array.from(given)", table, {}, given=x.tolist())
    arrived = ask("push(table, rows.probs, window.given, new Float64Array(27).fill(9))")
    worth = ask("pull(table, rows.probs, window.given, new Float64Array(27).fill(9))")
    np.testing.assert_allclose(arrived, x @ matrix, rtol=1e-14)
    np.testing.assert_allclose(worth, matrix @ x, rtol=1e-14)


def test_classes_are_the_strong_components(ask):
    for seed in range(6):
        random = np.random.default_rng(seed)
        logits = np.where(random.random((81, 3)) < 0.45, NEVER, 0.0)
        logits[np.arange(81), random.integers(3, size=81)] = 0.0
        edges = np.argwhere(np.isfinite(logits)).tolist()
        graph = nx.DiGraph((state, (state * 3 + token) % 81) for state, token in edges)
        found = ask("classesOf(table, rows.kept)", small(logits, 4), {})
        classes = {frozenset(np.flatnonzero(np.array(found["classOf"]) == k).tolist()) for k in range(found["count"])}
        assert classes == {frozenset(each) for each in nx.strongly_connected_components(graph)}
        assert found["recurrent"] == sorted(sorted(each) for each in nx.attracting_components(graph))


LONG_RUN = [
    {},
    {"temperature": 0.3},
    {"temperature": 0.1},
    {"temperature": 0},
    {"temperature": 1, "top_k": 2},
    {"temperature": 0.8, "top_p": 0.7, "engine": "vllm"},
    {"temperature": 1.2, "min_p": 0.05, "engine": "llama.cpp"},
    {"temperature": 0.9, "top_k": 2, "engine": "nanogpt"},
    {"temperature": 0.5, "top_p": 0.6, "engine": "transformer_lens"},
]
ANSWERS = """(() => {
    const red = redMask(table, given.red);
    const { classes, ...found } = longRun(table, rows, given.start);
    const within = reachWithin(table, rows, red, given.horizon);
    const time = expectedTime(table, rows, red, given.start);
    return { found, recurrent: classes.recurrent.length, within, time, bits: entropyRate(table, rows, found.value) };
})()"""


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_pythons(ask, name):
    table = table_of(name)
    red, start, horizon = [[1, 1]] if name != "baby" else [[0, 0, 0], [1, 0, 1]], table.space.n_states // 3, 60
    ask("null", table)
    for settings in LONG_RUN if name == "random" else LONG_RUN[:6]:
        chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(**settings))
        mask = np.logical_or.reduce([mg.ending_with(table.space, pattern) for pattern in red])
        found = ask(ANSWERS, None, settings, {"red": red, "start": start, "horizon": horizon})
        lived = mg.long_run_distribution(chain, start)
        within = mg.hitting_probability(chain, mask, within=horizon).value
        time = mg.expected_hitting_time(chain, mask, start=start).value
        assert found["found"]["converged"], settings
        assert found["time"]["converged"], settings
        assert found["recurrent"] == len(mg.recurrent_classes(chain))
        np.testing.assert_array_equal(np.array(found["found"]["value"]) > 0, lived.value > 0)
        np.testing.assert_allclose(found["found"]["value"], lived.value, rtol=1e-9, err_msg=str(settings))
        np.testing.assert_allclose(found["within"], within, rtol=1e-9, err_msg=str(settings))
        assert found["time"]["value"] == pytest.approx(time, rel=1e-9), settings
        bits = mg.entropy_rate(chain, start=start).bits
        assert found["bits"] == pytest.approx(bits, rel=1e-9, abs=0), settings


KINDS_DRAWN = ("cold", "truncated", "zeros", "periodic")
# V, L, what it is drawn as; above 256 states the page solves by multigrid
DRAWN = [(V, L, kind) for V, L in ((3, 3), (2, 9), (5, 4)) for kind in KINDS_DRAWN]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))])
@pytest.mark.parametrize(("V", "L", "kind"), DRAWN)
def test_hard_chains_are_solved_or_said_not_to_be(ask, V, L, kind, seed):
    chain = drawn_chain(mg.StateSpace(V, L), kind, seed)
    if isinstance(chain.next_token_probs, ScaledArray):
        pytest.skip("this one lies below the doubles")
    table = small(logs_of(chain.next_token_probs), L)
    start, red = chain.n_states // 2, [[0, 1]]
    found = ask(ANSWERS, table, {}, {"red": red, "start": start, "horizon": 9})
    lived = mg.long_run_distribution(chain, start).value
    time = mg.expected_hitting_time(chain, mg.ending_with(chain.space, (0, 1)), start=start).value
    # what lies far above the end of the doubles must be solved
    assert found["found"]["converged"] or lived[lived > 0].min() < 1e-100
    assert found["time"]["converged"] or time > 1e100
    if found["found"]["converged"]:
        usual = lived > 1e-280
        np.testing.assert_allclose(np.array(found["found"]["value"])[usual], lived[usual], rtol=1e-9)
        assert not np.array(found["found"]["value"])[lived == 0].any()
    if found["time"]["converged"]:
        assert found["time"]["value"] == pytest.approx(time, rel=1e-9)


def test_a_chain_with_two_ends_and_a_period(ask):
    """From 0 it goes to 1 with 1/4, and to the pair 2 <-> 3 with 3/4: a quarter of the walks stay in 1."""
    table = small(logs_of([[0, 0.25, 0.75, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]))
    found = ask("longRun(table, rows, 0)", table, {})
    np.testing.assert_allclose(found["value"], [0, 0.25, 0.375, 0.375], rtol=1e-14)
    assert found["ending"] == pytest.approx([0.25, 0.75])
    assert found["classes"]["recurrent"] == [[1], [2, 3]]
    assert ask("longRun(table, rows, 3).value") == [0, 0, 0.5, 0.5]
    assert ask("entropyRate(table, rows, longRun(table, rows, 0).value)") == 0
    assert ask("expectedTime(table, rows, redMask(table, [[1]]), 0)")["value"] == np.inf
    assert ask("expectedTime(table, rows, redMask(table, [[1], [3]]), 0)")["value"] == pytest.approx(1.75)
    assert ask("expectedTime(table, rows, redMask(table, [[1]]), 1)")["value"] == 0
    np.testing.assert_allclose(ask("reachWithin(table, rows, redMask(table, [[3]]), 2)"), [0.75, 0, 1, 1])
    assert ask("reachWithin(table, rows, redMask(table, [[3]]), 0)") == [0, 0, 0, 1]


@pytest.mark.parametrize("name", ["baby", "random"])
def test_within_a_long_horizon_is_what_every_step_of_it_leads_to(ask, name):
    """A step that changes nothing is the last one, and the numbers are those of all steps, bit for bit."""
    every_step = """(() => {
        const red = redMask(table, [[1, 1]]);
        let chance = Float64Array.from(red);
        for (let step = 0; step < given; step++) {
            chance = pull(table, rows.probs, chance, new Float64Array(table.n)).map((p, s) => (red[s] ? 1 : p));
        }
        return chance;
    })()"""
    within = "reachWithin(table, rows, redMask(table, [[1, 1]]), given)"
    ask("null", table_of(name), {})
    for horizon in (0, 1, 17, 400, *([20000] if name == "baby" else [])):
        assert ask(within, given=horizon) == ask(every_step, given=horizon)
    if name == "baby":
        assert ask(within, given=1e15) == ask(every_step, given=20000)


def test_a_large_periodic_chain(ask):
    """Even tokens and odd ones take turns: 512 windows of period 2."""
    random = np.random.default_rng(8)
    logits = random.normal(size=(8**4, 8))
    same = (np.arange(8**4) % 2)[:, None] == (np.arange(8) % 2)[None, :]
    table = small(np.where(same, NEVER, logits), 4)
    found = ask("longRun(table, rows, 1)", table, {})
    assert found["converged"]
    expected = mg.stationary_distributions(mg.WindowChain.from_logits(table)).only().value
    np.testing.assert_allclose(found["value"], expected, rtol=1e-9)


def test_the_ends_of_a_walk_that_tarries(ask):
    """Half of the time it stays, and leaves to 1 and to 2 alike."""
    table = small(logs_of([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]]))
    assert ask("longRun(table, rows, 0).value", table, {}) == pytest.approx([0, 0.5, 0.5])


def around_necklaces():
    """Nearly sure to say the oldest token again: 512 windows that turn round, and seldom leave their circle."""
    logits = -np.random.default_rng(1).uniform(8, 16, size=(2**9, 2))
    logits[np.arange(2**9), np.arange(2**9) // 2**8] = 0
    return small(logits, 9)


def along_a_line():
    """The newest token moves a step up or down, or stays: 900 windows, of which only the newest token counts."""
    random, newest = np.random.default_rng(1), np.arange(900) % 30
    near = np.abs(newest[:, None] - np.arange(30)[None, :]) < 2
    return small(np.where(near, 0.02 * random.normal(size=(900, 30)), -25.0), 2)


@pytest.mark.parametrize("slow", [around_necklaces, along_a_line])
def test_a_chain_that_mixes_slowly_takes_few_cycles(ask, slow):
    """The first needs its basins balanced, the second its shorter windows; without them it takes 100 cycles."""
    table = slow()
    found = ask("longRun(table, rows, 1)", table, {})
    assert found["converged"]
    assert found["cycles"] < 30
    expected = mg.stationary_distributions(mg.WindowChain.from_logits(table)).only().value
    np.testing.assert_allclose(found["value"], expected, rtol=1e-9)


def test_what_is_lost_below_the_doubles_is_no_answer(ask):
    """Both ways cost 1e-4343: the page cannot weigh them against each other, and says so."""
    found = ask("longRun(table, rows, 0)", small([[0.0, -10.0], [-10.0, 0.0]]), {"temperature": 0.001})
    assert not found["converged"]
    assert found["classes"]["recurrent"] == [[0, 1]]
    lost = ask("expectedTime(table, rows, redMask(table, [[1]]), 0)")
    assert not lost["converged"]


@pytest.mark.parametrize("rare", [0.5, 1e-3, 1e-12, 1e-200])
def test_the_entropy_of_a_nearly_certain_token_keeps_its_digits(ask, rare):
    found = ask("entropyRate(table, rows, [1, 0])", small([[0.0, np.log(rare / (1 - rare))], [0.0, 0.0]]), {})
    expected = (rare * -np.log(rare) + (1 - rare) * -np.log1p(-rare)) / np.log(2)
    assert found == pytest.approx(expected, rel=1e-12, abs=0)


# ---- red, temperature zero, ways


def test_red_windows_end_with_a_pattern(ask):
    table = small(np.zeros((27, 3)), 3)
    for patterns in ([[0]], [[1, 1]], [[0, 1, 2]], [[0], [1, 2], [2, 2, 2]]):
        expected = [any(window[-len(each) :] == tuple(each) for each in patterns) for window in WINDOWS]
        assert ask("redMask(table, given)", table, given=patterns) == expected


WINDOWS = list(itertools.product(range(3), repeat=3))


@pytest.mark.parametrize("name", ["ties", *MODELS])
def test_the_greedy_machine_is_pythons(ask, name):
    table = table_of(name)
    machine, found = mg.greedy_machine(table), ask("greedyMachine(table)", table)
    assert found["next"] == machine.next_state.tolist()
    assert found["cycles"] == [cycle.tolist() for cycle in machine.cycles]
    assert found["basin"] == machine.basin.tolist()


def test_a_machine_followed_by_hand(ask):
    found = ask("greedyMachine(table)", small([[0, 1], [1, 0], [1, 0], [1, 0]], 2))  # 00 01 10: 01, 10, 00; 11: 10
    assert found["cycles"] == [[0, 1, 2]]
    assert (found["next"], found["basin"]) == ([1, 2, 0, 2], [0, 0, 0, 0])


def walks_to_red(probs, V, start, red, n):
    """Every walk to the first red state within n tokens, with its probability."""
    n_states = len(probs)
    for length in range(n + 1):
        for tokens in itertools.product(range(V), repeat=length):
            state, chance, first = start, 1.0, start in red
            for place, token in enumerate(tokens):
                chance *= probs[state][token]
                state = (state * V + token) % n_states
                if state in red and place < length - 1:
                    chance = 0.0
            if chance > 0 and state in red and (length == 0 or not first):
                yield chance, list(tokens)


def test_the_likeliest_ways_are_the_best_of_all(ask):
    random = np.random.default_rng(5)
    table = small(random.normal(size=(9, 3)) * 2, 2)
    probs = np.exp(mg.SamplingSettings().log_probabilities(table.logits))
    red = [state for state in range(9) if state % 3 == 0 and state // 3 == 2]
    best = sorted(walks_to_red(probs, 3, 1, red, 6), reverse=True)[:8]
    found = ask("likeliestWays(table, rows, redMask(table, [[2, 0]]), 1, 6, 8)", table, {})
    assert [way["tokens"] for way in found] == [tokens for _, tokens in best]
    assert [way["probability"] for way in found] == pytest.approx([chance for chance, _ in best], rel=1e-12)
    assert [way["log10"] for way in found] == pytest.approx(np.log10([chance for chance, _ in best]), rel=1e-12)


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.1}, {"top_k": 3}], ids=str)
def test_the_likeliest_ways_are_pythons(ask, settings):
    table = table_of("random")
    chain = mg.WindowChain.from_logits(table, mg.SamplingSettings(**settings))
    ways = mg.most_likely_paths(chain, mg.ending_with(table.space, (1, 1)), start=5, k=6, within=40)
    found = ask("likeliestWays(table, rows, redMask(table, [[1, 1]]), 5, 40, 6)", table, settings)
    assert [way["tokens"] for way in found] == [list(way.tokens) for way in ways]
    assert [way["probability"] for way in found] == pytest.approx([way.probability.value for way in ways], rel=1e-9)


def test_ways_of_no_token_none_and_below_the_doubles(ask):
    ways = "likeliestWays(table, rows, redMask(table, [[1]]), given, 3, 5)"
    assert ask(ways, small([[0.0, -10.0], [0.0, 0.0]]), {"temperature": 0.001}, 1)[0] == {
        **{"tokens": [], "probability": 1, "log10": 0}
    }
    (best, *_) = ask(ways, given=0)
    assert (best["tokens"], best["probability"]) == ([1], 0)
    assert best["log10"] == pytest.approx(-10000 / np.log(10))
    assert ask(ways, small([[0.0, NEVER], [0.0, 0.0]]), {}, 0) == []


# ---- walk and comparison


def sfc32(seed):
    """The generator again: sfc32, seeded as walker.js says, in Python's whole numbers."""
    word = 2**32 - 1
    a, b, c, counter = seed & word, 0x9E3779B9, 0x243F6A88, 1

    def draw():
        nonlocal a, b, c, counter
        out = (a + b + counter) & word
        counter = (counter + 1) & word
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & word
        c = (((c << 21) | (c >> 11)) + out) & word
        return out

    for _ in range(12):
        draw()
    while True:
        yield ((draw() >> 5) * 2**26 + (draw() >> 6)) / 2**53


@pytest.mark.parametrize("seed", [0, 1, 1337, 2**32 - 1])
def test_the_walk_draws_the_same_numbers_everywhere(ask, seed):
    drawn = ask(
        "(() => { const source = walker(given); return Array.from({length: 50}, () => source.next()); })()", given=seed
    )
    assert drawn == list(itertools.islice(sfc32(seed), 50))


def test_the_draws_are_spread_evenly(ask):
    drawn = np.array(ask("(() => { const s = walker(7); return Array.from({length: 60000}, () => s.next()); })()"))
    counts = np.histogram(drawn, bins=20, range=(0, 1))[0]
    assert ((counts - 3000) ** 2 / 3000).sum() < 43.8  # the 99.9 % point of chi square with 19 degrees
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.02


def test_a_token_is_the_place_of_the_draw_in_its_row(ask):
    row = [0.25, 0, 0.5, 0.25, 0]
    draws = [0, 0.2499, 0.25, 0.7499, 0.75, 1 - 2**-53]
    assert ask("given[1].map((u) => sampleToken(given[0], u))", given=[row, draws]) == [0, 0, 2, 2, 3, 3]
    assert ask("sampleToken([0.1, 0.2, 0], 0.9)") == 1  # rounding may leave a gap at the end


def test_two_checkpoints_are_compared_as_in_python(ask):
    before, after = mg.tabulate(baby_gpt(steps=0).model), mg.tabulate(baby_gpt().model)
    settings = {"temperature": 0.8, "top_p": 0.75}
    chains = [mg.WindowChain.from_logits(table, mg.SamplingSettings(**settings)) for table in (before, after)]
    compared = mg.compare_chains(*chains, start=7)
    ask("window.before = rows", before, settings)
    ask("window.old = longRun(table, rows, 7).value")
    found = ask("compareRows(before, rows, old)", after, settings)
    assert found["totalVariation"] == pytest.approx(compared.total_variation.value, rel=1e-9, abs=1e-12)
    assert found["mean"] == pytest.approx(compared.mean_total_variation.value, rel=1e-9)


def test_the_comparison_by_hand(ask):
    ask("window.before = rows", small(logs_of([[0.5, 0.5], [1, 0]])), {})
    found = ask("compareRows(before, rows, [0.75, 0.25])", small(logs_of([[0.25, 0.75], [0, 1]])), {})
    assert found["totalVariation"] == pytest.approx([0.25, 1])
    assert found["mean"] == pytest.approx(0.4375)


# ---- the file


def test_the_numbers_run_in_a_worker(tab):
    tab.set_content("<!doctype html>")
    answer = "onmessage = ({data}) => { const t = tableOf(data); postMessage(rowsOf(t, {temperature: 0, "
    source = joined("table.js", "rows.js") + answer + 'engine: "vllm"}).kept); };'
    found = tab.evaluate(
        """([source, model]) => new Promise((resolve) => {
            const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            worker.onmessage = ({ data }) => resolve(Array.from(data));
            worker.postMessage(model);
        })""",
        [source, content_of(small([[0.0, 1.0], [1.0, 0.0]]))],
    )
    assert found == [0, 1, 1, 0]
