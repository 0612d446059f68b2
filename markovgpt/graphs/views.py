"""What is shown of a chain: the whole of it, or of a large one the part that a reader can see.

Each view is a directed graph of networkx, a `StateGraph`, that can be drawn, written as a file, or looked through:

    nodes    the state's number, with ``label``, ``n_states``, ``absorbing``, ``cycle`` (on a cycle when every state is
             followed by its likeliest), and where it was asked for ``red``, ``start``, ``long_run`` and its bounds
             ``long_run_lower`` and ``long_run_upper``
    edges    as `TransitionOperator.to_networkx` has them
    graph    ``title``, ``left_out`` (a sentence, empty where nothing is left out) and ``mass_left_out``, an upper bound
             of the share of the long run of the states that are not shown

Steps to states that are left out are not shown either.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.paths import Path, most_likely_paths, ratio, require_number_shown
from markovgpt.analysis.reachability import hitting_probability
from markovgpt.analysis.result import Answer
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, is_count
from markovgpt.errors import InvalidInput
from markovgpt.export.outward import bounds_in_digits
from markovgpt.graphs.marked_states import DIGITS, PARTS, Marking, counted, entitled, heaviest, in_words, require_size
from markovgpt.graphs.shown_graph import StateGraph
from markovgpt.scaled import ScaledArray, is_positive, widen
from markovgpt.solvers.certificate import at_most_one


def state_graph(
    chain: TransitionOperator, *, red: Target | None = None, start: Start | None = None, long_run: bool = False
) -> StateGraph:
    """Which states are there, and which leads to which? All of them.

    Parameters
    ----------
    red: states to mark: a bool mask (n_states,), state numbers, a text, a pattern or a function from windows.
    start: where it begins, to mark: a state, a distribution, a window or a text.
    long_run: whether each state says which share of the long run it has, from the start where there is one.

    Raises
    ------
    InvalidInput: red or a start that does not fit the chain; a long run without a start of a chain with several.
    TooLarge: more than 10,000 states or 200,000 edges; the other views show parts.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> graph = state_graph(SparseChain.from_matrix([[0.5, 0.5], [0.0, 1.0]]), red=[1])
    >>> graph.nodes[1]
    {'label': '1', 'n_states': 1, 'absorbing': True, 'cycle': True, 'red': True}
    >>> graph.edges[0, 1]["weight"], graph.graph["title"]
    (0.5, 'All 2 states')
    """
    require_size(chain.n_states)
    marks = Marking.of(chain, red, start, long_run=long_run)
    graph = marks.graph_of(np.ones(chain.n_states, dtype=bool))
    return entitled(graph, f"All {counted(chain.n_states, 'state')}" if chain.n_states > 1 else "The only state")


def heaviest_states(
    chain: TransitionOperator, k: int = 20, *, red: Target | None = None, start: Start | None = None
) -> StateGraph:
    """Where does it live? The k states with most of the long run, and what leads where among them.

    Parameters
    ----------
    k: how many, at least 1; fewer are shown where the long run visits fewer. Of equals the first.
    red, start: as for `state_graph`; without a start the chain must have one recurrent class.

    Raises
    ------
    InvalidInput: k below 1, several recurrent classes without a start, and what `state_graph` refuses.
    TooLarge: more than 10,000 states or 200,000 edges would be shown.
    NotConverged: the long run was not found with bounds that hold.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> weather = SparseChain.from_matrix([[0.9, 0.1, 0.0], [0.3, 0.5, 0.2], [0.0, 0.5, 0.5]])   # 15 : 5 : 2
    >>> graph = heaviest_states(weather, 2)
    >>> list(graph.nodes), graph.graph["left_out"]
    ([0, 1], 'Left out: 1 of 3 states with at most 0.0910 of the long run.')
    """
    require_number_shown(k)
    marks = Marking.of(chain, red, start)
    visited = is_positive(marks.shares.enclosure.value)
    shown = heaviest(marks.shares, visited, k)
    title = f"The {counted(shown.sum(), 'state')} with most of the long run{marks.origin}"
    return entitled(marks.graph_of(shown), title, marks.without(shown), marks.mass_of(~shown))


def around_red(
    chain: TransitionOperator, red: Target, steps: int = 1, *, k: int = 20, start: Start | None = None
) -> StateGraph:
    """What leads to red? Red states, and those from which red is so few steps away.

    Parameters
    ----------
    red: as for `state_graph`, but for patterns longer than the window.
    steps: how many steps before red, at least 0.
    k: how many states are shown of each distance from red, at least 1: those with most of the long run that lead to
        shown ones, of equals the first.
    start: as for `state_graph`; without one the chain must have one recurrent class.

    Raises
    ------
    InvalidInput: steps below 0 and what `heaviest_states` refuses.
    TooLarge: more than 10,000 states or 200,000 edges would be shown.
    NotConverged: the long run was not found with bounds that hold.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> graph = around_red(game, [3], start=1)                            # 1/13 of the games are won
    >>> list(graph.nodes), graph.graph["left_out"]
    ([2, 3], 'Left out: 2 states further away with at most 0.924 of the long run.')
    """
    require_number_shown(k)
    if not is_count(steps):
        raise InvalidInput(f"steps must be a whole number of at least 0, got {steps}; 1 shows what is one token away")
    marks = Marking.of(chain, red, start)
    near = marks.reds
    layer = shown = heaviest(marks.shares, near, k)
    for _ in range(steps):
        next_ones = _leading_to(chain, near) & ~near
        if not next_ones.any():
            break
        layer = heaviest(marks.shares, next_ones & _leading_to(chain, layer), k)
        near, shown = near | next_ones, shown | layer
    by = f", those with most of the long run{marks.origin}" if marks.origin else ""
    title = f"Red and what leads to it within {counted(steps, 'step')}{by}"
    cut, words = near & ~shown, []
    if cut.any():
        words.append(in_words(f"{cut.sum():,} of {counted(near.sum(), 'state')} so near to red", marks.mass_of(cut)))
    if not near.all():
        words.append(in_words(f"{counted((~near).sum(), 'state')} further away", marks.mass_of(~near)))
    return entitled(marks.graph_of(shown), title, "; ".join(words), marks.mass_of(~shown))


def ways_to_red(chain: TransitionOperator, red: Target, start: Start, *, k: int = 10) -> StateGraph:
    """How does it happen? The states and the steps of the k likeliest ways from a start to red.

    Parameters
    ----------
    red: as for `state_graph`, but for patterns longer than the window.
    start: where the ways begin: a state, a distribution, a window or a text.
    k: how many ways, at least 1, as `most_likely_paths` has them; steps of no way are not shown.

    Raises
    ------
    InvalidInput: red cannot be reached from the start, and what `most_likely_paths` refuses.
    TooLarge: more than 10,000 states or 200,000 edges would be shown.
    NotConverged: the long run, or the probability of red, was not found with bounds that hold.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> game = SparseChain.from_matrix([[1, 0, 0, 0], [.75, 0, .25, 0], [0, .75, 0, .25], [0, 0, 0, 1]])
    >>> graph = ways_to_red(game, [3], 1, k=1)                            # 1/16 of 1/13
    >>> list(graph.edges)
    [(1, 2), (2, 3)]
    >>> print(graph.graph["left_out"])
    Left out: 1 of 4 states with at most 0.924 of the long run; all other ways, these have 0.812 of P(red) or more.
    """
    marks = Marking.of(chain, red, start)
    ways = most_likely_paths(chain, marks.reds, start=start, k=k)
    if not ways:
        raise InvalidInput(
            f"red must be within reach of the start, got none of it{marks.origin}; see hitting_probability"
        )
    shown = np.zeros(chain.n_states, dtype=bool)
    steps: set[tuple[int, int]] = set()
    for way in ways:
        shown[list(way.states)] = True
        steps.update(pairwise(way.states))
    graph = marks.graph_of(shown)
    graph.remove_edges_from([edge for edge in graph.edges if edge not in steps])
    words = [] if shown.all() else [marks.without(shown)]
    share = bounds_in_digits(_together(ways, hitting_probability(chain, marks.reds, start=start)), DIGITS)[0]
    if len(ways) == k and share != "1":
        words.append(f"all other ways, these have {share} of P(red) or more")
    title = f"The {'likeliest way' if len(ways) == 1 else f'{len(ways):,} likeliest ways'} to red{marks.origin}"
    return entitled(graph, title, "; ".join(words), marks.mass_of(~shown))


def likely_steps(graph: StateGraph, least: float) -> StateGraph:
    """What happens often? A state graph without its unlikely steps, which are counted in what is left out.

    Parameters
    ----------
    graph: as a view gives it; it is not changed.
    least: steps of a smaller probability are left out; in (0, 1].

    Raises
    ------
    InvalidInput: least outside of (0, 1].

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> graph = likely_steps(state_graph(SparseChain.from_matrix([[0.75, 0.25], [0.5, 0.5]])), 0.5)
    >>> list(graph.edges), graph.graph["left_out"]
    ([(0, 0), (1, 0), (1, 1)], 'Left out: 1 of 4 steps, less likely than 0.5.')
    """
    if not 0 < least <= 1:
        raise InvalidInput(f"least must be a probability above 0, got {least}; 0.01 leaves out what is rare")
    kept: StateGraph = graph.copy()
    rare = [(begin, end) for begin, end, given in graph.edges(data=True) if given["weight"] < least]
    if rare:
        kept.remove_edges_from(rare)
        words = f"{len(rare):,} of {counted(graph.number_of_edges(), 'step')}, less likely than {least:g}"
        before = str(graph.graph.get("left_out", ""))
        kept.graph["left_out"] = f"{before.removesuffix('.')}; {words}." if before else f"Left out: {words}."
    return kept


def _together(ways: Sequence[Path], whole: Answer) -> Answer:
    """What part of a probability some ways have together."""
    parts = [way.probability.enclosure for way in ways]
    sums = {name: sum((ScaledArray.of(getattr(part, name)) for part in parts), ScaledArray.zeros(())) for name in PARTS}
    lower, upper = widen(sums["lower"], len(ways))[0], widen(sums["upper"], len(ways))[1]
    all_of_them = replace(parts[0], value=sums["value"], lower=lower, upper=upper)
    return Answer.of(at_most_one(ratio(all_of_them, whole.enclosure)))


def _leading_to(chain: TransitionOperator, states: Mask) -> Mask:
    """From which states does one step lead to some states?"""
    return is_positive(chain.pull(np.where(states, 1.0, 0.0)))
