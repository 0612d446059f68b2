"""The reachable part answers as the whole chain does, also where the whole could never be listed."""

import numpy as np
import pytest

import markovgpt as mg

GENERATOR = np.random.default_rng(8)
LOGITS = GENERATOR.normal(size=(27, 3))


def table_model(context_length=3):
    """A model over 3 tokens whose logits come from a table over the last three."""

    def logits(windows):
        windows = np.asarray(windows)[:, -3:]
        return LOGITS[windows @ 3 ** np.arange(windows.shape[1])]

    letters = mg.Vocabulary(("a", "b", "c"))
    return mg.as_model(logits, vocab_size=3, context_length=context_length, vocabulary=letters)


@pytest.mark.parametrize("settings", [mg.SamplingSettings(), mg.SamplingSettings(top_k=2), mg.SamplingSettings(0)])
def test_the_reachable_part_answers_as_the_whole_chain(settings):
    model = table_model()
    whole = mg.WindowChain.from_model(model, settings, with_prefixes=True)
    part = mg.reachable_chain(model, settings, "a")
    assert part.n_states <= whole.n_states
    for state in range(part.n_states):
        row = dict(zip(*_row(part, state), strict=True))
        full = dict(zip(*_row(whole, whole.space.encode(part.space.decode(state))), strict=True))
        assert row == full
    for within in (0, 3, 10):
        red = mg.containing(part.space, "c", model.vocabulary)
        expected = mg.hitting_probability(
            whole, mg.containing(whole.space, "c", model.vocabulary), start="a", within=within
        )
        if red.any():
            found = mg.hitting_probability(part, red, start="a", within=within)
            assert found.value == pytest.approx(expected.value, rel=1e-12)


def _row(chain, state):
    """The windows a state leads to, and with what probabilities."""
    source, target, probability = chain.edges()
    return [chain.space.decode(int(end)) for end in target[source == state]], probability[source == state].tolist()


def test_windows_far_too_many_to_list_are_served_at_temperature_zero():
    model = table_model(context_length=64)  # 3**64 windows
    chain = mg.reachable_chain(model, mg.SamplingSettings(temperature=0), "abc" * 21 + "a")
    assert chain.n_states < 1000
    assert chain.space.decode(0) == (0, 1, 2) * 21 + (0,)
    (only,) = mg.recurrent_classes(chain)
    assert mg.period(chain, only) == len(only)
    # follow the argmax by hand
    window = list(chain.space.decode(0))
    for state in range(chain.n_states - 1):
        assert chain.space.decode(state) == tuple(window)
        token = int(np.argmax(LOGITS[window[-3] + 3 * window[-2] + 9 * window[-1]]))
        window = [*window, token][-64:]


def test_a_horizon_stops_the_search_and_its_edge_is_absorbing():
    part = mg.reachable_chain(table_model(context_length=20), None, "ab", within=3)
    lengths = [len(part.space.decode(state)) for state in range(part.n_states)]
    assert lengths == [2] * 1 + [3] * 3 + [4] * 9 + [5] * 27
    whole = mg.reachable_chain(table_model(context_length=20), None, "ab", within=5)
    red = [mg.containing(chain.space, "cc", part.vocabulary) for chain in (part, whole)]
    answers = [
        mg.hitting_probability(chain, mask, start=0, within=3) for chain, mask in zip((part, whole), red, strict=True)
    ]
    assert answers[0].value == pytest.approx(answers[1].value, rel=1e-13)
    assert mg.reachable_chain(table_model(), None, "ab", within=0).n_states == 1


def test_very_cold_sampling_keeps_every_window_it_can_reach():
    model = table_model()
    assert mg.reachable_chain(model, mg.SamplingSettings(1e-4), "aaa").n_states == 27


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ((), "start must hold 1 to 3 tokens, got 0"),
        ("", "start must hold 1 to 3 tokens, got 0"),
        ((0,) * 4, "start must hold 1 to 3 tokens, got 4; keep the newest tokens"),
        ((3,), r"tokens must be whole numbers in 0..2, got 3"),
        ("ax", "got 'x' at place 1"),
    ],
)
def test_a_start_that_is_no_window_is_refused(start, message):
    with pytest.raises(mg.InvalidInput, match=message):
        mg.reachable_chain(table_model(), None, start)


