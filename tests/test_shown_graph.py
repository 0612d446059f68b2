"""State graphs are directed graphs of networkx that say what they are."""

import networkx as nx

from markovgpt.graphs.shown_graph import StateGraph


def test_it_is_a_directed_graph_like_any_other():
    graph = StateGraph([(0, 1), (1, 1)], title="Two states")
    plain = nx.DiGraph([(0, 1), (1, 1)])
    assert nx.utils.graphs_equal(nx.DiGraph(graph), nx.DiGraph(plain, title="Two states"))
    assert sorted(map(sorted, nx.strongly_connected_components(graph))) == [[0], [1]]


def test_copies_and_parts_are_state_graphs_too():
    graph = StateGraph([(0, 1), (1, 1)])
    assert repr(graph) == "StateGraph(2 nodes, 2 edges)"
    assert [repr(part) for part in (graph.copy(), graph.subgraph([1]))] == [
        "StateGraph(2 nodes, 2 edges)",
        "StateGraph(1 nodes, 1 edges)",
    ]
