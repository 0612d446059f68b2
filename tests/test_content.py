"""What the explorer's page holds: numbers that decode to those given, certified answers, and refusals."""

import json
import math

import numpy as np
import pytest
from page_letters import bytes_of

import markovgpt as mg
from markovgpt.explorer.asked import asked_of
from markovgpt.explorer.content import MOST_LIVE, NOT_CERTIFIED, TEMPERATURES, encoded
from markovgpt.explorer.content import page_content as content_of

AB = mg.Vocabulary(("a", "b"))


def table_of(vocab_size=2, context_length=2, *, vocabulary=AB, dtype=np.float32, seed=0, **space):
    """Drawn logits."""
    windows = mg.StateSpace(vocab_size, context_length, **space)
    logits = np.random.default_rng(seed).standard_normal((windows.n_states, vocab_size))
    return mg.LogitTable(windows, logits.astype(dtype), vocabulary)


def page_content(tables, **asked):
    """What a page of tables holds that is asked something."""
    first = next(iter(tables.values()), table_of())
    return content_of(tables, asked_of(first.space, first.vocabulary, **asked))


def decoded(part):
    """An array as the page reads it."""
    return np.frombuffer(bytes_of(part["data"]), dtype=np.dtype(part["dtype"]).newbyteorder("<"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_arrive_bit_for_bit_in_the_models_own_dtype(dtype):
    table = table_of(dtype=dtype)
    model = page_content({"one": table})["models"][0]
    assert model["logits"]["dtype"] == np.dtype(dtype).name
    assert np.array_equal(decoded(model["logits"]), table.logits.ravel())


def test_half_precision_becomes_single_without_a_change():
    assert decoded(encoded(np.array([0.1], dtype=np.float16))).tolist() == [float(np.float16(0.1))]


def test_a_page_begins_as_it_is_told():
    settings = mg.SamplingSettings(temperature=0.5, top_k=1, engine="nanogpt")
    content = page_content({"one": table_of()}, settings=settings, red=["ab", "b"], start="ba", horizon=7, seed=3)
    assert content["settings"] == {"temperature": 0.5, "top_k": 1, "top_p": None, "min_p": None, "engine": "nanogpt"}
    assert (content["red"], content["start"], content["horizon"], content["seed"]) == ([[0, 1], [1]], [1, 0], 7, 3)


def test_token_ids_are_taken_where_there_are_no_texts():
    content = page_content({"one": table_of(vocabulary=None)}, red=[(0, 1), (1,)], start=(1, 0))
    assert (content["red"], content["start"]) == ([[0, 1], [1]], [1, 0])
    assert (content["models"][0]["shown"], content["models"][0]["spelt"]) == (["0", "1"], None)


def test_shorter_windows_are_left_out():
    table = table_of(with_prefixes=True)  # 2 + 4 windows
    model = page_content({"one": table})["models"][0]
    assert np.array_equal(decoded(model["logits"]), table.logits[2:].ravel())


def test_certified_answers_are_those_of_a_coin_by_hand():
    coin = mg.LogitTable(mg.StateSpace(2, 1), np.zeros((2, 2)), AB)
    (entry,) = page_content({"coin": coin}, red="b", start="a", horizon=3)["models"][0]["certified"]
    assert {name: float(digits) for name, digits in entry["answers"].items()} == {
        "reach": 7 / 8,  # one minus three tails
        "expected": 2.0,
        "entropy": 1.0,
    }


def test_a_large_chain_has_certified_answers_at_a_grid_with_the_long_run_of_every_window():
    table = mg.LogitTable(mg.StateSpace(2, 13), np.zeros((8192, 2), dtype=np.float32), AB)
    assert table.space.n_states > MOST_LIVE
    entries = page_content({"coin": table}, red="ab")["models"][0]["certified"]
    assert [entry["settings"]["temperature"] for entry in entries] == list(TEMPERATURES)
    at_one = entries[TEMPERATURES.index(1.0)]
    assert np.allclose(decoded(at_one["long_run"]), 13 * math.log10(0.5))
    at_zero = decoded(entries[0]["long_run"])  # of equal logits token 0 is said: aaa... for ever
    assert at_zero[0] == 0
    assert np.isneginf(at_zero[1:]).all()


def test_what_is_not_certified_is_called_so(monkeypatch):
    def refuses(*given, **named):
        raise mg.NotConverged("not in so many steps", residual=1.0)

    monkeypatch.setattr("markovgpt.explorer.content.long_run_distribution", refuses)
    entry = page_content({"one": table_of()})["models"][0]["certified"][0]
    assert entry["answers"] == {"entropy": NOT_CERTIFIED}


def test_a_graph_has_places_and_a_mosaic_none():
    assert len(page_content({"one": table_of()})["models"][0]["places"]) == 4
    assert "places" not in page_content({"one": table_of(2, 8)})["models"][0]


def test_it_is_json():
    content = page_content({"one": table_of()}, settings=mg.SamplingSettings(temperature=np.float64(0.5)))
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_models_that_do_not_go_together_are_refused():
    with pytest.raises(mg.InvalidInput, match="same windows and tokens, got V = 2, L = 2 and V = 2, L = 3"):
        page_content({"one": table_of(), "two": table_of(2, 3)})
    with pytest.raises(mg.InvalidInput, match="with other token strings"):
        page_content({"one": table_of(), "two": table_of(vocabulary=mg.Vocabulary(("x", "y")))})
    with pytest.raises(mg.InvalidInput, match="one model or two, got 3"):
        page_content({name: table_of() for name in "abc"})
    with pytest.raises(mg.InvalidInput, match="one model or two, got 0"):
        page_content({})
