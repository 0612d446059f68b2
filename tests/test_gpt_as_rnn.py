"""What the cache experiment says of laws that are known, and that it says the same twice."""

import numpy as np
import pytest
import torch

import markovgpt as mg
from experiments.gpt_as_rnn import (
    LOGITS,
    STUDY,
    Drift,
    Settings,
    agreement_row,
    divergence,
    drift_of,
    drift_rows,
    history_rows,
    interval,
    sentences,
    total_variation,
)
from experiments.key_value_cache import AROUND, LAST, ROLLING
from experiments.study import asked, run

QUICK = ["--small", "--steps", "2", "--context-length", "2", "--texts", "20", "--dropped", "1", "2", "--lengths", "2"]


def drawn(n_layer, context_length=3):
    """A model of names whose weights are large enough to matter."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(5)
        model = mg.GPT(mg.GPTConfig(27, context_length, n_layer=n_layer, n_head=1, n_embd=8)).eval()
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter *= 10.0
    return model


def test_distances_by_hand():
    one, other = np.array([0.5, 0.5, 0.0]) + 1e-300, np.array([0.25, 0.25, 0.5])
    assert total_variation(one, other) == pytest.approx(0.5)
    assert divergence(one, other) == pytest.approx(np.log(2))


def test_an_interval_is_of_the_mean():
    low, high = map(float, interval(np.array([0.0, 0.2] * 200)).split(" to "))
    assert (low + high) / 2 == pytest.approx(0.1, abs=1e-4)
    assert high - low == pytest.approx(2 * 2.5758 * 0.1 / np.sqrt(399), abs=2e-4)


def test_before_anything_is_dropped_nothing_is_off():
    texts = np.random.default_rng(0).integers(27, size=(5, 7))
    for rule in ROLLING:
        drift = drift_of(drawn(2), texts, rule)
        assert drift.distance.shape == (5, 5)
        assert drift.distance[:, 0].max() < 1e-5
        assert drift.distance[:, 1:].min() > 1e-3
        assert (drift.lost[:, 1:] >= 2 * drift.distance[:, 1:] ** 2).all()  # Pinsker
        assert drift.logits[:, 1:].min() > 1e-3


def test_with_one_layer_positions_in_their_order_are_the_chain_again():
    texts = np.random.default_rng(1).integers(27, size=(5, 9))
    distance = drift_of(drawn(1), texts, AROUND).distance  # windows of 3: in order after 3 and 6 dropped tokens
    assert distance[:, [0, 3, 6]].max() < 1e-5
    assert distance[:, [1, 2, 4, 5]].min() > 1e-3


def test_rows_are_of_the_tokens_dropped():
    distance = np.tile([0.0, 0.25, 0.5], (2, 1))
    rows = drift_rows({LAST: Drift(distance, 2 * distance, 4 * distance)}, (2,))
    assert rows == [
        {
            "cache": LAST,
            "tokens dropped": "2",
            "total variation, mean": "0.5000 to 0.5000",
            "worst": "0.5000",
            "nats a token lost": "1.0000 to 1.0000",
            LOGITS: "2.00",
        }
    ]


def test_a_growing_cache_agrees():
    row = agreement_row(drawn(2), np.random.default_rng(2).integers(27, size=(5, 7)))
    assert row["tokens dropped"] == "0 (of 1 to 3)"
    assert row[LOGITS] == "0" or float(row[LOGITS].split()[-1]) < 1e-4


def test_histories_are_pairs_with_one_window():
    texts = np.array([[1, 2, 3, 4], [5, 2, 3, 4], [6, 2, 3, 4], [7, 8, 9, 10]])
    rows = history_rows(drawn(2), texts, LAST, 3)
    assert [row["window"] for row in rows] == ["bcd"]
    assert rows[0]["dropped before it"] in ("a or e", "a or f", "e or f")
    assert float(rows[0]["total variation of the two"]) > 0
    assert [row["total variation of the two"] for row in history_rows(drawn(1), texts, LAST, 3)] == ["0.0000"]


def test_the_chain_of_a_pair_is_the_model_on_its_window():
    texts = np.array([[1, 2, 3, 4], [5, 2, 3, 4]])
    row = history_rows(drawn(2), texts, LAST, 1)[0]
    logits = drawn(2).next_token_logits(np.array([[2, 3, 4]]))[0].astype(float)
    token = 0 if row["next"] == "\\n" else ord(row["next"]) - ord("a") + 1
    assert float(row["chain"]) == pytest.approx(np.exp(logits[token]) / np.exp(logits).sum(), abs=1e-4)


def test_sentences_say_what_the_tables_do():
    distance = np.tile([0.0, 0.25, 0.5], (2, 1))
    drift = Drift(distance, distance, distance)
    rows = [{"cache": "growing", LOGITS: "0"}, *drift_rows(dict.fromkeys(ROLLING, drift), (1, 2))]
    cost = {"L": "4", "ratio of operations": "4.0", "ratio of times": "2.5"}
    found = sentences(rows, [], [cost], [])
    assert "off by 0.2500 to 0.2500 (last position) or 0.2500 to 0.2500 (positions around) in mean" in found[0]
    assert found[2] == "At L = 4 a token with a cache is 2.5 times faster than without."


@pytest.mark.parametrize("given", [{"dropped": (0,)}, {"dropped": ()}, {"texts": 1}])
def test_settings_out_of_range_are_refused(given):
    with pytest.raises(mg.InvalidInput, match="dropped must be numbers of at least 1 and texts at least 2"):
        Settings(**given)


def test_other_shapes_are_refused():
    with pytest.raises(mg.InvalidInput, match=r"shapes must be of .*, got cube"):
        Settings(shapes=("cube",))


def test_what_is_no_time_is_the_same_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(STUDY, [*QUICK, "--out", str(tmp_path / "one")]) == 0
    (tmp_path / "two").mkdir()
    STUDY.make(asked(STUDY, QUICK)[0], tmp_path / "two")
    for name in ("table.csv", "histories.csv", "drift.svg"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert (tmp_path / "one" / "cost.csv").exists()
