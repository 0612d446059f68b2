"""One question about reaching, posed on two chains over the same states, so that its answers can be compared by state.

Where the target is seen in the windows, both chains have the same states already. Where it is not, each has a product
with what has been written, of as many states as its own support leads to: here both get the states of either.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from markovgpt.analysis.arguments import Start, Target
from markovgpt.analysis.question import Question, posed
from markovgpt.chains.normalised_rows import normalised_rows
from markovgpt.chains.operator import Edges, TransitionOperator
from markovgpt.chains.product import ProductChain
from markovgpt.chains.sparse_chain import SparseChain
from markovgpt.chains.window_chain import WindowChain
from markovgpt.errors import InvalidInput
from markovgpt.memory import require_memory
from markovgpt.scaled import concatenate, is_positive


def pose_on_both(
    before: TransitionOperator,
    after: TransitionOperator,
    target: Target,
    *,
    start: Start,
    avoiding: Target | None = None,
    stop_tokens: Sequence[int] = (),
) -> tuple[Question, Question]:
    """The same question about two chains, on the same states; parameters and refusals as for `posed`.

    Raises
    ------
    InvalidInput: chains of different sizes.

    >>> from markovgpt.chains.sparse_chain import SparseChain
    >>> one, two = SparseChain.from_matrix([[0.5, 0.5], [0, 1]]), SparseChain.from_matrix([[0, 1], [0, 1]])
    >>> [asked.reached.tolist() for asked in pose_on_both(one, two, [1], start=0)]
    [[False, True], [False, True]]
    """
    if before.n_states != after.n_states:
        raise InvalidInput(
            f"before and after must have the same states, got {before.n_states} and {after.n_states}; "
            "see compare_chains(shared=True)"
        )
    asked = posed(after, target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    if not isinstance(asked.chain, ProductChain):
        return replace(asked, chain=before), asked
    either = posed(_either(before, after), target, start=start, avoiding=avoiding, stop_tokens=stop_tokens)
    if not isinstance(either.chain, ProductChain):  # as it is for both where it is for one
        raise InvalidInput("the target must be one of both chains, got another kind; give a pattern of tokens")
    return (
        replace(either, chain=_with_numbers_of(before, either.chain)),
        replace(either, chain=_with_numbers_of(after, either.chain)),
    )


def _either(before: TransitionOperator, after: TransitionOperator) -> TransitionOperator:
    """A chain in which all is possible that is in either, with equal chances."""
    if isinstance(before, WindowChain) and isinstance(after, WindowChain):
        n, V = before.n_states, before.space.vocab_size
        require_memory(9 * n * V, f"what is possible in {n} states x {V} tokens", "ask about a shorter pattern")
        table = np.empty((n, V))
        for block in normalised_rows(before, after):
            possible = (is_positive(block.probabilities[0]) | is_positive(block.probabilities[1])).reshape(-1, V)
            table[block.states] = possible / possible.sum(axis=1, keepdims=True)
        return WindowChain(before.space, table, after.vocabulary)
    n = before.n_states
    keys = np.unique(np.concatenate([edges.source * n + edges.target for edges in (before.edges(), after.edges())]))
    source = keys // n
    edges = Edges(source, keys % n, (1 / np.bincount(source, minlength=n))[source])
    return SparseChain(edges, n, None, after.space, after.vocabulary)


def _with_numbers_of(chain: TransitionOperator, either: ProductChain) -> ProductChain:
    """The product with the same states, its transitions those of a chain."""
    n = chain.n_states
    source, target, _ = either.transitions
    wanted = np.zeros(n, dtype=bool)
    wanted[either.window_of[source]] = True
    own = chain.edges(of=wanted)
    keys, asked = own.source * n + own.target, either.window_of[source] * n + either.window_of[target]
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys[order], asked), max(len(keys) - 1, 0))
    there = keys[order][place] == asked if len(keys) else np.zeros(len(asked), dtype=bool)
    probability = concatenate([own.probability])[order[place[there]]]
    return replace(either, base=chain, transitions=Edges(source[there], target[there], probability))
