"""What is small is drawn, what is large is not, and where there is no Graphviz nothing is."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import reference_chains as chains

import markovgpt as mg
from markovgpt.export import thumbnail
from markovgpt.export.thumbnail import MOST_ARROWS, MOST_DRAWN, picture_of


def texts(picture):
    """The texts of a picture."""
    return [text.strip() for text in ElementTree.fromstring(picture).itertext() if text.strip()]


def loop(size):
    """States 0 -> 1 -> ... -> 0."""
    return mg.SparseChain.from_matrix(np.roll(np.eye(size), 1, axis=1), [f"state {place}" for place in range(size)])


def test_a_small_chain_is_drawn_with_every_state():
    picture = picture_of(loop(3))
    assert picture.startswith("<svg")
    assert {"state 0", "state 1", "state 2"} <= set(texts(picture))
    assert picture_of(loop(3)) == picture


def test_labels_are_text_in_a_drawing_too():
    chain = mg.SparseChain.from_matrix(np.eye(2), ["</script><b>", '"&'])
    picture = picture_of(chain)
    assert {"</script><b>", '"&'} <= set(texts(picture))
    assert not re.search(r"<(?:script|b|a|foreignObject)\b", picture)


@pytest.mark.parametrize(("size", "drawn"), [(MOST_DRAWN, True), (MOST_DRAWN + 1, False)])
def test_more_than_27_states_are_not_drawn(size, drawn):
    assert (picture_of(loop(size)) is not None) == drawn


def test_more_arrows_than_can_be_seen_are_not_drawn():
    size = 12
    assert size**2 > MOST_ARROWS
    assert picture_of(mg.SparseChain.from_matrix(np.full((size, size), 1 / size))) is None


def test_machines_and_moments_are_drawn_too():
    table = mg.LogitTable(mg.StateSpace(2, 2), np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]))
    assert picture_of(mg.greedy_machine(table).minimised()).startswith("<svg")
    chain = chains.uniform_windows(2, 2)
    assert picture_of(mg.Moment(chain, np.full(4, 0.25), "at first")).startswith("<svg")
    large = chains.uniform_windows(2, 5)
    assert picture_of(mg.Moment(large, np.full(32, 1 / 32), "at first")) is None


def test_what_is_no_graph_has_no_drawing():
    assert picture_of(mg.SamplingSettings()) is None


def test_without_graphviz_there_is_no_drawing(monkeypatch):
    def refuse(chain, path):
        raise mg.InvalidInput("drawing needs Graphviz")

    monkeypatch.setattr(thumbnail, "draw", refuse)
    assert picture_of(loop(3)) is None
    assert "state" in loop(3)._repr_html_()
