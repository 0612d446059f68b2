"""States as nodes that carry what is known about them, and words for what is left out of a graph.

A picture shows a graph, not a chain: whatever is to be seen stands on its nodes, its edges and the graph itself.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from markovgpt.analysis.arguments import Start, Target, start_distribution, target_mask
from markovgpt.analysis.result import Answer
from markovgpt.analysis.stationary import long_run_distribution, stationary_distributions
from markovgpt.chains.functional_graph import FunctionalGraph
from markovgpt.chains.operator import TransitionOperator
from markovgpt.chains.states import Mask
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput, TooLarge
from markovgpt.export.outward import bounds_in_digits
from markovgpt.graphs.shown_graph import StateGraph
from markovgpt.scaled import FloatArray, ScaledArray, widen
from markovgpt.solvers.certificate import at_most_one
from markovgpt.sums import TOTAL_ROUNDINGS, total

MOST_STATES, MOST_EDGES = 10_000, 200_000  # of a graph: half a gigabyte
DIGITS = 3  # of a mass in a sentence
PARTS = ("value", "lower", "upper")


@dataclass(frozen=True, eq=False)
class Marking:
    """What is marked in a graph of a chain.

    Parameters
    ----------
    red: (n_states,) which states are red; None asks for no such mark.
    begin: (n_states,) a distribution over the states it begins in, if that is known.
    asks_long_run: whether nodes say which share of the long run they have.
    """

    chain: TransitionOperator
    red: Mask | None
    begin: FloatArray | None
    asks_long_run: bool

    @classmethod
    def of(
        cls, chain: TransitionOperator, red: Target | None, start: Start | None, *, long_run: bool = True
    ) -> "Marking":
        """What is to be marked, in any of the forms people give it; see `target_mask` and `start_distribution`."""
        instead = "the likeliest ways as texts (most_likely_paths)"
        mask = None if red is None else target_mask(chain, red, "red", instead=instead)
        return cls(chain, mask, None if start is None else start_distribution(chain, start), long_run)

    @cached_property
    def shares(self) -> Answer:
        """(n_states,) the share of the long run of each state, from the start where there is one.

        Raises
        ------
        InvalidInput: several recurrent classes, and no start.
        NotConverged: bounds that hold were not found.
        """
        if self.begin is not None:
            return long_run_distribution(self.chain, self.begin)
        n_recurrent = int(self.chain.strong_components()[1].sum())
        if n_recurrent > 1:
            raise InvalidInput(
                f"without a start the long run must be one, got a chain with {n_recurrent} recurrent classes; "
                "say where it begins (start=)"
            )
        return stationary_distributions(self.chain).only()

    @cached_property
    def cyclic(self) -> Mask:
        """(n_states,) which states are on a cycle when each is followed by its likeliest."""
        return FunctionalGraph.of(likeliest_successors(self.chain)).is_cyclic

    @property
    def reds(self) -> Mask:
        """The red states, of a graph that needs them."""
        return np.zeros(self.chain.n_states, dtype=bool) if self.red is None else self.red

    def mass_of(self, states: Mask) -> Answer:
        """The share of the long run of some states together."""
        return mass_of(self.shares, states)

    def without(self, shown: Mask) -> str:
        """Which states are left out, in words; none are none."""
        if shown.all():
            return ""
        return in_words(f"{(~shown).sum():,} of {counted(len(shown), 'state')}", self.mass_of(~shown))

    @property
    def origin(self) -> str:
        """Where it begins, as the end of a title."""
        if self.begin is None:
            return ""
        states = np.flatnonzero(self.begin > 0)
        return f" from {self.chain.label(int(states[0]))}" if len(states) == 1 else f" from {len(states)} states"

    def graph_of(self, shown: Mask) -> "nx.DiGraph[int]":
        """The chain among some states, marked.

        Raises
        ------
        TooLarge: more than 10,000 states or 200,000 edges.
        """
        require_size(int(shown.sum()))
        graph = self.chain.to_networkx(None if shown.all() else shown)
        require_size(len(graph), graph.number_of_edges())
        source, target, _ = self.chain.edges(shown)
        leaving, nodes = set(source[source != target].tolist()), graph.nodes
        for state in graph:
            nodes[state].update(n_states=1, absorbing=state not in leaving, cycle=bool(self.cyclic[state]))
            if self.red is not None:
                nodes[state]["red"] = bool(self.red[state])
            if self.begin is not None:
                nodes[state]["start"] = bool(self.begin[state] > 0)
            if self.asks_long_run:
                nodes[state].update(long_run_of(self.shares, state))
        return graph


def long_run_of(shares: Answer, node: int) -> dict[str, float]:
    """The share of the long run of one entry of an answer, as attributes of a node."""
    value, lower, upper = (float(getattr(shares, part)[node]) for part in PARTS)
    return {"long_run": value, "long_run_lower": lower, "long_run_upper": upper}


def require_size(n_nodes: int, n_edges: int = 0) -> None:
    """Refuse a graph that nobody could look at.

    Raises
    ------
    TooLarge: more than 10,000 nodes or 200,000 edges.
    """
    if n_nodes > MOST_STATES or n_edges > MOST_EDGES:
        raise TooLarge(
            f"a state graph must have at most {MOST_STATES:,} states and {MOST_EDGES:,} edges, got {n_nodes:,} states"
            f"{f' and {n_edges:,} edges' if n_edges else ''}; show a part of it (heaviest_states, around_red, "
            "ways_to_red, condensation_graph, suffix_graph)"
        )


def likeliest_successors(chain: TransitionOperator) -> NDArray[np.int64]:
    """The state that each most likely leads to, (n_states,); of tied ones that of the lowest token.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> likeliest_successors(SparseChain.from_matrix([[0.5, 0.5], [0.75, 0.25]])).tolist()
    [0, 0]
    """
    if isinstance(chain, WindowChain):
        space = chain.space
        lengths = range(space.shortest, space.context_length + 1)
        firsts = (space.first_state(min(length + 1, space.context_length)) for length in lengths)
        return np.concatenate(
            [first + block.likeliest.astype(np.int64) for first, block in zip(firsts, chain.blocks, strict=True)]
        )
    source, target, probability = chain.edges()
    scaled = ScaledArray.of(probability)
    tied = target if chain.space is None else chain.space.token_from_end(0)[target]
    order = np.lexsort((tied, -scaled.mantissa, -scaled.exponent, source))
    return target[order[np.searchsorted(source, np.arange(chain.n_states))]]


def heaviest(shares: Answer, among: Mask, k: int) -> Mask:
    """The k states with the largest shares among some, of equals the first; all of them where there are fewer."""
    states = np.flatnonzero(among)
    value = ScaledArray.of(shares.enclosure.value)[states]
    chosen = np.zeros(len(among), dtype=bool)
    chosen[states[np.lexsort((-value.mantissa, -value.exponent))[:k]]] = True
    return chosen


def mass_of(shares: Answer, states: Mask) -> Answer:
    """Some entries of an answer added up, where all of them make at most 1."""
    found = shares.enclosure
    sums = [ScaledArray.of(total(getattr(found, part)[states])) for part in PARTS]
    lower, upper = widen(sums[1], TOTAL_ROUNDINGS)[0], widen(sums[2], TOTAL_ROUNDINGS)[1]
    return Answer.of(at_most_one(replace(found, value=sums[0], lower=lower, upper=upper)))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number of things.

    >>> counted(1, "step"), counted(531441, "state"), counted(2, "class", "classes")
    ('1 step', '531,441 states', '2 classes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def in_words(what: str, mass: Answer) -> str:
    """What is left out, and at most how much of the long run it has, rounded up.

    >>> from markovgpt.solvers.certificate import Enclosure
    >>> half = Answer.of(Enclosure(np.array(0.5), np.array(0.4999), np.array(0.5001), 0.0, "by hand"))
    >>> in_words("3 states", half)
    '3 states with at most 0.501 of the long run'
    """
    upper = bounds_in_digits(mass, DIGITS)[1]
    return f"{what} with none of the long run" if upper == "0" else f"{what} with at most {upper} of the long run"


def entitled(graph: "nx.DiGraph[int]", title: str, left_out: str = "", mass: Answer | None = None) -> StateGraph:
    """The graph with its title, what is left out of it as a sentence, and an upper bound of its mass."""
    return StateGraph(
        graph,
        title=title,
        left_out=f"Left out: {left_out}." if left_out else "",
        mass_left_out=0.0 if mass is None else float(mass.upper),
    )
