"""The card of a state graph: the heaviest nodes first, in digits that their bounds certify, and what they are."""

import numpy as np

import markovgpt as mg
from markovgpt.export.graph_card import graph_card
from markovgpt.graphs.shown_graph import StateGraph

WEATHER = mg.SparseChain.from_matrix([[0.9, 0.1, 0.0], [0.3, 0.5, 0.2], [0.0, 0.5, 0.5]])  # 15 : 5 : 2 of 22


def test_the_heaviest_come_first_and_what_is_left_out_is_said():
    card = graph_card(mg.heaviest_states(WEATHER, 2, red=[1]))
    assert [(row["node"], row["share of the long run"][:8], row["marks"]) for row in card.rows] == [
        ("0", "0.681818", "on a cycle of temperature zero"),  # 15/22
        ("1", "0.227272", "red, on a cycle of temperature zero"),  # 5/22
    ]
    assert card.facts["shows"] == "The 2 states with most of the long run"
    assert card.note == "Left out: 1 of 3 states with at most 0.0910 of the long run."
    assert card.picture.startswith("<svg")


def test_a_share_without_a_certain_digit_is_bounds():
    graph = StateGraph()
    graph.add_node(4, label="x", n_states=3, long_run=0.5, long_run_lower=0.25, long_run_upper=0.75)
    (row,) = graph_card(graph).rows
    assert row == {"node": "4", "label": "x", "states": "3", "share of the long run": "[0.25, 0.75]", "marks": ""}


def test_views_show_themselves_and_their_labels_are_text():
    chain = mg.SparseChain.from_matrix(np.eye(2), ["</script><b>", "$x$"])
    page = mg.state_graph(chain)._repr_html_()
    assert "&lt;/script&gt;&lt;b&gt;" in page
    assert "</script>" not in page
    assert "never left, on a cycle of temperature zero" in page


def test_a_graph_too_large_to_draw_is_listed_and_an_empty_one_is_no_error():
    chain = mg.SparseChain.from_matrix(np.roll(np.eye(28), 1, axis=1))
    card = graph_card(mg.state_graph(chain))
    assert card.picture is None
    assert (len(card.rows), card.n_rows) == (12, 28)
    assert graph_card(StateGraph()).picture is None
