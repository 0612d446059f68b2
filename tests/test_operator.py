"""One contract for every chain: its products, edges and graphs are those of its matrix, written down by definition."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.scaled import ScaledArray

GENERATOR = np.random.default_rng(5)


def rows_of(n_states, vocab_size):
    """Random rows with a zero here and there."""
    rows = GENERATOR.random((n_states, vocab_size)) + 0.05
    rows[::3, : vocab_size // 2] = 0
    return rows / rows.sum(axis=1, keepdims=True)


def matrix_of_windows(space, rows):
    """The transition matrix from the definition: append the token, keep the newest L."""
    matrix = np.zeros((space.n_states, space.n_states))
    for state in range(space.n_states):
        for token in range(space.vocab_size):
            after = (*space.decode(state), token)[-space.context_length :]
            matrix[state, space.encode(after)] += rows[state, token]
    return matrix


def window_chain(vocab_size, context_length, *, with_prefixes=False, scaled=False):
    space = mg.StateSpace(vocab_size, context_length, with_prefixes)
    rows = rows_of(space.n_states, vocab_size)
    return mg.WindowChain(space, ScaledArray.of(rows) if scaled else rows), matrix_of_windows(space, rows)


def sparse_chain():
    matrix = rows_of(7, 7)
    return mg.SparseChain.from_matrix(matrix, labels="abcdefg"), matrix


def reachable_part():
    logits = np.array([[0.0, -np.inf], [0.0, 1.0]])  # after 0 only 0, after 1 both
    model = mg.as_model(lambda windows: logits[np.asarray(windows)[:, -1]], vocab_size=2, context_length=2)
    p = 1 / (1 + np.e)
    # from 1: 10 with p, 11 else; 10 -> 00 -> 00; 11 -> 10, 11. Found in the order 1, 10, 11, 00
    matrix = np.array([[0, p, 1 - p, 0], [0, 0, 0, 1], [0, p, 1 - p, 0], [0, 0, 0, 1]])
    return mg.reachable_chain(model, None, (1,)), matrix


def absorbing(*, scaled=False):
    chain, matrix = window_chain(2, 3, scaled=scaled)
    stopped = matrix.copy()
    stopped[[2, 5]] = np.eye(8)[[2, 5]]
    return mg.with_absorbing(chain, [2, 5]), stopped


CHAINS = {
    "windows": window_chain(3, 3),
    "windows, scaled": window_chain(2, 3, scaled=True),
    "windows and prefixes": window_chain(3, 3, with_prefixes=True),
    "windows and prefixes, scaled": window_chain(2, 3, with_prefixes=True, scaled=True),
    "one token": window_chain(1, 3, with_prefixes=True),
    "context one": window_chain(4, 1),
    "sparse": sparse_chain(),
    "reachable": reachable_part(),
    "absorbing": absorbing(),
    "absorbing, scaled": absorbing(scaled=True),
    "one state": (mg.SparseChain.from_matrix([[1.0]]), np.ones((1, 1))),
}


@pytest.fixture(params=CHAINS)
def chain_and_matrix(request):
    return CHAINS[request.param]


@pytest.mark.parametrize("kind", [np.asarray, ScaledArray.of])
def test_push_and_pull_are_products_with_the_matrix(chain_and_matrix, kind):
    chain, matrix = chain_and_matrix
    vector = GENERATOR.random(chain.n_states)
    pushed, pulled = chain.push(kind(vector)), chain.pull(kind(vector))
    assert ScaledArray.of(pushed).to_float() == pytest.approx(vector @ matrix, rel=1e-14)
    assert ScaledArray.of(pulled).to_float() == pytest.approx(matrix @ vector, rel=1e-14)
    if kind is ScaledArray.of:
        assert isinstance(pushed, ScaledArray)
        assert isinstance(pulled, ScaledArray)


@pytest.mark.parametrize("name", ["push", "pull"])
def test_a_vector_of_another_length_is_refused(chain_and_matrix, name):
    chain, _ = chain_and_matrix
    with pytest.raises(mg.InvalidInput, match=rf"a vector must have the shape \({chain.n_states},\), got"):
        getattr(chain, name)([1.0] * (chain.n_states + 1))


def test_edges_are_what_is_possible_sorted_by_source(chain_and_matrix):
    chain, matrix = chain_and_matrix
    source, target, probability = chain.edges()
    assert (np.diff(source) >= 0).all()
    assert len(set(zip(source.tolist(), target.tolist(), strict=True))) == len(source)
    dense = np.zeros_like(matrix)
    dense[source, target] = ScaledArray.of(probability).to_float()
    assert dense == pytest.approx(matrix, rel=1e-15)
    assert set(zip(source, target, strict=True)) == set(zip(*np.nonzero(matrix), strict=True))


def test_matrices_and_support_agree_with_the_definition(chain_and_matrix):
    chain, matrix = chain_and_matrix
    assert chain.to_csr().toarray() == pytest.approx(matrix, rel=1e-15)
    assert chain.support().toarray().tolist() == (matrix > 0).tolist()
    assert chain.to_csr().nnz == np.count_nonzero(matrix)


def test_the_graph_has_every_transition_with_its_probability(chain_and_matrix):
    chain, matrix = chain_and_matrix
    graph = chain.to_networkx()
    assert set(graph.nodes) == set(range(chain.n_states))
    assert {state: graph.nodes[state]["label"] for state in graph} == {s: chain.label(s) for s in range(chain.n_states)}
    assert set(graph.edges) == set(zip(*map(np.ndarray.tolist, np.nonzero(matrix)), strict=True))
    for start, end, found in graph.edges(data=True):
        assert found["weight"] == pytest.approx(matrix[start, end], rel=1e-15)
        assert found["log10_probability"] == pytest.approx(np.log10(matrix[start, end]), abs=1e-14)
        if chain.space is not None:
            assert found["token"] == chain.space.decode(end)[-1]


def test_the_graph_says_which_text_each_state_and_which_token_each_step_is():
    tokens = mg.Vocabulary(("a", " ", "\n"))
    graph = mg.WindowChain(mg.StateSpace(3, 2), np.full((9, 3), 1 / 3), tokens).to_networkx()
    assert graph.nodes[5] == {"label": "␣\\n", "text": " \n"}  # 5 = 1 * 3 + 2
    assert (graph.edges[5, 7]["token"], graph.edges[5, 7]["token_label"]) == (1, "␣")  # 2 * 3 + 1
    unnamed = mg.WindowChain(mg.StateSpace(3, 2), np.full((9, 3), 1 / 3)).to_networkx()
    assert unnamed.nodes[5] == {"label": "12"}
    assert unnamed.edges[5, 7]["token_label"] == "1"


def test_the_graph_among_some_states_is_the_induced_subgraph(chain_and_matrix):
    chain, _ = chain_and_matrix
    among = np.arange(chain.n_states) % 3 != 1
    whole, part = chain.to_networkx(), chain.to_networkx(among)
    induced = whole.subgraph(np.flatnonzero(among).tolist())
    assert dict(part.nodes(data=True)) == dict(induced.nodes(data=True))
    assert {(s, e): d for s, e, d in part.edges(data=True)} == {(s, e): d for s, e, d in induced.edges(data=True)}


def test_bounds_on_rows_columns_and_entries_hold(chain_and_matrix):
    chain, matrix = chain_and_matrix
    assert chain.largest_row >= np.count_nonzero(matrix, axis=1).max()
    assert chain.largest_column >= np.count_nonzero(matrix, axis=0).max()
    assert float(chain.smallest_probability.to_float()) == pytest.approx(matrix[matrix > 0].min(), rel=1e-15)


def test_a_transition_below_the_doubles_is_kept_and_never_read_as_impossible():
    table = mg.LogitTable(mg.StateSpace(2, 1), np.array([[0.0, -1.0], [0.0, -1.0]]))
    cold = mg.WindowChain.from_logits(table, mg.SamplingSettings(temperature=1e-4))
    assert isinstance(cold.next_token_probs, ScaledArray)
    assert cold.support().toarray().tolist() == [[True, True], [True, True]]
    edge = cold.to_networkx().edges[0, 1]
    assert edge["weight"] == 0.0
    assert edge["log10_probability"] == pytest.approx(-10_000 / np.log(10), rel=1e-12)
    with pytest.raises(mg.InvalidInput, match=r"got a probability of 10\*\*-4342.9 from state 0 to 1; ask the chain"):
        cold.to_csr()
