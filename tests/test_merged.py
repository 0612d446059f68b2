"""Windows that are too many for a page: merged as by hand, told in words, refused where even that is too much."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.explorer import merged as module
from markovgpt.explorer.asked import asked_of
from markovgpt.explorer.content import page_content
from markovgpt.explorer.merged import merged_by_suffix


@pytest.fixture
def small_pages(monkeypatch):
    """Pages of at most 16 windows, which are merged to 8."""
    monkeypatch.setattr(module, "MOST_STATES", 16)
    monkeypatch.setattr(module, "MOST_MERGED", 8)


def drawn(L=5, V=2, seed=1):
    """Random logits."""
    space = mg.StateSpace(V, L)
    return mg.LogitTable(space, np.random.default_rng(seed).normal(size=(space.n_states, V)))


def rows_by_hand(table, length, temperature):
    """The rows of the best chain that sees so many tokens: dense, by the eigenvector for the eigenvalue 1."""
    n, V = table.space.n_states, table.vocab_size
    weights = np.exp(table.logits / temperature)
    rows = weights / weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((n, n))
    for state in range(n):
        for token in range(V):
            matrix[state, (state * V + token) % n] += rows[state, token]
    values, vectors = np.linalg.eig(matrix.T)
    share = np.abs(vectors[:, np.argmin(np.abs(values - 1))].real)
    found = np.zeros((V**length, V))
    for state in range(n):
        found[state % V**length] += share[state] * rows[state]
    return found / found.sum(axis=1, keepdims=True)


def test_merged_rows_are_means_over_the_long_run(small_pages):
    table, settings = drawn(), mg.SamplingSettings(temperature=0.7)
    found = merged_by_suffix({"a": table}, asked_of(table.space, settings=settings))
    assert (found.length, found.tables["a"].space) == (3, mg.StateSpace(2, 3))
    np.testing.assert_allclose(np.exp(found.tables["a"].logits), rows_by_hand(table, 3, 0.7), rtol=1e-6)


def test_the_page_is_of_the_merged_chain_and_says_so(small_pages):
    tables = {"before": drawn(seed=1), "after": drawn(seed=2)}
    settings = mg.SamplingSettings(temperature=0.5, top_k=2)
    asked = asked_of(mg.StateSpace(2, 5), settings=settings, red=[(1, 1)], start=(0, 1, 0, 1, 0), horizon=4)
    content = page_content(tables, asked, note="Two of them.", weights={"after": {}})
    assert [(model["V"], model["L"], model["weights"]) for model in content["models"]] == [(2, 3, None)] * 2
    assert content["start"] == [0, 1, 0]
    assert (content["settings"]["temperature"], content["settings"]["top_k"]) == (1.0, None)  # they are in it already
    assert {model["logits"]["dtype"] for model in content["models"]} == {"float32"}  # half of what doubles weigh
    assert content["note"].startswith(
        "Two of them. The 32 windows of 5 tokens are merged by their newest 3, each weighed by its share of the long "
        "run (temperature 0.5, top_k 2). So merged the chain of before loses "
    )
    chain = mg.WindowChain.from_logits(tables["after"], settings)
    reach = mg.hitting_probability(chain, np.arange(32) % 4 == 3, start=0b01010, within=4)
    assert content["note"].endswith(f"Not merged, P(red within 4 tokens) is {mg.certified_digits(reach)}.")


def test_what_is_impossible_stays_so(small_pages):
    ones = mg.LogitTable(mg.StateSpace(2, 5), np.tile([0.0, 1.0], (32, 1)))
    found = merged_by_suffix({"a": ones}, asked_of(ones.space, settings=mg.SamplingSettings(top_k=1)))
    assert found.tables["a"].logits.tolist() == [[-np.inf, 0.0]] * 8
    assert found.note.endswith("So merged the chain loses 0 bits a token.")


def test_small_chains_are_not_merged():
    content = page_content({"a": drawn()}, asked_of(mg.StateSpace(2, 5)), note="As it is.")
    assert (content["models"][0]["L"], content["note"]) == (5, "As it is.")


def test_red_that_a_merged_window_does_not_show_is_refused(small_pages):
    with pytest.raises(mg.InvalidInput, match=r"red must have at most 3 tokens, .* a page of 32 windows .* got 4; ask"):
        page_content({"a": drawn()}, asked_of(mg.StateSpace(2, 5), red=[(1, 1, 1, 1)]))


def test_tokens_too_many_for_any_page_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_STATES", 2)
    monkeypatch.setattr(module, "MOST_LOGITS", 8)
    with pytest.raises(mg.TooLarge, match="at most 2 windows and 8 logits, got 9 windows of 3 tokens, too many"):
        page_content({"a": drawn(L=2, V=3)}, asked_of(mg.StateSpace(3, 2)))
