"""What is shown of a chain that is too large to show: states merged into one node, by class or by their newest tokens.

Nodes and edges are those of `markovgpt.graphs.views`; a node is ``red``, a ``start`` or on a ``cycle`` if one of its
states is, and ``absorbing`` if it is one state that is never left.
"""

from dataclasses import replace

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.paths import require_number_shown
from markovgpt.analysis.reachability import absorption_columns, expected_visits
from markovgpt.analysis.result import Answer
from markovgpt.analysis.shape import ChainShape, chain_shape
from markovgpt.analysis.structure import recurrent_classes
from markovgpt.chains.operator import TransitionOperator, windows_of
from markovgpt.chains.states import Mask, StateSpace, Windows, is_count
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.graphs.marked_states import (
    MOST_STATES,
    PARTS,
    Marking,
    counted,
    entitled,
    in_words,
    long_run_of,
    mass_of,
    require_size,
)
from markovgpt.graphs.merged_nodes import add_flows, add_groups, flows_between
from markovgpt.graphs.shown_graph import StateGraph
from markovgpt.scaled import FloatArray, ScaledArray, at_most, choose, is_positive, widen
from markovgpt.solvers.certificate import at_most_one
from markovgpt.sums import scatter_sum

Groups = NDArray[np.int64]


def suffix_graph(
    chain: TransitionOperator, length: int, *, red: Target | None = None, start: Start | None = None
) -> StateGraph:
    """What does it look like to one who sees the newest tokens alone? Windows merged that share these.

        P(s -> t) = sum of pi(i) P(i, t) over the windows i in s, divided by pi(s)

    with pi the long run. If all windows of a suffix lead on with the same probabilities (the chain is lumpable) these
    hold at any time, otherwise they are what is seen in the long run.

    Parameters
    ----------
    length: how many tokens, from 1 to the context length. A node's number is that of its tokens among all windows of so
        many; suffixes that the long run never visits are left out.
    red, start: as for `state_graph`; without a start the chain must have one recurrent class.

    Raises
    ------
    InvalidInput: a chain whose states are no windows, another length, several recurrent classes without a start, and
        what `state_graph` refuses.
    TooLarge: more than 10,000 suffixes or 200,000 edges.
    NotConverged: the long run was not found with bounds that hold.

    After 00 both tokens are as likely, after 01 follows 1, else 0: the long run has 2/5 of 00 and 1/5 of each other.

    >>> from markovgpt.chains.window_chain import WindowChain
    >>> rows = np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    >>> graph = suffix_graph(WindowChain(StateSpace(2, 2), rows), 1)
    >>> [(s, t, round(found["weight"], 12)) for s, t, found in graph.edges(data=True)]
    [(0, 0, 0.666666666667), (0, 1, 0.333333333333), (1, 0, 0.5), (1, 1, 0.5)]
    """
    space = windows_of(chain)
    if not is_count(length) or not 1 <= length <= space.context_length:
        raise InvalidInput(f"length must be a whole number in 1..{space.context_length}, got {length}; see chain.space")
    marks = Marking.of(chain, red, start)
    suffix, mass = _suffixes(space, length), marks.shares.enclosure
    numbers = np.unique(suffix[is_positive(mass.value) & (suffix >= 0)])
    if not len(numbers):
        raise InvalidInput(
            f"length must be that of windows in the long run, got {length}, with shorter ones alone; give a smaller one"
        )
    require_size(len(numbers))
    place = np.minimum(np.searchsorted(numbers, suffix), len(numbers) - 1)
    groups = np.where(numbers[place] == suffix, place, -1)
    flows = flows_between(chain, groups, mass.value)
    graph: nx.DiGraph[int] = nx.DiGraph()
    names = dict(enumerate(numbers.tolist()))
    add_groups(graph, marks, groups, names)
    shares, seen = _together(marks.shares, groups, len(numbers)), StateSpace(space.vocab_size, length)
    leaving = set(flows.source[flows.source != flows.target].tolist())
    shorter = length < space.context_length
    for group, node in names.items():
        found, window = graph.nodes[node], seen.decode(node)
        found["label"] = f"{'…' if shorter else ''}{seen.label(node, chain.vocabulary)}"
        if chain.vocabulary is not None:
            found["text"] = chain.vocabulary.decode(window)
        found["absorbing"] = found["n_states"] == 1 and group not in leaving
        found.update(long_run_of(shares, group))
    add_flows(graph, flows, scatter_sum(flows.amount, flows.source, len(numbers)), names, chain.vocabulary)
    require_size(len(graph), graph.number_of_edges())
    newest = "token" if length == 1 else counted(length, "token")
    title = f"Windows merged by their newest {newest}, with the probabilities of the long run{marks.origin}"
    return entitled(graph, title, marks.without(groups >= 0), marks.mass_of(groups < 0))


def _together(shares: Answer, groups: Groups, n_groups: int) -> Answer:
    """(n_groups,) the shares of the states of each group, added up."""
    found, inside = shares.enclosure, groups >= 0
    sums = [scatter_sum(ScaledArray.of(getattr(found, part))[inside], groups[inside], n_groups) for part in PARTS]
    roundings = np.bincount(groups[inside], minlength=n_groups)
    lower, upper = widen(sums[1], roundings)[0], widen(sums[2], roundings)[1]
    return Answer.of(at_most_one(replace(found, value=sums[0], lower=lower, upper=upper)))


def _suffixes(space: Windows, length: int) -> Groups:
    """(n_states,) the number of the newest tokens of each window; -1 where it is shorter."""
    V = space.vocab_size
    if V**length > 2**62:
        raise TooLarge(f"suffixes must have numbers below 2**62, got {length} of {V} tokens; give a smaller length")
    number = np.zeros(space.n_states, dtype=np.int64)
    for place in range(length):
        token = space.token_from_end(place)
        number += token * V**place
    return np.where(token < 0, -1, number)


