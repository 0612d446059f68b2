"""State graphs with places: everything of the chain is there, marked as what it is, and what is not shown is said."""

import networkx as nx
import numpy as np
import pytest

import markovgpt as mg
from markovgpt.graphs.lettering import width_of
from markovgpt.graphs.placed_graph import Arrow, Node
from markovgpt.graphs.state_layout import percent, placed_states, token_looks


def chain_of(vocab_size, context_length, tokens=None):
    """Windows with random probabilities."""
    space = mg.StateSpace(vocab_size, context_length)
    rows = np.random.default_rng(1).dirichlet(np.ones(vocab_size), size=space.n_states)
    return mg.WindowChain(space, rows, mg.Vocabulary(tokens or tuple("abcdefgh"[:vocab_size])))


def sentences(placed):
    """What is written around a graph."""
    return [" ".join(caption.lines) for caption in placed.captions]


def test_every_state_and_arrow_of_the_chain_is_drawn():
    chain = chain_of(2, 3)
    placed = placed_states(chain.to_networkx())
    assert [node.label for node in placed.nodes] == [chain.label(state) for state in range(8)]
    labels = {(arrow.source, arrow.target): arrow.label for arrow in placed.arrows}
    assert labels == {
        (s, (2 * s + t) % 8): f"{'ab'[t]}({percent(chain.next_token_probs[s, t])})" for s in range(8) for t in range(2)
    }


def test_likely_arrows_are_wider_and_lie_above_and_tokens_differ_in_colour_and_dashes():
    chain = chain_of(3, 2)
    placed = placed_states(chain.to_networkx())
    widths = [arrow.width for arrow in placed.arrows]
    assert widths == sorted(widths)
    for arrow in placed.arrows:
        assert arrow.width == pytest.approx(0.5 + 1.7 * chain.next_token_probs[arrow.source, arrow.target % 3])
    assert len({(arrow.target % 3, arrow.dashes) for arrow in placed.arrows}) == 3
    looks = token_looks(range(40))
    assert len(set(looks.values())) == len(looks) == 24


def test_marks_stand_on_their_states_and_the_legend_lists_those_that_occur():
    graph = chain_of(2, 2).to_networkx()
    plain = placed_states(graph)
    assert not plain.captions
    for mark, meaning, place in (("red", "red", 1), ("start", "start", 2), ("absorbing", "never left", 3),
                                 ("cycle", "on a cycle of temperature zero", 0)):  # fmt: skip
        graph.nodes[place][mark] = True
        assert meaning in sentences(placed_states(graph))
    placed = placed_states(graph)
    assert [node.doubled for node in placed.nodes] == [False, True, False, False]
    assert [node.begin is not None for node in placed.nodes] == [False, False, True, False]
    assert [node.square for node in placed.nodes] == [False, False, False, True]
    assert [node.strong for node in placed.nodes] == [True, False, False, False]
    assert len(placed.keys) == len(placed.captions) == 4


def test_what_has_no_label_is_counted_and_its_token_shown_in_the_legend():
    placed = placed_states(chain_of(4, 3).to_networkx())
    bare = sum(arrow.place is None for arrow in placed.arrows)
    assert 0 < bare < 256
    assert sentences(placed)[-1].startswith(f"{bare} of 256 arrows have no room for their label: colour and dashes")
    samples = [key for key in placed.keys if isinstance(key, Arrow)]
    assert sentences(placed)[:-1] == ["a", "b", "c", "d"]
    assert len({(key.colour, key.dashes) for key in samples}) == 4


def test_title_shares_and_what_is_left_out_are_written():
    graph = nx.DiGraph(title="Suffixes of one token", left_out="Left out: 5 states with at most 0.1 of the long run.")
    graph.add_node(0, label="…a", n_states=1234, long_run=0.25)
    graph.add_node(1, label="…b", n_states=1, long_run=1e-9)
    graph.add_edge(0, 1, weight=0.0, log10_probability=-400.0, token_label="b, c")
    placed = placed_states(graph)
    assert [node.note for node in placed.nodes] == ["×1,234 25%", "1e-9"]
    assert [arrow.label for arrow in placed.arrows] == ["b, c(1e-400)"]
    explained = "Within a node: how many states it is (×) and its share of the long run."
    assert sentences(placed) == [graph.graph["title"], explained, graph.graph["left_out"]]
    assert all(width_of(node.label, placed.points) < placed.diameter for node in placed.nodes)


@pytest.mark.parametrize(("mark", "inside"), [("red", 0.86), ("absorbing", 0.88)])
def test_labels_fit_within_the_inner_rim_and_within_the_square(mark, inside):
    graph = nx.DiGraph()
    graph.add_node(0, label="mmmmmmmmmmmm", **{mark: True})
    placed = placed_states(graph)
    assert width_of(placed.nodes[0].label, placed.points) < inside * placed.diameter


def test_of_nodes_that_are_several_states_the_legend_says_that_they_hold_marked_ones():
    graph = nx.DiGraph()
    graph.add_node(0, label="ab, …", n_states=7, recurrent=True, red=True, start=True, cycle=True)
    placed = placed_states(graph)
    assert placed.nodes[0].square
    assert sentences(placed) == ["with red states", "with the start", "never left",
                                 "with states on a cycle of temperature zero",
                                 "Within a node: how many states it is (×)."]  # fmt: skip


@pytest.mark.parametrize("label", ["x" * 10**6, "🙂" * 50, "a\nb", "$x$", "<b>", "\u202ert"])
def test_labels_of_any_kind_fit_into_their_states(label):
    graph = nx.DiGraph()
    graph.add_edge(0, 1, weight=1.0, token=0, token_label=label)
    graph.nodes[0]["label"] = label
    placed = placed_states(graph)
    assert width_of(placed.nodes[0].label, placed.points) < placed.diameter < 4
    assert all(len(text) <= 20 and text.isprintable() for text in (placed.nodes[0].label, placed.arrows[0].label))


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (0.5, "50%"),
        (1.0, "100%"),
        (0.9999, ">99%"),
        (0.994, "99%"),
        (0.0096, "1%"),
        (0.006, "0.6%"),
        (0.00012, "0.01%"),
        (9.6e-5, "0.01%"),
        (9.4e-5, "9e-5"),
        (3e-300, "3e-300"),
        (9.96e-7, "1e-6"),
        (0.0, "0%"),
    ],
)
def test_percentages_leave_zero_and_hundred_to_what_is_certain(probability, shown):
    assert percent(probability) == shown


def test_more_tokens_than_can_be_told_apart_are_said_to_be_others():
    graph = nx.DiGraph()
    for token in range(30):
        graph.add_edge(token % 5, token // 5, weight=0.2, token=token, token_label="a long token")
    placed = placed_states(graph)
    assert "other tokens" in sentences(placed)


def test_places_are_the_same_each_time():
    graph = chain_of(3, 2).to_networkx()
    assert placed_states(graph) == placed_states(graph)


def test_150_states_are_drawn_and_no_more():
    graph = nx.DiGraph((k, (k + step) % 150) for k in range(150) for step in (1, 7))
    placed = placed_states(graph)
    assert len(placed.nodes) == 150
    assert isinstance(placed.nodes[0], Node)
    graph.add_node(150)
    with pytest.raises(mg.TooLarge, match=r"at most 150 states, got 151; draw a part of it \(heaviest_states"):
        placed_states(graph)


def test_too_many_arrows_are_refused():
    graph = nx.complete_graph(72, nx.DiGraph)
    with pytest.raises(mg.TooLarge, match=r"at most 5,000 arrows, got 5,112; keep the likely tokens \(top_k\)"):
        placed_states(graph)
