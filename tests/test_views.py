"""Views of a chain: which states are shown, what leads where, and how much is left out."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.graphs.views import state_graph
from tests.reference_chains import gambler, uniform_windows


def test_the_whole_chain_is_shown_with_its_marks():
    graph = state_graph(gambler(), red=[3], start=1)
    assert graph.graph == {"title": "All 4 states", "left_out": "", "mass_left_out": 0.0}
    assert {name: [graph.nodes[s][name] for s in range(4)] for name in ("red", "start", "absorbing", "cycle")} == {
        "red": [False, False, False, True],
        "start": [False, True, False, False],
        "absorbing": [True, False, False, True],
        "cycle": [True, False, False, True],  # 1 -> 0 and 2 -> 1 are likelier
    }
    assert {edge: graph.edges[edge]["weight"] for edge in graph.edges} == {
        (0, 0): 1.0,
        (1, 0): 0.75,
        (1, 2): 0.25,
        (2, 1): 0.75,
        (2, 3): 0.25,
        (3, 3): 1.0,
    }


def test_what_was_not_asked_for_is_absent():
    assert set(state_graph(gambler()).nodes[1]) == {"label", "n_states", "absorbing", "cycle"}


def test_the_long_run_stands_on_the_states():
    graph = state_graph(gambler(), start=1, long_run=True)
    for state, exact in enumerate([12 / 13, 0, 0, 1 / 13]):
        found = graph.nodes[state]
        assert found["long_run_lower"] <= exact <= found["long_run_upper"]
        assert found["long_run"] == pytest.approx(exact, rel=1e-14)
    with pytest.raises(mg.InvalidInput, match="2 recurrent classes; say where it begins"):
        state_graph(gambler(), long_run=True)


def test_a_chain_of_too_many_states_is_not_shown_whole():
    with pytest.raises(mg.TooLarge, match="got 16,384 states; show a part of it"):
        state_graph(uniform_windows(2, 14))
    with pytest.raises(mg.TooLarge, match="got 625 states and 390,625 edges"):
        state_graph(mg.SparseChain.from_matrix(np.full((625, 625), 1 / 625)))
