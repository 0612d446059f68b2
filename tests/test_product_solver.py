"""The solver of products against dense linear algebra."""

import numpy as np
import pytest

import markovgpt as mg
from markovgpt.analysis.question import posed
from markovgpt.chains.automaton import aho_corasick
from markovgpt.chains.product import ProductChain, product
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.solvers.iterative import IterativeSystem
from markovgpt.solvers.live_system import live_system
from markovgpt.solvers.product_solver import ProductSolver

V, L = 6, 4


@pytest.fixture(scope="module")
def chain():
    rows = np.random.default_rng(3).dirichlet(np.full(V, 0.6), size=V**L)
    return mg.WindowChain(mg.StateSpace(V, L), rows)


def killed(asked, live):
    """Q on live states as a dense matrix."""
    return asked.chain.to_csr().toarray()[np.ix_(live, live)]


def test_rows_and_columns_solve_their_equations(chain):
    asked = posed(chain, mg.red_tokens((0, 1, 2, 3, 4, 0)), stop_tokens=(4,))  # begun anywhere: after a stop token too
    whole, live = asked.chain, asked.through.copy()
    live[np.flatnonzero(whole.entered)] = False
    inner = np.flatnonzero(live)
    Q, solver = killed(asked, live), ProductSolver(whole, live)
    gain = np.random.default_rng(0).random(whole.n_states) * live
    start = gain / gain.sum()
    eye = np.eye(len(inner))
    assert solver.column(gain)[inner] == pytest.approx(np.linalg.solve(eye - Q, gain[inner]), rel=1e-9)
    assert solver.row(start)[inner] == pytest.approx(np.linalg.solve(eye - Q.T, start[inner]), rel=1e-9)
    assert (solver.column(gain)[~live] == 0).all()
    assert (solver.row(start)[~live] == 0).all()
    assert (solver.visits()[inner[inner < chain.n_states]] > 0).all()


@pytest.mark.parametrize("word", [(0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 0, 1), (0, 0, 0, 0, 0, 0)])
def test_a_long_text_is_answered_on_the_windows(chain, word):
    asked = posed(chain, mg.red_tokens(word), start=(1, 1, 1, 1))
    live = asked.through
    system = live_system(asked.chain, live)
    assert isinstance(system, IterativeSystem)
    assert isinstance(system.chain, ProductChain)
    Q, inner = killed(asked, live), np.flatnonzero(live)
    time = np.linalg.solve(np.eye(len(inner)) - Q, np.ones(len(inner)))
    found = mg.expected_hitting_time(chain, mg.red_tokens(word))
    assert "on a product" in found.method
    assert (found.lower <= time[: chain.n_states] * (1 + 1e-9)).all()
    assert (found.upper >= time[: chain.n_states] * (1 - 1e-9)).all()
    one = mg.expected_hitting_time(chain, mg.red_tokens(word), start=(1, 1, 1, 1))
    assert one.lower <= found.upper[chain.space.encode((1, 1, 1, 1))]
    assert one.upper >= found.lower[chain.space.encode((1, 1, 1, 1))]
    assert one.upper / one.lower - 1 < 1e-9


def test_an_expression_that_remembers_for_ever_is_answered_on_a_list(chain):
    letters = mg.Vocabulary(("a", "b", "c", "d", "e", "f"))
    spoken = mg.WindowChain(chain.space, chain.next_token_probs.copy(), letters)
    red = mg.red_regex("ab[^e]*cd", letters)
    asked = posed(spoken, red, start="eeee", stop_tokens=(4,))
    assert isinstance(live_system(asked.chain, asked.through).chain, SparseChain)
    inner = np.flatnonzero(asked.through)
    dense = asked.chain.to_csr().toarray()
    h = np.linalg.solve(
        np.eye(len(inner)) - dense[np.ix_(inner, inner)], dense[np.ix_(inner, asked.reached)].sum(axis=1)
    )
    expected = float(asked.begin[inner] @ h)
    found = mg.hitting_probability(spoken, red, start="eeee", stop_tokens=(4,))
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert found.lower <= expected * (1 + 1e-9)


def test_the_long_run_of_a_product(chain):
    asked = posed(chain, mg.red_tokens((0, 1, 2, 3, 4, 0)), start=(1, 1, 1, 1))
    share = mg.long_run_distribution(asked.chain, asked.begin).value[asked.reached].sum()
    # the text is complete as often as its first window is seen and then goes on so
    window = (0, 1, 2, 3)
    expected = mg.stationary_distributions(chain).distributions[0][chain.space.encode(window)]
    for token in (4, 0):
        expected *= chain.next_token_probs[chain.space.encode(window), token]
        window = (*window[1:], token)
    assert share == pytest.approx(expected, rel=1e-9)


def test_a_recurrent_class_of_windows_alone_is_solved_on_them(chain):
    nothing = aho_corasick([(0,)], V)  # the window shows it: no pair is added
    both, _ = product(chain, nothing.next_state, nothing.states_of(chain.space))
    found = ProductSolver(both, np.ones(V**L, dtype=bool)).stationary()
    assert found == pytest.approx(mg.stationary_distributions(chain).distributions[0], rel=1e-9)