def condensation_graph(
    chain: TransitionOperator, k: int = 50, *, red: Target | None = None, start: Start | None = None
) -> StateGraph:
    """Which class leads to which, and where does it end? One node for each communicating class.

    Nodes are numbered as in `condensation`, with ``recurrent`` and ``period`` besides what every view has; the share of
    the long run of a class is the probability to end there, which recurrent ones have as ``absorption`` too. The
    ``weight`` of an edge is the probability that it leads there if its class is left.

    Parameters
    ----------
    k: how many classes, at least 1: those that it most likely ends in, then those of most states, of equals the first.
    red: as for `state_graph`.
    start: where it begins; None draws the state it begins in, each as likely. Classes that are never reached from there
        are left out.

    Raises
    ------
    InvalidInput: k below 1, and what `state_graph` refuses.
    TooLarge: more than 10,000 recurrent classes, each of which needs an answer of its own; `chain_shape` has them all.
    NotConverged: an absorption probability was not found with bounds that hold.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.125, 0.375, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    >>> graph = condensation_graph(chain, start=0)
    >>> [(s, t, round(found["weight"], 12)) for s, t, found in graph.edges(data=True)]
    [(0, 1, 0.25), (0, 2, 0.75)]
    >>> graph.nodes[2]["n_states"], graph.nodes[2]["period"], round(graph.nodes[2]["absorption"], 12)
    (2, 2, 0.75)
    """
    require_number_shown(k)
    marks, shape = Marking.of(chain, red, start, long_run=False), chain_shape(chain)
    begin = np.full(chain.n_states, 1 / chain.n_states) if marks.begin is None else marks.begin
    reached = chain.reached_from(begin > 0, np.ones(chain.n_states, dtype=bool))
    ends = _ends(chain, shape, begin)
    kept = _largest(shape, ends, reached, k)
    graph: nx.DiGraph[int] = nx.DiGraph()
    groups, names = shape.class_of.astype(np.int64), {node: node for node in np.flatnonzero(kept).tolist()}
    add_groups(graph, marks, groups, names)
    for node, found in graph.nodes(data=True):
        found.update(_described(chain, shape, node), **long_run_of(ends, node))
        if found["recurrent"]:
            found["absorption"] = found["long_run"]
    left = reached & ~shape.recurrent[groups] & kept[groups]
    if left.any():
        visits = expected_visits(chain, shape.recurrent[groups], begin).enclosure.value
        flows = flows_between(chain, groups, visits * np.where(left, 1.0, 0.0))
        flows = flows.where(flows.source != flows.target)
        totals = scatter_sum(flows.amount, flows.source, shape.n_classes)
        add_flows(graph, flows.where(kept[flows.target]), totals, names, chain.vocabulary)
    all_of_them = counted(shape.n_classes, "communicating class", "communicating classes")
    title, words = f"{'The' if shape.n_classes == 1 else 'All'} {all_of_them}", ""
    if not kept.all():
        title = f"{kept.sum():,} of {all_of_them}"
        n_left_out = counted((~kept).sum(), "class", "classes")
        words = in_words(f"{n_left_out} of {counted(shape.sizes[~kept].sum(), 'state')}", mass_of(ends, ~kept))
    return entitled(graph, f"{title}{marks.origin or ', from any state'}", words, mass_of(ends, ~kept))


def _described(chain: TransitionOperator, shape: ChainShape, node: int) -> dict[str, str | int | bool]:
    """What a class is, as attributes of its node."""
    recurrent, size = bool(shape.recurrent[node]), int(shape.sizes[node])
    label = chain.label(int(shape.first_states[node]))
    return {
        "label": label if size == 1 else f"{label}, …",
        "recurrent": recurrent,
        "period": int(shape.periods[node]),
        "absorbing": recurrent and size == 1,
    }


def _ends(chain: TransitionOperator, shape: ChainShape, begin: FloatArray) -> Answer:
    """(n_classes,) the probability to end in each class; 0 for those that are left."""
    recurrent = np.flatnonzero(shape.recurrent)
    if len(recurrent) > MOST_STATES:
        raise TooLarge(
            f"a condensation must have at most {MOST_STATES:,} recurrent classes, got {len(recurrent):,}; "
            "chain_shape has their numbers, sizes and periods"
        )
    columns = absorption_columns(chain, recurrent_classes(chain), begin)
    parts = []
    for part in PARTS:
        whole = ScaledArray.zeros(shape.n_classes)
        for node, column in zip(recurrent.tolist(), columns, strict=True):
            whole[node] = getattr(column, part)
        parts.append(whole)
    sure = parts[1].positive() & at_most(parts[2], parts[1])  # by the support
    below, above = widen(parts[1], 1)[0], widen(parts[2], 1)[1]  # 1 / n is rounded
    lower, upper = choose(sure, parts[1], below), choose(sure, parts[2], above)
    return Answer.of(at_most_one(replace(columns[0], value=parts[0], lower=lower, upper=upper)))


def _largest(shape: ChainShape, ends: Answer, reached: Mask, k: int) -> Mask:
    """The k classes it most likely ends in, then those of most states, among those with reached states."""
    nodes = np.unique(shape.class_of[reached])
    value, kept = ScaledArray.of(ends.enclosure.value)[nodes], np.zeros(shape.n_classes, dtype=bool)
    kept[nodes[np.lexsort((-shape.sizes[nodes], -value.mantissa, -value.exponent))[:k]]] = True
    return kept