def test_a_text_start_needs_a_vocabulary():
    model = mg.as_model(lambda w: np.zeros((len(w), 2)), vocab_size=2, context_length=2)
    with pytest.raises(mg.InvalidInput, match="a text start needs a vocabulary, got 'a' without one"):
        mg.reachable_chain(model, None, "a")


@pytest.mark.parametrize("limits", [{"within": 2.5}, {"within": True}, {"max_states": float("nan")}])
def test_limits_that_are_no_whole_numbers_are_refused(limits):
    with pytest.raises(mg.InvalidInput, match=r"within must be .* max_states"):
        mg.reachable_chain(table_model(), None, "a", **limits)


@pytest.mark.parametrize("limits", [{"within": -1}, {"max_states": 0}])
def test_limits_out_of_range_are_refused(limits):
    with pytest.raises(mg.InvalidInput, match="within must be at least 0 and max_states at least 1"):
        mg.reachable_chain(table_model(), None, "a", **limits)


def test_too_many_windows_are_refused_with_remedies():
    with pytest.raises(
        mg.TooLarge, match=r"more than max_states=100 windows can be reached in 4 steps; look fewer steps"
    ):
        mg.reachable_chain(table_model(context_length=30), None, "a", max_states=100)
    assert mg.reachable_chain(table_model(context_length=30), None, "a", max_states=100, within=3).n_states == 40


def test_exactly_as_many_windows_as_allowed_are_listed():
    # 1 + 3 + 9 + 27 windows within three steps
    model = table_model(context_length=30)
    assert mg.reachable_chain(model, None, "a", within=3, max_states=40).n_states == 40
    with pytest.raises(mg.TooLarge, match="more than max_states=39 windows"):
        mg.reachable_chain(model, None, "a", within=3, max_states=39)


def test_states_are_printed_as_the_text_of_their_windows():
    part = mg.reachable_chain(table_model(), None, "ab", within=1)
    assert [part.label(state) for state in range(4)] == ["ab", "aba", "abb", "abc"]


def test_probabilities_below_the_doubles_are_kept():
    model = mg.as_model(lambda windows: np.array([[0.0, -2.0]] * len(windows)), vocab_size=2, context_length=1)
    part = mg.reachable_chain(model, mg.SamplingSettings(1e-3), (0,))
    edge = part.to_networkx().edges[0, 1]
    assert edge["weight"] == 0.0
    assert edge["log10_probability"] == pytest.approx(-2000 / np.log(10), rel=1e-12)
    with pytest.raises(mg.InvalidInput, match="ask the chain itself, or raise the temperature"):
        part.to_csr()


def test_logits_that_are_no_numbers_name_the_window_they_follow():
    def broken(windows):
        logits = np.zeros((len(windows), 2))
        logits[(np.asarray(windows)[:, -2:] == [1, 1]).all(axis=1) & (np.asarray(windows).shape[1] == 2)] = np.nan
        return logits

    model = mg.as_model(broken, vocab_size=2, context_length=40)
    with pytest.raises(mg.InvalidInput, match=r"after the window '11' \(tokens \(1, 1\)\); look for NaN"):
        mg.reachable_chain(model, None, (1,), within=5)


def test_a_penalty_over_the_window_is_taken_there_too():
    table = mg.LogitTable(mg.StateSpace(3, 2), np.random.default_rng(9).normal(size=(9, 3)))
    model = mg.as_model(lambda windows: table.logits[windows[:, 0] * 3 + windows[:, 1]], vocab_size=3, context_length=2)
    settings = mg.SamplingSettings(0.8, window_repetition_penalty=2.5)
    whole = mg.WindowChain.from_logits(table, settings)
    part = mg.reachable_chain(model, settings, (0, 1))
    order = [whole.space.encode(part.space.decode(state)) for state in range(part.n_states)]
    assert part.to_csr().toarray() == pytest.approx(whole.to_csr().toarray()[np.ix_(order, order)], rel=1e-12)
