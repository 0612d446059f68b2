"""Just above temperature zero: how long does a chain stay on a cycle, and on which is it in the long run?

With W the costs between the attractors of temperature zero (`markovgpt.analysis.cycle_barriers`), as T -> 0

    T log E[steps until another attractor than i]  ->  depth(i) = min over j of W(i, j)
    -T log pi(i)                                   ->  V(i) = tree(i) - min over j of tree(j)
    -T log pi(s)                                   ->  min over i of V(i) + W(i, s),    for any window s

with tree(i) the least cost of K - 1 ways, one from each other attractor, that lead all to i. The deepest cycle need not
be the likeliest: what counts is the whole tree.

Source: M. I. Freidlin, A. D. Wentzell, Random Perturbations of Dynamical Systems, chapter 6 (trees of attractors);
H. P. Young, Econometrica 61 (1993) 57-84, theorem 4, for finite chains.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from markovgpt.analysis.arguments import Start, start_state
from markovgpt.analysis.barriers import Barrier
from markovgpt.analysis.cycle_barriers import (
    CycleBarriers,
    answer_between,
    bounded_costs,
    cheapest_way,
    window_gaps,
)
from markovgpt.analysis.result import Answer
from markovgpt.chains.logits import LogitTable
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.scaled import FloatArray, as_floats
from markovgpt.shown import Shown
from markovgpt.solvers.min_plus import tree_costs

MOST_EDGES = 10**5  # of a graph that networkx is given

Tree = tuple[int, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Escape(Shown):
    """How an attractor is left for another at low temperatures.

    Parameters
    ----------
    attractor: its index in `CycleBarriers`.
    depth: the limit of T log E[steps until another attractor]; also that of -T log P(so within n steps), for any fixed
        n that the cheapest ways have time in. Infinite where nothing leads to another.
    leads_to: the attractors that may be the first, with probabilities that do not vanish as T falls.
    decided: whether all of those surely are, and no others; not where costs are closer than they are known.
    """

    attractor: int
    depth: Answer
    leads_to: tuple[int, ...]
    decided: bool

    def summary(self) -> dict[str, Any]:
        """The escape as a plain dict."""
        where = {"leads_to": list(self.leads_to), "decided": self.decided}
        return {"attractor": self.attractor, "depth": self.depth.summary(), **where}


@dataclass(frozen=True, eq=False, repr=False)
class LongRun(Shown):
    """Which attractors carry the long run as the temperature falls to 0.

    Parameters
    ----------
    exponents: an answer (K,): the limit of -T log pi of each attractor, pi the stationary distribution of the recurrent
        class of the chain that it lies in; infinite where it lies in none. 0 for what remains.
    classes: the attractors of each recurrent class of the chain above temperature 0; mostly one class of all.
    winners: for each class the attractors whose exponent is 0, or may be.
    decided: for each class whether the winners' exponents surely are 0. Several winners share the long run, in
        proportions that costs do not tell.
    trees: for each class a cheapest tree to its first winner: the attractor that each leads to, -1 for none; none where
        they were left out.
    """

    exponents: Answer
    classes: tuple[tuple[int, ...], ...]
    winners: tuple[tuple[int, ...], ...]
    decided: tuple[bool, ...]
    trees: tuple[Tree, ...]

    def summary(self) -> dict[str, Any]:
        """The long run as a plain dict."""
        columns = {name: [list(part) for part in getattr(self, name)] for name in ("classes", "winners", "trees")}
        return {"exponents": self.exponents.summary(), **columns, "decided": list(self.decided)}


def escapes(barriers: CycleBarriers) -> tuple[Escape, ...]:
    """How deep is each attractor, and where does the chain go from it first?

    To leave 0 costs 2, to leave 1 costs 1:

    >>> from markovgpt.analysis.cycle_barriers import cycle_barriers
    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]))
    >>> [(found.depth.value, found.leads_to) for found in escapes(cycle_barriers(table))]
    [(2.0, (1,)), (1.0, (0,))]
    """
    found = []
    for index, (lower, upper) in enumerate(zip(barriers.direct_lower, barriers.direct_upper, strict=True)):
        least, most = lower.min(), upper.min()
        near = np.isfinite(lower) & (lower <= most)
        decided = least == most or near.sum() == 1  # every other one surely costs more
        depth = answer_between(np.asarray(least), np.asarray(most), barriers.costs.method)
        found.append(Escape(index, depth, tuple(np.flatnonzero(near).tolist()), bool(decided or not near.any())))
    return tuple(found)


def way_out(table: LogitTable, barriers: CycleBarriers, index: int) -> Barrier:
    """By which text does the chain leave an attractor for another most cheaply? Of equals by a shortest.

    Raises
    ------
    InvalidInput: an index that is none.
    """
    barriers.require_index(index)
    begin, reached = (np.zeros(table.space.n_states, dtype=bool) for _ in range(2))
    for other, states in enumerate(barriers.attractors):
        (begin if other == index else reached)[states] = True
    return cheapest_way(table, window_gaps(table), begin, reached)


def long_run_near_zero(barriers: CycleBarriers, *, with_trees: bool = True) -> LongRun:
    """Which cycles remain in the long run as the temperature falls to 0, and how fast do the others vanish?

    Parameters
    ----------
    with_trees: whether a cheapest tree is looked for too, which takes longest.

    Returns
    -------
    LongRun, its exponents with bounds; two that lie within the bounds of each other are not decided.

    Raises
    ------
    TooLarge: the graph of all attractors would not fit.

    Method: trees by min-plus elimination (`markovgpt.solvers.min_plus`), exact on the grid of the costs, for lower and
    upper bounds of them; of a first winner the tree itself by Edmonds' algorithm (networkx).

    Every tree is one way here, from 1 to 0 for 1 or from 0 to 1 for 2:

    >>> from markovgpt.analysis.cycle_barriers import cycle_barriers
    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [0.0, 1.0]]))
    >>> found = long_run_near_zero(cycle_barriers(table))
    >>> found.exponents.value.tolist(), found.winners, found.trees
    ([0.0, 1.0], ((0,),), ((-1, 0),))
    """
    K = len(barriers.attractors)
    lower, upper = np.full(K, np.inf), np.full(K, np.inf)
    classes = _classes(barriers.direct_lower)
    winners, decided = [], []
    for members in classes:
        square = np.ix_(members, members)
        below, above = (tree_costs(part[square]) for part in (barriers.direct_lower, barriers.direct_upper))
        lower[list(members)] = np.maximum(below - above.min(), 0.0)
        upper[list(members)] = np.maximum(above - below.min(), 0.0)
        near = [index for index in members if lower[index] == 0]
        alone = len(near) == 1
        if alone:
            upper[near] = 0.0  # every other tree surely costs more
        winners.append(tuple(near))
        decided.append(alone or bool((upper[near] == 0).all()))
    exponents = answer_between(lower, upper, "trees by min-plus elimination")
    trees = tuple(cheapest_tree(barriers, first[0]) for first in winners) if with_trees else ()
    return LongRun(exponents, classes, tuple(winners), tuple(decided), trees)


def cheapest_tree(barriers: CycleBarriers, root: int) -> Tree:
    """By which ways do all attractors lead to one most cheaply? Each names the next; -1 the root, and what lies in
    other classes.

    Raises
    ------
    InvalidInput: an index that is none, or of an attractor that the chain leaves for ever.
    TooLarge: more attractors than networkx is given.

    >>> from markovgpt.analysis.cycle_barriers import cycle_barriers
    >>> from markovgpt.chains.states import StateSpace
    >>> logits = np.array([[9.0, 8.0, 0.0], [0.0, 9.0, 7.0], [6.0, 0.0, 9.0]])           # 0 -> 1 -> 2 -> 0 is cheapest
    >>> cheapest_tree(cycle_barriers(LogitTable(StateSpace(3, 1), logits)), 2)
    (1, 2, -1)
    """
    barriers.require_index(root)
    members = next((found for found in _classes(barriers.direct_lower) if root in found), ())
    if not members:
        raise InvalidInput(f"a tree must lead to an attractor of the long run, got {root}, which is left for ever")
    # a way that costs more than one past others is in no cheapest tree: up to the first of those that leads to the root
    # without coming back, that one could take its place
    tight = np.isfinite(barriers.direct_lower) & (barriers.direct_lower <= as_floats(barriers.costs.enclosure.lower))
    tight[root] = False
    edges = [(source, target) for source in members for target in np.flatnonzero(tight[source]).tolist()]
    if len(edges) > MOST_EDGES:
        raise TooLarge(
            f"the graph of a tree must have at most {MOST_EDGES} ways, got {len(edges)} between {len(members)} "
            "attractors; leave trees out (with_trees=False), or give a shorter context length (tabulate)"
        )
    import networkx as nx  # late: it takes a tenth of a second to import

    backward: nx.DiGraph[int] = nx.DiGraph()
    backward.add_nodes_from(members)
    backward.add_weighted_edges_from(
        (target, source, float(barriers.direct_lower[source, target])) for source, target in edges
    )
    tree = nx.minimum_spanning_arborescence(backward)
    following = dict.fromkeys(range(len(barriers.attractors)), -1) | {source: target for target, source in tree.edges}
    return tuple(following[index] for index in range(len(barriers.attractors)))


def window_exponent(table: LogitTable, barriers: CycleBarriers, long_run: LongRun, window: Start) -> Answer:
    """How fast does the stationary probability of one window vanish: the limit of -T log pi(s)?

    Parameters
    ----------
    window: a state, a window of token ids, or a text.

    Raises
    ------
    InvalidInput: what is no window.

    >>> from markovgpt.analysis.cycle_barriers import cycle_barriers
    >>> from markovgpt.chains.states import StateSpace
    >>> table = LogitTable(StateSpace(2, 1), np.array([[3.0, 1.0], [1.0, 0.0]]))          # 1 -> 0 for nothing
    >>> barriers = cycle_barriers(table)
    >>> window_exponent(table, barriers, long_run_near_zero(barriers), [1]).value
    2.0
    """
    state = start_state(WindowChain.from_logits(table), window)
    costs = window_gaps(table)
    reached = np.zeros(table.space.n_states, dtype=bool)
    reached[state] = True
    ahead = costs.distances(reached, ~reached)
    bounds = bounded_costs(table, costs, np.array([ahead[states[0]] for states in barriers.attractors]))
    carried = long_run.exponents.enclosure
    begin = [np.where(long_run.exponents.infinite, np.inf, as_floats(part)) for part in (carried.lower, carried.upper)]
    lower, upper = (np.asarray((part + more).min()) for part, more in zip(begin, bounds, strict=True))
    if not (barriers.exact and np.array_equal(*bounds)):  # one rounding more
        lower = np.where(lower < np.inf, np.nextafter(lower, 0.0), np.inf)  # none leads there at all
        upper = np.where(upper > 0, np.nextafter(upper, np.inf), 0.0)
    return answer_between(np.asarray(lower), np.asarray(upper), "least costs and trees")


def _classes(direct: FloatArray) -> tuple[tuple[int, ...], ...]:
    """The attractors of each recurrent class of the chain: those that lead to each other and to no more."""
    possible = np.isfinite(direct)
    _, labels = connected_components(csr_array(possible), directed=True, connection="strong")
    left = set(labels[np.flatnonzero((possible & (labels[:, None] != labels)).any(axis=1))].tolist())
    groups: dict[int, list[int]] = {}
    for index, label in enumerate(labels.tolist()):
        if label not in left:
            groups.setdefault(label, []).append(index)
    return tuple(tuple(group) for group in groups.values())
