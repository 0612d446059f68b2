"""States merged into groups: the nodes they become, and the arrows between them, weighted by what flows along."""

from typing import NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask, window_label
from markovgpt.graphs.marked_states import Marking
from markovgpt.memory import require_memory
from markovgpt.scaled import Numbers, ScaledArray, concatenate, is_positive
from markovgpt.sums import scatter_sum
from markovgpt.vocabulary import Vocabulary

Groups = NDArray[np.int64]
EDGES_AT_ONCE = 2**21  # transitions that are listed in one pass
BYTES_PER_STATE, BYTES_PER_EDGE = 64, 300  # tokens, masses and which are asked about; listed, sorted, and added up
MOST_TOKENS = 3  # that are named on one arrow


class Flows(NamedTuple):
    """What flows from one group to another by a token, sorted; no triple twice, every amount above zero."""

    source: Groups
    target: Groups
    token: Groups  # -1 where the states are no windows
    amount: Numbers

    def where(self, kept: Mask) -> "Flows":
        """Some of them."""
        return Flows(self.source[kept], self.target[kept], self.token[kept], self.amount[kept])


def flows_between(chain: TransitionOperator, groups: Groups, mass: Numbers) -> Flows:
    """How much flows between groups in one step, with which tokens?

        sum of mass(i) P(i, j) over i in one group and j in another

    Parameters
    ----------
    groups: (n_states,) the group of each state; one below 0 is in none.
    mass: (n_states,) what leaves each state.

    Raises
    ------
    TooLarge: 64 bytes a state and 600 MB would not fit.

    Method: the transitions of states with mass, two million at a time.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> chain = SparseChain.from_matrix([[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]])
    >>> found = flows_between(chain, np.array([0, 1, 1]), np.array([4.0, 0.0, 1.0]))
    >>> found.source.tolist(), found.target.tolist(), found.amount.to_float().tolist()
    ([0, 0, 1], [0, 1, 1], [2.0, 2.0, 1.0])
    """
    n_listed = min(EDGES_AT_ONCE, chain.n_states * chain.largest_row)
    require_memory(
        BYTES_PER_STATE * chain.n_states + BYTES_PER_EDGE * n_listed,
        f"the flows between groups of {chain.n_states} states",
        "give a shorter context length",
    )
    n_groups, weights = int(groups.max(initial=-1)) + 1, ScaledArray.of(mass)
    newest = None if chain.space is None else chain.space.token_from_end(0)
    n_tokens = 1 if chain.space is None else chain.space.vocab_size + 1
    leaving = np.flatnonzero((groups >= 0) & is_positive(mass))
    keys, amounts = [np.zeros(0, dtype=np.int64)], [ScaledArray.zeros(0)]
    at_once = max(1, EDGES_AT_ONCE // chain.largest_row)
    for first in range(0, len(leaving), at_once):
        of = np.zeros(chain.n_states, dtype=bool)
        of[leaving[first : first + at_once]] = True
        source, target, probability = chain.edges(of)
        token: Groups = np.zeros(len(target), dtype=np.int64) if newest is None else newest[target] + 1
        key = (groups[source] * n_groups + groups[target]) * n_tokens + token
        inside = groups[target] >= 0
        key, amount = _gathered(key[inside], (weights[source] * probability)[inside])
        keys.append(key)
        amounts.append(amount)
    key, total = _gathered(np.concatenate(keys), ScaledArray.of(concatenate(amounts)))
    pair, token = np.divmod(key, n_tokens)
    return Flows(*np.divmod(pair, max(1, n_groups)), token - 1, total)


def _gathered(keys: Groups, amounts: ScaledArray) -> tuple[Groups, ScaledArray]:
    """The amounts of each key, added up; the keys sorted."""
    found, place = np.unique(keys, return_inverse=True)
    return found, ScaledArray.of(scatter_sum(amounts, place, len(found)))


def add_groups(graph: "nx.DiGraph[int]", marks: Marking, groups: Groups, names: dict[int, int]) -> None:
    """Nodes for some groups, with how many states they are and what these are marked with.

    Parameters
    ----------
    groups: (n_states,) the group of each state; one below 0 is in none.
    names: the node that each group becomes.
    """
    inside, n_groups = groups >= 0, int(groups.max(initial=-1)) + 1
    sizes = np.bincount(groups[inside], minlength=n_groups)
    marked = {"cycle": marks.cyclic}
    if marks.red is not None:
        marked["red"] = marks.red
    if marks.begin is not None:
        marked["start"] = marks.begin > 0
    held = {name: np.bincount(groups[inside & mask], minlength=n_groups) > 0 for name, mask in marked.items()}
    for group, node in names.items():
        graph.add_node(node, n_states=int(sizes[group]), **{name: bool(found[group]) for name, found in held.items()})


def add_flows(
    graph: "nx.DiGraph[int]", flows: Flows, totals: Numbers, names: dict[int, int], vocabulary: Vocabulary | None
) -> None:
    """Edges for flows between groups: each has the share that it is of all that flows from its group.

    Parameters
    ----------
    totals: (n_groups,) what flows from each group.
    names: the node that each group is.
    """
    starts = np.flatnonzero((np.diff(flows.source, prepend=-1) != 0) | (np.diff(flows.target, prepend=-1) != 0))
    place = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(flows.source))))
    source, target = flows.source[starts].tolist(), flows.target[starts].tolist()
    share = ScaledArray.of(scatter_sum(flows.amount, place, len(starts))) / ScaledArray.of(totals)[source]
    tokens = np.split(flows.token, starts[1:]) if len(starts) else []
    rows = zip(source, target, share.to_float().tolist(), share.log10().tolist(), tokens, strict=True)
    for begin, end, weight, log10_probability, written in rows:
        edge = (names[begin], names[end])
        graph.add_edge(*edge, weight=weight, log10_probability=log10_probability)
        if written[0] >= 0:
            labels = [window_label((token,), vocabulary) for token in written[:MOST_TOKENS].tolist()]
            graph.edges[edge]["token_label"] = ", ".join(labels + ["…"] * (len(written) > MOST_TOKENS))
            if len(written) == 1:
                graph.edges[edge]["token"] = int(written[0])
